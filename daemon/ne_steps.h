/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_steps.h - a flow of a trace in its normal form: what was decided, where. Offsets count, chunks do not: callbacks that only
 * asked for more are one with the callback that decided, and callbacks that passed all they were shown and asked the same again
 * are one. What is the system's own (bytes that came or went on, its other reports) is no step. */
#ifndef SL_DAEMON_NE_STEPS_H
#define SL_DAEMON_NE_STEPS_H

#include "daemon/ne_recording.h"

enum sl_ne_strand {
	SL_NE_STRAND_OUT,
	SL_NE_STRAND_IN,
	SL_NE_STRAND_FLOW,
	SL_NE_STRAND_STATISTICS,
	SL_NE_STRANDS
};

enum sl_ne_step_kind {
	SL_NE_STEP_NEW_FLOW,
	SL_NE_STEP_RUN,      /* shown and passed, from..to, asking for peek more */
	SL_NE_STEP_VERDICT,  /* any other, on bytes from from on */
	SL_NE_STEP_COMPLETE, /* of the direction */
	SL_NE_STEP_RESUME,
	SL_NE_STEP_UPDATE,
	SL_NE_STEP_TIMER, /* a limit of time ended it */
	SL_NE_STEP_REFUSED,
	SL_NE_STEP_STATISTICS /* within one tick */
};

struct sl_ne_step {
	enum sl_ne_step_kind kind;
	const struct sl_ne_seen *event; /* the last of those that are one */
	int64_t since;                  /* time of the first, from the flow's beginning */
	uint64_t from, to;
	const struct sl_ne_seen_verdict *verdict;
};

struct sl_ne_steps {
	struct sl_ne_step *at[SL_NE_STRANDS];
	size_t n[SL_NE_STRANDS];
};

int sl_ne_steps_make(const struct sl_ne_seen_flow *flow, struct sl_ne_steps *out); /* SL_OK, SL_ENOMEM */
void sl_ne_steps_free(struct sl_ne_steps *s);

/* In words: "passes the outbound bytes 0 to 1417 and asks for max more". */
enum { SL_NE_STEP_TEXT = 160 };
const char *sl_ne_step_text(const struct sl_ne_step *step, char out[SL_NE_STEP_TEXT]);
bool sl_ne_step_equal(const struct sl_ne_step *a, const struct sl_ne_step *b);
/* The rule that speaks to the difference. */
const char *sl_ne_step_rule(const struct sl_ne_step *a, const struct sl_ne_step *b);

#endif
