/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_who.h - for whom a question about a name is put: a client, a group, or nobody in particular. */
#ifndef SL_DAEMON_CHECK_WHO_H
#define SL_DAEMON_CHECK_WHO_H

#include <jansson.h>

#include "policy/policy.h"

struct sl_check_who {
	const struct sl_groups *groups; /* NULL: there are none; then nothing else counts */
	uint8_t group;
	const char *by; /* how the group was found: static text */
	int64_t now_us; /* wall clock, since 1970: exceptions have an end */
};

/* client: an address, a MAC, or both with a comma between; group: its name. Either or both may be NULL; neither: the group default.
 * SL_OK; SL_EMALF: why says what is wrong (static text). */
int sl_check_who(const struct sl_policy *p, const char *client, const char *group, int64_t now_us,
                 struct sl_check_who *out, const char **why);

/* The operator's word that decides, and what is asked of the lists for this group. NULL: none speaks. q->host and q->path are canonical. */
const struct sl_word *sl_check_who_ask(const struct sl_check_who *who, struct sl_query *q);

/* {"group", "by", "schedule", "default", "block": [], "shadow": [], "allow": [], "off": []}: what the group makes of the lists now. */
json_t *sl_check_who_json(const struct sl_check_who *who, const struct sl_snapshot *s);

#endif
