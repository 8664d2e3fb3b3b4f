#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# flood.sh BUILD_DIR FACTOR - tests/flood in a short form: one client floods, the other one's connections come to a right end, and what
# is to hold the flood back does. How long they take counts in the long form.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ "$(id -u)" -eq 0 ] || exit 77
exec "$here/../flood/run" --build-dir "$1" --short
