#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bloom_command.sh SLUICE FILES - `sluice bloom` from the outside: the forum's broken filter and Apple's sample, by every kind of
# file, with their answers and exit statuses.
set -u
sluice=$1 files=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

# expect STATUS PATTERN ARGUMENT... - the output has a line that matches.
expect() {
	local want=$1 pattern=$2 out status=0
	shift 2
	out=$("$sluice" bloom "$@" 2>&1) || status=$?
	if [ $status -ne "$want" ] || ! grep -qE -- "$pattern" <<<"$out"; then
		printf 'FAILED: bloom %s\n  wanted %s and /%s/, got %s and\n%s\n' "$*" "$want" "$pattern" $status "$out"
		failed=1
	fi
}

printf '%s\n' example.com example{2,3,4,5,6,7,8,9}.com '' 'example10.com/resource?query=bugs' >"$tmp/entries.txt"
printf 'JGguOvZzlBEHYkUWJC5vw/eH' | base64 -d >"$tmp/raw.bin"
raw=(--bits 144 --hashes 10 --seed 1267652889 "$tmp/raw.bin")
forum=("$files/forum.json" https://example.com http://example.com example.com)

# NE-BLOOM-11
expect 1 '^WRONG +wide arithmetic' inspect "${forum[@]}"
expect 1 '^WRONG +scheme left in' inspect "${forum[@]}"
expect 1 '^right +of these entries: 44 bits, 11 hashes, yK/5yKwJ$' inspect "${forum[@]}"
expect 1 '^absent +example.com$' test "$files/forum.json" example.com
expect 0 '^perhaps +https://example.com$' test "$files/forum.json" https://example.com
# NE-BLOOM-10, NE-BLOOM-08, NE-BLOOM-14
for file in "$files/sample.xml" "$files/sample.bplist"; do
	expect 0 '^correct +nothing wrong' inspect --entries "$tmp/entries.txt" "$file"
	expect 0 '^ +they fit NE-BLOOM-01 for n = 10 and p = 0.001$' inspect "$file"
done
expect 0 '^entries +10 given, 10 distinct; 10 found' inspect "${raw[@]}" --entries "$tmp/entries.txt"
expect 0 '"tag":"e65de29975da848ff3495d626031b60e6f520c5861ae1859f6fd66b14eec2186"' inspect --json "${raw[@]}"
expect 1 '^\{"key":"absent.example","answer":"absent"\}$' test --json "${raw[@]}" example.com absent.example
expect 2 'bitCount is missing; give it with --bits' inspect "$tmp/raw.bin"
expect 2 '--bits x: a number is expected' inspect --bits x "$tmp/raw.bin"
expect 2 'its data is not as long' test --bits 99 --hashes 10 --seed 1 "$tmp/raw.bin" x
expect 2 'cannot be read: No such file' inspect "$tmp/absent"
expect 2 'cannot be read: Is a directory' inspect "$tmp"
expect 2 'name at least one key' test "$files/sample.xml"
expect 2 'say inspect or test' look "$files/sample.xml"
expect 2 'say inspect or test' inspect
exit $failed
