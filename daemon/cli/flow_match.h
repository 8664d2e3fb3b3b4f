/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flow_match.h - which records of the flow log somebody wants to see. */
#ifndef SL_DAEMON_CLI_FLOW_MATCH_H
#define SL_DAEMON_CLI_FLOW_MATCH_H

#include <jansson.h>
#include <stdbool.h>

#include "daemon/inside.h"

struct sl_flow_match {
	bool any_client;
	struct sl_inside client; /* a prefix */
	const char *name;        /* NULL: any; borrowed */
	const char *verdict;     /* likewise */
};

/* What was given; NULL: not so. False: told to stderr. */
bool sl_flow_match_read(const char *client, const char *name, const char *verdict, struct sl_flow_match *out);
bool sl_flow_matches(const struct sl_flow_match *match, const json_t *flow);

/* Members of a record, NULL where they are absent. */
const char *sl_flow_text(const json_t *object, const char *member);
const char *sl_flow_name(const json_t *flow);    /* the name it is for */
const char *sl_flow_verdict(const json_t *flow); /* "pass" or "drop"; "?" */

#endif
