/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/clients.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/util.h"

static const struct sl_client_limits usual = { .max = 64, .rate = 100, .flows = 4, .prefix6 = 64 };

static struct sl_clients *make(const struct sl_client_limits *limits)
{
	struct sl_clients *t = NULL;
	assert_int_equal(sl_clients_new(limits, 7, &t), SL_OK);
	return t;
}

static struct sl_client_account *take(struct sl_clients *t, uint32_t number, int64_t us)
{
	uint8_t addr[16] = { 10 };
	memcpy(addr + 1, &number, 3);
	return sl_clients_take(t, 4, addr, (struct sl_mono){ us });
}

static unsigned taken_at(struct sl_clients *t, int64_t us, unsigned packets)
{
	unsigned good = 0;
	for (unsigned i = 0; i < packets; i++)
		good += take(t, 1, us)->said == 0;
	return good;
}

static void a_second_s_packets_may_come_at_once_and_then_its_rate(void **state)
{
	struct sl_clients *t = make(&usual);
	(void)state;
	assert_int_equal(taken_at(t, 5000000, 1000), 100);
	assert_int_equal(taken_at(t, 5010000, 1000), 1);    /* a hundredth of a second later */
	assert_int_equal(taken_at(t, 5500000, 1000), 49);   /* what was too much has not counted */
	assert_int_equal(taken_at(t, 90000000, 1000), 100); /* and what was not used is not saved */
	sl_clients_free(&t);
	assert_null(t);
}

static void another_client_has_a_rate_of_its_own(void **state)
{
	struct sl_clients *t = make(&usual);
	(void)state;
	assert_int_equal(taken_at(t, 0, 1000), 100);
	for (uint32_t i = 2; i < 10; i++)
		assert_int_equal(take(t, i, 0)->said, 0);
	assert_int_equal(take(t, 1, 0)->said, SL_CLIENT_FAST);
	sl_clients_free(&t);
}

static void work_beyond_a_packet_is_charged(void **state)
{
	struct sl_clients *t = make(&usual);
	(void)state;
	sl_clients_charge(t, take(t, 1, 0), 39, (struct sl_mono){ 0 });
	assert_int_equal(taken_at(t, 0, 1000), 60);
	sl_clients_charge(t, take(t, 1, 0), 100, (struct sl_mono){ 0 }); /* a debt */
	assert_int_equal(taken_at(t, 1000000, 1000), 0);
	assert_int_equal(taken_at(t, 2000000, 1000), 100);
	sl_clients_free(&t);
}

static void no_rate_is_no_limit(void **state)
{
	struct sl_client_limits limits = usual;
	(void)state;
	limits.rate = 0;
	struct sl_clients *t = make(&limits);
	assert_int_equal(taken_at(t, 0, 1000), 1000);
	sl_clients_free(&t);
}

/* Which of two addresses are one client? */
static void an_ipv6_client_is_its_prefix(void **state)
{
	static const struct {
		uint8_t prefix;
		unsigned byte, bit;
		bool same;
	} row[] = {
		{ 64, 7, 1, false },  { 64, 8, 0x80, true }, { 64, 15, 1, true }, { 56, 7, 1, true },
		{ 56, 6, 1, false },  { 128, 15, 1, false }, { 63, 7, 1, true },  { 63, 7, 2, false },
		{ 1, 0, 0x40, true }, { 1, 0, 0x80, false },
	};
	(void)state;
	for (size_t i = 0; i < SL_COUNT(row); i++) {
		struct sl_client_limits limits = usual;
		limits.prefix6 = row[i].prefix;
		struct sl_clients *t = make(&limits);
		uint8_t addr[16] = { 0x20, 1, 0xd, 0xb8, 0, 1, 0, 4, 9, 9, 9, 9, 9, 9, 9, 8 };
		struct sl_client_account *first = sl_clients_take(t, 6, addr, (struct sl_mono){ 0 });
		addr[row[i].byte] ^= (uint8_t)row[i].bit;
		assert_int_equal(sl_clients_find(t, 6, addr) == first, row[i].same);
		assert_int_equal(sl_clients_take(t, 6, addr, (struct sl_mono){ 0 }) == first, row[i].same);
		sl_clients_free(&t);
	}
}

static void an_ipv4_client_is_its_address(void **state)
{
	struct sl_clients *t = make(&usual);
	const uint8_t addr[16] = { 10, 0, 0, 1 }, other[16] = { 10, 0, 0, 2 };
	(void)state;
	struct sl_client_account *c = sl_clients_take(t, 4, addr, (struct sl_mono){ 0 });
	assert_ptr_equal(sl_clients_take(t, 4, addr, (struct sl_mono){ 0 }), c);
	assert_ptr_not_equal(sl_clients_take(t, 4, other, (struct sl_mono){ 0 }), c);
	assert_ptr_not_equal(sl_clients_take(t, 6, addr, (struct sl_mono){ 0 }), c);
	assert_ptr_equal(sl_clients_find(t, 4, addr), c);
	sl_clients_free(&t);
}

/* Addresses without end: the table stays as it is, somebody who has something goes last, and it is said when that happens. */
static void a_full_place_forgets_the_idle_first(void **state)
{
	struct sl_clients *t = make(&usual);
	(void)state;
	take(t, 0, 0)->flows = 3;
	for (uint32_t i = 1; i < 100000; i++)
		assert_int_equal(take(t, i, i)->said, 0);
	assert_int_equal(take(t, 0, 100000)->flows, 3);
	unsigned lost = 0;
	for (uint32_t i = 1; i < 1000; i++) {
		struct sl_client_account *c = take(t, i, 200000 + i);
		lost += c->said == SL_CLIENT_LOST;
		c->held = 5;
	}
	assert_int_equal(lost, 999 - 63); /* 64 places, of which one had something */
	struct sl_client_account *last = take(t, 999, 300000);
	assert_int_equal(last->held, 5);
	sl_clients_free(&t);
}

/* Clients that meet in one table do not in another: without the seed nobody can choose addresses that push each other out. */
static void the_seed_decides_who_meets_whom(void **state)
{
	enum { PLACES = 1024, WAYS = 8 };
	struct sl_client_limits limits = usual;
	unsigned stay[2] = { 0, 0 };
	static uint32_t planned[WAYS * 4];
	unsigned n = 0;
	(void)state;
	limits.max = PLACES;
	for (uint64_t seed = 0; seed < 2; seed++) {
		struct sl_clients *t = NULL;
		assert_int_equal(sl_clients_new(&limits, seed, &t), SL_OK);
		if (seed == 0) { /* all that come to the place of the first */
			struct sl_client_account *first = take(t, 0, 0);
			first->flows = 1;
			for (uint32_t i = 1; n < SL_COUNT(planned); i++) {
				struct sl_client_account *c = take(t, i, i);
				if (c >= first - WAYS + 1 && c <= first + WAYS - 1)
					planned[n++] = i;
			}
			sl_clients_free(&t);
			assert_int_equal(sl_clients_new(&limits, seed, &t), SL_OK);
		}
		for (unsigned i = 0; i < n; i++)
			take(t, planned[i], i)->flows = 1;
		for (unsigned i = 0; i < n; i++) {
			uint8_t addr[16] = { 10 };
			memcpy(addr + 1, &planned[i], 3);
			stay[seed] += sl_clients_find(t, 4, addr) != NULL;
		}
		sl_clients_free(&t);
	}
	assert_true(stay[0] < 3 * WAYS);
	assert_int_equal(stay[1], SL_COUNT(planned));
}

static void refuses_what_is_out_of_range(void **state)
{
	struct sl_client_limits bad[] = { usual, usual, usual, usual, usual };
	struct sl_clients *t = NULL;
	(void)state;
	bad[0].max = 0;
	bad[1].max = (1 << 20) + 1;
	bad[2].rate = 10000001;
	bad[3].prefix6 = 0;
	bad[4].prefix6 = 129;
	for (size_t i = 0; i < SL_COUNT(bad); i++)
		assert_int_equal(sl_clients_new(&bad[i], 1, &t), SL_EINVAL);
	assert_null(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_second_s_packets_may_come_at_once_and_then_its_rate),
		cmocka_unit_test(another_client_has_a_rate_of_its_own),
		cmocka_unit_test(work_beyond_a_packet_is_charged),
		cmocka_unit_test(no_rate_is_no_limit),
		cmocka_unit_test(an_ipv6_client_is_its_prefix),
		cmocka_unit_test(an_ipv4_client_is_its_address),
		cmocka_unit_test(a_full_place_forgets_the_idle_first),
		cmocka_unit_test(the_seed_decides_who_meets_whom),
		cmocka_unit_test(refuses_what_is_out_of_range),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
