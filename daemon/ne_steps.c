/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ne_steps.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/err.h"

/* ---- made ---- */

static bool is_data(const struct sl_ne_seen *e)
{
	return (e->event == SL_NE_SEEN_INBOUND_DATA || e->event == SL_NE_SEEN_OUTBOUND_DATA) && e->has_offset;
}

/* Passes nothing and asks for more than it was shown. */
static bool is_hold(const struct sl_ne_seen *e)
{
	return e->verdict.kind == SL_NE_SEEN_PASS_VERDICT && e->verdict.pass_bytes == 0 &&
	       e->verdict.peek_bytes > e->len;
}

static bool is_run(const struct sl_ne_seen *e)
{
	return e->verdict.kind == SL_NE_SEEN_PASS_VERDICT && e->verdict.pass_bytes == e->len;
}

static void add_data(struct sl_ne_steps *s, const struct sl_ne_seen *e, int64_t since)
{
	struct sl_ne_step *last = s->n[e->side] == 0 ? NULL : &s->at[e->side][s->n[e->side] - 1];
	struct sl_ne_step step = { is_run(e) ? SL_NE_STEP_RUN : SL_NE_STEP_VERDICT,
		                   e,
		                   since,
		                   e->offset,
		                   e->offset + e->len,
		                   &e->verdict };
	if (last != NULL && last->kind == SL_NE_STEP_VERDICT && is_data(last->event) &&
	    is_hold(last->event) && last->from == step.from) {
		step.since = last->since;
		s->n[e->side]--;
		last = s->n[e->side] == 0 ? NULL : last - 1;
	}
	if (last != NULL && last->kind == SL_NE_STEP_RUN && step.kind == SL_NE_STEP_RUN &&
	    last->to == step.from && last->verdict->peek_bytes == step.verdict->peek_bytes &&
	    last->verdict->frequency == step.verdict->frequency) {
		last->to = step.to;
		last->event = e;
		return;
	}
	s->at[e->side][s->n[e->side]++] = step;
}

static void add(struct sl_ne_steps *s, enum sl_ne_strand strand, enum sl_ne_step_kind kind,
                const struct sl_ne_seen *e, int64_t since)
{
	s->at[strand][s->n[strand]++] = (struct sl_ne_step){ kind, e, since, 0, 0, &e->verdict };
}

static void take(struct sl_ne_steps *s, const struct sl_ne_seen *e, int64_t since)
{
	if (is_data(e))
		add_data(s, e, since);
	else if (e->event == SL_NE_SEEN_NEW_FLOW)
		add(s, SL_NE_STRAND_FLOW, SL_NE_STEP_NEW_FLOW, e, since);
	else if (e->event == SL_NE_SEEN_INBOUND_COMPLETE || e->event == SL_NE_SEEN_OUTBOUND_COMPLETE)
		add(s, (enum sl_ne_strand)e->side, SL_NE_STEP_COMPLETE, e, since);
	else if (e->event == SL_NE_SEEN_RESUME || e->event == SL_NE_SEEN_ANSWER)
		add(s, SL_NE_STRAND_FLOW, SL_NE_STEP_RESUME, e, since);
	else if (e->event == SL_NE_SEEN_UPDATE)
		add(s, SL_NE_STRAND_FLOW, SL_NE_STEP_UPDATE, e, since);
	else if (e->event == SL_NE_SEEN_TIMER && e->word != NULL && strcmp(e->word, "undecided") == 0)
		add(s, SL_NE_STRAND_FLOW, SL_NE_STEP_TIMER, e, since);
	else if (e->event == SL_NE_SEEN_REPORT && e->word != NULL && strcmp(e->word, "statistics") == 0)
		add(s, SL_NE_STRAND_STATISTICS, SL_NE_STEP_STATISTICS, e, since);
	else if (e->event == SL_NE_SEEN_REFUSED)
		add(s, SL_NE_STRAND_FLOW, SL_NE_STEP_REFUSED, e, since);
}

int sl_ne_steps_make(const struct sl_ne_seen_flow *flow, struct sl_ne_steps *out)
{
	*out = (struct sl_ne_steps){ 0 };
	for (int i = 0; i < SL_NE_STRANDS; i++) {
		out->at[i] = calloc(flow->n + 1, sizeof(*out->at[i]));
		if (out->at[i] == NULL) {
			sl_ne_steps_free(out);
			return SL_ENOMEM;
		}
	}
	for (size_t i = 0; i < flow->n; i++)
		take(out, &flow->event[i], flow->event[i].time - flow->event[0].time);
	return SL_OK;
}

void sl_ne_steps_free(struct sl_ne_steps *s)
{
	for (int i = 0; i < SL_NE_STRANDS; i++)
		free(s->at[i]);
	*s = (struct sl_ne_steps){ 0 };
}

/* ---- in words ---- */

static const char *filter_text(const struct sl_ne_seen_verdict *v, enum sl_ne_seen_side s,
                               char out[SL_NE_BYTES_TEXT + 16])
{
	char n[SL_NE_BYTES_TEXT];
	if (!v->filter[s])
		(void)snprintf(out, SL_NE_BYTES_TEXT + 16, "unseen");
	else
		(void)snprintf(out, SL_NE_BYTES_TEXT + 16, "peek %s", sl_ne_seen_bytes_text(v->peek[s], n));
	return out;
}

static const char *verdict_text(const struct sl_ne_seen_verdict *v, char out[SL_NE_STEP_TEXT])
{
	static const char *const frequencies[] = { "none", "low", "medium", "high" };
	char in[SL_NE_BYTES_TEXT + 16], outward[SL_NE_BYTES_TEXT + 16], pass[SL_NE_BYTES_TEXT],
	        peek[SL_NE_BYTES_TEXT];
	if (v->kind == SL_NE_SEEN_FILTER_DATA_VERDICT)
		(void)snprintf(out, SL_NE_STEP_TEXT, "filterDataVerdict (inbound %s, outbound %s)",
		               filter_text(v, SL_NE_IN, in), filter_text(v, SL_NE_OUT, outward));
	else if (v->kind == SL_NE_SEEN_PASS_VERDICT)
		(void)snprintf(out, SL_NE_STEP_TEXT, "pass %s, peek %s",
		               sl_ne_seen_bytes_text(v->pass_bytes, pass),
		               sl_ne_seen_bytes_text(v->peek_bytes, peek));
	else
		(void)snprintf(out, SL_NE_STEP_TEXT, "%s", sl_ne_seen_verdict_name(v->kind));
	size_t n = strlen(out);
	if (v->should_report || v->frequency != 0)
		(void)snprintf(out + n, SL_NE_STEP_TEXT - n, "%s%s%s",
		               v->should_report ? ", shouldReport" : "",
		               v->frequency == 0 ? "" : ", statistics ",
		               v->frequency == 0 ? "" : frequencies[v->frequency]);
	return out;
}

/* A callback whose verdict is not there: it comes later, or nobody knows it. */
static bool is_open_question(const struct sl_ne_step *step)
{
	return step->verdict->kind == SL_NE_SEEN_LATER_VERDICT &&
	       (step->kind == SL_NE_STEP_NEW_FLOW || step->kind == SL_NE_STEP_VERDICT ||
	        step->kind == SL_NE_STEP_COMPLETE);
}

static const char *question_text(const struct sl_ne_step *step, const char *side, char out[SL_NE_STEP_TEXT])
{
	static const char open[] = "and no verdict follows at once";
	if (step->kind == SL_NE_STEP_NEW_FLOW)
		(void)snprintf(out, SL_NE_STEP_TEXT, "is asked handleNewFlow, %s", open);
	else if (step->kind == SL_NE_STEP_VERDICT)
		(void)snprintf(out, SL_NE_STEP_TEXT,
		               "is asked about %s data from byte %" PRIu64 " to %" PRIu64 ", %s", side,
		               step->from, step->to, open);
	else
		(void)snprintf(out, SL_NE_STEP_TEXT, "is asked about the end of %s data, %s", side, open);
	return out;
}

const char *sl_ne_step_text(const struct sl_ne_step *step, char out[SL_NE_STEP_TEXT])
{
	char verdict[SL_NE_STEP_TEXT], peek[SL_NE_BYTES_TEXT];
	const char *side = sl_ne_seen_side_name(step->event->side);
	(void)verdict_text(step->verdict, verdict);
	if (is_open_question(step))
		return question_text(step, side, out);
	switch (step->kind) {
	case SL_NE_STEP_NEW_FLOW:
		(void)snprintf(out, SL_NE_STEP_TEXT, "answers handleNewFlow with %.100s", verdict);
		break;
	case SL_NE_STEP_RUN:
		(void)snprintf(out, SL_NE_STEP_TEXT, "passes %s bytes %" PRIu64 " to %" PRIu64 ", peek %s",
		               side, step->from, step->to,
		               sl_ne_seen_bytes_text(step->verdict->peek_bytes, peek));
		break;
	case SL_NE_STEP_VERDICT:
		(void)snprintf(out, SL_NE_STEP_TEXT, "answers %s data from byte %" PRIu64 " on with %.80s",
		               side, step->from, verdict);
		break;
	case SL_NE_STEP_COMPLETE:
		(void)snprintf(out, SL_NE_STEP_TEXT, "answers the end of %s data with %.80s", side, verdict);
		break;
	case SL_NE_STEP_RESUME:
		(void)snprintf(out, SL_NE_STEP_TEXT, "resumes with %.100s", verdict);
		break;
	case SL_NE_STEP_UPDATE:
		(void)snprintf(out, SL_NE_STEP_TEXT, "updates %s with %.100s", side, verdict);
		break;
	case SL_NE_STEP_TIMER:
		(void)snprintf(out, SL_NE_STEP_TEXT, "ends undecided after %.1f s",
		               (double)step->since / 1e6);
		break;
	case SL_NE_STEP_REFUSED:
		(void)snprintf(out, SL_NE_STEP_TEXT, "refuses data: too much waits");
		break;
	case SL_NE_STEP_STATISTICS:
		(void)snprintf(out, SL_NE_STEP_TEXT, "has statistics after %.1f s",
		               (double)step->since / 1e6);
		break;
	}
	return out;
}

/* ---- compared ---- */

/* Filtering neither direction is to allow (NE-NFV-10). */
static enum sl_ne_seen_verdict_kind effect(const struct sl_ne_seen_verdict *v)
{
	if (v->kind == SL_NE_SEEN_FILTER_DATA_VERDICT && !v->filter[SL_NE_IN] && !v->filter[SL_NE_OUT])
		return SL_NE_SEEN_ALLOW_VERDICT;
	return v->kind;
}

static bool reports_equal(const struct sl_ne_seen_verdict *a, const struct sl_ne_seen_verdict *b)
{
	return a->should_report == b->should_report && a->frequency == b->frequency;
}

static bool verdict_equal(const struct sl_ne_seen_verdict *a, const struct sl_ne_seen_verdict *b)
{
	enum sl_ne_seen_verdict_kind kind = effect(a);
	if (kind != effect(b) || !reports_equal(a, b))
		return false;
	if (kind == SL_NE_SEEN_PASS_VERDICT)
		return a->pass_bytes == b->pass_bytes && a->peek_bytes == b->peek_bytes;
	if (kind != SL_NE_SEEN_FILTER_DATA_VERDICT)
		return true;
	for (int s = 0; s < SL_NE_SIDES; s++)
		if (a->filter[s] != b->filter[s] || (a->filter[s] && a->peek[s] != b->peek[s]))
			return false;
	return true;
}

#define TICK      INT64_C(500000)   /* of statistics (NE-TIME-05) */
#define COLLECTOR INT64_C(10000000) /* microseconds between two looks of macOS's collector (NE-PAUSE-03) */

bool sl_ne_step_equal(const struct sl_ne_step *a, const struct sl_ne_step *b)
{
	if (a->kind != b->kind || a->from != b->from)
		return false;
	if (a->kind == SL_NE_STEP_RUN)
		return a->to == b->to && a->verdict->peek_bytes == b->verdict->peek_bytes &&
		       reports_equal(a->verdict, b->verdict);
	if (a->kind == SL_NE_STEP_TIMER)
		return llabs((long long)(a->since - b->since)) <= COLLECTOR;
	if (a->kind == SL_NE_STEP_STATISTICS)
		return llabs((long long)(a->since - b->since)) <= TICK;
	if (a->kind == SL_NE_STEP_UPDATE && a->event->side != b->event->side)
		return false;
	return verdict_equal(a->verdict, b->verdict);
}

static const char *verdict_rule(const struct sl_ne_seen_verdict *v, bool new_flow)
{
	static const char *const of_new_flow[] = { "NE-CB-01",  "NE-NFV-01", "NE-NFV-02", "NE-NFV-03",
		                                   "NE-NFV-03", "NE-NFV-04", "NE-NFV-05", "NE-NFV-06",
		                                   "NE-NFV-07", "NE-CB-01" };
	static const char *const of_data[] = { "NE-CB-01", "NE-DV-01", "NE-DV-02", "NE-DV-03", "NE-DV-03",
		                               "NE-DV-04", "NE-DV-05", "NE-DV-06", "NE-DV-03", "NE-CB-01" };
	return new_flow ? of_new_flow[v->kind] : of_data[v->kind];
}

const char *sl_ne_step_rule(const struct sl_ne_step *a, const struct sl_ne_step *b)
{
	const struct sl_ne_step *one = a == NULL ? b : a;
	bool both = a != NULL && b != NULL;
	if (both && a->kind == b->kind && a->from == b->from && effect(a->verdict) == effect(b->verdict) &&
	    !reports_equal(a->verdict, b->verdict))
		return a->verdict->should_report != b->verdict->should_report ? "NE-REP-04" : "NE-REP-08";
	switch (one->kind) {
	case SL_NE_STEP_NEW_FLOW:
		return verdict_rule(one->verdict, true);
	case SL_NE_STEP_RUN:
		return both && a->from == b->from && b->kind == SL_NE_STEP_RUN ? "NE-PEEK-05" : "NE-PEEK-08";
	case SL_NE_STEP_VERDICT:
		return both && a->from != b->from ? "NE-PEEK-08" : verdict_rule(one->verdict, false);
	case SL_NE_STEP_COMPLETE:
		return "NE-CB-05";
	case SL_NE_STEP_RESUME:
		return "NE-PAUSE-05";
	case SL_NE_STEP_UPDATE:
		return "NE-CB-09";
	case SL_NE_STEP_TIMER:
		return "NE-PAUSE-03";
	case SL_NE_STEP_STATISTICS:
		return "NE-REP-07";
	case SL_NE_STEP_REFUSED:
		break;
	}
	return "NE-FAIL-12";
}
