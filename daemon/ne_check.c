/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>

#include "base/util.h"
#include "daemon/ne_check_impl.h"

/* ---- is the callback allowed now? ---- */

static bool is_callback(const struct sl_ne_seen *e)
{
	return e->event >= SL_NE_SEEN_NEW_FLOW && e->event <= SL_NE_SEEN_OUTBOUND_COMPLETE;
}

static bool check_moment(struct sl_ne_checking *c, const struct sl_ne_seen *e)
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
	else if (c->gone)
		WRONG(c, e, "NE-LIFE-09",
		      "%s of a flow whose filter is gone: another one is not asked about it", name);
	else if (sl_ne_replica_open(r) && !r->uncertain)
		WRONG(c, e, "NE-CB-07",
		      "%s although both directions are unlimited: the filter is detached from the flow",
		      name);
	else
		return true;
	return false;
}

static void check_span(struct sl_ne_checking *c, const struct sl_ne_seen *e)
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

static void check_callback(struct sl_ne_checking *c, const struct sl_ne_seen *e)
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

/* A direction that is filtered with a peek of 0 is never shown, and never passes. */
static void check_new_flow(struct sl_ne_checking *c, const struct sl_ne_seen *e)
{
	if (!sl_ne_check_kind(c, e, true, "NE-NFV-03") || e->ignored)
		return;
	for (int s = 0; s < SL_NE_SIDES && e->verdict.kind == SL_NE_SEEN_FILTER_DATA_VERDICT; s++) {
		if (!e->verdict.filter[s] || e->verdict.peek[s] != 0)
			continue;
		c->stalled[s] = true;
		WRONG(c, e, "NE-PEEK-09",
		      "filterDataVerdict filters %s data and asks to see 0 bytes of it: nothing of that "
		      "direction is "
		      "ever shown or passed, and the flow stalls with its first byte",
		      sl_ne_seen_side_name((enum sl_ne_seen_side)s));
	}
}

static void check_resume(struct sl_ne_checking *c, const struct sl_ne_seen *e)
{
	const struct sl_ne_replica *r = &c->r;
	if (r->uncertain)
		return;
	if (r->waiting != SL_NE_PAUSED) {
		WRONG(c, e, "NE-PAUSE-04", "resumeFlow of a flow that is not paused");
		return;
	}
	(void)sl_ne_check_kind(c, e, r->of == NULL || r->of->event == SL_NE_SEEN_NEW_FLOW, "NE-PAUSE-05");
	int64_t paused = e->time - r->since->time;
	if (sl_ne_is_datagram(c->flow) && paused > SL_NE_UDP_LIMIT)
		(void)sl_ne_find(c->out, c->flow, e, "NE-PAUSE-03",
		                 paused > SL_NE_UDP_LATE ? SL_NE_WRONG : SL_NE_NOTE,
		                 "a datagram flow is resumed after %.1f s; macOS drops it when it is paused "
		                 "for 10 s, at "
		                 "the latest after 20 s",
		                 sl_ne_seconds(paused));
}

static void check_update(struct sl_ne_checking *c, const struct sl_ne_seen *e)
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

static void check_statistics(struct sl_ne_checking *c, const struct sl_ne_seen *e)
{
	static const int64_t period[] = { 0, 5 * SL_NE_SECOND, SL_NE_SECOND, SL_NE_SECOND / 2 };
	if (c->r.frequency == 0 && !c->r.uncertain)
		WRONG(c, e, "NE-REP-08", "statistics although the last verdict asked for none");
	else if (c->statistics >= 0 && e->time - c->statistics < period[c->r.frequency] / 2)
		NOTE(c, e, "NE-REP-03",
		     "statistics %.2f s after the ones before, where about %.1f s were asked for",
		     sl_ne_seconds(e->time - c->statistics), sl_ne_seconds(period[c->r.frequency]));
	for (int s = 0; s < SL_NE_SIDES; s++)
		if (e->bytes[s] < c->counted[s] && e->bytes[s] != 0)
			WRONG(c, e, "NE-REP-07", "the %s count of statistics falls: it is cumulative",
			      sl_ne_seen_side_name((enum sl_ne_seen_side)s));
	c->counted[SL_NE_OUT] = e->bytes[SL_NE_OUT];
	c->counted[SL_NE_IN] = e->bytes[SL_NE_IN];
	c->statistics = e->time;
}

/* ---- what the trace itself says of offsets ---- */

static void check_standing(struct sl_ne_checking *c, const struct sl_ne_seen *e, enum sl_ne_seen_side s)
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

/* ---- one flow ---- */

static void check_undecided(struct sl_ne_checking *c, const struct sl_ne_seen *e)
{
	const struct sl_ne_seen *since = c->r.since;
	static const char limit[] = "a flow that is not TCP has 10 s (NE-TIME-01), on macOS up to 20";
	c->ended = true;
	if (c->r.waiting == SL_NE_PAUSED)
		WRONG(c, e, "NE-PAUSE-03",
		      "ended, since it was paused by line %u and not resumed in time: %s", since->line,
		      limit);
	else if (!c->r.asked && !c->r.uncertain)
		WRONG(c, e, "NE-FAIL-01",
		      "ended, since no filter had started that could be asked about it: %s", limit);
	else if (c->r.waiting != SL_NE_NOT_WAITING)
		WRONG(c, e, "NE-PAUSE-03",
		      "ended, since the verdict that line %u left open did not come in time: %s", since->line,
		      limit);
	else
		WRONG(c, e, "NE-PAUSE-03",
		      "ended undecided: no verdict for the bytes that waited came in time: %s", limit);
}

static void check_timer(struct sl_ne_checking *c, const struct sl_ne_seen *e)
{
	if (e->word != NULL && strcmp(e->word, "undecided") == 0)
		check_undecided(c, e);
	else if (e->word != NULL && strcmp(e->word, "answer") == 0)
		WRONG(c, e, "NE-CHOICE-22", "the provider's verdict did not come before its deadline");
}

static void check_event(struct sl_ne_checking *c, const struct sl_ne_seen *e, const struct sl_ne_seen *before)
{
	if (c->r.closed && (is_callback(e) || e->event == SL_NE_SEEN_DATA || e->event == SL_NE_SEEN_RELEASE))
		WRONG(c, e, "NE-CB-06", "%s after closed, which is the last of a flow",
		      sl_ne_seen_event_name(e->event));
	else if (is_callback(e))
		check_callback(c, e);
	if (e->event == SL_NE_SEEN_NEW_FLOW)
		check_new_flow(c, e);
	else if (is_callback(e))
		(void)sl_ne_check_kind(c, e, false, "NE-DV-03");
	else if (e->event == SL_NE_SEEN_RESUME)
		check_resume(c, e);
	else if (e->event == SL_NE_SEEN_UPDATE)
		check_update(c, e);
	else if (e->event == SL_NE_SEEN_REPORT && e->word != NULL && strcmp(e->word, "statistics") == 0)
		check_statistics(c, e);
	else if (e->event == SL_NE_SEEN_TIMER)
		check_timer(c, e);
	else if (e->event == SL_NE_SEEN_STALL)
		sl_ne_check_stall_event(c, e);
	else if (e->event == SL_NE_SEEN_REFUSED)
		WRONG(c, e, "NE-FAIL-12", "%" PRIu64 " %s refused: too much waits undecided", e->len,
		      e->len == 1 ? "byte was" : "bytes were");
	else if (e->event == SL_NE_SEEN_ILLEGAL)
		sl_ne_check_illegal(c->out, c->flow, e, before);
	check_standing(c, e, SL_NE_OUT);
	check_standing(c, e, SL_NE_IN);
}

/* What happened to the recording, or to the filter, before e: what was lost may have been of this flow, which may have begun then; a
 * filter that is gone lets go of its flows (NE-FAIL-03, NE-LIFE-09). */
static void follow_filter(struct sl_ne_checking *c, const struct sl_ne_seen *e)
{
	const struct sl_ne_seen_flow *f = &c->rec->filter;
	for (; c->told < f->n && f->event[c->told].line <= e->line; c->told++) {
		enum sl_ne_seen_event event = f->event[c->told].event;
		if (event == SL_NE_SEEN_LOST && !sl_ne_replica_over(&c->r))
			c->r.uncertain = true;
		if (c->r.asked && f->event[c->told].filter == c->flow->filter &&
		    (event == SL_NE_SEEN_FILTER_STOPPED || event == SL_NE_SEEN_FILTER_CRASHED)) {
			c->undecided = c->r.waiting != SL_NE_NOT_WAITING && c->r.of != NULL &&
			               c->r.of->event == SL_NE_SEEN_NEW_FLOW;
			sl_ne_replica_let_go(&c->r);
			c->gone = true;
		}
	}
}

void sl_ne_check_flow(const struct sl_ne_recording *rec, const struct sl_ne_seen_flow *flow,
                      struct sl_ne_findings *out)
{
	const struct sl_ne_seen end = { .line = UINT32_MAX };
	struct sl_ne_checking c = { .rec = rec, .flow = flow, .out = out, .statistics = -1 };
	for (size_t i = 0; i < flow->n; i++) {
		follow_filter(&c, &flow->event[i]);
		if (flow->event[i].event == SL_NE_SEEN_NEW_FLOW && c.gone && c.undecided) {
			c.r = (struct sl_ne_replica){ 0 };
			c.gone = c.undecided = false;
		}
		if (flow->event[i].event ==
		    SL_NE_SEEN_NEW_FLOW) /* what was lost before it was not of this flow */
			c.r.uncertain = c.r.asked && c.r.uncertain;
		check_event(&c, &flow->event[i], i == 0 ? NULL : &flow->event[i - 1]);
		sl_ne_replica_step(&c.r, &flow->event[i]);
	}
	if (!c.r.closed)
		follow_filter(&c, &end);
	if (!c.r.uncertain && !c.ended)
		sl_ne_check_left(&c);
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
			starting = starting != NULL && starting->filter == e->filter ? NULL : starting;
		else if (e->event == SL_NE_SEEN_ILLEGAL)
			sl_ne_check_illegal(out, NULL, e, NULL);
		else if (e->event == SL_NE_SEEN_LOG)
			sl_ne_check_pir(e, out);
		else if (e->event == SL_NE_SEEN_FILTER_CRASHED)
			(void)sl_ne_find(
			        out, NULL, e, "NE-FAIL-03", SL_NE_NOTE,
			        "the filter went away: flows it held are released and stay unfiltered");
	}
	if (starting != NULL)
		(void)sl_ne_find(out, NULL, starting, "NE-FAIL-01",
		                 rec->end - starting->time >= SL_NE_LONG_WAIT ? SL_NE_WRONG : SL_NE_NOTE,
		                 "startFilter's handler was not called (%.1f s up to the end of the "
		                 "recording): all traffic is "
		                 "blocked meanwhile",
		                 sl_ne_seconds(rec->end - starting->time));
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
