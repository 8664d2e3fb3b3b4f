/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ne_url_trace.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/util.h"
#include "daemon/json_text.h"

enum { KEYS_MAX = 16 }; /* of hits that a line names; their number stands beside them */

static const char *const by_names[] = { "webKit", "urlSession", "verdictFor", "other" };

static void write_line(struct sl_ne_url_trace *t, json_t *line)
{
	if (line == NULL || json_dumpf(line, t->to, JSON_COMPACT) != 0 || fputc('\n', t->to) == EOF)
		t->failed = true;
	json_decref(line);
}

static void set_text(json_t *line, const char *key, const char *text)
{
	if (text != NULL)
		(void)json_object_set_new(line, key, sl_json_text(sl_bytes_str(text)));
}

/* Each line of a text. */
static void set_lines(json_t *line, const char *key, struct sl_bytes text)
{
	json_t *all = json_array();
	for (; text.len > 0 && json_array_size(all) < KEYS_MAX;) {
		struct sl_bytes one = sl_bytes_first(text, sl_bytes_find(text, '\n'));
		(void)json_array_append_new(all, sl_json_text(one));
		text = sl_bytes_skip(text, one.len + 1);
	}
	if (json_array_size(all) > 0)
		(void)json_object_set_new(line, key, all);
	else
		json_decref(all);
}

static void set_prefilter(json_t *line, const struct sl_ne_url_event *e)
{
	const struct sl_ne_url_prefilter *p = e->prefilter;
	if (p == NULL && e->error == SL_NE_URL_NO_ERROR)
		(void)json_object_set_new(line, "kept", json_true());
	if (p == NULL)
		return;
	set_text(line, "tag", p->tag);
	(void)json_object_set_new(line, "bitCount", json_integer((json_int_t)p->bit_count));
	(void)json_object_set_new(line, "hashCount", json_integer((json_int_t)p->hash_count));
	(void)json_object_set_new(line, "murmurSeed", json_integer((json_int_t)p->murmur_seed));
}

static void set_request(const struct sl_ne_url_trace *t, json_t *line, const struct sl_ne_url_event *e)
{
	const struct sl_ne_url_answer *a = e->answer;
	(void)json_object_set_new(line, "url", sl_json_text(e->url));
	set_text(line, "by", by_names[e->by]);
	if (a->keys > 0) {
		(void)json_object_set_new(line, "keys", json_integer((json_int_t)a->keys));
		(void)json_object_set_new(line, "queries", json_integer((json_int_t)a->hits));
		set_lines(line, "hits", sl_ne_url_set_hits(t->set));
		set_lines(line, "listed", sl_ne_url_set_listed(t->set));
	}
	set_text(line, "undecided", a->undecided);
	if (e->by != SL_NE_URL_BY_NOBODY)
		set_text(line, "verdict", sl_ne_url_verdict_name(a->verdict));
}

static void set_report(json_t *line, const struct sl_ne_url_report *r)
{
	size_t cap = 64;
	for (size_t i = 0; i < r->n; i++)
		cap += 6 * r->entry[i].len + 16;
	uint8_t *body = (uint8_t *)malloc(cap);
	set_text(line, "endpoint", r->endpoint);
	set_text(line, "reportFormat", sl_ne_url_format_name(r->format));
	if (body != NULL) {
		struct sl_out o = sl_out_of(body, cap);
		sl_ne_url_report_write(r, &o);
		(void)json_object_set_new(line, "body", sl_json_text(sl_bytes_of(body, o.len)));
	}
	if (r->lost > 0)
		(void)json_object_set_new(line, "lost", json_integer((json_int_t)r->lost));
	free(body);
}

static void set_arguments(const struct sl_ne_url_trace *t, json_t *line, const struct sl_ne_url_event *e)
{
	switch (e->kind) {
	case SL_NE_URL_EVENT_STATUS:
		set_text(line, "status", sl_ne_url_status_name(e->status));
		break;
	case SL_NE_URL_EVENT_STOP:
		set_text(line, "reason", sl_ne_stop_reason_name(e->reason));
		break;
	case SL_NE_URL_EVENT_FETCH:
		set_text(line, "existingPrefilterTag", e->tag);
		break;
	case SL_NE_URL_EVENT_PREFILTER:
		set_prefilter(line, e);
		break;
	case SL_NE_URL_EVENT_REQUEST:
		set_request(t, line, e);
		break;
	case SL_NE_URL_EVENT_REPORT:
		set_report(line, e->report);
		break;
	default:
		break;
	}
}

void sl_ne_url_trace_head(struct sl_ne_url_trace *trace, const char *profile)
{
	write_line(trace, json_pack("{s:s, s:i, s:s, s:s, s:s}", "format", "sluice-ne-trace", "version", 1,
	                            "writer", "sluice", "profile", "macos", "urlFilter", profile));
}

void sl_ne_url_trace_event(void *ctx, const struct sl_ne_url_event *e)
{
	struct sl_ne_url_trace *t = (struct sl_ne_url_trace *)ctx;
	json_t *line = json_pack("{s:I, s:I, s:s}", "time", (json_int_t)e->time.us, "seq",
	                         (json_int_t)++t->seq, "event", sl_ne_url_event_name(e->kind));
	set_arguments(t, line, e);
	if (e->kind == SL_NE_URL_EVENT_ILLEGAL)
		set_text(line, "illegal", e->why);
	if (e->kind == SL_NE_URL_EVENT_SAVE && e->error == SL_NE_URL_NO_ERROR)
		set_text(line, "onboarding", e->why);
	if (e->error != SL_NE_URL_NO_ERROR) {
		set_text(line, "error", sl_ne_url_error_name(e->error));
		(void)json_object_set_new(line, "code", json_integer((json_int_t)e->error));
		set_text(line, "why", e->why);
	}
	write_line(t, line);
}
