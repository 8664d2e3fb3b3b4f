/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_compare.h - two recordings of a content filter: flow by flow the same, or where they part first; and what cannot be compared. */
#ifndef SL_DAEMON_NE_COMPARE_H
#define SL_DAEMON_NE_COMPARE_H

#include <stdio.h>

#include "daemon/ne_finding.h"
#include "daemon/ne_pair.h"

struct sl_ne_comparison {
	const struct sl_ne_recording *a, *b; /* b NULL: a alone was checked */
	struct sl_ne_pairing pairing;        /* of two */
	struct sl_ne_findings findings;
	size_t same, paired, several; /* pairs without a difference; pairs; flows that are one of several */
};

/* SL_OK, SL_ENOMEM; b may be NULL. The recordings outlive it. */
int sl_ne_compare(const struct sl_ne_recording *a, const struct sl_ne_recording *b,
                  struct sl_ne_comparison *out);
void sl_ne_comparison_free(struct sl_ne_comparison *c);
/* The first difference of two flows that are each other's; at most one finding. True: there is none. */
bool sl_ne_compare_flows(const struct sl_ne_recording *a, const struct sl_ne_seen_flow *x,
                         const struct sl_ne_recording *b, const struct sl_ne_seen_flow *y,
                         struct sl_ne_findings *out);
/* The same of a flow of a trace and one of a log, which says less: only what it does say is compared. */
bool sl_ne_compare_log(const struct sl_ne_recording *trace, const struct sl_ne_seen_flow *x,
                       const struct sl_ne_recording *log, const struct sl_ne_seen_flow *y,
                       struct sl_ne_findings *out);

/* Something wrong, other than documented differences? */
bool sl_ne_comparison_wrong(const struct sl_ne_comparison *c);
int sl_ne_comparison_print(const struct sl_ne_comparison *c, bool json, FILE *to); /* SL_OK, SL_ENOMEM */

/* What a comparison with a Mac leaves out, and why; ends with a rule that is NULL. */
struct sl_ne_uncompared {
	const char *rule, *what, *why;
};
extern const struct sl_ne_uncompared sl_ne_uncompared[];

#endif
