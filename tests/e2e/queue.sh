#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# queue.sh BUILD_DIR FACTOR - bench/queue in a short form: every load comes through every filter, and null and sluice are
# asked about each connection; a life of sluice is lived to its end. What it measures here says nothing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ "$(id -u)" -eq 0 ] || exit 77
json=$(mktemp)
trap 'rm -f "$json" "$json.soak"' EXIT
"$here/../../bench/queue/run" --sluice "$1" --rounds 1 --seconds 0.3 --warm 0.1 --list 1000 --nice 0 \
	--variant 'no log=flow_log:""' --peer 'nobody=sleep 60' --ready 0.2 --life 1000 --json "$json"
/usr/bin/python3 - "$json" <<'END'
import json, sys
with open(sys.argv[1]) as text:
    report = json.load(text)
rounds, (life,) = report["rounds"], report["life"]
assert life["reload_s"] is not None and life["reload_refused"] == 0 and life["memory_mib"] > 0, life
assert life["killed_open"] and life["killed_new"], life  # nobody is cut off
assert [r["filter"] for r in rounds] == ["no filter", "null", "sluice", "no log", "nobody"], rounds
for r in rounds:
    asked = r["filter"] not in ("no filter", "nobody")
    assert len(r["loads"]) == 10, r
    for name, figures in r["loads"].items():
        if "bulk" in name:
            assert figures["gbit_per_second"] > 0, (r["filter"], name, figures)
            continue
        # A connection that was begun and not ended when the load stopped was asked about, too.
        queued = figures["queued_per_connection"] * figures["all"]
        assert figures["connections"] > 0 and queued >= asked * figures["all"] and asked == (queued > 0), (r["filter"], name, figures)
END
# What is a share of the highest rate, with reloads, loses nothing: exit status 1 else.
"$here/../../bench/queue/run" --sluice "$1" --soak 1.2 --reload-every 0.3 --list 1000 --nice 0 --only 'TCP, IPv4' --json "$json.soak" >/dev/null
/usr/bin/python3 - "$json.soak" <<'END'
import json, sys
with open(sys.argv[1]) as text:
    (f,) = json.load(text)["soak"]
assert f["reloads"] > 0 and f["all"] > 0 and 0 < f["share"] < 1.2, f
END
# A report beside itself: every figure is the same, and none lies apart.
same=$("$here/../../bench/queue/compare" "$json" "$json" | tail -n +3)
[ "$(grep -c '| 1\.000 |' <<<"$same")" -eq "$(wc -l <<<"$same")" ] && ! grep -F '*' <<<"$same"
