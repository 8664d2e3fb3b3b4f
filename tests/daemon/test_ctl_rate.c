/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ctl_rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { A_SECOND = 20, AT_ONCE = 5, STEP_MS = 1000 / A_SECOND };

static struct sl_mono at_ms(int64_t ms)
{
	return (struct sl_mono){ 1000000 + ms * 1000 };
}

static unsigned ask(struct sl_ctl_rate *rate, uid_t uid, int64_t ms)
{
	return sl_ctl_rate_take(rate, uid, A_SECOND, AT_ONCE, at_ms(ms));
}

static void test_burst(void **state)
{
	struct sl_ctl_rate rate = { 0 };
	(void)state;

	for (int i = 0; i < AT_ONCE; i++)
		assert_int_equal(ask(&rate, 7, 0), 0);
	assert_int_equal(ask(&rate, 7, 0), STEP_MS);
	assert_int_equal(ask(&rate, 7, STEP_MS - 1), 1); /* asking costs nothing */
	assert_int_equal(ask(&rate, 7, STEP_MS), 0);
	assert_int_equal(ask(&rate, 7, STEP_MS), STEP_MS);
	for (int i = 0; i < AT_ONCE; i++) /* and in time it may come at once again */
		assert_int_equal(ask(&rate, 7, 60000), 0);
	assert_int_not_equal(ask(&rate, 7, 60000), 0);
}

static void test_steady(void **state)
{
	struct sl_ctl_rate rate = { 0 };
	unsigned got = 0;
	(void)state;

	for (int64_t ms = 0; ms < 10000; ms++)
		got += ask(&rate, 7, ms) == 0;
	assert_in_range(got, 10 * A_SECOND, 10 * A_SECOND + AT_ONCE);
}

static void test_users(void **state)
{
	struct sl_ctl_rate rate = { 0 };
	(void)state;

	while (ask(&rate, 7, 0) == 0)
		;
	assert_int_equal(ask(&rate, 8, 0), 0);
	assert_int_not_equal(ask(&rate, 7, 0), 0);
	assert_int_equal(ask(&rate, 0, 0), 0); /* uid 0 is one like others here */
}

/* The one that owes most is remembered, however many others ask once. */
static void test_many_users(void **state)
{
	struct sl_ctl_rate rate = { 0 };
	(void)state;

	while (ask(&rate, 7, 0) == 0)
		;
	for (uid_t uid = 1000; uid < 1000 + 10 * SL_CTL_RATE_UIDS; uid++)
		assert_int_equal(ask(&rate, uid, 0), 0);
	assert_int_not_equal(ask(&rate, 7, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "so many at once, then one after the other", test_burst, NULL, NULL, NULL },
		{ "whoever asks all the time gets the rate", test_steady, NULL, NULL, NULL },
		{ "each user owes for itself", test_users, NULL, NULL, NULL },
		{ "with more users than places who owes most is remembered", test_many_users, NULL, NULL,
		  NULL },
	};
	return cmocka_run_group_tests_name("daemon/ctl_rate", tests, NULL, NULL);
}
