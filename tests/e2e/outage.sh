#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# outage.sh BUILD_DIR FACTOR - tests/outage in a short form: upgrades, reloads, a kill, a hang and a killed supervisor under steady
# load; no allowed connection fails, no blocked name gets through. How long it takes counts in the long form.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ "$(id -u)" -eq 0 ] || exit 77
exec "$here/../outage/run" --build-dir "$1" --short --slow $(($2 * 4))
