/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/support/provider_stage.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/provider_message.h"

#define MUST(what)                                                                           \
	do {                                                                                 \
		if (!(what)) {                                                               \
			(void)fprintf(stderr, "%s:%d: %s: %m\n", __FILE__, __LINE__, #what); \
			abort();                                                             \
		}                                                                            \
	} while (0)

static struct sockaddr_un address(const struct stage *s, socklen_t *len)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = strlen(s->path);
	memcpy(a.sun_path + 1, s->path, n); /* abstract: no file is left */
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n);
	return a;
}

/* ---- the driver ---- */

static struct stage_flow *of(void *ctx, const struct sl_ne_flow *flow)
{
	struct stage *s = (struct stage *)ctx;
	return &s->flow[(uintptr_t)flow->driver];
}

static void on_decided(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	(void)now;
	of(ctx, flow)->decided = true;
}

static void on_release(void *ctx, struct sl_ne_flow *flow, enum sl_ne_direction direction,
                       const struct sl_ne_packet *packet, struct sl_mono now)
{
	(void)now;
	of(ctx, flow)->released[direction == SL_NE_INBOUND] += packet->bytes.len;
}

static void on_drop(void *ctx, struct sl_ne_flow *flow, enum sl_ne_direction direction,
                    const struct sl_ne_packet *packet, struct sl_mono now)
{
	(void)now;
	of(ctx, flow)->dropped[direction == SL_NE_INBOUND] += packet->bytes.len;
}

static void on_detached(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	(void)now;
	of(ctx, flow)->open = true;
}

static void on_refuse(void *ctx, struct sl_ne_flow *flow, unsigned refusal, struct sl_mono now)
{
	(void)refusal, (void)now;
	of(ctx, flow)->refused = true;
}

static void on_closed(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	(void)now;
	of(ctx, flow)->flow = NULL;
}

static void on_say(void *ctx, bool trouble, const char *text)
{
	struct stage *s = (struct stage *)ctx;
	size_t n = strlen(s->said);
	(void)snprintf(s->said + n, sizeof(s->said) - n, "%s%s\n", trouble ? "! " : "", text);
}

static int listen_at(struct stage *s)
{
	static unsigned number;
	socklen_t len;
	(void)snprintf(s->path, sizeof(s->path), "sluice-test-%d-%u", (int)getpid(), number++);
	struct sockaddr_un a = address(s, &len);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	MUST(fd >= 0 && bind(fd, (const struct sockaddr *)&a, len) == 0 && listen(fd, 16) == 0);
	return fd;
}

void stage_begin(struct stage *s, enum sl_ne_profile profile, int64_t deadline_ms, uint32_t max_flows)
{
	*s = (struct stage){ .peer.fd = -1, .now = { 1000000 }, .cap = max_flows };
	struct sl_ne_filter_config config = { .options = sl_ne_options_of(profile) };
	config.options.answer = sl_span_ms(deadline_ms);
	config.options.max_flows = max_flows;
	const struct sl_provider_config provider = { .listen = listen_at(s),
		                                     .options = config.options,
		                                     .buffer = (size_t)2 * SL_PROVIDER_BUFFER_MIN,
		                                     .say = on_say,
		                                     .ctx = s };
	MUST(sl_provider_external_new(&provider, &s->source) == SL_OK);
	config.provider = s->source->provider;
	config.sink = (struct sl_ne_sink){ .ctx = s,
		                           .decided = on_decided,
		                           .release = on_release,
		                           .drop = on_drop,
		                           .detached = on_detached,
		                           .refuse = on_refuse,
		                           .closed = on_closed };
	config.configuration.filter_sockets = true;
	s->flow = (struct stage_flow *)calloc(max_flows, sizeof(s->flow[0]));
	s->peer.cap = (size_t)8 << 20;
	s->peer.in = (uint8_t *)malloc(s->peer.cap);
	MUST(s->flow != NULL && s->peer.in != NULL);
	MUST(sl_ne_filter_new(&config, s->now, &s->filter) == SL_OK);
	MUST(sl_ne_filter_start(s->filter, s->now) == SL_OK);
}

void stage_end(struct stage *s)
{
	sl_ne_filter_free(&s->filter);
	s->source->close(s->source);
	stage_close(s);
	free(s->flow);
	free(s->peer.in);
}

static bool is_ready(const struct stage *s)
{
	struct pollfd p = { .fd = s->source->fd, .events = s->source->events };
	return poll(&p, 1, 0) > 0;
}

void stage_pump(struct stage *s)
{
	struct sl_ne_source *p = s->source;
	struct sl_mono due;
	p->flush(p->ctx, s->now);
	for (bool again = true; again;) {
		again = false;
		if (is_ready(s)) {
			p->ready(p->ctx, p->events, s->now);
			p->flush(p->ctx, s->now);
			again = true;
		}
		if (p->due(p->ctx, &due) && sl_mono_reached(s->now, due)) {
			p->expired(p->ctx, s->now);
			again = true;
		}
	}
}

void stage_time(struct stage *s, int64_t ms)
{
	struct sl_mono until = sl_mono_add(s->now, sl_span_ms(ms)), filter, source;
	for (;;) {
		bool f = sl_ne_filter_due(s->filter, &filter), p = s->source->due(s->source->ctx, &source);
		struct sl_mono next = !f || (p && source.us < filter.us) ? source : filter;
		if ((!f && !p) || !sl_mono_reached(until, next))
			break;
		s->now.us = next.us > s->now.us ? next.us : s->now.us;
		if (p && sl_mono_reached(s->now, source))
			s->source->expired(s->source->ctx, s->now);
		if (f && sl_mono_reached(s->now, filter))
			sl_ne_filter_tick(s->filter, s->now);
	}
	s->now = until;
	stage_pump(s);
}

size_t stage_open(struct stage *s, int protocol)
{
	size_t n = s->flows++;
	struct sl_ne_opening opening = { .info = { .direction = SL_NE_OUTBOUND,
		                                   .local = { SL_NE_HOST_IPV4, { 10, 0, 0, 2 }, NULL, 40000 },
		                                   .remote = { SL_NE_HOST_IPV4, { 192, 0, 2, 1 }, NULL, 443 },
		                                   .socket_family = 4,
		                                   .socket_protocol = (uint8_t)protocol,
		                                   .socket_type = protocol == 6 ? SL_NE_SOCK_STREAM
		                                                                : SL_NE_SOCK_DGRAM },
		                         .driver = (void *)(uintptr_t)n };
	MUST(n < s->cap);
	MUST(sl_ne_filter_open_flow(s->filter, &opening, s->now, &s->flow[n].flow) == SL_OK);
	s->flow[n].number = n + 1;
	return n;
}

void stage_data(struct stage *s, size_t flow, enum sl_ne_direction direction, const void *bytes, size_t len)
{
	const struct sl_ne_packet packet = { sl_bytes_of(bytes, len), 0 };
	if (s->flow[flow].flow != NULL)
		sl_ne_filter_data(s->filter, s->flow[flow].flow, direction, &packet, s->now);
}

/* ---- the provider's end ---- */

void stage_connect(struct stage *s)
{
	socklen_t len;
	struct sockaddr_un a = address(s, &len);
	stage_close(s);
	s->peer.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	MUST(s->peer.fd >= 0 && connect(s->peer.fd, (const struct sockaddr *)&a, len) == 0);
	stage_pump(s);
}

void stage_close(struct stage *s)
{
	if (s->peer.fd >= 0)
		(void)close(s->peer.fd);
	s->peer.fd = -1;
	s->peer.len = 0;
}

void stage_raw(struct stage *s, const void *bytes, size_t len)
{
	const uint8_t *p = (const uint8_t *)bytes;
	while (len > 0) {
		ssize_t n = send(s->peer.fd, p, len, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			return; /* it was closed */
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
		stage_pump(s);
	}
}

void stage_say(struct stage *s, const char *fmt, ...)
{
	uint8_t m[4096];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf((char *)m + SL_PROVIDER_HEAD, sizeof(m) - SL_PROVIDER_HEAD, fmt, ap);
	va_end(ap);
	MUST(n > 0 && (size_t)n < sizeof(m) - SL_PROVIDER_HEAD);
	struct sl_out head = sl_out_of(m, SL_PROVIDER_HEAD);
	sl_out_u32(&head, (uint32_t)n);
	stage_raw(s, m, SL_PROVIDER_HEAD + (size_t)n);
}

static uint32_t length_of(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void fill(struct stage *s)
{
	struct stage_peer *p = &s->peer;
	while (p->fd >= 0 && (p->len < SL_PROVIDER_HEAD || p->len < SL_PROVIDER_HEAD + length_of(p->in))) {
		stage_pump(s);
		ssize_t n = recv(p->fd, p->in + p->len, p->cap - p->len, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN)) {
			(void)close(p->fd);
			p->fd = -1;
		}
		if (n <= 0)
			return;
		p->len += (size_t)n;
	}
}

json_t *stage_hear(struct stage *s)
{
	struct stage_peer *p = &s->peer;
	fill(s);
	if (p->len < SL_PROVIDER_HEAD || p->len < SL_PROVIDER_HEAD + length_of(p->in))
		return NULL;
	size_t n = length_of(p->in), whole = SL_PROVIDER_HEAD + n;
	json_t *m = json_loadb((const char *)p->in + SL_PROVIDER_HEAD, n, JSON_REJECT_DUPLICATES, NULL);
	MUST(json_is_object(m));
	memmove(p->in, p->in + whole, p->len - whole);
	p->len -= whole;
	return m;
}

json_t *stage_hear_a(struct stage *s, const char *message)
{
	json_t *m;
	while ((m = stage_hear(s)) != NULL) {
		if (strcmp(json_string_value(json_object_get(m, "message")), message) == 0)
			return m;
		json_decref(m);
	}
	return NULL;
}

void stage_answer(struct stage *s, json_t *question, const char *verdict)
{
	long long flow = json_integer_value(json_object_get(question, "flow")),
	          number = json_integer_value(json_object_get(question, "question"));
	MUST(number > 0);
	json_decref(question);
	stage_say(s, "{\"message\":\"verdict\",\"flow\":%lld,\"question\":%lld,\"verdict\":%s}", flow, number,
	          verdict);
}

void stage_start(struct stage *s)
{
	stage_connect(s);
	stage_say(
	        s,
	        "{\"message\":\"hello\",\"protocol\":\"sluice-provider\",\"version\":1,\"name\":\"stage\"}");
	json_t *m = stage_hear_a(s, "startFilter");
	MUST(m != NULL);
	json_decref(m);
	stage_say(s, "{\"message\":\"filterStarted\"}");
	MUST(sl_ne_filter_state(s->filter) == SL_NE_FILTER_RUNNING);
}
