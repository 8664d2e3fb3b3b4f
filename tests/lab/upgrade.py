# SPDX-License-Identifier: GPL-2.0-or-later
"""upgrade.py - what follows a request that asks for another protocol: WebSocket messages (RFC 6455), frames of HTTP/2 (RFC 9113).
The client's half and the server's; a server that echoes is enough for both."""

import base64
import hashlib
import os

H2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
WEBSOCKET, H2C = "websocket", "h2c"
DATA, HEADERS, SETTINGS = 0, 1, 4
END_STREAM, END_HEADERS = 1, 4


def request(host, protocol, key):
    more = {WEBSOCKET: "Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n" % key,
            H2C: "Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"}[protocol]
    return ("GET /chat HTTP/1.1\r\nHost: %s\r\nUpgrade: %s\r\n%s\r\n" % (host, protocol, more)).encode()


def new_key():
    return base64.b64encode(os.urandom(16)).decode()


def accept_of(key):
    """Section 4.2.2 of RFC 6455."""
    return base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()


def answer(head):
    """What the server says to the head of a request, and whether it switches."""
    fields = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:] if ": " in line)
    if "upgrade" not in fields:
        return b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", False
    keys = [line.split(": ", 1)[1] for line in head.decode().split("\r\n") if line.lower().startswith("sec-websocket-key: ")]
    accept = "".join("Sec-WebSocket-Accept: %s\r\n" % accept_of(key) for key in keys)
    return ("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n%s\r\n"
            % (fields["upgrade"], accept)).encode(), True


def message(text):
    """A client's binary message, masked as it must be (section 5.3 of RFC 6455)."""
    mask = os.urandom(4)
    return bytes([0x82, 0x80 | len(text)]) + mask + bytes(c ^ mask[i % 4] for i, c in enumerate(text))


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def h2_request(stream, host, path="/"):
    """GET and http out of the static table, the others as literals (RFC 7541 section 6.2.2)."""
    literals = b"".join(bytes([index, len(value)]) + value for index, value in ((1, host.encode()), (4, path.encode())))
    return frame(HEADERS, END_STREAM | END_HEADERS, stream, b"\x82\x86" + literals)


class H2Page:
    """The body of one stream's response, as it comes in; two pages fit into the window that the server starts with."""

    def __init__(self, stream):
        self._stream, self._bytes, self._body, self._whole = stream, b"", b"", False

    def add(self, data):
        self._bytes += data
        while len(self._bytes) >= 9 and len(self._bytes) >= 9 + (size := int.from_bytes(self._bytes[:3], "big")):
            kind, flags, stream = self._bytes[3], self._bytes[4], int.from_bytes(self._bytes[5:9], "big")
            if stream == self._stream:
                self._body += self._bytes[9:9 + size] if kind == DATA else b""
                self._whole = self._whole or bool(kind in (DATA, HEADERS) and flags & END_STREAM)
            self._bytes = self._bytes[9 + size:]

    def body(self):
        """None until it is complete."""
        return self._body if self._whole else None


def h2_start():
    return H2_PREFACE + frame(SETTINGS, 0, 0)
