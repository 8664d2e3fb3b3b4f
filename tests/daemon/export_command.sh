#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# export_command.sh SLUICE FILES - `sluice export --apple` and `sluice check --apple` from the outside: exports are the golden ones
# byte for byte; what was exported is found right, and when one thing is broken it is named.
set -u
sluice=$1 files=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

fail() {
	printf 'FAILED: %s\n' "$*"
	failed=1
}

# expect STATUS PATTERN COMMAND... - the output of sluice has a line that matches.
expect() {
	local want=$1 pattern=$2 out status=0
	shift 2
	out=$("$sluice" "$@" 2>&1) || status=$?
	if [ $status -ne "$want" ] || ! grep -qE -- "$pattern" <<<"$out"; then
		fail "$(printf '%s\n  wanted %s and /%s/, got %s and\n%s' "$*" "$want" "$pattern" $status "$out")"
	fi
}

# same A B - two folders hold the same files.
same() {
	diff -r "$1" "$2" || fail "$1 and $2 differ"
}

cd "$files" || exit 1

# ---- golden: NE-BLOOM-10, NE-PIR-01..06; policy-resolution line 12 with every kind of entry, whose users are kept
expect 0 'WARNING +fewer than 100 entries.*NE-BLOOM-12' export --apple "$tmp/sample" --strict --seed 1267652889 sample.txt
same sample "$tmp/sample"
grep -q 'JGguOvZzlBEHYkUWJC5vw/eH' "$tmp/sample/prefilter.plist" || fail "NE-BLOOM-10"
mixed=(urls:mixed.urls.txt hosts:mixed.hosts.txt adblock:mixed.adblock.txt rpz:mixed.rpz addresses:mixed.addresses.txt
	allow:allow.txt)
mkdir "$tmp/mixed" && cp users.json "$tmp/mixed/pir-service.json"
expect 0 '2 entries lie above an exception' export --apple "$tmp/mixed" --seed 42 --bundle com.example.app "${mixed[@]}"
same mixed "$tmp/mixed"
expect 0 'conflicts":2,"below":1,"prefixes":1' export --json --apple "$tmp/mixed" --seed 42 --bundle com.example.app "${mixed[@]}"
same mixed "$tmp/mixed"
sort -c "$tmp/mixed/entries.txt" || fail "entries.txt is not sorted"

# ---- URLs are written to the letter (NE-CHOICE-33), and what is not as browsers send it is told
printf 'https://www.a.example/A//b/%%7ec#x\nb.example?q\nhttps://c.example/x/\n' >"$tmp/letter.txt"
expect 0 '^of these +1: ' export --apple "$tmp/letter" --seed 1 "$tmp/letter.txt"
printf 'a.example/A//b/%%7ec#x\nb.example?q\nc.example/x/\n' | cmp - "$tmp/letter/entries.txt" || fail "to the letter"
expect 0 '^deny ' check --apple "$tmp/letter" 'https://b.example/?q' 'https://b.example?q'

# ---- options
expect 0 'entries +25 in' export --apple "$tmp/conflict" --seed 42 --on-conflict block "${mixed[@]}"
for entry in above.example parent.example onlysub.example; do
	grep -qx $entry "$tmp/conflict/entries.txt" || fail "--on-conflict block: $entry"
done
expect 0 'lonely.example|2 entries without www. were added' export --apple "$tmp/both" --www both --seed 42 "${mixed[@]}"
for entry in lonely.example www.lonely.example pages.example/a www.pages.example/a; do
	grep -qx $entry "$tmp/both/entries.txt" || fail "--www both: $entry"
done
grep -qx guarded.example/p "$tmp/both/entries.txt" && fail "--www both: guarded.example/p blocks an exception"
expect 0 'entries +25 in' export --apple "$tmp/keep" --www keep --seed 42 "${mixed[@]}"
grep -qx pages.example/a "$tmp/keep/entries.txt" && fail "--www keep"
expect 0 'prefilter 1024 bits' export --apple "$tmp/random" sample.txt
expect 0 'prefilter .* 7 hashes' export --apple "$tmp/p" --p 0.01 --strict sample.txt
grep -q '"murmurSeed": 0,' "$tmp/random/prefilter.json" && fail "NE-CHOICE-41: a seed of 0"
# ---- a parsing regular expression: what it makes of the entries, found by what it makes of URLs (NE-URL-39)
printf 'example.com\nads.example/x\nads.example/y\nhttp://www.site.example/A?b\nother.example\n' >"$tmp/regex.txt"
printf '{"regularExpression": "https?://(?<host>(?!other)[^/]+)(/(?<first>[^/?]*))?"}' >"$tmp/regex.json"
printf '{"regularExpression": "https?://(?<host>[^/]+)"}' >"$tmp/host.json"
printf '{"path": {"excluded": true}}' >"$tmp/config.json"
expect 0 'WARNING +1 entries are left out: the regular expression' \
	export --apple "$tmp/regex" --seed 7 --parsing "$tmp/regex.json" "$tmp/regex.txt"
printf 'host=ads.example first=x\nhost=ads.example first=y\nhost=example.com\nhost=site.example first=A\n' |
	diff - "$tmp/regex/entries.txt" || fail 'the texts of a regular expression'
expect 0 'entries +4 in' export --apple "$tmp/hosts" --seed 7 --parsing "$tmp/host.json" "$tmp/regex.txt"
grep -qx host=ads.example "$tmp/hosts/entries.txt" || fail 'one text of two entries'
expect 0 '^deny +https://ads.example/x/z: host=ads.example first=x is in both$' \
	check --apple "$tmp/regex" --parsing "$tmp/regex.json" https://ads.example/x/z
expect 0 '^allow +https://x.example.com/: ' check --apple "$tmp/regex" --parsing "$tmp/regex.json" https://x.example.com/
expect 0 '^allow +ftp://example.com: the regular expression does not match' \
	check --apple "$tmp/regex" --parsing "$tmp/regex.json" ftp://example.com
expect 1 '^WRONG .*3 of 4 entries are never asked for, as host=ads.example first=x' check --apple "$tmp/regex" https://ads.example/x
expect 0 '.' export --apple "$tmp/plain" --seed 7 "$tmp/regex.txt"
expect 1 '^allow .*: the entry example.com would be found, were it written host=example.com: not what the regular' \
	check --apple "$tmp/plain" --parsing "$tmp/host.json" https://example.com/a
expect 1 '^deny +https://example.com/a: example.com is' check --apple "$tmp/plain" --parsing "$tmp/config.json" https://example.com/a
expect 2 '--parsing goes with ne27' check --apple "$tmp/plain" --profile both --parsing "$tmp/config.json"
expect 2 'has no "regularExpression"' export --apple "$tmp/none" --parsing "$tmp/config.json" "$tmp/regex.txt"
expect 2 'name a folder with --apple' export sample.txt
expect 2 'name a folder with --apple' export --apple "$tmp/none"
expect 2 '--www maybe: say strip, keep or both' export --apple "$tmp/none" --www maybe sample.txt
expect 2 '--on-conflict maybe: say leave or block' export --apple "$tmp/none" --on-conflict maybe sample.txt
expect 2 '--p 1: a number between 0 and 1' export --apple "$tmp/none" --p 1 sample.txt
expect 2 '--seed x: a number from 0' export --apple "$tmp/none" --seed x sample.txt
expect 2 'no bundle identifier' export --apple "$tmp/none" --bundle 'a b' sample.txt
expect 2 '--memory 0: a size' export --apple "$tmp/none" --memory 0 sample.txt
expect 2 'cannot be read: No such file' export --apple "$tmp/none" absent.txt
expect 2 'no entry is left to export' export --apple "$tmp/none" sample.txt allow:sample.txt
expect 2 'cannot be written: Not a directory' export --apple sample.txt sample.txt
[ -z "$(ls -A "$tmp/none")" ] || fail "a failed export left files: $(ls -A "$tmp/none")"
cp "$tmp/mixed/entries.txt" "$tmp/mixed/pir-service.json"
expect 2 'no JSON object; mend or remove it' export --apple "$tmp/mixed" --bundle com.example.app sample.txt
grep -qx 192.0.2.7 "$tmp/mixed/entries.txt" || fail "a failed export changed entries.txt"

# ---- the same in little memory: 100000 lines, 1 MiB, many runs
seq 1 50000 | sed 's/.*/www.host&.example/; p; s/^www.//; s/$/\/p/' >"$tmp/many.txt"
expect 0 '"runs":0' export --json --apple "$tmp/one" --seed 5 --www both urls:"$tmp/many.txt"
expect 0 '"runs":[1-9]' export --json --apple "$tmp/runs" --memory 1MiB --seed 5 --www both urls:"$tmp/many.txt"
same "$tmp/one" "$tmp/runs"
[ "$(wc -l <"$tmp/one/entries.txt")" -eq 150000 ] || fail "--www both of 50000 and 50000"

# ---- round trip: all is right
{
	seq 1 300 | sed 's/.*/host&.example/'
	printf '%s\n' good.example/a/b www.lonely.example
} >"$tmp/list.txt"
whole=$tmp/whole
expect 0 '.' export --apple "$whole" --seed 9 --bundle com.example.app urls:"$tmp/list.txt"
expect 0 '^right +nothing wrong' check --apple "$whole" --bundle com.example.app
expect 0 '^deny +https://www.host7.example/x: host7.example is in both' check --apple "$whole" https://www.host7.example/x
expect 0 '"keys":48,.*"found":\["good.example/a/b"\],"unasked":\[\],"verdict":"deny"' \
	check --json --apple "$whole" 'https://www.sub.good.example/a/b/c?id=1#f'
expect 0 '^allow +http://good.example/a: none of its keys is listed' check --apple "$whole" http://good.example/a
expect 0 '^allow +http://www.lonely.example: the entry www.lonely.example would be found.*lonely.example: starts with www' \
	check --apple "$whole" http://www.lonely.example
expect 0 '^deny +http://www.lonely.example' check --apple "$whole" --profile ne26 http://www.lonely.example
expect 0 '^deny +http://www.lonely.example' check --apple "$whole" --profile both http://www.lonely.example
expect 2 'no valid host' check --apple "$whole" 'http://a b/'
expect 2 'profile native: with --apple, say ne27' check --apple "$whole" --profile native
expect 2 '--bundle goes with --apple' check --bundle x y
expect 2 'cannot be read: No such file' check --apple "$tmp/absent"

# broken PATTERN [ARGUMENT...] - in $bad one thing is broken; it is named.
broken() {
	expect 1 "^WRONG +$1" check --apple "$bad" "${@:2}"
}
# fresh - another copy of what is right; lone - only prefilter.plist and the PIR input as text
bad=$tmp/bad
fresh() {
	rm -rf "$bad" && cp -r "$whole" "$bad"
}
lone() {
	fresh && rm "$bad"/entries.txt "$bad"/*.binpb "$bad"/*.json "$bad"/*.bin
}
edit() {
	sed -i "$1" "$bad/$2"
}

# the use case (NE-PIR-09, -10)
fresh && edit 's/com.example.app.url.filtering/com.example.app/' pir-service.json
broken '.*use case is called com.example.app: a device asks for .*NE-PIR-10'
fresh && broken '.*the device of org.other asks for org.other.url.filtering' --bundle org.other
fresh && edit 's/example.app.url/example.app.extension.url/' pir-service.json
expect 0 "^note .*its extension's .NE-PIR-10" check --apple "$bad"
fresh && edit 's/"shardCount": 1/"shardCount": 2/' pir-service.json
broken '.*shardCount is 2, and pir-process.json makes 1'
fresh && edit 's/"fileStem": "url"/"fileStem": "urls"/' pir-service.json
broken '.*fileStem is urls, and pir-process.json makes url-SHARD_ID.bin'
fresh && edit 's/"fileStem"/"versionCount": 0, "fileStem"/' pir-service.json
broken '.*versionCount 0'
fresh && edit 's/=",*$/!"/; s/="$/!"/' pir-service.json
broken '.*a token of tier tier1 is no base64'
fresh && edit 's/"tokens"/"token"/' pir-service.json
broken '.*no user has a token'
fresh && edit 's/pir-database.binpb/other.binpb/' pir-process.json
broken '.*inputDatabase is other.binpb, which is not here'
fresh && edit 's/url-SHARD_ID.bin/url-0.bin/' pir-process.json
broken '.*outputDatabase has no SHARD_ID'
fresh && edit '/rlweParameters/d' pir-process.json
broken '.*rlweParameters is missing'
fresh && edit 's/"keyword"/"index"/' pir-process.json
broken '.*databaseType is index'
fresh && edit 's/}/]/' pir-process.json
broken 'pir-process.json:[0-9]+: no valid JSON'

# symmetric PIR: one key, in both configurations (NE-PIR-08)
symmetric() { # PROCESS SERVICE: what stands in the symmetricPirArguments of each; - is none
	fresh
	[ "$1" = - ] || edit "1s|{|{\"symmetricPirArguments\": {$1},|" pir-process.json
	[ "$2" = - ] || edit "s|\"fileStem\"|\"symmetricPirArguments\": {$2}, \"fileStem\"|" pir-service.json
}
made='"outputDatabaseEncryptionKeyFilePath": "out/url.key"' used='"databaseEncryptionKeyFilePath": "/etc/pir/url.key"'
symmetric "$made" "$used"
expect 0 '^right +nothing wrong' check --apple "$bad"
symmetric "$used" "$used"
expect 0 '^right +nothing wrong' check --apple "$bad"
symmetric "$made, $used" "$used"
broken '.*pir-process.json: symmetricPirArguments has both .*exactly one is expected .NE-PIR-08'
symmetric '' "$used"
broken '.*pir-process.json: symmetricPirArguments has neither'
symmetric "$made" -
broken '.*pir-process.json has symmetricPirArguments and pir-service.json has none'
symmetric - "$used"
broken '.*pir-service.json has symmetricPirArguments and pir-process.json has none'
symmetric "$made" ''
broken '.*pir-service.json: symmetricPirArguments has no databaseEncryptionKeyFilePath'
symmetric "$made" '"databaseEncryptionKeyFilePath": "old.key"'
broken '.*its key is old.key, and pir-process.json encrypts with out/url.key'

# Apple's onboarding (NE-PIR-12), whose test entry has www. (NE-PIR-14)
expect 0 '^note .*no test entry www.apple.com/url-filter-test.*apple-url-filter=com.example.app.*NE-PIR-12' \
	check --apple "$whole" --bundle com.example.app
onboarding() { # WWW: the test entry, exported with it
	{
		cat "$tmp/list.txt"
		printf 'https://www.apple.com/url-filter-test\n'
	} >"$tmp/onboarding.txt"
	rm -rf "$bad" && expect 0 '.' export --apple "$bad" --www "$1" --seed 9 urls:"$tmp/onboarding.txt"
}
onboarding both
grep -qx www.apple.com/url-filter-test "$bad/entries.txt" && grep -qx apple.com/url-filter-test "$bad/entries.txt" ||
	fail 'NE-PIR-14: both forms of the test entry'
expect 0 '^deny +https://www.apple.com/url-filter-test' check --apple "$bad" https://www.apple.com/url-filter-test
expect 0 '^deny +https://www.apple.com/url-filter-test' check --apple "$bad" --profile ne26 https://www.apple.com/url-filter-test
"$sluice" check --apple "$bad" | grep -q 'test entry' && fail 'NE-PIR-14: both forms leave nothing to say'
onboarding keep
expect 0 '^note .*the test entry with www. only, which ne27 never asks for' check --apple "$bad"
expect 0 '^allow +https://www.apple.com/url-filter-test' check --apple "$bad" https://www.apple.com/url-filter-test
onboarding strip
expect 0 '^note .*the test entry without www. only' check --apple "$bad"

# how entries are written (NE-URL-30, -33, NE-CHOICE-31, -32), and what a URL says then
lone && edit 's|"host7.example"|"https://host7.example"|' pir-database.txtpb
broken '.*1 of 302 entries are never asked for, as https://host7.example: scheme left in'
expect 1 '^allow +https://host7.example: the entry https://host7.example would be found, were it written host7.example: scheme' \
	check --apple "$bad" https://host7.example
lone && edit 's|"host7.example"|"Host7.Example"|' pir-database.txtpb
broken '.*as Host7.Example: upper case in the host'
lone && edit 's|"host7.example"|"h\\303\\266st.example"|' pir-database.txtpb
broken '.*as höst.example: not punycode'
expect 1 '^allow .*would be found, were it written xn--hst-sna.example: not punycode' check --apple "$bad" http://höst.example
lone && edit 's|"host7.example"|"host7.example."|' pir-database.txtpb
broken '.*as host7.example.: a trailing dot'
lone && edit 's|"host7.example"|"host7.example/a?b=1/"|' pir-database.txtpb
expect 1 '^note .*as host7.example/a.b=1/: a trailing slash behind query' check --apple "$bad"
expect 1 '^allow .*the entry host7.example/a.b=1/ would be found, were it written host7.example/a.b=1: a trailing' \
	check --apple "$bad" 'http://host7.example/a?b=1'
lone && edit 's|"host7.example"|"me@host7.example"|' pir-database.txtpb
broken '.*as me@host7.example: user info left in'
lone && edit 's|"host7.example"|"host7.example/a b?"|' pir-database.txtpb
broken '.*as host7.example/a b.: written otherwise'
lone && sed -i 's|keyword: "|&www.|' "$bad/pir-database.txtpb"
broken '.*302 of 302 entries are never asked for, as .*: starts with www'

# rows (NE-PIR-01, -03, -04)
lone && head -n 1 "$bad/pir-database.txtpb" >>"$bad/pir-database.txtpb"
broken '.*1 rows repeat another, as good.example/a/b: .*NE-PIR-04'
lone && edit '5s/}//' pir-database.txtpb
broken 'pir-database.txtpb: no KeywordDatabase: broken at line 6'
lone && edit 's/"1"/"0"/' pir-database.txtpb
expect 0 '^note .*302 rows have another value' check --apple "$bad"
fresh && truncate -s -1 "$bad/pir-database.binpb"
broken 'pir-database.binpb: no KeywordDatabase: broken at byte [0-9]+'
lone && rm "$bad/pir-database.txtpb"
broken 'no PIR input'
lone && rm "$bad/prefilter.plist"
broken 'no prefilter'

# two lists that differ (NE-PIR-13)
lone && printf 'rows { keyword: "new.example" value: "1" }\n' >>"$bad/pir-database.txtpb"
broken '1 of 303 entries .* do not pass prefilter.plist, as new.example: a device never asks'
expect 1 '^allow +http://new.example: new.example is in pir-database.txtpb, but prefilter.plist does not pass it' \
	check --apple "$bad" http://new.example
lone && edit '100,$d' pir-database.txtpb
broken 'two lists that differ: prefilter.plist holds as many bits as of (29|30)[0-9] entries, pir-database.txtpb has 99'
fresh && edit '7d' pir-database.txtpb
broken 'two lists that differ: 1 entries of pir-database.binpb are not in pir-database.txtpb'
fresh && printf 'zz.example\n' >>"$bad/entries.txt"
broken 'two lists that differ: 1 entries of entries.txt are not in pir-database.binpb, as zz.example'
fresh && printf x >>"$bad/prefilter.bin"
broken 'prefilter.bin holds other bits'

# the prefilter's numbers and arithmetic (NE-BLOOM-02..05, -11)
fresh && edit 's|<integer>9</integer>|<integer>10</integer>|' prefilter.plist
broken 'prefilter.json and prefilter.plist differ in murmurSeed'
lone && edit 's|<integer>9</integer>|<integer>10</integer>|' prefilter.plist
broken '.*another list, another seed or other hashes'
mkdir "$tmp/forum" && cp "$files/../../bloom/files/forum.json" "$tmp/forum/prefilter.json"
printf 'rows: [{ keyword: "https://example.com" value: "1" }, { keyword: "http://example.com" value: "1" },
	{ keyword: "example.com" value: "1" }]' >"$tmp/forum/input.txtpb"
bad=$tmp/forum
broken 'prefilter.json: wide arithmetic'
broken 'prefilter.json: scheme left in'
broken 'input.txtpb: 2 of 3 entries are never asked for, as http://example.com: scheme left in'
expect 1 '^allow +https://example.com: example.com is in input.txtpb, but prefilter.json does not pass it' \
	check --apple "$bad" https://example.com
exit $failed
