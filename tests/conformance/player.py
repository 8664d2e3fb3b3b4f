# SPDX-License-Identifier: GPL-2.0-or-later
"""player.py - sends the packets of a case: a TCP client in userspace whose every segment can be told how to be, datagrams
from a socket, and the kernel's own TCP, which makes large segments where the interface offloads them."""

import select
import socket
import struct
import time

from lab.rawtcp import ACK, MASK, PSH, SYN, RawTcp, _sum

from .messages import is_answer

TIMEOUT = 5
WITH_SYN = {"with_syn": True}  # options of a first step whose bytes go with the SYN
MD5_OPTION = b"\x13\x12" + bytes(16) + b"\x01\x01"


class Player(RawTcp):
    """options of a segment: ack (added), flags, damage (checksum), md5, urgent, hops, fragment (bytes of each)."""

    def __init__(self, network, family, port, with_syn=b""):
        self._with_syn, self._fragmented = with_syn, 0
        super().__init__(network, family, port, TIMEOUT)

    def _emit(self, flags, seq, data):
        super()._emit(flags, seq, self._with_syn if flags & SYN else data)

    def _packets(self, segment, hops, fragment):
        """IP packets with the segment: one, or its fragments (RFC 791, RFC 8200 §4.5), the last first."""
        self._fragmented += 1
        size = fragment or len(segment)
        for at in reversed(range(0, len(segment), size)):
            part, more = segment[at:at + size], at + size < len(segment)
            if not fragment:
                head = bytearray(self._ip(len(part)))
            elif self._family == 6:
                head = bytearray(self._ip(8 + len(part)))
                head[6] = 44
                part = struct.pack("!BBHI", socket.IPPROTO_TCP, 0, at | more, self._fragmented) + part
            else:
                head = bytearray(self._ip(len(part)))
                struct.pack_into("!HH", head, 4, self._fragmented & 0xffff, more << 13 | at // 8)
            head[7 if self._family == 6 else 8] = hops
            if self._family == 4:
                head[10:12] = bytes(2)
                struct.pack_into("!H", head, 10, _sum(bytes(head)))
            yield bytes(head) + part

    def _options(self, flags, md5):
        return (struct.pack("!BBH", 2, 4, 1400) if flags & SYN else b"") + (MD5_OPTION if md5 else b"")

    def segment(self, at, data, ack=0, flags=ACK | PSH, damage=False, md5=False, urgent=0, keep=True, hops=64, fragment=0):
        """at: where its first byte stands, counted from the first of the connection. keep: sent again until it is
        acknowledged."""
        seq = self.start + at & MASK
        options = self._options(flags, md5)
        head = struct.pack("!HHIIBBHHH", *self._ports, seq, self._expect + ack & MASK, (20 + len(options)) // 4 << 4,
                           flags | (0x20 if urgent else 0), 65535, 0, urgent) + options
        length = len(head) + len(data)
        pseudo = self._here + self._there + struct.pack("!IHBB", length, 0, 0, socket.IPPROTO_TCP)
        checksum = _sum(pseudo + head + data) ^ (0x5555 if damage else 0)
        head = head[:16] + struct.pack("!H", checksum) + head[18:]
        if keep:
            self._unacked.append((seq, data))
            self._next = max(self._next, seq + len(data) & MASK, key=lambda s: s - self.start & MASK)
        for packet in self._packets(head + data, hops, fragment):
            self._socket.sendto(packet, self._to)
        self._pump(time.monotonic() + 0.003, lambda: False)

    @property
    def start(self):
        if not hasattr(self, "_start"):
            self._start = self._next
        return self._start

    def wait(self, seconds):
        self._pump(time.monotonic() + seconds, lambda: False)

    def answered(self, seconds):
        """Did the server's answer come, within so long? What was not acknowledged is sent again."""
        limit = time.monotonic() + seconds
        while not is_answer(self._received) and not self._closed and time.monotonic() < limit:
            self._pump(min(limit, time.monotonic() + 0.2), lambda: is_answer(self._received) or self._closed)
            for seq, data in [] if self._received else list(self._unacked):
                self._emit(ACK | PSH, seq, data)
        return is_answer(self._received)


class RawPlayer:
    """Plays (offset, data, options) over a raw connection."""

    def play(self, network, family, port, steps, seconds):
        with_syn = b""
        if steps[0][2:] == (WITH_SYN,):
            with_syn, steps = steps[0][1], steps[1:]
        player = Player(network, family, port, with_syn)
        try:
            player.start
            for step in steps:
                if isinstance(step, float):
                    player.wait(step)
                else:
                    player.segment(step[0], step[1], **(step[2] if len(step) > 2 else {}))
            return player.answered(seconds)
        except ConnectionResetError:
            return False
        finally:
            player.close()


class KernelPlayer:
    """Plays pieces, each one send() of a socket of the kernel's."""

    def play(self, network, family, port, steps, seconds):
        with network.client:
            sock = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_STREAM)
        with sock:
            sock.settimeout(TIMEOUT)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                sock.connect((network.target[family], port))
                for step in steps:
                    if isinstance(step, float):
                        time.sleep(step)
                    else:
                        sock.sendall(step[1])
                sock.settimeout(seconds)
                got = more = sock.recv(1 << 16)
                while more and not is_answer(got):
                    more = sock.recv(1 << 16)
                    got += more
                return is_answer(got)
            except OSError:
                return False


class DatagramPlayer:
    """Plays datagrams from one port; those that were not answered come again, as a client's probes do."""

    def play(self, network, family, port, steps, seconds):
        with network.client:
            sock = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_DGRAM)
        with sock:
            sock.connect((network.target[family], port))
            limit = time.monotonic() + seconds
            while True:
                for step in steps:
                    if isinstance(step, float):
                        time.sleep(step)
                    else:
                        self._send(sock, step[1])
                left = limit - time.monotonic()
                if select.select([sock], [], [], max(0, min(left, seconds / 2)))[0]:
                    return self._receive(sock)
                if left <= 0:
                    return False

    @staticmethod
    def _send(sock, data):
        try:
            sock.send(data)
        except OSError:  # an ICMP error of the datagram before
            pass

    @staticmethod
    def _receive(sock):
        try:
            return is_answer(sock.recv(1 << 16))
        except OSError:
            return False


PLAYERS = {"raw": RawPlayer(), "kernel": KernelPlayer(), "udp": DatagramPlayer()}
