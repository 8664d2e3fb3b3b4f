/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_compare_log.c - a flow of a trace and one of a log of macOS. The log knows nothing of callbacks and may lack any line (NE-LOG-05):
 * what it says must be so, what it does not say proves nothing. */
#include <inttypes.h>
#include <stdarg.h>

#include "base/util.h"
#include "daemon/ne_compare.h"
#include "daemon/ne_replica.h"

struct facts { /* of the trace */
	struct sl_ne_replica end;
	const struct sl_ne_seen *drop, *timer;
	const struct sl_ne_seen_flow *flow;
};

static struct facts facts_of(const struct sl_ne_recording *rec, const struct sl_ne_seen_flow *flow)
{
	struct facts f = { .flow = flow };
	for (size_t i = 0; i < flow->n; i++) {
		const struct sl_ne_seen *e = &flow->event[i];
		bool was = f.end.dropped;
		sl_ne_replica_step(&f.end, e);
		if (f.end.dropped && !was)
			f.drop = e;
		if (e->event == SL_NE_SEEN_TIMER)
			f.timer = e;
	}
	f.end.uncertain |= sl_ne_replica_lost(rec, flow, UINT32_MAX);
	return f;
}

/* Did the direction ever stand there? */
static bool passed_to(const struct facts *f, enum sl_ne_seen_side side, uint64_t pass)
{
	struct sl_ne_replica r = { 0 };
	for (size_t i = 0; i < f->flow->n; i++) {
		if (r.window[side].pass == pass)
			return true;
		sl_ne_replica_step(&r, &f->flow->event[i]);
	}
	return r.window[side].pass == pass;
}

struct pair {
	const struct sl_ne_recording *trace;
	const struct facts *f;
	const struct sl_ne_seen_flow *x, *y;
	struct sl_ne_findings *out;
};

SL_PRINTF(5, 6)
static bool differ(const struct pair *p, const struct sl_ne_seen *e, const char *rule, bool excused,
                   const char *fmt, ...)
{
	char text[SL_NE_FINDING_TEXT];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	bool lost = p->f->end.uncertain;
	struct sl_ne_finding *f =
	        sl_ne_find(p->out, p->x, NULL, rule, excused || lost ? SL_NE_DOCUMENTED : SL_NE_WRONG, "%s%s",
	                   text, lost ? "; the trace lost events or verdicts of this flow" : "");
	if (f != NULL) {
		f->other = p->y;
		f->other_line = e->line;
	}
	return false;
}

/* What a provider writes as Int.max, half of NEFilterFlowBytesMax, passes everything as well. */
static uint64_t unlimited(uint64_t pass)
{
	return pass >= INT64_MAX ? UINT64_MAX : pass;
}

static bool check_offsets(const struct pair *p, const struct sl_ne_seen *e)
{
	const uint64_t pass[] = { unlimited(e->log.out_pass), unlimited(e->log.in_pass) };
	for (int s = 0; s < SL_NE_SIDES; s++)
		if (!passed_to(p->f, (enum sl_ne_seen_side)s, pass[s]) && !p->f->end.dropped)
			return differ(p, e, "NE-LOG-06", false,
			              "the log's verdict passes %s up to %" PRIu64
			              "%s; the trace never passes exactly up to there "
			              "(it ends at %" PRIu64 ")",
			              sl_ne_seen_side_name((enum sl_ne_seen_side)s), pass[s],
			              pass[s] == UINT64_MAX ? " (max)" : "", p->f->end.window[s].pass);
	return true;
}

static bool check_passed(const struct pair *p, const struct sl_ne_seen *e, enum sl_ne_seen_side s)
{
	if (p->f->end.dropped)
		return differ(p, e, "NE-DROP-04", false,
		              "the log passes %s for good; the trace drops the flow (line %u)",
		              sl_ne_seen_side_name(s), p->f->drop->line);
	if (!sl_ne_window_is_open(&p->f->end.window[s]))
		return differ(p, e, "NE-PEEK-12", false,
		              "the log passes %s for good; no verdict of the trace does",
		              sl_ne_seen_side_name(s));
	return true;
}

/* One line of the log against the whole of the trace. */
static bool check_line(const struct pair *p, const struct sl_ne_seen *e)
{
	const struct facts *f = p->f;
	switch (e->log.id) {
	case SL_NE_LOG_CF_06:
	case SL_NE_LOG_CF_09:
	case SL_NE_LOG_CF_18:
		return f->end.dropped || differ(p, e, "NE-DV-02", false,
		                                "the log drops the flow; no verdict of the trace does");
	case SL_NE_LOG_CF_07:
		return check_passed(p, e, SL_NE_IN);
	case SL_NE_LOG_CF_08:
		return check_passed(p, e, SL_NE_OUT);
	case SL_NE_LOG_CF_14:
	case SL_NE_LOG_CF_17:
		return f->timer != NULL ||
		       differ(p, e, "NE-PAUSE-03", p->trace->mac,
		              "the log ends the flow, undecided or idle for too long; the trace does not%s",
		              p->trace->mac ? ", since a provider is not told of it" : "");
	case SL_NE_LOG_CF_19:
	case SL_NE_LOG_CF_20:
		return !f->end.asked || differ(p, e, "NE-FAIL-05", false,
		                               "the log refuses data of a flow that is older than the "
		                               "filter; the trace has its "
		                               "handleNewFlow");
	case SL_NE_LOG_CF_30:
		return check_offsets(p, e);
	default:
		return true;
	}
}

bool sl_ne_compare_log(const struct sl_ne_recording *trace, const struct sl_ne_seen_flow *x,
                       const struct sl_ne_recording *log, const struct sl_ne_seen_flow *y,
                       struct sl_ne_findings *out)
{
	struct facts f = facts_of(trace, x);
	const struct pair p = { trace, &f, x, y, out };
	(void)log;
	for (size_t i = 0; i < y->n; i++)
		if (!check_line(&p, &y->event[i]))
			return false;
	return true;
}
