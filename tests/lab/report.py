# SPDX-License-Identifier: GPL-2.0-or-later
"""report.py - rows, and how they are shown: a table for people, JSON lines for programs. Progress goes to stderr."""

import json
import sys
import time
from dataclasses import dataclass


@dataclass
class Row:
    probe: str
    family: int
    expected: str
    got: str
    ms: float | None = None
    queued_packets: int | None = None

    @property
    def ok(self):
        return self.got == self.expected


def progress(text):
    print("lab: " + text, file=sys.stderr, flush=True)


class Report:
    """Collects rows and shows each as it comes. only: a part of the names of the probes that are wanted."""

    def __init__(self, as_json, only=""):
        self.as_json, self.only = as_json, only.lower()
        self.passed = self.failed = 0
        self._started = time.monotonic()
        self._headed = False

    def wants(self, probe):
        return self.only in probe.lower()

    def add(self, row):
        if not self.wants(row.probe):
            return
        self.passed, self.failed = self.passed + row.ok, self.failed + (not row.ok)
        print(self._json(row) if self.as_json else self._line(row), flush=True)

    def _json(self, row):
        return json.dumps({"probe": row.probe, "family": row.family, "expected": row.expected, "got": row.got,
                           "ok": row.ok, "queued_packets": row.queued_packets,
                           "ms": None if row.ms is None else round(row.ms, 1)})

    def _line(self, row):
        head = ""
        if not self._headed:
            head = "%-68s %-4s %-12s %8s %6s  %-3s %s\n" % ("probe", "", "expected", "ms", "queued", "ok", "got")
            self._headed = True
        return head + "%-68s IPv%d %-12s %8s %6s  %-3s %s" % (
            row.probe, row.family, row.expected, "" if row.ms is None else "%.1f" % row.ms,
            "" if row.queued_packets is None else row.queued_packets, "yes" if row.ok else "NO", row.got)

    def finish(self):
        total = self.passed + self.failed
        if self.as_json:
            print(json.dumps({"probes": total, "passed": self.passed, "failed": self.failed}), flush=True)
        else:
            print("%d probes, %d as expected, %d not, in %.0f s"
                  % (total, self.passed, self.failed, time.monotonic() - self._started), flush=True)
        return self.failed == 0 and total > 0
