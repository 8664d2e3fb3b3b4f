/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/check_explain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/daemon/compiled.h"

static struct sl_policy *policy;

static int build(void **state)
{
	static struct compiled c = { .text = { "0.0.0.0 exact.example\n0.0.0.0 both.example\n",
		                               "good.both.example\n",
		                               "https://both.example/ads\n*.under.example\n" } };
	const char *why;
	(void)state;
	compiled_prepare(&c);
	c.list[2].wildcard_below = true;
	int fd = compiled_fd(&c);
	if (fd < 0 || sl_snapshot_file_map(fd, SL_SNAPSHOT_LOOK, &why, &policy) != SL_OK)
		return 1;
	return close(fd);
}

static int drop(void **state)
{
	(void)state;
	sl_policy_free(&policy);
	return 0;
}

/* What was found, a word a key: "key:list/line/scope+" where it counts, "-" where it does not reach the host. */
static struct explain_case {
	const char *name, *host, *path, *want;
} cases[] = {
	{ "an exact entry speaks of its own host", "exact.example", NULL, "exact.example:l0/1/exact+ " },
	{ "and not of a host below it, which is told", "x.exact.example", NULL,
	  "x.exact.example: exact.example:l0/1/exact- " },
	{ "an entry for what is below does not speak of its own host", "under.example", NULL,
	  "under.example:l2/2/below- " },
	{ "but of one below it", "x.under.example", NULL, "x.under.example: under.example:l2/2/below+ " },
	{ "without a path no key with a path is tried", "good.both.example", NULL,
	  "good.both.example:l1/1/tree+ both.example:l0/2/exact- " },
	{ "with one, it is", "both.example", "/ads/1",
	  "both.example:l0/2/exact+ both.example/ads:l2/1/path+ " },
	{ "a host that no list can name tries nothing", "no host", NULL, "" },
};

static void append_mentions(char *got, size_t cap, const json_t *tried)
{
	json_t *m;
	size_t i;
	json_array_foreach(json_object_get(tried, "mentions"), i, m)
	{
		size_t len = strlen(got);
		(void)snprintf(got + len, cap - len, "%s/%d/%s%s",
		               json_string_value(json_object_get(m, "list")),
		               (int)json_integer_value(json_object_get(m, "line")),
		               json_string_value(json_object_get(m, "scope")),
		               json_is_true(json_object_get(m, "counts")) ? "+" : "-");
		assert_string_equal(json_string_value(json_object_get(m, "effect")), "block");
		assert_string_equal(json_string_value(json_object_get(m, "category")),
		                    json_string_value(json_object_get(m, "list")));
	}
}

static void test_explain(void **state)
{
	const struct explain_case *c = *state;
	const struct sl_query q = { .host = sl_bytes_str(c->host), .path = sl_bytes_str(c->path) };
	json_t *tried = sl_check_explain(policy, &q), *one;
	char got[512] = "";
	size_t i;
	json_array_foreach(tried, i, one)
	{
		bool found = json_is_true(json_object_get(one, "found"));
		bool perhaps = strcmp(json_string_value(json_object_get(one, "prefilter")), "perhaps") == 0;
		size_t len = strlen(got);
		(void)snprintf(got + len, sizeof(got) - len,
		               "%s:", json_string_value(json_object_get(one, "key")));
		append_mentions(got, sizeof(got), one);
		len = strlen(got);
		(void)snprintf(got + len, sizeof(got) - len, " ");
		assert_true(perhaps || !found);
		assert_int_equal(json_array_size(json_object_get(one, "mentions")) > 0, found);
	}
	json_decref(tried);
	assert_string_equal(got, c->want);
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(cases)];
	for (size_t i = 0; i < SL_COUNT(cases); i++)
		tests[i] = (struct CMUnitTest){ cases[i].name, test_explain, NULL, NULL, &cases[i] };
	return cmocka_run_group_tests_name("daemon/check_explain", tests, build, drop);
}
