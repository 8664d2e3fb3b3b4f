/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which keys two snapshots do not share. */
#include "policy/diff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/util.h"
#include "tests/policy/made.h"

static struct diff_case {
	const char *name, *a, *b, *want;
} cases[] = {
	{ "two that are the same", "a.example\nb.example\n", "b.example\na.example\n", "" },
	{ "two that are empty", "", "", "" },
	{ "all is new", "", "a.example\nb.example\n", "+a.example +b.example " },
	{ "all is gone", "a.example\nb.example\n", "", "-a.example -b.example " },
	{ "some of each, in the order of snapshots", "a.example\nm.example\nz.example\n",
	  "b.example\nm.example\nzz.test\n", "-a.example +b.example -z.example +zz.test " },
	{ "a parent that covers its children takes their keys", "x.a.example\ny.a.example\n", "a.example\n",
	  "+a.example -x.a.example -y.a.example " },
	{ "paths", "http://a.example/ads\n", "http://a.example/adx\n", "-a.example/ads +a.example/adx " },
	{ "addresses", "192.0.2.0/24\n", "192.0.2.0/25\n", "-192.0.2.0/24 +192.0.2.0/25 " },
};

static struct sl_snapshot *compile(const char *text, struct made *image, enum sl_profile profile)
{
	const struct sl_compile_cfg cfg = { .fold = profile == SL_PROFILE_NATIVE, .profile = profile };
	const struct sl_list_cfg list = { .file = "list",
		                          .format = SL_FORMAT_AUTO,
		                          .max_refused_percent = 100 };
	const struct sl_image_sink sink = { image, made_write };
	struct sl_compile_list made = { .name = "list", .file = "list" };
	struct sl_compile_stats stats;
	struct sl_list_stats read;
	struct sl_compile *c = NULL;
	struct sl_snapshot *s = NULL;
	assert_int_equal(sl_compile_new(&cfg, &c), SL_OK);
	assert_int_equal(sl_compile_category(c, "list", SL_LIST_BLOCK, &made.category), SL_OK);
	assert_int_equal(sl_compile_begin(c, &made), SL_OK);
	assert_int_equal(sl_list_read(&list, sl_bytes_str(text), sl_compile_add, c, NULL, &read), SL_OK);
	sl_compile_end(c);
	assert_int_equal(sl_compile_finish(c, &sink, &stats), SL_OK);
	sl_compile_free(&c);
	assert_int_equal(sl_snapshot_open(sl_bytes_of(image->p, image->len), NULL, &s), SL_OK);
	return s;
}

static int collect(void *ctx, bool added, struct sl_bytes key)
{
	char *told = ctx;
	size_t len = strlen(told);
	(void)snprintf(told + len, 512 - len, "%c%.*s ", added ? '+' : '-', (int)key.len,
	               (const char *)key.p);
	return SL_OK;
}

static void test_diff(void **state)
{
	const struct diff_case *c = *state;
	struct made left = { .len = 0 }, right = { .len = 0 };
	char told[512] = "";
	struct sl_snapshot *a = compile(c->a, &left, SL_PROFILE_NATIVE),
	                   *b = compile(c->b, &right, SL_PROFILE_NATIVE);
	assert_int_equal(sl_snapshot_diff(a, b, collect, told), SL_OK);
	assert_string_equal(told, c->want);
	sl_snapshot_free(&a);
	sl_snapshot_free(&b);
	made_free(&left);
	made_free(&right);
}

static int stop(void *ctx, bool added, struct sl_bytes key)
{
	(void)added;
	(void)key;
	return ++*(int *)ctx == 2 ? SL_ELIMIT : SL_OK;
}

static void test_stop(void **state)
{
	struct made left = { .len = 0 }, right = { .len = 0 };
	int calls = 0;
	(void)state;
	struct sl_snapshot *a = compile("", &left, SL_PROFILE_NATIVE),
	                   *b = compile("a.example\nb.example\nc.example\n", &right, SL_PROFILE_NATIVE);
	assert_int_equal(sl_snapshot_diff(a, b, stop, &calls), SL_ELIMIT);
	assert_int_equal(calls, 2);
	sl_snapshot_free(&b);
	made_free(&right);
	b = compile("http://a.example/", &right, SL_PROFILE_NE27);
	assert_int_equal(sl_snapshot_diff(a, b, stop, &calls), SL_EUNSUP);
	sl_snapshot_free(&a);
	sl_snapshot_free(&b);
	made_free(&left);
	made_free(&right);
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(cases) + 1] = {
		[SL_COUNT(cases)] = { "ends as told; another profile is refused", test_stop, NULL, NULL,
		                      NULL },
	};
	for (size_t i = 0; i < SL_COUNT(cases); i++)
		tests[i] = (struct CMUnitTest){ cases[i].name, test_diff, NULL, NULL, &cases[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
