# SPDX-License-Identifier: GPL-2.0-or-later
# common.bash - what the peers share. A peer is a proxy behind a REDIRECT of the ports 80 and 443 (and 444 and 445, which
# bench/queue uses), in the gateway's namespace, until SIGTERM; UDP 443 is refused, as one has to where QUIC cannot be read, and
# what conntrack calls INVALID is dropped. It blocks the names of a list and all below them:
#   SLUICE_BENCH_LIST    the list, one name a line; read again on SIGHUP. Without it blocked.example, and HTTP is filtered, too:
#                        squid and nginx would need a second copy of the list for that, which no load of the bench asks for
#   SLUICE_BENCH_ASKED   names that clients ask for, for those who look up where to go themselves
# shellcheck shell=bash
set -euo pipefail
SERVER4=198.51.100.2 SERVER6=2001:db8:2::2 # what proxies that forget where a client wanted to go have to be told
HTTP=3080 HTTPS=3443
child='' helper=''
folder=${TMPDIR:-/tmp}/sluice-peer-$$ # in small letters: e2guardian makes them so
mkdir -m 755 "$folder"
list=${SLUICE_BENCH_LIST:-$folder/blocked}
[ -n "${SLUICE_BENCH_LIST:-}" ] || echo blocked.example >"$list"

# need PROGRAM PACKAGE
need() {
	PATH=$PATH:/usr/sbin:/sbin
	command -v "$1" >/dev/null || { echo "${0##*/}: this peer needs the package $2" >&2; exit 2; }
}

# names ADDRESS...: a hosts file's lines
names() {
	local address
	for address in "$@"; do
		sed "s/^/$address /" "${SLUICE_BENCH_ASKED:-/dev/null}"
		echo "$address allowed.example blocked.example fresh.reloaded.example"
	done
}

# rules -A|-D: sets up the redirects, or removes them
rules() {
	local tool port
	for tool in iptables ip6tables; do
		for port in 80:$HTTP 443:$HTTPS 444:${HTTPS_444:-$HTTPS} 445:${HTTPS_445:-$HTTPS}; do
			$tool -w -t nat "$1" PREROUTING -i lan -p tcp --dport "${port%:*}" -j REDIRECT --to-ports "${port#*:}"
		done
		$tool -w "$1" FORWARD -i lan -p udp --dport 443 -j REJECT
		$tool -w "$1" FORWARD -m conntrack --ctstate INVALID -j DROP
		$tool -w "$1" INPUT -i lan -m conntrack --ctstate INVALID -j DROP
	done
}

# beside COMMAND...: runs as long as the peer does
beside() {
	"$@" &
	helper=$!
}

undo() {
	trap - EXIT
	[ -z "$helper" ] || kill "$helper" 2>/dev/null || true
	[ -z "$child" ] || { kill "$child" 2>/dev/null && wait "$child"; } || true
	(set +e; rules -D 2>/dev/null) || true
	rm -rf "$folder"
}

# reload SIGNAL: takes the list as it is now; lists() writes it as the peer reads it
reload() {
	lists
	kill "-$1" "$child"
}

# serve SIGNAL COMMAND...: the peer, until it ends or we are told to; its status is ours. SIGNAL makes it read its lists again.
serve() {
	local signal=$1 status
	shift
	lists
	rules -A
	"$@" &
	child=$!
	# shellcheck disable=SC2064
	trap "reload $signal" HUP
	while status=0; do
		wait "$child" || status=$?
		kill -0 "$child" 2>/dev/null || exit "$status"
	done
}
trap 'exit 0' TERM INT
trap undo EXIT
