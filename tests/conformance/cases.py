# SPDX-License-Identifier: GPL-2.0-or-later
"""cases.py - the table. A case is played twice: for a name that is blocked, which must not come whole to the server, and
for one that is allowed, which must be answered.

A case's function gets the name and gives the steps: (offset, bytes, options of player.py), or a float, a pause in
seconds. A decoy always carries the allowed name, so that who believes it lets the blocked one through."""

import dataclasses
import typing

from .messages import (ALLOWED, BLOCKED, QUIC_V1, QUIC_V2, AESGCM, block, crypto, extension, handshake, head, hello,
                       new_connection, request, stranger)
from .player import WITH_SYN

SYN, PSH = 2, 8
HOPS = 3  # too few to reach the server (endpoint.py), enough to pass the gateway
ENOUGH = 50  # fewer than others have, enough to reach it
LONG = 1400  # of padding: a hello as long as those with a post-quantum key share
DROPPED = {"keep": False}  # sent once: nobody waits for its acknowledgement


@dataclasses.dataclass(frozen=True)
class Case:
    protocol: str  # TLS, HTTP, QUIC
    name: str
    steps: typing.Callable
    player: str = "raw"
    short: bool = False  # of the short form
    port: int = 0
    honest: bool = True  # else nobody but who hides a name sends such, and it may be refused with any name

    @property
    def to_port(self):
        return self.port or (80 if self.protocol == "HTTP" else 443)


def pieces(data, *cuts):
    edges = [0, *cuts, len(data)]
    return [(a, data[a:b]) for a, b in zip(edges, edges[1:])]


def each(data, size):
    return pieces(data, *range(size, len(data), size))


def reordered(parts, order):
    return [parts[i] for i in order]


def name_at(data):
    """In the midst of the name."""
    return max(data.rfind(b"allowed.example"), data.rfind(b"blocked.example")) + 4


# Forms that TLS and HTTP share: make(name, pad) gives the bytes.

def whole(make):
    return lambda name: [(0, make(name))]


def two(make):
    def steps(name):
        data = make(name)
        return pieces(data, name_at(data))
    return steps


def two_swapped(make):
    return lambda name: list(reversed(two(make)(name)))


def bytewise(make):
    return lambda name: each(make(name), 1)


def small_reversed(make):
    return lambda name: list(reversed(each(make(name), 40)))


def middle_last(make):
    def steps(name):
        data = make(name)
        return reordered(pieces(data, name_at(data) - 10, name_at(data)), (0, 2, 1))
    return steps


def long_two(make):
    return lambda name: each(make(name, LONG), 1400)


def long_two_swapped(make):
    return lambda name: list(reversed(each(make(name, LONG), 1400)))


def late(make):
    def steps(name):
        first, second = two(make)(name)
        return [first, 0.3, second]
    return steps


def retransmitted(make):
    """The same bytes again, in segments of other lengths."""
    def steps(name):
        data = make(name)
        at = name_at(data)
        return [(0, data[:at]), (0, data[:at - 20]), (at - 20, data[at - 20:at + 2]), 0.05, (at - 10, data[at - 10:])]
    return steps


def first_lost(make):
    """The first piece comes after a pause only, as if it was lost on its way to the gateway."""
    def steps(name):
        first, second = two(make)(name)
        return [second, 0.25, first, second]
    return steps


def overlap(make, decoy_first):
    """Two copies of the piece with the name, before the rest of the message; which of them the server takes is its business."""
    def steps(name):
        data, decoy = make(name), make(ALLOWED)
        at = name_at(data) + 8
        copies = [(4, decoy[4:at], DROPPED), (4, data[4:at])]
        return [*(copies if decoy_first else reversed(copies)), (at, data[at:]), (0, data[:4])]
    return steps


def overlap_partly(make):
    def steps(name):
        data, decoy = make(name), make(ALLOWED)
        at = name_at(data)
        return [(0, data[:at - 6]), (at - 2, decoy[at - 2:-1], DROPPED), (at - 6, data[at - 6:])]
    return steps


def decoy(make, **options):
    """A whole message with the allowed name, which no server reads, ahead of the real one."""
    return lambda name: [(0, make(ALLOWED), {"keep": False, **options}), 0.02, *two(make)(name)]


def decoy_between(make, **options):
    def steps(name):
        first, second = two(make)(name)
        fake = make(ALLOWED)
        return [first, (second[0], fake[second[0]:], {"keep": False, **options}), 0.02, second]
    return steps


def fewer_hops(make, decoy_hops=0):
    """The real segments have fewer hops left than the SYN had, and arrive; perhaps behind a decoy that does not."""
    def steps(name):
        real = [(*piece, {"hops": ENOUGH}) for piece in two(make)(name)]
        fake = [(0, make(ALLOWED), {"keep": False, "hops": decoy_hops}), 0.02] if decoy_hops else []
        return [*fake, *real]
    return steps


def far_ahead(make):
    """A byte far ahead, within the window: not the message, and no reason to give up on it."""
    def steps(name):
        first, second = two(make)(name)
        return [first, (40000, b"x", DROPPED), 0.02, second]
    return steps


def multisplit(make):
    """Cut everywhere: behind the first byte, before the name's field, within the name and at its end."""
    def steps(name):
        data = make(name)
        at = name_at(data)
        return pieces(data, 1, at - 13, at - 4, at, at + 11)
    return steps


def cut_at_field(make):
    """Between the name and what says that a name follows."""
    def steps(name):
        data = make(name)
        return pieces(data, name_at(data) - 4)
    return steps


def disordered(make, decoys):
    """The second piece, then the first one between two decoys of it."""
    def steps(name):
        data, fake = make(name), make(ALLOWED)
        at = name_at(data)
        wrong = (0, bytes(at) if decoys == "zeros" else fake[:at], {"keep": False, "damage": True})
        return [(at, data[at:]), wrong, (0, data[:at]), wrong]
    return steps


def faked_split(make):
    """Each piece between two decoys of it."""
    def steps(name):
        data, fake = make(name), make(ALLOWED)
        at = name_at(data)
        out = []
        for start, end in ((0, at), (at, len(data))):
            wrong = (start, fake[start:end], {"keep": False, "damage": True})
            out += [wrong, (start, data[start:end]), wrong]
        return out
    return steps


def overlap_by_one(make):
    """Out of order, and one byte twice, with another value."""
    def steps(name):
        data = make(name)
        at = name_at(data)
        wrong = b"\x00" if name == BLOCKED else data[at - 1:at]
        return [(at - 1, wrong + data[at:]), 0.01, (0, data[:at])]
    return steps


def begun_early(make, early):
    """The first segment begins before the connection does; the server leaves out what is too early."""
    def steps(name):
        data, at = make(name), name_at(make(name))
        before = make(ALLOWED) if early is None else bytes(early)
        return [(-len(before), before + data[:at]), (at, data[at:])]
    return steps


def too_early(make, offset):
    return lambda name: [(offset, make(ALLOWED), DROPPED), 0.02, *two(make)(name)]


def second_syn(make, offset):
    """A SYN with another number, which the server challenges (RFC 5961 §4), and a message in its place."""
    return lambda name: [(offset - 1, b"", {"keep": False, "flags": SYN}), (offset, make(ALLOWED), DROPPED), 0.02,
                         *two(make)(name)]


def with_syn(make):
    return lambda name: [(0, make(ALLOWED), WITH_SYN), 0.02, *two(make)(name)]


def out_of_line(make):
    """A byte more in the midst of the name, sent as urgent: who reads it out of line has the name without."""
    def steps(name):
        data = make(name)
        at = name_at(data)
        return [(0, data[:at] + b"x", {"urgent": at + 1}), (at + 1, data[at:])]
    return steps


# NE-CHOICE-28: the kernel makes them whole before a packet is queued
def in_fragments(make):
    return lambda name: [(0, make(name, LONG)[:1400], {"fragment": 512}), (1400, make(name, LONG)[1400:], {"fragment": 16})]


FORMS = (
    ("whole", whole, True), ("two segments, cut in the name", two, True), ("the second segment first", two_swapped, True),
    ("segments of one byte", bytewise, False), ("segments of 40 bytes, the last first", small_reversed, True),
    ("the piece with the name last", middle_last, False), ("long, two segments", long_two, True),
    ("long, the second segment first", long_two_swapped, False), ("the second segment 300 ms later", late, False),
    ("sent again with other lengths", retransmitted, True), ("the first segment lost, and sent again", first_lost, False),
    ("overlap: a decoy, then the real copy", lambda make: overlap(make, True), True),
    ("overlap: the real copy, then a decoy", lambda make: overlap(make, False), True),
    ("overlap in part, of the name", overlap_partly, False),
    ("decoy: bad checksum", lambda make: decoy(make, damage=True), True),
    ("decoy: bad checksum in between", lambda make: decoy_between(make, damage=True), False),
    ("decoy: TCP-MD5 option", lambda make: decoy(make, md5=True), True),
    ("decoy: sequence number behind the window", lambda make: decoy(make, behind=True), False),
    ("decoy: acknowledges what was never sent", lambda make: decoy(make, ack=1 << 30), True),
    ("decoy: without ACK", lambda make: decoy(make, flags=PSH), False),
    ("decoy: a byte far ahead in the window", far_ahead, True),
    ("cut at the name's field", cut_at_field, False), ("five cuts", multisplit, True),
    ("the second segment first, decoys around the first", lambda make: disordered(make, "names"), True),
    ("the second segment first, zeros around the first", lambda make: disordered(make, "zeros"), False),
    ("each segment between decoys with bad checksums", faked_split, False),
    ("overlap by one byte, the second segment first", overlap_by_one, True),
    ("begun one byte too early", lambda make: begun_early(make, 1), False),
    ("begun a whole message too early", lambda make: begun_early(make, None), False),
    ("decoy: 10000 bytes before the beginning", lambda make: too_early(make, -10000), False),
    ("decoy: with the SYN", with_syn, False),
    ("decoy: behind a second SYN", lambda make: second_syn(make, -(1 << 24)), True),
    ("decoy: behind a second SYN, just ahead", lambda make: second_syn(make, -1000), False),
    ("decoy: dies on the way", lambda make: decoy(make, hops=HOPS), True),
    ("decoy: dies on the way, in between", lambda make: decoy_between(make, hops=HOPS), True),
    ("decoy: dies on the way, the real one goes less far than the SYN", lambda make: fewer_hops(make, HOPS), False),
    ("segments go less far than the SYN", fewer_hops, False),
    ("a byte of urgent data in the name", out_of_line, False),
    ("segments in IP fragments, the last first", in_fragments, True),
)


def behind(steps):
    """The option `behind` is a place: a megabyte before the connection's first byte."""
    def moved(name):
        out = []
        for step in steps(name):
            if not isinstance(step, float) and len(step) > 2 and step[2].get("behind"):
                options = {k: v for k, v in step[2].items() if k != "behind"}
                step = (step[0] - (1 << 20), step[1], options)
            out.append(step)
        return out
    return moved


def shared(protocol, make):
    for name, form, short in FORMS:
        yield Case(protocol, name, behind(form(make)), short=short, honest="urgent" not in name and "second SYN" not in name)


def records(name):
    data = hello(name, record=30)
    return pieces(data, 70, 140)


def two_records(name):
    return [(0, hello(name, record=len(handshake(name)) - 9))]


def tiny_records(name):
    return each(hello(name, record=1), 600)


def mixed_case(name):
    return "".join(c.upper() if i % 2 else c for i, c in enumerate(name))


def spelled(text):
    """A request as servers take it, though it is not how clients write it."""
    return lambda name: [(0, head(name, text))]


def kernel_large(name):
    return [(0, hello(name, 9000))]


def kernel_two(name):
    data = hello(name, LONG)
    return [(0, data[:700]), 0.05, (700, data[700:])]


def kernel_http(name):
    return [(0, request(name, 9000))]


def pipelined(name):
    return [(0, request(ALLOWED) + request(name))]


def second_request(name):
    first, second = request(ALLOWED), request(name)
    return [(0, first), 0.1, (len(first), second[:20]), (len(first) + 20, second[20:])]


def behind_chunks(name):
    text = (b"POST / HTTP/1.1\r\nHost: %s\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n" % ALLOWED.encode()
            + b"GET / HTTP/1.1\r\n" + b"\r\n0\r\n\r\n")
    return [(0, text + request(name))]


SPELLINGS = (
    ("the field spelled hOsT", b"GET / HTTP/1.1\r\nhOsT: %s\r\n"),
    ("no space before the name", b"GET / HTTP/1.1\r\nHost:%s\r\n"),
    ("spaces and a tab around the name", b"GET / HTTP/1.1\r\nHost: \t  %s \t\r\n"),
    ("a dot behind the name", b"GET / HTTP/1.1\r\nHost: %s.\r\n"),
    ("a port behind the name", b"GET / HTTP/1.1\r\nHost: %s:80\r\n"),
    ("two spaces behind the method", b"GET  / HTTP/1.1\r\nHost: %s\r\n"),
    ("empty lines before the method", b"\r\n\r\nGET / HTTP/1.1\r\nHost: %s\r\n"),
    ("a bare LF before the method", b"\nGET / HTTP/1.1\r\nHost: %s\r\n"),
    ("lines that end in a bare LF", b"GET / HTTP/1.1\nHost: %s\nX: y\n"),
    ("the target in absolute form", b"GET http://%s/ HTTP/1.1\r\nHost: %s\r\n"),
    ("absolute form, and another name in Host", b"GET http://%s/ HTTP/1.1\r\nHost: allowed.example\r\n"),
    ("Host, and another name in absolute form", b"GET http://allowed.example/ HTTP/1.1\r\nHost: %s\r\n"),
    ("two Hosts, the allowed one first", b"GET / HTTP/1.1\r\nHost: allowed.example\r\nHost: %s\r\n"),
    ("two Hosts, the allowed one last", b"GET / HTTP/1.1\r\nHost: %s\r\nHost: allowed.example\r\n"),
    ("the name on a folded line", b"GET / HTTP/1.1\r\nHost:\r\n %s\r\n"),
    ("a method of its own", b"BREW / HTTP/1.1\r\nHost: %s\r\n"),
    ("HTTP/1.0", b"GET / HTTP/1.0\r\nHost: %s\r\n"),
)

TCP = (
    *shared("TLS", hello),
    Case("TLS", "over many records, three segments", records, short=True),
    Case("TLS", "two records, cut in the name, one segment", two_records, short=True),
    Case("TLS", "records of one byte", tiny_records),
    Case("TLS", "a name in mixed case", lambda name: whole(hello)(mixed_case(name))),
    Case("TLS", "a name with a dot at the end", lambda name: whole(hello)(name + ".")),
    Case("TLS", "kernel's TCP: 9 KB in one send", kernel_large, "kernel", short=True),
    Case("TLS", "kernel's TCP: 1.6 KB in two sends", kernel_two, "kernel"),
    Case("TLS", "on a port of no protocol", two(hello), port=80),
    *shared("HTTP", request),
    Case("HTTP", "kernel's TCP: a head of 9 KB in one send", kernel_http, "kernel", short=True),
    Case("HTTP", "two requests in one segment, the second blocked", pipelined, short=True),
    Case("HTTP", "a second request, in two segments", second_request),
    Case("HTTP", "a second request, behind a chunked body", behind_chunks),
    *(Case("HTTP", name, spelled(text), short="absolute" in name or "hOsT" in name) for name, text in SPELLINGS),
)


# QUIC: datagrams.

def quic(build, version=QUIC_V1):
    def steps(name):
        connection = new_connection(version)
        return [step if isinstance(step, float) else (0, step) for step in build(connection, handshake(name, 1000))]
    return steps


def cut(data, *edges):
    return [crypto(at, part) for at, part in pieces(data, *edges)]


def quic_one(connection, message):
    return [connection.seal(0, crypto(0, message))]


def quic_two(connection, message):
    a, b = cut(message, len(message) - 9)
    return [connection.seal(0, a), connection.seal(1, b)]


def quic_swapped(connection, message):
    return list(reversed(quic_two(connection, message)))


def quic_shuffled(connection, message):
    frames = cut(message, *range(100, len(message), 100))
    order = [i * 5 % len(frames) for i in range(len(frames))] if len(frames) % 5 else list(reversed(range(len(frames))))
    half = len(order) // 2
    return [connection.seal(n, b"\x01".join(frames[i] for i in part) + b"\x01") for n, part in
            enumerate((order[:half], order[half:]))]


def quic_late(connection, message):
    a, b = quic_two(connection, message)
    return [a, 0.3, b]


def quic_again(connection, message):
    a, b = quic_two(connection, message)
    return [a, a, connection.seal(2, cut(message, 500)[0]), b]


def quic_decoy_tag(connection, message):
    fake = new_connection().seal(0, crypto(0, handshake(ALLOWED, 1000)), damage=True)
    return [fake, *quic_two(connection, message)]


def quic_decoy_short(connection, message):
    fake = new_connection().seal(0, crypto(0, handshake(ALLOWED)), size=0)
    return [fake, *quic_two(connection, message)]


def quic_decoy_connection(connection, message):
    """Another connection of the same ports, whose hello opens, ahead: a server has both."""
    fake = new_connection().seal(0, crypto(0, handshake(ALLOWED, 1000)))
    return [fake, 0.02, *quic_two(connection, message)]


def quic_decoy_part(connection, message):
    """A part of another connection's hello in between."""
    a, b = quic_two(connection, message)
    return [a, new_connection().seal(0, cut(handshake(ALLOWED, 1000), 500)[0]), b]


def quic_overlap(decoy_first):
    def build(connection, message):
        fake = handshake(ALLOWED, 1000)
        frames = [crypto(4, part[4:1000]) for part in (fake, message)]
        frames = b"".join(frames if decoy_first else reversed(frames))
        return [connection.seal(0, frames, size=0), connection.seal(1, crypto(0, message[:4]) + crypto(1000, message[1000:]))]
    return build


def quic_tiny(connection, message):
    frames = list(reversed(cut(message, *range(8, len(message), 8))))
    return [connection.seal(n, b"".join(frames[i:i + 60])) for n, i in enumerate(range(0, len(frames), 60))]


def quic_three(connection, message):
    a, b, c = cut(message, 300, len(message) - 9)
    return [connection.seal(2, c), connection.seal(0, a), connection.seal(1, b)]


def quic_token(connection, message):
    return [connection.seal(0, crypto(0, message), token=bytes(100))]


def quic_retry(connection, message):
    """As if the server had answered the first datagram with a Retry: another id, with a token, and all from the beginning."""
    other = new_connection(connection.version)
    a, b = cut(message, len(message) - 9)
    return [connection.seal(0, a), 0.05, other.seal(1, a, token=bytes(40)), other.seal(2, b, token=bytes(40))]


def quic_coalesced(kind, behind):
    """With a packet that nobody can open in each datagram."""
    def build(connection, message):
        other = stranger(connection.version, kind, 60)
        a, b = cut(message, len(message) - 9)
        return [packet + other if behind else other + packet for packet in (connection.seal(0, a), connection.seal(1, b))]
    return build


def quic_trailing(connection, message):
    return [packet + bytes(range(1, 60)) for packet in quic_two(connection, message)]


def quic_offers_v2(name):
    """A hello of v1 that may go on in v2 (RFC 9368 §3)."""
    versions = b"".join(v.to_bytes(4, "big") for v in (QUIC_V1, QUIC_V2, QUIC_V1))
    message = handshake(name, 900, more=extension(57, b"\x11" + block(1, versions)))
    return [(0, step) for step in quic_two(new_connection(), message)]


def quic_fragments(connection, message):
    return [connection.seal(0, crypto(0, message), size=2600)]


QUIC = () if AESGCM is None else (
    Case("QUIC", "v1, one datagram", quic(quic_one), "udp", True),
    Case("QUIC", "v2, one datagram", quic(quic_one, QUIC_V2), "udp", True),
    Case("QUIC", "two datagrams, cut in the name", quic(quic_two), "udp", True),
    Case("QUIC", "the second datagram first", quic(quic_swapped), "udp", True),
    Case("QUIC", "CRYPTO frames shuffled over two datagrams, PING between", quic(quic_shuffled), "udp", True),
    Case("QUIC", "the second datagram 300 ms later", quic(quic_late), "udp"),
    Case("QUIC", "sent again with other lengths", quic(quic_again), "udp"),
    Case("QUIC", "decoy: a datagram that does not open", quic(quic_decoy_tag), "udp", True),
    Case("QUIC", "decoy: a datagram below 1200 bytes", quic(quic_decoy_short), "udp"),
    Case("QUIC", "decoy: another connection between the same ports", quic(quic_decoy_connection), "udp", True),
    Case("QUIC", "decoy: a part of another connection's hello", quic(quic_decoy_part), "udp"),
    Case("QUIC", "CRYPTO frames that differ, the decoy first", quic(quic_overlap(True)), "udp", honest=False),
    Case("QUIC", "CRYPTO frames that differ, the decoy last", quic(quic_overlap(False)), "udp", honest=False),
    Case("QUIC", "CRYPTO frames of 8 bytes, the last first", quic(quic_tiny), "udp"),
    Case("QUIC", "three datagrams, the last first", quic(quic_three), "udp", True),
    Case("QUIC", "a token", quic(quic_token), "udp"),
    Case("QUIC", "another connection id after a Retry", quic(quic_retry), "udp", True),
    Case("QUIC", "coalesced: Handshake that does not open behind", quic(quic_coalesced(2, True)), "udp"),
    Case("QUIC", "coalesced: 0-RTT that does not open ahead", quic(quic_coalesced(1, False)), "udp"),
    Case("QUIC", "coalesced: an Initial of another id ahead", quic(quic_coalesced(0, False)), "udp", True),
    Case("QUIC", "coalesced: bytes that are no packet behind", quic(quic_trailing), "udp"),
    Case("QUIC", "v1 that offers v2", quic_offers_v2, "udp"),
    Case("QUIC", "v2, shuffled over two datagrams", quic(quic_shuffled, QUIC_V2), "udp"),
    Case("QUIC", "one datagram in IP fragments", quic(quic_fragments), "udp"),
)

CASES = TCP + QUIC
