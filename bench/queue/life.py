# SPDX-License-Identifier: GPL-2.0-or-later
"""life.py - what a filter does besides filtering: how long until it filters, what it keeps in memory, how long until a new
name on its list counts and what is refused meanwhile, and what becomes of traffic when all of it is killed."""

import os
import signal
import time

from lab.namespaces import LabError

from . import loads, probe

FRESH = "fresh.reloaded.example"
SETTLES, RELOADS_WITHIN, GONE_AFTER = 1.5, 120, 0.5  # s; some know a new file by the second it was written


def live(chosen, network, listed, asked):
    """One life of a filter that has just started to filter: a dictionary of figures. It is dead afterwards."""
    time.sleep(SETTLES)
    figures = {"filter": chosen.name, "start_s": chosen.ready_s, "memory_mib": loads.memory_mib(network)}
    figures.update(reload(chosen, network, asked))
    figures.update(kill(chosen, network, listed, asked))
    return figures


def reload(chosen, network, asked):
    """A name is added to the list's file. It counts when it is refused while the one that is not listed is answered."""
    family = chosen.families[0]
    if not probe.answered(network, family, FRESH):
        raise LabError("%s refuses a name that is not listed yet" % chosen.name)
    with open(chosen.names, "a") as to:
        to.write(FRESH + "\n")
    began = good = time.monotonic()
    gap, refused, most, done = 0.0, 0, 0.0, False
    chosen.reload()
    while not done and time.monotonic() < began + RELOADS_WITHIN:
        time.sleep(probe.EVERY)
        fresh = probe.answered(network, family, FRESH)
        fine, now = probe.answered(network, family, asked), time.monotonic()
        gap, most = max(gap, now - good), max(most, loads.memory_mib(network))
        refused += not fine
        good, done = now if fine else good, fine and not fresh
    return {"reload_s": good - began if done else None, "reload_refused": refused, "reload_gap_s": gap,
            "reload_memory_mib": most}


def kill(chosen, network, listed, asked):
    """SIGKILL to every process in the gateway; all of them are the filter's."""
    family, endless = chosen.families[0], chosen.bulk
    old = probe.connect(network, family, asked, probe.DOWN if endless else probe.SHORT)
    if old is None:
        raise LabError("%s refuses a name that is not listed" % chosen.name)
    with old:
        for pid in loads.pids(network):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(GONE_AFTER)
        return {"killed_open": probe.stands(old, endless), "killed_new": probe.answered(network, family, asked),
                "killed_listed": probe.answered(network, family, listed)}
