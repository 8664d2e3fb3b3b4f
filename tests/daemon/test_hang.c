/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which worker hangs, over a time that the rows tell: what the supervisor sees at each of its looks, and when it looks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/util.h"
#include "daemon/hang.h"

enum { LIMIT_MS = 250, NEVER = -1, START_MS = 5000 };

/* The story of worker 1; worker 0 is busy and moves with every look. */
struct hang_case {
	const char *name;
	unsigned moves_every_ms; /* a sign of life; 0: none */
	unsigned held;           /* packets it says it holds */
	bool unread;
	unsigned waiting;
	unsigned late_ms;    /* the supervisor comes so much after each moment that it was to look at */
	unsigned starts_ms;  /* before this nothing waits */
	int64_t hangs_ms[2]; /* found within this time of starts_ms, or NEVER */
};

static const struct hang_case cases[] = {
	{ "nothing waits: it sleeps", 0, 0, false, 0, 0, 0, { NEVER, NEVER } },
	{ "an idle one looks up once a second", 1000, 0, false, 0, 0, 0, { NEVER, NEVER } },
	{ "unread messages, no sign of life", 0, 0, true, 3, 0, 0, { 250, 300 } },
	{ "messages that were read and not answered", 0, 0, false, 3, 0, 0, { 250, 300 } },
	{ "messages after a long sleep: the time before them does not count",
	  0,
	  0,
	  true,
	  1,
	  0,
	  4000,
	  { 250, 400 } },
	{ "a full queue, but it moves", 40, 0, true, 4096, 0, 0, { NEVER, NEVER } },
	{ "it moves slowly, but within the limit", 240, 0, true, 10, 0, 0, { NEVER, NEVER } },
	{ "what waits is what it holds, and it looks up once a second",
	  1000,
	  5,
	  false,
	  5,
	  0,
	  0,
	  { NEVER, NEVER } },
	{ "what waits is what it holds, and it does not look up any more",
	  0,
	  5,
	  false,
	  5,
	  0,
	  0,
	  { 1250, 1300 } },
	{ "one more waits than it holds", 1000, 5, false, 6, 0, 0, { 250, 300 } },
	{ "a message comes for one that holds some", 1000, 5, true, 6, 0, 0, { 250, 300 } },
	{ "on a machine that stalls, lateness does not count", 400, 0, true, 9, 50, 0, { NEVER, NEVER } },
	{ "it is found on such a machine, too, later", 0, 0, true, 9, 50, 0, { 700, 900 } },
};

static int64_t story(const struct hang_case *c, int64_t until_ms)
{
	static struct sl_hang h;
	struct sl_life busy = { 0 };
	int64_t t = START_MS;

	sl_hang_begin(&h, 2, sl_span_ms(LIMIT_MS), (struct sl_mono){ t * 1000 });
	while (t < START_MS + until_ms) {
		struct sl_life life = { 0 };
		struct sl_span quiet = { 0 };
		bool begun = t - START_MS >= c->starts_ms;
		for (int64_t i = 0; c->moves_every_ms > 0 && i < 1 + (t - START_MS) / c->moves_every_ms; i++)
			sl_life_sign(&life, c->held);
		if (c->moves_every_ms == 0)
			sl_life_sign(&life, c->held);
		sl_life_sign(&busy, 0);
		const struct sl_hang_sight sight[2] = {
			{ sl_life_get(&busy), true, 100 },
			{ sl_life_get(&life), begun && c->unread, begun ? c->waiting : 0 },
		};
		int who = sl_hang_look(&h, sight, (struct sl_mono){ t * 1000 }, &quiet);
		assert_true(who == -1 || who == 1);
		if (who == 1) {
			assert_true(quiet.us >= sl_span_ms(LIMIT_MS).us);
			return t - START_MS - c->starts_ms;
		}
		assert_true(h.due.us > t * 1000);
		assert_true(h.due.us <= (t + 100) * 1000);
		t = h.due.us / 1000 + c->late_ms;
	}
	return NEVER;
}

static void test_story(void **state)
{
	const struct hang_case *c = *state;
	int64_t found = story(c, 20000);

	print_message("          found after %lld ms\n", (long long)found);
	assert_true(found >= c->hangs_ms[0] && found <= c->hangs_ms[1]);
}

static void a_new_engine_begins_anew(void **state)
{
	static struct sl_hang h;
	const struct sl_hang_sight stuck = { 7, true, 1 };
	struct sl_span quiet;
	(void)state;

	sl_hang_begin(&h, 1, sl_span_ms(LIMIT_MS), (struct sl_mono){ 0 });
	for (int64_t t = 0; t < 240; t += 25)
		assert_int_equal(sl_hang_look(&h, &stuck, (struct sl_mono){ t * 1000 }, &quiet), -1);
	sl_hang_begin(&h, 1, sl_span_ms(LIMIT_MS), (struct sl_mono){ 250000 });
	for (int64_t t = 250; t < 490; t += 25)
		assert_int_equal(sl_hang_look(&h, &stuck, (struct sl_mono){ t * 1000 }, &quiet), -1);
	assert_int_equal(sl_hang_look(&h, &stuck, (struct sl_mono){ 500000 }, &quiet), 0);
	assert_int_equal(quiet.us, 250000);
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(cases) + 1];

	for (size_t i = 0; i < SL_COUNT(cases); i++)
		tests[i] = (struct CMUnitTest){ cases[i].name, test_story, NULL, NULL,
			                        (void *)(uintptr_t)&cases[i] };
	tests[SL_COUNT(cases)] = (struct CMUnitTest)cmocka_unit_test(a_new_engine_begins_anew);
	return _cmocka_run_group_tests("daemon/hang", tests, SL_COUNT(tests), NULL, NULL);
}
