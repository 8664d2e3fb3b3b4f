/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_flow_priv.h - what the files of a flow share. ne_flow.c has its memory and the way in and out, ne_callback.c asks,
 * ne_answer.c carries out what is answered, ne_release.c moves bytes, ne_close.c ends it, ne_deadline.c knows its limits of
 * time. Private to them. */
#ifndef SL_FILTER_NE_FLOW_PRIV_H
#define SL_FILTER_NE_FLOW_PRIV_H

#include "filter/ne_flow.h"

/* May a verdict still change something? */
static inline bool sl_ne_flow_is_live(const struct sl_ne_flow *flow)
{
	return !flow->ending && (flow->state == SL_NE_FLOW_NEW || flow->state == SL_NE_FLOW_FILTERED);
}

/* ---- ne_flow.c ---- */

void sl_ne_flow_trace_bytes(struct sl_ne_flow *flow, enum sl_ne_event kind, enum sl_ne_direction direction,
                            uint64_t len, struct sl_mono now);
/* A callback's verdict, or one that stands in for it. */
void sl_ne_flow_trace_verdict(struct sl_ne_flow *flow, enum sl_ne_event kind, const struct sl_ne_verdict *v,
                              struct sl_mono now);

/* ---- ne_callback.c ---- */

/* After each event: what may go goes, what is due is asked, until nothing is. */
void sl_ne_flow_settle(struct sl_ne_flow *flow, struct sl_mono now);

/* ---- ne_answer.c ---- */

/* Why nothing can be said about the flow any more; NONE is SL_NE_ILLEGAL_COUNT. */
enum sl_ne_illegal sl_ne_flow_past(const struct sl_ne_flow *flow);
/* Is it a verdict on the question that waits? */
bool sl_ne_flow_answers(const struct sl_ne_flow *flow, const struct sl_ne_verdict *v);
/* One that is, told as event. */
void sl_ne_flow_accept(struct sl_ne_flow *flow, const struct sl_ne_verdict *v, enum sl_ne_event event,
                       struct sl_mono now);

/* ---- ne_release.c ---- */

/* What may go goes (NE-PEEK-05, NE-PEEK-06), and then the direction's end (NE-PEEK-15: that of the reading side waits for nothing). */
void sl_ne_flow_release_covered(struct sl_ne_flow *flow, enum sl_ne_direction direction, struct sl_mono now);
void sl_ne_flow_discard_held(struct sl_ne_flow *flow, struct sl_mono now);

/* ---- ne_deadline.c ---- */

/* Does it wait for a verdict, or do bytes of it? */
bool sl_ne_flow_waits(const struct sl_ne_flow *flow);
/* Later ones only when the collector looks (NE-PAUSE-03). */
struct sl_mono sl_ne_env_collected_at(const struct sl_ne_env *env, struct sl_mono t);

#endif
