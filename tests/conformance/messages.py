# SPDX-License-Identifier: GPL-2.0-or-later
"""messages.py - what the cases send, and what the server takes for a whole one: ClientHellos, requests, QUIC Initials.

The server reads as any server does, and asks for nothing but that the message is whole; the name is found in it."""

import contextlib
import hashlib
import hmac
import os
import re
import struct

try:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
except ImportError:  # QUIC cases say so and are left out
    AESGCM = None

ALLOWED, BLOCKED = "allowed.example", "blocked.example"  # of the same length: a copy may differ in the name alone
HANDSHAKE, CLIENT_HELLO = 22, 1
QUIC_V1, QUIC_V2 = 1, 0x6b3343cf
SALT = {QUIC_V1: "38762cf7f55934b34d179ae6a4c80cadccbb7f0a", QUIC_V2: "0dede3def700a6db819381be6e269dcbf9bd2ed9"}
LABEL = {QUIC_V1: "quic ", QUIC_V2: "quicv2 "}
INITIAL_TYPE = {QUIC_V1: 0, QUIC_V2: 1}
QUIC_DATAGRAM = 1200  # RFC 9000 §14.1
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def is_answer(data):
    """Is the server's among what came? A proxy may have written the head anew, and its own pages are none."""
    return data.startswith(b"HTTP/1.1 200 ") and b"\r\n\r\nok" in data


def block(width, data):
    return len(data).to_bytes(width, "big") + data


def extension(number, data):
    return struct.pack("!H", number) + block(2, data)


def handshake(name, pad=0, random=b"\x5a", more=b""):
    """A ClientHello without its record; the name stands behind the padding, as far away as it gets."""
    extensions = (extension(43, block(1, b"\x03\x04")) + extension(10, block(2, b"\x00\x1d"))
                  + extension(13, block(2, struct.pack("!2H", 0x0403, 0x0804)))
                  + extension(51, block(2, b"\x00\x1d" + block(2, bytes(32)))) + more + extension(21, bytes(pad))
                  + extension(0, block(2, b"\x00" + block(2, name.encode()))))
    body = (b"\x03\x03" + random * 32 + block(1, random * 32) + block(2, b"\x13\x01\x13\x03") + b"\x01\x00"
            + block(2, extensions))
    return bytes([CLIENT_HELLO]) + block(3, body)


def hello(name, pad=0, record=16384):
    message = handshake(name, pad)
    return b"".join(struct.pack("!BH", HANDSHAKE, 0x0301) + block(2, message[i:i + record])
                    for i in range(0, len(message), record))


def request(name, pad=0):
    return b"GET / HTTP/1.1\r\nX: %s\r\nHost: %s\r\n\r\n" % (b"x" * pad, name.encode())


def head(name, text):
    """A request's head, where %s is the name, with a line for the end of it."""
    return text.replace(b"%s", name.encode()) + b"\r\n"


def end_of_head(data):
    """Where what is behind a request's head begins, read as a lenient server reads it (RFC 9112 §2.2); 0 while it is not
    whole."""
    begun = len(data) - len(data.lstrip(b"\r\n"))
    found = re.search(rb"\n\r?\n", data[begun:])
    return begun + found.end() if found else 0


def whole_handshake(data):
    """The ClientHello in records, or None while it is not whole."""
    message = b""
    while len(data) >= 5 and len(data) >= 5 + int.from_bytes(data[3:5], "big"):
        if data[0] != HANDSHAKE:
            return None
        end = 5 + int.from_bytes(data[3:5], "big")
        message, data = message + data[5:end], data[end:]
        if len(message) >= 4 and len(message) >= 4 + int.from_bytes(message[1:4], "big"):
            return message
    return None


def names(message):
    """The names that a whole message asks for, of the two that there are."""
    return [n.decode().lower() for n in re.findall(rb"(?:allowed|blocked)\.example", message, re.I)]


def hkdf_expand_label(secret, label, length):
    info = struct.pack("!H", length) + block(1, b"tls13 " + label.encode()) + b"\x00"
    return hmac.new(secret, info + b"\x01", hashlib.sha256).digest()[:length]


class Initial:
    """Protection of a client's Initial packets (RFC 9001 §5, RFC 9369 §3.3)."""

    def __init__(self, dcid, version):
        self.dcid, self.version = dcid, version
        secret = hkdf_expand_label(hmac.new(bytes.fromhex(SALT[version]), dcid, hashlib.sha256).digest(), "client in", 32)
        self._aead = AESGCM(hkdf_expand_label(secret, LABEL[version] + "key", 16))
        self._iv = int.from_bytes(hkdf_expand_label(secret, LABEL[version] + "iv", 12), "big")
        self._hp = Cipher(algorithms.AES(hkdf_expand_label(secret, LABEL[version] + "hp", 16)), modes.ECB())

    def _mask(self, sample):
        return self._hp.encryptor().update(sample)[:5]

    def _nonce(self, number):
        return (self._iv ^ number).to_bytes(12, "big")

    def seal(self, number, frames, size=QUIC_DATAGRAM, damage=False, token=b""):
        """A datagram of `size` bytes at least, filled with PADDING."""
        start = (bytes([0xc3 | INITIAL_TYPE[self.version] << 4]) + struct.pack("!I", self.version) + block(1, self.dcid)
                 + b"\x00" + struct.pack("!H", 0x4000 | len(token)) + token)
        frames += bytes(max(0, size - len(start) - 2 - 4 - 16 - len(frames)))
        head = start + struct.pack("!H", 0x4000 | 4 + len(frames) + 16) + struct.pack("!I", number)
        sealed = self._aead.encrypt(self._nonce(number), frames, head)
        if damage:
            sealed = sealed[:-1] + bytes([sealed[-1] ^ 1])
        mask = self._mask(sealed[:16])
        number_bytes = bytes(a ^ b for a, b in zip(head[-4:], mask[1:]))
        return bytes([head[0] ^ mask[0] & 15]) + head[1:-4] + number_bytes + sealed

    def open(self, packet, at):
        """The frames of the packet whose number stands at `at`; raises ValueError where it is none of this connection."""
        try:
            mask = self._mask(packet[at + 4:at + 20])
            head = bytes([packet[0] ^ mask[0] & 15]) + packet[1:at] + bytes(
                a ^ b for a, b in zip(packet[at:at + 4], mask[1:]))
            return self._aead.decrypt(self._nonce(int.from_bytes(head[-4:], "big")), packet[at + 4:], head)
        except Exception as error:
            raise ValueError("cannot be opened") from error


def crypto(offset, data):
    return b"\x06" + struct.pack("!H", 0x4000 | offset) + struct.pack("!H", 0x4000 | len(data)) + data


def crypto_frames(frames):
    """(offset, data) of each CRYPTO frame among PADDING and PING, as Initial.seal's callers write them."""
    at = 0
    while at < len(frames):
        if frames[at] in (0, 1):
            at += 1
            continue
        offset, length = (int.from_bytes(frames[at + i:at + i + 2], "big") & 0x3fff for i in (1, 3))
        yield offset, frames[at + 5:at + 5 + length]
        at += 5 + length


def varint(data, at):
    """(value, where the next one begins); RFC 9000 §16."""
    length = 1 << (data[at] >> 6)
    return int.from_bytes(data[at:at + length], "big") & (1 << 8 * length - 2) - 1, at + length


def quic_packets(datagram):
    """(version, type, DCID, packet, where its number stands) of each coalesced long packet."""
    while len(datagram) > 7 and datagram[0] >= 0xc0:
        version, dcid = int.from_bytes(datagram[1:5], "big"), datagram[6:6 + datagram[5]]
        kind, at = datagram[0] >> 4 & 3, 6 + len(dcid)
        at += 1 + datagram[at]
        if kind == INITIAL_TYPE.get(version):
            token, at = varint(datagram, at)
            at += token
        length, at = varint(datagram, at)
        yield version, kind, dcid, datagram[:at + length], at
        datagram = datagram[at + length:]


class QuicReader:
    """A server's part: CRYPTO bytes by connection id, first copy wins, until the hello is whole."""

    def __init__(self):
        self._parts = {}

    def take(self, datagram):
        """The hellos that are whole now."""
        whole = []
        with contextlib.suppress(IndexError):  # bytes behind that are no packet
            for version, kind, dcid, packet, at in quic_packets(datagram) if len(datagram) >= QUIC_DATAGRAM else ():
                if version in SALT and kind == INITIAL_TYPE[version]:
                    with contextlib.suppress(ValueError):
                        whole += self._initial(dcid, Initial(dcid, version).open(packet, at))
        return whole

    def _initial(self, dcid, frames):
        part = self._parts.setdefault(dcid, {})
        for offset, data in crypto_frames(frames):
            for i, byte in enumerate(data):
                part.setdefault(offset + i, byte)
        message = bytes(part[i] for i in range(len(part)) if i in part)
        whole = len(message) >= 4 and len(message) >= 4 + int.from_bytes(message[1:4], "big")
        return [message] if whole and len(message) == len(part) else []


def new_connection(version=QUIC_V1, id_length=8):
    return Initial(os.urandom(id_length), version)


def stranger(version, kind, length):
    """A long packet that no key opens: 0 of v1 is Initial, 1 0-RTT, 2 Handshake."""
    return bytes([0xc0 | kind << 4]) + struct.pack("!I", version) + block(1, bytes(8)) + b"\x00" + (
        b"\x00" if kind == INITIAL_TYPE[version] else b"") + struct.pack("!H", 0x4000 | length) + bytes(length)
