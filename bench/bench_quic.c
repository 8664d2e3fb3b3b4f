/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench_quic.c - a new QUIC flow, read and judged: from the datagrams of 1200 bytes to the verdict. The number of entries means
 * nothing here. Goal: 4 microseconds for an Initial. */
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "filter/filter.h"
#include "filter/quic_keys.h"
#include "filter/sniff_quic.h"
#include "tests/support/quic_text.h"

enum { FLOWS = 26, DATAGRAMS = 2, BUDGET = 16384, CONNS = 64, HELLO = 517, LARGE = 1800 };

struct state {
	struct sl_quic_pool *pool;
	struct sl_filter *filter;
	struct sl_filter_stats stats;
	uint8_t mem[FLOWS][DATAGRAMS][1300];
	struct sl_bytes datagram[FLOWS][DATAGRAMS];
	uint64_t flows; /* so far: gives each its ports */
};

static void judge(void *ctx, const struct sl_subject *s, struct sl_judgement *out)
{
	(void)ctx;
	*out = (struct sl_judgement){ .block = s->host.len == 0, .list = SL_NO_LIST };
}

/* first, second: what stands in the Initials, whose connection id is another for each flow. */
static struct state *make(size_t hello, const char *first, const char *second)
{
	struct state *st = (struct state *)calloc(1, sizeof(*st));
	struct sl_provider provider = { .judge = judge };
	struct sl_filter_cfg cfg = { .max_flows = 1 << 16,
		                     .max_streams = CONNS,
		                     .budget = BUDGET,
		                     .seed = 1,
		                     .hold_limit = sl_span_ms(500),
		                     .flow_idle = sl_span_ms(120000) };
	static uint8_t mem[4096];
	struct sl_out bytes = sl_out_of(mem, sizeof(mem));
	if (st == NULL || sl_quic_pool_new(CONNS, BUDGET, &st->pool) != SL_OK ||
	    sl_filter_new(&cfg, &provider, &st->stats, &st->filter) != SL_OK) {
		free(st);
		return NULL;
	}
	quic_text_hello("www.example.com", hello, &bytes);
	for (int i = 0; i < FLOWS; i++) {
		for (int d = 0; d < DATAGRAMS; d++) {
			char text[256];
			struct sl_out to = sl_out_of(st->mem[i][d], sizeof(st->mem[i][d]));
			(void)snprintf(text, sizeof(text), "I d%c %s", 'A' + i, d == 0 ? first : second);
			quic_text(text, sl_bytes_of(bytes.p, bytes.len), sl_bytes_of(bytes.p, bytes.len),
			          &to);
			st->datagram[i][d] = sl_bytes_of(to.p, to.len);
		}
	}
	return st;
}

static void *setup_one(uint64_t entries)
{
	(void)entries;
	return make(HELLO, "c- p", "a p");
}

static void *setup_shuffled(uint64_t entries)
{
	(void)entries;
	return make(HELLO,
	            "c500- g c0-40 0 c300-400 c40-90 g c450-500 c90-100 c200-300 c100-150 0 c150-200 "
	            "c400-450 p",
	            "a p");
}

static void *setup_two(uint64_t entries)
{
	(void)entries;
	return make(LARGE, "c1100- c0-200 p", "n1 c200-1100 p");
}

static void *setup_bad(uint64_t entries)
{
	(void)entries;
	return make(HELLO, "x c- p", "x a p");
}

static void teardown(void *arg)
{
	struct state *st = (struct state *)arg;
	if (st == NULL)
		return;
	sl_quic_pool_free(&st->pool);
	sl_filter_free(&st->filter);
	free(st);
}

static void read_flows(struct state *st, uint64_t n, int datagrams)
{
	struct sl_quic_hello hello = { 0 };
	for (uint64_t i = 0; i < n; i++) {
		sl_quic_flow flow = 0;
		uint32_t differs;
		for (int d = 0; d < datagrams; d++)
			sl_keep((uint64_t)sl_quic_read(st->pool, &flow, st->datagram[i % FLOWS][d], &hello,
			                               &differs));
		sl_keep(hello.tls.sni.len);
		sl_quic_close(st->pool, &flow);
	}
}

static void one(void *arg, uint64_t n)
{
	read_flows((struct state *)arg, n, 1);
}

static void two(void *arg, uint64_t n)
{
	read_flows((struct state *)arg, n, 2);
}

static void keys(void *arg, uint64_t n)
{
	struct state *st = (struct state *)arg;
	struct sl_quic_keys out;
	for (uint64_t i = 0; i < n; i++) {
		struct sl_bytes dcid = sl_bytes_first(sl_bytes_skip(st->datagram[i % FLOWS][0], 6), 8);
		sl_quic_keys_client(sl_quic_version_of(SL_QUIC_V1), dcid, &out);
		sl_keep(out.key[0]);
	}
}

/* The whole of the filter: flow table, reader, the provider's answer, verdict. */
static void filter(void *arg, uint64_t n)
{
	struct state *st = (struct state *)arg;
	struct sl_answer answer[4];
	struct sl_packet pkt = { .key = { .src = { 10, 0, 0, 9 },
		                          .dst = { 10, 0, 0, 1 },
		                          .dport = 443,
		                          .family = 4,
		                          .proto = SL_PROTO_UDP } };
	for (uint64_t i = 0; i < n; i++) {
		struct sl_answers out = { .answer = answer, .answer_cap = 4 };
		uint64_t id = st->flows++;
		pkt.key.sport = (uint16_t)id;
		pkt.key.src[2] = (uint8_t)(id >> 16);
		pkt.payload = st->datagram[i % FLOWS][0];
		pkt.payload_len = (uint32_t)pkt.payload.len;
		sl_filter_packet(st->filter, &pkt, (struct sl_ticket){ 0 }, true,
		                 (struct sl_mono){ (int64_t)id }, &out);
		sl_keep((uint64_t)answer[0].action);
	}
}

const struct sl_bench sl_bench_quic[] = {
	{ "quic/initial", setup_one, one, teardown },
	{ "quic/initial/shuffled", setup_shuffled, one, teardown },
	{ "quic/initial/two_datagrams", setup_two, two, teardown },
	{ "quic/initial/bad_tag", setup_bad, one, teardown },
	{ "quic/keys", setup_one, keys, teardown },
	{ "quic/filter", setup_one, filter, teardown },
	{ 0 },
};
