/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_verdicts.h - a flow of a trace as the provider of the same flow elsewhere: each callback is answered with the verdict that the trace
 * has for it, and resumes, updates and the like come as long after it as they came there. Offsets count, chunks do not. One thread. */
#ifndef SL_DAEMON_NE_VERDICTS_H
#define SL_DAEMON_NE_VERDICTS_H

#include "daemon/ne_recording.h"
#include "filter/ne_verdict.h"

struct sl_ne_verdicts {
	const struct sl_ne_seen_flow *flow;
	bool *done;          /* by event */
	size_t next;         /* the first that is not */
	size_t span[2];      /* by side: the callback whose end is the next cut */
	int64_t there, here; /* when the last event that is done was, in the trace and in the replay */
	uint64_t unanswered; /* callbacks for which the trace has no verdict */
};

int sl_ne_verdicts_begin(struct sl_ne_verdicts *s, const struct sl_ne_seen_flow *flow,
                         int64_t here); /* SL_OK, SL_ENOMEM */
void sl_ne_verdicts_end(struct sl_ne_verdicts *s);

/* A callback, and its verdict. Where the trace has none, or one whose content is not known, it is `later`: nothing is made up. start, end:
 * of the bytes shown. A trace whose callback ended further on waits for those bytes: pass 0, and a peek that reaches them. */
struct sl_ne_verdict sl_ne_verdicts_new_flow(struct sl_ne_verdicts *s, int64_t here);
struct sl_ne_verdict sl_ne_verdicts_data(struct sl_ne_verdicts *s, enum sl_ne_seen_side side, uint64_t start,
                                         uint64_t end, int64_t here);
struct sl_ne_verdict sl_ne_verdicts_complete(struct sl_ne_verdicts *s, enum sl_ne_seen_side side,
                                             int64_t here);

/* How many of the bytes from offset on are to come as one chunk, so that callbacks end where those of the trace did: len at most. */
uint64_t sl_ne_verdicts_chunk(struct sl_ne_verdicts *s, enum sl_ne_seen_side side, uint64_t offset,
                              uint64_t len);

/* What the provider did next of itself: resumeFlow, answerFlow, updateFlow, or the control provider's verdict. NULL: nothing, before
 * callbacks that are still to come. due: when, in the replay. */
const struct sl_ne_seen *sl_ne_verdicts_act(const struct sl_ne_verdicts *s, int64_t *due);
/* It was done. */
void sl_ne_verdicts_acted(struct sl_ne_verdicts *s, int64_t here);

/* Its verdict, as the answer to a callback of that class. */
struct sl_ne_verdict sl_ne_verdicts_verdict(const struct sl_ne_seen *e, enum sl_ne_verdict_of of);

#endif
