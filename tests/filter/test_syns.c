/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_syns.c - what copies of SYNs tell, alone and with threads that put and take at the same time. */
#include "filter/syns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "base/err.h"
#include "base/util.h"

enum { SMALLEST = 64, SECOND = 1000000 };

static struct sl_flow_key key_of(uint32_t n)
{
	struct sl_flow_key key = {
		.dst = { 192, 0, 2, 1 }, .sport = 40000, .dport = 443, .family = 4, .proto = 6
	};
	memcpy(key.src, &n, sizeof(n));
	return key;
}

static struct sl_syns *make(uint32_t max)
{
	struct sl_syns *t = NULL;
	assert_int_equal(sl_syns_new(max, 7, &t), SL_OK);
	return t;
}

static void put(struct sl_syns *t, struct sl_flow_key key, uint32_t seq, uint8_t ttl, int64_t now)
{
	assert_true(sl_syns_put(t, &key, seq, ttl, false, (struct sl_mono){ now }));
}

static bool take(struct sl_syns *t, struct sl_flow_key key, struct sl_syn *out)
{
	return sl_syns_take(t, &key, out);
}

static void a_syn_is_told_once_and_to_its_connection(void **state)
{
	struct sl_syns *t = make(SMALLEST);
	struct sl_flow_key other = key_of(5);
	struct sl_syn syn = { 0 };
	(void)state;
	other.sport++;
	put(t, key_of(5), 1000, 63, 0);
	assert_false(take(t, key_of(6), &syn));
	assert_false(take(t, other, &syn));
	assert_true(take(t, key_of(5), &syn));
	assert_int_equal(syn.seq, 1000);
	assert_int_equal(syn.ttl, 63);
	assert_int_equal(syn.numbers, 1);
	assert_false(take(t, key_of(5), &syn));
	sl_syns_free(&t);
	assert_null(t);
}

static void one_that_came_twice_went_as_far_as_the_better(void **state)
{
	struct sl_syns *t = make(SMALLEST);
	struct sl_syn syn;
	(void)state;
	put(t, key_of(5), 1000, 63, 0);
	put(t, key_of(5), 1000, 3, SECOND);
	assert_true(take(t, key_of(5), &syn));
	assert_int_equal(syn.ttl, 63);
	assert_int_equal(syn.numbers, 1);
	sl_syns_free(&t);
}

static void two_that_differ_are_told_as_such(void **state)
{
	struct sl_syns *t = make(SMALLEST);
	struct sl_syn syn;
	(void)state;
	put(t, key_of(5), 1000, 63, 0);
	put(t, key_of(5), 9000, 3, SECOND);
	put(t, key_of(5), 9000, 3, 2 * (int64_t)SECOND);
	assert_true(take(t, key_of(5), &syn));
	assert_int_equal(syn.seq, 9000);
	assert_int_equal(syn.other, 1000);
	assert_int_equal(syn.ttl, 63);
	assert_int_equal(syn.numbers, 2);
	for (uint32_t i = 0; i < 5; i++)
		put(t, key_of(5), i, 3, 2 * (int64_t)SECOND);
	assert_true(take(t, key_of(5), &syn));
	assert_int_equal(syn.numbers, 3);
	sl_syns_free(&t);
}

static void one_of_long_ago_is_another_connections(void **state)
{
	struct sl_syns *t = make(SMALLEST);
	struct sl_syn syn;
	(void)state;
	put(t, key_of(5), 1000, 63, 0);
	put(t, key_of(5), 9000, 3, 120 * (int64_t)SECOND);
	assert_true(take(t, key_of(5), &syn));
	assert_int_equal(syn.seq, 9000);
	assert_int_equal(syn.ttl, 3);
	assert_int_equal(syn.numbers, 1);
	sl_syns_free(&t);
}

static void one_that_begins_an_entry_of_the_kernels_ends_what_was_before(void **state)
{
	struct sl_syns *t = make(SMALLEST);
	struct sl_flow_key key = key_of(5);
	struct sl_syn syn;
	(void)state;
	put(t, key, 1000, 63, 0);
	assert_true(sl_syns_put(t, &key, 9000, 3, true, (struct sl_mono){ SECOND }));
	put(t, key, 9000, 2, 2 * (int64_t)SECOND);
	assert_true(take(t, key, &syn));
	assert_int_equal(syn.seq, 9000);
	assert_int_equal(syn.ttl, 3);
	assert_int_equal(syn.numbers, 1);
	assert_true(syn.fresh);
	put(t, key, 1000, 63, 3 * (int64_t)SECOND);
	assert_true(take(t, key, &syn));
	assert_false(syn.fresh);
	sl_syns_free(&t);
}

/* However many came, most of the last ones are there, and of the first ones none. */
static void a_flood_pushes_out_the_oldest(void **state)
{
	struct sl_syns *t = make(SMALLEST);
	struct sl_syn syn;
	uint32_t first = 0, last = 0;
	(void)state;
	for (uint32_t i = 0; i < 16 * SMALLEST; i++)
		put(t, key_of(i), i, 64, i);
	for (uint32_t i = 0; i < 8 * SMALLEST; i++)
		first += take(t, key_of(i), &syn);
	for (uint32_t i = 15 * SMALLEST; i < 16 * SMALLEST; i++)
		last += take(t, key_of(i), &syn);
	assert_int_equal(first, 0);
	assert_in_range(last, SMALLEST / 2, SMALLEST);
	sl_syns_free(&t);
}

static void sizes_have_bounds(void **state)
{
	struct sl_syns *t = NULL;
	(void)state;
	assert_int_equal(sl_syns_new(SMALLEST - 1, 7, &t), SL_EINVAL);
	assert_int_equal(sl_syns_new((1 << 24) + 1, 7, &t), SL_EINVAL);
	assert_null(t);
}

/* ---- threads ---- */

enum { THREADS = 3, ROUNDS = 20000, CONNECTIONS = 16 };

struct party {
	struct sl_syns *syns;
	atomic_uint number; /* of the next thread */
	atomic_uint put, taken, wrong;
};

/* Puts and takes; what it takes must be what somebody put for that connection, whole. */
static void *put_and_take(void *arg)
{
	struct party *p = arg;
	unsigned me = atomic_fetch_add(&p->number, 1);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint32_t n = (i * 7 + me) % CONNECTIONS, seq = n << 16 | (i & 0xff) << 8 | (i & 0xff);
		struct sl_flow_key key = key_of(n), other = key_of((i * 5 + me) % CONNECTIONS);
		struct sl_syn syn;
		uint32_t wanted;
		atomic_fetch_add(&p->put,
		                 sl_syns_put(p->syns, &key, seq, 64, (i & 1) != 0, (struct sl_mono){ i }));
		if (!sl_syns_take(p->syns, &other, &syn))
			continue;
		memcpy(&wanted, other.src, sizeof(wanted));
		atomic_fetch_add(&p->taken, 1);
		atomic_fetch_add(&p->wrong, syn.seq >> 16 != wanted ||
		                                    (syn.seq >> 8 & 0xff) != (syn.seq & 0xff) ||
		                                    syn.ttl != 64);
	}
	return NULL;
}

static void what_is_taken_is_whole_and_of_that_connection(void **state)
{
	struct party p = { .syns = make(SMALLEST) };
	pthread_t thread[THREADS];
	(void)state;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, put_and_take, &p), 0);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	assert_int_equal(atomic_load(&p.wrong), 0);
	assert_in_range(atomic_load(&p.taken), ROUNDS / 10, atomic_load(&p.put));
	sl_syns_free(&p.syns);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_syn_is_told_once_and_to_its_connection),
		cmocka_unit_test(one_that_came_twice_went_as_far_as_the_better),
		cmocka_unit_test(two_that_differ_are_told_as_such),
		cmocka_unit_test(one_that_begins_an_entry_of_the_kernels_ends_what_was_before),
		cmocka_unit_test(one_of_long_ago_is_another_connections),
		cmocka_unit_test(a_flood_pushes_out_the_oldest),
		cmocka_unit_test(sizes_have_bounds),
		cmocka_unit_test(what_is_taken_is_whole_and_of_that_connection),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
