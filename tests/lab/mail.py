# SPDX-License-Identifier: GPL-2.0-or-later
"""mail.py - what servers of SMTP (RFC 5321, 3207) and IMAP (RFC 9051) say to one who wants TLS, and then to leave."""

from dataclasses import dataclass
from typing import Callable


@dataclass(frozen=True)
class Protocol:
    port: int
    greeting: bytes
    answer: Callable  # to a line, as words
    leave: bytes      # what a client says last
    farewell: bytes   # what it then hears


def _smtp(words):
    return {b"EHLO": b"250-mail.example\r\n250 STARTTLS\r\n", b"STARTTLS": b"220 go ahead\r\n",
            b"QUIT": b"221 bye\r\n"}.get(words[0].upper(), b"500 what?\r\n")


def _imap(words):
    tag, command = words[0], words[1].upper() if len(words) > 1 else b""
    untagged = {b"CAPABILITY": b"* CAPABILITY IMAP4rev1 STARTTLS\r\n", b"LOGOUT": b"* BYE\r\n"}.get(command, b"")
    known = untagged or command == b"STARTTLS"
    return untagged + tag + (b" OK done\r\n" if known else b" BAD what?\r\n")


PROTOCOLS = {
    "smtp": Protocol(587, b"220 mail.example ESMTP\r\n", _smtp, b"QUIT\r\n", b"221 bye"),
    "imap": Protocol(143, b"* OK ready\r\n", _imap, b"a LOGOUT\r\n", b"* BYE"),
}


async def serve(protocol, context, reader, writer):
    """One connection. context: of ssl, the server's."""
    writer.write(protocol.greeting)
    while words := (await reader.readline()).split():
        writer.write(protocol.answer(words))
        await writer.drain()
        if words[-1].upper() == b"STARTTLS":
            await writer.start_tls(context)
        elif words[-1].upper() in protocol.leave.split():
            break
    writer.close()
