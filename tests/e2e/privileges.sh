#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# privileges.sh BUILD_DIR FACTOR - the processes of a sluiced that runs have the privileges that docs/threat-model.md names, in the
# kernel's words. What their boxes refuse: ctest -R daemon/box.
set -u
. "$(dirname "$0")/sluiced.sh"
said() { # TEXT
	grep -q -- "$1" "$tmp/log"
}
children() { # ROLE - pids
	pgrep -P "$pid" -f -- " --$1"
}
has() { # PID NAME VALUE - of its status
	[ "$(awk -v name="$2:" '$1 == name { print $2 }' "/proc/$1/status")" = "$3" ]
}
shed() { # WHAT PID CAPABILITIES BOUNDING USER SECCOMP
	must "$1 has its capabilities" has "$2" CapEff "$3"
	must "$1 has no others to take up" has "$2" CapPrm "$3"
	must "$1 can get no others" has "$2" CapBnd "$4"
	must "$1 inherits none" has "$2" CapInh 0000000000000000
	must "$1 hands none on" has "$2" CapAmb 0000000000000000
	must "$1 can gain nothing" has "$2" NoNewPrivs 1
	must "$1 is its own user" has "$2" Uid "$(id -u "$5")"
	must "$1 is in its box" has "$2" Seccomp "$6"
}
none=0000000000000000 net_admin=0000000000001000 # CAP_NET_ADMIN is 12

echo 'listed.example' >"$tmp/list.txt"
cat >"$tmp/sluice.yaml" <<END
inside: lan0
control: $tmp/control.sock
state: ""
flow_log: ""
user: nobody
list_user: daemon
lists:
  - file: list.txt
END
"$daemon/sluiced" --config "$tmp/sluice.yaml" >"$tmp/log" 2>&1 &
pid=$!
must 'the daemon becomes ready' within 20 said 'ready: '
spare_stands_by() { [ "$(children engine | wc -l)" = 2 ]; }
must 'a spare stands by' within 20 spare_stands_by

must 'the supervisor can gain nothing' has "$pid" NoNewPrivs 1
must 'the supervisor hands nothing on' has "$pid" CapAmb $none
# NET_ADMIN NET_RAW KILL SETUID SETGID SETPCAP CHOWN DAC_OVERRIDE SYS_NICE; a container may have fewer
all=$((1 << 12 | 1 << 13 | 1 << 5 | 1 << 7 | 1 << 6 | 1 << 8 | 1 << 0 | 1 << 1 | 1 << 23))
for set in CapEff CapPrm CapBnd; do
	value=$((16#$(awk -v name="$set:" '$1 == name { print $2 }' "/proc/$pid/status")))
	must "the supervisor keeps what it needs ($set)" test $((value & ~all)) = 0 -a $((value & 1 << 12)) != 0
done
for engine in $(children engine); do
	shed 'an engine' "$engine" $net_admin $none nobody 2
done
must 'and says nothing of a box that is missing' test -z "$(grep -E 'no seccomp|no Landlock|cannot be given up' "$tmp/log")"
[ $failed = 0 ] && echo 'each process has what it needs, and no more'
exit $failed
