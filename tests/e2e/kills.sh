#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kills.sh BUILD_DIR FACTOR - the engine is killed under load, again and again: whatever it was doing, every verdict is right and
# no connection hangs.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ "$(id -u)" -eq 0 ] || exit 77
exec "$here/../../lab" --build-dir "$1" --quick --only "kill -9" --kills 10 --slow "$2"
