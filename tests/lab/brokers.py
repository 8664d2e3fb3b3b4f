# SPDX-License-Identifier: GPL-2.0-or-later
"""brokers.py - with `verdicts: broker`: the engine has nothing to lose, and its broker dies or hangs as an engine does."""

import os
import signal

from . import stages


def _brokers(lab):
    """The pids of brokers, and whether each serves an engine: it has a thread a worker then."""
    for pid in lab.daemon.children():
        try:
            with open("/proc/%d/cmdline" % pid) as words:
                if words.read().split("\0")[1] == "--broker":
                    yield pid, len(os.listdir("/proc/%d/task" % pid)) > 1
        except (FileNotFoundError, ProcessLookupError, IndexError):
            continue


def _serving(lab):
    return next(pid for pid, serves in _brokers(lab) if serves)


def killed(lab):
    stages.struck(lab, "load: the broker is killed meanwhile (kill -9)", signal.SIGKILL, {"engine_hangs": 0},
                  whom=lambda status: _serving(lab), said="the queue socket failed")


def stopped(lab):
    stages.struck(lab, "load: the broker hangs meanwhile (SIGSTOP)", signal.SIGSTOP, {"engine_hangs": 1},
                  whom=lambda status: _serving(lab), said="hangs: no sign of life for")


def privileges(lab):
    name = "an engine with a broker has no capability"
    if not lab.report.wants(name):
        return
    with open("/proc/%d/status" % lab.daemon.wait_ready()["engine_pid"]) as status:
        lines = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
    got = " ".join(str(int(lines[key], 16)) for key in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb"))
    stages.add(lab, name, 4, "0 0 0 0 0", stages.Outcome(got, 0))


STAGES = privileges, killed, stopped
