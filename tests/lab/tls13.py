# SPDX-License-Identifier: GPL-2.0-or-later
"""tls13.py - a TLS 1.3 client (RFC 8446) small enough to shape its own ClientHello.

It offers X25519MLKEM768 with a key share of 1216 bytes, as browsers do, beside x25519, which the server takes. The
rest of the handshake and the page are real. The server's certificate is not checked: it is the lab's own."""

import hashlib
import os
import struct

from .crypto import derive_secret, expand_label, hmac_sha256, open_sealed, seal, x25519

X25519, X25519MLKEM768 = 0x001d, 0x11ec
ECH = 0xfe0d
CHACHA20_POLY1305_SHA256 = 0x1303
CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = 20, 21, 22, 23
CLIENT_HELLO, SERVER_HELLO, FINISHED = 1, 2, 20


def _block(width: int, data: bytes) -> bytes:
    return len(data).to_bytes(width, "big") + data


def _extension(number: int, data: bytes) -> bytes:
    return struct.pack("!H", number) + _block(2, data)


def _record(kind: int, data: bytes, version: int = 0x0303) -> bytes:
    return struct.pack("!BH", kind, version) + _block(2, data)


class _Keys:
    """One direction of one epoch."""

    def __init__(self, secret: bytes):
        self.secret = secret
        self.key = expand_label(secret, "key", b"", 32)
        self.iv = int.from_bytes(expand_label(secret, "iv", b"", 12), "big")
        self.sequence = 0

    def nonce(self) -> bytes:
        self.sequence += 1
        return (self.iv ^ self.sequence - 1).to_bytes(12, "big")


class Tls13Session:
    """Bytes in, bytes out; the same four calls as tls.OpenSslSession."""

    def __init__(self, host: str, ech: bytes | None = None):
        """ech: the contents of an extension encrypted_client_hello (RFC 9849 section 5)."""
        self.host, self._ech = host, ech
        self.ready = False
        self._secret = os.urandom(32)
        self._transcript = b""
        self._in = self._handshake = self._plain = b""
        self._rx = self._tx = None

    def hello(self) -> bytes:
        message = bytes([CLIENT_HELLO]) + _block(3, self._hello_body())
        self._transcript += message
        return _record(HANDSHAKE, message, 0x0301)

    def _hello_body(self) -> bytes:
        shares = b"".join(struct.pack("!H", group) + _block(2, share) for group, share in (
            (X25519MLKEM768, os.urandom(1216)), (X25519, x25519(self._secret))))
        extensions = b"".join((
            _extension(51, _block(2, shares)),
            b"" if self._ech is None else _extension(ECH, self._ech),
            _extension(43, _block(1, b"\x03\x04")),
            _extension(10, _block(2, struct.pack("!HH", X25519MLKEM768, X25519))),
            _extension(13, _block(2, struct.pack("!3H", 0x0403, 0x0804, 0x0401))),
            _extension(16, _block(2, _block(1, b"http/1.1"))),
            _extension(65281, b"\x00"),
            _extension(21, bytes(400)),
            _extension(0, _block(2, b"\x00" + _block(2, self.host.encode()))),  # last, as far away as it gets
        ))
        return (b"\x03\x03" + os.urandom(32) + _block(1, os.urandom(32))
                + _block(2, struct.pack("!H", CHACHA20_POLY1305_SHA256)) + _block(1, b"\x00") + _block(2, extensions))

    def feed(self, data: bytes) -> bytes:
        """Bytes of the server in; bytes to send out."""
        self._in += data
        out = b""
        while len(self._in) >= 5 and len(self._in) >= 5 + int.from_bytes(self._in[3:5], "big"):
            end = 5 + int.from_bytes(self._in[3:5], "big")
            record, self._in = self._in[:end], self._in[end:]
            out += self._record(record)
        return out

    def _record(self, record: bytes) -> bytes:
        kind, body = record[0], record[5:]
        if kind == CHANGE_CIPHER_SPEC:
            return b""
        if kind == APPLICATION_DATA:
            inner = open_sealed(self._rx.key, self._rx.nonce(), body, record[:5]).rstrip(b"\x00")
            kind, body = inner[-1], inner[:-1]
        if kind == ALERT:
            raise ValueError("TLS alert %d" % body[1])
        if kind == APPLICATION_DATA:
            self._plain += body
            return b""
        return self._messages(body)

    def _messages(self, body: bytes) -> bytes:
        self._handshake += body
        out = b""
        while len(self._handshake) >= 4:
            end = 4 + int.from_bytes(self._handshake[1:4], "big")
            if len(self._handshake) < end:
                break
            message, self._handshake = self._handshake[:end], self._handshake[end:]
            if not self.ready:
                out += self._message(message)
        return out

    def _message(self, message: bytes) -> bytes:
        before, self._transcript = self._transcript, self._transcript + message
        if message[0] == SERVER_HELLO:
            self._handshake_keys(message)
        if message[0] == FINISHED:
            return self._finish(message, before)
        return b""

    def _handshake_keys(self, message: bytes):
        at = 4 + 2 + 32
        at += 1 + message[at] + 2 + 1
        share, end = b"", at + 2 + int.from_bytes(message[at:at + 2], "big")
        at += 2
        while at < end:
            number, length = struct.unpack_from("!HH", message, at)
            if number == 51:
                share = message[at + 8:at + 4 + length]
            at += 4 + length
        early = hmac_sha256(bytes(32), bytes(32))
        self._master = hmac_sha256(derive_secret(early, "derived", b""), x25519(self._secret, share))
        self._tx = _Keys(derive_secret(self._master, "c hs traffic", self._transcript))
        self._rx = _Keys(derive_secret(self._master, "s hs traffic", self._transcript))

    def _finish(self, message: bytes, before: bytes) -> bytes:
        if message[4:] != self._verify_data(self._rx, before):
            raise ValueError("the server's Finished does not fit: the handshake was altered")
        master = hmac_sha256(derive_secret(self._master, "derived", b""), bytes(32))
        mine = bytes([FINISHED]) + _block(3, self._verify_data(self._tx, self._transcript))
        out = _record(CHANGE_CIPHER_SPEC, b"\x01") + self._seal(HANDSHAKE, mine)
        self._tx = _Keys(derive_secret(master, "c ap traffic", self._transcript))
        self._rx = _Keys(derive_secret(master, "s ap traffic", self._transcript))
        self.ready = True
        return out

    @staticmethod
    def _verify_data(keys: _Keys, transcript: bytes) -> bytes:
        return hmac_sha256(expand_label(keys.secret, "finished", b"", 32), hashlib.sha256(transcript).digest())

    def _seal(self, kind: int, data: bytes) -> bytes:
        head = struct.pack("!BHH", APPLICATION_DATA, 0x0303, len(data) + 1 + 16)
        return head + seal(self._tx.key, self._tx.nonce(), data + bytes([kind]), head)

    def write(self, data: bytes) -> bytes:
        return self._seal(APPLICATION_DATA, data)

    def read(self) -> bytes:
        plain, self._plain = self._plain, b""
        return plain
