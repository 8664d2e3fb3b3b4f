# SPDX-License-Identifier: GPL-2.0-or-later
"""main.py - `sudo ./lab`: a gateway that filters real traffic, on one machine, with one command.

It installs what is missing, builds, makes three network namespaces (client, gateway, server), starts real servers and
sluiced, asks many questions through the gateway, shows each answer as a row, and cleans up whatever happens.

How to add a row
    A question to the gateway is an entry of TRAFFIC in probes.py or protocols.py: what it shows, what is expected, and
    a function (lab, family) -> Outcome. The clients there (curl, openssl, hello(...) with a shape that cuts a ClientHello,
    RawTcp for segments in any order) cover most; a new kind of client is one function beside them. The entry runs for
    IPv4 and IPv6 and again with NAT, and packets queued are counted for it.
    A story (something is started, killed, reloaded meanwhile) is a function in stages.py, called below in the order
    of the lab's life.
    A new name or list goes to names.py, a new server to servers.py, a new package to
    tests/packages.txt.
Try it alone with `sudo ./lab --quick --only 'part of its name'`.

How it is built
    namespaces.py  client, gateway, server            report.py   rows as a table or JSON lines
    servers.py     nginx and small services           daemon.py   sluiced and its configuration
    tls.py         hellos in pieces, sessions         tls13.py    a ClientHello of post-quantum size
    store.py       systemd's store of descriptors
    upgrade.py     WebSocket, frames of HTTP/2          upgrades.py  another program takes over
    rawtcp.py      TCP in userspace                   load.py     many short connections
    probes.py      the table of questions             stages.py   the stories
    protocols.py   the table, continued               flowlog.py  what is logged of a probe
    quic.py        clients of QUIC                    dns.py      questions and answers
    resolver.py    a client of DNS                    mail.py     what mail servers say
    starttls.py    a client of them                   dtls.py     openssl's DTLS
    machine.py     packages, build, kernel            names.py    host names and lists
    groups.py      groups, schedules, exceptions
    interrupts.py  Ctrl-C at a good moment            crypto.py   for tls13.py
    limits.py      how soon is soon enough"""

import argparse
import contextlib
import os
import shutil
import signal
import sys
import time

from . import (brokers, clients, daemon, flowlog, groups, limits, load, machine, pauses, probes, protocols, quic, stages, store,
               upgrades)
from .daemon import Daemon
from .interrupts import Interrupted, catch, held, ignore
from .load import Load
from .namespaces import FAMILIES, LabError, Network
from .probes import TRAFFIC, run_probe
from .report import Report, progress
from .servers import Servers

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MEGABYTE = 1 << 20
BACKENDS = ("auto", "nft", "iptables", "iptables-legacy")
# What --slow stretches: limits of the lab's clients and of the lab itself ...
LIMITS = ((limits, "refused"), (limits, "prompt"), (limits, "healed"), (limits, "silent"), (limits, "stalled"), (limits, "upgraded"),
          (flowlog, "WRITTEN_WITHIN"), (probes, "TIMEOUT"), (stages, "TIMEOUT"), (load, "HANGS_AFTER"),
          (daemon, "READY_WITHIN"), (daemon, "STOPS_WITHIN"))
# ... and sluiced's own, in milliseconds as shipped, but for start_limit: a slow machine's clients send slowly, its next engine loads slowly.
SLUICED_LIMITS = {"hold_limit": 500, "takeover_limit": 3000, "hang_limit": 250, "start_limit": 3000}


class Lab:
    """What probes and stages are given."""

    def __init__(self, report, quick, kills=1):
        self.report, self.kills = report, kills
        self.connections = 2000 if quick else 20000
        self.slow_families = FAMILIES[:1] if quick else FAMILIES  # of rows that take seconds, and show the same of both
        self.big_bytes = (10 if quick else 100) * MEGABYTE
        self.folder = self.network = self.servers = self.daemon = None

    def queued(self):
        return self.daemon.queued() if self.daemon is not None else None

    @contextlib.contextmanager
    def load(self, family, connections, blocked=True):
        load = Load(self, family, connections, blocked=blocked)
        try:
            yield load.start()
        finally:
            load.stop()


def positive(text):
    factor = float(text)
    if not 0 < factor < 1000:
        raise ValueError
    return factor


def options(argv):
    parser = argparse.ArgumentParser(prog="lab", description="A gateway that filters real traffic, on one machine: "
                                     "installs packages, builds, filters in network namespaces, shows the verdicts.")
    parser.add_argument("--json", action="store_true", help="one JSON object a row, and one with the sums")
    parser.add_argument("--keep", action="store_true", help="leave the lab up at the end, until Ctrl-C")
    parser.add_argument("--quick", action="store_true", help="2,000 connections and 10 MB instead of 20,000 and 100 MB, and what takes seconds over IPv4 only")
    parser.add_argument("--only", metavar="TEXT", default="", help="only rows whose name contains TEXT")
    parser.add_argument("--kills", type=int, default=1, metavar="N", help="kill the engine under load N times in each "
                        "family (1)")
    parser.add_argument("--backend", choices=BACKENDS, default="auto", help="which tool sluiced installs its rules with; "
                        "one that the kernel cannot do is an error (auto)")
    parser.add_argument("--verdicts", choices=("direct", "broker"), default="direct", help="who sends them: the engine, or "
                        "a broker for an engine without privileges (direct)")
    parser.add_argument("--slow", type=positive, default=1, metavar="FACTOR", help="stretch every limit of time by FACTOR, "
                        "for a machine that is emulated or very busy, or programs with sanitizers: those of the clients here and sluiced's hold_limit, "
                        "takeover_limit and hang_limit (1)")
    parser.add_argument("--build-dir", metavar="DIR", help="use the programs in DIR; install and build nothing")
    parser.add_argument("--no-daemon", action="store_true", help=argparse.SUPPRESS)  # of the lab itself, unfiltered
    return parser.parse_args(argv)


def stretch(factor):
    for module, name in LIMITS:
        setattr(module, name, getattr(module, name) * factor)


def settings(opts):
    """What sluice.yaml says here beside the example."""
    return {"backend": opts.backend, "verdicts": opts.verdicts, **{name: "%dms" % (ms * opts.slow) for name, ms in SLUICED_LIMITS.items()}}


def programs(opts):
    """Paths of sluiced and sluice, after installing and building what that needs."""
    if opts.no_daemon:
        return None, None
    folder = opts.build_dir
    if folder is None:
        machine.install(machine.packages("build", "lab"))
        folder = machine.build(SOURCE)
    return machine.program(folder, "sluiced"), machine.program(folder, "sluice")


def ask(lab, suffix=""):
    """All questions, each over both families."""
    for probe in (*TRAFFIC, *protocols.TRAFFIC, *(protocols.FORMS if suffix == "" else ())):
        for family in FAMILIES if lab.report.wants(probe.name + suffix) else ():
            if lab.daemon is not None or probe.expected in ("allowed", "intact"):
                run_probe(lab, probe, family, suffix)


def ask_with_nat(lab):
    progress("the same with MASQUERADE, DNAT and a rule that drops INVALID on the gateway")
    lab.network.nat(True)
    try:
        ask(lab, " (nat)")
        if lab.daemon is not None:
            stages.under_load(lab, " (nat)", lab.connections // 10)
    finally:
        lab.network.nat(False)


def ask_refusing(lab):
    """The option `unjudged` takes effect with a new start."""
    wanted = [(probe, family) for probe in protocols.REFUSED for family in FAMILIES if lab.report.wants(probe.name)]
    if not wanted:
        return
    progress("starting sluiced with " + protocols.UNJUDGED.strip())
    with lab.daemon.options(protocols.UNJUDGED):
        lab.daemon.start()
        for probe, family in wanted:
            run_probe(lab, probe, family)
        lab.daemon.stop()


def kill_engine(lab):
    """Engines that die in a row soon after their birth are another story: the next one is then started later."""
    stages.engine_killed(lab)
    time.sleep(stages.YOUNG if lab.kills > 1 else 0)


def story(lab):
    """The lab's life, from before the daemon to after it."""
    rules_before = stages.rules_of(lab.network)
    old = stages.OldTransfers(lab)
    old.start()
    progress("starting sluiced in the gateway")
    progress("sluiced is ready: " + lab.daemon.start())
    old.finish()
    ask(lab)
    for stage in (stages.command_answers, stages.flow_log, stages.reload_lists, stages.dry_run, groups.all_of_it, stages.fwmarks, stages.under_load,
                  *[kill_engine] * lab.kills, stages.engine_faults, stages.engine_stopped,
                  stages.both_stopped, stages.no_engine, stages.supervisor_killed, stages.without_supervisor, stages.busy_machine, stages.old_options, stages.full_disk,
                  stages.rules_flushed, *upgrades.STAGES, *pauses.STAGES, *clients.STAGES, store.both_killed,
                  *(brokers.STAGES if lab.daemon.has("verdicts", "broker") else ())):
        stage(lab)
    ask_with_nat(lab)
    progress("stopping sluiced")
    stages.stopped(lab, rules_before)
    ask_refusing(lab)


def keep(lab):
    """Waits, with everything up, for Ctrl-C or SIGTERM."""
    if lab.daemon is not None and not lab.daemon.running():
        lab.daemon.start()
    for line in ("the lab is up. In another terminal, as root:",
                 *("  ip netns exec %s bash" % space.name
                   for space in (lab.network.client, lab.network.gateway, lab.network.server)),
                 "try, in the client:  curl --resolve blocked.example:80:198.51.100.2 http://blocked.example/",
                 "files, logs and the configuration are in " + lab.folder,
                 "Ctrl-C here, or kill %d, ends it" % os.getpid()):
        progress(line)
    with contextlib.suppress(Interrupted):
        while True:
            signal.pause()


def set_up(lab, at_exit):
    """Everything but the daemon; what is made is undone by at_exit, last things first."""
    progress("making the namespaces and starting the servers")
    lab.folder = machine.temporary_folder()
    at_exit.callback(shutil.rmtree, lab.folder, ignore_errors=True)
    lab.network = Network()
    at_exit.callback(lab.network.remove)
    lab.servers = Servers(lab.network, lab.folder, lab.big_bytes)
    at_exit.callback(lab.servers.stop)
    lab.servers.start()
    if not quic.HANDMADE:
        progress("there is no python3-cryptography, so no QUIC hello over several datagrams")


def run_lab(opts, report):
    sluiced, sluice = programs(opts)
    machine.check_kernel()
    lab = Lab(report, opts.quick, opts.kills)
    with contextlib.ExitStack() as at_exit:
        try:
            with held():
                set_up(lab, at_exit)
            if sluiced is None:
                ask(lab)
                ask_with_nat(lab)
            else:
                lab.daemon = Daemon(lab.network, lab.folder, SOURCE, sluiced, sluice, settings(opts))
                at_exit.callback(lab.daemon.stop)
                story(lab)
            good = report.finish()
            if opts.keep:
                keep(lab)
        finally:
            ignore()
    return good


def main(argv):
    opts = options(argv)
    if os.geteuid() != 0:
        print("lab: network namespaces need root; please run: sudo ./lab", file=sys.stderr)
        return 2
    catch()
    stretch(opts.slow)
    os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
    try:
        return 0 if run_lab(opts, Report(opts.json, opts.only)) else 1
    except LabError as error:
        print("lab: %s" % error, file=sys.stderr)
        return 2
    except Interrupted as interrupted:
        print("lab: interrupted; everything is cleaned up", file=sys.stderr)
        return interrupted.exit_status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
