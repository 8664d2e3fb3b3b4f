/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ne_verdicts.h"

#include <stdlib.h>

#include "base/err.h"

int sl_ne_verdicts_begin(struct sl_ne_verdicts *s, const struct sl_ne_seen_flow *flow, int64_t here)
{
	*s = (struct sl_ne_verdicts){ .flow = flow,
		                      .here = here,
		                      .there = flow->n == 0 ? 0 : flow->event[0].time };
	s->done = calloc(flow->n + 1, sizeof(*s->done));
	return s->done == NULL ? SL_ENOMEM : SL_OK;
}

void sl_ne_verdicts_end(struct sl_ne_verdicts *s)
{
	free(s->done);
	s->done = NULL;
}

static bool is_callback(const struct sl_ne_seen *e)
{
	return e->event >= SL_NE_SEEN_NEW_FLOW && e->event <= SL_NE_SEEN_OUTBOUND_COMPLETE;
}

static bool is_act(const struct sl_ne_seen *e)
{
	return e->event == SL_NE_SEEN_RESUME || e->event == SL_NE_SEEN_ANSWER ||
	       e->event == SL_NE_SEEN_UPDATE || e->event == SL_NE_SEEN_CONTROL_VERDICT;
}

static void finish(struct sl_ne_verdicts *s, size_t i, int64_t here)
{
	s->done[i] = true;
	s->there = s->flow->event[i].time;
	s->here = here;
	while (s->next < s->flow->n && (s->done[s->next] || (!is_callback(&s->flow->event[s->next]) &&
	                                                     !is_act(&s->flow->event[s->next]))))
		s->next++;
}

/* ---- verdicts ---- */

struct sl_ne_verdict sl_ne_verdicts_verdict(const struct sl_ne_seen *e, enum sl_ne_verdict_of of)
{
	const struct sl_ne_seen_verdict *v = &e->verdict;
	struct sl_ne_verdict out = { .of = of, .kind = SL_NE_VERDICT_LATER };
	if (v->kind == SL_NE_SEEN_NO_VERDICT)
		return out;
	out.kind = (enum sl_ne_verdict_kind)(v->kind - 1);
	out.filter_inbound = v->filter[SL_NE_IN];
	out.filter_outbound = v->filter[SL_NE_OUT];
	out.peek_inbound_bytes = v->peek[SL_NE_IN];
	out.peek_outbound_bytes = v->peek[SL_NE_OUT];
	out.pass_bytes = v->pass_bytes;
	out.peek_bytes = v->peek_bytes;
	out.should_report = v->should_report;
	out.statistics_report_frequency = (enum sl_ne_frequency)v->frequency;
	if (!e->ignored) /* a recording does not keep them, and it was legal */
		out.map_key = out.remediation_url_map_key = out.remediation_button_text_map_key = "-";
	return out;
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* Said of bytes from e's offset on, given for bytes from start on. */
static struct sl_ne_verdict moved(const struct sl_ne_seen *e, uint64_t start)
{
	struct sl_ne_verdict v = sl_ne_verdicts_verdict(e, SL_NE_DATA_VERDICT);
	if (v.kind != SL_NE_VERDICT_DATA || start == e->offset)
		return v;
	uint64_t pass = sum(e->offset, v.pass_bytes), peek = sum(pass, v.peek_bytes);
	bool moves = v.pass_bytes > 0, asks = v.peek_bytes > 0;
	v.pass_bytes = !moves || pass <= start ? 0 : pass == UINT64_MAX ? pass : pass - start;
	pass = sum(start, v.pass_bytes);
	v.peek_bytes = !asks || peek <= pass ? 0 : peek == UINT64_MAX ? peek : peek - pass;
	return v;
}

static struct sl_ne_verdict unknown(struct sl_ne_verdicts *s, enum sl_ne_verdict_of of)
{
	s->unanswered++;
	return (struct sl_ne_verdict){ .of = of, .kind = SL_NE_VERDICT_LATER };
}

/* The first callback of that name that is still to come; n: none. */
static size_t find(const struct sl_ne_verdicts *s, enum sl_ne_seen_event event)
{
	size_t i = s->next;
	while (i < s->flow->n && (s->done[i] || s->flow->event[i].event != event))
		i++;
	return i;
}

struct sl_ne_verdict sl_ne_verdicts_new_flow(struct sl_ne_verdicts *s, int64_t here)
{
	size_t i = find(s, SL_NE_SEEN_NEW_FLOW);
	if (i == s->flow->n)
		return unknown(s, SL_NE_NEW_FLOW_VERDICT);
	finish(s, i, here);
	return sl_ne_verdicts_verdict(&s->flow->event[i], SL_NE_NEW_FLOW_VERDICT);
}

static uint64_t end_of(const struct sl_ne_seen *e)
{
	return sum(e->offset, e->len);
}

struct sl_ne_verdict sl_ne_verdicts_data(struct sl_ne_verdicts *s, enum sl_ne_seen_side side, uint64_t start,
                                         uint64_t end, int64_t here)
{
	enum sl_ne_seen_event event = side == SL_NE_IN ? SL_NE_SEEN_INBOUND_DATA : SL_NE_SEEN_OUTBOUND_DATA;
	size_t i;
	/* What the trace was asked about fewer bytes, and this provider was not: comparing the two will tell. */
	while ((i = find(s, event)) < s->flow->n && end_of(&s->flow->event[i]) < end)
		finish(s, i, here);
	if (i == s->flow->n)
		return unknown(s, SL_NE_DATA_VERDICT);
	if (end_of(&s->flow->event[i]) > end)
		return sl_ne_data_verdict(0, end_of(&s->flow->event[i]) - start);
	finish(s, i, here);
	return moved(&s->flow->event[i], start);
}

struct sl_ne_verdict sl_ne_verdicts_complete(struct sl_ne_verdicts *s, enum sl_ne_seen_side side,
                                             int64_t here)
{
	size_t i = find(s, side == SL_NE_IN ? SL_NE_SEEN_INBOUND_COMPLETE : SL_NE_SEEN_OUTBOUND_COMPLETE);
	if (i == s->flow->n)
		return unknown(s, SL_NE_DATA_VERDICT);
	finish(s, i, here);
	return sl_ne_verdicts_verdict(&s->flow->event[i], SL_NE_DATA_VERDICT);
}

uint64_t sl_ne_verdicts_chunk(struct sl_ne_verdicts *s, enum sl_ne_seen_side side, uint64_t offset,
                              uint64_t len)
{
	enum sl_ne_seen_event event = side == SL_NE_IN ? SL_NE_SEEN_INBOUND_DATA : SL_NE_SEEN_OUTBOUND_DATA;
	size_t *i = &s->span[side];
	while (*i < s->flow->n &&
	       (s->flow->event[*i].event != event || end_of(&s->flow->event[*i]) <= offset))
		++*i;
	if (*i == s->flow->n)
		return len;
	uint64_t to = end_of(&s->flow->event[*i]) - offset;
	return to < len ? to : len;
}

/* ---- what it does of itself ---- */

const struct sl_ne_seen *sl_ne_verdicts_act(const struct sl_ne_verdicts *s, int64_t *due)
{
	const struct sl_ne_seen *e = s->next < s->flow->n ? &s->flow->event[s->next] : NULL;
	if (e == NULL || !is_act(e))
		return NULL;
	int64_t after = e->time > s->there ? e->time - s->there : 0;
	*due = s->here + after;
	return e;
}

void sl_ne_verdicts_acted(struct sl_ne_verdicts *s, int64_t here)
{
	finish(s, s->next, here);
}
