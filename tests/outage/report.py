# SPDX-License-Identifier: GPL-2.0-or-later
"""report.py - the figures: of every kind of event, and of the same load without one; and which of them are not as promised."""

import collections
import statistics

from .events import KINDS
from .record import stalls, summary, usual, wrong

AFTER = 0.5


def _windows(events):
    return [(e.begun, e.ended + AFTER) for e in events]


def _quiet_windows(quiet, length):
    start, end = quiet
    out = []
    while start + length <= end:
        out.append((start, start + length))
        start += length
    return out or [quiet]


def _kind(kind, opts, outage, records):
    events = [e for e in outage.events if e.kind == kind.name]
    if not events:
        return None
    windows = _windows(events)
    length = statistics.median(end - start for start, end in windows)
    median, worst = summary(stalls(records, windows))
    quiet_median, quiet_worst = summary(stalls(records, _quiet_windows(outage.quiet, length)))
    counted = collections.Counter()
    for event, counts in zip(outage.events, outage.counted):
        if event.kind == kind.name:
            counted.update(counts)
    connections = [c for start, end in windows for c in records.during(start, end)]
    return {"events": len(events), "failed": sum(e.error is not None for e in events),
            "took_ms": round(1000 * statistics.median(e.ended - e.begun for e in events)),
            "connections": len(connections), "wrong": dict(wrong(connections)),
            "stall_ms": {"median": round(median, 1), "worst": round(worst, 1)},
            "quiet_ms": {"median": round(quiet_median, 1), "worst": round(quiet_worst, 1)},
            "allowed_more_ms": {"median": kind.median * opts.slow, "worst": kind.worst * opts.slow},
            "not_judged": {key: n for key, n in counted.items() if n}}


def result(opts, outage, records, downloads, span):
    everything = records.between(*span)
    quiet = records.between(*outage.quiet)
    kinds = {kind.name: figures for kind in KINDS if (figures := _kind(kind, opts, outage, records)) is not None}
    out = {
        "rate": opts.rate, "seconds": round(span[1] - span[0]), "connections": len(everything),
        "blocked": sum(c.blocked for c in everything),
        "usual_ms": round(usual(quiet), 2),
        "allowed_failed": sum(not c.blocked and not c.right for c in everything),
        "blocked_through": sum(c.through and not c.split for c in everything),
        "blocked_through_two_segments": sum(c.through and c.split for c in everything),
        "blocked_otherwise": sum(c.blocked and not c.right and not c.through for c in everything),
        "downloads": downloads, "kinds": kinds}
    out["wrong"] = list(_complaints(out))
    return out


def _complaints(r):
    if r["connections"] < 0.9 * r["rate"] * r["seconds"]:
        yield "%d connections in %d s are too few" % (r["connections"], r["seconds"])
    for key, words in (("allowed_failed", "allowed connections failed"), ("blocked_through", "blocked names got through"),
                       ("blocked_otherwise", "blocked names had no answer")):
        if r[key]:
            yield "%d %s" % (r[key], words)
    if r["downloads"]["broken"]:
        yield "%d downloads broke" % r["downloads"]["broken"]
    for name, kind in r["kinds"].items():
        if kind["failed"]:
            yield "%s: %d failed" % (name, kind["failed"])
        for what, more in kind["allowed_more_ms"].items():
            if kind["stall_ms"][what] > kind["quiet_ms"][what] + more:
                yield "%s: %s stall %.0f ms, %.0f without, and %.0f more are promised" % (
                    name, what, kind["stall_ms"][what], kind["quiet_ms"][what], more)


def show(r):
    print("%d connections in %d s, %d of them for blocked names; usual: %.2f ms" % (
        r["connections"], r["seconds"], r["blocked"], r["usual_ms"]))
    print("allowed connections failed            %d" % r["allowed_failed"])
    print("blocked names got through             %d" % r["blocked_through"])
    print("  of hellos in two segments, besides  %d" % r["blocked_through_two_segments"])
    print("blocked names with another end        %d" % r["blocked_otherwise"])
    d = r["downloads"]
    print("downloads broken                      %d of %d; longest pause %.0f ms" % (d["broken"], d["downloads"], d["longest_pause_ms"]))
    print("\n%-20s %6s %8s  %s" % ("", "events", "took", "longest connection, ms: median (without), worst (without)"))
    for name, k in r["kinds"].items():
        print("%-20s %6d %5d ms  %7.1f (%.1f)  %7.1f (%.1f)" % (
            name, k["events"], k["took_ms"], k["stall_ms"]["median"], k["quiet_ms"]["median"], k["stall_ms"]["worst"],
            k["quiet_ms"]["worst"]))
        for words in (k["wrong"], k["not_judged"]):
            if words:
                print("%21s%s" % ("", ", ".join("%s %d" % item for item in sorted(words.items()))))
    for complaint in r["wrong"]:
        print("WRONG: " + complaint)
    print("all as promised" if not r["wrong"] else "not as promised")
