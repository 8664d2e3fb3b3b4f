#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# soak.sh BUILD_DIR - tests/outage/soak in a short form: too short for anything to grow far, but counters add up over reloads, kills and
# upgrades, and no descriptor is left.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ "$(id -u)" -eq 0 ] || exit 77
exec "$here/../outage/soak" --build-dir "$1" --short
