# SPDX-License-Identifier: GPL-2.0-or-later
"""main.py - hostile load: what a client that floods costs another one. Through a gateway in network namespaces that this makes and
removes, one client begins real connections all the time (over IPv4 and IPv6, half of them for blocked names, one in eight with its
hello in two segments), and a second one floods, one kind of flood after the other, with quiet before each.

    tests/flood/run --build-dir build/release            each kind, some seconds
    tests/flood/run --build-dir build/release --short    a second of each, and less of it; times say nothing then
    tests/flood/run --build-dir build/release --set client_rate=0 --set client_flows=0    without limits

For each kind: what share of the connections that began meanwhile was right (answered where the name is allowed, reset where it is blocked),
and how long an allowed one took, with and without. Exit status: 0; 1 fewer than 99 % were right, or the median was 5 ms more, or
a flood was not held back; 2 the harness could not go on."""

import argparse
import contextlib
import json
import os
import shutil
import statistics
import sys
import time

from lab import entry, machine
from lab.daemon import Daemon
from lab.interrupts import ignore
from lab.namespaces import PREFIX, SERVER, LabError, Namespace, Network, run as run_program
from lab.report import progress
from outage.main import SOURCE, end, started, write_names
from outage.record import Records, wrong

FLOODER_GATEWAY = {4: "10.77.0.1", 6: "2001:db8:77::1"}
SERVERS = {4: "198.51.100.%d", 6: "2001:db8:2::%x"}  # of flood.h's number, from the first on
FIRST, NUMBER = 64, 8
RIGHT, LATER_MS = 0.99, 5.0
WARM, REST = 1.0, 0.3  # s
LOST_AFTER = 8.5  # s: then the load gives up a connection

# What holds it back, one of these has to move; none: it does not come to userspace, or is not more than anybody may do.
KINDS = [
    ("syn", 4, ()),
    ("half-hellos", 4, ("over_flows", "over_rate")),
    ("segments", 4, ("over_flows", "over_rate")),
    ("giants", 4, ("over_flows", "over_rate", "too_large")),
    ("requests", 4, ("over_rate",)),
    ("tuples", 4, ("over_rate",)),
    ("tuples", 6, ("over_rate",)),
    ("alike", 4, ("over_rate",)),
    ("spoofed", 4, ()),
    ("spoofed", 6, ("over_rate",)),  # one /64
    ("quic", 4, ("over_rate", "over_flows")),
    ("fragments", 4, ()),
    ("icmp", 4, ()),
]


class FloodNetwork(Network):
    """With a second client, behind an interface of its own, and servers that no kernel owns."""

    def __init__(self):
        super().__init__()
        try:
            self._add_flooder()
        except BaseException:
            self.remove()
            raise

    def _add_flooder(self):
        self.flooder = Namespace("sluice-flooder-%d" % os.getpid())
        self._made.append(self.flooder)
        run_program("ip", "link", "add", "eth0", "netns", self.flooder.name, "type", "veth", "peer", "name", "lan2", "netns",
                    self.gateway.name)
        self.flooder.ip("link", "set", "eth0", "up")
        self.gateway.ip("link", "set", "lan2", "up")
        for family in SERVERS:
            address = "%s/%d" % (FLOODER_GATEWAY[family], PREFIX[family])
            self.gateway.ip("address", "add", address, "dev", "lan2", *(("nodad",) if family == 6 else ()))
            for i in range(FIRST, FIRST + NUMBER):
                self._neighbour(SERVERS[family] % i, self.server, "wan")
        for i in range(len(KINDS)):
            self._neighbour(self.flooder_address(i, 4), self.flooder, "lan2")

    def _neighbour(self, address, namespace, interface):
        self.gateway.ip("neigh", "add", address, "lladdr", self.mac(namespace, "eth0"), "dev", interface, "nud", "permanent")

    @staticmethod
    def flooder_address(i, family):
        """Each kind has a client of its own: what one has used up is not the next one's."""
        return "10.77.0.%d" % (10 + i) if family == 4 else "2001:db8:%x::9" % (0x100 + i)


def options(argv):
    parser = argparse.ArgumentParser(prog="tests/flood/run", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--build-dir", metavar="DIR", required=True, help="the programs of a build")
    parser.add_argument("--short", action="store_true", help="a second of each kind; times do not count")
    parser.add_argument("--only", metavar="TEXT", default="", help="kinds whose name contains TEXT")
    parser.add_argument("--rate", type=int, default=200, metavar="N", help="connections of the other client a second (200)")
    parser.add_argument("--flood", type=int, metavar="N", help="packets of the flood a second (20000, or 10000)")
    parser.add_argument("--seconds", type=float, metavar="S", help="of each kind (5, or 0.7)")
    parser.add_argument("--set", action="append", default=[], metavar="OPTION=VALUE", help="of sluice.yaml, otherwise than shipped")
    parser.add_argument("--json", metavar="FILE")
    opts = parser.parse_args(argv)
    opts.flood = opts.flood or (10000 if opts.short else 20000)
    opts.seconds = opts.seconds or (0.7 if opts.short else 5.0)
    opts.settings = {"client_rate": "1000"} if opts.short else {}  # in proportion
    opts.settings.update(setting.split("=", 1) for setting in opts.set)
    return opts


def counted(daemon):
    """All counters of a status, with names of one word; causes count what they let pass and what they refused."""
    status = daemon.status()
    out = dict(status.get("flows", {}))
    out.update({"kernel " + key: value for key, value in status.get("kernel", {}).items() if key != "waiting"})
    for cause, values in status.get("unjudged", {}).items():
        out[cause] = sum(values.values())
    out["log dropped"] = status.get("flow_log", {}).get("dropped", 0)
    return out


class Flood:
    def __init__(self, name, family, expected):
        self.name, self.family, self.expected = name, family, expected
        self.quiet = self.flood = None  # from when to when
        self.sent, self.moved = {}, {}

    def run(self, opts, network, daemon, program, number):
        before = time.monotonic()
        time.sleep(opts.seconds / 2)
        counters = counted(daemon)
        self.quiet = before, time.monotonic()
        argv = [program, self.name, "--rate", str(opts.flood), "--seconds", str(opts.seconds),
                "--client", network.flooder_address(number, self.family), "--server", SERVERS[self.family] % FIRST]
        for role, namespace, interface in (("client", network.flooder, "lan2"), ("server", network.server, "wan")):
            argv += ["--%s-netns" % role, "/run/netns/" + namespace.name,
                     "--%s-gateway" % role, network.mac(network.gateway, interface)]
        begun = time.monotonic()
        self.sent = json.loads(run_program(*argv).stdout)
        self.flood = begun, time.monotonic()
        time.sleep(REST)
        after = counted(daemon)
        self.moved = {key: after[key] - counters.get(key, 0) for key in after if after[key] != counters.get(key, 0)}

    def result(self, opts, records):
        during, quiet = records.between(*self.flood), records.between(*self.quiet)
        begun = max(len(during), round(0.97 * opts.rate * (self.flood[1] - self.flood[0])))  # what never ended has no record
        good = sum(c.right for c in during)
        return {"kind": "%s, IPv%d" % (self.name, self.family), "per_second": self.sent["per_second"], "connections": begun,
                "right": good / begun if begun else 0.0, "wrong": dict(wrong(during)),
                "through": sum(c.through for c in during),
                "quiet_ms": middle(quiet), "flood_ms": middle(during), "quiet_p99_ms": slowest(quiet), "flood_p99_ms": slowest(during),
                "counters": self.moved, "held_back": not self.expected or any(self.moved.get(key) for key in self.expected)}


def times(connections):
    return sorted(1000 * c.took for c in connections if not c.blocked and c.right)


def middle(connections):
    return round(statistics.median(times(connections) or [0.0]), 2)


def slowest(connections):
    t = times(connections) or [0.0]
    return round(t[min(len(t) - 1, len(t) * 99 // 100)], 2)


def complaints(opts, rows):
    for row in rows:
        if row["right"] < RIGHT:
            yield "%s: %.2f %% of the other client's connections were right, 99 are promised" % (row["kind"], 100 * row["right"])
        if not opts.short and row["flood_ms"] > row["quiet_ms"] + LATER_MS:
            yield "%s: a median of %.1f ms, %.1f without, 5 ms more are promised" % (row["kind"], row["flood_ms"], row["quiet_ms"])
        if not row["held_back"] and not opts.set:
            yield "%s: no limit was reached" % row["kind"]


SHOWN = ("over_rate", "over_flows", "clients_lost", "evicted", "evicted_undecided", "guessed", "memory", "too_large", "not_web", "mid_flow",
         "kernel queue_dropped", "kernel user_dropped", "kernel enobufs", "kernel syn_overruns", "log dropped")


def show(rows):
    print("%-18s %9s %6s %8s  %-17s %-17s" % ("kind", "packets/s", "others", "right", "median ms (quiet)", "99 % ms (quiet)"))
    for r in rows:
        print("%-18s %9.0f %6d %7.2f%%  %7.2f (%.2f)     %7.2f (%.2f)" % (
            r["kind"], r["per_second"], r["connections"], 100 * r["right"], r["flood_ms"], r["quiet_ms"], r["flood_p99_ms"],
            r["quiet_p99_ms"]))
        words = ["%s %d" % (key, r["counters"][key]) for key in SHOWN if r["counters"].get(key)]
        words += ["%s %d" % item for item in sorted(r["wrong"].items())]
        if words:
            print("%19s%s" % ("", ", ".join(words)))


def measure(opts, folder, at_exit):
    network = FloodNetwork()
    at_exit.callback(network.remove)
    loader = machine.program(opts.build_dir, "sl_outage_load")
    daemon = Daemon(network, folder, SOURCE, machine.program(opts.build_dir, "sluiced"), machine.program(opts.build_dir, "sluice"),
                    opts.settings, ("lan", "lan2"))
    at_exit.callback(daemon.stop)
    at_exit.callback(end, started(network.server, os.path.join(folder, "server.log"), loader, "serve"))
    daemon.start()
    daemon.wait_ready()
    path, said = os.path.join(folder, "records"), os.path.join(folder, "load.log")
    load = started(network.client, said, loader, "steady", "--server4", SERVER[4], "--server6", SERVER[6], "--names",
                   write_names(os.path.join(folder, "names")), "--rate", str(opts.rate), "--downloads", "0", "--records", path)
    at_exit.callback(end, load)
    time.sleep(WARM)
    floods = [Flood(*kind) for kind in KINDS]
    for number, flood in enumerate(floods):
        if opts.only in flood.name:
            progress("%s, IPv%d" % (flood.name, flood.family))
            flood.run(opts, network, daemon, machine.program(opts.build_dir, "sl_flood"), number)
    time.sleep(1 if opts.short else LOST_AFTER)
    if end(load) != 0:
        raise LabError("the load ended: %s" % open(said).read()[-300:])
    records = Records(path)
    return [flood.result(opts, records) for flood in floods if flood.flood]


def run(opts):
    machine.check_kernel()
    with contextlib.ExitStack() as at_exit:
        try:
            folder = machine.temporary_folder()
            at_exit.callback(shutil.rmtree, folder, ignore_errors=True)
            rows = measure(opts, folder, at_exit)
        finally:
            ignore()
    wrongs = list(complaints(opts, rows))
    show(rows)
    for complaint in wrongs:
        print("WRONG: " + complaint)
    print("all as promised" if not wrongs else "not as promised")
    if opts.json:
        with open(opts.json, "w") as to:
            json.dump({"rows": rows, "wrong": wrongs}, to, indent=1)
    return not wrongs


def main(argv):
    opts = options(argv)
    return entry.run("flood", lambda: run(opts))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
