#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# compiler.sh BUILD_DIR FACTOR - the compiler process as the daemon uses it: it has no privileges, its death is a reload that
# failed, and an engine that is started anew maps the snapshot in force, whatever the lists have become.
set -u
. "$(dirname "$0")/sluiced.sh"
child() { # ROLE - its pid, once it has its name
	pgrep -P "$pid" -f -- "--$1"
}
said() { # COUNT TEXT - so many lines of the log have it
	[ "$(grep -c -- "$2" "$tmp/log")" -ge "$1" ]
}
sluice() {
	"$daemon/sluice" "$@" --config "$tmp/sluice.yaml"
}
is() { # VERDICT HOST - by the daemon, not by files
	sluice check --json "$2" 2>/dev/null | grep -q "\"verdict\":\"$1\".*\"source\":\"daemon\""
}
has() { # NAME VALUE - of the compiler's status
	[ "$(awk -v name="$1:" '$1 == name { print $2 }' "/proc/$compiler/status")" = "$2" ]
}
compiles_nothing() {
	[ -z "$(child compiler)" ]
}
holds_one_snapshot() { # the supervisor
	[ "$(find "/proc/$pid/fd" -lname '*sluice-snapshot*' | wc -l)" = 1 ]
}

awk 'BEGIN { for (i = 0; i < 200000; i++) print "h" i * 7919 % 200003 ".large.example" }' >"$tmp/large.txt"
echo 'old.example' >"$tmp/small.txt"
cat >"$tmp/sluice.yaml" <<EOF
inside: lan0
control: $tmp/control.sock
state: ""
flow_log: ""
user: nobody
list_user: daemon
lists:
  - file: large.txt
  - file: small.txt
EOF

# a start with a list that is none
cp "$tmp/small.txt" "$tmp/good.txt"
echo '<html>' >"$tmp/small.txt"
"$daemon/sluiced" --config "$tmp/sluice.yaml" >"$tmp/log" 2>&1
must 'a bad list at the start ends the daemon' test $? -eq 1
must 'and it says why' said 1 'small.txt: list small is refused'
must 'and what follows' said 1 'no policy could be loaded: not started, no rule installed'
cp "$tmp/good.txt" "$tmp/small.txt"

"$daemon/sluiced" --config "$tmp/sluice.yaml" >"$tmp/log" 2>&1 &
pid=$!
within 5 child compiler >/dev/null
# The engine that judges; a spare stands by.
judging() { sluice status --json | sed -n 's/.*"engine_pid": *\([0-9]*\).*/\1/p'; }
compiler=$(child compiler)
must 'the compiler has no capability' within 2 has CapEff 0000000000000000
must 'and can get none' has CapBnd 0000000000000000
must 'the compiler is its own user' has Uid "$(id -u daemon)"
must 'the compiler can gain nothing' has NoNewPrivs 1
must 'the compiler is in its box' within 2 has Seccomp 2
must 'the kernel would end it first' test "$(cat "/proc/$compiler/oom_score_adj")" = 500
must 'the daemon becomes ready' within 20 said 1 'ready: '
must 'the compiler is gone' within 5 compiles_nothing
must 'a listed name is blocked' is block old.example

# a list that is none, and an engine that dies meanwhile
echo '<html>' >"$tmp/small.txt"
must 'a reload with a bad list fails' test "$(sluice reload >/dev/null 2>"$tmp/err"; echo $?)" = 1
must 'and names the file' grep -q 'small.txt: list small is refused' "$tmp/err"
kill -KILL "$(judging)"
must 'the next engine judges' within 5 said 1 'a new engine'
must 'by the snapshot that was in force' is block old.example
must 'without compiling' compiles_nothing

# a compiler that dies
echo 'new.example' >"$tmp/small.txt"
sluice reload >/dev/null 2>"$tmp/err" &
reload=$!
within 5 child compiler >/dev/null
kill -KILL "$(child compiler)"
wait $reload
must 'a reload whose compiler died fails' test $? -eq 1
must 'and says of what' grep -q 'the compiler died of signal 9 (Killed) while it read the lists' "$tmp/err"
must 'the old policy stays' is block old.example

# an engine that dies while lists are compiled
sluice reload >/dev/null 2>"$tmp/err" &
reload=$!
within 5 child compiler >/dev/null
kill -KILL "$(judging)"
wait $reload
must 'a reload outlives the engine of its beginning' test $? -eq 0
must 'the new policy is in force' is block new.example
must 'and the old one is not' is allow old.example

# signals that come while a reload is under way
echo 'one.example' >"$tmp/small.txt"
kill -HUP "$pid"
within 5 child compiler >/dev/null
sleep 0.1
echo 'two.example' >"$tmp/small.txt.new" && mv "$tmp/small.txt.new" "$tmp/small.txt"
kill -HUP "$pid"
kill -HUP "$pid"
must 'the last state of a list counts' within 20 is block two.example
must 'one snapshot is left in memory' within 5 holds_one_snapshot

kill "$pid"
wait "$pid"
must 'it ends as told' test $? -eq 0
pid=
exit $failed
