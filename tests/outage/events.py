# SPDX-License-Identifier: GPL-2.0-or-later
"""events.py - what is done to the daemon: each kind is a function (outage, number), and how often, and how long to leave it alone
afterwards. It returns an error, or nothing."""

import os
import signal
import time
from dataclasses import dataclass
from typing import Callable

from lab import names

FILLER = 900  # names that a reload changes


@dataclass
class Kind:
    name: str
    do: Callable
    full: int  # how often
    short: int
    pause: float  # s, at least; engines that die in a row soon after their birth are another story (2 s)
    median: float  # ms: how much longer the longest connection of an event may be than without it ...
    worst: float  # ... in the middle and at worst


def upgrade(outage, number):
    """To a copy, and back."""
    done = outage.daemon.command("upgrade", outage.programs[number % 2])
    return done.stderr.strip() if done.returncode else None


def reload(outage, number):
    """Another policy: the blocked names stay, others come and go."""
    text = names.LISTS["blocked"][3]
    outage.daemon.write_list("blocked", text + "".join("f%d-%d.filler.example\n" % (number, i) for i in range(FILLER)))
    done = outage.daemon.command("reload")
    return done.stderr.strip() if done.returncode else None


def _struck(outage, number):
    pid = outage.daemon.status().get("engine_pid")
    if not pid:
        return "there was no engine"
    os.kill(pid, number)
    outage.daemon.wait_ready(not_engine=pid)
    return None


def killed(outage, _):
    return _struck(outage, signal.SIGKILL)


def stopped(outage, _):
    return _struck(outage, signal.SIGSTOP)


def supervisor(outage, _):
    """As systemd does it (RestartSec=1s), only sooner."""
    outage.daemon.kill()
    time.sleep(0.2)
    outage.daemon.start()
    outage.daemon.wait_ready()


KINDS = (
    Kind("upgrade", upgrade, 200, 4, 0.5, 50, 250),
    Kind("reload", reload, 200, 4, 0.2, 50, 250),
    Kind("engine kill -9", killed, 100, 1, 2.1, 50, 250),
    Kind("engine SIGSTOP", stopped, 50, 1, 2.1, 500, 500),  # hang_limit and 250 ms
    Kind("supervisor kill -9", supervisor, 20, 1, 2.1, 50, 250),
)
