/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_finding.h - what sluice compare has to say, in words, with the rule of Network Extension that speaks to it. */
#ifndef SL_DAEMON_NE_FINDING_H
#define SL_DAEMON_NE_FINDING_H

#include "daemon/ne_recording.h"

enum sl_ne_weight {
	SL_NE_NOTE,       /* worth knowing */
	SL_NE_DOCUMENTED, /* a difference that is known and has its cause */
	SL_NE_WRONG       /* against a rule, a stall, a difference without excuse: exit status 1 */
};
const char *sl_ne_weight_name(enum sl_ne_weight weight); /* "note", "documented", "wrong" */

enum { SL_NE_FINDING_TEXT = 512 };
struct sl_ne_finding {
	const struct sl_ne_seen_flow *flow;  /* NULL: of the recording */
	const struct sl_ne_seen_flow *other; /* of the second recording, where there are two */
	int64_t time;
	uint32_t line, other_line; /* 0: none */
	const char *rule;          /* "NE-CB-08"; static */
	enum sl_ne_weight weight;
	char text[SL_NE_FINDING_TEXT];
};

struct sl_ne_findings {
	struct sl_ne_finding *at;
	size_t n, room;
	bool nomem;
};

/* One more; line 0: none. Where memory is short nomem is set, and nothing is added. Returns it, or NULL. */
SL_PRINTF(6, 7)
struct sl_ne_finding *sl_ne_find(struct sl_ne_findings *f, const struct sl_ne_seen_flow *flow,
                                 const struct sl_ne_seen *event, const char *rule, enum sl_ne_weight weight,
                                 const char *fmt, ...);
void sl_ne_findings_free(struct sl_ne_findings *f);

#endif
