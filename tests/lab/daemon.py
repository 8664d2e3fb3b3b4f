# SPDX-License-Identifier: GPL-2.0-or-later
"""daemon.py - sluiced in the gateway. Its configuration is the shipped example, to which the lab's lists are added."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time

from . import names
from .interrupts import held
from .namespaces import LabError

MARK_MASK = 0x70000000
READY = "sluiced: ready"
EXAMPLE = "daemon/example"
READY_WITHIN = 30  # s
STOPS_WITHIN = 10  # s


class Daemon:
    def __init__(self, network, folder, source, sluiced, sluice, settings=None, inside=("lan",)):
        """settings: options of sluice.yaml that this lab wants otherwise than shipped. inside: the gateway's interfaces."""
        self.network, self.folder = network, os.path.join(folder, "sluice")
        self.program, self._sluice = sluiced, sluice
        self.config = os.path.join(self.folder, "sluice.yaml")
        self.log = os.path.join(self.folder, "sluiced.log")
        self.flow_log = os.path.join(self.folder, "flows.json")
        self.process = None
        shutil.copytree(os.path.join(source, EXAMPLE), self.folder)
        self._inside = "".join("  - %s\n" % name for name in inside)
        self._configure({"control": self.folder + "/control.sock", "flow_log": self.flow_log,
                         "state": self.folder + "/state", **(settings or {})})

    def _configure(self, settings):
        """The clients are behind another interface here, and there are more lists; the rest is as shipped."""
        with open(self.config) as example:
            text = example.read()
        lists = "lists:\n"
        for name, (file, form, action, entries) in names.LISTS.items():
            self.write_list(name, entries)
            lists += "  - name: %s\n    file: %s\n    format: %s\n    action: %s\n" % (name, file, form, action)
        for shipped, ours in (("  - lan0\n", self._inside), ("lists:\n", lists)):
            if shipped not in text:
                raise LabError("%s/sluice.yaml has no line %r" % (EXAMPLE, shipped.strip()))
            text = text.replace(shipped, ours, 1)
        self._text, self._settings = text, dict(settings)
        self.configure({})

    def configure(self, settings):
        """Changes options; None takes one out again. They take effect at a reload, or at the next start."""
        for name, value in settings.items():
            self._settings[name] = value
            if value is None:
                del self._settings[name]
        with open(self.config, "w") as to:
            to.write(self._text + "\n" + "".join("%s: %s\n" % setting for setting in self._settings.items()))

    def has(self, option, value):
        return self._settings.get(option) == value

    @contextlib.contextmanager
    def options(self, text):
        """Lines of sluice.yaml for a sluiced that is started meanwhile."""
        with open(self.config) as source:
            before = source.read()
        try:
            with open(self.config, "w") as to:
                to.write(before + text)
            yield
        finally:
            with open(self.config, "w") as to:
                to.write(before)

    def write_list(self, name, text):
        with open(os.path.join(self.folder, names.LISTS[name][0]), "w") as to:
            to.write(text)

    def start(self, before=(), inherited=()):
        """Returns when traffic is filtered: what sluiced says of itself then. before: words ahead of the program's name."""
        with open(self.log, "a") as log:
            mark = log.tell()
            with held():
                self.process = self.network.gateway.start(*before, self.program, "--config", self.config, stdout=log,
                                                          stderr=log, pass_fds=inherited)
        limit = time.monotonic() + READY_WITHIN
        while READY not in self.read_log(mark):
            if self.process.poll() is not None or time.monotonic() > limit:
                raise LabError("sluiced did not become ready; it said:\n" + self.read_log(mark))
            time.sleep(0.01)
        return self.read_log(mark).partition(READY)[2].partition("\n")[0].lstrip(": ")

    def read_log(self, mark=0):
        with open(self.log, errors="replace") as log:
            log.seek(mark)
            return log.read()

    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        """SIGTERM, as a service manager would. Returns the exit status, None when it had to be killed."""
        if self.process is None:
            return 0
        process, self.process = self.process, None
        process.terminate()
        try:
            return process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return None

    def kill(self):
        """The supervisor alone, outright."""
        process, self.process = self.process, None
        process.kill()
        process.wait()

    def restart(self):
        """A start that may fail: whether it did not."""
        try:
            self.start()
        except LabError:
            self.process = None
        return self.process is not None

    def command(self, *words):
        """The command `sluice` in the gateway."""
        return self.network.gateway.run(self._sluice, "--config", self.config, *words, check=False)

    def status(self):
        try:
            return json.loads(self.command("status", "--json").stdout)
        except ValueError:
            return {}

    def reload(self, by_signal=False):
        if by_signal:
            self.process.send_signal(signal.SIGHUP)
        else:
            self.command("reload")

    def queued(self):
        """Packets that the gateway's kernel has given to userspace so far, all queues; None where it does not say."""
        text = self.network.gateway.read("netfilter/nfnetlink_queue")
        return None if not text else sum(int(line.split()[7]) for line in text.splitlines())

    def engine(self):
        """The pid of the process that judges; None when the supervisor does not say for long."""
        limit = time.monotonic() + READY_WITHIN
        while not (pid := self.status().get("engine_pid")) and self.running() and time.monotonic() < limit:
            time.sleep(0.05)
        return pid or None

    def milliseconds(self, option):
        """A duration as it is in force."""
        text = self.network.gateway.run(self.program, "--config", self.config, "--check").stdout
        amount, unit = re.search(r"^%s: (\d+)(ms|s|m)$" % option, text, re.MULTILINE).groups()
        return int(amount) * {"ms": 1, "s": 1000, "m": 60000}[unit]

    def children(self):
        """The pids of all processes that the supervisor has started and not yet buried."""
        try:
            with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)) as children:
                return [int(pid) for pid in children.read().split()]
        except FileNotFoundError:
            return []

    def wait_ready(self, not_engine=None):
        """Until an engine judges, another one than this, and its spare stands by; what status says then."""
        limit = time.monotonic() + READY_WITHIN
        while True:
            status = self.status()
            if status.get("state") == "running" and status.get("spare_pid") and status["engine_pid"] != not_engine:
                return status
            if not self.running() or time.monotonic() > limit:
                raise LabError("sluiced has no engine with a spare; its log ends so:\n" + self.read_log()[-2000:])
            time.sleep(0.05)

    def flow_log_size(self):
        try:
            return os.path.getsize(self.flow_log)
        except FileNotFoundError:
            return 0

    def flows(self, since=0):
        """The flow log's records, those after so many bytes of it."""
        try:
            with open(self.flow_log) as log:
                log.seek(since)
                return [json.loads(line) for line in log if line.endswith("\n")]
        except FileNotFoundError:
            return []
