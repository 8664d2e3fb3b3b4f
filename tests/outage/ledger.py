# SPDX-License-Identifier: GPL-2.0-or-later
"""ledger.py - do the counters add up? Differences of `sluice metrics` before and after a load, against each other and against what the
load knows of its connections.

Where no engine died all of these are equal:
    flows seen             = judged + not judged, by cause
    packets                = packets whose verdict's time was taken
    verdicts               = records of the flow log, written or lost
    verdicts by list       = flows blocked, of this load, in which each flow is judged once
An engine that is killed takes with it what it alone knew: flows that it had seen and not decided, the batch that it had in hand, and
records that were not in the file yet. The next one sees these flows and packets again, and counts them again. So after a death there may
be more flows than decided ones, more packets than times, more verdicts than records; by how many at most is known, and never fewer."""

from metrics.exposition import value

from . import events
from .record import RESET

BATCH = 64  # packets that a worker may have in hand (option batch)
UNDECIDED = 64  # flows that one engine may know of and not have decided: a hello's second segment comes 2 ms after the first
RECORDS = 256  # in a ring, a buffer and not in the file yet: of 50 ms


def difference(before, after, name, **labels):
    return round(value(after, "sluice_" + name, **labels) - value(before, "sluice_" + name, **labels))


def open_flows(before, after):
    return difference(before, after, "flows_total") - difference(before, after, "flows_judged_total") - difference(
        before, after, "flows_unjudged_total")


class Ledger:
    def __init__(self, before, after, connections):
        self.of = {name: difference(before, after, metric) for name, metric in (
            ("flows", "flows_total"), ("judged", "flows_judged_total"), ("not judged", "flows_unjudged_total"),
            ("blocked", "flows_blocked_total"), ("packets", "packets_total"), ("times", "verdict_seconds_count"),
            ("verdicts", "undecided_seconds_count"), ("records", "flow_log_records_total"),
            ("records lost", "flow_log_records_lost_total"), ("evicted undecided", "evicted_undecided_total"))}
        self.of["by list"] = difference(before, after, "list_verdicts_total", verdict="block")
        # A supervisor counts these anew.
        for name, metric in (("passed by the kernel", "kernel_unjudged_packets_total"), ("on_failure", "on_failure_packets_total"),
                             ("queue dropped", "queue_dropped_total")):
            self.of[name] = max(0, difference(before, after, metric))
        self.ended = max(0, difference(before, after, "engine_restarts_total"))
        self.workers = len(after["sluice_worker_batches_total"].samples)
        self.begun = sum(c.blocked for c in connections)
        self.reset = sum(c.outcome == RESET for c in connections)

    def figures(self):
        return {"engines that ended": self.ended} | {name: n for name, n in self.of.items() if n or name in ("flows", "judged", "not judged")}

    def complaints(self, kinds, number):
        """kinds, number: the events that were meanwhile."""
        n = self.of
        deaths = max(number, self.ended) if {events.killed, events.stopped, events.supervisor} & set(kinds) else self.ended
        changes = deaths or (number if events.upgrade in kinds else 0)
        for what, more, fewer, limit in (
                ("flows, and those judged or not", n["flows"], n["judged"] + n["not judged"], UNDECIDED * changes),
                ("packets, and those whose time was taken", n["packets"], n["times"], BATCH * self.workers * deaths),
                ("verdicts, and records", n["verdicts"], n["records"] + n["records lost"], RECORDS * deaths)):
            if not 0 <= more - fewer <= limit:
                yield "%s do not add up: %d and %d (they may differ by %d)" % (what, more, fewer, limit)
        if n["by list"] != n["blocked"] and not changes:
            yield "%d flows were blocked, and by lists %d" % (n["blocked"], n["by list"])
        if n["blocked"] < self.reset or (not changes and n["blocked"] > self.begun):
            yield "%d flows were blocked; of %d connections for blocked names %d were reset" % (n["blocked"], self.begun, self.reset)
        for name in ("passed by the kernel", "on_failure", "queue dropped"):
            if n[name]:
                yield "%d packets: %s" % (n[name], name)
