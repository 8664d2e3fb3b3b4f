# SPDX-License-Identifier: GPL-2.0-or-later
"""report.py - figures of all rounds as JSON, and their medians and ratios as Markdown. A ratio is taken within each round, so
that what disturbs the machine disturbs both its sides; its median and the least and the greatest are shown."""

import json
import os
import platform
import statistics

# of a load's figures: (title, digits, unit)
VALUES = {"per_second": ("connections/s", 0), "gbit_per_second": ("Gbit/s", 2), "p50_us": ("first byte p50, us", 1),
          "p99_us": ("p99, us", 0), "p999_us": ("p99.9, us", 0), "filter_cpu_us": ("filter's CPU, us a connection", 2),
          "added_cpu_us": ("added CPU, us a connection", 2), "queued_per_connection": ("queued packets a connection", 2)}
RATIOS = ("per_second", "gbit_per_second")
DIFFERENCES = ("p50_us", "p99_us")
BASES = (("no filter", "none"), ("null", "null"), ("sluice", "sluice"))
LIFE = {"start_s": ("filters after, s", "%.2f"), "memory_mib": ("memory, MiB", "%.0f"),
        "reload_s": ("a new name counts after, s", "%.2f"), "reload_memory_mib": ("memory meanwhile, MiB", "%.0f"),
        "reload_gap_s": ("longest wait meanwhile, s", "%.2f"), "reload_refused": ("refused meanwhile", "%d"),
        "killed_open": ("killed: an open connection", ("is cut", "lives")), "killed_new": ("a new one", ("refused", "answered")),
        "killed_listed": ("one that is listed", ("refused", "answered"))}


def machine(opts):
    model = words_after("/proc/cpuinfo", "model name")
    with open("/proc/meminfo") as info:
        memory = int(info.readline().split()[1]) / (1 << 20)
    return {"cpu": model, "cores": os.cpu_count(), "memory_gib": round(memory, 1), "kernel": platform.release(),
            "virtual": "hypervisor" in words_after("/proc/cpuinfo", "flags").split(),
            "mitigations": {name: text_of("/sys/devices/system/cpu/vulnerabilities/" + name)
                            for name in ("meltdown", "spectre_v2", "retbleed")},
            "cpus_used": sorted(os.sched_getaffinity(0)), "nice": os.getpriority(os.PRIO_PROCESS, 0),
            "load_average": os.getloadavg(), "names": opts.list, "workers": opts.workers, "seconds": opts.seconds}


def words_after(path, key):
    with open(path) as lines:
        return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "unknown")


def text_of(path):
    try:
        with open(path) as text:
            return text.read().strip()
    except OSError:
        return "unknown"


class Results:
    """add() what one filter showed in one round; None for a round that failed."""

    def __init__(self):
        self.rounds, self.lives, self.missed = [], [], {}

    def add(self, number, name, facts, figures):
        self.rounds.append({"round": number, "filter": name, **facts, "loads": figures})

    def finish(self, pinned):
        """Where all share one core, the time of a connection is 1/rate, and what a filter adds is a difference."""
        for r in self.rounds:
            for load, figures in r["loads"].items():
                base = self.of(r["round"], "no filter", load)
                if pinned and base and min(base.get("per_second", 0), figures.get("per_second", 0)) > 0:
                    figures["added_cpu_us"] = 1e6 / figures["per_second"] - 1e6 / base["per_second"]

    def of(self, number, name, load):
        return next((r["loads"].get(load) for r in self.rounds if r["round"] == number and r["filter"] == name), None)

    def names(self):
        return list(dict.fromkeys(r["filter"] for r in self.rounds))

    def loads(self):
        return list(dict.fromkeys(load for r in self.rounds for load in r["loads"]))

    def series(self, name, load, key):
        return {r["round"]: r["loads"][load][key] for r in self.rounds
                if r["filter"] == name and key in r["loads"].get(load, {})}

    def against(self, name, base, load, key, how):
        ours, theirs = self.series(name, load, key), self.series(base, load, key)
        return [how(ours[n], theirs[n]) for n in ours if theirs.get(n)]

    def summary(self):
        rows = []
        for load in self.loads():
            for name in self.names():
                if all(load not in r["loads"] for r in self.rounds if r["filter"] == name):
                    continue
                row = {"load": load, "filter": name}
                for key in VALUES:
                    row[key] = spread(self.series(name, load, key).values())
                for base, word in BASES:
                    for key in RATIOS:
                        row["%s_to_%s" % (key, word)] = spread(self.against(name, base, load, key, lambda a, b: a / b))
                    for key in DIFFERENCES:
                        row["%s_over_%s" % (key, word)] = spread(self.against(name, base, load, key, lambda a, b: a - b))
                for key in ("lost", "refused", "queue_dropped"):
                    row[key] = sum(self.series(name, load, key).values())
                rows.append({key: value for key, value in row.items() if value is not None})
        return rows

    def json(self, about):
        return json.dumps({"machine": about, "rounds": self.rounds, "summary": self.summary(), "life": self.lives,
                           "missed": self.missed}, indent=1) + "\n"

    def facts(self):
        out = []
        for name in self.names():
            ready = spread(r["ready_s"] for r in self.rounds if r["filter"] == name)
            memory = [f["memory_mib"] for r in self.rounds if r["filter"] == name for f in r["loads"].values()]
            out.append("%s: ready after %.2f s, %.0f MiB" % (name, ready["median"], max(memory, default=0)))
        return out


def missed(paths):
    """By filter, what tests/conformance/run --format json noted: rows by protocol, and how many of them leak or break."""
    out = {}
    for path in paths:
        with open(path) as lines:
            for row in map(json.loads, lines):
                sums = out.setdefault(row["setting"], {}).setdefault(row["protocol"], {"rows": 0, "leaks": 0, "breaks": 0})
                sums["rows"] += 1
                sums["leaks"] += not row["blocked"]
                sums["breaks"] += not row["allowed"]
    return out


def spread(values):
    values = list(values)
    return {"median": statistics.median(values), "min": min(values), "max": max(values)} if values else None


# ---- Markdown ----

def cell(value, digits):
    if value is None:
        return ""
    if value["min"] == value["max"]:
        return "%.*f" % (digits, value["median"])
    return "%.*f [%.*f..%.*f]" % (digits, value["median"], digits, value["min"], digits, value["max"])


def table(rows, columns):
    """columns: (title, key, digits); those that are empty are left out."""
    columns = [c for c in columns if any(row.get(c[1]) for row in rows)]
    out = ["| filter | " + " | ".join(c[0] for c in columns) + " |", "| --- |" + " --- |" * len(columns)]
    for row in rows:
        out.append("| %s | %s |" % (row["filter"], " | ".join(cell(row.get(key), digits) for _, key, digits in columns)))
    return out


def markdown(results, about):
    out = ["%s, %d cores%s, %.0f GiB, Linux %s; Meltdown: %s. Used: cores %s at nice %d, %d worker(s). %d names, %g s a load, "
           "load average before: %.1f." % (about["cpu"], about["cores"], ", virtual" if about["virtual"] else "",
                                           about["memory_gib"], about["kernel"], about["mitigations"]["meltdown"],
                                           about["cpus_used"], about["nice"], about["workers"], about["names"],
                                           about["seconds"], about["load_average"][0]), ""]
    summary = results.summary()
    for load in results.loads():
        rows = [row for row in summary if row["load"] == load]
        columns = []
        for key, (title, digits) in VALUES.items():
            columns.append((title, key, digits))
            if key in RATIOS:
                columns += [("to no filter", key + "_to_none", 3), ("to null", key + "_to_null", 3),
                            ("to sluice", key + "_to_sluice", 3)]
            if key == "p50_us":
                columns += [("over no filter", "p50_us_over_none", 1), ("over null", "p50_us_over_null", 1)]
        out += ["**%s**" % load, "", *table(rows, columns), ""]
        trouble = ["%s: %d lost, %d refused, %d dropped by the queue" % (
            row["filter"], row["lost"], row["refused"], row["queue_dropped"]) for row in rows
            if row["lost"] or row["refused"] or row["queue_dropped"]]
        out += [*trouble, ""] if trouble else []
    return "\n".join(out + results.facts() + lives(results.lives) + misses(results.missed)) + "\n"


def lives(rows):
    if not rows:
        return []
    out = ["", "| filter | names | " + " | ".join(title for title, _ in LIFE.values()) + " |", "| --- | --- |" + " --- |" * len(LIFE)]
    for row in rows:
        out.append("| %s | %d | %s |" % (row["filter"], row["names"], " | ".join(
            "never" if row[key] is None else form[row[key]] if isinstance(form, tuple) else form % row[key]
            for key, (_, form) in LIFE.items())))
    return out


def misses(settings):
    if not settings:
        return []
    protocols = list(dict.fromkeys(p for sums in settings.values() for p in sums))
    out = ["", "| leaks, breaks of rows | " + " | ".join(protocols) + " |", "| --- |" + " --- |" * len(protocols)]
    for name, sums in settings.items():
        out.append("| %s | %s |" % (name, " | ".join(
            "%(leaks)d, %(breaks)d of %(rows)d" % sums[p] if p in sums else "" for p in protocols)))
    return out
