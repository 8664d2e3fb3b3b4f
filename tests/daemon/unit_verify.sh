#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# unit_verify.sh UNIT - systemd finds nothing wrong with the unit, and calls the exposure of a service OK or better.
# 77, skipped, where there is no systemd-analyze.
set -u
unit=$1 name=$(basename "$1")
command -v systemd-analyze >/dev/null 2>&1 || { echo "skipped: systemd-analyze is not installed"; exit 77; }
said=$(systemd-analyze verify --man=no "$unit" 2>&1)
# The program need not be installed where it is tested; what is said of other units is theirs.
wrong=$(printf '%s\n' "$said" | grep -F "$name" |
	grep -Ev "^$name: Command /usr/(sbin/sluiced|bin/sluice) is not executable: No such file or directory\$")
if [ -n "$wrong" ]; then
	printf '%s\n' "$wrong"
	exit 1
fi
case $name in
*.service)
	systemd-analyze security --offline=true --threshold=45 "$unit" >/dev/null 2>&1 ||
		{ systemd-analyze security --offline=true "$unit" | grep -v '✓'; exit 1; }
	;;
esac
echo "systemd-analyze has nothing to say against $unit"
