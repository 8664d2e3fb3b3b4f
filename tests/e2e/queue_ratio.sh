#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# queue_ratio.sh BUILD_DIR FACTOR - does sluice still serve a queue nearly as fast as the smallest program that can? The median of
# interleaved rounds of the ratio between the two, against bench/baseline.json. The bound is far below what is measured
# (docs/performance.md): it is what is left where batches no longer form, which other work on the machine does not do to one of the two alone.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ "$(id -u)" -eq 0 ] || exit 77
json=$(mktemp)
trap 'rm -f "$json"' EXIT
for _ in 1 2 3; do # one that fails each time is none of chance
	"$here/../../bench/queue/run" --sluice "$1" --rounds 7 --seconds 0.3 --warm 0.1 --list 1000 --nice 0 --only 'packets, IPv4' \
		--json "$json" --markdown /dev/null
	/usr/bin/python3 - "$json" "$here/../../bench/baseline.json" <<'END' && exit 0
import json, sys
report, baseline = (json.load(open(path)) for path in sys.argv[1:])
wrong = 0
for load, least in baseline["at_least_of_null"].items():
    (row,) = (row for row in report["summary"] if row["load"] == load and row["filter"] == "sluice")
    got = row["per_second_to_null"]
    print("%s: %.2f [%.2f..%.2f] of null, at least %.2f" % (load, got["median"], got["min"], got["max"], least))
    wrong += got["median"] < least
sys.exit(wrong > 0)
END
done
exit 1
