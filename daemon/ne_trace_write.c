/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ne_trace_write.h"

#include <assert.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/json.h"
#include "daemon/ne_field.h"

enum { LINE_MAX_BYTES = 32768, KEY_MAX = SL_NE_FIELD_KEY_MAX };

/* Where the directions of a flow stood when they were last written. */
struct stand {
	uint64_t number;
	uint8_t origin; /* of the remote host's name, then */
	struct sl_ne_trace_side side[2];
};

struct sl_ne_trace_writer {
	FILE *to;
	uint64_t own_seq, *seq; /* of all that are beside each other */
	const char *filter;     /* NULL: the only one */
	struct stand *stand;    /* by the flow's slot */
	uint8_t line[LINE_MAX_BYTES];
};

static void write_line(struct sl_ne_trace_writer *w, struct sl_out *o)
{
	sl_out_str(o, "}\n");
	assert(!o->overflow); /* each text is bounded */
	(void)fwrite(o->p, 1, o->len, w->to);
}

static struct sl_out begin_line(struct sl_ne_trace_writer *w)
{
	struct sl_out o = sl_out_of(w->line, sizeof(w->line));
	sl_out_u8(&o, '{');
	return o;
}

static void field_head(struct sl_out *o, enum sl_ne_profile profile, const struct sl_ne_options *options,
                       const char *started)
{
	static const char *const names[] = { "gateway", "macos", "strict" };
	sl_ne_field_word(o, "format", "sluice-ne-trace");
	sl_json_field_u64(o, "version", 1);
	sl_ne_field_word(o, "writer", "sluice");
	sl_ne_field_word(o, "profile", names[profile]);
	if (!options->redeliver)
		sl_ne_field_bool(o, "redeliver", false);
	sl_ne_field_text(o, "started", started, KEY_MAX);
}

static struct sl_ne_trace_writer *make(FILE *to, const struct sl_ne_options *options, const char *filter)
{
	struct sl_ne_trace_writer *w = (struct sl_ne_trace_writer *)malloc(sizeof(*w));
	if (w == NULL)
		return NULL;
	w->to = to;
	w->own_seq = 0;
	w->seq = &w->own_seq;
	w->filter = filter;
	w->stand = (struct stand *)calloc(options->max_flows, sizeof(w->stand[0]));
	if (w->stand == NULL) {
		free(w);
		return NULL;
	}
	return w;
}

int sl_ne_trace_writer_new(FILE *to, enum sl_ne_profile profile, const struct sl_ne_options *options,
                           const char *started, struct sl_ne_trace_writer **out)
{
	struct sl_ne_trace_writer *w = make(to, options, NULL);
	if (w == NULL)
		return SL_ENOMEM;
	struct sl_out o = begin_line(w);
	field_head(&o, profile, options, started);
	write_line(w, &o);
	*out = w;
	return SL_OK;
}

int sl_ne_trace_writer_beside(struct sl_ne_trace_writer *first, const char *filter,
                              const struct sl_ne_options *options, struct sl_ne_trace_writer **out)
{
	struct sl_ne_trace_writer *w = make(first->to, options, filter);
	if (w == NULL)
		return SL_ENOMEM;
	w->seq = first->seq;
	*out = w;
	return SL_OK;
}

void sl_ne_trace_writer_free(struct sl_ne_trace_writer **writer)
{
	struct sl_ne_trace_writer *w = sl_take(writer);
	if (w == NULL)
		return;
	free(w->stand);
	free(w);
}

int sl_ne_trace_writer_end(struct sl_ne_trace_writer *writer)
{
	return fflush(writer->to) == 0 && !ferror(writer->to) ? SL_OK : SL_ESYS;
}

/* ---- verdicts and reports ---- */

static void field_peek(struct sl_out *o, const char *key, uint64_t peek)
{
	if (peek != 0)
		sl_ne_field_amount(o, key, peek);
}

static void field_verdict(struct sl_out *o, const struct sl_ne_verdict *v)
{
	sl_ne_field_open(o, "verdict");
	if ((unsigned)v->kind < SL_NE_VERDICT_KINDS)
		sl_ne_field_word(o, "kind", sl_ne_verdict_kind_name(v->kind));
	if (v->kind == SL_NE_VERDICT_FILTER_DATA) {
		sl_ne_field_bool(o, "filterInbound", v->filter_inbound);
		field_peek(o, "peekInboundBytes", v->peek_inbound_bytes);
		sl_ne_field_bool(o, "filterOutbound", v->filter_outbound);
		field_peek(o, "peekOutboundBytes", v->peek_outbound_bytes);
	} else if (v->kind == SL_NE_VERDICT_DATA) {
		sl_ne_field_amount(o, "passBytes", v->pass_bytes);
		sl_ne_field_amount(o, "peekBytes", v->peek_bytes);
	} else if (v->kind == SL_NE_VERDICT_REMEDIATE) {
		sl_ne_field_text(o, "remediationURLMapKey", v->remediation_url_map_key, KEY_MAX);
		sl_ne_field_text(o, "remediationButtonTextMapKey", v->remediation_button_text_map_key,
		                 KEY_MAX);
	} else if (v->kind == SL_NE_VERDICT_URL_APPEND_STRING) {
		sl_ne_field_text(o, "mapKey", v->map_key, KEY_MAX);
	}
	if (v->should_report)
		sl_ne_field_bool(o, "shouldReport", true);
	if (v->statistics_report_frequency != SL_NE_FREQUENCY_NONE &&
	    v->statistics_report_frequency <= SL_NE_FREQUENCY_HIGH)
		sl_ne_field_word(o, "statisticsReportFrequency",
		                 sl_ne_frequency_name(v->statistics_report_frequency));
	sl_out_u8(o, '}');
}

static void field_refusal(struct sl_out *o, unsigned refusal)
{
	static const char *const names[] = { "resetOpener", "resetAnswerer", "prohibited", "remediation" };
	const char *comma = "";
	if (refusal == 0)
		return;
	sl_json_key(o, "refusal");
	sl_out_u8(o, '[');
	for (unsigned i = 0; i < SL_COUNT(names); i++) {
		if ((refusal & (1U << i)) == 0)
			continue;
		sl_out_fmt(o, "%s\"%s\"", comma, names[i]);
		comma = ",";
	}
	sl_out_u8(o, ']');
}

/* ---- events ---- */

static void field_error(struct sl_out *o, int error)
{
	if (error != SL_OK)
		sl_ne_field_word(o, "error", sl_strerror(error));
}

static const char *control_name(enum sl_ne_control_verdict verdict)
{
	static const char *const names[] = { "allow", "drop", "updateRules" };
	return names[verdict];
}

/* Of callbacks, and what stands in for them. */
static void field_callback(struct sl_out *o, const struct sl_ne_trace_event *e)
{
	if (e->event == SL_NE_EVENT_NEW_FLOW && e->flow != NULL)
		sl_ne_field_flow(o, &e->flow->info);
	if (e->event == SL_NE_EVENT_UPDATE)
		sl_ne_field_word(o, "direction", sl_ne_direction_name(e->direction));
	if (e->event == SL_NE_EVENT_INBOUND_DATA || e->event == SL_NE_EVENT_OUTBOUND_DATA) {
		sl_ne_field_amount(o, "offset", e->start_offset);
		sl_json_field_u64(o, "len", e->len);
	}
	if (e->verdict != NULL)
		field_verdict(o, e->verdict);
}

/* Of a direction's bytes. */
static void field_bytes(struct sl_out *o, const struct sl_ne_trace_event *e)
{
	sl_ne_field_word(o, "direction", sl_ne_direction_name(e->direction));
	if (e->event != SL_NE_EVENT_FINISH)
		sl_json_field_u64(o, "len", e->len);
}

static void field_arguments(struct sl_out *o, const struct sl_ne_trace_event *e)
{
	switch (e->event) {
	case SL_NE_EVENT_FILTER_STARTED:
	case SL_NE_EVENT_SETTINGS:
		field_error(o, e->error);
		break;
	case SL_NE_EVENT_FILTER_STOP:
		sl_ne_field_word(o, "reason", sl_ne_stop_reason_name(e->reason));
		break;
	case SL_NE_EVENT_OPENED:
		if (e->flow != NULL)
			sl_ne_field_flow(o, &e->flow->info);
		break;
	case SL_NE_EVENT_RULE:
		sl_ne_field_word(o, "action", sl_ne_action_name(e->action));
		if (e->rule >= 0)
			sl_json_field_u64(o, "rule", (uint64_t)e->rule);
		break;
	case SL_NE_EVENT_CONTROL_VERDICT:
		sl_ne_field_word(o, "control", control_name(e->control));
		break;
	case SL_NE_EVENT_DATA:
	case SL_NE_EVENT_FINISH:
	case SL_NE_EVENT_RELEASE:
	case SL_NE_EVENT_DISCARD:
	case SL_NE_EVENT_REFUSED:
	case SL_NE_EVENT_STALL:
		field_bytes(o, e);
		break;
	case SL_NE_EVENT_DROPPED:
		field_refusal(o, e->refusal);
		break;
	case SL_NE_EVENT_TIMER:
		sl_ne_field_word(o, "timer", sl_ne_timer_name(e->timer));
		break;
	case SL_NE_EVENT_REPORT:
		sl_ne_field_report(o, e->report);
		break;
	case SL_NE_EVENT_ILLEGAL:
		sl_ne_field_word(o, "illegal", sl_ne_illegal_name(e->illegal));
		break;
	default:
		field_callback(o, e);
	}
}

/* Where it is another one than it was when it was written last. */
static void field_side(struct sl_out *o, const char *key, const struct sl_ne_trace_side *side,
                       struct sl_ne_trace_side *last)
{
	if (memcmp(side, last, sizeof(*side)) == 0)
		return;
	*last = *side;
	sl_ne_field_open(o, key);
	sl_ne_field_amount(o, "pass", side->window.pass);
	sl_ne_field_amount(o, "peek", side->window.peek);
	sl_ne_field_amount(o, "shown", side->window.shown);
	sl_json_field_u64(o, "seen", side->window.seen);
	sl_json_field_u64(o, "received", side->received);
	sl_json_field_u64(o, "released", side->released);
	sl_json_field_u64(o, "dropped", side->dropped);
	sl_out_u8(o, '}');
}

/* Found out after it was written last. */
static void field_late_hostname(struct sl_out *o, const struct sl_ne_trace_event *e, struct stand *s)
{
	uint8_t origin = (uint8_t)e->flow->info.hostname_origin;
	bool told = e->event == SL_NE_EVENT_OPENED || e->event == SL_NE_EVENT_NEW_FLOW;
	if (!told && origin > s->origin)
		sl_ne_field_hostname(o, &e->flow->info);
	s->origin = origin;
}

static void field_stand(struct sl_ne_trace_writer *w, struct sl_out *o, const struct sl_ne_trace_event *e)
{
	struct stand *s = &w->stand[e->flow - e->flow->env->slot];
	if (s->number != e->number)
		*s = (struct stand){ .number = e->number };
	field_late_hostname(o, e, s);
	field_side(o, "inbound", &e->inbound, &s->side[0]);
	field_side(o, "outbound", &e->outbound, &s->side[1]);
}

void sl_ne_trace_write(void *ctx, const struct sl_ne_trace_event *event)
{
	struct sl_ne_trace_writer *w = (struct sl_ne_trace_writer *)ctx;
	struct sl_out o = begin_line(w);
	sl_json_field_u64(&o, "time", (uint64_t)event->time.us);
	sl_json_field_u64(&o, "seq", ++*w->seq);
	sl_ne_field_word(&o, "event", sl_ne_event_name(event->event));
	sl_ne_field_text(&o, "filter", w->filter, KEY_MAX);
	if (event->flow != NULL)
		sl_json_field_u64(&o, "flow", event->number);
	field_arguments(&o, event);
	if (event->flow != NULL)
		field_stand(w, &o, event);
	write_line(w, &o);
}
