# SPDX-License-Identifier: GPL-2.0-or-later
"""main.py - plays split hellos as real packets from a client's namespace, through any filter in a gateway's, to a server
that answers, and prints which of them the filter judged rightly.

    tests/conformance/run --sluice build/release              sluice, under both modes of hold and of tcp_hold
    tests/conformance/run --command 'PROGRAM ...' --name X    any other: started in the gateway's namespace, where the
                          interfaces lan and wan are; ended with SIGTERM, and with it what it started
A case passes when no whole message with the blocked name came to the server's application, and when the same packets
with the allowed name were answered (but for cases that nobody sends who does not hide a name). Exit status: 0 all passed, 1 not
all, 2 the suite itself could not go on."""

import argparse
import contextlib
import dataclasses
import itertools
import json
import os
import shlex
import shutil
import signal
import sys
import time

from lab import machine
from lab.daemon import Daemon
from lab.interrupts import Interrupted, catch, held, ignore
from lab.namespaces import FAMILIES, SERVER, LabError, Network

from .cases import CASES, QUIC
from .endpoint import Endpoint
from .messages import ALLOWED, BLOCKED
from .player import PLAYERS

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ANSWERED_WITHIN, SILENT_FOR, SETTLED_WITHIN = 3, 0.35, 0.1  # s
OFFLOADS = ("tso", "gso", "gro", "tx-udp-segmentation", "tx")
HOLDS = ("last", "all")
TCP_HOLDS = ("data", "syn")


@dataclasses.dataclass
class Setting:
    """One way to run the filter; `filter` starts and stops it."""
    name: str
    gso: bool
    start: object


@dataclasses.dataclass
class Result:
    setting: str
    protocol: str
    case: str
    family: int
    blocked: bool  # the blocked one did not come
    allowed: bool  # the allowed one was answered

    @property
    def passed(self):
        return self.blocked and self.allowed


class Command:
    """Any filter, by its command line."""

    def __init__(self, network, argv, ready):
        self._process = network.gateway.start(*argv)
        limit = time.monotonic() + ready
        while time.monotonic() < limit:
            if self._process.poll() is not None:
                raise LabError("the filter ended with status %d: %s" % (self._process.returncode, " ".join(argv)))
            time.sleep(0.05)

    def stop(self):
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(Exception):
                self._process.wait(10)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def offload(network, on):
    for namespace, ifname in ((network.client, "eth0"), (network.gateway, "lan"), (network.gateway, "wan"),
                              (network.server, "eth0")):
        for feature in OFFLOADS:
            namespace.run("ethtool", "-K", ifname, feature, "on" if on else "off", check=False)


def play(network, endpoint, case, family, name):
    """(answered, names that came whole)"""
    endpoint.reset()
    steps = case.steps(name)
    answered = PLAYERS[case.player].play(network, family, case.to_port, steps,
                                         ANSWERED_WITHIN if name == ALLOWED else SILENT_FOR)
    if answered and name == BLOCKED:  # perhaps to a decoy: what followed it is on its way still
        time.sleep(SETTLED_WITHIN)
    return answered, endpoint.got()


def run_case(network, endpoint, case, family, setting):
    def attempt(name):
        try:
            return play(network, endpoint, case, family, name)
        except (TimeoutError, ConnectionResetError):
            return False, endpoint.got()
    _, got = attempt(BLOCKED)
    answered, _ = attempt(ALLOWED)
    return Result(setting, case.protocol, case.name, family, BLOCKED not in got, answered or not case.honest)


def run_setting(network, endpoint, setting, cases, progress):
    offload(network, setting.gso)
    with held():
        running = setting.start()
    results = []
    try:
        for case in cases:
            for family in FAMILIES:
                result = run_case(network, endpoint, case, family, setting.name)
                results.append(result)
                progress(result)
    finally:
        running.stop()
    return results


# ---- what is printed ----

def verdict(result):
    if result.passed:
        return "pass"
    return "+".join(word for word, good in (("leaks", result.blocked), ("breaks", result.allowed)) if not good)


def text_line(result):
    return "%-6s %-34s IPv%d %-4s %s" % (verdict(result), result.setting, result.family, result.protocol, result.case)


def markdown(results, trouble):
    settings = list(dict.fromkeys(r.setting for r in results))
    rows = {}
    for r in results:
        rows.setdefault((r.protocol, r.case), {}).setdefault(r.setting, []).append(r)
    out = ["| protocol | case | " + " | ".join(settings) + " |", "| --- | --- |" + " --- |" * len(settings)]
    for (protocol, case), cells in rows.items():
        if trouble and all(r.passed for s in settings for r in cells.get(s, [])):
            continue
        out.append("| %s | %s | %s |" % (protocol, case, " | ".join(cell(cells.get(s, [])) for s in settings)))
    totals = [[r for r in results if r.setting == s] for s in settings]
    out.append("| | passed | %s |" % " | ".join("%d of %d" % (sum(r.passed for r in t), len(t)) for t in totals))
    return "\n".join(out)


def saved(paths):
    """Results that --format json wrote."""
    results = []
    for path in paths:
        with open(path) as source:
            for line in source:
                fields = json.loads(line)
                del fields["passed"]
                results.append(Result(**fields))
    return results


def cell(results):
    words = {"IPv%d" % r.family: verdict(r) for r in results}
    if len(set(words.values())) == 1:
        return next(iter(words.values()))
    return ", ".join("%s %s" % item for item in words.items())


def show(results, form, trouble=False):
    if form == "json":
        for r in results:
            print(json.dumps({**dataclasses.asdict(r), "passed": r.passed}))
    elif form == "markdown":
        print(markdown(results, trouble))
    print("%d of %d passed" % (sum(r.passed for r in results), len(results)), file=sys.stdout if form == "text" else sys.stderr)


# ---- the filters ----

def sluice_settings(opts, network, folder):
    programs = [machine.program(opts.sluice, name) for name in ("sluiced", "sluice")]

    def starter(number, options):
        def start():
            daemon = Daemon(network, os.path.join(folder, str(number)), SOURCE, *programs, options)
            daemon.start()
            return daemon
        return start

    settings, number = [], 0
    for hold, tcp_hold, gso in itertools.product(opts.hold, opts.tcp_hold, opts.gso):
        options = {"hold": hold, "tcp_hold": tcp_hold, "hold_limit": "%dms" % (1000 * opts.slow), "backend": opts.backend}
        os.mkdir(os.path.join(folder, str(number)))
        os.chmod(os.path.join(folder, str(number)), 0o755)
        name = "hold=%s tcp_hold=%s gso=%s" % (hold, tcp_hold, "on" if gso else "off")
        settings.append(Setting(name, gso, starter(number, options)))
        number += 1
    return settings


def command_settings(opts, network):
    def start():
        return Command(network, shlex.split(opts.command), opts.ready)
    return [Setting("%s gso=%s" % (opts.name, "on" if gso else "off"), gso, start) for gso in opts.gso]


def options(argv):
    parser = argparse.ArgumentParser(prog="conformance", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--sluice", metavar="DIR", help="the programs of a build of sluice")
    which.add_argument("--command", metavar="CMD", help="a filter's command line; it blocks %s and all below" % BLOCKED)
    which.add_argument("--table", metavar="FILE", nargs="+", help="no run: the results of runs in --format json, side by side")
    which.add_argument("--none", action="store_true", help="no filter: what the server makes of the cases")
    parser.add_argument("--name", default="filter", help="of the filter, in the table")
    parser.add_argument("--ready", type=float, default=3, metavar="S", help="seconds until --command filters (3)")
    parser.add_argument("--watch", type=float, default=SILENT_FOR, metavar="S", help="how long a blocked one may still leak, "
                        "where the filter does not end it (%g);\nmore than a filter holds what it cannot read" % SILENT_FOR)
    parser.add_argument("--hold", choices=HOLDS, action="append", help="sluice: only this mode")
    parser.add_argument("--tcp-hold", choices=TCP_HOLDS, action="append", help="sluice: only this mode")
    parser.add_argument("--gso", choices=("on", "off"), action="append", help="only with offloads on, or off")
    parser.add_argument("--backend", default="auto", help="sluice: which tool installs its rules")
    parser.add_argument("--short", action="store_true", help="the short form: fewer cases")
    parser.add_argument("--only", default="", metavar="TEXT", help="only cases whose 'PROTOCOL: name' contains TEXT")
    parser.add_argument("--slow", type=float, default=1, metavar="FACTOR", help="stretch limits of time")
    parser.add_argument("--format", choices=("text", "json", "markdown"), default="text")
    parser.add_argument("--trouble", action="store_true", help="in Markdown: only rows that somebody does not pass")
    opts = parser.parse_args(argv)
    opts.hold = opts.hold or list(HOLDS)
    opts.tcp_hold = opts.tcp_hold or list(TCP_HOLDS)
    opts.gso = [word == "on" for word in opts.gso or ("on", "off")]
    return opts


class Nothing:
    def stop(self):
        pass


def settings_of(opts, network, folder):
    if opts.sluice:
        return sluice_settings(opts, network, folder)
    if opts.command:
        return command_settings(opts, network)
    return [Setting("no filter gso=%s" % ("on" if gso else "off"), gso, Nothing) for gso in opts.gso]


def run_suite(opts):
    machine.check_kernel()
    cases = [c for c in CASES if (c.short or not opts.short) and opts.only in "%s: %s" % (c.protocol, c.name)]
    if not QUIC:
        print("conformance: without python3-cryptography the QUIC cases are left out", file=sys.stderr)
    results = []

    def progress(result):
        if opts.format == "text":
            print(text_line(result), flush=True)

    with contextlib.ExitStack() as at_exit:
        try:
            with held():
                folder = machine.temporary_folder()
                at_exit.callback(shutil.rmtree, folder, ignore_errors=True)
                network = Network()
                at_exit.callback(network.remove)
                endpoint = Endpoint(network.server, SERVER.values())
                at_exit.callback(endpoint.stop)
            for setting in settings_of(opts, network, folder):
                results += run_setting(network, endpoint, setting, cases, progress)
        finally:
            ignore()
    show(results, opts.format, opts.trouble)
    return bool(results) and all(r.passed for r in results)


def main(argv):
    global ANSWERED_WITHIN, SILENT_FOR
    opts = options(argv)
    if opts.table:
        show(saved(opts.table), opts.format, opts.trouble)
        return 0
    if os.geteuid() != 0:
        print("conformance: network namespaces need root", file=sys.stderr)
        return 77
    catch()
    ANSWERED_WITHIN, SILENT_FOR = ANSWERED_WITHIN * opts.slow, opts.watch * min(opts.slow, 2)
    os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
    try:
        return 0 if run_suite(opts) else 1
    except LabError as error:
        print("conformance: %s" % error, file=sys.stderr)
        return 2
    except Interrupted as interrupted:
        return interrupted.exit_status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
