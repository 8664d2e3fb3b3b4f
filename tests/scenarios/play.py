#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""play.py - each scenario FOLDER/NAME.jsonl through sluice replay, against the trace beside it, NAME.trace.

usage: play.py SLUICE [--write] [TEXT]    TEXT: only scenarios whose path has it

Then sluice compare on each trace, against findings.txt: what the check has to say of it, and of a good one nothing.

--write renews the traces and findings. A trace proves nothing unless somebody read it: compare each line that changed with the rule that the
title names (docs/ne-parity.md). A scenario names at least one rule, and no trace stands there without its scenario."""

import difflib
import json
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
RULE = re.compile(r"NE-[A-Z]+-\d+")


def play(sluice, path):
    """The trace, or why there is none."""
    done = subprocess.run([sluice, "replay", "--scenario", path.name], cwd=path.parent, capture_output=True, timeout=60)
    if done.returncode != 0 or done.stderr:
        return None, done.stderr.decode(errors="replace") or "exit status %d" % done.returncode
    return done.stdout.decode(), ""


def what_is_wrong(sluice, path, write):
    title = json.loads(path.read_text().splitlines()[0]).get("scenario", "")
    expected = path.with_suffix(".trace")
    if not RULE.search(title):
        return "its title names no rule: %r\n" % title
    trace, why = play(sluice, path)
    if trace is None:
        return why
    if play(sluice, path)[0] != trace:
        return "another trace the second time\n"
    if write:
        expected.write_text(trace)
    if not expected.exists():
        return "there is no trace; make it with --write, and read it\n"
    return "\n".join(difflib.unified_diff(expected.read_text().splitlines(), trace.splitlines(), str(expected.name), "now",
                                          lineterm=""))


def is_of_url_filter(scenario):
    return "urlFilter" in json.loads(scenario.read_text().splitlines()[0])


def findings_of(sluice, trace):
    """A line for each finding; of a URL filter there are none."""
    if '"urlFilter"' in trace.read_text().split("\n")[0]:
        return []
    done = subprocess.run([sluice, "compare", "--json", trace.name], cwd=trace.parent, capture_output=True, timeout=60)
    if done.stderr or done.returncode not in (0, 1):
        return ["%s: %s" % (trace.relative_to(HERE), done.stderr.decode(errors="replace"))]
    return ["%s: line %s: %s: %s: %s" % (trace.relative_to(HERE), f.get("line", "-"), f["weight"], f.get("rule", "-"), f["text"])
            for f in json.loads(done.stdout)["findings"]]


def wrong_findings(sluice, traces, write):
    """What differs from findings.txt; only of these traces, which may be some of all."""
    file, ours = HERE / "findings.txt", ["%s:" % t.relative_to(HERE) for t in traces]
    now = [line for trace in traces for line in findings_of(sluice, trace)]
    was = file.read_text().splitlines() if file.exists() else []
    others = [line for line in was if line.split(" ")[0] not in ours]
    if write:
        file.write_text("\n".join(sorted(others + now)) + "\n")
        return ""
    return "\n".join(difflib.unified_diff(sorted(set(was) - set(others)), sorted(now), file.name, "now", n=0, lineterm=""))


def main():
    words = [a for a in sys.argv[1:] if a != "--write"]
    if not words:
        sys.exit(__doc__)
    scenarios = sorted(p for p in HERE.glob("*/*.jsonl") if len(words) < 2 or words[1] in str(p.relative_to(HERE)))
    failed = 0
    for path in scenarios:
        wrong = what_is_wrong(words[0], path, "--write" in sys.argv)
        if wrong:
            failed += 1
            print("%s: %s" % (path.relative_to(HERE), wrong.rstrip()))
    wrong = wrong_findings(words[0], [p.with_suffix(".trace") for p in scenarios if not is_of_url_filter(p)], "--write" in sys.argv)
    if wrong:
        failed += 1
        print("what compare says of the traces: %s" % wrong)
    for trace in HERE.glob("*/*.trace"):
        if not trace.with_suffix(".jsonl").exists():
            failed += 1
            print("%s: there is no scenario of that name" % trace.relative_to(HERE))
    print("%d scenarios, %d fail" % (len(scenarios), failed))
    return 1 if failed or not scenarios else 0


if __name__ == "__main__":
    sys.exit(main())
