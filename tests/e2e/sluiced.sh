# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# sluiced.sh - for scripts of this folder, which source it first: a network namespace of their own, a folder $tmp with the daemon's
# $tmp/log, both gone at the end as is the daemon $pid; and rows, of which $failed says whether one failed.
[ "$(id -u)" -eq 0 ] || exit 77
if [ "${3:-}" != inside ]; then
	exec unshare --net "$0" "$1" "${2:-1}" inside
fi
daemon=$1/daemon slow=$2
tmp=$(mktemp -d)
failed=0 pid=
cleanup() {
	[ -z "$pid" ] || kill "$pid" 2>/dev/null
	[ -z "$pid" ] || wait "$pid" 2>/dev/null
	rm -rf "$tmp"
}
trap cleanup EXIT
ip link set lo up

must() { # WHAT COMMAND...
	local what=$1
	shift
	"$@" && return
	failed=1
	printf 'FAILED: %s\n' "$what"
	tail -n 20 "$tmp/log"
}
within() { # SECONDS COMMAND... - is it so, before the time is over?
	local end=$((SECONDS + $1 * slow))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.02
	done
}
