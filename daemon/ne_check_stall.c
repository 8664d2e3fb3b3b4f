/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a flow stalls (NE-PEEK-09, -10), or waits for somebody. */
#include "daemon/ne_check_impl.h"

static void explain_stall(struct sl_ne_checking *c, const struct sl_ne_seen *e, enum sl_ne_seen_side s)
{
	const struct sl_ne_window *w = &c->r.window[s];
	const struct sl_ne_seen *last = c->r.last[s];
	const char *side = sl_ne_seen_side_name(s);
	char a[SL_NE_BYTES_TEXT], b[SL_NE_BYTES_TEXT], p[SL_NE_BYTES_TEXT], k[SL_NE_BYTES_TEXT];
	(void)sl_ne_seen_bytes_text(w->pass, a);
	(void)sl_ne_seen_bytes_text(w->shown, b);
	c->stalled[s] = true;
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
	else if (v->peek_bytes == 0 && w->pass >= w->shown)
		WRONG(c, e, "NE-PEEK-09",
		      "stalls: the %s verdict of line %u passed what was shown, up to %s, and asked to see "
		      "no more (pass %s, "
		      "peek 0): what comes after it waits",
		      side, last->line, a, p);
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
static void check_side(struct sl_ne_checking *c, enum sl_ne_seen_side s)
{
	const struct sl_ne_window *w = &c->r.window[s];
	const struct sl_ne_seen *last = c->r.last[s];
	char a[SL_NE_BYTES_TEXT], b[SL_NE_BYTES_TEXT], k[SL_NE_BYTES_TEXT];
	if (last == NULL || w->shown <= w->pass || c->r.dropped || c->stalled[s])
		return;
	if (w->peek <= w->shown) {
		explain_stall(c, last, s);
		return;
	}
	int64_t waited = c->rec->end - last->time;
	(void)sl_ne_find(c->out, c->flow, last, "NE-PEEK-10",
	                 waited >= SL_NE_LONG_WAIT ? SL_NE_WRONG : SL_NE_NOTE,
	                 "%s bytes %s to %s are held since the verdict of line %u, which asks to see up to "
	                 "%s before it "
	                 "decides; %s",
	                 sl_ne_seen_side_name(s), sl_ne_seen_bytes_text(w->pass, a),
	                 sl_ne_seen_bytes_text(w->shown, b), last->line, sl_ne_seen_bytes_text(w->peek, k),
	                 s == SL_NE_OUT ? "a sender that waits for an answer first never fills that window"
	                                : "no more came");
}

/* The recording ends while it waits. */
static void check_waiting(struct sl_ne_checking *c)
{
	const struct sl_ne_seen *e = c->r.since;
	int64_t waited = e == NULL ? 0 : c->rec->end - e->time;
	bool is_long = waited >= SL_NE_LONG_WAIT;
	const char *rule = "NE-CHOICE-22", *what = "the provider has not answered";
	if (c->r.waiting == SL_NE_ASKED_CONTROL) {
		rule = "NE-CTL-01";
		what = "the control provider has not answered needRules";
	} else if (c->r.waiting == SL_NE_PAUSED && sl_ne_is_datagram(c->flow)) {
		rule = "NE-PAUSE-03";
		what = "paused and not resumed; macOS drops such a flow after 10 to 20 s";
	} else if (c->r.waiting == SL_NE_PAUSED) {
		rule = "NE-PAUSE-02";
		what = "paused and not resumed; a TCP flow has no limit and waits for ever";
	}
	(void)sl_ne_find(c->out, c->flow, e, rule, is_long ? SL_NE_WRONG : SL_NE_NOTE,
	                 "%s for %.1f s, up to the end of the recording: %s", is_long ? "stalls" : "waits",
	                 sl_ne_seconds(waited), what);
}

void sl_ne_check_stall_event(struct sl_ne_checking *c, const struct sl_ne_seen *e)
{
	for (int s = 0; s < SL_NE_SIDES; s++)
		if (!c->stalled[s] &&
		    (e->side == SL_NE_BOTH ? sl_ne_window_stalls(&c->r.window[s]) : (int)e->side == s))
			explain_stall(c, e, (enum sl_ne_seen_side)s);
}

void sl_ne_check_left(struct sl_ne_checking *c)
{
	if (c->r.waiting != SL_NE_NOT_WAITING) {
		if (!c->r.closed)
			check_waiting(c);
		return;
	}
	check_side(c, SL_NE_OUT);
	check_side(c, SL_NE_IN);
}
