/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_rules.c - the rules as text against tests/golden/rules/, what a configuration may hold, and the marks.
 * `test_daemon_rules --write` writes the golden files anew, to be read with `git diff`. */
#include "daemon/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/mark.h"
#include "daemon/rules_pace.h"
#include "daemon/rules_text.h"

static const struct sl_inside lan[] = { { .family = 0, .ifname = "lan0" } };
static const struct sl_inside many[] = {
	{ .family = 0, .ifname = "br-+" },
	{ .family = 4, .prefix = 24, .addr = { 192, 0, 2, 0 } },
	{ .family = 6, .prefix = 64, .addr = { 0x20, 0x01, 0x0d, 0xb8, 0, 1 } },
	{ .family = 0, .ifname = "+" },
};

static const struct golden_case {
	const char *name, *file;
	struct sl_rules_cfg cfg;
} golden[] = {
	{ "the defaults of the gateway",
	  "gateway",
	  { .inside = lan,
	    .insides = 1,
	    .queue_first = 2860,
	    .queue_count = 8,
	    .bypass = true,
	    .mark_mask = 0x70000000 } },
	{ "one queue, no bypass, silent, low mark bits",
	  "silent",
	  { .inside = lan,
	    .insides = 1,
	    .queue_first = 7,
	    .queue_count = 1,
	    .refuse_silent = true,
	    .mark_mask = 0x7 } },
	{ "blocked datagrams are answered by ICMP",
	  "prohibited",
	  { .inside = lan,
	    .insides = 1,
	    .queue_first = 2860,
	    .queue_count = 8,
	    .refuse_icmp = true,
	    .mark_mask = 0x70000000 } },
	{ "SYNs are asked about",
	  "syn",
	  { .inside = lan,
	    .insides = 1,
	    .queue_first = 2860,
	    .queue_count = 8,
	    .bypass = true,
	    .ask_syn = true,
	    .mark_mask = 0x70000000 } },
	{ "SYNs are copied",
	  "copy",
	  { .inside = lan,
	    .insides = 1,
	    .queue_first = 2860,
	    .queue_count = 8,
	    .bypass = true,
	    .copy_syn = true,
	    .mark_mask = 0x70000000 } },
	{ "answers of DNS are read",
	  "answers",
	  { .inside = many,
	    .insides = 4,
	    .queue_first = 2860,
	    .queue_count = 8,
	    .bypass = true,
	    .answers = true,
	    .mark_mask = 0x70000000 } },
	{ "a content filter sees both directions, and the ends of TCP",
	  "both",
	  { .inside = many,
	    .insides = 4,
	    .queue_first = 2860,
	    .queue_count = 1,
	    .both = true,
	    .mark_mask = 0x70000000 } },
	{ "wildcards and prefixes of both families, top mark bits",
	  "inside",
	  { .inside = many,
	    .insides = 4,
	    .queue_first = 0,
	    .queue_count = 64,
	    .bypass = true,
	    .mark_mask = 0xe0000000 } },
};

enum kind { NFT, XT4, XT6, KINDS };
static const char *const suffix[KINDS] = { "nft", "v4", "v6" };

static void put_text(const struct sl_rules_cfg *cfg, enum kind kind, struct sl_out *o)
{
	if (kind == NFT) {
		sl_nft_text(cfg, o);
		return;
	}
	for (int t = 0; t < SL_XT_TABLES; t++) {
		sl_out_fmt(o, "*%s\n", sl_xt_table_name[t]);
		sl_xt_text_chains(cfg, kind == XT4 ? 4 : 6, (enum sl_xt_table)t, o);
		sl_xt_text_jumps((enum sl_xt_table)t, o);
		sl_out_str(o, "COMMIT\n");
	}
}

static FILE *open_golden(const struct golden_case *c, enum kind kind, const char *mode)
{
	char path[512];
	(void)snprintf(path, sizeof(path), "%s/tests/golden/rules/%s.%s", SL_SOURCE_DIR, c->file,
	               suffix[kind]);
	return fopen(path, mode);
}

static void test_golden(void **state)
{
	const struct golden_case *c = *state;
	for (int k = 0; k < KINDS; k++) {
		static char got[32768], want[32768];
		struct sl_out o = sl_out_of(got, sizeof(got) - 1);
		put_text(&c->cfg, (enum kind)k, &o);
		assert_false(o.overflow);
		assert_true(o.len < sl_rules_text_max(&c->cfg));
		got[o.len] = '\0';
		FILE *f = open_golden(c, (enum kind)k, "r");
		assert_non_null(f);
		want[fread(want, 1, sizeof(want) - 1, f)] = '\0';
		(void)fclose(f);
		assert_string_equal(got, want);
	}
}

/* The largest configuration that conf.c lets through still fits into the room promised. */
static void test_room(void **state)
{
	struct sl_inside *in = calloc(1024, sizeof(*in));
	(void)state;
	assert_non_null(in);
	for (size_t i = 0; i < 1024; i++) {
		in[i] = (struct sl_inside){ .family = 6, .prefix = 128 };
		memset(in[i].addr, 0xff, sizeof(in[i].addr));
	}
	struct sl_rules_cfg cfg = { .inside = in,
		                    .insides = 1024,
		                    .queue_first = 65472,
		                    .queue_count = 64,
		                    .bypass = true,
		                    .ask_syn = true,
		                    .copy_syn = true,
		                    .answers = true,
		                    .mark_mask = 0xe0000000 };
	size_t cap = sl_rules_text_max(&cfg);
	char *text = malloc(cap);
	for (int k = 0; k < KINDS; k++) {
		struct sl_out o = sl_out_of(text, cap);
		put_text(&cfg, (enum kind)k, &o);
		assert_false(o.overflow);
	}
	free(text);
	free(in);
}

static const struct refused_case {
	const char *name;
	struct sl_inside inside;
	uint32_t queue_first, queue_count, mark_mask;
} refused[] = {
	{ "a mask of two bits", { .ifname = "lan0" }, 1, 1, 0x3 },
	{ "a mask of four bits", { .ifname = "lan0" }, 1, 1, 0xf },
	{ "a mask with a gap", { .ifname = "lan0" }, 1, 1, 0xb },
	{ "an empty mask", { .ifname = "lan0" }, 1, 1, 0 },
	{ "no queue", { .ifname = "lan0" }, 1, 0, 0x7 },
	{ "queues beyond the last number", { .ifname = "lan0" }, 65535, 2, 0x7 },
	{ "an empty name", { .ifname = "" }, 1, 1, 0x7 },
	{ "a name with a quote", { .ifname = "a\"b" }, 1, 1, 0x7 },
	{ "a name with a line end", { .ifname = "a\nb" }, 1, 1, 0x7 },
	{ "a name with a star", { .ifname = "a*" }, 1, 1, 0x7 },
	{ "a name that reads like an option", { .ifname = "-j" }, 1, 1, 0x7 },
	{ "a plus in the middle", { .ifname = "a+b" }, 1, 1, 0x7 },
	{ "an IPv4 prefix of 33 bits", { .family = 4, .prefix = 33 }, 1, 1, 0x7 },
	{ "an IPv6 prefix of 129 bits", { .family = 6, .prefix = 129 }, 1, 1, 0x7 },
	{ "a family that is none", { .family = 5 }, 1, 1, 0x7 },
};

/* Restorations every `every` ms, each in time, and how the one after them fares. */
static const struct pace_case {
	const char *name;
	unsigned restorations, every;
	unsigned then; /* ms of quiet before the next change */
	unsigned wait; /* ms until it is looked at */
	unsigned told; /* how often it was said that somebody insists */
} paces[] = {
	{ "the first change is looked at almost at once", 0, 0, 0, SL_RULES_SETTLE_MS, 0 },
	{ "a dozen flushed tables in a row are", 12, 100, 100, SL_RULES_SETTLE_MS, 0 },
	{ "one restoration a second for an hour is", 3600, 1000, 1000, SL_RULES_SETTLE_MS, 0 },
	{ "who undoes ours at once is made to wait, and named once", 25, 30, 30, SL_RULES_CALM_MS, 1 },
	{ "who goes on at that pace keeps waiting, named once", 100, 500, 10, SL_RULES_CALM_MS, 1 },
	{ "some seconds of quiet suffice", 25, 30, 6000, SL_RULES_SETTLE_MS, 1 },
};

static void test_pace(void **state)
{
	const struct pace_case *c = *state;
	struct sl_rules_pace p = { 0 };
	struct sl_mono now = { 1000000000 };
	unsigned told = 0;
	for (unsigned i = 0; i < c->restorations; i++) {
		now = sl_mono_add(now, sl_span_ms(c->every));
		told += sl_rules_pace_restored(&p, now);
	}
	now = sl_mono_add(now, sl_span_ms(c->then));
	assert_int_equal(sl_rules_pace_wait(&p, now), c->wait);
	assert_int_equal(told, c->told);
}

static void count_words(void *ctx, const char *file, unsigned line, const char *text)
{
	(void)file;
	(void)line;
	(void)text;
	++*(int *)ctx;
}

static void test_refused(void **state)
{
	const struct refused_case *c = *state;
	struct sl_rules_cfg cfg = { .backend = SL_BACKEND_NFT,
		                    .inside = &c->inside,
		                    .insides = 1,
		                    .queue_first = (uint16_t)c->queue_first,
		                    .queue_count = (uint16_t)c->queue_count,
		                    .mark_mask = c->mark_mask };
	struct sl_rules *r = NULL;
	int words = 0;
	struct sl_diag diag = { count_words, &words };
	assert_int_equal(sl_rules_open(&cfg, &diag, &r), SL_EINVAL);
	assert_null(r);
	assert_int_equal(words, 1);
}

static const struct mark_case {
	const char *name;
	uint32_t mask, verdicts, started, allowed, blocked, passed;
} marks[] = {
	{ "marks in the lowest bits", 0x7, 0x3, 0x4, 0x1, 0x2, 0x3 },
	{ "marks in the default bits", 0x70000000, 0x30000000, 0x40000000, 0x10000000, 0x20000000,
	  0x30000000 },
	{ "marks in the highest bits", 0xe0000000, 0x60000000, 0x80000000, 0x20000000, 0x40000000,
	  0x60000000 },
	{ "marks in the middle", 0x3800, 0x1800, 0x2000, 0x800, 0x1000, 0x1800 },
};

static void test_mark(void **state)
{
	const struct mark_case *c = *state;
	assert_true(sl_mark_mask_valid(c->mask));
	assert_int_equal(sl_mark_verdict_mask(c->mask), c->verdicts);
	assert_int_equal(sl_mark_started(c->mask), c->started);
	assert_int_equal(sl_mark_of(c->mask, SL_MARK_NONE), 0);
	assert_int_equal(sl_mark_of(c->mask, SL_MARK_ALLOWED), c->allowed);
	assert_int_equal(sl_mark_of(c->mask, SL_MARK_BLOCKED), c->blocked);
	assert_int_equal(sl_mark_of(c->mask, SL_MARK_PASSED), c->passed);
	/* Others' bits stay, ours are replaced, whatever both were. */
	assert_int_equal(sl_mark_answer(c->mask, 0xffffffff, SL_MARK_BLOCKED), ~c->mask | c->blocked);
	assert_int_equal(sl_mark_answer(c->mask, ~c->mask, SL_MARK_ALLOWED), ~c->mask | c->allowed);
	assert_int_equal(sl_mark_answer(c->mask, c->mask, SL_MARK_NONE), 0);
}

static int write_golden(void)
{
	static char text[32768];
	for (size_t i = 0; i < SL_COUNT(golden); i++) {
		for (int k = 0; k < KINDS; k++) {
			struct sl_out o = sl_out_of(text, sizeof(text));
			FILE *f = open_golden(&golden[i], (enum kind)k, "w");
			if (f == NULL)
				return 1;
			put_text(&golden[i].cfg, (enum kind)k, &o);
			(void)fwrite(text, 1, o.len, f);
			(void)fclose(f);
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[SL_COUNT(golden) + SL_COUNT(refused) + SL_COUNT(marks) + SL_COUNT(paces) + 1];
	size_t n = 0;
	if (argc > 1 && strcmp(argv[1], "--write") == 0)
		return write_golden();
	for (size_t i = 0; i < SL_COUNT(golden); i++)
		tests[n++] = (struct CMUnitTest){ golden[i].name, test_golden, NULL, NULL,
			                          (void *)(uintptr_t)&golden[i] };
	for (size_t i = 0; i < SL_COUNT(refused); i++)
		tests[n++] = (struct CMUnitTest){ refused[i].name, test_refused, NULL, NULL,
			                          (void *)(uintptr_t)&refused[i] };
	for (size_t i = 0; i < SL_COUNT(marks); i++)
		tests[n++] = (struct CMUnitTest){ marks[i].name, test_mark, NULL, NULL,
			                          (void *)(uintptr_t)&marks[i] };
	for (size_t i = 0; i < SL_COUNT(paces); i++)
		tests[n++] = (struct CMUnitTest){ paces[i].name, test_pace, NULL, NULL,
			                          (void *)(uintptr_t)&paces[i] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_room);
	return _cmocka_run_group_tests("rules", tests, n, NULL, NULL);
}
