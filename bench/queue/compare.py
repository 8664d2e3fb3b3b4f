# SPDX-License-Identifier: GPL-2.0-or-later
"""compare.py - two reports of bench/queue/run --json, or two of sl_pipeline --json, side by side.

    bench/queue/compare BEFORE.json AFTER.json

What is compared are ratios to null, and to no filter where a filter was not measured beside null: the machine was another at
another time, and both felt it alike. `noise` is how far the rounds of the two reports lie apart, as a share of the median; a
change counts (*) when the ranges of their rounds do not touch. Of sl_pipeline they are nanoseconds, between the tenth and the
ninetieth part of its rounds: what another day or another machine makes of them counts, too."""

import json
import os
import sys

BASES = {"null": "null", "none": "no filter"}
KEYS = {"per_second": "connections/s", "gbit_per_second": "Gbit/s"}
COSTS = {"p50_us": "first byte p50, us", "filter_cpu_us": "filter's CPU, us a connection"}


def rows_of(path):
    """By what they are of."""
    with open(path) as text:
        text = text.read()
    if text.startswith('{"bench"'):
        rows = [json.loads(line) for line in text.splitlines()]
        return {(row["bench"] + ", %d live flows" % row["live"], ""): row for row in rows if row.get("ns", 0) > 0}
    return {(row["load"], row["filter"]): row for row in json.loads(text)["summary"]}


def figures(row):
    """(title, spread) of what can be compared."""
    if "ns" in row:
        yield "ns", {"median": row["ns"], "min": row["ns_p10"], "max": row["ns_p90"]}
    for key, title in KEYS.items():
        for word, base in BASES.items():
            spread = row.get("%s_to_%s" % (key, word))
            if spread and spread["median"] and row["filter"] != base:
                yield "%s to %s" % (title, base), spread
                break
    for key, title in COSTS.items():
        spread = row.get(key)
        if spread and spread["median"]:
            yield title, spread


def noise(spread):
    return (spread["max"] - spread["min"]) / spread["median"]


def compare(before, after):
    """(load, filter, title, before, after, after to before, noise, does it count) for all that both have."""
    for key in before:
        then, now = dict(figures(before[key])), dict(figures(after.get(key, {})))
        for title in then:
            if title in now:
                a, b = then[title], now[title]
                apart = a["max"] < b["min"] or b["max"] < a["min"]
                yield *key, title, a["median"], b["median"], b["median"] / a["median"], max(noise(a), noise(b)), apart


def table(found):
    out = ["| load | filter | | before | after | after to before | noise | |", "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    out += ["| %s | %s | %s | %.3f | %.3f | %.3f | %.0f %% | %s |" % (*row[:6], 100 * row[6], "*" if row[7] else "") for row in found]
    return "\n".join(out)


def main(argv):
    if len(argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        before, after = map(rows_of, argv)
    except (OSError, ValueError, KeyError) as error:
        print("bench/queue/compare: %s is no report: %s" % (" or ".join(map(os.path.basename, argv)), error), file=sys.stderr)
        return 2
    found = list(compare(before, after))
    if not found:
        print("bench/queue/compare: the two have no load of one filter in common", file=sys.stderr)
        return 2
    print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
