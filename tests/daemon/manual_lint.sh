#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# manual_lint.sh PAGE... - every manual page is free of mandoc's warnings. 77, skipped, where there is no mandoc.
set -u
command -v mandoc >/dev/null 2>&1 || { echo "skipped: mandoc is not installed"; exit 77; }
[ $# -gt 0 ] || { echo "no page named"; exit 1; }
mandoc -T lint -W warning "$@" || exit 1
echo "$# pages, no warning"
