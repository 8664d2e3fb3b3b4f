#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lint.sh PACKAGE.deb - lintian finds no error and nothing to warn of; every file of ours in /etc is a conffile, and no other is.
set -euo pipefail
package=$1
lintian --allow-root --info --fail-on error,warning "$package"
diff <(dpkg-deb --fsys-tarfile "$package" | tar -t | sed -n 's,^\.\(/etc/.*[^/]\)$,\1,p' | sort) \
	<(dpkg-deb -I "$package" conffiles | sort) || { echo "package/conffiles differs from what is in /etc" >&2; exit 1; }
