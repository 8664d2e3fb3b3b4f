#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab.sh BUILD_DIR FACTOR - the whole lab with the programs of a build, in its quick form: every row is as expected, with
# limits of time FACTOR times as long.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ "$(id -u)" -eq 0 ] || exit 77
exec "$here/../../lab" --build-dir "$1" --quick --slow "$2"
