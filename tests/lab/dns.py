# SPDX-License-Identifier: GPL-2.0-or-later
"""dns.py - questions and answers (RFC 1035), as a stub resolver and its server have them."""

import os
import socket
import struct

from .namespaces import SERVER

DNS = 53
A, AAAA, OPT, IN = 1, 28, 41, 1
RESPONSE, RECURSION = 0x8000, 0x0100
ADDRESS = socket.inet_aton("192.0.2.80")
OWN = {A: socket.inet_pton(socket.AF_INET, SERVER[4]), AAAA: socket.inet_pton(socket.AF_INET6, SERVER[6])}
EDNS = b"\x00" + struct.pack("!HHIH", OPT, 1232, 0, 0)  # RFC 6891 section 6.1.2


def query(name, kind=A, edns=True):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return (os.urandom(2) + struct.pack("!5H", RECURSION, 1, 0, 0, int(edns)) + labels + b"\x00"
            + struct.pack("!2H", kind, IN) + (EDNS if edns else b""))


def answer(question):
    """Whatever is asked for has the same address; to a question without EDNS that is the server's own, so that the gateway
    learns a name for it."""
    end = question.index(b"\x00", 12) + 5
    kind = struct.unpack("!H", question[end - 4:end - 2])[0]
    address = ADDRESS if end < len(question) else OWN[kind]
    return (question[:2] + struct.pack("!5H", RESPONSE | RECURSION | 0x80, 1, 1, 0, 0) + question[12:end]
            + b"\xc0\x0c" + struct.pack("!HHIH", kind, IN, 60, len(address)) + address)


def framed(message):
    """As TCP carries it (RFC 1035 section 4.2.2)."""
    return len(message).to_bytes(2, "big") + message
