# SPDX-License-Identifier: GPL-2.0-or-later
"""endpoint.py - the server that answers, and notes each whole message that came to its application."""

import selectors
import socket
import threading

from .messages import ANSWER, HANDSHAKE, QuicReader, end_of_head, names, whole_handshake

PORTS = (80, 443)
MIN_HOPS = {socket.AF_INET: (socket.IPPROTO_IP, 21), socket.AF_INET6: (socket.IPPROTO_IPV6, 73)}  # IP_MINTTL, IPV6_MINHOPCOUNT
HOPS_LEFT = 32  # what comes with fewer did not come: a decoy that dies on its way


class Endpoint:
    """Sockets of the server's namespace, served by one thread. got() is what came whole since reset()."""

    def __init__(self, namespace, network_addresses):
        self._selector = selectors.DefaultSelector()
        self._lock, self._got, self._stop = threading.Lock(), [], False
        self._stream, self._quic = {}, {}
        with namespace:
            for address in network_addresses:
                family = socket.AF_INET6 if ":" in address else socket.AF_INET
                for port in PORTS:
                    self._open(socket.socket(family, socket.SOCK_STREAM), (address, port), self._accept)
                self._open(socket.socket(family, socket.SOCK_DGRAM), (address, 443), self._datagram)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _open(self, sock, where, handler):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(where)
        if sock.type == socket.SOCK_STREAM:
            sock.setsockopt(*MIN_HOPS[sock.family], HOPS_LEFT)
        if sock.type == socket.SOCK_STREAM:
            sock.listen(64)
        sock.setblocking(False)
        self._selector.register(sock, selectors.EVENT_READ, handler)

    def _run(self):
        while not self._stop:
            for key, _ in self._selector.select(0.05):
                try:
                    key.data(key.fileobj)
                except OSError:
                    self._forget(key.fileobj)

    def _forget(self, sock):
        self._stream.pop(sock, None)
        self._selector.unregister(sock)
        sock.close()

    def _accept(self, listener):
        connection, _ = listener.accept()
        connection.setblocking(False)
        self._stream[connection] = b""
        self._selector.register(connection, selectors.EVENT_READ, self._bytes)

    def _bytes(self, connection):
        data = connection.recv(1 << 16)
        if not data:
            self._forget(connection)
            return
        self._stream[connection] += data
        while (message := self._message(connection)) is not None:
            self._note(message)
            connection.send(ANSWER)

    def _message(self, connection):
        """The next whole one, taken off the stream; None while there is none. A hello is followed by what only it can read."""
        data = self._stream[connection]
        if data[:1] == bytes([HANDSHAKE]):
            message, rest = whole_handshake(data), b""
        else:
            end = end_of_head(data)
            message, rest = data[:end] or None, data[end:]
        if message is not None:
            self._stream[connection] = rest
        return message

    def _datagram(self, sock):
        data, client = sock.recvfrom(1 << 16)
        for message in self._quic.setdefault(client, QuicReader()).take(data):
            self._note(message)
            sock.sendto(ANSWER, client)

    def _note(self, message):
        with self._lock:
            self._got += names(message)

    def reset(self):
        with self._lock:
            self._got = []
        self._quic.clear()

    def got(self):
        with self._lock:
            return list(self._got)

    def stop(self):
        self._stop = True
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._selector.close()
