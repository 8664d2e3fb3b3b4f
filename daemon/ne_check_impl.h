/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_check_impl.h - what the parts of a trace's check share. Include from daemon/ne_check*.c only. */
#ifndef SL_DAEMON_NE_CHECK_IMPL_H
#define SL_DAEMON_NE_CHECK_IMPL_H

#include "daemon/ne_check.h"
#include "daemon/ne_replica.h"

enum { SL_NE_TCP = 6 };
#define SL_NE_SECOND    INT64_C(1000000)
#define SL_NE_UDP_LIMIT (10 * SL_NE_SECOND) /* NE-TIME-01 */
#define SL_NE_UDP_LATE  (20 * SL_NE_SECOND)
#define SL_NE_LONG_WAIT (10 * SL_NE_SECOND) /* of a flow that the recording leaves waiting */

/* One flow, event by event. */
struct sl_ne_checking {
	const struct sl_ne_recording *rec;
	const struct sl_ne_seen_flow *flow;
	struct sl_ne_findings *out;
	struct sl_ne_replica r;
	size_t told;        /* of the recording's own events, how many lie before the event in hand */
	int64_t statistics; /* time of the last one; -1: none */
	uint64_t counted[SL_NE_SIDES];
	struct sl_ne_seen_standing before[SL_NE_SIDES];
	bool stalled[SL_NE_SIDES]; /* and it was told */
	bool ended;                /* by a limit of time: why it waited is told */
	bool gone;                 /* its filter is */
	bool undecided; /* and had given no verdict: an update's new instance asks again (NE-CHOICE-19) */
};

#define WRONG(c, e, rule, ...) (void)sl_ne_find((c)->out, (c)->flow, e, rule, SL_NE_WRONG, __VA_ARGS__)
#define NOTE(c, e, rule, ...)  (void)sl_ne_find((c)->out, (c)->flow, e, rule, SL_NE_NOTE, __VA_ARGS__)

static inline double sl_ne_seconds(int64_t us)
{
	return (double)us / (double)SL_NE_SECOND;
}

static inline bool sl_ne_is_datagram(const struct sl_ne_seen_flow *flow)
{
	return flow->protocol != 0 && flow->protocol != SL_NE_TCP;
}

/* ---- ne_check_stall.c ---- */

void sl_ne_check_stall_event(struct sl_ne_checking *c, const struct sl_ne_seen *e);
/* The recording ends, and something waits: for whom, and why? */
void sl_ne_check_left(struct sl_ne_checking *c);

/* ---- ne_check_illegal.c ---- */

/* Is a verdict of that class one here? of  the event with the verdict. */
bool sl_ne_check_kind(struct sl_ne_checking *c, const struct sl_ne_seen *of, bool new_flow, const char *rule);
/* before  the flow's event before it; NULL: none, or an event of the filter */
void sl_ne_check_illegal(struct sl_ne_findings *out, const struct sl_ne_seen_flow *flow,
                         const struct sl_ne_seen *e, const struct sl_ne_seen *before);

#endif
