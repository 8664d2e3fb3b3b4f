# SPDX-License-Identifier: GPL-2.0-or-later
"""upgrades.py - the story of upgrades in place: another program takes over under load, or is none, and nobody notices."""

import os
import platform
import shutil
import struct
import threading
import time

from . import limits, names
from .load import describe
from .namespaces import FAMILIES
from .probes import BLOCKED, Clock, Outcome, hello
from .report import Row, progress

# Machine code that sleeps for ever (pause, ppoll), and that dies of SIGILL.
SLEEPS = {"x86_64": b"\xb8\x22\x00\x00\x00\x0f\x05\xeb\xf7",
          "aarch64": bytes.fromhex("000080d2010080d2020080d2030080d2280980d2010000d4faffff17")}
DIES = {"x86_64": b"\x0f\x0b", "aarch64": b"\0\0\0\0"}
MACHINE = {"x86_64": 62, "aarch64": 183}
ALPHA = 0x9026  # an architecture that this machine is not
BASE = 0x400000


def elf(code, machine):
    """The smallest program: one segment, its code behind the headers."""
    at = 64 + 56
    head = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9) + struct.pack(
        "<HHIQQQIHHHHHH", 2, machine, 1, BASE + at, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    size = at + len(code)
    return head + struct.pack("<IIQQQQQQ", 1, 5, 0, BASE, BASE, size, size, 0x1000) + code


class Programs:
    """Files that are no sluiced, and copies of it."""

    def __init__(self, lab):
        self._folder = os.path.join(lab.folder, "programs")
        os.makedirs(self._folder, exist_ok=True)
        self._sluiced = lab.daemon.program

    def path(self, name):
        return os.path.join(self._folder, name)

    def file(self, name, data, mode=0o755):
        with open(self.path(name), "wb") as to:
            to.write(data)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def copy(self, name):
        """Put in the place of what was there, as a package does."""
        shutil.copy(self._sluiced, self.path(name + ".new"))
        os.rename(self.path(name + ".new"), self.path(name))
        return self.path(name)


def _broken(programs):
    """(what, file, what the command says)"""
    here = platform.machine()
    yield "that exits at once", programs.file("true", open("/bin/true", "rb").read()), "did not say that its engine is ready"
    yield "of the wrong architecture", programs.file("alpha", elf(b"", ALPHA)), "Exec format error"
    yield "that is not executable", programs.file("mode", b"\x7fELF", 0o644), "is not executable"
    yield "that is a folder", os.path.dirname(programs.path("x")), "is no file that could be run"
    if here in SLEEPS:
        yield "that dies at once", programs.file("dies", elf(DIES[here], MACHINE[here])), "died of signal"
        yield "that hangs", programs.file("hangs", elf(SLEEPS[here], MACHINE[here])), "was not ready within start_limit"


def upgraded(lab):
    """Under load, to another file, then to the same again at once (NE-CHOICE-19)."""
    name = "load: upgrade in place, twice in a row"
    for family in FAMILIES if lab.report.wants(name) else ():
        progress(name + " over IPv%d" % family)
        programs = Programs(lab)
        before, mark = lab.daemon.wait_ready(), len(lab.daemon.read_log())
        with lab.load(family, 1000000) as load:
            load.wait_until(lab.connections // 20)
            load.mark()
            said = []
            for path in ((programs.copy("sluiced"),), ()):
                done = lab.daemon.command("upgrade", *path)
                said.append("exit %d" % done.returncode if done.returncode else "upgraded")
                progress(done.stdout.strip() or done.stderr.strip())
            load.wait_until(load.done() + lab.connections // 20)
            load.end()
            result, times = load.result(), load.longest()
            done = load.done()
        after = lab.daemon.wait_ready()
        got = ", ".join(said)
        if set(result) != {"right"}:
            got += ", " + describe(result)
        got += _changes(before, after, done)
        if times[1] > times[0] + limits.upgraded:
            got += ", longest %.0f ms, %.0f before" % (times[1], times[0])
        if "without one" in (log := lab.daemon.read_log(mark)):
            progress(", ".join(line.rpartition("after ")[2] for line in log.splitlines() if "without one" in line))
        lab.report.add(Row(name, family, "upgraded, upgraded", got, times[1]))


def _changes(before, after, packets):
    """What should be the same, or not, after two upgrades."""
    wrong = ""
    for key in ("pid", "on_failure_packets", "engine_hangs", "engine_restarts", "rules_restored", "generation"):
        if after[key] != before[key]:
            wrong += ", %s was %s and is %s" % (key, before[key], after[key])
    if after["engine_pid"] == before["engine_pid"]:
        wrong += ", but the engine is the old one"
    if after["upgrades"] != before["upgrades"] + 2:
        wrong += ", %d upgrades counted" % (after["upgrades"] - before["upgrades"])
    if after["flows"]["packets"] < before["flows"]["packets"] + packets:
        wrong += ", but the counters began anew"
    return wrong


def refused(lab):
    """What is no sluiced changes nothing: the old one goes on (NE-CHOICE-19)."""
    for family in lab.slow_families:
        programs = Programs(lab)
        for what, path, words in _broken(programs):
            name = "load: upgrade to a program " + what
            if lab.report.wants(name):
                progress(name)
                _refused(lab, family, name, path, words)


def _refused(lab, family, name, path, words):
    before = lab.daemon.wait_ready()
    clock = Clock()
    with lab.load(family, 1000000) as load:
        done = lab.daemon.command("upgrade", path)
        ms = clock.ms()
        load.wait_until(lab.connections // 20)
        load.end()
        result = load.result()
    after = lab.daemon.wait_ready()
    got = "exit %d" % done.returncode
    got += ", said why" if words in done.stderr else ", said: " + done.stderr.strip()
    if set(result) != {"right"}:
        got += ", " + describe(result)
    for key in ("pid", "engine_pid", "upgrades", "generation"):
        got += ", another " + key if after[key] != before[key] else ""
    lab.report.add(Row(name, family, "exit 1, said why", got, ms))


def by_signal(lab):
    """SIGHUP after a package update: the new program, then the lists anew; after none, the lists alone."""
    name = "SIGHUP after an update of the program: it is upgraded, and the lists are read anew"
    for family in FAMILIES if lab.report.wants(name) else ():
        programs = Programs(lab)
        lab.daemon.command("upgrade", programs.copy("by-signal"))
        before = lab.daemon.wait_ready()
        words = []
        for update in (True, False):
            if update:
                programs.copy("by-signal")
            lab.daemon.reload(by_signal=True)
            after = _wait_generation(lab, before["generation"] + 1)
            words.append("%d upgrade, %d reload" % (after["upgrades"] - before["upgrades"],
                                                    after["generation"] - before["generation"]))
            before = after
        words.append(hello(lab, family, names.BLOCKED).got)
        lab.report.add(Row(name, family, "1 upgrade, 1 reload; 0 upgrade, 1 reload; " + BLOCKED, "; ".join(words)))


def _wait_generation(lab, number):
    limit = time.monotonic() + 30
    while (status := lab.daemon.status()).get("generation", 0) < number and time.monotonic() < limit:
        time.sleep(0.05)
    return lab.daemon.wait_ready()


class Askers(threading.Thread):
    """Asks for the status all the time; counts what was not answered."""

    def __init__(self, lab):
        super().__init__(daemon=True)
        self._daemon, self._enough = lab.daemon, threading.Event()
        self.asked = self.failed = 0

    def run(self):
        while not self._enough.is_set():
            self.asked += 1
            self.failed += not self._daemon.status()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._enough.set()
        self.join()


def asked_meanwhile(lab):
    name = "who asks for the status during upgrades is answered"
    if not lab.report.wants(name):
        return
    with Askers(lab) as askers:
        said = [lab.daemon.command("upgrade").returncode for _ in range(5)]
    got = "%d upgrades failed, %d of %s not answered" % (
        sum(code != 0 for code in said), askers.failed, "many" if askers.asked > 10 else askers.asked)
    lab.report.add(Row(name, 4, "0 upgrades failed, 0 of many not answered", got))


STAGES = upgraded, refused, by_signal, asked_meanwhile
