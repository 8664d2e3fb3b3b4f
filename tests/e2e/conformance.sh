#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# conformance.sh BUILD_DIR FACTOR [whole] - split hellos through the programs of a build: none gets through. Without `whole` in the
# short form, with the two settings that are furthest apart.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ "$(id -u)" -eq 0 ] || exit 77
run=$here/../conformance/run
[ "${3:-}" != whole ] || exec "$run" --sluice "$1" --slow "$2"
"$run" --sluice "$1" --short --slow "$2" --hold last --tcp-hold data --gso on
"$run" --sluice "$1" --short --slow "$2" --hold all --tcp-hold syn --gso off
