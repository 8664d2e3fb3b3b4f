#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# broker.sh BUILD_DIR FACTOR - with `verdicts: broker` an engine and then a broker are killed under load: every verdict is right and no
# connection hangs. All of the lab so: ./lab --verdicts broker
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ "$(id -u)" -eq 0 ] || exit 77
exec "$here/../../lab" --build-dir "$1" --quick --verdicts broker --only "is killed meanwhile" --slow "$2"
