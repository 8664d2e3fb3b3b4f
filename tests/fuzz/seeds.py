#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""seeds.py - cuts seed inputs of the protocol readers out of the captures in tests/corpus/selection, in the form that each fuzz
target says at its top. Their licences are those of the captures (tests/corpus/selection/LICENCES.md).

usage: tests/fuzz/seeds.py        writes tests/fuzz/corpus/TARGET/capture-NAME-N; the same files each time"""

import collections
import ipaddress
import pathlib
import struct

HERE = pathlib.Path(__file__).resolve().parent
CAPTURES = HERE.parent / "corpus" / "selection" / "pcap"
MAX = 4096  # bytes of a seed
BEFORE_IP = {1: 14, 101: 0, 113: 16, 0: 4}  # by link type
METHODS = (b"GET ", b"POST ", b"HEAD ", b"PUT ", b"OPTIONS ", b"CONNECT ", b"DELETE ")


def frames(path):
    """Frames of a classic pcap file: what comes from the IP header on."""
    data = path.read_bytes()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    before = BEFORE_IP.get(struct.unpack_from(order + "I", data, 20)[0])
    at = 24
    while before is not None and at + 16 <= len(data):
        length = struct.unpack_from(order + "I", data, at + 8)[0]
        yield data[at + 16 + before:at + 16 + length]
        at += 16 + length


def segments(ip):
    """(protocol, ends, sequence number, payload) of a packet without extension headers, or None."""
    version = ip[0] >> 4 if ip else 0
    if version == 4 and len(ip) >= 20:
        head, protocol, total = (ip[0] & 15) * 4, ip[9], struct.unpack_from("!H", ip, 2)[0]
        addresses, ip = (ip[12:16], ip[16:20]), ip[:total]
    elif version == 6 and len(ip) >= 40:
        head, protocol, addresses = 40, ip[6], (ip[8:24], ip[24:40])
        ip = ip[:40 + struct.unpack_from("!H", ip, 4)[0]]
    else:
        return None
    if protocol == 17 and len(ip) >= head + 8:
        ports, sequence, body = struct.unpack_from("!HH", ip, head), 0, ip[head + 8:]
    elif protocol == 6 and len(ip) >= head + 20:
        ports, sequence = struct.unpack_from("!HH", ip, head), struct.unpack_from("!I", ip, head + 4)[0]
        body = ip[head + (ip[head + 12] >> 4) * 4:]
    else:
        return None
    here, there = ((ipaddress.ip_address(a), p) for a, p in zip(addresses, ports))
    return protocol, (here, there), sequence, body


def client_bytes(path):
    """For each flow in order: (protocol, server's port, payloads of the side that spoke first)."""
    flows = collections.OrderedDict()
    for frame in frames(path):
        read = segments(frame)
        if read is None or not read[3]:
            continue
        protocol, (here, there), sequence, body = read
        key = (protocol, here, there)
        if (protocol, there, here) not in flows:
            seen = flows.setdefault(key, (there[1], {}))[1]
            seen.setdefault(sequence if protocol == 6 else len(seen), body)
    for (protocol, _, _), (port, payloads) in flows.items():
        yield protocol, port, [payloads[k] for k in sorted(payloads)]


def with_lengths(payloads):
    return b"".join(struct.pack("!H", len(p)) + p for p in payloads[:3])


def of_stream(stream):
    """(target, input) of what a TCP client said."""
    yield "filter", b"\x00\x01\x80\x01\x80\x00" + stream  # two halves, the second first
    if stream[0] == 22:
        yield "tls", b"\xff" + stream
    elif stream.startswith(b"PRI * HTTP/2"):
        yield "h2", stream[24:]
    elif stream.startswith(METHODS):
        yield "http1", stream
    else:
        yield "preface", b"\x00" + stream


def of_datagrams(port, payloads):
    if port == 53:
        yield "dns", payloads[0]
    elif payloads[0][0] == 22:
        yield "dtls", with_lengths(payloads)
    elif payloads[0][0] & 0x80 or payloads[0][0] in (9, 13):
        yield "quic", with_lengths(payloads)


def main():
    seen = collections.defaultdict(set)
    for old in (HERE / "corpus").glob("*/capture-*"):
        old.unlink()
    for path in sorted(CAPTURES.glob("*.pcap")):
        for number, (protocol, port, payloads) in enumerate(client_bytes(path)):
            found = of_stream(b"".join(payloads)[:MAX - 16]) if protocol == 6 else of_datagrams(port, payloads)
            for target, data in found:
                if len(data) > MAX or data in seen[target] or number > 3:
                    continue
                seen[target].add(data)
                (HERE / "corpus" / target / ("capture-%s-%d" % (path.stem, number))).write_bytes(data)


if __name__ == "__main__":
    main()
