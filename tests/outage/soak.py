# SPDX-License-Identifier: GPL-2.0-or-later
"""soak.py - does anything grow, and do the counters add up? Steady load through a gateway in network namespaces, in phases: reloads;
engines killed and stopped; upgrades; supervisors killed.

    tests/outage/soak --build-dir build/release --minutes 60
    tests/outage/soak --build-dir build/release --short         half a minute

Memory and descriptors of each process are looked at between events, and a line is laid through them. When a phase is over its load
ends, and the counters are compared with each other and with what the load knows. Exit status: 0; 1 something has grown, does not add up,
or a connection went wrong; 2 the harness could not go on."""

import argparse
import contextlib
import json
import os
import shutil
import sys
import time

from lab import entry, machine
from lab.daemon import Daemon
from lab.interrupts import ignore
from lab.namespaces import SERVER, LabError, Network
from lab.report import progress
from metrics import exposition

from . import events, ledger
from .footprint import Footprint, complaints
from .main import SOURCE, Outage, end, started, write_names
from .record import RESET, Records

DOWNLOADS = 2
FLOW_IDLE = 4  # s: then a flow of which no more comes is over
SETTLE = 1.0  # s after an event in which its processes come and go
PUBLISHED = 2.5  # s after which an idle worker has told of all that was written to the flow log
MAX_FLOWS = 4096  # so that all of the table has been used soon


class Phase:
    def __init__(self, name, share, pause, *kinds):
        self.name, self.share, self.pause, self.kinds = name, share, pause, kinds


# pause: s between events; engines that die sooner after one another are a series (2 s), and that is another story.
PHASES = (
    Phase("reloads", 0.5, 1.5, events.reload),
    Phase("engines killed and stopped", 0.25, 2.2, events.killed, events.stopped),
    Phase("upgrades", 0.15, 1.5, events.upgrade, events.reload),
    Phase("supervisors killed", 0.1, 2.2, events.supervisor),
)


class Soak:
    def __init__(self, opts, folder, at_exit):
        self.opts, self.folder = opts, folder
        self.network = Network()
        at_exit.callback(self.network.remove)
        self.network.gateway.sysctl("netfilter/nf_conntrack_tcp_timeout_close", 1)
        self.loader = machine.program(opts.build_dir, "sl_outage_load")
        sluiced = machine.program(opts.build_dir, "sluiced")
        self.socket = os.path.join(folder, "metrics.sock")
        self.daemon = Daemon(self.network, folder, SOURCE, sluiced, machine.program(opts.build_dir, "sluice"),
                             {"flow_idle": "%ds" % FLOW_IDLE, "max_flows": str(MAX_FLOWS), "metrics_listen": self.socket})
        at_exit.callback(self.daemon.stop)
        at_exit.callback(end, started(self.network.server, os.path.join(folder, "server.log"), self.loader, "serve"))
        self.daemon.start()
        self.daemon.wait_ready()
        self.outage = Outage(folder, self.network, self.daemon, sluiced)
        for helper in ("sluice-reporter", "sluice-fetch"):  # beside the copies that upgrades lead to
            os.symlink(machine.program(opts.build_dir, helper), os.path.join(folder, helper))
        self.names = write_names(os.path.join(folder, "names"))
        self.events = 0

    def load(self, at_exit, records):
        load = started(self.network.client, os.path.join(self.folder, "load.log"), self.loader, "steady", "--server4", SERVER[4],
                       "--server6", SERVER[6], "--names", self.names, "--rate", str(self.opts.rate), "--downloads", str(DOWNLOADS),
                       "--records", records)
        at_exit.callback(end, load)
        return load

    def counters(self):
        """As printed; a supervisor that was just killed is given its time."""
        limit = time.monotonic() + 10
        while True:
            printed = self.daemon.command("metrics")
            if printed.returncode == 0:
                return exposition.parse(printed.stdout)
            if time.monotonic() > limit:
                raise LabError("sluice metrics: " + printed.stderr.strip())
            time.sleep(0.1)

    def scrape(self):
        """Whether HTTP serves the same families."""
        got = self.network.gateway.run("curl", "-s", "-m", "5", "--unix-socket", self.socket, "http://sluice/metrics", check=False)
        return got.returncode == 0 and exposition.parse(got.stdout).keys() == self.counters().keys()

    def events_of(self, phase, until, footprint):
        """Event after event; what went wrong with them."""
        wrong, number, scraped = [], 0, 0
        while time.monotonic() < until:
            time.sleep(max(SETTLE, phase.pause))
            footprint.look(self.daemon)
            scraped += self.scrape()
            error = phase.kinds[number % len(phase.kinds)](self.outage, self.events)
            number += 1
            self.events += 1
            if error:
                wrong.append("%s, event %d: %s" % (phase.name, number, error))
        time.sleep(SETTLE)
        footprint.look(self.daemon)
        if scraped < 0.8 * number:
            wrong.append("%s: only %d of %d scrapes were answered" % (phase.name, scraped, number))
        return number, wrong

    def quiet(self, before):
        """Without load: counters when nothing is undecided any more, or a minute later."""
        limit = time.monotonic() + 60
        while True:
            after = self.counters()
            if ledger.open_flows(before, after) <= 0 or time.monotonic() > limit:
                return after
            time.sleep(0.5)

    def run(self, phase, seconds):
        records = os.path.join(self.folder, "records-" + phase.name.replace(" ", "-"))
        footprint = Footprint(self.opts.warm / 2)
        with contextlib.ExitStack() as at_exit:
            before = self.counters()
            load = self.load(at_exit, records)
            begun = time.monotonic()
            time.sleep(self.opts.warm)
            number, wrong = self.events_of(phase, begun + self.opts.warm + seconds, footprint)
            stopped = time.monotonic()
            end(load)
        time.sleep(PUBLISHED)
        after = self.quiet(before) if phase.kinds[0] in (events.reload, events.upgrade) else self.settled()
        whole = Records(records)
        # Those that were under way when the load ended are nobody's.
        connections = whole.between(begun, stopped - 0.5)
        book = ledger.Ledger(before, after, whole.all)
        return {"phase": phase.name, "events": number, "seconds": round(stopped - begun), "connections": len(connections),
                "allowed_failed": sum(not c.blocked and not c.right for c in connections),
                "blocked_through": sum(c.through and not c.split for c in connections),
                "blocked_through_two_segments": sum(c.through and c.split for c in connections),
                "resets": sum(c.outcome == RESET for c in connections),
                "processes": footprint.figures(), "counters": book.figures(), "wrong": wrong + [
                    "%s: %s" % (phase.name, text) for text in book.complaints(phase.kinds, number)]}

    def keep(self, folder):
        os.makedirs(folder, exist_ok=True)
        shutil.copy(self.daemon.log, folder)
        for name in os.listdir(self.folder):
            if name.startswith("records"):
                shutil.copy(os.path.join(self.folder, name), folder)

    def settled(self):
        """Undecided flows of an engine that died are nobody's: what is left has ended when it is idle."""
        time.sleep(FLOW_IDLE + 2)
        return self.counters()


def judge(result):
    """Adds what is wrong."""
    for key, words in (("allowed_failed", "allowed connections failed"), ("blocked_through", "blocked names got through")):
        if result[key]:
            result["wrong"].append("%s: %d %s" % (result["phase"], result[key], words))
    for role, figures in result["processes"].items():
        result["wrong"] += ["%s: %s" % (result["phase"], text) for text in complaints(role, figures)]


def show(result):
    print("\n%s: %d events in %d s, %d connections; allowed failed %d, blocked got through %d, of hellos in two segments %d" % (
        result["phase"], result["events"], result["seconds"], result["connections"], result["allowed_failed"], result["blocked_through"],
        result["blocked_through_two_segments"]))
    for role, f in result["processes"].items():
        print("  %-11s %6d KiB of its own, at most %d; one grew by %d, give or take %d, in %d s; %d descriptors, %+d; %d samples" % (
            role, f["bytes"] // 1024, f["most"] // 1024, round(f["grown"] / 1024), round(f["error"] / 1024), f["seconds"], f["descriptors"],
            f["descriptors_more"], f["samples"]))
    print("  " + ", ".join("%s %d" % item for item in result["counters"].items()))
    sys.stdout.flush()


def options(argv):
    parser = argparse.ArgumentParser(prog="tests/outage/soak", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--build-dir", metavar="DIR", required=True, help="the programs of a build")
    parser.add_argument("--minutes", type=float, default=60, metavar="N", help="how long events go on, in all (60)")
    parser.add_argument("--short", action="store_true", help="half a minute: nothing would grow far in it, but the rest holds, too")
    parser.add_argument("--only", metavar="TEXT", default="", help="the phases whose name contains TEXT, each for as long as it would be")
    parser.add_argument("--rate", type=int, default=200, metavar="N", help="new connections a second (200)")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--keep", metavar="FOLDER", help="leave sluiced's log and the load's records there")
    opts = parser.parse_args(argv)
    if opts.short:
        opts.minutes = 0.5
    # s until the tables have been used once
    opts.warm = 2 * FLOW_IDLE if opts.short else MAX_FLOWS / opts.rate + FLOW_IDLE
    return opts


def run(opts):
    machine.check_kernel()
    results, soak = [], None
    with contextlib.ExitStack() as at_exit:
        try:
            folder = machine.temporary_folder()
            at_exit.callback(shutil.rmtree, folder, ignore_errors=True)
            soak = Soak(opts, folder, at_exit)
            for phase in (p for p in PHASES if opts.only in p.name):
                progress("%s, %.0f s" % (phase.name, phase.share * opts.minutes * 60))
                results.append(soak.run(phase, phase.share * opts.minutes * 60))
                judge(results[-1])
                show(results[-1])
        finally:
            ignore()
            if opts.keep and soak is not None:
                soak.keep(opts.keep)
    if opts.json:
        with open(opts.json, "w") as to:
            json.dump(results, to, indent=1)
    wrong = [text for result in results for text in result["wrong"]]
    print()
    for text in wrong:
        print("WRONG: " + text)
    print("nothing grows, and the counters add up" if not wrong else "not as promised")
    return not wrong


def main(argv):
    opts = options(argv)
    return entry.run("soak", lambda: run(opts), exposition.Malformed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
