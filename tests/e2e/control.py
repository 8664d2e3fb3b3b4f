#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""control.py - who may ask the control socket, and change anything: processes of other users and groups. What is changed is written
down; events come at once; and clients that do everything wrong keep nobody from an answer.

usage: control.py BUILD_DIR FACTOR    FACTOR: how much slower than an idle machine this one is"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
RUDE = HERE.parent / "lab" / "rude.py"
NOBODY, READERS, ADMINS = 65534, 60, 50  # games and staff, which every Debian has
OTHERS = 65534
DENIED, NOT_RUNNING = 4, 3
MEDIAN, LONGEST = 0.5, 5  # s; until the command has its answer while others misbehave. Longer it does not wait itself
GROWTH = 24 << 10  # KiB that the supervisor may be larger by then: 64 clients of 256 KiB, and replies
SANITIZED, KEPT = 10, 64 << 10  # the FACTOR of a build with sanitizers, which keep what was freed


class Sluiced:
    def __init__(self, build, folder):
        self.folder, self.program = folder, build + "/daemon/sluiced"
        self.command = folder / "sluice"
        shutil.copy(build + "/daemon/sluice", self.command)  # the build's folder may be root's alone
        shutil.copy(RUDE, folder / "rude.py")
        (folder / "blocked.txt").write_text("blocked.example\n")
        self.control = folder / "control.sock"
        self.settings = {"inside": "lan0", "control": self.control, "state": '""', "flow_log": folder / "flows.json",
                         "user": "nobody", "control_group": "games", "control_admin_group": "staff",
                         "audit_log": folder / "audit.json", "pause_limit": "10m", "lists": '[{file: blocked.txt}]'}
        self.write()
        os.chmod(folder, 0o755)
        with open(folder / "log", "w") as log:
            self.process = subprocess.Popen([self.program, "--config", folder / "sluice.yaml"], stdout=log, stderr=log)
        self.until(lambda: "sluiced: ready" in self.log(), 30)

    def write(self):
        (self.folder / "sluice.yaml").write_text("".join("%s: %s\n" % setting for setting in self.settings.items()))

    def log(self):
        return (self.folder / "log").read_text()

    def until(self, so, seconds):
        limit = time.monotonic() + seconds
        while not so():
            if self.process.poll() is not None or time.monotonic() > limit:
                return False
            time.sleep(0.01)
        return True

    def argv(self, *words):
        return [self.command, *words, "--control", self.control]

    def ask(self, *words, uid=0, gid=0, groups=()):
        """The command as another user: exit status, and what it said."""
        done = subprocess.run(self.argv(*words), user=uid, group=gid, extra_groups=list(groups), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def ask_patiently(self, *words, **who):
        """The same by somebody who asks more often than a user may, and does as he is told."""
        while "try again in a second" in (answer := self.ask(*words, **who))[1]:
            time.sleep(1)
        return answer

    def status(self):
        return json.loads(self.ask("status", "--json")[1])

    def audit(self):
        try:
            return [json.loads(line) for line in (self.folder / "audit.json").read_text().splitlines()]
        except FileNotFoundError:
            return []

    def stop(self):
        self.process.terminate()
        return self.process.wait(20)


class Rows:
    def __init__(self, daemon):
        self.daemon, self.failed, self.count = daemon, 0, 0

    def must(self, what, good, said=""):
        self.count += 1
        if not good:
            self.failed += 1
            print("FAILED: %s\n  got: %s\n  log: %s" % (what, said, "\n       ".join(self.daemon.log().splitlines()[-8:])))


WHO = (
    # who, uid, gid, supplementary groups, may read, may change
    ("root", 0, 0, (), True, True),
    ("whoever is in neither group", NOBODY, OTHERS, (), False, False),
    ("whoever has root's group", NOBODY, 0, (), False, False),
    ("the readers' group", NOBODY, READERS, (), True, False),
    ("the readers' group, supplementary", NOBODY, OTHERS, (1, READERS), True, False),
    ("the admins' group", NOBODY, ADMINS, (), True, True),
    ("the admins' group, supplementary", NOBODY, OTHERS, (1, ADMINS), True, True),
)
READ = ("status",), ("flows",), ("check", "blocked.example"), ("policy", "list")
CHANGE = ("log-level", "info"), ("pause", "--for", "5m"), ("resume",), ("reload",), ("policy", "rollback", "1"), ("update",), ("upgrade", "--if-changed")
REFUSED = 1  # a right to ask is no promise: nothing is kept here to roll back to, and no list is fetched


def rights(rows):
    d = rows.daemon
    for who, uid, gid, groups, may_read, may_change in WHO:
        for words in READ:
            status, said = d.ask_patiently(*words, uid=uid, gid=gid, groups=groups)
            good = status != DENIED if may_read else status == DENIED and "control_group" in said and "no permission" in said
            # check asks files where the daemon may not be asked, and these are readable
            rows.must("%s %s: sluice %s" % (who, "may read" if may_read else "may not read", " ".join(words)),
                      good or (words[0] == "check" and not may_read), (status, said))
        for words in CHANGE:
            before = len(d.audit())
            status, said = d.ask_patiently(*words, uid=uid, gid=gid, groups=groups)
            if may_change:
                good = status == 0 or (words[0] in ("policy", "update") and status == REFUSED)
            else:
                good = status == DENIED and "no permission" in said
            rows.must("%s %s: sluice %s" % (who, "may change" if may_change else "may not change", " ".join(words)), good,
                      (status, said))
            if not may_read:
                continue
            # What was asked for is written down, with who did, whatever came of it.
            d.until(lambda: len(d.audit()) > before, 5)
            line = (d.audit() or [{}])[-1]
            cmd = {"log-level": "log_level", "policy": "rollback"}.get(words[0], words[0])
            rows.must("%s is written down: sluice %s" % (who, " ".join(words)),
                      (line.get("uid"), line.get("gid"), line.get("comm"), line.get("cmd"), line.get("ok")) ==
                      (uid, gid, "sluice", cmd, status == 0) and (line["ok"] or line["error"]), line)
            rows.must("the log says the same", re.search(r"control: uid %d, pid \d+ \(sluice\): .*\"%s\".*: %s" % (
                uid, cmd, "done" if status == 0 else "refused: "), d.log()), "")
    rows.must("a signal is not needed: all that passed was one process", d.process.poll() is None)


def groups_change(rows):
    """At a reload, for those who are connected, too."""
    d = rows.daemon
    d.settings["control_group"] = "staff"
    d.write()
    status, said = d.ask("reload")
    rows.must("a reload takes other groups", status == 0 and d.ask("status", uid=NOBODY, gid=READERS)[0] == DENIED, said)
    d.settings["control_group"] = "games"
    d.write()
    rows.must("and takes them back", d.ask("reload")[0] == 0 and d.ask("status", uid=NOBODY, gid=READERS)[0] == 0)


class Subscriber:
    """A reader's, line by line, with the moment of each."""

    def __init__(self, d, *events):
        self.heard = []
        self.process = subprocess.Popen(d.argv("subscribe", *events), user=NOBODY, group=READERS, extra_groups=[],
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        for line in self.process.stdout:
            self.heard.append((time.monotonic(), json.loads(line) if line.startswith("{") else {"said": line}))

    def wait(self, seconds, **members):
        """When an event with these members came; None: it did not."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            for when, event in list(self.heard):
                if all(event.get(name) == value for name, value in members.items()):
                    return when
            time.sleep(0.005)
        return None

    def end(self):
        self.process.terminate()
        self.process.wait()


def events(rows, slow):
    d = rows.daemon
    listener = Subscriber(d)
    time.sleep(0.3)
    for words, members in ((("reload",), {"event": "generation", "ok": True}),
                           (("pause", "--for", "60s"), {"event": "state", "state": "paused"}),
                           (("resume",), {"event": "state", "state": "resumed"})):
        start = time.monotonic()
        d.ask(*words)
        asked = time.monotonic()
        when = listener.wait(5, **members)
        rows.must("sluice %s is heard of at once" % words[0], when and when < asked + 0.1 * slow, (start, when, listener.heard))
    engine = d.status()["engine_pid"]
    os.kill(engine, 9)
    rows.must("a death is heard of", listener.wait(5, event="state", state="takeover"), listener.heard)
    rows.must("and the next engine", listener.wait(10, event="state", state="running"), listener.heard)
    d.until(lambda: d.status().get("spare_pid"), 10)
    rows.must("an upgrade keeps who listens", d.ask("upgrade", d.program)[0] == 0 and
              listener.wait(10, event="state", state="upgraded"), listener.heard)
    rows.must("and its change is written down with who asked", d.until(lambda: any(
        (line["cmd"], line["ok"]) == ("upgrade", True) and line["args"].get("path") for line in d.audit()), 5), d.audit()[-2:])
    one = Subscriber(d, "generation")
    time.sleep(0.3)
    d.ask("pause", "--for", "2s")
    rows.must("a pause ends by itself, and that is heard of", listener.wait(8, event="state", state="paused") and d.until(
        lambda: sum(e.get("state") == "resumed" for _, e in listener.heard) == 2, 8), listener.heard)
    rows.must("who asked for one kind hears no other", one.heard == [], one.heard)
    rows.must("an unknown kind is refused", d.ask("subscribe", "coffee")[0] == 1)
    one.end()
    listener.end()


def pauses(rows):
    d = rows.daemon
    for words, text in ((("pause",), "--for 10m"), (("pause", "--for", "soon"), "a time is expected"),
                        (("pause", "--for", "11m"), "pause_limit"), (("log-level", "loud"), "one of error, warning")):
        status, said = d.ask(*words)
        rows.must("sluice %s is refused, with what would help" % " ".join(words), status in (1, 2) and text in said, said)
    status, said = d.ask("pause", "--for", "10m")
    rows.must("a pause says until when", status == 0 and "PAUSED" in said, said)
    rows.must("so does the status, loudly", "ALL TRAFFIC PASSES" in d.ask("status")[1])
    rows.must("and the log", "PAUSED" in d.log())
    rows.must("resume says that it is over", "the pause is over" in d.ask("resume")[1] and d.status()["paused"] is None)
    rows.must("and that there was none", "nothing was paused" in d.ask("resume")[1])
    d.ask("log-level", "debug")
    d.ask("status")
    rows.must("at debug a request is logged", "control: status" in d.log(), "")
    d.ask("log-level", "error")
    size = len(d.log())
    d.ask("reload")
    # A compiler of a build with sanitizers tells that its box lets nobody look for leaks.
    said = [line for line in d.log()[size:].splitlines() if line.startswith("sluiced: ")]
    rows.must("at error a reload is not", not said and d.status()["log_level"] == "error", d.log()[size:])
    d.ask("log-level", "info")


def memory(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path("/proc/%d/status" % pid).read_text()).group(1))


def rudeness(rows, slow):
    """Three users do everything wrong for seconds: root and a well-behaved reader get their answers, in time."""
    d = rows.daemon
    before = memory(d.process.pid)
    rude = [subprocess.Popen(["/usr/bin/python3", d.folder / "rude.py", d.control], user=uid, group=gid, extra_groups=[],
                             stdout=subprocess.PIPE, text=True)
            for uid, gid in ((10001, READERS), (10002, READERS), (10003, OTHERS))]
    times, failures, most = [], [], before
    try:
        for process in rude:
            process.stdout.readline()
        end = time.monotonic() + 4
        while time.monotonic() < end:
            for uid, gid in ((0, 0), (10004, READERS)):
                start = time.monotonic()
                status, said = d.ask("status", "--json", uid=uid, gid=gid)
                times.append(time.monotonic() - start)
                failures += [] if status == 0 else [(uid, status, said[:200])]
                time.sleep(0.1)
            most = max(most, memory(d.process.pid))
    finally:
        for process in rude:
            process.kill()
            process.wait()
    print("%d answers while three users misbehave: the slowest after %.0f ms, the median %.0f ms; %d KiB more memory" % (
        len(times), max(times) * 1000, sorted(times)[len(times) // 2] * 1000, most - before))
    rows.must("everybody else is answered", not failures, failures)
    rows.must("in time", sorted(times)[len(times) // 2] < MEDIAN * slow and max(times) < LONGEST, sorted(times))
    rows.must("memory is bounded", most - before < GROWTH + (KEPT if slow >= SANITIZED else 0), most - before)
    rows.must("the engine is the same", d.status()["engine_hangs"] == 0, d.status())
    rows.must("whoever asked too often may ask again after a second", d.until(
        lambda: d.ask("status", uid=10001, gid=READERS)[0] == 0, 3 * slow))


def main():
    if os.geteuid() != 0:
        return 77
    if len(sys.argv) < 4:
        os.execvp("unshare", ["unshare", "--net", "/usr/bin/python3", __file__, *sys.argv[1:3], "inside"])
    build, slow = sys.argv[1], float(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        daemon = Sluiced(build, pathlib.Path(folder))
        rows = Rows(daemon)
        try:
            rights(rows)
            groups_change(rows)
            pauses(rows)
            events(rows, slow)
            rudeness(rows, slow)
        finally:
            status = daemon.stop()
        rows.must("sluiced ends well", status == 0, status)
        rows.must("and says that it is gone", daemon.ask("status")[0] == NOT_RUNNING)
    print("%d rows, %d failed" % (rows.count, rows.failed))
    return 1 if rows.failed else 0


if __name__ == "__main__":
    sys.exit(main())
