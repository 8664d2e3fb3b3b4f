# SPDX-License-Identifier: GPL-2.0-or-later
"""soak.py - for a long time a share of the highest rate, with reloads: is a packet lost, does a socket overrun? Sluice alone; what
the rate is a share of is measured first, in the same namespaces."""

import json
import os
import statistics
import threading
import time

from lab.namespaces import LabError, run

from . import loads

TRIES, TRY_SECONDS = 3, 2
WRONG = ("lost", "refused", "queue_dropped", "enobufs", "syn_overruns", "log_dropped", "engine_restarts", "reloads_failed")


class Reloads(threading.Thread):
    """Asks for one again and again, each with one name more, until stopped. A reload is done when sluice says so."""

    def __init__(self, chosen, sluice, config, every):
        super().__init__(daemon=True)
        self._list, self._argv, self._every = chosen.names, [sluice, "reload", "--config", config], every
        self._stopped = threading.Event()
        self.done, self.failed = 0, []

    def run(self):
        while not self._stopped.wait(self._every):
            with open(self._list, "a") as to:
                to.write("reloaded%d.example\n" % self.done)
            asked = run(*self._argv, check=False)
            if asked.returncode == 0:
                self.done += 1
            else:
                self.failed.append(asked.stderr.strip())

    def stop(self):
        self._stopped.set()
        self.join()


def counters(sluice, config):
    """What the daemon counts of what must not be."""
    status = json.loads(run(sluice, "status", "--json", "--config", config).stdout)
    workers = status["workers"]
    return {"enobufs": sum(w["enobufs"] for w in workers), "syn_overruns": sum(w["syn_overruns"] for w in workers),
            "engine_restarts": status["engine_restarts"], "log_dropped": (status.get("flow_log") or {}).get("dropped", 0)}


def soak(chosen, network, load, opts, asked, programs):
    """programs: sl_queue_load, sluice. A dictionary of figures."""
    loader, sluice = programs
    opts.seconds, opts.rate = min(TRY_SECONDS, opts.soak), 0
    most = statistics.median(loads.measure(load, network, loader, asked, opts)["per_second"] for _ in range(TRIES))
    before = counters(sluice, chosen.config)
    opts.seconds, opts.rate = opts.soak, opts.share * most
    reloads, began = Reloads(chosen, sluice, chosen.config, opts.reload_every), time.monotonic()
    reloads.start()
    try:
        figures = loads.measure(load, network, loader, asked, opts)
    finally:
        reloads.stop()
    after = counters(sluice, chosen.config)
    figures.update({name: after[name] - before[name] for name in after}, load=load.name, most_per_second=most,
                   share=figures["per_second"] / most, seconds=time.monotonic() - began, reloads=reloads.done,
                   reloads_failed=len(reloads.failed), load_average=os.getloadavg()[0])
    if reloads.failed:
        print("a reload failed: " + reloads.failed[0])
    if reloads.done == 0 and opts.soak > opts.reload_every:
        raise LabError("no reload was done meanwhile")
    return figures


def wrong(figures):
    return [name for name in WRONG if figures[name] > 0]


def sentence(f):
    return ("**%s for %.0f s** at %.0f connections/s, %.2f of the highest rate (%.0f): %d connections, %d reloads of %d that were asked "
            "for; %s; first byte p50 %.0f us, p99 %.0f, p99.9 %.0f; load average %.1f" % (
                f["load"], f["seconds"], f["per_second"], f["share"], f["most_per_second"], f["all"], f["reloads"],
                f["reloads"] + f["reloads_failed"], ", ".join("%s %d" % (name, f[name]) for name in WRONG), f["p50_us"], f["p99_us"],
                f["p999_us"], f["load_average"]))
