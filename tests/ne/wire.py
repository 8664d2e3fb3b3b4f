# SPDX-License-Identifier: GPL-2.0-or-later
"""wire.py - captures made by hand: frames of Ethernet with the checksums left out, as pcap, pcapng, or in PKTAP's headers."""

import ipaddress
import struct

SYN, ACK, FIN, RST, PSH = 2, 16, 1, 4, 8


def end(text):
    host, port = text.rsplit(":", 1)
    return ipaddress.ip_address(host.strip("[]")), int(port)


def ip(src, dst, proto, payload):
    if src.version == 4:
        return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0, 64, proto, 0, src.packed, dst.packed) + payload
    return struct.pack("!IHBB16s16s", 6 << 28, len(payload), proto, 64, src.packed, dst.packed) + payload


def udp(src, dst, payload):
    return ip(src[0], dst[0], 17, struct.pack("!HHHH", src[1], dst[1], 8 + len(payload), 0) + payload)


def tcp(src, dst, flags, seq, ack, payload=b""):
    head = struct.pack("!HHIIBBHHH", src[1], dst[1], seq & 0xffffffff, ack & 0xffffffff, 5 << 4, flags, 65535, 0, 0)
    return ip(src[0], dst[0], 6, head + payload)


def ethernet(packet):
    return b"\x02\0\0\0\0\1\x02\0\0\0\0\2" + (b"\x08\0" if packet[0] >> 4 == 4 else b"\x86\xdd") + packet


def pktap(packet):
    """A frame of Ethernet behind the header of macOS: its length, kind and link type, the interface and the process."""
    head = struct.pack("<III24sIIIIi17s", 108, 1, 1, b"en0", 2, 2, 14, 0, 733, b"Safari")
    return head.ljust(108, b"\0") + ethernet(packet)


def pcap(packets, linktype=1, frame=ethernet):
    """packets: (microseconds, an IP packet) in the order of their times."""
    out = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, linktype)
    for time, packet in packets:
        data = frame(packet)
        out += struct.pack("<IIII", time // 1000000, time % 1000000, len(data), len(data)) + data
    return out


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def apple_pcapng(packets):
    """As tcpdump of macOS writes it: blocks with processes between those of packets, and an option of Apple's in each packet."""
    out = block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1))
    out += block(1, struct.pack("<HHI", 1, 0, 262144))
    out += block(0x80000001, struct.pack("<I", 733) + struct.pack("<HH8s", 2, 7, b"Safari\0") + struct.pack("<HH", 0, 0))
    for time, packet in packets:
        data = ethernet(packet)
        body = struct.pack("<IIIII", 0, time >> 32, time & 0xffffffff, len(data), len(data))
        body += data + b"\0" * (-len(data) % 4) + struct.pack("<HHI", 32769, 4, 0) + struct.pack("<HH", 0, 0)
        out += block(6, body)
    return out


class Tcp:
    """One connection; opener and answerer are (address, port), n bytes are n zeros."""

    def __init__(self, opener, answerer):
        self.ends, self.seq = (opener, answerer), [1000, 2000]

    def segment(self, back, flags=ACK, payload=b"", seq=None):
        at = self.seq[back] if seq is None else seq
        out = tcp(self.ends[back], self.ends[not back], flags, at, self.seq[not back], payload)
        if seq is None:
            self.seq[back] += len(payload) + (1 if flags & (SYN | FIN) else 0)
        return out
