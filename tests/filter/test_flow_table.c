/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/flow_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/util.h"

enum { SMALLEST = 1 << 6 };

struct seen_gone {
	uint32_t evicted, expired;
	uint16_t last_port; /* of the client of the last one */
	uint16_t spared;    /* the port of a flow that stays */
};

static void count_gone(void *ctx, struct sl_flow *flow, bool evicted)
{
	struct seen_gone *g = ctx;
	if (evicted)
		g->evicted++;
	else
		g->expired++;
	g->last_port = flow->swapped ? flow->key.dport : flow->key.sport;
}

static struct sl_flow_table *make(uint32_t max_flows, struct seen_gone *g)
{
	struct sl_flow_table_cfg cfg = { .max_flows = max_flows, .seed = 7, .gone = count_gone, .ctx = g };
	struct sl_flow_table *ft = NULL;
	assert_int_equal(sl_flow_table_new(&cfg, &ft), SL_OK);
	return ft;
}

static struct sl_flow_key client(uint16_t port)
{
	return (struct sl_flow_key){ .src = { 10, 0, 0, 9 },
		                     .dst = { 10, 0, 0, 1 },
		                     .sport = port,
		                     .dport = 443,
		                     .family = 4,
		                     .proto = SL_PROTO_TCP };
}

static struct sl_flow *get(struct sl_flow_table *ft, uint16_t port, int64_t ms, bool want_fresh)
{
	struct sl_flow_key key = client(port);
	bool fresh = !want_fresh;
	struct sl_flow *flow = sl_flow_table_get(ft, &key, (struct sl_mono){ ms * 1000 }, &fresh);
	assert_non_null(flow);
	assert_int_equal(fresh, want_fresh);
	return flow;
}

static bool has(struct sl_flow_table *ft, uint16_t port)
{
	struct sl_flow_key key = client(port);
	return sl_flow_table_find(ft, &key) != NULL;
}

static void refuses_sizes_out_of_range(void **state)
{
	static const uint32_t bad[] = { 0, SMALLEST - 1, (1 << 24) + 1 };
	struct sl_flow_table *ft = NULL;
	(void)state;
	for (size_t i = 0; i < SL_COUNT(bad); i++) {
		struct sl_flow_table_cfg cfg = { .max_flows = bad[i] };
		assert_int_equal(sl_flow_table_new(&cfg, &ft), SL_EINVAL);
		assert_null(ft);
	}
	sl_flow_table_free(&ft);
}

static void both_directions_are_one_flow(void **state)
{
	struct seen_gone g = { 0 };
	struct sl_flow_table *ft = make(SMALLEST, &g);
	struct sl_flow_key there = client(5000), back = there;
	bool fresh;
	(void)state;
	struct sl_flow *flow = get(ft, 5000, 0, true);
	assert_true(flow->swapped);
	sl_flow_key_swap(&back);
	assert_memory_not_equal(&there, &back, sizeof(there));
	assert_ptr_equal(sl_flow_table_get(ft, &back, (struct sl_mono){ 1 }, &fresh), flow);
	assert_false(fresh);
	assert_ptr_equal(sl_flow_table_find(ft, &back), flow);
	assert_int_equal(sl_flow_table_count(ft), 1);
	sl_flow_table_free(&ft);
}

static void any_part_of_the_key_tells_flows_apart(void **state)
{
	struct seen_gone g = { 0 };
	struct sl_flow_table *ft = make(SMALLEST, &g);
	struct sl_flow_key key[7];
	bool fresh;
	(void)state;
	for (size_t i = 0; i < SL_COUNT(key); i++)
		key[i] = client(5000);
	key[1].sport++;
	key[2].dport++;
	key[3].src[15]++;
	key[4].dst[0]++;
	key[5].family = 6;
	key[6].proto = SL_PROTO_UDP;
	for (size_t i = 0; i < SL_COUNT(key); i++) {
		(void)sl_flow_table_get(ft, &key[i], (struct sl_mono){ 0 }, &fresh);
		assert_true(fresh);
	}
	assert_int_equal(sl_flow_table_count(ft), SL_COUNT(key));
	sl_flow_table_free(&ft);
}

static void a_new_flow_is_zeroed(void **state)
{
	struct seen_gone g = { 0 };
	struct sl_flow_table *ft = make(SMALLEST, &g);
	(void)state;
	struct sl_flow *flow = get(ft, 1, 5, true);
	flow->packets = 9;
	flow->verdict = 2;
	flow->hold = 4;
	sl_flow_table_drop(ft, flow);
	assert_int_equal(sl_flow_table_count(ft), 0);
	assert_false(has(ft, 1));
	flow = get(ft, 2, 6, true);
	assert_int_equal(flow->packets + flow->verdict + flow->hold, 0);
	assert_int_equal(flow->born.us, 6000);
	assert_int_equal(flow->seen.us, 6000);
	assert_int_equal(get(ft, 2, 8, false)->seen.us, 8000);
	assert_int_equal(get(ft, 2, 9, false)->born.us, 6000);
	assert_int_equal(g.evicted + g.expired, 0);
	sl_flow_table_free(&ft);
}

static void a_full_table_puts_out_the_one_seen_longest_ago(void **state)
{
	struct seen_gone g = { 0 };
	struct sl_flow_table *ft = make(SMALLEST, &g);
	(void)state;
	for (unsigned i = 0; i < SMALLEST; i++)
		(void)get(ft, (uint16_t)i, i, true);
	(void)get(ft, 0, 100, false); /* seen again: 1 is now the oldest */
	(void)get(ft, 1000, 101, true);
	assert_int_equal(g.evicted, 1);
	assert_int_equal(g.last_port, 1);
	assert_true(has(ft, 0));
	assert_false(has(ft, 1));
	assert_int_equal(sl_flow_table_count(ft), SMALLEST);
	sl_flow_table_free(&ft);
}

static void idle_flows_expire_in_portions(void **state)
{
	struct seen_gone g = { 0 };
	struct sl_flow_table *ft = make(SMALLEST, &g);
	(void)state;
	for (uint16_t i = 0; i < 10; i++)
		(void)get(ft, i, i, true);
	assert_int_equal(sl_flow_table_expire(ft, (struct sl_mono){ 8000 }, 5), 5);
	assert_int_equal(g.last_port, 4);
	assert_int_equal(sl_flow_table_expire(ft, (struct sl_mono){ 8000 }, 5), 3);
	assert_int_equal(sl_flow_table_expire(ft, (struct sl_mono){ 8000 }, 5), 0);
	assert_int_equal(sl_flow_table_count(ft), 2);
	assert_int_equal(g.expired, 8);
	assert_true(has(ft, 8));
	sl_flow_table_free(&ft);
}

static bool is_spared(void *ctx, const struct sl_flow *flow)
{
	const struct seen_gone *g = ctx;
	return (flow->swapped ? flow->key.dport : flow->key.sport) == g->spared;
}

static bool spare_all(void *ctx, const struct sl_flow *flow)
{
	(void)ctx;
	(void)flow;
	return true;
}

static void a_flow_that_is_spared_stays_and_costs_a_portion(void **state)
{
	struct seen_gone g = { .spared = 2 };
	struct sl_flow_table_cfg cfg = {
		.max_flows = SMALLEST, .seed = 7, .gone = count_gone, .spared = is_spared, .ctx = &g
	};
	struct sl_flow_table *ft = NULL;
	(void)state;
	assert_int_equal(sl_flow_table_new(&cfg, &ft), SL_OK);
	for (uint16_t i = 0; i < 4; i++)
		(void)get(ft, i, i, true);
	assert_int_equal(sl_flow_table_expire(ft, (struct sl_mono){ 8000 }, 100), 3);
	assert_true(has(ft, 2));
	assert_int_equal(sl_flow_table_expire(ft, (struct sl_mono){ 8000 }, 100), 0);
	g.spared = 0;
	assert_int_equal(sl_flow_table_expire(ft, (struct sl_mono){ 8000 }, 100), 1);
	assert_int_equal(sl_flow_table_count(ft), 0);
	sl_flow_table_free(&ft);
}

static void a_full_table_spares_it_too_where_another_can_go(void **state)
{
	struct seen_gone g = { .spared = 1 };
	struct sl_flow_table_cfg cfg = {
		.max_flows = SMALLEST, .seed = 7, .gone = count_gone, .spared = is_spared, .ctx = &g
	};
	struct sl_flow_table *ft = NULL;
	(void)state;
	assert_int_equal(sl_flow_table_new(&cfg, &ft), SL_OK);
	for (unsigned i = 0; i < 5 * SMALLEST; i++)
		(void)get(ft, (uint16_t)(i + 1), i, true);
	assert_int_equal(g.evicted, 4 * SMALLEST);
	assert_true(has(ft, 1));
	sl_flow_table_free(&ft);
	cfg.spared = spare_all; /* but never so that there is no room */
	assert_int_equal(sl_flow_table_new(&cfg, &ft), SL_OK);
	for (unsigned i = 0; i < 2 * SMALLEST; i++)
		(void)get(ft, (uint16_t)(i + 1), i, true);
	assert_int_equal(sl_flow_table_count(ft), SMALLEST);
	sl_flow_table_free(&ft);
}

/* A bucket that is fetched may be empty, or hold another flow: nothing of the table changes. */
static void expect(const struct sl_flow_table *ft, uint16_t port)
{
	struct sl_flow_key key = client(port);
	uint32_t bucket = sl_flow_table_expect(ft, &key);
	sl_flow_table_fetch(ft, bucket);
	sl_flow_table_fetch_age(ft, bucket);
}

/* Against a plain array that remembers when each port was seen last. */
static void agrees_with_an_array_under_churn(void **state)
{
	enum { PORTS = 300, MAX = 100 };
	struct seen_gone g = { 0 };
	struct sl_flow_table *ft = make(MAX, &g);
	static int64_t seen[PORTS];
	uint32_t random = 1, count = 0;
	(void)state;
	for (int64_t t = 1; t < 20000; t++) {
		random = random * 1664525 + 1013904223;
		uint16_t port = (uint16_t)((random >> 16) % PORTS);
		expect(ft, port);
		if (random % 11 == 0 && seen[port] != 0) {
			struct sl_flow_key key = client(port);
			sl_flow_table_drop(ft, sl_flow_table_find(ft, &key));
			seen[port] = 0;
			count--;
			continue;
		}
		if (seen[port] == 0 && count++ == MAX) {
			unsigned oldest = 0;
			for (unsigned i = 1; i < PORTS; i++)
				if (seen[i] != 0 && (seen[oldest] == 0 || seen[i] < seen[oldest]))
					oldest = i;
			seen[oldest] = 0;
			count--;
		}
		(void)get(ft, port, t, seen[port] == 0);
		seen[port] = t;
		assert_int_equal(sl_flow_table_count(ft), count);
	}
	for (unsigned i = 0; i < PORTS; i++)
		assert_int_equal(has(ft, (uint16_t)i), seen[i] != 0);
	sl_flow_table_free(&ft);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_sizes_out_of_range),
		cmocka_unit_test(both_directions_are_one_flow),
		cmocka_unit_test(any_part_of_the_key_tells_flows_apart),
		cmocka_unit_test(a_new_flow_is_zeroed),
		cmocka_unit_test(a_full_table_puts_out_the_one_seen_longest_ago),
		cmocka_unit_test(idle_flows_expire_in_portions),
		cmocka_unit_test(a_flow_that_is_spared_stays_and_costs_a_portion),
		cmocka_unit_test(a_full_table_spares_it_too_where_another_can_go),
		cmocka_unit_test(agrees_with_an_array_under_churn),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
