# SPDX-License-Identifier: GPL-2.0-or-later
# common.bash - what the peers share. A peer is a proxy behind a REDIRECT of the ports 80 and 443, in the gateway's namespace,
# until SIGTERM; UDP 443 is refused, as one has to where QUIC cannot be read, and what conntrack calls INVALID is dropped.
# shellcheck shell=bash
set -euo pipefail
SERVER4=198.51.100.2 SERVER6=2001:db8:2::2 # what proxies that forget where a client wanted to go have to be told
HTTP=3080 HTTPS=3443
child=
folder=${TMPDIR:-/tmp}/sluice-peer-$$ # in small letters: e2guardian makes them so
mkdir -m 755 "$folder"

# need PROGRAM PACKAGE
need() {
	PATH=$PATH:/usr/sbin:/sbin
	command -v "$1" >/dev/null || { echo "${0##*/}: this peer needs the package $2" >&2; exit 2; }
}

# rules -A|-D: sets up the redirects, or removes them
rules() {
	local tool
	for tool in iptables ip6tables; do
		$tool -w -t nat "$1" PREROUTING -i lan -p tcp --dport 80 -j REDIRECT --to-ports $HTTP
		$tool -w -t nat "$1" PREROUTING -i lan -p tcp --dport 443 -j REDIRECT --to-ports $HTTPS
		$tool -w "$1" FORWARD -i lan -p udp --dport 443 -j REJECT
		$tool -w "$1" FORWARD -m conntrack --ctstate INVALID -j DROP
		$tool -w "$1" INPUT -i lan -m conntrack --ctstate INVALID -j DROP
	done
}

undo() {
	trap - EXIT
	[ -z "$child" ] || { kill "$child" 2>/dev/null && wait "$child"; } || true
	(set +e; rules -D 2>/dev/null) || true
	rm -rf "$folder"
}

# serve COMMAND...: the peer, until it ends or we are told to; its status is ours
serve() {
	rules -A
	"$@" &
	child=$!
	wait "$child"
}
trap 'exit 0' TERM INT
trap undo EXIT
