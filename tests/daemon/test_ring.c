/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ring.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/util.h"

static struct sl_ring *new_ring(size_t bytes)
{
	struct sl_ring *r = NULL;
	assert_int_equal(sl_ring_new(bytes, &r), SL_OK);
	return r;
}

static bool put(struct sl_ring *r, uint8_t value, size_t len)
{
	uint8_t *p = sl_ring_reserve(r, len);
	if (p == NULL)
		return false;
	assert_int_equal((uintptr_t)p % 8, 0);
	memset(p, value, len);
	sl_ring_commit(r);
	return true;
}

static void expect(struct sl_ring *r, uint8_t value, size_t len)
{
	struct sl_bytes b = sl_ring_peek(r);
	assert_non_null(b.p);
	assert_int_equal((uintptr_t)b.p % 8, 0);
	assert_int_equal(b.len, len);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(b.p[i], value);
	sl_ring_pop(r);
}

static void expect_empty(struct sl_ring *r)
{
	assert_null(sl_ring_peek(r).p);
}

static void empty(struct sl_ring *r)
{
	expect_empty(r);
}

static void in_order(struct sl_ring *r)
{
	assert_true(put(r, 1, 3) && put(r, 2, 0) && put(r, 3, 24));
	expect(r, 1, 3);
	expect(r, 2, 0);
	expect(r, 3, 24);
	expect_empty(r);
}

static void uncommitted(struct sl_ring *r)
{
	assert_non_null(sl_ring_reserve(r, 40));
	expect_empty(r);
	assert_true(put(r, 9, 5));
	expect(r, 9, 5);
	expect_empty(r);
}

static void peek_again(struct sl_ring *r)
{
	assert_true(put(r, 4, 10));
	assert_ptr_equal(sl_ring_peek(r).p, sl_ring_peek(r).p);
	expect(r, 4, 10);
}

static void full(struct sl_ring *r)
{
	unsigned n = 0, taken = 0;
	while (put(r, (uint8_t)n, 17))
		n++;
	assert_in_range(n, 256 / 32, 256 / 32);
	expect(r, 0, 17);
	assert_true(put(r, (uint8_t)n, 17));
	assert_false(put(r, 99, 17));
	for (taken = 1; taken <= n; taken++)
		expect(r, (uint8_t)taken, 17);
	expect_empty(r);
}

static void longest_everywhere(struct sl_ring *r)
{
	size_t max = sl_ring_record_max(r);
	for (unsigned i = 0; i < 300; i++) {
		assert_true(put(r, 1, i % 70)); /* moves the place on */
		expect(r, 1, i % 70);
		assert_true(put(r, 2, max));
		expect(r, 2, max);
	}
}

static void too_long(struct sl_ring *r)
{
	assert_null(sl_ring_reserve(r, sl_ring_record_max(r) + 1));
	assert_null(sl_ring_reserve(r, SIZE_MAX));
	expect_empty(r);
}

/* The consumer is behind a skipped end all the time. */
static void wraps(struct sl_ring *r)
{
	assert_true(put(r, 0, 100));
	for (unsigned i = 1; i < 1000; i++) {
		size_t len = i * 7 % 101, before = (i - 1) * 7 % 101;
		assert_true(put(r, (uint8_t)i, len));
		expect(r, (uint8_t)(i - 1), i == 1 ? 100 : before);
	}
}

/* Two threads: each record says who it is; lengths vary; the consumer looks at every byte. */
enum { RECORDS = 200000 };

static size_t length_of(uint32_t i, size_t max)
{
	return sizeof(i) + (i * 2654435761U >> 8) % (max - sizeof(i) + 1);
}

static void *produce(void *arg)
{
	struct sl_ring *r = arg;
	size_t max = sl_ring_record_max(r) < 300 ? sl_ring_record_max(r) : 300;

	for (uint32_t i = 0; i < RECORDS; i++) {
		size_t len = length_of(i, max);
		uint8_t *p;
		while ((p = sl_ring_reserve(r, len)) == NULL)
			(void)sched_yield();
		memset(p, (int)(i & 0xff), len);
		memcpy(p, &i, sizeof(i));
		sl_ring_commit(r);
	}
	return NULL;
}

static void consume(struct sl_ring *r, uint32_t i)
{
	size_t max = sl_ring_record_max(r) < 300 ? sl_ring_record_max(r) : 300;
	struct sl_bytes b;
	uint32_t got;

	while ((b = sl_ring_peek(r)).p == NULL)
		(void)sched_yield();
	assert_int_equal(b.len, length_of(i, max));
	memcpy(&got, b.p, sizeof(got));
	assert_int_equal(got, i);
	for (size_t k = sizeof(got); k < b.len; k++)
		if (b.p[k] != (i & 0xff))
			fail_msg("record %u, byte %zu", i, k);
	sl_ring_pop(r);
}

static void two_threads(struct sl_ring *r)
{
	pthread_t producer;
	assert_int_equal(pthread_create(&producer, NULL, produce, r), 0);
	for (uint32_t i = 0; i < RECORDS; i++)
		consume(r, i);
	assert_int_equal(pthread_join(producer, NULL), 0);
	expect_empty(r);
}

static struct ring_case {
	const char *name;
	size_t bytes;
	void (*run)(struct sl_ring *r);
} cases[] = {
	{ "an empty ring has no record", 256, empty },
	{ "records come out in order and whole, one of no bytes too", 256, in_order },
	{ "a record that is not committed is never seen", 256, uncommitted },
	{ "peeking again shows the same record", 256, peek_again },
	{ "a full ring refuses, and takes one more when one was taken out", 256, full },
	{ "a record of the greatest length fits into an empty ring at every place", 256, longest_everywhere },
	{ "a record beyond the greatest length is refused", 256, too_long },
	{ "records stay whole over the end of the ring", 512, wraps },
	{ "two threads: every record arrives whole through the smallest ring", 1, two_threads },
	{ "two threads: every record arrives whole through a large ring", 100000, two_threads },
};

static void test_ring(void **state)
{
	const struct ring_case *c = *state;
	struct sl_ring *r = new_ring(c->bytes);
	c->run(r);
	sl_ring_free(&r);
	assert_null(r);
	sl_ring_free(&r);
}

static void test_too_large(void **state)
{
	struct sl_ring *r = NULL;
	(void)state;
	assert_int_equal(sl_ring_new(((size_t)1 << 31) + 1, &r), SL_EINVAL);
	assert_null(r);
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(cases) + 1];
	for (size_t i = 0; i < SL_COUNT(cases); i++)
		tests[i] = (struct CMUnitTest){ cases[i].name, test_ring, NULL, NULL, &cases[i] };
	tests[SL_COUNT(cases)] =
	        (struct CMUnitTest){ "a ring beyond 2 GiB is refused", test_too_large, NULL, NULL, NULL };
	return cmocka_run_group_tests_name("daemon/ring", tests, NULL, NULL);
}
