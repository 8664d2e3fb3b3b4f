/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ne_check.h"

#include <inttypes.h>

#include "base/util.h"
#include "daemon/ne_replica.h"

enum { TCP = 6 };
#define SECOND    INT64_C(1000000)
#define UDP_LIMIT (10 * SECOND) /* NE-TIME-01 */
#define UDP_LATE  (20 * SECOND)
#define LONG_WAIT (10 * SECOND) /* of a flow that the recording leaves waiting */

struct check {
	const struct sl_ne_recording *rec;
	const struct sl_ne_seen_flow *flow;
	struct sl_ne_findings *out;
	struct sl_ne_replica r;
	size_t lost;        /* of the recording's losses, how many lie before the event in hand */
	int64_t statistics; /* time of the last one; -1: none */
	uint64_t counted[SL_NE_SIDES];
	struct sl_ne_seen_standing before[SL_NE_SIDES];
	bool stalled;
};

#define WRONG(c, e, rule, ...) (void)sl_ne_find((c)->out, (c)->flow, e, rule, SL_NE_WRONG, __VA_ARGS__)
#define NOTE(c, e, rule, ...)  (void)sl_ne_find((c)->out, (c)->flow, e, rule, SL_NE_NOTE, __VA_ARGS__)

static double seconds(int64_t us)
{
	return (double)us / (double)SECOND;
}

static bool is_datagram(const struct sl_ne_seen_flow *flow)
{
	return flow->protocol != 0 && flow->protocol != TCP;
}

/* ---- is the callback allowed now? ---- */

static bool is_callback(const struct sl_ne_seen *e)
{
	return e->event >= SL_NE_SEEN_NEW_FLOW && e->event <= SL_NE_SEEN_OUTBOUND_COMPLETE;
}

static bool check_moment(struct check *c, const struct sl_ne_seen *e)
{
	const char *name = sl_ne_seen_event_name(e->event);
	const struct sl_ne_replica *r = &c->r;
	if (!r->asked && e->event != SL_NE_SEEN_NEW_FLOW && !r->uncertain)
		WRONG(c, e, "NE-CB-06", "%s before handleNewFlow: nothing is shown before the first verdict",
		      name);
	else if (r->asked && e->event == SL_NE_SEEN_NEW_FLOW && !r->uncertain)
		WRONG(c, e, "NE-CB-06", "handleNewFlow a second time for one flow");
	else if (r->dropped)
		WRONG(c, e, "NE-DROP-04", "%s after the flow was dropped: a drop is final", name);
	else if (r->waiting == SL_NE_PAUSED && !r->uncertain)
		WRONG(c, e, "NE-CB-08",
		      "%s while the flow is paused (since line %u): no callback comes before resumeFlow",
		      name, r->since->line);
	else if (sl_ne_replica_open(r) && !r->uncertain)
		WRONG(c, e, "NE-CB-07",
		      "%s although both directions are unlimited: the filter is detached from the flow",
		      name);
	else
		return true;
	return false;
}

static void check_span(struct check *c, const struct sl_ne_seen *e)
{
	const struct sl_ne_window *w = &c->r.window[e->side];
	const char *side = sl_ne_seen_side_name(e->side);
	char at[SL_NE_BYTES_TEXT], pass[SL_NE_BYTES_TEXT], to[SL_NE_BYTES_TEXT];
	uint64_t end = e->len > UINT64_MAX - e->offset ? UINT64_MAX : e->offset + e->len;
	uint64_t from = c->rec->redeliver || w->shown < w->pass ? w->pass : w->shown;
	(void)sl_ne_seen_bytes_text(e->offset, at);
	if (c->r.complete[e->side])
		WRONG(c, e, "NE-CB-05", "%s data after the Complete callback of that direction", side);
	else if (sl_ne_window_is_open(w))
		WRONG(c, e, "NE-CB-03",
		      "%s data is shown although nobody asked for it: that direction passes without limit",
		      side);
	else if (e->offset != from)
		WRONG(c, e, "NE-PEEK-08",
		      "%s data is shown from %s on; the last verdict passed up to %s, and the next "
		      "callback begins there",
		      side, at, sl_ne_seen_bytes_text(from, pass));
	else if (end > w->peek)
		WRONG(c, e, "NE-PEEK-07",
		      "%s data is shown up to %s; the last verdict asked for no more than up to %s", side,
		      sl_ne_seen_bytes_text(end, to), sl_ne_seen_bytes_text(w->peek, pass));
	else if (end <= w->shown && e->len > 0)
		WRONG(c, e, "NE-PEEK-07", "%s data is shown again up to %s with nothing new in it", side,
		      sl_ne_seen_bytes_text(end, to));
}

static void check_callback(struct check *c, const struct sl_ne_seen *e)
{
	bool data = e->event == SL_NE_SEEN_INBOUND_DATA || e->event == SL_NE_SEEN_OUTBOUND_DATA;
	if (!check_moment(c, e) || c->r.uncertain || e->event == SL_NE_SEEN_NEW_FLOW)
		return;
	if (data && e->has_offset)
		check_span(c, e);
	else if (!data && c->r.complete[e->side])
		WRONG(c, e, "NE-CB-05", "a second Complete callback of the %s direction",
		      sl_ne_seen_side_name(e->side));
}

/* ---- is the verdict one that may be given here? ---- */

static bool is_new_flow_kind(enum sl_ne_seen_verdict_kind kind)
{
	return kind == SL_NE_SEEN_FILTER_DATA_VERDICT || kind == SL_NE_SEEN_APPEND_VERDICT;
}

static void check_kind(struct check *c, const struct sl_ne_seen *e, bool new_flow, const char *rule)
{
	enum sl_ne_seen_verdict_kind kind = e->verdict.kind;
	if (new_flow ? kind == SL_NE_SEEN_PASS_VERDICT : is_new_flow_kind(kind))
		WRONG(c, e, rule, "%s is answered with %s, which is a verdict for %s",
		      sl_ne_seen_event_name(e->event), sl_ne_seen_verdict_name(kind),
		      new_flow ? "data" : "new flows");
}

/* A direction that is filtered with a peek of 0 is never shown, and never passes. */
static void check_new_flow(struct check *c, const struct sl_ne_seen *e)
{
	check_kind(c, e, true, "NE-NFV-03");
	for (int s = 0; s < SL_NE_SIDES && e->verdict.kind == SL_NE_SEEN_FILTER_DATA_VERDICT; s++) {
		if (!e->verdict.filter[s] || e->verdict.peek[s] != 0)
			continue;
		c->stalled = true;
		WRONG(c, e, "NE-PEEK-09",
		      "filterDataVerdict filters %s data and asks to see 0 bytes of it: nothing of that "
		      "direction is "
		      "ever shown or passed, and the flow stalls with its first byte",
		      sl_ne_seen_side_name((enum sl_ne_seen_side)s));
	}
}

static void check_resume(struct check *c, const struct sl_ne_seen *e)
{
	const struct sl_ne_replica *r = &c->r;
	if (r->uncertain)
		return;
	if (r->waiting != SL_NE_PAUSED) {
		WRONG(c, e, "NE-PAUSE-04", "resumeFlow of a flow that is not paused");
		return;
	}
	check_kind(c, e, r->of == NULL || r->of->event == SL_NE_SEEN_NEW_FLOW, "NE-PAUSE-05");
	int64_t paused = e->time - r->since->time;
	if (is_datagram(c->flow) && paused > UDP_LIMIT)
		(void)sl_ne_find(c->out, c->flow, e, "NE-PAUSE-03",
		                 paused > UDP_LATE ? SL_NE_WRONG : SL_NE_NOTE,
		                 "a datagram flow is resumed after %.1f s; macOS drops it when it is paused "
		                 "for 10 s, at "
		                 "the latest after 20 s",
		                 seconds(paused));
}

static void check_update(struct check *c, const struct sl_ne_seen *e)
{
	enum sl_ne_seen_verdict_kind kind = e->verdict.kind;
	if (kind != SL_NE_SEEN_NO_VERDICT && kind != SL_NE_SEEN_ALLOW_VERDICT &&
	    kind != SL_NE_SEEN_DROP_VERDICT && kind != SL_NE_SEEN_PASS_VERDICT)
		WRONG(c, e, "NE-CB-09", "updateFlow with %s: allow, drop, or pass and peek may be given",
		      sl_ne_seen_verdict_name(kind));
	else if (c->r.dropped && !c->r.uncertain)
		WRONG(c, e, "NE-DROP-04", "updateFlow after the flow was dropped: it is rejected");
}

/* ---- reports ---- */

static void check_statistics(struct check *c, const struct sl_ne_seen *e)
{
	static const int64_t period[] = { 0, 5 * SECOND, SECOND, SECOND / 2 };
	if (c->r.frequency == 0 && !c->r.uncertain)
		WRONG(c, e, "NE-REP-08", "statistics although the last verdict asked for none");
	else if (c->statistics >= 0 && e->time - c->statistics < period[c->r.frequency] / 2)
		NOTE(c, e, "NE-REP-03",
		     "statistics %.2f s after the ones before, where about %.1f s were asked for",
		     seconds(e->time - c->statistics), seconds(period[c->r.frequency]));
	for (int s = 0; s < SL_NE_SIDES; s++)
		if (e->bytes[s] < c->counted[s] && e->bytes[s] != 0)
			WRONG(c, e, "NE-REP-07", "the %s count of statistics falls: it is cumulative",
			      sl_ne_seen_side_name((enum sl_ne_seen_side)s));
	c->counted[SL_NE_OUT] = e->bytes[SL_NE_OUT];
	c->counted[SL_NE_IN] = e->bytes[SL_NE_IN];
	c->statistics = e->time;
}

/* ---- what the trace itself says of offsets ---- */

static void check_standing(struct check *c, const struct sl_ne_seen *e, enum sl_ne_seen_side s)
{
	const struct sl_ne_seen_standing *is = &e->standing[s], *was = &c->before[s];
	const char *side = sl_ne_seen_side_name(s);
	uint64_t gone;
	if (!is->known)
		return;
	if (was->known &&
	    (is->pass < was->pass || is->peek < was->peek || is->shown < was->shown || is->seen < was->seen ||
	     is->received < was->received || is->released < was->released || is->dropped < was->dropped))
		WRONG(c, e, "NE-PEEK-02", "an offset or count of the %s direction falls", side);
	else if (__builtin_add_overflow(is->released, is->dropped, &gone) || gone > is->received)
		WRONG(c, e, "NE-PEEK-05", "more %s bytes went on or were dropped than came", side);
	c->before[s] = *is;
}

/* ---- why it stalls ---- */

static void explain_stall(struct check *c, const struct sl_ne_seen *e, enum sl_ne_seen_side s)
{
	const struct sl_ne_window *w = &c->r.window[s];
	const struct sl_ne_seen *last = c->r.last[s];
	const char *side = sl_ne_seen_side_name(s);
	char a[SL_NE_BYTES_TEXT], b[SL_NE_BYTES_TEXT], p[SL_NE_BYTES_TEXT], k[SL_NE_BYTES_TEXT];
	(void)sl_ne_seen_bytes_text(w->pass, a);
	(void)sl_ne_seen_bytes_text(w->shown, b);
	c->stalled = true;
	if (last == NULL || last->verdict.kind != SL_NE_SEEN_PASS_VERDICT) {
		WRONG(c, e, "NE-PEEK-09",
		      "stalls: %s bytes wait, and no callback will come (pass %s, shown %s)", side, a, b);
		return;
	}
	const struct sl_ne_seen_verdict *v = &last->verdict;
	(void)sl_ne_seen_bytes_text(v->pass_bytes, p);
	(void)sl_ne_seen_bytes_text(v->peek_bytes, k);
	if (v->pass_bytes == 0 && v->peek_bytes == 0)
		WRONG(c, e, "NE-PEEK-09",
		      "stalls: the %s verdict of line %u, pass 0 and peek 0, changes nothing; bytes %s to %s "
		      "wait, and no "
		      "callback will come",
		      side, last->line, a, b);
	else if (v->peek_bytes == 0)
		WRONG(c, e, "NE-PEEK-09",
		      "stalls: the %s verdict of line %u passed up to %s of the %s bytes that were shown and "
		      "asked to see "
		      "no more (pass %s, peek 0): the rest waits",
		      side, last->line, a, b, p);
	else
		WRONG(c, e, "NE-PEEK-09",
		      "stalls: the %s verdict of line %u (pass %s, peek %s) asks for nothing beyond the %s "
		      "bytes that were "
		      "shown already: bytes from %s on wait",
		      side, last->line, p, k, b, a);
}

/* Shown and not passed: does the provider wait for more than will come? */
static void check_left(struct check *c, enum sl_ne_seen_side s)
{
	const struct sl_ne_window *w = &c->r.window[s];
	const struct sl_ne_seen *last = c->r.last[s];
	char a[SL_NE_BYTES_TEXT], b[SL_NE_BYTES_TEXT], k[SL_NE_BYTES_TEXT];
	if (last == NULL || w->shown <= w->pass || c->r.dropped || c->stalled)
		return;
	if (w->peek <= w->shown) {
		explain_stall(c, last, s);
		return;
	}
	int64_t waited = c->rec->end - last->time;
	(void)sl_ne_find(c->out, c->flow, last, "NE-PEEK-10", waited >= LONG_WAIT ? SL_NE_WRONG : SL_NE_NOTE,
	                 "%s bytes %s to %s are held since the verdict of line %u, which asks to see up to "
	                 "%s before it "
	                 "decides; %s",
	                 sl_ne_seen_side_name(s), sl_ne_seen_bytes_text(w->pass, a),
	                 sl_ne_seen_bytes_text(w->shown, b), last->line, sl_ne_seen_bytes_text(w->peek, k),
	                 s == SL_NE_OUT ? "a sender that waits for an answer first never fills that window"
	                                : "no more came");
}

static void check_waiting(struct check *c)
{
	const struct sl_ne_seen *e = c->r.since;
	int64_t waited = e == NULL ? 0 : c->rec->end - e->time;
	enum sl_ne_weight weight = waited >= LONG_WAIT ? SL_NE_WRONG : SL_NE_NOTE;
	if (c->r.waiting == SL_NE_PAUSED && is_datagram(c->flow))
		(void)sl_ne_find(c->out, c->flow, e, "NE-PAUSE-03", weight,
		                 "paused and not resumed (%.1f s up to the end of the recording): macOS "
		                 "drops a datagram "
		                 "flow after 10 to 20 s of that",
		                 seconds(waited));
	else if (c->r.waiting == SL_NE_PAUSED)
		(void)sl_ne_find(c->out, c->flow, e, "NE-PAUSE-02", weight,
		                 "stalls: paused and not resumed (%.1f s up to the end of the recording): a "
		                 "TCP flow has no "
		                 "limit and waits for ever",
		                 seconds(waited));
	else if (c->r.waiting == SL_NE_ASKED_CONTROL)
		(void)sl_ne_find(c->out, c->flow, e, "NE-CTL-01", weight,
		                 "stalls: needRules, and the control provider did not answer (%.1f s)",
		                 seconds(waited));
	else if (c->r.waiting == SL_NE_ANSWER_PENDING)
		(void)sl_ne_find(c->out, c->flow, e, "NE-CHOICE-22", weight,
		                 "stalls: the provider has not answered (%.1f s)", seconds(waited));
}

/* ---- one flow ---- */

static void check_timer(struct check *c, const struct sl_ne_seen *e)
{
	if (e->word != NULL && strcmp(e->word, "undecided") == 0)
		WRONG(c, e, "NE-PAUSE-03",
		      "ended undecided: no verdict for the bytes that waited came in time (10 to 20 s "
		      "on macOS)");
	else if (e->word != NULL && strcmp(e->word, "answer") == 0)
		WRONG(c, e, "NE-CHOICE-22", "the provider's verdict did not come before its deadline");
}

static void check_stall_event(struct check *c, const struct sl_ne_seen *e)
{
	if (c->stalled)
		return;
	for (int s = 0; s < SL_NE_SIDES; s++)
		if (e->side == SL_NE_BOTH ? sl_ne_window_stalls(&c->r.window[s]) : (int)e->side == s)
			explain_stall(c, e, (enum sl_ne_seen_side)s);
}

static void check_event(struct check *c, const struct sl_ne_seen *e)
{
	if (c->r.closed && (is_callback(e) || e->event == SL_NE_SEEN_DATA || e->event == SL_NE_SEEN_RELEASE))
		WRONG(c, e, "NE-CB-06", "%s after closed, which is the last of a flow",
		      sl_ne_seen_event_name(e->event));
	else if (is_callback(e))
		check_callback(c, e);
	if (e->event == SL_NE_SEEN_NEW_FLOW)
		check_new_flow(c, e);
	else if (is_callback(e))
		check_kind(c, e, false, "NE-DV-03");
	else if (e->event == SL_NE_SEEN_RESUME)
		check_resume(c, e);
	else if (e->event == SL_NE_SEEN_UPDATE)
		check_update(c, e);
	else if (e->event == SL_NE_SEEN_REPORT && e->word != NULL && strcmp(e->word, "statistics") == 0)
		check_statistics(c, e);
	else if (e->event == SL_NE_SEEN_TIMER)
		check_timer(c, e);
	else if (e->event == SL_NE_SEEN_STALL)
		check_stall_event(c, e);
	else if (e->event == SL_NE_SEEN_REFUSED)
		WRONG(c, e, "NE-FAIL-12", "%" PRIu64 " bytes were refused: too much waits undecided", e->len);
	else if (e->event == SL_NE_SEEN_ILLEGAL)
		WRONG(c, e, "NE-CHOICE-14", "a move of the provider was ignored: %s",
		      e->word == NULL ? "?" : e->word);
	check_standing(c, e, SL_NE_OUT);
	check_standing(c, e, SL_NE_IN);
}

/* What was lost may have been of this flow, and it may have begun then. */
static void check_lost(struct check *c, const struct sl_ne_seen *e)
{
	const struct sl_ne_seen_flow *f = &c->rec->filter;
	for (; c->lost < f->n && f->event[c->lost].line <= e->line; c->lost++)
		if (f->event[c->lost].event == SL_NE_SEEN_LOST && !sl_ne_replica_over(&c->r))
			c->r.uncertain = true;
}

void sl_ne_check_flow(const struct sl_ne_recording *rec, const struct sl_ne_seen_flow *flow,
                      struct sl_ne_findings *out)
{
	struct check c = { .rec = rec, .flow = flow, .out = out, .statistics = -1 };
	for (size_t i = 0; i < flow->n; i++) {
		check_lost(&c, &flow->event[i]);
		if (flow->event[i].event ==
		    SL_NE_SEEN_NEW_FLOW) /* what was lost before it was not of this flow */
			c.r.uncertain = c.r.asked && c.r.uncertain;
		check_event(&c, &flow->event[i]);
		sl_ne_replica_step(&c.r, &flow->event[i]);
	}
	if (c.lost < rec->filter.n && !c.r.closed) {
		const struct sl_ne_seen end = { .line = UINT32_MAX };
		check_lost(&c, &end);
	}
	if (c.r.uncertain || (c.r.closed && c.stalled))
		return;
	if (c.r.waiting != SL_NE_NOT_WAITING && !c.r.closed)
		check_waiting(&c);
	else if (c.r.waiting == SL_NE_NOT_WAITING) {
		check_left(&c, SL_NE_OUT);
		check_left(&c, SL_NE_IN);
	}
}

/* ---- the recording ---- */

static void check_filter(const struct sl_ne_recording *rec, struct sl_ne_findings *out)
{
	const struct sl_ne_seen *starting = NULL;
	for (size_t i = 0; i < rec->filter.n; i++) {
		const struct sl_ne_seen *e = &rec->filter.event[i];
		if (e->event == SL_NE_SEEN_LOST && e->len > 0)
			(void)sl_ne_find(out, NULL, e, "NE-EXM-09", SL_NE_NOTE,
			                 "%" PRIu64
			                 " events are missing here: what depends on them is not judged",
			                 e->len);
		else if (e->event == SL_NE_SEEN_LOST)
			(void)sl_ne_find(out, NULL, e, "NE-LIFE-09", SL_NE_NOTE,
			                 "the sequence starts anew here: another instance of the filter, or "
			                 "lines out of order");
		else if (e->event == SL_NE_SEEN_FILTER_START)
			starting = e;
		else if (e->event == SL_NE_SEEN_FILTER_STARTED || e->event == SL_NE_SEEN_FILTER_STOP)
			starting = NULL;
		else if (e->event == SL_NE_SEEN_FILTER_CRASHED)
			(void)sl_ne_find(
			        out, NULL, e, "NE-FAIL-03", SL_NE_NOTE,
			        "the filter went away: flows it held are released and stay unfiltered");
	}
	if (starting != NULL)
		(void)sl_ne_find(out, NULL, starting, "NE-FAIL-01",
		                 rec->end - starting->time >= LONG_WAIT ? SL_NE_WRONG : SL_NE_NOTE,
		                 "startFilter's handler was not called (%.1f s up to the end of the "
		                 "recording): all traffic is "
		                 "blocked meanwhile",
		                 seconds(rec->end - starting->time));
}

static void check_reading(const struct sl_ne_recording *rec, struct sl_ne_findings *out)
{
	if (rec->malformed > 0)
		(void)sl_ne_find(out, NULL, NULL, NULL, SL_NE_NOTE, "%" PRIu64 " lines could not be read",
		                 rec->malformed);
	if (rec->kind == SL_NE_TRACE && !rec->head)
		(void)sl_ne_find(out, NULL, NULL, NULL, SL_NE_NOTE, "the head of the trace is missing");
	if (rec->kind == SL_NE_TRACE && rec->unknown > 0)
		(void)sl_ne_find(out, NULL, NULL, NULL, SL_NE_NOTE,
		                 "%" PRIu64 " events have names that are not known here", rec->unknown);
	if (rec->hidden > 0)
		(void)sl_ne_find(out, NULL, NULL, NULL, SL_NE_NOTE,
		                 "%" PRIu64
		                 " lines have <private> fields: endpoints and processes may be unknown",
		                 rec->hidden);
	if (rec->kind == SL_NE_LOG)
		(void)sl_ne_find(out, NULL, NULL, "NE-LOG-05", SL_NE_NOTE,
		                 "most lines of a content filter are written with debugging on only: that "
		                 "one is missing "
		                 "proves nothing");
}

void sl_ne_check(const struct sl_ne_recording *rec, struct sl_ne_findings *out)
{
	check_reading(rec, out);
	check_filter(rec, out);
	for (size_t i = 0; i < rec->flows; i++) {
		if (rec->kind == SL_NE_TRACE)
			sl_ne_check_flow(rec, &rec->flow[i], out);
		else
			sl_ne_check_log_flow(rec, &rec->flow[i], out);
	}
}
