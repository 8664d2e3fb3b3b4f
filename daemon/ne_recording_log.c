/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_recording_log.c - lines of `log show`, as ndjson (its last object has no message) or as text. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <time.h>

#include "base/cur.h"
#include "base/util.h"
#include "daemon/ne_recording_impl.h"

enum { NAME_MAX_LEN = 128, MICROSECOND_DIGITS = 6 };

/* ---- timestamps ---- */

static int digits(struct sl_cur *c, size_t n)
{
	int value = 0;
	for (size_t i = 0; i < n; i++) {
		uint8_t d = sl_cur_u8(c);
		if (d < '0' || d > '9')
			sl_cur_fail(c, SL_EPROTO);
		value = value * 10 + (d - '0');
	}
	return c->err == SL_OK ? value : 0;
}

static bool next_is(const struct sl_cur *c, char a, char b)
{
	return sl_cur_more(c) && (*c->p == (uint8_t)a || *c->p == (uint8_t)b);
}

static void need(struct sl_cur *c, char a, char b)
{
	if (!next_is(c, a, b))
		sl_cur_fail(c, SL_EPROTO);
	sl_cur_skip(c, 1);
}

static int64_t fraction(struct sl_cur *c)
{
	int64_t us = 0;
	int n = 0;
	if (!next_is(c, '.', ','))
		return 0;
	sl_cur_skip(c, 1);
	for (; sl_cur_more(c) && *c->p >= '0' && *c->p <= '9'; n++) {
		uint8_t d = (uint8_t)(sl_cur_u8(c) - '0');
		us = n < MICROSECOND_DIGITS ? us * 10 + d : us;
	}
	for (; n < MICROSECOND_DIGITS; n++)
		us *= 10;
	return us;
}

/* Seconds east of UTC; none is UTC. */
static int64_t zone(struct sl_cur *c)
{
	if (next_is(c, 'Z', 'z'))
		sl_cur_skip(c, 1);
	else if (next_is(c, '+', '-')) {
		int sign = sl_cur_u8(c) == '-' ? -1 : 1;
		int hours = digits(c, 2);
		if (next_is(c, ':', ':'))
			sl_cur_skip(c, 1);
		return sign * ((int64_t)hours * 3600 + (int64_t)digits(c, 2) * 60);
	}
	return 0;
}

bool sl_ne_timestamp(struct sl_bytes text, int64_t *out, size_t *used)
{
	struct sl_cur c = sl_cur_whole(text);
	struct tm tm = { 0 };
	tm.tm_year = digits(&c, 4) - 1900;
	need(&c, '-', '-');
	tm.tm_mon = digits(&c, 2) - 1;
	need(&c, '-', '-');
	tm.tm_mday = digits(&c, 2);
	need(&c, ' ', 'T');
	tm.tm_hour = digits(&c, 2);
	need(&c, ':', ':');
	tm.tm_min = digits(&c, 2);
	need(&c, ':', ':');
	tm.tm_sec = digits(&c, 2);
	int64_t us = fraction(&c), east = zone(&c);
	if (c.err != SL_OK)
		return false;
	*out = ((int64_t)timegm(&tm) - east) * 1000000 + us;
	*used = text.len - c.left;
	return true;
}

/* ---- which flow ---- */

static void keep(char **to, struct sl_bytes text)
{
	if (*to == NULL && text.p != NULL && text.len > 0)
		*to = strndup((const char *)text.p, text.len);
}

static void keep_end(struct sl_ne_seen_end *to, struct sl_bytes addr, uint16_t port, bool has_port)
{
	char text[SL_NE_END_TEXT];
	struct sl_ne_seen_end end;
	if (has_port && to->port == 0)
		to->port = port;
	if (addr.p == NULL || addr.len > INET6_ADDRSTRLEN)
		return;
	(void)snprintf(text, sizeof(text), "%.*s:%u", (int)addr.len, (const char *)addr.p, port);
	if (sl_ne_seen_end_read(text, &end) && !sl_ne_seen_end_known(to))
		*to = end;
}

static struct sl_ne_seen_flow *filter_flow(struct sl_ne_reader *r, const struct sl_ne_log_line *l)
{
	char name[NAME_MAX_LEN];
	if (l->has_sock_id)
		(void)snprintf(name, sizeof(name), "sock %llu", (unsigned long long)l->sock_id);
	else if (l->socket != 0)
		(void)snprintf(name, sizeof(name), "so %llx %u %u %.*s", (unsigned long long)l->socket,
		               l->local_port, l->remote_port, (int)sl_bytes_first(l->hash, 16).len,
		               l->hash.p == NULL ? "" : (const char *)l->hash.p);
	else
		(void)snprintf(name, sizeof(name), "without number");
	return sl_ne_recording_flow(r->rec, SL_NE_SEEN_FILTER, name);
}

/* A line that has lost its number is taken for the flow that spoke before it. */
static struct sl_ne_seen_flow *divert_flow(struct sl_ne_reader *r, const struct sl_ne_log_line *l)
{
	char name[NAME_MAX_LEN] = "without number";
	if (l->has_flow)
		(void)snprintf(name, sizeof(name), "%llu", (unsigned long long)l->flow);
	else if (r->last_divert != NULL)
		(void)snprintf(name, sizeof(name), "%s", r->last_divert);
	struct sl_ne_seen_flow *flow = sl_ne_recording_flow(r->rec, SL_NE_SEEN_DIVERT, name);
	if (flow == NULL)
		return NULL;
	flow->unnumbered += !l->has_flow;
	if (l->has_flow) {
		free(r->last_divert);
		r->last_divert = strdup(name);
	}
	return flow;
}

static int take_read(struct sl_ne_reader *r, struct sl_ne_log_line *l, int64_t time, uint32_t line)
{
	struct sl_ne_seen e = { .line = line, .time = time, .event = SL_NE_SEEN_LOG, .side = SL_NE_BOTH };
	struct sl_ne_seen_flow *flow = l->layer == SL_NE_LOG_PIR              ? &r->rec->filter
	                               : l->layer == SL_NE_LOG_CONTENT_FILTER ? filter_flow(r, l)
	                                                                      : divert_flow(r, l);
	if (flow == NULL)
		return SL_ENOMEM;
	if (l->layer == SL_NE_LOG_CONTENT_FILTER && l->id != SL_NE_LOG_CF_30) {
		flow->direction = l->inbound ? SL_NE_IN : SL_NE_OUT;
		flow->protocol = l->protocol == 0 ? flow->protocol : l->protocol;
		keep_end(&flow->local, l->local, l->local_port, l->has_ports);
		keep_end(&flow->remote, l->remote, l->remote_port, l->has_ports);
		keep(&flow->app, l->process);
	} else if (sl_bytes_equal_nocase(l->type, sl_bytes_str("stream"))) {
		flow->protocol = 6;
	} else if (sl_bytes_equal_nocase(l->type, sl_bytes_str("datagram"))) {
		flow->protocol = 17;
	}
	if (l->layer != SL_NE_LOG_PIR)
		keep(&flow->app, l->app);
	l->type = l->app = l->process = l->local = l->remote = l->hash = (struct sl_bytes){ NULL, 0 };
	e.log = *l;
	r->rec->events++;
	r->rec->hidden += l->hidden;
	return sl_ne_recording_add(flow, &e);
}

/* ---- one line ---- */

static int64_t time_of(struct sl_ne_reader *r, struct sl_bytes text, size_t *used)
{
	struct sl_ne_recording *rec = r->rec;
	int64_t at;
	if (!sl_ne_timestamp(text, &at, used))
		return rec->end;
	if (!r->has_time) {
		r->has_time = true;
		r->first = at;
		rec->has_started = true;
		rec->started = at;
	}
	at -= r->first;
	rec->end = at > rec->end ? at : rec->end;
	return at < 0 ? 0 : at;
}

/* Of text: what stands behind "process[pid]: " or "(Library) ". */
static struct sl_bytes message_of(struct sl_bytes text)
{
	for (size_t at = 0; at + 3 <= text.len; at++) {
		if (text.p[at] == '>' || text.p[at] == '<')
			break;
		if (memcmp(text.p + at, "]: ", 3) == 0)
			return sl_bytes_skip(text, at + 3);
	}
	return text;
}

int sl_ne_log_take(struct sl_ne_reader *r, const json_t *object, struct sl_bytes text, uint32_t line)
{
	struct sl_ne_log_line l;
	size_t used = 0;
	const json_t *message = json_object_get(object, "eventMessage");
	r->rec->mac = true;
	if (object != NULL && message == NULL) { /* the trailer: {"count":12,"finished":1} */
		r->rec->trailer |= json_object_get(object, "finished") != NULL;
		return SL_OK;
	}
	if (object == NULL && text.p[0] == '{')
		return SL_EMALF;
	struct sl_bytes stamp =
	        object == NULL ? text : sl_bytes_str(json_string_value(json_object_get(object, "timestamp")));
	int64_t time = time_of(r, stamp, &used);
	if (object == NULL)
		text = message_of(sl_bytes_trim(sl_bytes_skip(text, used)));
	else
		text = sl_bytes_of(json_string_value(message), json_string_length(message));
	if (text.p == NULL || sl_ne_log_read(text, &l) != SL_OK) {
		r->rec->unknown++;
		return SL_OK;
	}
	return take_read(r, &l, time, line);
}
