# SPDX-License-Identifier: GPL-2.0-or-later
"""tls.py - TLS over a channel that sends a ClientHello in the pieces a case wants.

A session turns bytes into bytes (OpenSslSession here, Tls13Session in tls13.py). A channel carries them (Stream here,
rawtcp.RawTcp). A shape cuts the hello: it gives (offset, bytes) in the order of sending."""

import socket
import ssl
import time

Pieces = list[tuple[int, bytes]]


def whole(hello: bytes) -> Pieces:
    return [(0, hello)]


def at(*cuts: int):
    """Cuts at these offsets; a negative one counts from the end."""
    def shape(hello: bytes) -> Pieces:
        edges = [0, *sorted(cut % len(hello) for cut in cuts), len(hello)]
        return [(a, hello[a:b]) for a, b in zip(edges, edges[1:])]
    return shape


def in_two(hello: bytes) -> Pieces:
    """Through the middle of the server's name where it can be found, else through the middle."""
    found = hello.find(b".example")
    return at(found + 3 if found > 0 else len(hello) // 2)(hello)


def by_byte(hello: bytes) -> Pieces:
    return [(i, hello[i:i + 1]) for i in range(len(hello))]


def out_of_order(hello: bytes) -> Pieces:
    """Of four pieces the first comes last."""
    quarter = len(hello) // 4
    a, b, c, d = at(quarter, 2 * quarter, 3 * quarter)(hello)
    return [d, b, c, a]


def in_records(size: int):
    """The same handshake message, carried by many TLS records (RFC 8446 section 5.1)."""
    def shape(hello: bytes) -> Pieces:
        head, message = hello[:3], hello[5:]
        parts = [message[i:i + size] for i in range(0, len(message), size)]
        return whole(b"".join(head + len(part).to_bytes(2, "big") + part for part in parts))
    return shape


class OpenSslSession:
    """Python's ssl over memory: the bytes are OpenSSL's, the sending is ours."""

    def __init__(self, host: str | None, certificate: str):
        context = ssl.create_default_context(cafile=certificate)
        context.check_hostname = host is not None
        context.set_alpn_protocols(["http/1.1"])
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._ssl = context.wrap_bio(self._in, self._out, server_hostname=host)
        self.ready = False

    def _step(self):
        try:
            self._ssl.do_handshake()
            self.ready = True
        except ssl.SSLWantReadError:
            pass

    def hello(self) -> bytes:
        self._step()
        return self._out.read()

    def feed(self, data: bytes) -> bytes:
        self._in.write(data)
        if not self.ready:
            self._step()
        return self._out.read()

    def write(self, data: bytes) -> bytes:
        self._ssl.write(data)
        return self._out.read()

    def read(self) -> bytes:
        plain = b""
        try:
            while data := self._ssl.read(1 << 16):
                plain += data
        except ssl.SSLWantReadError:
            pass
        return plain


class Stream:
    """The kernel's TCP. Every piece leaves at once, as a segment of its own."""

    def __init__(self, address, timeout: float, pause: float = 0.0):
        self._socket = socket.create_connection(address, timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._pause = pause

    def send_pieces(self, pieces: Pieces):
        for _, piece in pieces:
            self._socket.sendall(piece)
            if self._pause:
                time.sleep(self._pause)

    def send(self, data: bytes):
        self._socket.sendall(data)

    def receive(self) -> bytes:
        return self._socket.recv(1 << 16)

    def close(self):
        self._socket.close()


class Page:
    """A response of HTTP/1.1 with a Content-Length, as it comes in."""

    def __init__(self):
        self._bytes = b""

    def add(self, data: bytes):
        self._bytes += data

    def body(self) -> bytes | None:
        """None until it is complete."""
        head, blank, body = self._bytes.partition(b"\r\n\r\n")
        if not blank:
            return None
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                return body[:int(value)] if len(body) >= int(value) else None
        return None


def request(host: str, path: str = "/") -> bytes:
    return ("GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: sluice-lab\r\n\r\n" % (path, host)).encode()


def fetch(channel, session, host: str, shape=whole, sent=lambda: None) -> bytes:
    """A page over TLS, the hello sent in pieces. Calls sent() when the last of them left."""
    channel.send_pieces(shape(session.hello()))
    sent()
    while not session.ready:
        channel.send(session.feed(received(channel)))
    return fetch_again(channel, session, host)


def fetch_again(channel, session, host: str, sent=lambda: None) -> bytes:
    """One more page over the same session."""
    channel.send(session.write(request(host)))
    sent()
    page = Page()
    page.add(session.read())
    while page.body() is None:
        session.feed(received(channel))
        page.add(session.read())
    return page.body()


def fetch_plain(channel, host: str, path: str = "/", sent=lambda: None) -> bytes:
    """A page over HTTP; the connection may be asked again."""
    channel.send(request(host, path))
    sent()
    page = Page()
    while page.body() is None:
        page.add(received(channel))
    return page.body()


def received(channel) -> bytes:
    data = channel.receive()
    if not data:
        raise EOFError("the connection was closed before the page was complete")
    return data
