#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# updates.sh BUILD_DIR FACTOR - lists that come by url, and the policies that are kept: from a server on loopback that does everything
# wrong. Row by row the old generation goes on, with a message that names list and reason.
set -u
[ "$(id -u)" -eq 0 ] || exit 77
if [ "${3:-}" != inside ]; then
	exec unshare --net --mount "$0" "$1" "${2:-1}" inside
fi
daemon=$1/daemon slow=$2 here=$(cd "$(dirname "$0")" && pwd)
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
tmp=$(mktemp -d)
chmod 755 "$tmp"
failed=0 pid='' server='' rows=0
cleanup() {
	for p in "$pid" "$server"; do
		[ -z "$p" ] || kill "$p" 2>/dev/null
		[ -z "$p" ] || wait "$p" 2>/dev/null
	done
	umount "$tmp/state" 2>/dev/null
	rm -rf "$tmp"
}
trap cleanup EXIT
ip link set lo up

must() { # WHAT COMMAND...
	local what=$1
	shift
	rows=$((rows + 1))
	"$@" && return
	failed=1
	printf 'FAILED: %s\n' "$what"
	[ ! -s "$tmp/err" ] || sed 's/^/  said: /' "$tmp/err"
	tail -n 12 "$tmp/log" | sed 's/^/  log: /'
}
within() { # SECONDS COMMAND... - is it so, before the time is over?
	local end=$((SECONDS + $1 * slow))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}
said() { # TEXT
	grep -q -- "$1" "$tmp/log"
}
sluice() {
	"$daemon/sluice" "$@" --config "$tmp/sluice.yaml"
}
is() { # VERDICT HOST - by the daemon, not by files
	sluice check --json "$2" 2>/dev/null | grep -q "\"verdict\":\"$1\".*\"source\":\"daemon\""
}
has() { # WORD in status
	sluice status --json 2>/dev/null | grep -q -- "$1"
}
kept() { # NUMBER is on the disk
	[ -s "$tmp/state/generations/$1.json" ] && has "\"generation\": *$1[^0-9]" && ! has '"kept": {[^}]*"error"'
}
serve() { # HOW - what the server does from now on
	echo "$1" >"$tmp/how"
}
update() { # STATUS TEXT - sluice update ends with it, and says so
	sluice update feed >"$tmp/out" 2>"$tmp/err"
	[ $? = "$1" ] && grep -q -- "$2" "$tmp/out" "$tmp/err"
}
start() {
	"$daemon/sluiced" --config "$tmp/sluice.yaml" >>"$tmp/log" 2>&1 &
	pid=$!
	within 20 is_up
}
is_up() {
	has '"state": *"running"'
}
stop() {
	kill "$pid"
	wait "$pid"
	local status=$?
	pid=
	return $status
}

minisign -G -W -p "$tmp/key.pub" -s "$tmp/key.sec" >/dev/null
minisign -G -W -p "$tmp/other.pub" -s "$tmp/other.sec" >/dev/null
/usr/bin/python3 "$here/list_server.py" "$tmp" 8123 >"$tmp/server.log" 2>&1 &
server=$!
within 5 test -e "$tmp/listening"
mkdir "$tmp/state"
mount -t tmpfs -o size=4m,mode=750 none "$tmp/state"
echo 'local.example' >"$tmp/local.txt"
conf() { # MORE-KEYS - of the list
	cat >"$tmp/sluice.yaml" <<EOF
inside: lan0
control: $tmp/control.sock
state: $tmp/state
flow_log: ""
user: nobody
update_limit: 1s
lists:
  - { file: local.txt }
  - { url: "http://127.0.0.1:8123/feed.txt", name: feed, update: 0us, max_size: 1MiB${1:-} }
EOF
}
conf
serve good
start
must 'a list that was never fetched is no reason not to start' is block local.example
must 'and is said to be absent' said 'list feed was never fetched'
must 'a list is fetched' update 0 'generation 2 in force'
must 'and judged by' is block one.feed.example
must 'its server is in the never-block set' test "$(sluice status --json | grep -c 'never-block (servers of lists)')" = 1
must 'generation 2 is kept' within 5 kept 2
must 'what has not changed is not sent again (ETag)' update 0 'generation 2 in force'
must 'the server was asked with its own validator' grep -q 'feed.txt 304' "$tmp/server.log"

# HOW | what is said of it
while IFS='|' read -r how text; do
	serve "$how"
	must "$how: sluice update fails, and says why" update 1 "list feed stays as it was: .*$text"
	must "$how: the old generation goes on" is block one.feed.example
	must "$how: it is the same" has '"generation": *2,'
	must "$how: status says why" has "\"error\": *\".*$text"
	must "$how: so does the log" said "feed.*$text\|feed.txt.*$text"
done <<'END'
drip|not done in time
truncated|transfer closed
html|it is a web page
404|the server answers 404
500|the server answers 500
empty|the server sent nothing
comments|has 0 entries
tenfold|max_growth
shrunk|max_shrink
stray|would match everything
noise|it is a binary file
large|larger than max_size allows
large_unsaid|larger than max_size allows
loop|redirects
file|not supported
gone|[Cc]onnection refused\|Couldn't connect\|Failed to connect\|Empty reply
END
serve good
must 'after all that a good one is taken' update 0 'generation 2 in force'
serve next
must 'a new one is, too' update 0 'generation 3 in force'
must 'its names are judged by' is block two.feed.example
must 'those of before are not' is allow one.feed.example
must 'a redirect to where the list has moved is followed' test "$(serve moved; update 0 'generation 4'; echo $?)" = 0
must 'generation 4 is kept' within 5 kept 4

# a local list that is bad
echo '<html>' >"$tmp/local.txt"
must 'a reload with a bad file fails' test "$(sluice reload >/dev/null 2>"$tmp/err"; echo $?)" = 1
serve next
must 'an update does not come past it' update 1 'local.txt: list local is refused'
must 'the old generation goes on' is block local.example
echo 'local.example' >"$tmp/local.txt"

# rollback
must 'the policies are listed' test "$(sluice policy list | grep -c entries)" = 4
must 'two of them are compared' test "$(sluice policy diff 2 3 | tail -n 1)" = '1 removed, 1 added'
must 'one of them is put in force' test "$(sluice policy rollback 2 2>"$tmp/err" | cut -d' ' -f1-4)" = 'generation 2 in force,'
must 'its names are judged by' is block one.feed.example
must 'an update does not end that' update 1 'sluice reload ends that'
kill -HUP "$pid"
within 5 said 'was chosen by sluice policy rollback'
must 'nor does a signal' is block one.feed.example
within 5 grep -q '"pinned": 2' "$tmp/state/index.json"
stop
start
must 'nor a restart' is block one.feed.example
must 'which does not read the lists' has '"pinned": *2'
must 'a reload does' test "$(sluice reload | cut -d' ' -f1-3)" = 'generation 5 in'
must 'and the last that was fetched is judged by again' is allow one.feed.example
must 'generation 5 is kept' within 5 kept 5
stop
start
must 'a start with the same lists reads none, and takes the policy that was kept' said 'the lists are those of generation 5, which was kept'
must 'with its number' has '"generation": *5,'
must 'its names are judged by' is block local.example
stop
sed 's/^local/other/' "$tmp/local.txt" >"$tmp/local.new" && touch -r "$tmp/local.txt" "$tmp/local.new" && cat "$tmp/local.new" >"$tmp/local.txt"
touch -r "$tmp/local.new" "$tmp/local.txt"
start
must 'a list of the same size and time with other names is read' is block other.example
must 'and not what was kept' is allow local.example
stop
echo 'local.example' >"$tmp/local.txt"
start
must 'generation 7 is kept' within 5 kept 7

# a disk that is full, or cannot be written
dd if=/dev/zero of="$tmp/state/fill" bs=4k status=none 2>/dev/null
serve good
must 'with a full disk the new list is in force' update 0 'generation 8 in force'
must 'and is judged by' is block one.feed.example
must 'status says that it is not kept' within 5 has 'No space left on device'
must 'and in words' grep -q 'NOT KEPT: .*No space left' <(sluice status)
must 'the log says so, too' said 'generation 8 is in force and is not kept: .*No space left on device'
must 'what was kept before is whole' "$daemon/sluice" policy verify "$tmp/state/generations/7.snapshot" >/dev/null
kill -KILL "$pid"
wait "$pid" 2>/dev/null
start
must 'a start takes what the disk has' is block two.feed.example
rm "$tmp/state/fill"
mount -o remount,ro "$tmp/state"
must 'with a read-only disk the new list is in force' update 0 'in force'
must 'and status says that it is not kept' within 5 has 'Read-only file system'
mount -o remount,rw "$tmp/state"
sluice reload >/dev/null 2>&1
last=$(sluice status --json | sed -n 's/.*"generation": *\([0-9]*\).*/\1/p')
must 'once it can be written all is kept' within 5 kept "$last"
stop

# starts without lists that could be read
echo '<html>' >"$tmp/local.txt"
: >"$tmp/log"
start
must 'a start with a bad list takes the last good generation' is block local.example
must 'and says so' said "the last that was good, is used instead"
must 'and why, in status, too' has 'local.txt: list local is refused'
stop
rm "$tmp/local.txt"
start
must 'a start without a list takes the last good generation' is block local.example
stop
echo 'local.example' >"$tmp/local.txt"
cp "$tmp/state/generations/$last.snapshot" "$tmp/whole"
printf 'xxxx' | dd of="$tmp/state/generations/$last.snapshot" bs=1 seek=5000 conv=notrunc status=none
rm "$tmp/local.txt"
"$daemon/sluiced" --config "$tmp/sluice.yaml" >"$tmp/log2" 2>&1
must 'a kept policy that was damaged on the disk is not used' grep -q 'the snapshot is not as it was written' "$tmp/log2"
cp "$tmp/whole" "$tmp/state/generations/$last.snapshot"
echo 'local.example' >"$tmp/local.txt"

# signatures
key=$(tail -n 1 "$tmp/key.pub")
conf ", sign_key: $key"
serve signed
rm -f "$tmp"/state/lists/*
start
must 'a signed list is taken' update 0 'in force'
must 'and judged by' is block signed.feed.example
while IFS='|' read -r how text; do
	serve "$how"
	must "$how: it is refused" update 1 "list feed stays as it was: .*$text"
	must "$how: the old generation goes on" is block signed.feed.example
done <<'END'
wrong_key|it was signed with another key
wrong_text|the signature is not that of this text
no_signature|feed.txt.minisig: the server answers 404
bad_signature|none of minisign
END
stop
conf ", sha256: $(printf 'pinned.feed.example\n' | sha256sum | cut -d' ' -f1)"
start
serve pinned
must 'a list with the right SHA-256 is taken' update 0 'in force'
must 'and judged by' is block pinned.feed.example
serve good
must 'one with another is not' update 1 'its SHA-256 is'
must 'and the old one goes on' is block pinned.feed.example
stop

# by itself: `update` is obeyed
conf ', max_growth: 0'
sed -i 's/update: 0us/update: 1s/' "$tmp/sluice.yaml"
serve next
start
must 'lists are fetched by themselves' within 5 is block two.feed.example
serve good
must 'and again' within 5 is block one.feed.example

# a compiler that takes for ever
sed -i 's/update: 1s/update: 0us/' "$tmp/sluice.yaml"
echo 'compile_limit: 100ms' >>"$tmp/sluice.yaml"
awk 'BEGIN { for (i = 0; i < 1000000; i++) print "h" i * 7919 % 1000003 ".large.example" }' >"$tmp/local.txt"
must 'a compiler that takes longer than it may is ended' test "$(sluice reload --force >/dev/null 2>"$tmp/err"; echo $?)" = 1
must 'and that is said' grep -q 'it took longer than compile_limit (100 ms)' "$tmp/err"
must 'the old generation goes on' is block one.feed.example
stop
must 'it ends as told' test $? -eq 0
printf '%d rows\n' $rows
exit $failed
