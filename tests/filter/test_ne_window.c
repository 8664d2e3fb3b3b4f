/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_ne_window.c [SEQUENCES] - the pass and peek arithmetic, row by row with the ids of the reference, and against a model that
 * keeps every byte.
 *
 * A story is events with blanks between, and what comes of them:
 *   nK       the verdict on the new flow: peek K        dN     a chunk of N bytes
 *   vP,K     the verdict on the last callback: pass P, peek K      uP,K   an update from elsewhere, absolute
 *   *        NEFilterFlowBytesMax
 * Answers: [A-B] a callback with bytes A up to B; >E chunks up to E are released; ! it stalls. */
#include "filter/ne_window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"

enum { CHUNKS = 64, TEXT = 512 };

struct story {
	struct sl_ne_window w;
	uint64_t chunk[CHUNKS]; /* ends, of those that wait */
	unsigned chunks;
	uint64_t last;      /* where the last callback began */
	bool decided, once; /* once: without redelivery */
	char said[TEXT];
};

static const struct story_case {
	const char *name, *events, *said;
	bool once;
} cases[] = {
	{ "NE-PEEK-01, NE-NFV-11: before the first verdict nothing passes and nothing is shown", "d10 d10",
	  "", false },
	{ "NE-PEEK-07: what is there is shown, without waiting for all that was asked for", "d10 n100 d5",
	  "[0-10] [0-15]", false },
	{ "NE-PEEK-07: not more than was asked for", "n4 d10", "[0-4]", false },
	{ "NE-PEEK-05: what is passed goes at once", "n* d10 v10,*", "[0-10] >10", false },
	{ "NE-PEEK-08: the next callback begins where the passed bytes end", "n* d10 v4,* d6",
	  "[0-10] [4-16]", false },
	{ "NE-PEEK-08: with pass 0 the same bytes come again, and new ones", "n* d10 v0,* d5",
	  "[0-10] [0-15]", false },
	{ "NE-CHOICE-08: redeliver = false shows only what is new", "n* d10 v0,* d5", "[0-10] [10-15]",
	  true },
	{ "NE-PEEK-06: a chunk of which a byte is missing waits whole", "n* d10 v9,*", "[0-10]", false },
	{ "NE-PEEK-06: and goes with its last byte", "n* d10 d10 v19,* u20,0", "[0-10] [0-20] >10 >20",
	  false },
	{ "NE-PEEK-02: pass never decreases", "n* d10 v8,* u3,0 u10,0", "[0-10] >10", false },
	{ "NE-PEEK-03: peek follows pass", "n2 d10 u6,0 v0,3", "[0-2] !", false },
	{ "NE-PEEK-04: a peek behind the old one is ignored", "n8 d10 v2,3 d10", "[0-8] !", false },
	{ "NE-PEEK-04: one beyond it counts", "n8 d10 v2,8", "[0-8] [2-10]", false },
	{ "NE-PEEK-09: (0, 0) stalls", "n8 d8 v0,0 d8", "[0-8] !", false },
	{ "NE-PEEK-09: (n, 0) below what was shown stalls", "n8 d8 v3,0 d8", "[0-8] !", false },
	{ "NE-PEEK-09: a window that ends where what was shown ends stalls", "n8 d8 v0,8", "[0-8] !", false },
	{ "NE-PEEK-09: an update ends it", "n8 d8 v0,0 u8,16 d8", "[0-8] ! >8 [8-16]", false },
	{ "NE-DV-07: peek counts from the end of the passed bytes", "n8 d8 v8,4 d8", "[0-8] >8 [8-12]",
	  false },
	{ "NE-CHOICE-10: pass may run ahead of what came, and passes it unseen", "n4 d4 v10,4 d6 d4",
	  "[0-4] >4 >10 [10-14]", false },
	{ "NE-PEEK-07: what went unseen counts as shown", "n4 d4 v10,* d8 d8", "[0-4] >4 [10-12] [10-20]",
	  false },
	{ "NE-CHOICE-10: sums saturate", "n* d4 v*,* d4", "[0-4] >4 >8", false },
	{ "NE-FLOW-03: pass everything: all flows, and nothing is shown", "n* d4 v*,0 d4 d4",
	  "[0-4] >4 >8 >12", false },
	{ "NE-NFV-10: a direction that is not filtered passes without being shown", "u*,0 d4 d4", ">4 >8",
	  false },
};

SL_PRINTF(2, 3) static void say(struct story *s, const char *format, ...)
{
	size_t n = strlen(s->said);
	if (n > 0 && n + 1 < TEXT)
		s->said[n++] = ' ';
	va_list args;
	va_start(args, format);
	(void)vsnprintf(s->said + n, TEXT - n, format, args);
	va_end(args);
}

/* As a driver does after each event: what may go goes, then what is due is shown. */
static bool settle(struct story *s)
{
	struct sl_ne_span span;
	while (s->chunks > 0 && sl_ne_window_covers(&s->w, s->chunk[0])) {
		sl_ne_window_release(&s->w, s->chunk[0]);
		say(s, ">%llu", (unsigned long long)s->chunk[0]);
		memmove(s->chunk, s->chunk + 1, --s->chunks * sizeof(s->chunk[0]));
	}
	if (!s->decided || !sl_ne_window_show(&s->w, !s->once, &span))
		return false;
	s->last = span.start;
	say(s, "[%llu-%llu]", (unsigned long long)span.start, (unsigned long long)span.end);
	return true;
}

static uint64_t number(const char **at)
{
	char *end = NULL;
	if (**at == '*') {
		(*at)++;
		return SL_NE_BYTES_MAX;
	}
	uint64_t n = strtoull(*at, &end, 10);
	*at = end;
	return n;
}

static void event(struct story *s, const char *at)
{
	char kind = *at++;
	uint64_t a = number(&at), b = *at == ',' ? (at++, number(&at)) : 0;
	switch (kind) {
	case 'n':
		sl_ne_window_verdict(&s->w, 0, 0, a);
		s->decided = true;
		break;
	case 'd':
		assert_true(sl_ne_window_data(&s->w, a));
		s->chunk[s->chunks++] = s->w.seen;
		break;
	case 'v':
		sl_ne_window_verdict(&s->w, s->last, a, b);
		break;
	default:
		sl_ne_window_update(&s->w, a, b);
		s->decided = true;
	}
	bool asked = settle(s);
	if (kind == 'v' && !asked && sl_ne_window_stalls(&s->w))
		say(s, "!");
}

static void test_story(void **state)
{
	const struct story_case *c = (const struct story_case *)*state;
	struct story s = { .once = c->once };
	char events[TEXT], *rest = events;
	(void)snprintf(events, sizeof(events), "%s", c->events);
	for (char *one; (one = strtok_r(rest, " ", &rest)) != NULL;)
		event(&s, one);
	assert_string_equal(s.said, c->said);
}

/* ---- against a model that keeps every byte ---- */

enum { BYTES = 256, EVENTS = 24 };
static unsigned long sequences = 200000;

struct model { /* says of each byte what became of it */
	uint64_t pass, peek, came;
	uint8_t shown[BYTES];
	uint64_t end[EVENTS]; /* of chunks */
	bool gone[EVENTS];
	unsigned chunks;
};

static uint64_t next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* NE-PEEK-02..04, as the reference words them. */
static void model_update(struct model *m, uint64_t p, uint64_t k)
{
	m->pass = p > m->pass ? p : m->pass;
	m->peek = m->pass > m->peek ? m->pass : m->peek;
	if (k > m->pass && k > m->peek)
		m->peek = k;
}

static void model_release(struct model *m)
{
	for (unsigned i = 0; i < m->chunks; i++) {
		if (m->gone[i] || m->end[i] > m->pass)
			continue;
		m->gone[i] = true;
		memset(m->shown, 1, m->end[i]);
	}
}

/* Is some byte to be shown, and from where to where? Bytes that were passed are not. */
static bool model_show(struct model *m, struct sl_ne_span *out)
{
	uint64_t end = m->peek < m->came ? m->peek : m->came;
	bool due = false;
	for (uint64_t i = m->pass; i < end; i++)
		due = due || !m->shown[i];
	if (due)
		memset(m->shown, 1, end);
	*out = (struct sl_ne_span){ m->pass, end };
	return due;
}

static void step(struct sl_ne_window *w, struct model *m, uint64_t *x, uint64_t *last)
{
	static const uint64_t big[] = { 0, 0, 1, 5, 40, 200, SL_NE_BYTES_MAX - 1, SL_NE_BYTES_MAX };
	uint64_t a = big[next(x) % 8], b = big[next(x) % 8], n = 1 + next(x) % 10;
	struct sl_ne_span got = { 0, 0 }, want;
	struct sl_ne_window before = *w;
	switch (next(x) % 3) {
	case 0:
		if (m->chunks == EVENTS || m->came + n > BYTES)
			return;
		assert_true(sl_ne_window_data(w, n));
		m->came += n;
		m->end[m->chunks++] = m->came;
		break;
	case 1:
		sl_ne_window_verdict(w, *last, a, b);
		uint64_t p = a == 0 ? 0 : a > UINT64_MAX - *last ? UINT64_MAX : *last + a;
		uint64_t from = a > UINT64_MAX - *last ? UINT64_MAX : *last + a;
		model_update(m, p, b == 0 ? 0 : b > UINT64_MAX - from ? UINT64_MAX : from + b);
		break;
	default:
		sl_ne_window_update(w, a, b);
		model_update(m, a, b);
	}
	for (unsigned i = 0; i < m->chunks; i++)
		if (sl_ne_window_covers(w, m->end[i]))
			sl_ne_window_release(w, m->end[i]);
	model_release(m);
	bool shows = sl_ne_window_show(w, true, &got), due = model_show(m, &want);
	assert_int_equal(shows, due);
	if (due) {
		assert_true(got.start == want.start && got.end == want.end && got.end > before.shown);
		*last = got.start;
	}
	assert_true(w->pass == m->pass && w->peek == m->peek && w->seen == m->came);
	assert_true(w->pass >= before.pass && w->peek >= before.peek && w->shown >= before.shown &&
	            w->peek >= w->pass);
}

static void test_model(void **state)
{
	uint64_t x = UINT64_C(0x9e3779b97f4a7c15);
	(void)state;
	for (unsigned long i = 0; i < sequences; i++) {
		struct sl_ne_window w = { 0 };
		struct model m = { 0 };
		uint64_t last = 0;
		for (unsigned k = 0; k < EVENTS; k++)
			step(&w, &m, &x, &last);
	}
}

static void test_length(void **state)
{
	struct sl_ne_window w = { .seen = SL_NE_BYTES_MAX - 3 };
	(void)state;
	assert_false(sl_ne_window_data(&w, 3));
	assert_true(sl_ne_window_data(&w, 2));
	assert_int_equal(w.seen, SL_NE_BYTES_MAX - 1);
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[SL_COUNT(cases) + 2];
	size_t n = 0;
	if (argc > 1)
		sequences = strtoul(argv[1], NULL, 10);
	for (; n < SL_COUNT(cases); n++)
		tests[n] = (struct CMUnitTest){ cases[n].name, test_story, NULL, NULL,
			                        (void *)(uintptr_t)&cases[n] };
	tests[n++] = (struct CMUnitTest){ "random updates do as a model that keeps every byte", test_model,
		                          NULL, NULL, NULL };
	tests[n++] = (struct CMUnitTest){ "a direction is never longer than its offsets can say", test_length,
		                          NULL, NULL, NULL };
	return _cmocka_run_group_tests("filter/ne_window", tests, n, NULL, NULL);
}
