#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# conformance.sh BUILD_DIR FACTOR [whole] - split hellos through the programs of a build, in the short form: none gets through.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ "$(id -u)" -eq 0 ] || exit 77
form=--short
[ "${3:-}" != whole ] || form=
exec "$here/../conformance/run" --sluice "$1" $form --slow "$2"
