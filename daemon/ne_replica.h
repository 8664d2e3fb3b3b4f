/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_replica.h - where a flow stands according to its callbacks and verdicts: what a recording that does not carry the offsets leaves
 * to be worked out. It follows, and judges nothing. */
#ifndef SL_DAEMON_NE_REPLICA_H
#define SL_DAEMON_NE_REPLICA_H

#include "daemon/ne_recording.h"
#include "filter/ne_window.h"

enum sl_ne_waiting { SL_NE_NOT_WAITING, SL_NE_PAUSED, SL_NE_ASKED_CONTROL, SL_NE_ANSWER_PENDING };

struct sl_ne_replica {
	bool asked;     /* handleNewFlow was seen */
	bool uncertain; /* events are missing, or a verdict whose content is not known */
	bool dropped, closed, complete[SL_NE_SIDES];
	struct sl_ne_window window[SL_NE_SIDES];
	enum sl_ne_waiting waiting;
	const struct sl_ne_seen *since;             /* the event that it waits since */
	const struct sl_ne_seen *of;                /* the callback that the verdict to come answers */
	const struct sl_ne_seen *last[SL_NE_SIDES]; /* the event with the last verdict of that direction */
	unsigned frequency;
};

/* Nothing filters it any more (NE-PEEK-11, NE-FAIL-03). */
void sl_ne_replica_let_go(struct sl_ne_replica *r);
/* The event, after it was judged. */
void sl_ne_replica_step(struct sl_ne_replica *r, const struct sl_ne_seen *e);
static inline bool sl_ne_replica_open(const struct sl_ne_replica *r)
{
	return sl_ne_window_is_open(&r->window[SL_NE_OUT]) && sl_ne_window_is_open(&r->window[SL_NE_IN]);
}

/* Nothing more is to come of it: passed for good both ways, dropped or closed (NE-CB-07). */
static inline bool sl_ne_replica_over(const struct sl_ne_replica *r)
{
	return sl_ne_replica_open(r) || r->dropped || r->closed;
}
/* Did the recording lose events that may have been this flow's, up to this line? */
bool sl_ne_replica_lost(const struct sl_ne_recording *rec, const struct sl_ne_seen_flow *flow, uint32_t to);

#endif
