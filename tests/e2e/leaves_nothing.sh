#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# leaves_nothing.sh BUILD_DIR - a lab that is interrupted, whenever and however, leaves no namespace, process or folder;
# what one leaves that is killed outright, the next one takes away.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ "$(id -u)" -eq 0 ] || exit 77
lab=$here/../../lab
failed=0

# left PID - what a lab with this pid has left behind
left() {
	ip netns list | grep -E "^sluice-(client|gateway|server)-$1( |$)" || true
	find "${TMPDIR:-/tmp}" -maxdepth 1 -name "sluice-lab-$1-*"
	grep -lz "sluice-lab-$1-" /proc/[0-9]*/cmdline 2>/dev/null || true
}

# start SECONDS - starts a lab and lets it run for so long; its pid is in $pid
start() {
	"$lab" --build-dir "$1" --quick --json >/dev/null 2>&1 &
	pid=$!
	sleep "$2"
}

for signal in INT TERM; do
	for after in 0.2 0.4 0.5 0.6 0.7 0.8 1 1.3 2 5 9; do
		set -m # job control, or a background job would ignore SIGINT
		start "$1" "$after"
		set +m
		kill -"$signal" "$pid" 2>/dev/null || true
		wait "$pid" || true
		if [ -n "$(left "$pid")" ]; then
			echo "after SIG$signal at $after s there is left:"
			left "$pid"
			failed=1
		else
			echo "after SIG$signal at $after s nothing is left"
		fi
	done
done

start "$1" 4
kill -KILL "$pid"
wait "$pid" || true
killed=$pid
"$lab" --build-dir "$1" --quick --only "HTTP, allowed host" >/dev/null 2>&1 || true
if [ -n "$(left "$killed")" ]; then
	echo "after SIGKILL and another run there is left:"
	left "$killed"
	failed=1
else
	echo "after SIGKILL and another run nothing is left"
fi
exit $failed
