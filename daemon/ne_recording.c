/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ne_recording.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/util.h"
#include "daemon/ne_recording_impl.h"

enum { FIRST_ROOM = 16, EVENT_ROOM = 4, KEY_MAX = 160 };

const char *sl_ne_seen_event_name(enum sl_ne_seen_event event)
{
	if (event == SL_NE_SEEN_LOG || event == SL_NE_SEEN_LOST)
		return event == SL_NE_SEEN_LOG ? "log line" : "lost";
	return sl_ne_event_name((enum sl_ne_event)event);
}

const char *sl_ne_seen_verdict_name(enum sl_ne_seen_verdict_kind kind)
{
	return kind == SL_NE_SEEN_NO_VERDICT ? "unknown"
	                                     : sl_ne_verdict_kind_name((enum sl_ne_verdict_kind)(kind - 1));
}

const char *sl_ne_seen_side_name(enum sl_ne_seen_side side)
{
	return side == SL_NE_OUT ? "outbound" : side == SL_NE_IN ? "inbound" : "any";
}

/* ---- endpoints ---- */

/* Address and port with this between them. */
static bool read_end(const char *text, char between, struct sl_ne_seen_end *out)
{
	char host[SL_NE_END_TEXT];
	struct sl_ne_seen_end end = { 0 };
	const char *at = strrchr(text, between);
	size_t n = at == NULL ? 0 : (size_t)(at - text);
	char *rest = NULL;
	unsigned long port = n == 0 || at[1] < '0' || at[1] > '9' ? UINT32_MAX : strtoul(at + 1, &rest, 10);
	if (port > UINT16_MAX || *rest != '\0' || n >= sizeof(host))
		return false;
	if (text[0] == '[' && n >= 2 && text[n - 1] == ']') {
		text++;
		n -= 2;
	}
	memcpy(host, text, n);
	host[n] = '\0';
	if (inet_pton(AF_INET, host, end.addr) == 1)
		end.family = 4;
	else if (inet_pton(AF_INET6, host, end.addr) == 1)
		end.family = 6;
	end.port = (uint16_t)port;
	*out = end;
	return end.family != 0 && (between == ':' || end.family == 6);
}

bool sl_ne_seen_end_read(const char *text, struct sl_ne_seen_end *out)
{
	return read_end(text, ':', out) || read_end(text, '.', out);
}

const char *sl_ne_seen_bytes_text(uint64_t n, char out[SL_NE_BYTES_TEXT])
{
	if (n == UINT64_MAX)
		(void)snprintf(out, SL_NE_BYTES_TEXT, "max");
	else
		(void)snprintf(out, SL_NE_BYTES_TEXT, "%" PRIu64, n);
	return out;
}

const char *sl_ne_seen_end_text(const struct sl_ne_seen_end *end, char out[SL_NE_END_TEXT])
{
	char host[INET6_ADDRSTRLEN] = "?";
	if (end->family == 0 && end->port == 0)
		(void)snprintf(out, SL_NE_END_TEXT, "?");
	else if (end->family == 0)
		(void)snprintf(out, SL_NE_END_TEXT, "?:%u", end->port);
	else if (inet_ntop(end->family == 4 ? AF_INET : AF_INET6, end->addr, host, sizeof(host)) != NULL)
		(void)snprintf(out, SL_NE_END_TEXT, end->family == 4 ? "%s:%u" : "[%s]:%u", host, end->port);
	return out;
}

bool sl_ne_seen_end_known(const struct sl_ne_seen_end *end)
{
	static const uint8_t zero[16];
	return end->family != 0 && (end->port != 0 || memcmp(end->addr, zero, sizeof(zero)) != 0);
}

bool sl_ne_seen_end_equal(const struct sl_ne_seen_end *a, const struct sl_ne_seen_end *b)
{
	return a->family == b->family && a->port == b->port && memcmp(a->addr, b->addr, sizeof(a->addr)) == 0;
}

bool sl_ne_seen_end_loopback(const struct sl_ne_seen_end *end)
{
	static const uint8_t one[16] = { [15] = 1 };
	return (end->family == 4 && end->addr[0] == 127) ||
	       (end->family == 6 && memcmp(end->addr, one, sizeof(one)) == 0);
}

/* ---- flows ---- */

struct sl_ne_seen_flow *sl_ne_recording_flow(struct sl_ne_recording *rec, enum sl_ne_seen_family family,
                                             const char *name)
{
	char key[KEY_MAX];
	(void)snprintf(key, sizeof(key), "%d %s", (int)family, name);
	const json_t *at = json_object_get(rec->index, key);
	if (at != NULL)
		return &rec->flow[json_integer_value(at)];
	if (rec->flows == rec->room) {
		size_t room = rec->room == 0 ? FIRST_ROOM : rec->room * 2;
		struct sl_ne_seen_flow *grown = realloc(rec->flow, room * sizeof(*grown));
		if (grown == NULL)
			return NULL;
		rec->flow = grown;
		rec->room = room;
	}
	struct sl_ne_seen_flow *flow = &rec->flow[rec->flows];
	*flow = (struct sl_ne_seen_flow){ .family = family, .direction = -1, .name = strdup(name) };
	if (flow->name == NULL ||
	    json_object_set_new(rec->index, key, json_integer((json_int_t)rec->flows)) != 0) {
		free(flow->name);
		return NULL;
	}
	rec->flows++;
	return flow;
}

int sl_ne_recording_add(struct sl_ne_seen_flow *flow, const struct sl_ne_seen *event)
{
	if (flow->n == flow->room) {
		size_t room = flow->room == 0 ? EVENT_ROOM : flow->room * 2;
		struct sl_ne_seen *grown = realloc(flow->event, room * sizeof(*grown));
		if (grown == NULL)
			return SL_ENOMEM;
		flow->event = grown;
		flow->room = room;
	}
	flow->event[flow->n++] = *event;
	return SL_OK;
}

static void free_flow(struct sl_ne_seen_flow *flow)
{
	free(flow->name);
	free(flow->host);
	free(flow->app);
	free(flow->event);
}

void sl_ne_recording_free(struct sl_ne_recording **rec)
{
	struct sl_ne_recording *old = sl_take(rec);
	if (old == NULL)
		return;
	for (size_t i = 0; i < old->flows; i++)
		free_flow(&old->flow[i]);
	free_flow(&old->filter);
	free(old->flow);
	free(old->name);
	free(old->writer);
	for (size_t i = 0; i < SL_NE_FILTERS_MAX; i++)
		free(old->filters[i]);
	free(old->profile);
	json_decref(old->index);
	free(old);
}

/* ---- lines ---- */

static bool blank(struct sl_bytes line)
{
	for (size_t i = 0; i < line.len; i++)
		if (line.p[i] != ' ' && line.p[i] != '\t' && line.p[i] != '\r')
			return false;
	return true;
}

/* The first line says what the rest is; the head of a trace may be lost. */
static int take_line(struct sl_ne_reader *r, struct sl_bytes line, bool *sure)
{
	struct sl_ne_recording *rec = r->rec;
	json_t *object = NULL;
	int err = SL_EMALF;
	if (line.p[0] == '{')
		object = json_loadb((const char *)line.p, line.len, JSON_REJECT_DUPLICATES, NULL);
	if (object != NULL && !json_is_object(object)) {
		json_decref(object);
		object = NULL;
	}
	if (!*sure && object != NULL) {
		rec->kind = sl_ne_trace_is(object) ? SL_NE_TRACE : SL_NE_LOG;
		*sure = true;
	} else if (!*sure && line.p[0] != '{') {
		rec->kind = SL_NE_LOG;
		*sure = true;
	}
	if (*sure && rec->kind == SL_NE_LOG)
		err = sl_ne_log_take(r, object, line, (uint32_t)rec->lines);
	else if (*sure && object != NULL)
		err = sl_ne_trace_take(r, object, (uint32_t)rec->lines);
	json_decref(object);
	if (err != SL_EMALF)
		return err;
	rec->malformed++;
	return SL_OK;
}

static int take_all(struct sl_ne_reader *r, FILE *from)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	bool sure = false;
	int err = SL_OK;
	while (err == SL_OK && (n = getline(&line, &room, from)) >= 0) {
		struct sl_bytes text = sl_bytes_of(line, (size_t)n);
		if (text.len > 0 && text.p[text.len - 1] == '\n')
			text.len--;
		if (++r->rec->lines > UINT32_MAX)
			err = SL_ELIMIT;
		else if (!blank(text))
			err = take_line(r, text, &sure);
	}
	if (err == SL_OK && ferror(from))
		err = SL_ESYS;
	free(line);
	return err;
}

int sl_ne_recording_read(FILE *from, const char *name, const struct sl_diag *diag,
                         struct sl_ne_recording **out)
{
	struct sl_ne_recording *rec = calloc(1, sizeof(*rec));
	struct sl_ne_reader reader = { .rec = rec, .diag = diag };
	if (rec == NULL)
		return SL_ENOMEM;
	rec->redeliver = true;
	rec->filter.direction = -1;
	rec->name = strdup(name);
	rec->index = json_object();
	int err = rec->name == NULL || rec->index == NULL ? SL_ENOMEM : take_all(&reader, from);
	free(reader.last_divert);
	if (err == SL_OK && rec->flows == 0 && rec->filter.n == 0 && !rec->head && !rec->trailer) {
		sl_diag(diag, name, 0,
		        "no trace of a content filter and no log of macOS with a line about one; see sluice "
		        "compare --help");
		err = SL_EMALF;
	}
	if (err == SL_OK)
		*out = sl_take(&rec);
	sl_ne_recording_free(&rec);
	return err;
}
