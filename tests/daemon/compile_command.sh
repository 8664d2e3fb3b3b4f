#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# compile_command.sh SLUICE - `sluice compile`, `sluice policy` and `sluice check --explain` from the outside.
set -u
sluice=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
failed=0

# expect STATUS PATTERN COMMAND... - the output has a line that matches.
expect() {
	local want=$1 pattern=$2 out status=0
	shift 2
	out=$("$sluice" "$@" 2>&1) || status=$?
	if [ $status -ne "$want" ] || ! grep -qE -- "$pattern" <<<"$out"; then
		printf 'FAILED: %s\n  wanted %s and /%s/, got %s and\n%s\n' "$*" "$want" "$pattern" $status "$out"
		failed=1
	fi
}
# must WHAT COMMAND...
must() {
	local what=$1
	shift
	"$@" || { printf 'FAILED: %s\n' "$what"; failed=1; }
}

printf '# ads\nads.example\n*.cdn.example\nx.ads.example\nads.example\n192.0.2.0/24\nbad line!\n' >ads.txt
printf 'https://news.example/ads\n' | gzip >urls.gz
printf '<html><body>404</body></html>\n' >page.html
cat >sluice.yaml <<EOF
inside: lan0
control: $tmp/none.sock
lists:
  - file: ads.txt
  - file: urls.gz
EOF

# making one
expect 0 '^snapshot +a.snap: [0-9]+ bytes, 4 keys, profile native$' compile -o a.snap ads.txt urls.gz
expect 0 '^folded +1 needless .*; 5 keys before, 4 after$' compile -o a.snap ads.txt urls.gz
expect 0 '^ +urls: block, urls, 1 lines, 1 entries, 0 refused$' compile -o a.snap ads.txt urls.gz
expect 0 '^folded +0 needless' compile -o whole.snap --no-fold ads.txt urls.gz
expect 0 '"duplicates":1,.*"paths":1,.*"parts":\{"prefilter":' compile --json --output b.snap --memory 8MiB ads.txt urls.gz
must 'the same lists give the same bytes' cmp a.snap b.snap
must 'with and without folding they differ' bash -c '! cmp -s a.snap whole.snap'
expect 0 'never-block \(shipped\): never' compile -o conf.snap --config sluice.yaml
# refusals leave the file as it was, and nothing beside it
cp a.snap before.snap
expect 1 'page.html: list page is refused' compile -o a.snap ads.txt page.html
expect 1 'none.txt: list none cannot be read: No such file' compile -o a.snap none.txt
expect 1 'no snapshot was made; a.snap is as it was' compile -o a.snap ads.txt page.html
must 'a refused list changes nothing' cmp a.snap before.snap
expect 2 'Is a directory' compile -o . ads.txt
expect 2 '/dev/null cannot be written' compile -o /dev/null ads.txt
must '/dev/null is still a device' test -c /dev/null
expect 2 'none/a.snap cannot be written: No such file' compile -o none/a.snap ads.txt
expect 2 'say where the snapshot goes' compile ads.txt
expect 2 '--memory much: a size is expected' compile -o a.snap --memory much ads.txt
expect 0 '^paths +1 keys with a path, which TLS can never match$' compile -o b.snap ads.txt urls.gz # NE-CHOICE-39
expect 2 'not from both' compile -o a.snap --config sluice.yaml ads.txt
expect 2 'is a list already, in line 1' compile -o a.snap ads.txt ads.txt
must 'nothing is left behind' bash -c '! ls -A | grep -q tmp'
# the bar is for terminals: escapes appear there and nowhere else
"$sluice" compile -o a.snap ads.txt urls.gz >plain.out 2>&1
must 'no escape sequences in a pipe' bash -c '! grep -q $'"'\\e'"' plain.out'
if command -v script >/dev/null; then
	script -qec "'$sluice' compile -o a.snap ads.txt urls.gz" /dev/null </dev/null >tty.out 2>&1
	must 'a bar on a terminal' grep -q '\[#* *\] ads' tty.out
fi

# as Apple's URL filters would have it
printf 'www.example.com\nhttps://example.org/A/%%7Eb?x#y\n192.0.2.0/24\n' >ne.txt
printf '0.0.0.0 host.example\n' >ne.hosts
expect 0 '^snapshot +ne27.snap: [0-9]+ bytes, 3 keys, profile ne27$' compile -o ne27.snap --profile ne27 ne.txt ne.hosts
expect 0 '^www +1 entries start with www' compile -o ne27.snap --profile ne27 ne.txt ne.hosts
expect 0 '^widened +1 entries for one host' compile -o ne27.snap --profile ne27 ne.txt ne.hosts
expect 0 '^allowed +https://www.example.com/ ' check --snapshot ne27.snap https://www.example.com/
expect 1 '^blocked +https://example.org/A/%7Eb\?x#y +list ne, line 2: example.org/A/%7Eb\?x#y$' check --snapshot ne27.snap 'https://example.org/A/%7Eb?x#y'
expect 0 '^allowed ' check --snapshot ne27.snap 'https://example.org/A/~b?x#y'
expect 0 'profile ne27$' compile -o ne27b.snap --profile ne27 --www strip ne.txt
expect 1 '^ +found +example.com: list ne ' check --snapshot ne27b.snap --explain https://www.example.com/
expect 0 'profile both' compile -o both.snap --profile both --www both ne.txt
expect 1 'list ne, line 1: example.com$' check --snapshot both.snap https://x.example.com/
expect 1 '"profile":"ne26"' check --json --config sluice.yaml --profile ne26 https://ads.example/x
expect 0 '"generation":0,"source":"snapshot"' check --json --snapshot ne27.snap https://other.example/
expect 2 '--profile ne25: say native, ne26, ne27 or both' compile -o x.snap --profile ne25 ne.txt
expect 2 '--www goes with --profile' compile -o x.snap --www both ne.txt
expect 2 'a snapshot has its profile already' check --snapshot ne27.snap --profile ne27 a.example
# a parsing configuration, and a regular expression (NE-URL-37..39)
printf '{"regularExpression": "https?://(?<host>[^/]+)(?<path>/[^?]*)?"}' >regex.json
printf '{"path": {"excluded": true}}' >noPath.json
printf '{"excludeScheme": false}' >scheme.json
printf '{\n"regularExpression": "https?://([^/]+)"}' >noName.json
printf '{"regularExpression": "(?<a>x)", "path": {"excluded": true}}' >two.json
printf '{"domain": {"levels": -1}}' >levels.json
printf '{"caseSensitive": true}' >case.json
printf '{\n"path": }' >broken.json
printf 'example.com\nhttps://www.site.example/A?b\nexample.org/%%*\n' >parse.txt
printf 'inside: [lan0]\nlists: [{file: parse.txt}]\n' >parse.yaml
expect 1 '^ +found +host=www.site.example path=/A: list parse .*, line 2: tree, block$' \
	check --config parse.yaml --profile ne27 --parsing regex.json --explain 'https://www.site.example/A?c'
expect 0 '^ +absent +host=www.site.example path=/a$' \
	check --config parse.yaml --profile ne27 --parsing regex.json --explain 'https://www.site.example/a?c'
expect 1 '^blocked +http://example.com +list parse, line 1: host=example.com$' \
	check --config parse.yaml --profile ne27 --parsing regex.json http://example.com
expect 0 '^allowed .*: nothing is looked up$' check --config parse.yaml --profile ne27 --parsing regex.json ftp://example.com
expect 1 '^blocked +https://example.org/a/b +list parse, line 3: example.org/%[*]$' \
	check --config parse.yaml --profile ne27 --parsing noPath.json https://example.org/a/b
expect 0 '^allowed' check --config parse.yaml --profile ne27 https://example.org/a/b
expect 2 'no entry of a list can match' check --config parse.yaml --profile ne27 --parsing scheme.json example.com
expect 2 'noName.json: .*it has no named group' check --config parse.yaml --profile ne27 --parsing noName.json example.com
expect 2 'two.json: with "regularExpression" nothing else' check --config parse.yaml --profile ne27 --parsing two.json example.com
expect 2 'levels.json: "levels" is no whole number' check --config parse.yaml --profile ne27 --parsing levels.json example.com
expect 2 'case.json: there is no key "caseSensitive"' check --config parse.yaml --profile ne27 --parsing case.json example.com
expect 2 'broken.json:2: no JSON' check --config parse.yaml --profile ne27 --parsing broken.json example.com
expect 2 'none.json: cannot be read' check --config parse.yaml --profile ne27 --parsing none.json example.com
expect 2 'parsing goes with --profile ne27' check --config parse.yaml --profile ne26 --parsing regex.json example.com
expect 2 'parsing goes with --profile ne27' check --parsing regex.json example.com
expect 2 'a snapshot does not say how its URLs were taken apart' compile -o x.snap --profile ne27 --parsing regex.json parse.txt
expect 2 'none.snap: cannot be read: No such file' check --snapshot none.snap a.example
expect 0 'profile ne27' policy show ne27.snap

# looking at one
expect 0 '^a.snap: sound: 4 keys in [0-9]+ bytes$' policy verify a.snap
expect 0 '^list +urls: block, of category urls, .*/urls.gz$' policy show a.snap
expect 0 '"keys":4,"entries":5,.*"folded":true' policy show --json a.snap
damage() { # FILE OFFSET: a copy of a.snap with 0x5a ^ the byte there
	cp a.snap "$1"
	printf "\\x$(printf %02x $((0x$(od -An -tx1 -j "$2" -N 1 a.snap | tr -d " ") ^ 0x5a)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
damage head.snap 40
damage version.snap 9
damage body.snap $(($(stat -c %s a.snap) - 100))
head -c 1000 a.snap >short.snap
expect 1 'head.snap: refused: its header is damaged' policy verify head.snap
expect 1 'version.snap: refused: a newer sluice made it; compile the lists again' policy show version.snap
expect 1 'body.snap: refused: ' policy verify body.snap
expect 1 'short.snap: refused: it was cut short' policy show short.snap
expect 1 'ads.txt: refused: it is no snapshot of sluice' policy verify ads.txt
expect 2 'none.snap: cannot be read: No such file' policy verify none.snap
expect 2 'say list, diff or rollback, or verify or show' policy look a.snap

# why
expect 1 '^ +found +ads.example: list ads \(.*/ads.txt\), line 2: tree, block$' check --config sluice.yaml --explain y.ads.example
expect 1 '^ +absent +y.ads.example$' check --config sluice.yaml --explain y.ads.example
expect 1 '^ +policy-resolution 6g: a block list names it' check --config sluice.yaml --explain y.ads.example
expect 1 '^ +found +news.example/ads: list urls' check --config sluice.yaml --explain http://news.example/ads/1
expect 0 'policy-resolution 6h' check --config sluice.yaml --explain nobody.example
expect 1 '"tried":\[\{"key":"192.0.2.0/24","prefilter":"perhaps","found":true,"mentions":\[\{"list":"ads"' \
	check --config sluice.yaml --json --explain 192.0.2.7
expect 1 '^\{"input":"ads.example","verdict":"block","list":"ads","line":2,"key":"ads.example"' \
	check --config sluice.yaml --json ads.example
exit $failed
