# SPDX-License-Identifier: GPL-2.0-or-later
"""main.py - never an outage: what upgrades, reloads, kills and hangs cost, under steady load through a gateway in network namespaces
that this makes and removes.

    tests/outage/run --build-dir build/release            200 upgrades, 200 reloads, 100 kills, 50 hangs, 20 supervisors killed
    tests/outage/run --build-dir build/release --short    a few of each

--rate connections begin each second over IPv4 and IPv6, half of them for blocked names, one in eight with its hello in two
segments, beside long downloads. Every connection has an outcome that is right or wrong. A stall is the longest connection that ran
while an event did (from its beginning to its end, and half a second more); it is held against windows of the same length without
an event. Exit status: 0; 1 an allowed connection failed, a blocked name got through, or a stall was too long; 2 the harness could not
go on."""

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time

from lab import entry, machine
from lab.daemon import Daemon
from lab.interrupts import held, ignore
from lab.namespaces import SERVER, LabError, Network
from lab.report import progress

from . import report
from .events import KINDS
from .record import Records

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NAMES = 200  # allowed, and as many blocked
AFTER = 0.5  # s that still belong to an event
DOWNLOADS = 4
WARM = 1.0  # s of load that nobody looks at


def retransmitted(namespace):
    """TCP segments that a kernel has sent again so far."""
    names, values = (line.split() for line in namespace.read("snmp").splitlines() if line.startswith("Tcp:"))
    return int(dict(zip(names, values))["RetransSegs"])


class Event:
    def __init__(self, kind, begun, ended, error):
        self.kind, self.begun, self.ended, self.error = kind, begun, ended, error


class Outage:
    """What events are given, and what they leave."""

    def __init__(self, folder, network, daemon, program):
        self.folder, self.network, self.daemon = folder, network, daemon
        self.programs = [self._copy(program, "sluiced-%d" % i) for i in range(2)]
        self.events, self.counted = [], []
        self.quiet = None

    def _copy(self, program, name):
        return shutil.copy(program, os.path.join(self.folder, name))

    def count(self):
        """What was not judged, so far; a supervisor counts from its own start."""
        status = self.daemon.status()
        causes = status.get("unjudged", {})
        return {"on_failure": status.get("on_failure_packets", 0),
                "passed by the kernel": status.get("kernel", {}).get("unjudged_packets", 0),
                "mid-flow": causes.get("mid_flow", {}).get("allowed", 0),
                "queue dropped": status.get("kernel", {}).get("queue_dropped", 0),
                "user dropped": status.get("kernel", {}).get("user_dropped", 0),
                "hangs": status.get("engine_hangs", 0),
                "segments sent again": sum(retransmitted(end) for end in (self.network.client, self.network.server))}

    def run(self, kind, number):
        for i in range(number):
            before = self.count()
            begun = time.monotonic()
            error = kind.do(self, i)
            ended = time.monotonic()
            after = self.count()
            anew = kind.name.startswith("supervisor")  # but the workers' counters, which outlive it
            self.counted.append({key: after[key] - (0 if anew and key in ("on_failure", "hangs", "passed by the kernel")
                                                    else before[key]) for key in after})
            self.events.append(Event(kind.name, begun, ended, error))
            if error:
                progress("%s %d: %s" % (kind.name, i, error))
            time.sleep(max(kind.pause, AFTER))

    def rest(self, seconds):
        begun = time.monotonic()
        time.sleep(seconds)
        self.quiet = begun, begun + seconds


def options(argv):
    parser = argparse.ArgumentParser(prog="tests/outage/run", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--build-dir", metavar="DIR", required=True, help="the programs of a build")
    parser.add_argument("--short", action="store_true", help="a few events of each kind")
    parser.add_argument("--only", metavar="TEXT", default="", help="events whose name contains TEXT")
    parser.add_argument("--times", type=int, metavar="N", help="each kind N times")
    parser.add_argument("--rate", type=int, default=500, metavar="N", help="new connections a second (500)")
    parser.add_argument("--quiet", type=float, metavar="S", help="how long the same is watched without events (3 or 60)")
    parser.add_argument("--slow", type=float, default=1, metavar="FACTOR", help="stretch the limits of stalls, for a busy machine")
    parser.add_argument("--set", action="append", default=[], metavar="OPTION=VALUE", help="of sluice.yaml, otherwise than shipped")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--keep", metavar="FOLDER", help="leave log and records there")
    opts = parser.parse_args(argv)
    opts.quiet = opts.quiet or (3 if opts.short else 60)
    return opts


def write_names(path):
    """In turn one that is allowed and one that is blocked."""
    with open(path, "w") as to:
        for i in range(NAMES):
            to.write("n%d.allowed.example\nn%d.blocked.example\n" % (i, i))
    return path


def started(namespace, log, *argv):
    """A program that says ready."""
    with open(log, "w") as to, held():
        process = namespace.start(*argv, stdout=to, stderr=to)
    limit = time.monotonic() + 10
    while True:
        with open(log) as said:
            if "ready" in said.read():
                return process
        if process.poll() is not None or time.monotonic() > limit:
            raise LabError("%s did not begin; see %s" % (argv[0], log))
        time.sleep(0.01)


def end(process):
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        return process.wait(10)
    process.kill()
    return process.wait()


def measure(opts, folder, at_exit):
    network = Network()
    at_exit.callback(network.remove)
    network.gateway.sysctl("netfilter/nf_conntrack_tcp_timeout_close", 1)
    loader = machine.program(opts.build_dir, "sl_outage_load")
    sluiced = machine.program(opts.build_dir, "sluiced")
    daemon = Daemon(network, folder, SOURCE, sluiced, machine.program(opts.build_dir, "sluice"),
                    dict(setting.split("=", 1) for setting in opts.set))
    at_exit.callback(daemon.stop)
    at_exit.callback(end, started(network.server, os.path.join(folder, "server.log"), loader, "serve"))
    daemon.start()
    daemon.wait_ready()
    outage = Outage(folder, network, daemon, sluiced)
    records, said = os.path.join(folder, "records"), os.path.join(folder, "load.log")
    load = started(network.client, said, loader, "steady", "--server4", SERVER[4], "--server6", SERVER[6], "--names",
                   write_names(os.path.join(folder, "names")), "--rate", str(opts.rate), "--downloads", str(DOWNLOADS),
                   "--records", records)
    at_exit.callback(end, load)
    time.sleep(WARM)
    begun = time.monotonic()
    outage.rest(opts.quiet)
    for kind in KINDS:
        number = opts.times or (kind.short if opts.short else kind.full)
        if opts.only in kind.name:
            progress("%s, %d times" % (kind.name, number))
            outage.run(kind, number)
    time.sleep(AFTER)
    ended = time.monotonic()
    time.sleep(0.5)
    status = end(load)
    with open(said) as text:
        lines = text.read().splitlines()
    if status != 0:
        raise LabError("the load ended with %d: %s" % (status, lines[-1:]))
    return outage, Records(records), json.loads(lines[-1]), (begun, ended)


def run(opts):
    machine.check_kernel()
    with contextlib.ExitStack() as at_exit:
        try:
            folder = machine.temporary_folder()
            at_exit.callback(shutil.rmtree, folder, ignore_errors=True)
            outage, records, downloads, span = measure(opts, folder, at_exit)
            if opts.keep:
                os.makedirs(opts.keep, exist_ok=True)
                for name in ("records", "load.log", "sluice/sluiced.log"):
                    shutil.copy(os.path.join(folder, name), opts.keep)
        finally:
            ignore()
    result = report.result(opts, outage, records, downloads, span)
    report.show(result)
    if opts.json:
        with open(opts.json, "w") as to:
            json.dump(result, to, indent=1)
    return not result["wrong"]


def main(argv):
    opts = options(argv)
    return entry.run("outage", lambda: run(opts))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
