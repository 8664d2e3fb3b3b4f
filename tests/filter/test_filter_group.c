/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_filter_group.c - the group of a client: asked for once a flow, and told with every question about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/util.h"
#include "filter/filter.h"

struct seen {
	unsigned asked, judged, reported;
	uint8_t group, report_group;
};

static uint8_t group_of(void *ctx, const struct sl_flow_key *key, const struct sl_origin *origin)
{
	struct seen *s = ctx;
	s->asked++;
	assert_int_equal(key->sport / 1000, 40); /* the client's end */
	return (uint8_t)(origin->ifindex + (origin->has_mac ? origin->mac[5] : 0));
}

static void judge(void *ctx, const struct sl_subject *subject, struct sl_judgement *out)
{
	struct seen *s = ctx;
	s->judged++;
	s->group = subject->group;
	out->block = subject->group == 5;
}

static void report(void *ctx, const struct sl_report *r)
{
	struct seen *s = ctx;
	s->reported++;
	s->report_group = r->group;
}

struct bench {
	struct sl_filter *f;
	struct sl_filter_stats stats;
	struct seen seen;
	struct sl_answer answer[8];
	struct sl_reset reset[8];
	struct sl_answers out;
};

static void open_bench(struct bench *b)
{
	const struct sl_filter_cfg cfg = { .max_flows = 64,
		                           .max_streams = 4,
		                           .budget = 2048,
		                           .syns = true,
		                           .hold_limit = sl_span_ms(500),
		                           .flow_idle = sl_span_ms(120000) };
	const struct sl_provider provider = {
		.ctx = &b->seen, .judge = judge, .report = report, .group = group_of
	};
	memset(b, 0, sizeof(*b));
	b->out = (struct sl_answers){ b->answer, 0, SL_COUNT(b->answer), b->reset, 0, SL_COUNT(b->reset) };
	assert_int_equal(sl_filter_new(&cfg, &provider, &b->stats, &b->f), SL_OK);
}

static enum sl_action give(struct bench *b, uint16_t sport, uint32_t seq, const char *text, uint32_t ifindex,
                           uint8_t mac)
{
	struct sl_packet p = { .key = { { 10, 0, 0, 1 }, { 10, 0, 0, 2 }, sport, 80, 4, SL_PROTO_TCP },
		               .seq = seq,
		               .flags = text == NULL ? SL_TCP_SYN : SL_TCP_ACK,
		               .origin = { ifindex, mac != 0, { 2, 0, 0, 0, 0, mac } } };
	p.payload = sl_bytes_str(text);
	p.payload_len = (uint32_t)p.payload.len;
	b->out.answers = b->out.resets = 0;
	sl_filter_packet(b->f, &p, (struct sl_ticket){ .id = 1 }, true, (struct sl_mono){ 1000000 }, &b->out);
	assert_int_equal(b->out.answers, 1);
	return b->answer[0].action;
}

#define REQUEST "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"

static void keeps_it_for_the_flow(void **state)
{
	struct bench b;
	(void)state;
	open_bench(&b);
	(void)give(&b, 40001, 1000, NULL, 3, 0);
	assert_int_equal(give(&b, 40001, 1000, REQUEST, 9, 0), SL_ACTION_PASS);
	assert_int_equal(b.seen.group, 3);
	assert_int_equal(b.seen.report_group, 3);
	assert_int_equal(give(&b, 40001, 1000 + sizeof(REQUEST) - 1, REQUEST, 9, 0), SL_ACTION_PASS);
	assert_int_equal(b.seen.judged, 2);
	assert_int_equal(b.seen.group, 3);
	assert_int_equal(b.seen.asked, 1);
	sl_filter_free(&b.f);
}

static void tells_flows_apart(void **state)
{
	struct bench b;
	(void)state;
	open_bench(&b);
	(void)give(&b, 40001, 1000, NULL, 3, 0);
	(void)give(&b, 40002, 1000, NULL, 3, 2);
	assert_int_equal(give(&b, 40002, 1000, REQUEST, 3, 2), SL_ACTION_BLOCK);
	assert_int_equal(give(&b, 40001, 1000, REQUEST, 3, 0), SL_ACTION_PASS);
	assert_int_equal(b.seen.asked, 2);
	sl_filter_free(&b.f);
}

static void asks_anew_for_a_new_connection(void **state)
{
	struct bench b;
	(void)state;
	open_bench(&b);
	(void)give(&b, 40001, 1000, NULL, 3, 0);
	(void)give(&b, 40001, 1000, REQUEST, 3, 0);
	(void)give(&b, 40001, 90000000, NULL, 5, 0);
	assert_int_equal(give(&b, 40001, 90000000, REQUEST, 5, 0), SL_ACTION_BLOCK);
	assert_int_equal(b.seen.asked, 2);
	sl_filter_free(&b.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_it_for_the_flow),
		cmocka_unit_test(tells_flows_apart),
		cmocka_unit_test(asks_anew_for_a_new_connection),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
