/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench_flows.c - what a judged flow costs, by protocol, from the packets to the verdict without a kernel: IP header read, flow
 * table, sniffer, provider (which answers at once: a verdict of lists has its own bench, sl_verdict), answer. Each flow is a
 * new one but for http1/next and h2/next. And what the readers cost alone. The number of entries means nothing here. */
#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "bench/bench.h"
#include "bench/wire.h"
#include "filter/filter.h"
#include "filter/sniff_dns.h"
#include "filter/sniff_h2.h"
#include "filter/sniff_http1.h"
#include "filter/sniff_tls.h"
#include "tests/support/quic_text.h"

enum {
	PACKETS = 2,
	PACKET_MAX = 2048,
	IP4 = 20,
	TCP = 20,
	UDP = 8,
	RECORD = 5,
	FLOWS = 1 << 16,
	BUDGET = 16384
};
enum { HELLO = 517, HELLO_PQ = 1800, SEGMENT = 1400 };

struct state {
	struct sl_filter *filter;
	struct sl_filter_stats stats;
	uint8_t mem[PACKETS][PACKET_MAX];
	size_t len[PACKETS], packets;
	struct sl_bytes payload; /* of the first, all that a reader needs */
	bool tcp, same_flow;
	uint64_t flows;
	uint32_t seq;
	uint8_t text[4096], scratch[BUDGET];
	struct sl_h2_pool *h2;
	sl_h2_flow h2_flow;
};

static void judge(void *ctx, const struct sl_subject *s, struct sl_judgement *out)
{
	bool block = s->host.len == 0 || s->host.p[0] == 'x';
	(void)ctx;
	*out = (struct sl_judgement){ .block = block, .list = SL_NO_LIST };
}

/* A packet from 10.0.0.9, whose ports and sequence numbers are set for each flow. */
static void add_packet(struct state *st, struct sl_bytes payload, uint16_t dport)
{
	uint8_t *ip = st->mem[st->packets], *transport = ip + IP4;
	size_t head = st->tcp ? TCP : UDP;
	static const uint8_t addresses[8] = { 10, 0, 0, 9, 10, 0, 0, 1 };
	if (IP4 + head + payload.len > PACKET_MAX)
		abort();
	ip[0] = 0x45;
	sl_put16(ip + 2, IP4 + head + payload.len);
	ip[8] = 64;
	ip[9] = st->tcp ? 6 : 17;
	memcpy(ip + 12, addresses, sizeof(addresses));
	sl_put16(transport + 2, dport);
	if (st->tcp) {
		transport[12] = TCP / 4 << 4;
		transport[13] = SL_TCP_ACK;
	} else {
		sl_put16(transport + 4, head + payload.len);
	}
	memcpy(transport + head, payload.p, payload.len);
	st->len[st->packets++] = IP4 + head + payload.len;
}

static struct state *make(bool tcp)
{
	struct state *st = (struct state *)calloc(1, sizeof(*st));
	const struct sl_provider provider = { .judge = judge };
	const struct sl_filter_cfg cfg = { .max_flows = FLOWS,
		                           .max_streams = 1024,
		                           .max_held = 64,
		                           .budget = BUDGET,
		                           .seed = 1,
		                           .hold_limit = sl_span_ms(500),
		                           .flow_idle = sl_span_ms(120000) };
	if (st == NULL || sl_filter_new(&cfg, &provider, &st->stats, &st->filter) != SL_OK) {
		free(st);
		return NULL;
	}
	st->tcp = tcp;
	st->seq = 1;
	return st;
}

/* A hello in one record, in as many segments as it takes. */
static struct state *make_tls(size_t hello)
{
	struct state *st = make(true);
	if (st == NULL)
		return NULL;
	struct sl_out o = sl_out_of(st->text + RECORD, sizeof(st->text) - RECORD);
	quic_text_hello("www.example.com", hello, &o);
	st->text[0] = 22;
	st->text[1] = 3;
	st->text[2] = 1;
	sl_put16(st->text + 3, o.len);
	st->payload = sl_bytes_of(st->text, RECORD + o.len);
	add_packet(st, sl_bytes_first(st->payload, SEGMENT), 443);
	if (st->payload.len > SEGMENT)
		add_packet(st, sl_bytes_skip(st->payload, SEGMENT), 443);
	return st;
}

static void *setup_tls(uint64_t entries)
{
	(void)entries;
	return make_tls(HELLO);
}

static void *setup_tls_pq(uint64_t entries)
{
	(void)entries;
	return make_tls(HELLO_PQ);
}

static struct state *make_text(const char *text, uint16_t port)
{
	struct state *st = make(true);
	if (st == NULL)
		return NULL;
	st->payload = sl_bytes_of(text, strlen(text));
	add_packet(st, st->payload, port);
	return st;
}

/* As a browser asks: 400 bytes of fields. */
static const char request[] =
        "GET /images/2026/11/logo-small.png?v=12 HTTP/1.1\r\nHost: www.example.com\r\nConnection: "
        "keep-alive\r\n"
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 "
        "Safari/537.36\r\nAccept: image/avif,image/webp,image/apng,image/*,*/*;q=0.8\r\n"
        "Referer: http://www.example.com/\r\nAccept-Encoding: gzip, deflate\r\nAccept-Language: "
        "en-US,en;q=0.9\r\n\r\n";

static void *setup_http(uint64_t entries)
{
	(void)entries;
	return make_text(request, 80);
}

static void *setup_http_next(uint64_t entries)
{
	struct state *st = make_text(request, 80);
	(void)entries;
	if (st != NULL)
		st->same_flow = true;
	return st;
}

/* The same request in HTTP/2, as nghttp2 encodes it: a HEADERS frame. The first of a connection is literal, later ones speak of
 * the table, but for the path. */
static size_t put_h2(nghttp2_hd_deflater *deflater, const char *host, uint8_t *to, size_t room)
{
	const char *fields[][2] = {
		{ ":method", "GET" },
		{ ":scheme", "http" },
		{ ":authority", host },
		{ ":path", "/images/2026/11/logo-small.png?v=12" },
		{ "user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
		                "Chrome/130.0.0.0 Safari/537.36" },
		{ "accept", "image/avif,image/webp,image/apng,image/*,*/*;q=0.8" },
		{ "referer", "http://www.example.com/" },
		{ "accept-encoding", "gzip, deflate" },
		{ "accept-language", "en-US,en;q=0.9" },
	};
	enum { PATH = 3, HEAD = 9 };
	nghttp2_nv nv[SL_COUNT(fields)];
	for (size_t i = 0; i < SL_COUNT(fields); i++)
		nv[i] = (nghttp2_nv){ (uint8_t *)(uintptr_t)fields[i][0], (uint8_t *)(uintptr_t)fields[i][1],
			              strlen(fields[i][0]), strlen(fields[i][1]),
			              i == PATH ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE };
	ssize_t n = nghttp2_hd_deflate_hd(deflater, to + HEAD, room - HEAD, nv, SL_COUNT(nv));
	if (n < 0)
		abort();
	static const uint8_t head[HEAD] = { 0, 0, 0, 1, 5, 0, 0, 0, 1 };
	memcpy(to, head, HEAD);
	sl_put16(to + 1, (size_t)n);
	return HEAD + (size_t)n;
}

/* Two packets: the preface, SETTINGS and the first request; a later request. */
static struct state *make_h2(const char *host)
{
	static const char start[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";
	struct state *st = make(true);
	nghttp2_hd_deflater *deflater;
	if (st == NULL || nghttp2_hd_deflate_new(&deflater, 4096) != 0)
		abort();
	memcpy(st->text, start, sizeof(start)); /* with the 0 at the end of SETTINGS' head */
	size_t first = sizeof(start);
	first += put_h2(deflater, host, st->text + first, sizeof(st->text) - first);
	size_t next = put_h2(deflater, host, st->text + first, sizeof(st->text) - first);
	add_packet(st, sl_bytes_of(st->text, first), 80);
	add_packet(st, sl_bytes_of(st->text + first, next), 80);
	st->payload = sl_bytes_of(st->text + SL_H2_PREFACE, first + next - SL_H2_PREFACE);
	nghttp2_hd_deflate_del(deflater);
	return st;
}

/* A flow that is blocked gives its memory back, so that the next one has some. */
static void *setup_h2(uint64_t entries)
{
	struct state *st = make_h2("xww.example.com");
	(void)entries;
	st->packets = 1;
	return st;
}

static void flow(void *arg, uint64_t n);

static void *setup_h2_next(uint64_t entries)
{
	struct state *st = make_h2("www.example.com");
	(void)entries;
	st->same_flow = true;
	flow(st, 1);
	memcpy(st->mem[0], st->mem[1], sizeof(st->mem[0]));
	st->len[0] = st->len[1];
	st->packets = 1;
	return st;
}

static void *setup_read_h2(uint64_t entries)
{
	struct state *st = make_h2("www.example.com");
	struct sl_http_request r;
	size_t used;
	(void)entries;
	if (sl_h2_pool_new(1, &st->h2) != SL_OK)
		abort();
	st->h2_flow = sl_h2_open(st->h2);
	if (sl_h2_read(st->h2, st->h2_flow, st->payload, &used, &r) != SL_OK)
		abort();
	st->payload = sl_bytes_skip(st->payload, used);
	return st;
}

static void *setup_other(uint64_t entries)
{
	(void)entries;
	return make_text("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", 22);
}

static const uint8_t query[] = { 0x12, 0x34, 1,   0,   0,   1,   0,   0,   0,   0, 0,   1,   3,   'w', 'w',
	                         'w',  7,    'e', 'x', 'a', 'm', 'p', 'l', 'e', 3, 'c', 'o', 'm', 0,   0,
	                         1,    0,    1,   0,   0,   41,  4,   208, 0,   0, 0,   0,   0,   0 };

static void *setup_dns(uint64_t entries)
{
	struct state *st = make(false);
	(void)entries;
	if (st == NULL)
		return NULL;
	st->payload = sl_bytes_of(query, sizeof(query));
	add_packet(st, st->payload, 53);
	return st;
}

static struct state *make_quic(size_t hello, const char *const text[PACKETS])
{
	struct state *st = make(false);
	if (st == NULL)
		return NULL;
	struct sl_out o = sl_out_of(st->text, sizeof(st->text));
	quic_text_hello("www.example.com", hello, &o);
	for (size_t i = 0; i < PACKETS && text[i] != NULL; i++) {
		uint8_t datagram[1300];
		struct sl_out to = sl_out_of(datagram, sizeof(datagram));
		quic_text(text[i], sl_bytes_of(o.p, o.len), sl_bytes_of(o.p, o.len), &to);
		add_packet(st, sl_bytes_of(to.p, to.len), 443);
	}
	return st;
}

static void *setup_quic(uint64_t entries)
{
	static const char *const text[PACKETS] = { "I c- p" };
	(void)entries;
	return make_quic(HELLO, text);
}

static void *setup_quic_pq(uint64_t entries)
{
	static const char *const text[PACKETS] = { "I c1100- c0-200 p", "I n1 c200-1100 p" };
	(void)entries;
	return make_quic(HELLO_PQ, text);
}

static void teardown(void *arg)
{
	struct state *st = (struct state *)arg;
	if (st == NULL)
		return;
	sl_filter_free(&st->filter);
	sl_h2_pool_free(&st->h2);
	free(st);
}

/* The next flow, or the next request of the same. */
static void next_flow(struct state *st)
{
	uint64_t id = st->same_flow ? 0 : st->flows;
	uint32_t seq = st->same_flow ? st->seq : 1;
	st->flows++;
	for (size_t i = 0; i < st->packets; i++) {
		uint8_t *transport = st->mem[i] + IP4;
		sl_put16(transport, id & 0xffff);
		st->mem[i][14] = (uint8_t)(id >> 16);
		if (st->tcp)
			sl_put32(transport + 4, seq);
		seq += (uint32_t)st->len[i] - IP4 - TCP;
	}
	st->seq = seq;
}

static void flow(void *arg, uint64_t n)
{
	struct state *st = (struct state *)arg;
	struct sl_answer answer[8];
	struct sl_reset reset[2];
	for (uint64_t k = 0; k < n; k++) {
		next_flow(st);
		for (size_t i = 0; i < st->packets; i++) {
			struct sl_answers out = {
				.answer = answer, .answer_cap = 8, .reset = reset, .reset_cap = 2
			};
			struct sl_packet pkt;
			if (sl_packet_read(sl_bytes_of(st->mem[i], st->len[i]), st->len[i], &pkt) != SL_OK)
				abort();
			sl_filter_packet(st->filter, &pkt, (struct sl_ticket){ 0 }, true,
			                 (struct sl_mono){ (int64_t)st->flows }, &out);
			sl_keep((uint64_t)answer[0].action);
		}
	}
}

static void read_tls(void *arg, uint64_t n)
{
	struct state *st = (struct state *)arg;
	struct sl_tls_hello hello;
	for (uint64_t k = 0; k < n; k++) {
		struct sl_arena arena = sl_arena_over(st->scratch, sizeof(st->scratch));
		sl_keep((uint64_t)sl_tls_hello_read(st->payload, &arena, &hello) + hello.sni.len);
	}
}

static void read_http(void *arg, uint64_t n)
{
	struct state *st = (struct state *)arg;
	struct sl_http_request r;
	for (uint64_t k = 0; k < n; k++)
		sl_keep((uint64_t)sl_http1_request_read(st->payload, &r) + r.host.len);
}

static void read_h2(void *arg, uint64_t n)
{
	struct state *st = (struct state *)arg;
	struct sl_http_request r;
	size_t used;
	for (uint64_t k = 0; k < n; k++)
		sl_keep((uint64_t)sl_h2_read(st->h2, st->h2_flow, st->payload, &used, &r) + r.host.len);
}

static void read_dns(void *arg, uint64_t n)
{
	struct state *st = (struct state *)arg;
	struct sl_dns_name name;
	struct sl_dns d;
	uint16_t type = 0;
	for (uint64_t k = 0; k < n; k++) {
		int err = sl_dns_open(st->payload, &d);
		sl_keep((uint64_t)(err + sl_dns_question(&d, &name, &type)) + type);
	}
}

const struct sl_bench sl_bench_flows[] = {
	{ "flow/tls", setup_tls, flow, teardown },
	{ "flow/tls/two_segments", setup_tls_pq, flow, teardown },
	{ "flow/quic", setup_quic, flow, teardown },
	{ "flow/quic/two_datagrams", setup_quic_pq, flow, teardown },
	{ "flow/http1", setup_http, flow, teardown },
	{ "flow/http1/next", setup_http_next, flow, teardown },
	{ "flow/h2", setup_h2, flow, teardown },
	{ "flow/h2/next", setup_h2_next, flow, teardown },
	{ "flow/dns", setup_dns, flow, teardown },
	{ "flow/not_web", setup_other, flow, teardown },
	{ "read/tls", setup_tls, read_tls, teardown },
	{ "read/tls/large", setup_tls_pq, read_tls, teardown },
	{ "read/http1", setup_http, read_http, teardown },
	{ "read/h2", setup_read_h2, read_h2, teardown },
	{ "read/dns", setup_dns, read_dns, teardown },
	{ 0 },
};
