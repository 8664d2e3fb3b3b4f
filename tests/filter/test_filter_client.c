/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two clients and one filter: what one of them does too much of, and that the other one does not notice. Each step is a packet; what
 * came of it is a letter: P passes, A allowed, B blocked, D dropped, - held. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/util.h"
#include "filter/filter.h"

enum { ANSWERS = 64, RATE = 10, FLOWS = 3, STREAMS = 16, HOLD_MS = 500, IDLE_MS = 120000 };

#define GET_ODD "GET / HTTP/1.1\r\nHost: odd.example\r\n\r\n"
#define GET_BAD "GET / HTTP/1.1\r\nHost: bad.example\r\n\r\n"
#define HALF    "GET / HTTP/1.1\r\nHos"
#define REST    "t: odd.example\r\n\r\n"

struct bench {
	struct sl_filter *filter;
	struct sl_filter_stats stats;
	struct sl_answer answer[ANSWERS];
	struct sl_reset reset[ANSWERS];
	struct sl_answers out;
	struct sl_mono now;
	unsigned told[SL_CAUSE_COUNT];
	uint32_t last_packets;
};

static void judge(void *ctx, const struct sl_subject *s, struct sl_judgement *out)
{
	(void)ctx;
	out->block = sl_bytes_equal(sl_bytes_first(s->host, 3), SL_BYTES_LIT("bad"));
}

static void report(void *ctx, const struct sl_report *r)
{
	struct bench *b = ctx;
	if (r->cause != SL_CAUSE_NONE)
		b->told[r->cause]++;
	b->last_packets = r->packets;
}

static struct sl_filter_cfg usual(void)
{
	struct sl_filter_cfg cfg = {
		.max_flows = 64,
		.max_streams = STREAMS,
		.max_held = 16,
		.budget = 2048,
		.hold_limit = sl_span_ms(HOLD_MS),
		.flow_idle = sl_span_ms(IDLE_MS),
		.seed = 5,
		.clients = { .max = 64, .rate = 1000000, .flows = FLOWS, .held = 4096, .prefix6 = 64 },
	};
	cfg.block[SL_CAUSE_client_rate] = cfg.block[SL_CAUSE_client_flows] = cfg.block[SL_CAUSE_client_held] =
	        true;
	return cfg;
}

static void open_bench(struct bench *b, const struct sl_filter_cfg *cfg)
{
	const struct sl_provider provider = { .ctx = b, .judge = judge, .report = report };
	memset(b, 0, sizeof(*b));
	b->out = (struct sl_answers){ b->answer, 0, ANSWERS, b->reset, 0, ANSWERS };
	assert_int_equal(sl_filter_new(cfg, &provider, &b->stats, &b->filter), SL_OK);
}

/* From client 10.0.0.<client>, byte `at` of the connection from a port. */
static char give(struct bench *b, uint8_t client, uint16_t port, uint32_t at, const char *text)
{
	static const char letter[] = "PABQD-";
	struct sl_packet pkt = {
		.key = { .src = { 10, 0, 0, client },
		         .dst = { 192, 0, 2, 1 },
		         .sport = port,
		         .dport = 80,
		         .family = 4,
		         .proto = SL_PROTO_TCP },
		.seq = 1000 + at,
		.flags = SL_TCP_ACK,
		.ttl = 64,
		.payload = sl_bytes_str(text),
		.payload_len = (uint32_t)strlen(text),
	};
	b->out.answers = b->out.resets = 0;
	sl_filter_packet(b->filter, &pkt, (struct sl_ticket){ .id = 9 }, true, b->now, &b->out);
	return letter[b->out.answers == 0 ? 5U : (unsigned)b->answer[b->out.answers - 1].action];
}

static void halves(struct bench *b, uint8_t client, uint16_t from, unsigned n, char want)
{
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(give(b, client, (uint16_t)(from + i), 0, HALF), want);
}

static void who_leaves_hellos_half_begins_no_more(void **state)
{
	static struct bench b;
	struct sl_filter_cfg cfg = usual();
	(void)state;
	open_bench(&b, &cfg);
	halves(&b, 1, 100, FLOWS, 'P');
	halves(&b, 1, 200, 20, 'D');
	assert_int_equal(b.stats.count[SL_STAT_over_flows], 20);
	assert_int_equal(b.stats.unjudged_blocked[SL_CAUSE_client_flows], 1); /* one a second */
	assert_int_equal(b.told[SL_CAUSE_client_flows], 1);
	assert_int_equal(b.stats.count[SL_STAT_flows], FLOWS + 1);
	assert_int_equal(b.out.resets, 0);
	halves(&b, 2, 100, FLOWS, 'P');                              /* another one has room */
	assert_int_equal(give(&b, 1, 100, strlen(HALF), REST), 'P'); /* what has begun may end */
	assert_int_equal(b.stats.count[SL_STAT_allowed], 1);
	halves(&b, 1, 300, 1, 'P'); /* and makes room for one */
	halves(&b, 1, 301, 1, 'D');
	b.now = sl_mono_add(b.now, sl_span_ms(1000));
	halves(&b, 1, 301, 1, 'D');
	assert_int_equal(b.told[SL_CAUSE_client_flows], 2);
	assert_int_equal(b.last_packets, 21); /* since it was told the first time */
	sl_filter_free(&b.filter);
}

/* Whatever end a flow comes to, it is not counted any more. */
static void a_flow_that_ends_makes_room(void **state)
{
	static struct bench b;
	struct sl_filter_cfg cfg = usual();
	(void)state;
	open_bench(&b, &cfg);
	for (unsigned i = 0; i < 5 * FLOWS; i++) /* judged at once */
		assert_int_equal(give(&b, 1, (uint16_t)(1000 + i), 0, GET_BAD), 'B');
	for (unsigned i = 0; i < 5 * FLOWS; i++) /* read on, between requests */
		assert_int_equal(give(&b, 1, (uint16_t)(2000 + i), 0, GET_ODD), 'P');
	halves(&b, 1, 100, FLOWS, 'P');
	halves(&b, 1, 200, 1, 'D');
	b.now = sl_mono_add(b.now, sl_span_ms(HOLD_MS)); /* undecided for too long */
	assert_int_equal(give(&b, 1, 100, strlen(HALF), "t"), 'A');
	halves(&b, 1, 200, 1, 'P');
	halves(&b, 1, 201, 1, 'D');
	assert_int_equal(give(&b, 1, 200, 1 << 20, HALF), 'P'); /* the ports are taken up again */
	halves(&b, 1, 201, 1, 'D');
	b.now = sl_mono_add(b.now, sl_span_ms(IDLE_MS + 1)); /* idle */
	sl_filter_tick(b.filter, b.now, &b.out);
	halves(&b, 1, 300, FLOWS, 'P');
	halves(&b, 1, 400, 1, 'D');
	for (unsigned i = 0; i < cfg.max_flows; i++) /* pushed out by others */
		assert_int_equal(give(&b, (uint8_t)(2 + i / 16), (uint16_t)i, 0, GET_BAD), 'B');
	halves(&b, 1, 500, FLOWS, 'P');
	halves(&b, 1, 600, 1, 'D');
	sl_filter_free(&b.filter);
}

static void where_unjudged_allows_it_flows_beyond_the_number_go_free(void **state)
{
	static struct bench b;
	struct sl_filter_cfg cfg = usual();
	(void)state;
	cfg.block[SL_CAUSE_client_flows] = false;
	open_bench(&b, &cfg);
	halves(&b, 1, 100, FLOWS, 'P');
	halves(&b, 1, 200, 5, 'A');
	assert_int_equal(b.stats.unjudged_allowed[SL_CAUSE_client_flows], 5);
	assert_int_equal(b.told[SL_CAUSE_client_flows], 5);
	assert_int_equal(b.stats.count[SL_STAT_flows], FLOWS + 5);
	sl_filter_free(&b.filter);
}

/* A packet that is judged and told counts seven. */
static void who_sends_too_fast_is_dropped_and_nobody_else_is(void **state)
{
	static struct bench b;
	struct sl_filter_cfg cfg = usual();
	(void)state;
	cfg.clients.rate = 7 * RATE + 1;
	open_bench(&b, &cfg);
	assert_int_equal(give(&b, 1, 99, 0, HALF), 'P');
	for (unsigned i = 1; i <= RATE; i++)
		assert_int_equal(give(&b, 1, (uint16_t)i, 0, GET_BAD), 'B');
	for (uint16_t i = 0; i < 50; i++)
		assert_int_equal(give(&b, 1, (uint16_t)(100 + i), 0, GET_ODD), 'D');
	assert_int_equal(give(&b, 1, 99, strlen(HALF), REST), 'D'); /* of an open flow, too */
	assert_int_equal(give(&b, 1, 1, 0, GET_BAD), 'B');          /* decided is decided */
	assert_int_equal(give(&b, 2, 1, 0, GET_ODD), 'P');
	assert_int_equal(b.stats.count[SL_STAT_over_rate], 51);
	assert_int_equal(b.stats.unjudged_blocked[SL_CAUSE_client_rate], 1);
	assert_int_equal(b.stats.count[SL_STAT_decoys] + b.out.resets, 0);
	b.now = sl_mono_add(b.now, sl_span_ms(1000 / RATE));
	assert_int_equal(give(&b, 1, 99, strlen(HALF), REST), 'P'); /* sent again, it is judged */
	assert_int_equal(b.stats.count[SL_STAT_allowed], 2);
	sl_filter_free(&b.filter);
}

static void an_open_flow_beyond_the_rate_goes_free_where_unjudged_allows_it(void **state)
{
	static struct bench b;
	struct sl_filter_cfg cfg = usual();
	(void)state;
	cfg.clients.rate = 2;
	cfg.block[SL_CAUSE_client_rate] = false;
	open_bench(&b, &cfg);
	halves(&b, 1, 100, 2, 'P');
	assert_int_equal(give(&b, 1, 100, strlen(HALF), REST), 'A');
	halves(&b, 1, 200, 1, 'A');
	assert_int_equal(b.stats.unjudged_allowed[SL_CAUSE_client_rate], 2);
	b.now = sl_mono_add(b.now, sl_span_ms(1000));
	halves(&b, 1, 300, 2, 'P'); /* the one that was freed is not counted: there is room for 3 */
	sl_filter_free(&b.filter);
}

static void requests_in_a_row_count_one_by_one(void **state)
{
	static struct bench b;
	struct sl_filter_cfg cfg = usual();
	(void)state;
	cfg.clients.rate = 1 + 8 * 6 + 2 * 7;
	open_bench(&b, &cfg);
	assert_int_equal(give(&b, 1, 1, 0, GET_ODD GET_ODD GET_ODD GET_ODD GET_ODD GET_ODD GET_ODD GET_ODD),
	                 'P');
	assert_int_equal(b.stats.count[SL_STAT_requests], 8);
	assert_int_equal(give(&b, 1, 2, 0, GET_ODD), 'P');
	assert_int_equal(give(&b, 1, 3, 0, GET_ODD), 'P');
	assert_int_equal(give(&b, 1, 4, 0, GET_ODD), 'D');
	sl_filter_free(&b.filter);
}

/* A packet of 19 bytes counts 1043. */
static void who_has_too_much_held_has_no_more_held(void **state)
{
	static struct bench b;
	struct sl_filter_cfg cfg = usual();
	(void)state;
	cfg.hold = SL_HOLD_ALL;
	cfg.clients.flows = 0;
	open_bench(&b, &cfg);
	halves(&b, 1, 100, 3, '-');
	halves(&b, 1, 200, 4, 'D');
	assert_int_equal(sl_filter_held(b.filter), 3);
	assert_int_equal(b.stats.count[SL_STAT_over_held], 4);
	assert_int_equal(b.told[SL_CAUSE_client_held], 1);
	halves(&b, 2, 100, 3, '-');
	assert_int_equal(give(&b, 1, 100, strlen(HALF), REST), 'P'); /* and what waited with it */
	assert_int_equal(b.out.answers, 2);
	halves(&b, 1, 200, 1, '-'); /* sent again */
	halves(&b, 1, 201, 1, 'D');
	b.now = sl_mono_add(b.now, sl_span_ms(HOLD_MS)); /* time is up for all */
	b.out.answers = 0;
	sl_filter_tick(b.filter, b.now, &b.out);
	assert_int_equal(sl_filter_held(b.filter), 0);
	halves(&b, 1, 300, 3, '-');
	halves(&b, 1, 400, 1, 'D');
	sl_filter_free(&b.filter);
}

static void a_packet_beyond_what_may_be_held_goes_free_where_unjudged_allows_it(void **state)
{
	static struct bench b;
	struct sl_filter_cfg cfg = usual();
	(void)state;
	cfg.hold = SL_HOLD_ALL;
	cfg.clients.flows = 0;
	cfg.block[SL_CAUSE_client_held] = false;
	open_bench(&b, &cfg);
	halves(&b, 1, 100, 3, '-');
	halves(&b, 1, 200, 2, 'A');
	assert_int_equal(b.stats.unjudged_allowed[SL_CAUSE_client_held], 2);
	sl_filter_free(&b.filter);
}

/* What the limit is for: without it one client takes all streams, and another one's hello in two pieces cannot be joined. */
static void the_streams_of_all_are_not_one_client_s(void **state)
{
	static struct bench b;
	(void)state;
	for (int limited = 0; limited < 2; limited++) {
		struct sl_filter_cfg cfg = usual();
		cfg.clients.flows = limited ? FLOWS : 0;
		open_bench(&b, &cfg);
		for (unsigned i = 0; i < 2 * STREAMS; i++)
			(void)give(&b, 1, (uint16_t)i, 0, HALF);
		assert_int_equal(give(&b, 2, 1, 0, "GET / HTTP/1.1\r\nHos"), limited ? 'P' : 'A');
		assert_int_equal(b.stats.unjudged_allowed[SL_CAUSE_memory], limited ? 0 : STREAMS + 1);
		sl_filter_free(&b.filter);
	}
}

static void without_limits_nobody_counts(void **state)
{
	static struct bench b;
	struct sl_filter_cfg cfg = usual();
	(void)state;
	cfg.clients = (struct sl_client_limits){ 0 };
	open_bench(&b, &cfg);
	for (uint16_t i = 0; i < 2000; i++)
		assert_int_equal(give(&b, 1, (uint16_t)i, 0, GET_BAD), 'B');
	sl_filter_free(&b.filter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_leaves_hellos_half_begins_no_more),
		cmocka_unit_test(a_flow_that_ends_makes_room),
		cmocka_unit_test(where_unjudged_allows_it_flows_beyond_the_number_go_free),
		cmocka_unit_test(who_sends_too_fast_is_dropped_and_nobody_else_is),
		cmocka_unit_test(an_open_flow_beyond_the_rate_goes_free_where_unjudged_allows_it),
		cmocka_unit_test(requests_in_a_row_count_one_by_one),
		cmocka_unit_test(who_has_too_much_held_has_no_more_held),
		cmocka_unit_test(a_packet_beyond_what_may_be_held_goes_free_where_unjudged_allows_it),
		cmocka_unit_test(the_streams_of_all_are_not_one_client_s),
		cmocka_unit_test(without_limits_nobody_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
