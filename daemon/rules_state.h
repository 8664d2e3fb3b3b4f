/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rules_state.h - what is known of rules that stand (rules.h), as JSON: for the next supervisor, or the next program. */
#ifndef SL_DAEMON_RULES_STATE_H
#define SL_DAEMON_RULES_STATE_H

#include <jansson.h>

#include "daemon/rules.h"

json_t *sl_rules_state(const struct sl_rules *r); /* NULL: no memory */
/* As sl_rules_open_kept(). */
int sl_rules_open_state(const struct sl_rules_cfg *cfg, const json_t *state, struct sl_rules **out);

#endif
