#!/usr/bin/env bash
# installed.sh ROOT - is what `cmake --install --prefix /usr` put under ROOT where Debian expects it, and does it run?
set -eu
root=$1
status=0
need() {
	if [ ! -e "$root$1" ]; then
		echo "not installed: $1"
		status=1
	fi
}
need /usr/sbin/sluiced
need /usr/libexec/sluice/sluice-fetch
need /usr/libexec/sluice/sluice-reporter
need /usr/bin/sluice
need /usr/libexec/sluice/bench/sl_pipeline
need /usr/libexec/sluice/bench/sl_queue_null
need /usr/libexec/sluice/bench/tests/conformance/peers/haproxy
need /usr/share/man/man8/sluiced.8
need /usr/share/man/man1/sluice.1
need /usr/share/man/man7/sluice-provider.7
need /usr/share/man/man5/sluice.yaml.5
need /usr/lib/systemd/system/sluiced.service
need /usr/lib/systemd/system/sluice-update.service
need /usr/lib/systemd/system/sluice-update.timer
need /usr/lib/sysusers.d/sluice.conf
need /usr/lib/tmpfiles.d/sluice.conf
need /usr/share/doc/sluice/grafana.json
need /etc/sluice/sluice.yaml
[ $status -eq 0 ] || { (cd "$root" && find . -type f | sort); exit 1; }
"$root/usr/sbin/sluiced" --version
"$root/usr/bin/sluice" --version
# The shipped example is valid where it stands, and answers.
"$root/usr/sbin/sluiced" --config "$root/etc/sluice/sluice.yaml" --check >/dev/null
set +e
"$root/usr/bin/sluice" check --config "$root/etc/sluice/sluice.yaml" allowed.invalid
[ $? -eq 0 ] || { echo "sluice check does not answer from the shipped example"; exit 1; }
# What it measures with stands where it looks, with all that it imports.
"$root/usr/bin/sluice" bench pipeline --counted --live 64 --names 1000 --flows 1 >/dev/null
"$root/usr/bin/sluice" bench queue --help >/dev/null
if [ "$(id -u)" -eq 0 ]; then
	"$root/usr/bin/sluice" bench queue --rounds 1 --seconds 0.1 --list 1000 --nice 0 --only 'TCP, IPv4' >/dev/null
fi
