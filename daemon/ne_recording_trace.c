/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_recording_trace.c - lines of a trace: docs/ne-trace.md. */
#include <stdlib.h>

#include "base/util.h"
#include "daemon/ne_recording_impl.h"

enum { VERSION = 1, NAME_MAX_LEN = 160 };
#define TIME_MAX (INT64_C(1) << 53) /* microseconds: three centuries, and sums of a few fit */

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

bool sl_ne_trace_is(const json_t *object)
{
	const char *format = text_of(object, "format");
	if (format != NULL)
		return strcmp(format, "sluice-ne-trace") == 0;
	return text_of(object, "event") != NULL && json_is_integer(json_object_get(object, "seq"));
}

/* An amount of bytes: a number, or "max". False where there is none, and out is left alone. */
static bool bytes_of(const json_t *object, const char *key, uint64_t *out)
{
	const json_t *v = json_object_get(object, key);
	const char *text = json_string_value(v);
	if (json_is_integer(v) && json_integer_value(v) >= 0)
		*out = (uint64_t)json_integer_value(v);
	else if (text != NULL && strcmp(text, "max") == 0)
		*out = UINT64_MAX;
	else
		return false;
	return true;
}

static int word_of(const char *text, const char *const *words, int n)
{
	for (int i = 0; text != NULL && i < n; i++)
		if (strcmp(text, words[i]) == 0)
			return i;
	return -1;
}

/* ---- the head ---- */

static void keep(char **to, const char *text)
{
	if (text == NULL)
		return;
	free(*to);
	*to = strdup(text);
}

/* A second head: a new instance of the filter went on in the same file. Of flows that were open nothing is certain then. */
static int take_head(struct sl_ne_reader *r, const json_t *object, uint32_t line)
{
	struct sl_ne_recording *rec = r->rec;
	const char *started = text_of(object, "started");
	json_int_t version = json_integer_value(json_object_get(object, "version"));
	size_t used;
	if (version != VERSION) {
		sl_diag(r->diag, rec->name, line, "a trace of version %lld, which is not known here: %d is",
		        (long long)version, VERSION);
		return SL_EUNSUP;
	}
	if (json_object_get(object, "urlFilter") != NULL) {
		sl_diag(r->diag, rec->name, line,
		        "a trace of a URL filter, which has no flows to compare; give one of a content "
		        "filter");
		return SL_EUNSUP;
	}
	if (rec->head) {
		const struct sl_ne_seen lost = {
			.time = rec->end, .line = line, .event = SL_NE_SEEN_LOST, .side = SL_NE_BOTH
		};
		rec->gaps++;
		r->next_seq = 1;
		return sl_ne_recording_add(&rec->filter, &lost);
	}
	rec->head = true;
	keep(&rec->writer, text_of(object, "writer"));
	keep(&rec->profile, text_of(object, "profile"));
	rec->mac = rec->writer != NULL && strcmp(rec->writer, "SluiceRecorder") == 0;
	rec->redeliver = !json_is_false(json_object_get(object, "redeliver"));
	if (started != NULL)
		rec->has_started = sl_ne_timestamp(sl_bytes_str(started), &rec->started, &used);
	r->next_seq = 1;
	return SL_OK;
}

/* ---- events ---- */

static enum sl_ne_seen_verdict_kind kind_of(const char *text)
{
	for (int kind = 0; text != NULL && kind < SL_NE_VERDICT_KINDS; kind++)
		if (strcmp(text, sl_ne_verdict_kind_name((enum sl_ne_verdict_kind)kind)) == 0)
			return (enum sl_ne_seen_verdict_kind)(kind + 1);
	return SL_NE_SEEN_NO_VERDICT;
}

static void read_verdict(const json_t *v, struct sl_ne_seen_verdict *out)
{
	static const char *const frequencies[] = { "none", "low", "medium", "high" };
	if (!json_is_object(v))
		return;
	int frequency = word_of(text_of(v, "statisticsReportFrequency"), frequencies, SL_COUNT(frequencies));
	out->kind = kind_of(text_of(v, "kind"));
	out->filter[SL_NE_IN] = json_is_true(json_object_get(v, "filterInbound"));
	out->filter[SL_NE_OUT] = json_is_true(json_object_get(v, "filterOutbound"));
	(void)bytes_of(v, "peekInboundBytes", &out->peek[SL_NE_IN]);
	(void)bytes_of(v, "peekOutboundBytes", &out->peek[SL_NE_OUT]);
	(void)bytes_of(v, "passBytes", &out->pass_bytes);
	(void)bytes_of(v, "peekBytes", &out->peek_bytes);
	out->should_report = json_is_true(json_object_get(v, "shouldReport"));
	out->frequency = frequency < 0 ? 0 : (unsigned)frequency;
}

static void read_standing(const json_t *o, struct sl_ne_seen_standing *out)
{
	if (!json_is_object(o))
		return;
	out->known = bytes_of(o, "pass", &out->pass) && bytes_of(o, "peek", &out->peek) &&
	             bytes_of(o, "shown", &out->shown) && bytes_of(o, "seen", &out->seen) &&
	             bytes_of(o, "received", &out->received) && bytes_of(o, "released", &out->released) &&
	             bytes_of(o, "dropped", &out->dropped);
}

/* Words of the schema; any other is kept as "other", since the object goes. */
static const char *static_word(const char *text)
{
	static const char *const words[] = {
#define X(name, text) text,
		SL_NE_ILLEGALS(X)
#undef X
#define X(name, value) #name,
		        SL_NE_STOP_REASONS(X)
#undef X
		                "undecided",
		"idle",
		"closeWait",
		"answer",
		"newFlow",
		"dataDecision",
		"flowClosed",
		"statistics",
		"allow",
		"drop",
		"updateRules",
		"filterData",
	};
	int i = word_of(text, words, SL_COUNT(words));
	return text == NULL ? NULL : i < 0 ? "other" : words[i];
}

static void read_words(const json_t *object, struct sl_ne_seen *e)
{
	static const char *const keys[] = { "timer", "illegal", "reason", "control", "action" };
	const json_t *report = json_object_get(object, "report");
	for (size_t i = 0; i < SL_COUNT(keys) && e->word == NULL; i++)
		e->word = static_word(text_of(object, keys[i]));
	if (report == NULL)
		return;
	e->word = static_word(text_of(report, "event"));
	(void)bytes_of(report, "bytesInboundCount", &e->bytes[SL_NE_IN]);
	(void)bytes_of(report, "bytesOutboundCount", &e->bytes[SL_NE_OUT]);
}

static enum sl_ne_seen_side side_of(enum sl_ne_seen_event event, const json_t *object)
{
	static const char *const sides[] = { "outbound", "inbound" };
	if (event == SL_NE_SEEN_INBOUND_DATA || event == SL_NE_SEEN_INBOUND_COMPLETE)
		return SL_NE_IN;
	if (event == SL_NE_SEEN_OUTBOUND_DATA || event == SL_NE_SEEN_OUTBOUND_COMPLETE)
		return SL_NE_OUT;
	int side = word_of(text_of(object, "direction"), sides, SL_COUNT(sides));
	return side < 0 ? SL_NE_BOTH : (enum sl_ne_seen_side)side;
}

/* Ends as they are known by then: one that is known is not taken back. */
static void read_end(const json_t *object, const char *key, struct sl_ne_seen_end *out)
{
	struct sl_ne_seen_end end;
	const char *text = text_of(object, key);
	if (text != NULL && sl_ne_seen_end_read(text, &end) &&
	    (out->family == 0 || sl_ne_seen_end_known(&end)))
		*out = end;
}

static void read_flow(const json_t *object, const struct sl_ne_seen *e, struct sl_ne_seen_flow *flow)
{
	const json_t *protocol = json_object_get(object, "protocol");
	if ((e->event == SL_NE_SEEN_NEW_FLOW || e->event == SL_NE_SEEN_OPENED) && e->side != SL_NE_BOTH)
		flow->direction = (int)e->side;
	if (json_is_integer(protocol) && json_integer_value(protocol) > 0 &&
	    json_integer_value(protocol) < 256)
		flow->protocol = (unsigned)json_integer_value(protocol);
	read_end(object, "local", &flow->local);
	read_end(object, "remote", &flow->remote);
	if (flow->host == NULL)
		keep(&flow->host, text_of(object, "remoteHostname"));
}

/* Of several, the recording's own copy of its name. */
static const char *filter_of(struct sl_ne_recording *rec, const json_t *object)
{
	const char *text = text_of(object, "filter");
	for (size_t i = 0; text != NULL && i < SL_NE_FILTERS_MAX; i++) {
		if (rec->filters[i] == NULL)
			keep(&rec->filters[i], text);
		if (rec->filters[i] != NULL && strcmp(rec->filters[i], text) == 0)
			return rec->filters[i];
	}
	return NULL;
}

static struct sl_ne_seen_flow *flow_of(struct sl_ne_recording *rec, const json_t *object, const char *filter)
{
	char name[NAME_MAX_LEN];
	const json_t *v = json_object_get(object, "flow");
	const char *of = filter == NULL ? "" : " of ";
	if (v == NULL)
		return &rec->filter;
	if (json_is_string(v))
		(void)snprintf(name, sizeof(name), "%.100s%s%.32s", json_string_value(v), of,
		               filter == NULL ? "" : filter);
	else
		(void)snprintf(name, sizeof(name), "%lld%s%.32s", (long long)json_integer_value(v), of,
		               filter == NULL ? "" : filter);
	struct sl_ne_seen_flow *flow = sl_ne_recording_flow(rec, SL_NE_SEEN_FILTER, name);
	if (flow != NULL)
		flow->filter = filter;
	return flow;
}

/* seq shows what is missing: every flow that was open may have lost some of its events. */
static int take_seq(struct sl_ne_reader *r, const json_t *object, const struct sl_ne_seen *e)
{
	struct sl_ne_recording *rec = r->rec;
	json_int_t seq = json_integer_value(json_object_get(object, "seq"));
	struct sl_ne_seen lost = {
		.time = e->time, .line = e->line, .event = SL_NE_SEEN_LOST, .side = SL_NE_BOTH
	};
	uint64_t expected = r->next_seq == 0 ? 1 : r->next_seq;
	if (seq <= 0)
		return SL_OK;
	r->next_seq = (uint64_t)seq + 1;
	if ((uint64_t)seq == expected)
		return SL_OK;
	lost.len = (uint64_t)seq > expected ? (uint64_t)seq - expected : 0;
	rec->lost += lost.len;
	rec->gaps++;
	return sl_ne_recording_add(&rec->filter, &lost);
}

static int event_of(const json_t *object)
{
	const char *text = text_of(object, "event");
	for (int event = 0; text != NULL && event < SL_NE_EVENT_COUNT; event++)
		if (strcmp(text, sl_ne_event_name((enum sl_ne_event)event)) == 0)
			return event;
	return -1;
}

/* A callback's verdict that was an illegal move is told first, and then that it was. */
static void note_ignored(struct sl_ne_seen_flow *flow, const struct sl_ne_seen *illegal)
{
	struct sl_ne_seen *last = flow->n == 0 ? NULL : &flow->event[flow->n - 1];
	if (last != NULL && last->time == illegal->time && last->event >= SL_NE_SEEN_NEW_FLOW &&
	    last->event <= SL_NE_SEEN_OUTBOUND_COMPLETE)
		last->ignored = true;
}

int sl_ne_trace_take(struct sl_ne_reader *r, const json_t *object, uint32_t line)
{
	struct sl_ne_recording *rec = r->rec;
	const json_t *time = json_object_get(object, "time"), *name = json_object_get(object, "flow");
	struct sl_ne_seen e = { .line = line, .time = json_integer_value(time) };
	int event = event_of(object);
	if (text_of(object, "format") != NULL)
		return sl_ne_trace_is(object) ? take_head(r, object, line) : SL_EMALF;
	if (text_of(object, "event") == NULL || !json_is_integer(time) || json_integer_value(time) < 0 ||
	    json_integer_value(time) > TIME_MAX ||
	    (name != NULL && !json_is_string(name) && !json_is_integer(name)))
		return SL_EMALF;
	int err = take_seq(r, object, &e);
	rec->end = e.time > rec->end ? e.time : rec->end;
	if (event < 0)
		rec->unknown++;
	if (event < 0 || err != SL_OK)
		return err;
	e.event = (enum sl_ne_seen_event)event;
	e.side = side_of(e.event, object);
	e.has_offset = bytes_of(object, "offset", &e.offset);
	(void)bytes_of(object, "len", &e.len);
	read_verdict(json_object_get(object, "verdict"), &e.verdict);
	read_standing(json_object_get(object, "inbound"), &e.standing[SL_NE_IN]);
	read_standing(json_object_get(object, "outbound"), &e.standing[SL_NE_OUT]);
	read_words(object, &e);
	e.filter = filter_of(rec, object);
	struct sl_ne_seen_flow *flow = flow_of(rec, object, e.filter);
	if (flow == NULL)
		return SL_ENOMEM;
	if (name != NULL)
		read_flow(object, &e, flow);
	if (e.event == SL_NE_SEEN_ILLEGAL && name != NULL)
		note_ignored(flow, &e);
	rec->events++;
	return sl_ne_recording_add(flow, &e);
}
