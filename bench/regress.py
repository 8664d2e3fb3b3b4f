#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""regress.py - has the hot path grown? Against bench/baseline.json.

    bench/regress.py BUILD            compares; exit status 1 where something grew
    bench/regress.py BUILD --write    writes the instructions that it counts into the baseline

The ratio of sluice to the smallest program that serves a queue, "at_least_of_null", is tests/e2e/queue_ratio.sh's, of ctest -C long: a
rate needs many rounds of seconds to be told from what else the machine does, and a check of minutes has not got them.

Instructions are counted by callgrind, and are the same in each run of a binary; nanoseconds are not, so of times only ratios
within one run are looked at. A compiler or library of another version counts otherwise: --tolerance, for that case."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BASELINE = os.path.join(HERE, "baseline.json")
FLOWS = 2000
TRIES = 5  # of a ratio: a machine with other work shows it wrong now and then, but not each time


def summary(path):
    with open(path) as dump:
        for line in dump:
            if line.startswith("summary:"):
                return int(line.split()[1])
    raise SystemExit("regress: %s: no summary; is it callgrind's?" % path)


def count_instructions(build):
    """Name -> instructions for one flow, without the copying that the kernel would do."""
    pipeline = os.path.join(build, "bench", "sl_pipeline")
    with tempfile.TemporaryDirectory(prefix="sluice-regress-") as folder:
        out = os.path.join(folder, "out")
        ran = subprocess.run(
            ["valgrind", "-q", "--tool=callgrind", "--callgrind-out-file=" + out, "--toggle-collect=sl_pipe_counted",
             "--dump-after=sl_pipe_counted", pipeline, "--counted", "--live", "1k", "--names", "1000", "--flows", str(FLOWS)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if ran.returncode != 0:
            raise SystemExit("regress: sl_pipeline under valgrind: exit status %d\n%s" % (ran.returncode, ran.stderr))
        names = [json.loads(line)["bench"] for line in ran.stdout.splitlines()]
        counted = [summary("%s.%d" % (out, i + 1)) for i in range(2 * len(names))]
    return {name: (counted[2 * i] - counted[2 * i + 1]) / FLOWS for i, name in enumerate(names)}


def time_prefilters(build):
    ran = subprocess.run([os.path.join(build, "bench", "sl_bench"), "--entries", "1M", "--rounds", "5", "--json", "prefilter"],
                         stdout=subprocess.PIPE, text=True, check=True)
    rows = map(json.loads, ran.stdout.splitlines())
    return {row["bench"]: row["ns"] for row in rows}


def compare_instructions(counted, baseline, tolerance):
    wrong = []
    for name in sorted(set(counted) | set(baseline)):
        now, then = counted.get(name), baseline.get(name)
        if now is None or then is None:
            wrong.append("%s: %s; run with --write" % (name, "not counted any more" if now is None else "not in the baseline"))
            continue
        grown = now / then - 1
        print("%-32s %9.1f instructions, baseline %9.1f  %+6.1f %%" % (name, now, then, 100 * grown))
        if grown > tolerance:
            wrong.append("%s: %.1f %% more instructions than the baseline, %.1f allowed" % (name, 100 * grown, 100 * tolerance))
        elif grown < -tolerance:
            print("    fewer: --write keeps it so")
    return wrong


def compare_ratios(measure, least):
    best = dict.fromkeys(least, 0)
    for _ in range(TRIES):
        times = measure()
        for name in least:
            slow, fast = name.split(" to ")
            best[name] = max(best[name], times[slow] / times[fast])
        if all(best[name] >= bound for name, bound in least.items()):
            break
    for name, bound in least.items():
        print("%-64s %6.2f, at least %.2f" % (name, best[name], bound))
    return ["%s: %.2f, at least %.2f" % (name, best[name], bound) for name, bound in least.items() if best[name] < bound]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("build", metavar="BUILD", help="folder of a release build")
    parser.add_argument("--write", action="store_true", help="make what is counted the baseline")
    parser.add_argument("--tolerance", type=float, metavar="SHARE", help="of instructions (the baseline's)")
    args = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("regress: skipped, valgrind is not installed (Debian: valgrind)", file=sys.stderr)
        return 77
    with open(BASELINE) as file:
        baseline = json.load(file)
    counted = count_instructions(args.build)
    if args.write:
        baseline["instructions"] = {name: round(value, 1) for name, value in counted.items()}
        with open(BASELINE, "w") as file:
            file.write(json.dumps(baseline, indent=2) + "\n")
        print("regress: wrote %s" % BASELINE)
        return 0
    tolerance = baseline["tolerance"] if args.tolerance is None else args.tolerance
    wrong = compare_instructions(counted, baseline["instructions"], tolerance)
    wrong += compare_ratios(lambda: time_prefilters(args.build), baseline["at_least"])
    for line in wrong:
        print("regress: " + line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
