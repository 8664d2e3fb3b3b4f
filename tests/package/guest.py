#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""guest.py - in the machine: what the package and a real systemd do, row by row, on real traffic. See run.

usage: guest.py OLD.deb NEW.deb LOADER [--rate N] [--installs N] [--only NAME,...]"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from lab.namespaces import LabError, run

import flows
import leftovers
from machine_load import Load, Network

UNIT = "sluiced.service"
CONF = "/etc/sluice/sluice.yaml"
PROGRAM = "/usr/sbin/sluiced"
# Limits of time that an emulated processor would run into are longer than shipped.
SETTINGS = "inside: [lan]\nlists:\n  - {name: blocked, file: lists/mine.txt}\nhang_limit: 10s\nhold_limit: 20s\ntakeover_limit: 60s\nstart_limit: 120s\n"
DROP_IN = "/run/systemd/system/%s.d/test.conf" % UNIT
DROP_IN_TEXT = "[Service]\nWatchdogSec=20s\nTimeoutStartSec=180s\n"
PATIENCE = 300  # s


def show(name):
    return run("systemctl", "show", "-p", name, "--value", UNIT).stdout.strip()


def status():
    with contextlib.suppress(ValueError):
        return json.loads(run("sluice", "status", "--json", check=False).stdout)
    return {}


def wait_for(what, condition):
    limit = time.monotonic() + PATIENCE
    while not (got := condition()):
        if time.monotonic() > limit:
            raise LabError("%s: not within %d s; status: %s" % (what, PATIENCE, status()))
        time.sleep(0.2)
    return got


def ready(but=()):
    """Until an engine judges, with a spare beside it, and neither it nor its supervisor is one of these."""
    def look():
        s = status()
        good = s.get("state") == "running" and s.get("spare_pid") and show("ActiveState") == "active"
        return good and s["engine_pid"] not in but and s["pid"] not in but and {**s, "restarts": show("NRestarts")}
    return wait_for("an engine with a spare", look)


def install(package):
    done = run("dpkg", "-i", package, check=False)
    if done.returncode != 0 or "goes on judging" in done.stderr:
        raise LabError("dpkg -i %s: exit %d: %s%s" % (package, done.returncode, done.stdout, done.stderr))


class Guest:
    def __init__(self, opts):
        self.opts, self.failed, self.rows = opts, 0, 0
        self.folder = tempfile.mkdtemp()
        self.network = Network()
        self.before = leftovers.Picture()

    def row(self, name, good, said):
        self.rows, self.failed = self.rows + 1, self.failed + (not good)
        print("%s  %s: %s" % ("ok    " if good else "WRONG ", name, said), flush=True)

    def under_load(self, name, action):
        """action returns (good?, what to say)."""
        began = time.monotonic()
        load = Load(self.network, self.folder, self.opts.loader, self.opts.rate)
        with load:
            good, said = action()
        self.row(name, good and not load.bad, "%s; %s, %.0f s%s" % (said, load.said, time.monotonic() - began,
                                                                     ", WRONG: " + load.bad if load.bad else ""))


# ---- the rows: each is a function of a Guest ----

def installation(g):
    install(g.opts.old)
    state = wait_for("a start", lambda: show("ActiveState") == "active" and show("ActiveState"))
    s = ready()
    g.row("a new installation is started and enabled", state == "active" and show("UnitFileState") == "enabled" and
          show("Type") == "notify", "%s, %s, version %s" % (state, show("UnitFileState"), s["version"]))
    timer = run("systemctl", "is-enabled", "sluice-update.timer", check=False).stdout.strip()
    g.row("the timer is there and not enabled", timer == "disabled", timer)
    verify = run("systemd-analyze", "verify", "--man=no", UNIT, "sluice-update.service", "sluice-update.timer", check=False)
    ours = [line for line in (verify.stdout + verify.stderr).splitlines() if "sluice" in line]
    g.row("systemd-analyze verify", verify.returncode == 0 and not ours, " ".join(ours) or "clean")
    os.makedirs(os.path.dirname(DROP_IN))
    with open(DROP_IN, "w") as to:
        to.write(DROP_IN_TEXT)
    shutil.copy(CONF, CONF + ".shipped")
    configure("")


def configure(more):
    with open("/etc/sluice/lists/mine.txt", "w") as to:
        to.write("blocked.example\n")
    with open(CONF, "w") as to:
        to.write(SETTINGS + more)
    run("systemctl", "daemon-reload")
    run("systemctl", "restart", UNIT, check=False)  # nft may take longer than sluiced waits for it here; then systemd starts it again
    ready()


def traffic(g):
    rules = run("nft", "list", "ruleset").stdout
    queues = [line.strip() for line in rules.splitlines() if "queue" in line and "to" in line]
    g.row("rules are nft's, with its own queue", queues and "NFQUEUE" not in rules, queues[0] if queues else "no queue in\n" + rules)
    g.under_load("blocked names are blocked, others pass", lambda: (True, "IPv4 and IPv6"))
    asked = run("sluice", "update", check=False)
    g.row("the update service fails without a list to fetch, and says why", run("systemctl", "start", "sluice-update", check=False)
          .returncode != 0 and "url" in asked.stderr, asked.stderr.strip())


def upgraded(before, version):
    s = ready((before["engine_pid"],))
    good = s["pid"] == before["pid"] and s["version"] == version and s["upgrades"] == before["upgrades"] + 1
    return good and show("NRestarts") == before["restarts"], "version %s, then %s, pid %s, upgrades %d" % (
        before["version"], s["version"], "stays" if s["pid"] == before["pid"] else "CHANGED", s["upgrades"])


def update(g):
    def action():
        before = ready()
        install(g.opts.new)
        return upgraded(before, g.opts.versions[1])
    g.under_load("an update of the package upgrades in place", action)


def reload(g):
    def action():
        before = ready()
        shutil.copy(PROGRAM, PROGRAM + ".dpkg-new")
        os.rename(PROGRAM + ".dpkg-new", PROGRAM)
        run("systemctl", "reload", UNIT)
        return upgraded(before, g.opts.versions[1])
    g.under_load("systemctl reload after the program was replaced upgrades in place", action)


def installs(g):
    """The same version again, an older one, and a newer one, in turn."""
    times = []

    def action():
        first = ready()
        for i in range(g.opts.installs):
            began = time.monotonic()
            install((g.opts.new, g.opts.old, g.opts.new)[i % 3])
            times.append(time.monotonic() - began)
            ready()
        last = ready()
        good = last["upgrades"] == first["upgrades"] + g.opts.installs and last["pid"] == first["pid"]
        return good, "%d upgrades, pid %s, an installation takes %.1f s" % (
            last["upgrades"] - first["upgrades"], "stays" if last["pid"] == first["pid"] else "CHANGED", sorted(times)[len(times) // 2])
    g.under_load("%d installations in a row: the same version, an older, a newer one" % g.opts.installs, action)


def stopped_stays(g):
    run("systemctl", "stop", UNIT)
    install(g.opts.new)
    state = show("ActiveState")
    g.row("an update does not start what the administrator has stopped", state == "inactive", state)
    run("systemctl", "start", UNIT)
    ready()


def supervisor(g):
    def action():
        before = ready()
        os.kill(before["pid"], signal.SIGKILL)
        after = ready((before["pid"], before["engine_pid"]))
        return after["on_failure_packets"] == 0, "systemd started pid %d after %d" % (after["pid"], before["pid"])
    g.under_load("kill -9 of the supervisor", action)


def both(g):
    def action():
        before = ready()
        stored = int(show("NFileDescriptorStore"))
        os.kill(before["pid"], signal.SIGSTOP)
        for pid in (before["spare_pid"], before["engine_pid"], before["pid"]):
            os.kill(pid, signal.SIGKILL)
        after = ready((before["pid"], before["engine_pid"]))
        return stored > 0 and after["on_failure_packets"] == 0, "%d descriptors in systemd's store, on_failure answered %d" % (
            stored, after["on_failure_packets"])
    g.under_load("kill -9 of supervisor, engine and spare at once", action)


def watchdog(g):
    def action():
        before = ready()
        began = time.monotonic()
        os.kill(before["pid"], signal.SIGSTOP)
        after = ready((before["pid"],))
        log = run("journalctl", "-u", UNIT, "-n", "200", "--no-pager").stdout
        return "watchdog" in log.lower(), "systemd ended it by its watchdog, another one judges after %.0f s (pid %d)" % (
            time.monotonic() - began, after["pid"])
    g.under_load("SIGSTOP of the supervisor", action)


def clock(g):
    """NE-CHOICE-20."""
    def action():
        before = ready()
        for jump in ("+1 day", "-30 days", "+29 days"):
            run("date", "-s", jump)
            time.sleep(3)
            run("systemctl", "reload", UNIT)
        after = ready()
        same = all(after[key] == before[key] for key in ("pid", "engine_pid", "engine_hangs", "engine_restarts", "on_failure_packets"))
        return same and after["generation"] > before["generation"], "processes %s, %d hangs, generation %d" % (
            "stay" if same else "CHANGED", after["engine_hangs"], after["generation"])
    g.under_load("the clock is set forwards by a day, back by a month, and forwards again", action)


def mid_flow(g):
    """A client wakes, and the gateway's conntrack has forgotten its connection."""
    def counted():
        return status()["unjudged"]["mid_flow"]["allowed"] - before
    before = ready()["unjudged"]["mid_flow"]["allowed"]
    got = flows.forgotten(g.network)
    wait_for("one more flow that is mid_flow", counted)  # once hold_limit is over
    g.row("a connection that conntrack has forgotten goes on and is counted (profile gateway)",
          got == "goes on" and counted() == 1, "%s, mid_flow +%d" % (got, counted()))
    with open("/etc/sluice/rules.json", "w") as to:
        json.dump({"rules": [], "defaultAction": "allow"}, to)
    configure("profile: macos\nprovider: rules\nprovider_file: rules.json\n")
    got = flows.forgotten(g.network)
    g.row("one is reset at both ends (profile macos)", got == "client reset, server reset", got)
    configure("")


def removal(g):
    os.rename(CONF + ".shipped", CONF)
    run("dpkg", "-r", "sluice")
    state = show("ActiveState"), run("nft", "list", "ruleset").stdout, run("pgrep", "-x", "sluiced", check=False).stdout.split()
    g.row("a removal stops it, and leaves no rule and no process", state in (("inactive", "", []), ("failed", "", [])) and
          os.path.exists(CONF), "%s, %d lines of rules, processes %s, configuration kept" % (state[0], state[1].count("\n"), state[2]))
    install(g.opts.old)
    g.row("installed again after a removal it is started again", ready()["version"] == g.opts.versions[0], show("ActiveState"))


def purge(g):
    shutil.rmtree(os.path.dirname(DROP_IN))
    run("dpkg", "-P", "sluice")
    left = g.before.changes()
    g.row("a purge leaves no file, rule, process or unit; user and groups stay", not left, ", ".join(left) or "nothing is left")


ROWS = (installation, traffic, update, reload, supervisor, both, watchdog, clock, mid_flow, stopped_stays, installs, removal, purge)


def main():
    parser = argparse.ArgumentParser()
    for name in ("old", "new", "loader"):
        parser.add_argument(name)
    parser.add_argument("--rate", type=int, default=40)
    parser.add_argument("--installs", type=int, default=60)
    parser.add_argument("--only", default="", metavar="NAME,...", help="these functions, beside installation")
    opts = parser.parse_args()
    opts.versions = [run("dpkg-deb", "-f", package, "Version").stdout.strip().rpartition("-")[0] for package in (opts.old, opts.new)]
    guest = Guest(opts)
    for function in ROWS:
        if function is installation or not opts.only or function.__name__ in opts.only.split(","):
            try:
                function(guest)
            except (LabError, OSError, KeyError, subprocess.SubprocessError) as error:
                guest.row(function.__name__, False, str(error))
    if guest.failed:
        print(run("journalctl", "-u", UNIT, "-n", "60", "--no-pager", check=False).stdout)
    print("%d rows, %d wrong" % (guest.rows, guest.failed))
    return 1 if guest.failed else 0


if __name__ == "__main__":
    sys.exit(main())
