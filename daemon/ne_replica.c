/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ne_replica.h"

static void open_side(struct sl_ne_window *w)
{
	sl_ne_window_update(w, SL_NE_BYTES_MAX, SL_NE_BYTES_MAX);
}

static void wait_for(struct sl_ne_replica *r, enum sl_ne_waiting what, const struct sl_ne_seen *e)
{
	r->waiting = what;
	r->since = e;
}

/* NE-NFV-01..07, NE-NFV-10 */
static void new_flow_verdict(struct sl_ne_replica *r, const struct sl_ne_seen *e)
{
	const struct sl_ne_seen_verdict *v = &e->verdict;
	for (int s = 0; s < SL_NE_SIDES; s++) {
		r->last[s] = e;
		if (v->kind == SL_NE_SEEN_ALLOW_VERDICT || v->kind == SL_NE_SEEN_APPEND_VERDICT ||
		    (v->kind == SL_NE_SEEN_FILTER_DATA_VERDICT && !v->filter[s]))
			open_side(&r->window[s]);
		else if (v->kind == SL_NE_SEEN_FILTER_DATA_VERDICT)
			sl_ne_window_verdict(&r->window[s], 0, 0, v->peek[s]);
	}
}

/* NE-DV-01..06; of one direction (NE-CHOICE-07), or of both. */
static void data_verdict(struct sl_ne_replica *r, const struct sl_ne_seen *e, enum sl_ne_seen_side side,
                         const uint64_t *offset)
{
	const struct sl_ne_seen_verdict *v = &e->verdict;
	for (int s = 0; s < SL_NE_SIDES; s++) {
		if (side != SL_NE_BOTH && (int)side != s)
			continue;
		r->last[s] = e;
		uint64_t from = offset == NULL ? r->window[s].pass : *offset;
		if (v->kind == SL_NE_SEEN_ALLOW_VERDICT)
			open_side(&r->window[s]);
		else if (v->kind == SL_NE_SEEN_PASS_VERDICT)
			sl_ne_window_verdict(&r->window[s], from, v->pass_bytes, v->peek_bytes);
	}
}

/* What every verdict may do, whatever it answers. */
static void common(struct sl_ne_replica *r, const struct sl_ne_seen *e)
{
	const struct sl_ne_seen_verdict *v = &e->verdict;
	r->frequency = v->frequency;
	if (v->kind == SL_NE_SEEN_DROP_VERDICT || v->kind == SL_NE_SEEN_REMEDIATE_VERDICT)
		r->dropped = true;
	else if (v->kind == SL_NE_SEEN_PAUSE_VERDICT)
		wait_for(r, SL_NE_PAUSED, e);
	else if (v->kind == SL_NE_SEEN_NEED_RULES_VERDICT)
		wait_for(r, SL_NE_ASKED_CONTROL, e);
	else if (v->kind == SL_NE_SEEN_LATER_VERDICT)
		wait_for(r, SL_NE_ANSWER_PENDING, e);
	else if (v->kind == SL_NE_SEEN_NO_VERDICT)
		r->uncertain = true;
}

/* The verdict of e answers the callback of. */
static void answer(struct sl_ne_replica *r, const struct sl_ne_seen *e, const struct sl_ne_seen *of)
{
	r->waiting = SL_NE_NOT_WAITING;
	if (e->ignored)
		return;
	common(r, e);
	if (of == NULL || of->event == SL_NE_SEEN_NEW_FLOW)
		new_flow_verdict(r, e);
	else
		data_verdict(r, e, of->side, of->has_offset ? &of->offset : NULL);
	if (r->waiting != SL_NE_NOT_WAITING)
		r->of = of == NULL ? e : of;
}

static void take_data(struct sl_ne_replica *r, const struct sl_ne_seen *e)
{
	struct sl_ne_window *w = &r->window[e->side];
	uint64_t end = e->len > UINT64_MAX - e->offset ? UINT64_MAX : e->offset + e->len;
	if (r->uncertain && w->pass < e->offset) /* what was lost had passed this much */
		*w = (struct sl_ne_window){ e->offset, e->offset, e->offset, e->offset };
	w->peek = r->uncertain && w->peek < end ? end : w->peek;
	w->seen = w->seen < end ? end : w->seen;
	w->shown = w->shown < end ? end : w->shown;
}

static void take_standing(struct sl_ne_replica *r, const struct sl_ne_seen *e)
{
	for (int s = 0; s < SL_NE_SIDES; s++)
		if (e->standing[s].known)
			r->window[s] = (struct sl_ne_window){ e->standing[s].pass, e->standing[s].peek,
				                              e->standing[s].shown, e->standing[s].seen };
}

/* NE-CTL-02; with updateRules the provider is asked again. */
static void control_verdict(struct sl_ne_replica *r, const struct sl_ne_seen *e)
{
	r->waiting = SL_NE_NOT_WAITING;
	if (e->word != NULL && strcmp(e->word, "drop") == 0)
		r->dropped = true;
	else if (e->word != NULL && strcmp(e->word, "allow") == 0) {
		sl_ne_replica_let_go(r);
	} else {
		r->uncertain = true;
	}
}

void sl_ne_replica_let_go(struct sl_ne_replica *r)
{
	r->waiting = SL_NE_NOT_WAITING;
	open_side(&r->window[SL_NE_OUT]);
	open_side(&r->window[SL_NE_IN]);
}

void sl_ne_replica_step(struct sl_ne_replica *r, const struct sl_ne_seen *e)
{
	switch (e->event) {
	case SL_NE_SEEN_NEW_FLOW:
		r->asked = true;
		answer(r, e, e);
		break;
	case SL_NE_SEEN_INBOUND_DATA:
	case SL_NE_SEEN_OUTBOUND_DATA:
		take_data(r, e);
		answer(r, e, e);
		break;
	case SL_NE_SEEN_INBOUND_COMPLETE:
	case SL_NE_SEEN_OUTBOUND_COMPLETE:
		r->complete[e->side] = true;
		answer(r, e, e);
		break;
	case SL_NE_SEEN_RESUME:
	case SL_NE_SEEN_ANSWER:
		answer(r, e, r->of);
		break;
	case SL_NE_SEEN_UPDATE:
		r->dropped |= e->verdict.kind == SL_NE_SEEN_DROP_VERDICT;
		r->uncertain |= e->verdict.kind == SL_NE_SEEN_NO_VERDICT;
		data_verdict(r, e, e->side, NULL);
		break;
	case SL_NE_SEEN_CONTROL_VERDICT:
		control_verdict(r, e);
		break;
	case SL_NE_SEEN_DROPPED:
		r->dropped = true;
		break;
	case SL_NE_SEEN_DETACHED:
		sl_ne_replica_let_go(r);
		break;
	case SL_NE_SEEN_CLOSED:
		r->closed = true;
		break;
	default:
		break;
	}
	take_standing(r, e);
}

bool sl_ne_replica_lost(const struct sl_ne_recording *rec, const struct sl_ne_seen_flow *flow, uint32_t to)
{
	struct sl_ne_replica r = { 0 };
	size_t next = 0;
	for (size_t i = 0; i < rec->filter.n && rec->filter.event[i].line <= to; i++) {
		const struct sl_ne_seen *lost = &rec->filter.event[i];
		if (lost->event != SL_NE_SEEN_LOST || flow->n == 0 || lost->line <= flow->event[0].line)
			continue;
		for (; next < flow->n && flow->event[next].line < lost->line; next++)
			sl_ne_replica_step(&r, &flow->event[next]);
		if (!sl_ne_replica_over(&r))
			return true;
	}
	return false;
}
