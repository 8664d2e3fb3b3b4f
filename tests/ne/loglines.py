#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""loglines.py SLUICE [--write] - one line of a Mac's log after the other through sluice compare: each must name the flow, the family that
wrote the line, and what it means. loglines.txt has the lines and what is said of them, an empty line between two.

The lines of the kernel were made from its published format strings with documentation addresses, those of the framework are of a
public trace. --write renews what is said: read it as somebody would who writes a filter for a living."""

import difflib
import json
import pathlib
import subprocess
import sys

FILE = pathlib.Path(__file__).with_name("loglines.txt")
NOTHING_PROVEN = "most lines of a content filter are written with debugging on only"


def said_of(sluice, line):
    done = subprocess.run([sluice, "compare", "--json", "-"], input=line + "\n", capture_output=True, text=True, timeout=60)
    if done.stderr:
        return ["  " + done.stderr.strip()]
    out = []
    for finding in json.loads(done.stdout)["findings"]:
        flow = finding.get("flow")
        if flow is None and finding["text"].startswith(NOTHING_PROVEN):
            continue
        whose = "flow %s of the %s" % (flow["name"], flow["family"]) if flow else "the log"
        out.append("  %s: %s: %s: %s" % (finding["weight"], whose, finding.get("rule", "-"), finding["text"]))
    return out


def main():
    sluice, write = sys.argv[1], "--write" in sys.argv
    blocks = [block.split("\n")[0] for block in FILE.read_text().strip().split("\n\n")]
    now = "\n\n".join("\n".join([line] + said_of(sluice, line)) for line in blocks) + "\n"
    if write:
        FILE.write_text(now)
    silent = [b.split("\n")[0] for b in now.strip().split("\n\n") if "\n" not in b]
    for line in silent:
        print("nothing is said of: %s" % line)
    different = list(difflib.unified_diff(FILE.read_text().splitlines(), now.splitlines(), FILE.name, "now", n=1, lineterm=""))
    print("\n".join(different) if different else "%d lines" % len(blocks))
    return 1 if different or silent or len(blocks) < 40 else 0


if __name__ == "__main__":
    sys.exit(main())
