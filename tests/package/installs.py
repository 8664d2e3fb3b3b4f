# SPDX-License-Identifier: GPL-2.0-or-later
"""installs.py - the package is installed over a running sluiced, again and again, under steady load (NE-FAIL-07).

    tests/package/installs --build-dir BUILD OLD.deb NEW.deb [--times N] [--rate N] [--slow FACTOR]

BUILD has sl_outage_load. The gateway is a network namespace whose programs have a Debian of their own (root.py), so that dpkg and
the package's scripts do all that they do, and nothing of it is left; at the processor's own speed, and on this machine's kernel.
There is no systemd: what upgrades the running program is the package itself. One installation is of the same version, one of an older, one of a newer one, in turn.
Exit status: 0; 1 a connection failed, an installation did, or a stall was too long; 2 the harness could not go on."""

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

import host
import machine as vm
import root
from lab import entry, machine
from lab.interrupts import ignore
from lab.namespaces import SERVER, LabError, Network
from lab.report import progress
from outage.main import AFTER, WARM, end, started, write_names
from outage.record import Records, stalls, summary, usual, wrong

CONF = "inside: [lan]\nlists:\n  - {name: blocked, file: lists/mine.txt}\n"
LIST = "blocked.example\n"
# On a copy of the disk that tests/qemu's machine has: a small Debian with all that the package needs.
SCRIPT = """set -e
mount -o loop "$1" "$2"
for name in proc sys dev; do mount --rbind /$name "$2/$name"; done
mount -t tmpfs tmpfs "$2/run"
echo ready
exec sleep infinity
"""


class Box:
    """The gateway's own view of the files, and programs that run in it."""

    def __init__(self, network, disk, folder):
        box, copy = os.path.join(folder, "box"), os.path.join(folder, "disk")
        os.mkdir(box)
        subprocess.run(("cp", "--sparse=always", disk, copy), check=True)
        self._holder = network.gateway.start("unshare", "--mount", "--propagation", "private", "sh", "-c", SCRIPT, "sh", copy, box,
                                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._inside = ("nsenter", "-t", str(self._holder.pid), "-m", "-n", "chroot", box)
        said = self._holder.stdout.readline()
        if said != "ready\n":
            raise LabError("the disk cannot be mounted: " + said + self._holder.stdout.read())
        self._daemon = None

    def run(self, *argv, text=None):
        return subprocess.run((*self._inside, *argv), input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}, process_group=0)

    def write(self, path, text):
        done = self.run("tee", path, text=text)
        if done.returncode:
            raise LabError(done.stderr)

    def copy(self, path, name):
        with open(path, "rb") as source:
            subprocess.run((*self._inside, "dd", "status=none", "of=/root/" + name), stdin=source, check=True)
        return "/root/" + name

    def start(self, log):
        self._log = log
        with open(log, "w") as to:
            self._daemon = subprocess.Popen((*self._inside, "/usr/sbin/sluiced"), stdin=subprocess.DEVNULL, stdout=to, stderr=to,
                                            process_group=0)

    def status(self):
        with contextlib.suppress(ValueError):
            return json.loads(self.run("sluice", "status", "--json").stdout)
        return {}

    def ready(self):
        limit = time.monotonic() + 60
        while not ((s := self.status()).get("state") == "running" and s.get("spare_pid")):
            if time.monotonic() > limit:
                with open(self._log) as log:
                    raise LabError("there is no engine with a spare; the log ends so:\n" + log.read()[-2000:])
            time.sleep(0.05)
        return s

    def remove(self):
        if self._daemon is not None:
            end(self._daemon)
        end(self._holder)


def options(argv):
    parser = argparse.ArgumentParser(prog="tests/package/installs", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("packages", nargs=2, metavar="OLD.deb NEW.deb")
    parser.add_argument("--build-dir", required=True, metavar="BUILD")
    parser.add_argument("--times", type=int, default=60, metavar="N")
    parser.add_argument("--rate", type=int, default=500, metavar="N", help="new connections a second (500)")
    parser.add_argument("--slow", type=float, default=1, metavar="FACTOR", help="stretch the limits of stalls, for a busy machine")
    return parser.parse_args(argv)


def install(box, package):
    done = box.run("dpkg", "-i", package)
    if done.returncode or "goes on judging" in done.stderr:
        raise LabError("dpkg -i: exit %d: %s%s" % (done.returncode, done.stdout, done.stderr))


def installations(opts, box, old, new):
    """When each began and ended."""
    windows = []
    for i in range(opts.times):
        before, began = box.ready(), time.monotonic()
        install(box, (new, new, old)[i % 3])  # a newer one than what is there, the same, an older one
        windows.append((began, time.monotonic()))
        after = box.ready()
        if after["pid"] != before["pid"] or after["engine_pid"] == before["engine_pid"] or after["upgrades"] != i + 1:
            raise LabError("installation %d did not upgrade in place: %s, then %s" % (i, before, after))
        time.sleep(AFTER)
    return windows


def measure(opts, folder, at_exit):
    network = Network()
    at_exit.callback(network.remove)
    network.gateway.sysctl("netfilter/nf_conntrack_tcp_timeout_close", 1)
    loader = machine.program(opts.build_dir, "sl_outage_load")
    tools = host.tools(vm.CACHE)
    box = Box(network, root.disk(vm.CACHE, tools, opts.packages[0]), folder)
    at_exit.callback(box.remove)
    old, new = box.copy(opts.packages[0], "old.deb"), box.copy(opts.packages[1], "new.deb")
    install(box, old)
    box.write("/etc/sluice/sluice.yaml", CONF)
    box.write("/etc/sluice/lists/mine.txt", LIST)
    box.start(os.path.join(folder, "sluiced.log"))
    first = box.ready()
    at_exit.callback(end, started(network.server, os.path.join(folder, "server.log"), loader, "serve"))
    load = started(network.client, os.path.join(folder, "load.log"), loader, "steady", "--server4", SERVER[4], "--server6", SERVER[6],
                   "--names", write_names(os.path.join(folder, "names")), "--rate", str(opts.rate), "--downloads", "4", "--records",
                   os.path.join(folder, "records"))
    at_exit.callback(end, load)
    time.sleep(WARM)
    quiet = time.monotonic(), time.monotonic() + 10
    time.sleep(10)
    windows = installations(opts, box, old, new)
    last = box.status()
    time.sleep(1)
    if end(load) != 0:
        raise LabError("the load ended badly")
    with open(os.path.join(folder, "load.log")) as said:
        downloads = json.loads(said.read().splitlines()[-1])
    box.remove()
    return Records(os.path.join(folder, "records")), windows, quiet, downloads, first, last


def report(opts, records, windows, quiet, downloads, first, last):
    every = records.all
    failed = sum(not c.blocked and not c.right for c in every)
    through = sum(c.through for c in every if not c.split)
    split = sum(c.through for c in every if c.split)
    median, worst = summary(stalls(records, [(a, b + AFTER) for a, b in windows]))
    length = statistics.median(b + AFTER - a for a, b in windows)
    spans = [(quiet[0] + i * length, quiet[0] + (i + 1) * length) for i in range(int((quiet[1] - quiet[0]) / length))] or [quiet]
    usual_median, usual_worst = summary(stalls(records, spans))
    print("%d installations (a newer version, the same, an older one, in turn), %d connections, usual %.2f ms" % (
        len(windows), len(every), usual(records.between(*quiet))))
    print("allowed connections failed            %d" % failed)
    print("blocked names got through             %d" % through)
    print("  of hellos in two segments, besides  %d" % split)
    print("downloads broken                      %d of %d" % (downloads["broken"], downloads["downloads"]))
    print("installation takes                    %.2f s" % statistics.median(b - a for a, b in windows))
    print("longest connection, ms                median %.0f (%.0f without), worst %.0f (%.0f without)" % (
        median, usual_median, worst, usual_worst))
    print("answered by on_failure                %d" % last["on_failure_packets"])
    print("process id                            %s" % ("stays" if first["pid"] == last["pid"] else "CHANGED"))
    others = {key: n for key, n in wrong([c for c in every if not (c.split and c.through)]).items()}
    if others:
        print("WRONG: " + ", ".join("%s %d" % item for item in sorted(others.items())))
    slow = worst > usual_worst + 250 * opts.slow
    if slow:
        print("WRONG: %.0f ms more than without, 250 are promised" % (worst - usual_worst))
    return not (others or slow or downloads["broken"] or last["on_failure_packets"] or len(every) < opts.rate)


def run(opts):
    with contextlib.ExitStack() as at_exit:
        try:
            machine.check_kernel()
            folder = machine.temporary_folder()
            at_exit.callback(shutil.rmtree, folder, ignore_errors=True)
            progress("%d installations" % opts.times)
            return report(opts, *measure(opts, folder, at_exit))
        finally:
            ignore()


def main(argv):
    opts = options(argv)
    return entry.run("installs", lambda: run(opts))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
