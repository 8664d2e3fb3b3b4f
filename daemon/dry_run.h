/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dry_run.h - what would a new policy change, for the names that were asked for of late? Pure but for the clock that the caller
 * brings. */
#ifndef SL_DAEMON_DRY_RUN_H
#define SL_DAEMON_DRY_RUN_H

#include <jansson.h>

#include "daemon/seen_names.h"
#include "policy/policy.h"

enum { SL_DRY_RUN_S = 3600, SL_DRY_RUN_EXAMPLES = 10 };

/* Asks both policies about each name that was seen since since_us, as of a client in the group default, and of hosts alone: what only
 * paths decide is not seen. An object, the caller's; NULL when memory is short:
 *   names         that were asked about
 *   blocked       of these by the policy before
 *   newly_blocked newly_allowed   names
 *   lists         { name of a list: names that it newly blocks }
 *   examples      up to 10 of either: [ { name, verdict, list } ] */
json_t *sl_dry_run(const struct sl_policy *before, const struct sl_policy *after,
                   const struct sl_seen_names *names, int64_t since_us);

#endif
