#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# compare_command.sh SLUICE RECORDINGS - `sluice compare` from the outside: the published trace of a stall after waking from sleep, a log
# of a content filter, and a recording as a Mac makes it (an event lost, 0.0.0.0:0, <private>, ndjson's last object, one flow that is two of
# the gateway's) are read and explained. Rules are written without their "NE-", but for those of logs, as in tests/daemon/test_ne_check.c.
set -u
sluice=$1 recordings=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0
cd "$recordings" || exit 1

# expect STATUS PATTERN ARGUMENT... - the output has a line that matches.
expect() {
	local want=$1 pattern=$2 out status=0
	shift 2
	out=$("$sluice" compare "$@" 2>&1) || status=$?
	if [ $status -ne "$want" ] || ! grep -qE -- "$pattern" <<<"$out"; then
		printf 'FAILED: compare %s\n  wanted %s and /%s/, got %s and\n%s\n' "$*" "$want" "$pattern" $status "$out"
		failed=1
	fi
}

# NE-LOG-03: flow, family and cause, of ndjson and of text, a number lost or not.
for file in wake.ndjson wake.txt; do
	expect 1 '^flow 515129771 of flow divert: TCP \(com\.google\.Chrome\.helper\)$' "$file"
	expect 1 'LOG-01 .*flow divert.*proxy.*no content filter wrote these lines' "$file"
	expect 1 'LOG-03 .*never opened the flow.*not one byte.*after 242 s the application gave up and closed both' "$file"
	expect 1 'FAIL-08 .*waking from sleep' "$file"
done
# NE-LOG-04: a content filter's, with private ends.
expect 1 '^flow sock 1001 of the content filter: TCP outbound 192\.0\.2\.5:51234 -> 198\.51\.100\.1:443 \(Safari\)$' filter.ndjson
expect 1 'DROP-01 .*dropped by the content filter' filter.ndjson
expect 1 '^flow sock 1002 of the content filter: UDP .*mDNSResponder' filter.ndjson
expect 1 'PAUSE-03 .*no verdict for 10 s' filter.ndjson
expect 1 '^flow sock 1003 of the content filter: TCP outbound \?:51236 -> \?:993$' filter.ndjson
expect 1 'FAIL-05 .*older than the filter' filter.ndjson
expect 1 '1 lines have <private> fields' filter.ndjson
# NE-LOG-08: a URL filter whose PIR client cannot ask.
expect 1 'LOG-08 .*code 401 \(keywords could not be asked for\): the server has no use case of the name' cipherml.ndjson
expect 1 'LOG-08 .*code 1100 .*it got no token: issuerRequestUri' cipherml.ndjson
# A Mac's recording, alone and against a gateway's.
expect 0 'EXM-09 .*line 8: 1 events are missing here' mac.jsonl
expect 0 '^clocks: time 0 of B is 0\.099 s after that of A' mac.jsonl gateway.jsonl
expect 0 'EXM-09 .*events were lost before this, and it cannot be compared' mac.jsonl gateway.jsonl
expect 0 'EXM-01 .*only in A: a loopback flow' mac.jsonl gateway.jsonl
expect 0 'FLOW-01 .*1:2: one flow of A is 2 flows of the other' mac.jsonl gateway.jsonl
expect 0 '^  [N]E-FLOW-12 +application identity: a gateway sees no application$' mac.jsonl gateway.jsonl
expect 0 '^equal but for what is documented: 3 of 4 pairs are the same' mac.jsonl gateway.jsonl
expect 0 '^equal but for what is documented: 6 of 6 pairs' gateway.jsonl gateway.jsonl
sed 's/"kind":"allow"/"kind":"drop"/' gateway.jsonl >"$tmp/drops.jsonl"
expect 1 'lines 5 and 5: A answers outbound data from byte 0 on with allow; B .* with drop' gateway.jsonl "$tmp/drops.jsonl"
expect 1 'DV-02 .*the log drops the flow; no verdict of the trace does' mac.jsonl filter.ndjson
expect 1 'PAUSE-03 .*a provider is not told' filter.ndjson mac.jsonl
# JSON is one object, for programs.
"$sluice" compare --json mac.jsonl gateway.jsonl | /usr/bin/python3 -c '
import json, sys
o = json.load(sys.stdin)
assert o["pairs"] == 4 and o["same"] == 3 and o["parts"] == 1 and o["wrong"] == 0, o
assert o["a"]["lost"] == 1 and o["clock_offset_us"] == -99000, o
assert {f["weight"] for f in o["findings"]} == {"documented"} and len(o["not_compared"]) == 10, o' || failed=1
# The object at the end of ndjson is none of its lines, and none that could not be read.
for file in wake.ndjson filter.ndjson; do
	[ "$(tail -n 1 $file | cut -c 1-9)" = '{"count":' ] || failed=1
	"$sluice" compare --json $file | /usr/bin/python3 -c '
import json, sys
o = json.load(sys.stdin)
assert o["a"]["unread"] == 0 and o["a"]["events"] + o["a"]["unknown"] == int(sys.argv[1]) - 1, (o["a"], sys.argv)' \
		"$(wc -l <$file)" || failed=1
done
# What is no recording.
expect 2 'fetch.trace:1: a trace of a URL filter' ../../scenarios/url-filter/fetch.trace
head -c 300 /dev/zero >"$tmp/zeros"
expect 2 'no trace of a content filter and no log' "$tmp/zeros"
expect 2 'No such file' absent
expect 2 'one of the two must be a trace' wake.txt filter.ndjson
expect 2 'Is a directory' "$tmp"
expect 2 'needs one recording, or two'
printf '{"format":"sluice-ne-trace","version":7}\n' >"$tmp/seven"
expect 2 'version 7, which is not known here' "$tmp/seven"
expect 0 'clean' - <gateway.jsonl
exit $failed
