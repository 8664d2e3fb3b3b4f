/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_explain.h - every key that a question was turned into, and what was found of each (policy-resolution line 13), as
 * JSON; for the daemon and the command. */
#ifndef SL_DAEMON_CHECK_EXPLAIN_H
#define SL_DAEMON_CHECK_EXPLAIN_H

#include <jansson.h>

#include "policy/policy.h"

/* An array in the order of asking, the caller's; NULL when memory is short. Of each key:
 *   key        as the snapshot holds it
 *   prefilter  "perhaps" or "absent"
 *   found      is it in the exact set?
 *   mentions   where it was found, who says what of it: list, category, line, scope (exact, below, tree, path, address),
 *              effect (block, except), important, and counts: whether its scope reaches this host */
json_t *sl_check_explain(const struct sl_policy *p, const struct sl_query *q);

#endif
