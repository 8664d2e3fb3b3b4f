#!/usr/bin/env bash
# bench_command.sh SLUICE - `sluice bench` finds its programs, gives them their arguments and their exit status, and says what is wrong.
set -eu
sluice=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fail() { echo "bench_command: $*"; exit 1; }
# says STATUS TEXT ARGUMENT...: sluice bench ARGUMENT... ends with the status, and its output has the text in it
says() {
	local want=$1 text=$2 got=0
	shift 2
	"$sluice" bench "$@" >"$folder/out" 2>&1 || got=$?
	[ "$got" -eq "$want" ] || fail "bench $*: exit status $got, not $want: $(cat "$folder/out")"
	grep -qF -- "$text" "$folder/out" || fail "bench $*: no '$text' in: $(cat "$folder/out")"
}
says 2 'which one is not said'
says 2 'there is none of this name' speed
says 0 'measure on this machine' --help
says 2 'usage: sl_pipeline' pipeline --live none
says 0 '"bench":"pipeline/known","live":64' pipeline --live 64 --rounds 1 --names 1000 --flows 64 --json
cp "$folder/out" "$folder/before"
says 0 '| pipeline/known, 64 live flows |  | ns |' compare "$folder/before" "$folder/before"
grep -F '*' "$folder/out" && fail 'a result differs from itself'
says 2 'is no report' compare "$folder/before" "$folder/missing"
says 0 '--peers NAME' queue --help
says 2 'expected one argument' peers --rounds # which takes one
