#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test_exposition.py FAMILIES DASHBOARD - the reader refuses what is wrong; what FAMILIES (a program and an option) prints is as
Prometheus wants it; and every metric that a panel of the dashboard asks for is one of them."""

import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from metrics import exposition  # noqa: E402

HEAD = "# HELP sluice_x_total Some.\n# TYPE sluice_x_total counter\n"
BUCKETS = "# HELP sluice_h_seconds H.\n# TYPE sluice_h_seconds histogram\n"
WRONG = (
    ("a value that is none", HEAD + "sluice_x_total one\n"),
    ("no end of line", HEAD + "sluice_x_total 1"),
    ("no TYPE", "# HELP sluice_x_total Some.\nsluice_x_total 1\n"),
    ("a second TYPE", HEAD + "# TYPE sluice_x_total counter\n"),
    ("the same series twice", HEAD + 'sluice_x_total{a="1"} 1\nsluice_x_total{a="1"} 2\n'),
    ("a label twice", HEAD + 'sluice_x_total{a="1",a="2"} 1\n'),
    ("a label without quotes", HEAD + "sluice_x_total{a=1} 1\n"),
    ("a value without end", HEAD + 'sluice_x_total{a="1} 1\n'),
    ("an escape that is none", HEAD + 'sluice_x_total{a="\\t"} 1\n'),
    ("families that are mixed", HEAD + "# HELP sluice_y Some.\n# TYPE sluice_y gauge\nsluice_y 1\nsluice_x_total 1\n"
     "sluice_y{a=\"1\"} 1\n"),
    ("buckets that shrink", BUCKETS + 'sluice_h_seconds_bucket{le="1"} 2\nsluice_h_seconds_bucket{le="+Inf"} 1\n'
     "sluice_h_seconds_sum 1\nsluice_h_seconds_count 1\n"),
    ("a count that is not that of +Inf", BUCKETS + 'sluice_h_seconds_bucket{le="+Inf"} 1\nsluice_h_seconds_sum 1\n'
     "sluice_h_seconds_count 2\n"),
)
UNWANTED = (
    ("a counter without _total", "# HELP sluice_x Some.\n# TYPE sluice_x counter\n"),
    ("a gauge with _total", "# HELP sluice_x_total Some.\n# TYPE sluice_x_total gauge\n"),
    ("milliseconds", "# HELP sluice_x_ms Some.\n# TYPE sluice_x_ms gauge\n"),
    ("no help", "# TYPE sluice_x gauge\n"),
)
# What the dashboard is for: each has a panel.
SHOWN = ("flows_judged_total", "flows_unjudged_total", "flows_blocked_total", "list_verdicts_total", "queue_waiting", "queue_dropped_total",
         "undecided_seconds_bucket", "verdict_seconds_bucket", "generation", "list_fetched_timestamp_seconds", "list_update_failures",
         "engine_restarts_total", "engine_hangs_total", "upgrades_total", "takeovers_total", "takeover_seconds_total",
         "flow_log_records_lost_total", "kernel_unjudged_packets_total", "on_failure_packets_total", "rules_restored_total",
         "memory_resident_bytes", "memory_heap_bytes", "worker_overruns_total", "ready")

failed = []


def must(what, right):
    if not right:
        failed.append(what)
        print("FAILED: %s" % what)


def refused(text):
    try:
        exposition.parse(text)
    except exposition.Malformed:
        return True
    return False


def panels(dashboard):
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def unknown(dashboard, known):
    """Metrics that a panel asks for, and nobody exports."""
    asked = {name for panel in panels(dashboard) for target in panel.get("targets", [])
             for name in re.findall(r"\bsluice_[a-z0-9_]+", target["expr"])}
    return asked - known, asked


def main():
    for what, text in WRONG:
        must("the reader refuses " + what, refused(text))
    for what, text in UNWANTED:
        must("names: " + what + " is told", any(exposition.lint(exposition.parse(text))))
    families = exposition.parse(subprocess.run([sys.argv[1], "--families"], stdout=subprocess.PIPE, text=True, check=True).stdout)
    must("there are families", len(families) > 60)
    for complaint in exposition.lint(families):
        must(complaint, False)
    known = exposition.series(families)
    with open(sys.argv[2]) as source:
        dashboard = json.load(source)
    missing, asked = unknown(dashboard, known)
    must("the dashboard asks for what is not exported: %s" % ", ".join(sorted(missing)), not missing)
    made_up = {"panels": [{"targets": [{"expr": "rate(sluice_made_up_total[5m])"}]}]}
    must("a metric that is made up is seen", unknown(made_up, known)[0] == {"sluice_made_up_total"})
    for name in SHOWN:
        must("the dashboard shows " + name, "sluice_" + name in asked)
    for key in ("uid", "title", "schemaVersion", "templating", "time"):
        must("the dashboard has " + key, key in dashboard)
    ids = [panel["id"] for panel in panels(dashboard)]
    must("panels have numbers of their own", len(ids) == len(set(ids)))
    for panel in panels(dashboard):
        if panel["type"] != "row":
            must("panel %s has title, place, source and question" % panel.get("title"),
                 panel.get("title") and panel.get("gridPos") and panel.get("targets") and
                 panel["datasource"]["uid"] == "${datasource}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
