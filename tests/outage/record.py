# SPDX-License-Identifier: GPL-2.0-or-later
"""record.py - what sl_outage_load wrote of each connection, and what that says of a time."""

import bisect
import collections
import statistics
import struct

RECORD = struct.Struct("=QIBBBx")
ANSWERED, RESET, CLOSED, LOST = range(4)
WORDS = "answered", "reset", "closed", "lost"
BLOCKED, IPV6, SPLIT = 1, 2, 4


class Connection:
    __slots__ = ("begun", "took", "kind", "outcome", "asked")

    def __init__(self, fields):
        begun, took, self.kind, self.outcome, self.asked = fields
        self.begun, self.took = begun / 1e6, took / 1e6

    @property
    def blocked(self):
        return bool(self.kind & BLOCKED)

    @property
    def split(self):
        return bool(self.kind & SPLIT)

    @property
    def right(self):
        return self.outcome == (RESET if self.blocked else ANSWERED) and self.asked == 2

    @property
    def through(self):
        return self.blocked and self.outcome == ANSWERED


class Records:
    """In the order of their beginnings."""

    def __init__(self, path):
        with open(path, "rb") as source:
            data = source.read()
        data = data[:len(data) - len(data) % RECORD.size]
        self.all = sorted((Connection(fields) for fields in RECORD.iter_unpack(data)), key=lambda c: c.begun)
        self._begun = [c.begun for c in self.all]

    def between(self, start, end):
        """Those that began then."""
        return self.all[bisect.bisect_left(self._begun, start):bisect.bisect_left(self._begun, end)]

    def during(self, start, end, longest=9):
        """Those that ran for a part of it."""
        return [c for c in self.between(start - longest, end) if c.begun + c.took >= start]


def wrong(connections):
    """What was not right: {"allowed name: lost": 2}"""
    return collections.Counter(
        "%s name%s: %s" % ("blocked" if c.blocked else "allowed", ", hello in two segments" if c.split else "",
                           WORDS[c.outcome]) for c in connections if not c.right)


def stalls(records, windows):
    """The longest connection of each window, in milliseconds."""
    out = []
    for start, end in windows:
        during = records.during(start, end)
        if during:
            out.append(1000 * max(c.took for c in during))
    return out


def summary(values):
    """Median and longest."""
    return (statistics.median(values), max(values)) if values else (0.0, 0.0)


def usual(connections):
    """The median of all, in milliseconds."""
    return 1000 * statistics.median(c.took for c in connections) if connections else 0.0
