# SPDX-License-Identifier: GPL-2.0-or-later
"""footprint.py - what sluiced's processes take, sample by sample, and whether it grows: memory of their own and open descriptors."""

import collections
import contextlib
import os
import statistics
import time

Sample = collections.namedtuple("Sample", "when pid warm memory descriptors")
ROLES = "supervisor", "engine", "spare", "reporter"
ALLOWED = 512 * 1024  # bytes that may be noise, over a phase
ERRORS = 3  # standard errors of a slope that may be noise


def own_memory(pid):
    """Bytes that it has written to and no other process has. Pages of programs and libraries are in none: whether they count as
    one's own depends on who else has mapped the same file."""
    with open("/proc/%d/smaps_rollup" % pid) as rollup:
        return 1024 * sum(int(line.split()[1]) for line in rollup if line.startswith("Private_Dirty:"))


def descriptors(pid):
    """The fewest of a few looks: a client's connection, and a pipe to a program that is run, come and go."""
    least = []
    for _ in range(4):
        least.append(len(os.listdir("/proc/%d/fd" % pid)))
        time.sleep(0.05)
    return min(least)


def pids(daemon):
    """{role: pid} of those that are there."""
    status = daemon.status()
    found = {"supervisor": status.get("pid"), "engine": status.get("engine_pid"), "spare": status.get("spare_pid")}
    for pid in daemon.children():
        with contextlib.suppress(OSError), open("/proc/%d/cmdline" % pid) as words:
            if "--report" in words.read():
                found["reporter"] = pid
    return {role: pid for role, pid in found.items() if pid}


class Footprint:
    """Of one phase: {role: [Sample]}. Of processes that are replaced, as engines that are killed, the one that lived for longest is
    what a line is laid through: another one begins anew."""

    def __init__(self, warm):
        self.samples = {role: [] for role in ROLES}
        self.warm, self.born = warm, {}

    def look(self, daemon):
        for role, pid in pids(daemon).items():
            age = time.monotonic() - self.born.setdefault(pid, time.monotonic())
            with contextlib.suppress(OSError):  # it has ended meanwhile
                self.samples[role].append(Sample(time.monotonic(), pid, age >= self.warm, own_memory(pid), descriptors(pid)))

    def figures(self):
        return {role: _figures(samples) for role, samples in self.samples.items() if len(samples) >= 4}


def _line(points):
    """Slope of the line through the points that fits best, and its standard error."""
    times, values = [t for t, _ in points], [v for _, v in points]
    mean_t, mean_v = statistics.fmean(times), statistics.fmean(values)
    spread = sum((t - mean_t) ** 2 for t in times)
    slope = sum((t - mean_t) * (v - mean_v) for t, v in points) / spread
    rest = sum((v - mean_v - slope * (t - mean_t)) ** 2 for t, v in points)
    return slope, (rest / max(1, len(points) - 2) / spread) ** 0.5


def _figures(samples):
    quarter = max(1, len(samples) // 4)
    longest = collections.Counter(s.pid for s in samples if s.warm).most_common(1)
    line = [(s.when, s.memory) for s in samples if longest and s.warm and s.pid == longest[0][0]]
    line = line[len(line) // 2:]  # what is used for the first time is used by then; a leak goes on
    lasted, slope, error = 0, 0, 0
    if len(line) >= 4:
        lasted = line[-1][0] - line[0][0]
        slope, error = _line(line)
    first, last = (statistics.median(s.descriptors for s in part) for part in (samples[:quarter], samples[-quarter:]))
    return {"samples": len(samples), "of_one": len(line), "seconds": round(lasted), "bytes": round(statistics.median(s.memory for s in samples)),
            "most": max(s.memory for s in samples), "grown": round(slope * lasted), "error": round(error * lasted),
            "descriptors": round(last), "descriptors_more": round(last - first)}


def complaints(role, f):
    if f["grown"] > ALLOWED and f["grown"] > ERRORS * f["error"]:
        yield "%s: memory has grown by %d KiB (give or take %d) in %d s" % (role, f["grown"] // 1024, f["error"] // 1024, f["seconds"])
    if f["descriptors_more"] > 0:
        yield "%s: %d descriptors more at the end" % (role, f["descriptors_more"])
