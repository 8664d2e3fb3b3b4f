# SPDX-License-Identifier: GPL-2.0-or-later
"""messages.py - what the cases send, and what the server takes for a whole one: ClientHellos, requests, QUIC Initials.

The server reads as any server does, and asks for nothing but that the message is whole; the name is found in it."""

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


def block(width, data):
    return len(data).to_bytes(width, "big") + data


def extension(number, data):
    return struct.pack("!H", number) + block(2, data)


def handshake(name, pad=0, random=b"\x5a"):
    """A ClientHello without its record; the name stands behind the padding, as far away as it gets."""
    extensions = (extension(43, block(1, b"\x03\x04")) + extension(10, block(2, b"\x00\x1d"))
                  + extension(13, block(2, struct.pack("!2H", 0x0403, 0x0804)))
                  + extension(51, block(2, b"\x00\x1d" + block(2, bytes(32)))) + extension(21, bytes(pad))
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
    return [n.decode() for n in re.findall(rb"(?:allowed|blocked)\.example", message, re.I)]


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

    def seal(self, number, frames, size=QUIC_DATAGRAM, damage=False):
        """A datagram of `size` bytes at least, filled with PADDING."""
        head_len = 1 + 4 + 1 + len(self.dcid) + 1 + 1 + 2 + 4
        frames += bytes(max(0, size - head_len - 16 - len(frames)))
        head = (bytes([0xc3 | INITIAL_TYPE[self.version] << 4]) + struct.pack("!I", self.version) + block(1, self.dcid)
                + b"\x00\x00" + struct.pack("!H", 0x4000 | 4 + len(frames) + 16) + struct.pack("!I", number))
        sealed = self._aead.encrypt(self._nonce(number), frames, head)
        if damage:
            sealed = sealed[:-1] + bytes([sealed[-1] ^ 1])
        mask = self._mask(sealed[:16])
        number_bytes = bytes(a ^ b for a, b in zip(head[-4:], mask[1:]))
        return bytes([head[0] ^ mask[0] & 15]) + head[1:-4] + number_bytes + sealed

    def open(self, datagram):
        """The frames; raises ValueError where the packet is none of this connection."""
        at = 6 + len(self.dcid) + 1 + 1 + 2
        try:
            mask = self._mask(datagram[at + 4:at + 20])
            head = bytes([datagram[0] ^ mask[0] & 15]) + datagram[1:at] + bytes(
                a ^ b for a, b in zip(datagram[at:at + 4], mask[1:]))
            length = int.from_bytes(datagram[at - 2:at], "big") & 0x3fff
            return self._aead.decrypt(self._nonce(int.from_bytes(head[-4:], "big")), datagram[at + 4:at + length], head)
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


class QuicReader:
    """A server's part: CRYPTO bytes by connection id, first copy wins, until the hello is whole."""

    def __init__(self):
        self._parts = {}

    def take(self, datagram):
        """The whole ClientHello, or None."""
        if len(datagram) < QUIC_DATAGRAM or datagram[0] < 0xc0:
            return None
        version, dcid = int.from_bytes(datagram[1:5], "big"), datagram[6:6 + datagram[5]]
        if version not in SALT:
            return None
        try:
            frames = Initial(dcid, version).open(datagram)
        except ValueError:
            return None
        part = self._parts.setdefault(dcid, {})
        for offset, data in crypto_frames(frames):
            for i, byte in enumerate(data):
                part.setdefault(offset + i, byte)
        message = bytes(part[i] for i in range(len(part)) if i in part)
        whole = len(message) >= 4 and len(message) >= 4 + int.from_bytes(message[1:4], "big")
        return message if whole and len(message) == len(part) else None


def new_connection(version=QUIC_V1):
    return Initial(os.urandom(8), version)
