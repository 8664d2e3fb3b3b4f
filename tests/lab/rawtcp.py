# SPDX-License-Identifier: GPL-2.0-or-later
"""rawtcp.py - a TCP client in userspace, which can send its segments in any order.

It speaks over a packet socket from an address that the client's kernel does not own (namespaces.RAW_CLIENT; the
gateway has a permanent neighbour entry for it), so that kernel neither answers nor resets, and no rule is needed to
keep it quiet. Enough for a page: it acknowledges, puts nothing in order but takes what comes in order, and sends again
what was not acknowledged."""

import ipaddress
import os
import select
import socket
import struct
import time

from .namespaces import RAW_CLIENT, Network

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
ETHERTYPE = {4: 0x0800, 6: 0x86dd}
MSS = 1400
RETRANSMIT = 0.25
MASK = 0xffffffff


def _sum(data: bytes) -> int:
    """RFC 1071."""
    data += bytes(len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class RawTcp:
    """One connection; a channel in the sense of tls.py."""

    def __init__(self, network: Network, family: int, port: int, timeout: float):
        self._network, self._family, self._timeout = network, family, timeout
        self._here = ipaddress.ip_address(RAW_CLIENT[family]).packed
        self._there = ipaddress.ip_address(network.target[family]).packed
        self._ports = (20000 + int.from_bytes(os.urandom(2), "big") % 40000, port)
        self._next = self._una = int.from_bytes(os.urandom(4), "big")
        self._expect = 0
        self._unacked: list[tuple[int, bytes]] = []
        self._received, self._closed = b"", False
        with network.client:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
            self._socket.bind(("eth0", ETHERTYPE[family]))
        gateway = bytes.fromhex(network.mac(network.gateway, "lan").replace(":", ""))
        self._to = ("eth0", ETHERTYPE[family], 0, 0, gateway)
        self._connect()

    def server_resets(self):
        """The server's kernel resets the connection, as it does for a program that ends in its midst."""
        self._network.server.run("ss", "-K", "dport", "=", ":%d" % self._ports[0])  # NAT keeps the port
        try:
            self._pump(time.monotonic() + self._timeout, lambda: False)
        except ConnectionResetError:
            return
        raise TimeoutError("the server did not reset")

    def reconnect(self, later: int, reset=True):
        """A new connection between the same ports, whose numbers begin so much after the end of the old one; reset: ends
        the old one first."""
        if reset:
            self._emit(RST | ACK, self._next, b"")
        self._una = self._next = self._next + later & MASK
        self._expect, self._unacked, self._received, self._closed = 0, [], b"", False
        self._connect()

    def _connect(self):
        limit = time.monotonic() + self._timeout
        start = self._next
        self._next = start + 1 & MASK
        while not self._expect:
            self._emit(SYN, start, b"")
            self._pump(min(limit, time.monotonic() + RETRANSMIT), lambda: self._expect)
            self._check(limit)

    def _check(self, limit: float):
        if time.monotonic() > limit:
            raise TimeoutError("timed out")

    # sending

    def _emit(self, flags: int, seq: int, data: bytes):
        options = struct.pack("!BBH", 2, 4, MSS) if flags & SYN else b""
        head = struct.pack("!HHIIBBHHH", *self._ports, seq, self._expect, (20 + len(options)) // 4 << 4, flags,
                           65535, 0, 0) + options
        length = len(head) + len(data)
        pseudo = self._here + self._there + struct.pack("!IHBB", length, 0, 0, socket.IPPROTO_TCP)
        head = head[:16] + struct.pack("!H", _sum(pseudo + head + data)) + head[18:]
        self._socket.sendto(self._ip(length) + head + data, self._to)

    def _ip(self, length: int) -> bytes:
        if self._family == 6:
            return struct.pack("!IHBB", 6 << 28, length, socket.IPPROTO_TCP, 64) + self._here + self._there
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 0, 0x4000, 64, socket.IPPROTO_TCP, 0)
        head += self._here + self._there
        return head[:10] + struct.pack("!H", _sum(head)) + head[12:]

    def send_pieces(self, pieces):
        """Sends in the order given; offsets say where each piece belongs."""
        start = self._next
        self._next = start + sum(len(data) for _, data in pieces) & MASK
        for offset, data in pieces:
            self._unacked.append((start + offset & MASK, data))
            self._emit(ACK | PSH, start + offset & MASK, data)
            self._pump(time.monotonic() + 0.002, lambda: False)

    def send(self, data: bytes):
        if data:
            self.send_pieces([(i, data[i:i + MSS]) for i in range(0, len(data), MSS)])

    # receiving

    def receive(self) -> bytes:
        limit = time.monotonic() + self._timeout
        while not self._received and not self._closed:
            self._pump(min(limit, time.monotonic() + RETRANSMIT), lambda: self._received or self._closed)
            for seq, data in [] if self._received else self._unacked:
                self._emit(ACK | PSH, seq, data)
            self._check(limit)
        data, self._received = self._received, b""
        return data

    def _pump(self, limit: float, done):
        while not done() and (left := limit - time.monotonic()) > 0:
            if select.select([self._socket], [], [], left)[0]:
                self._packet(self._socket.recv(1 << 17))

    def _packet(self, packet: bytes):
        if self._family == 4:
            at, end, addresses = (packet[0] & 15) * 4, int.from_bytes(packet[2:4], "big"), packet[12:20]
            protocol = packet[9]
        else:
            at, end, addresses, protocol = 40, 40 + int.from_bytes(packet[4:6], "big"), packet[8:40], packet[6]
        if addresses != self._there + self._here or protocol != socket.IPPROTO_TCP:
            return
        head = struct.unpack_from("!HHIIBB", packet, at)
        if (head[1], head[0]) != self._ports:
            return
        self._segment(head[2], head[3], head[5], packet[at + (head[4] >> 4) * 4:end])

    def _segment(self, seq: int, ack: int, flags: int, data: bytes):
        if flags & RST:
            raise ConnectionResetError("reset")
        if flags & SYN:
            self._expect = seq + 1 & MASK
            self._emit(ACK, self._next, b"")
            return
        if flags & ACK:
            self._unacked = [(s, d) for s, d in self._unacked if (s + len(d) - ack & MASK) - 1 < 1 << 31
                             and s + len(d) & MASK != ack]
        if seq == self._expect:
            self._received += data
            self._closed = bool(flags & FIN)
            self._expect = seq + len(data) + self._closed & MASK
        if data or flags & FIN:
            self._emit(ACK, self._next, b"")

    def close(self):
        """Resets rather than lingers: the server forgets at once."""
        self._emit(RST | ACK, self._next, b"")
        self._socket.close()
