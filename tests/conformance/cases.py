# SPDX-License-Identifier: GPL-2.0-or-later
"""cases.py - the table. A case is played twice: for a name that is blocked, which must not come whole to the server, and
for one that is allowed, which must be answered.

A case's function gets the name and gives the steps: (offset, bytes, options of player.py), or a float, a pause in
seconds. A decoy always carries the allowed name, so that who believes it lets the blocked one through."""

import dataclasses
import typing

from .messages import ALLOWED, QUIC_V1, QUIC_V2, AESGCM, crypto, handshake, hello, new_connection, request

PSH = 8
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
    limit: str = ""      # word of a setting's name under which README.md says that it leaks

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


def far_ahead(make):
    """A byte far ahead, within the window: not the message, and no reason to give up on it."""
    def steps(name):
        first, second = two(make)(name)
        return [first, (40000, b"x", DROPPED), 0.02, second]
    return steps


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
        limit = "tcp_hold=data" if protocol == "TLS" and "behind the window" in name else ""
        yield Case(protocol, name, behind(form(make)), short=short, limit=limit)


def records(name):
    data = hello(name, record=30)
    return pieces(data, 70, 140)


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


TCP = (
    *shared("TLS", hello),
    Case("TLS", "over many records, three segments", records, short=True),
    Case("TLS", "kernel's TCP: 9 KB in one send", kernel_large, "kernel", short=True),
    Case("TLS", "kernel's TCP: 1.6 KB in two sends", kernel_two, "kernel"),
    Case("TLS", "on a port of no protocol", two(hello), port=80),
    *shared("HTTP", request),
    Case("HTTP", "kernel's TCP: a head of 9 KB in one send", kernel_http, "kernel", short=True),
    Case("HTTP", "two requests in one segment, the second blocked", pipelined, short=True),
    Case("HTTP", "a second request, in two segments", second_request),
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
)

CASES = TCP + QUIC
