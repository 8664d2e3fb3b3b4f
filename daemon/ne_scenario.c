/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ne_scenario.h"

#include <stdlib.h>

#include "base/cur.h"
#include "base/out.h"
#include "daemon/ne_scenario_value.h"

enum { URL_MAX = 2048, TITLE_MAX = 1024, LABEL_MAX = 63, QUESTION_MAX = 320 };

struct reader {
	struct sl_ne_scenario_place at;
	struct sl_ne_scenario *s;
	size_t cap;
	struct sl_mono time; /* of the last event */
};

static const struct {
	const char *name, *keys;
} kinds[SL_NE_SCENARIO_KINDS] = {
#define X(name, text, keys) { text, keys },
	SL_NE_SCENARIO_EVENTS(X)
#undef X
};

const char *sl_ne_scenario_kind_name(enum sl_ne_scenario_kind kind)
{
	return kinds[kind].name;
}

/* ---- of a flow ---- */

/* A query for name's address (RFC 1035 §4.1), over TCP with its length before it (§4.2.2). */
static bool make_question(const struct sl_ne_scenario_place *at, const char *name, bool stream,
                          struct sl_ne_scenario_event *e)
{
	e->owned = (uint8_t *)malloc(QUESTION_MAX);
	if (e->owned == NULL)
		return sl_ne_scenario_wrong(at, "out of memory; write fewer events");
	struct sl_out o = sl_out_of(e->owned, QUESTION_MAX);
	static const uint8_t head[12] = { 0, 1, 1, 0, 0, 1 };
	if (stream)
		sl_out_u16(&o, 0);
	sl_out_bytes(&o, head, sizeof(head));
	for (const char *label = name; *label != '\0';) {
		size_t n = strcspn(label, ".");
		if (n == 0 || n > LABEL_MAX)
			return sl_ne_scenario_wrong(at, "\"asks\" is no name; write one as www.example.com");
		sl_out_u8(&o, (uint8_t)n);
		sl_out_bytes(&o, label, n);
		label += n + (label[n] == '.');
	}
	sl_out_u8(&o, 0);
	sl_out_u32(&o, 0x00010001); /* A, IN */
	if (stream) {
		e->owned[0] = (uint8_t)((o.len - 2) >> 8);
		e->owned[1] = (uint8_t)(o.len - 2);
	}
	e->bytes = sl_bytes_of(e->owned, o.len);
	return !o.overflow;
}

static bool read_protocol(const struct reader *r, struct sl_ne_scenario_event *e)
{
	enum { TCP = 6, UDP = 17 };
	static const char *const names[] = { "tcp", "udp" };
	const json_t *value = json_object_get(e->json, "protocol");
	uint64_t number = TCP;
	unsigned word = 0;
	if (json_is_integer(value)) {
		if (!sl_ne_scenario_u64(&r->at, e->json, "protocol", UINT8_MAX, &number))
			return false;
	} else if (!sl_ne_scenario_word(&r->at, e->json, "protocol", names, SL_COUNT(names), &word)) {
		return false;
	} else if (word == 1) {
		number = UDP;
	}
	e->info.socket_protocol = (uint8_t)number;
	e->info.socket_type = number == TCP   ? SL_NE_SOCK_STREAM
	                      : number == UDP ? SL_NE_SOCK_DGRAM
	                                      : SL_NE_SOCK_RAW;
	return true;
}

static bool read_ends(const struct reader *r, struct sl_ne_scenario_event *e)
{
	struct sl_ne_flow_info *info = &e->info;
	if (!sl_ne_scenario_endpoint(&r->at, e->json, "local", false, &info->local) ||
	    !sl_ne_scenario_endpoint(&r->at, e->json, "remote", false, &info->remote))
		return false;
	if (info->local.type == SL_NE_HOST_NONE || info->local.type != info->remote.type)
		return sl_ne_scenario_wrong(
		        &r->at, "\"local\" and \"remote\" are not two addresses of one family; write both");
	info->socket_family = info->local.type == SL_NE_HOST_IPV4 ? 4 : 6;
	return true;
}

static bool read_names(const struct reader *r, struct sl_ne_scenario_event *e)
{
	static const char *const origins[] = { NULL, "dns", "connect", "sniffed" };
	unsigned origin = SL_NE_HOSTNAME_CONNECT;
	const char *asks = NULL;
	if (!sl_ne_scenario_text(&r->at, e->json, "remoteHostname", SL_NE_HOSTNAME_MAX,
	                         &e->info.remote_hostname) ||
	    !sl_ne_scenario_word(&r->at, e->json, "hostnameOrigin", origins, SL_COUNT(origins), &origin) ||
	    !sl_ne_scenario_text(&r->at, e->json, "url", URL_MAX, &e->info.url) ||
	    !sl_ne_scenario_text(&r->at, e->json, "asks", SL_NE_HOSTNAME_MAX, &asks) ||
	    !sl_ne_scenario_bool(&r->at, e->json, "older", &e->older))
		return false;
	if (e->info.remote_hostname != NULL)
		e->info.hostname_origin = (enum sl_ne_hostname_origin)origin;
	return asks == NULL || make_question(&r->at, asks, e->info.socket_type == SL_NE_SOCK_STREAM, e);
}

static bool read_open(const struct reader *r, struct sl_ne_scenario_event *e)
{
	if (e->flow != ++r->s->flows)
		return sl_ne_scenario_wrong(
		        &r->at, "flows are opened in the order of their numbers; write %zu", r->s->flows);
	if (e->direction == SL_NE_ANY)
		return sl_ne_scenario_wrong(
		        &r->at, "a flow begins in no direction; write \"outbound\" or \"inbound\"");
	e->info.direction = e->direction;
	return read_protocol(r, e) && read_ends(r, e) && read_names(r, e);
}

/* ---- bytes ---- */

static int nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(const struct reader *r, const char *hex, struct sl_ne_scenario_event *e)
{
	size_t n = strlen(hex);
	e->owned = (uint8_t *)malloc(n / 2 + 1);
	bool ok = e->owned != NULL && n % 2 == 0;
	for (size_t i = 0; ok && i < n; i += 2) {
		int high = nibble(hex[i]), low = nibble(hex[i + 1]);
		ok = high >= 0 && low >= 0;
		if (ok)
			e->owned[i / 2] = (uint8_t)(high << 4 | low);
	}
	if (!ok)
		return sl_ne_scenario_wrong(&r->at, "\"hex\" is none; write two of 0-9a-f for each byte");
	e->bytes = sl_bytes_of(e->owned, n / 2);
	return true;
}

static bool read_data(const struct reader *r, struct sl_ne_scenario_event *e)
{
	const char *hex = NULL;
	uint64_t len = 0;
	const json_t *text = json_object_get(e->json, "text");
	int said = (json_object_get(e->json, "len") != NULL) + (text != NULL) +
	           (json_object_get(e->json, "hex") != NULL);
	if (e->direction == SL_NE_ANY || said != 1)
		return sl_ne_scenario_wrong(&r->at,
		                            "data needs a \"direction\", inbound or outbound, and one "
		                            "of len, text and hex; write those");
	if (!sl_ne_scenario_u64(&r->at, e->json, "len", SL_NE_SCENARIO_DATA_MAX, &len) ||
	    !sl_ne_scenario_text(&r->at, e->json, "hex", SL_NE_SCENARIO_DATA_MAX, &hex))
		return false;
	e->bytes = (struct sl_bytes){ NULL, len };
	if (text != NULL && !json_is_string(text))
		return sl_ne_scenario_wrong(&r->at, "\"text\" is none; write a string");
	if (text != NULL)
		e->bytes = sl_bytes_of(json_string_value(text), json_string_length(text));
	return hex == NULL || read_hex(r, hex, e);
}

static bool read_verdict(const struct reader *r, struct sl_ne_scenario_event *e)
{
	const json_t *verdict = json_object_get(e->json, "verdict");
	if (verdict == NULL)
		return sl_ne_scenario_wrong(&r->at, "without a \"verdict\" this says nothing; write one");
	return sl_ne_scenario_verdict(&r->at, verdict, &e->verdict);
}

/* ---- events ---- */

static bool read_time(struct reader *r, struct sl_ne_scenario_event *e)
{
	uint64_t us = (uint64_t)r->time.us;
	if (!sl_ne_scenario_u64(&r->at, e->json, "time", (uint64_t)SL_NE_SCENARIO_TIME_MAX * 1000000, &us))
		return false;
	if ((int64_t)us < r->time.us)
		return sl_ne_scenario_wrong(&r->at,
		                            "time goes backwards; write %lld or later, in microseconds",
		                            (long long)r->time.us);
	e->time = r->time = (struct sl_mono){ (int64_t)us };
	return true;
}

static bool read_flow(const struct reader *r, struct sl_ne_scenario_event *e)
{
	static const char *const directions[] = { "any", "inbound", "outbound" };
	uint64_t flow = 0;
	unsigned direction = SL_NE_ANY;
	if (!sl_ne_scenario_u64(&r->at, e->json, "flow", UINT32_MAX, &flow) ||
	    !sl_ne_scenario_word(&r->at, e->json, "direction", directions, SL_COUNT(directions), &direction))
		return false;
	e->flow = (uint32_t)flow;
	e->direction = (enum sl_ne_direction)direction;
	if (strstr(kinds[e->kind].keys, "flow") != NULL && e->kind != SL_NE_SCENARIO_OPEN &&
	    (flow == 0 || flow > r->s->flows))
		return sl_ne_scenario_wrong(&r->at,
		                            "no flow of that number was opened; write 1 to %zu as "
		                            "\"flow\", or open it first",
		                            r->s->flows);
	return sl_ne_scenario_answers(&r->at, r->s, e);
}

static bool read_words(const struct reader *r, struct sl_ne_scenario_event *e)
{
	static const char *const handlers[] = { "atOnce", "later" };
	static const char *const controls[] = { "allow", "drop", "updateRules" };
	const char *reasons[SL_NE_STOP_REASON_COUNT];
	unsigned handler = 0, control = SL_NE_CONTROL_ALLOW, reason = SL_NE_STOP_userInitiated;
	for (unsigned i = 0; i < SL_NE_STOP_REASON_COUNT; i++)
		reasons[i] = sl_ne_stop_reason_name((enum sl_ne_stop_reason)i);
	bool ok = sl_ne_scenario_word(&r->at, e->json, "handler", handlers, SL_COUNT(handlers), &handler) &&
	          sl_ne_scenario_word(&r->at, e->json, "control", controls, SL_COUNT(controls), &control) &&
	          sl_ne_scenario_word(&r->at, e->json, "reason", reasons, SL_COUNT(reasons), &reason) &&
	          sl_ne_scenario_bool(&r->at, e->json, "fails", &e->fails) &&
	          sl_ne_scenario_bool(&r->at, e->json, "filterSockets", &e->filter_sockets) &&
	          sl_ne_scenario_bool(&r->at, e->json, "updateRules", &e->update_rules) &&
	          sl_ne_scenario_settings(&r->at, json_object_get(e->json, "settings"), &e->settings);
	e->later = handler == 1;
	e->control = (enum sl_ne_control_verdict)control;
	e->reason = (enum sl_ne_stop_reason)reason;
	return ok;
}

static bool read_rest(struct reader *r, struct sl_ne_scenario_event *e)
{
	switch (e->kind) {
	case SL_NE_SCENARIO_OPEN:
		return read_open(r, e);
	case SL_NE_SCENARIO_DATA:
		return read_data(r, e);
	case SL_NE_SCENARIO_FINISH:
		return e->direction != SL_NE_ANY ||
		       sl_ne_scenario_wrong(
		               &r->at, "it is not said which \"direction\" ends; write inbound or outbound");
	case SL_NE_SCENARIO_RESUME:
	case SL_NE_SCENARIO_UPDATE:
	case SL_NE_SCENARIO_ANSWER:
		return read_verdict(r, e);
	default:
		return true;
	}
}

static bool read_event(struct reader *r, struct sl_ne_scenario_event *e)
{
	const char *names[SL_NE_SCENARIO_KINDS];
	unsigned kind = SL_NE_SCENARIO_KINDS;
	for (unsigned i = 0; i < SL_NE_SCENARIO_KINDS; i++)
		names[i] = kinds[i].name;
	if (!sl_ne_scenario_word(&r->at, e->json, "event", names, SL_COUNT(names), &kind))
		return false;
	if (kind == SL_NE_SCENARIO_KINDS)
		return sl_ne_scenario_wrong(&r->at, "no \"event\"; write which it is, as \"open\"");
	e->kind = (enum sl_ne_scenario_kind)kind;
	return sl_ne_scenario_keys(&r->at, e->json, kinds[kind].keys,
	                           r->s->filters > 1 ? "time event note filter" : "time event note") &&
	       read_time(r, e) && sl_ne_scenario_whose(&r->at, r->s, e) && read_flow(r, e) &&
	       read_words(r, e) && read_rest(r, e);
}

static struct sl_ne_scenario_event *add_event(struct reader *r)
{
	struct sl_ne_scenario *s = r->s;
	if (s->events == r->cap) {
		size_t cap = r->cap == 0 ? 64 : r->cap * 2;
		void *more = reallocarray(s->event, cap, sizeof(s->event[0]));
		if (more == NULL)
			return NULL;
		s->event = (struct sl_ne_scenario_event *)more;
		r->cap = cap;
	}
	struct sl_ne_scenario_event *e = &s->event[s->events++];
	*e = (struct sl_ne_scenario_event){ .line = r->at.line };
	return e;
}

/* ---- lines ---- */

static bool read_head(struct reader *r, json_t *head)
{
	r->s->json = head;
	if (!sl_ne_scenario_text(&r->at, head, "scenario", TITLE_MAX, &r->s->title))
		return false;
	if (r->s->title == NULL)
		return sl_ne_scenario_wrong(&r->at,
		                            "the first line has no \"scenario\"; write what it shows");
	return sl_ne_scenario_keys(&r->at, head, "scenario profile platform control options provider filters",
	                           "note") &&
	       sl_ne_scenario_bool(&r->at, head, "control", &r->s->control) &&
	       sl_ne_scenario_options(&r->at, head, r->s) && sl_ne_scenario_filters(&r->at, head, r->s);
}

static int read_line(struct reader *r, struct sl_bytes line)
{
	json_error_t error;
	json_t *json =
	        json_loadb((const char *)line.p, line.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	if (!json_is_object(json)) {
		(void)sl_ne_scenario_wrong(&r->at, "no object of JSON (%s); write one object a line",
		                           json == NULL ? error.text : "something else");
		json_decref(json);
		return SL_EMALF;
	}
	if (r->s->json == NULL)
		return read_head(r, json) ? SL_OK : SL_EMALF;
	struct sl_ne_scenario_event *e = r->s->events < SL_NE_SCENARIO_EVENTS_MAX ? add_event(r) : NULL;
	if (e == NULL) {
		(void)sl_ne_scenario_wrong(&r->at, "too many events; write at most %d",
		                           SL_NE_SCENARIO_EVENTS_MAX);
		json_decref(json);
		return SL_EMALF;
	}
	e->json = json;
	return read_event(r, e) ? SL_OK : SL_EMALF;
}

static int read_lines(struct reader *r, struct sl_bytes text)
{
	struct sl_cur c = sl_cur_whole(text);
	int err = SL_OK;
	while (err == SL_OK && sl_cur_more(&c)) {
		struct sl_bytes line = sl_bytes_trim(sl_cur_line(&c));
		r->at.line++;
		if (line.len > 0)
			err = read_line(r, line);
	}
	if (err == SL_OK && r->s->json == NULL) {
		r->at.line = 1;
		(void)sl_ne_scenario_wrong(&r->at,
		                           "there is nothing; write {\"scenario\": \"what it shows\"}");
		err = SL_EMALF;
	}
	return err;
}

int sl_ne_scenario_read(const char *name, struct sl_bytes text, const struct sl_diag *diag,
                        struct sl_ne_scenario **out)
{
	struct reader r = { .at = { name, 0, diag } };
	r.s = (struct sl_ne_scenario *)calloc(1, sizeof(*r.s));
	if (r.s == NULL)
		return SL_ENOMEM;
	int err = read_lines(&r, text);
	if (err != SL_OK)
		sl_ne_scenario_free(&r.s);
	else
		*out = r.s;
	return err;
}

void sl_ne_scenario_free(struct sl_ne_scenario **scenario)
{
	struct sl_ne_scenario *s = sl_take(scenario);
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->events; i++) {
		struct sl_ne_scenario_event *e = &s->event[i];
		sl_ne_scenario_settings_free(e->settings);
		free(e->answer);
		free(e->answerer);
		free(e->owned);
		json_decref(e->json);
	}
	free(s->event);
	json_decref(s->json);
	free(s);
}
