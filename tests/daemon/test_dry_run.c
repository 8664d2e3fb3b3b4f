/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names that were asked for of late, and what a new policy would change for them. */
#include "daemon/dry_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/standing.h"

static const int64_t second = 1000000;

struct table {
	int fd;
	struct sl_seen_names *names;
};

static void table_open(struct table *t)
{
	t->fd = sl_seen_names_file();
	assert_true(t->fd >= 0);
	assert_int_equal(sl_seen_names_map(t->fd, true, &t->names), SL_OK);
}

static void table_close(struct table *t)
{
	sl_seen_names_unmap(&t->names);
	(void)close(t->fd);
}

static void see(struct table *t, const char *name, int64_t at)
{
	sl_seen_names_note(t->names, sl_bytes_str(name), at);
}

/* How often it is in there. */
static unsigned has(const struct table *t, const char *name, int64_t since)
{
	char text[SL_SEEN_NAME_MAX];
	size_t at = 0, len;
	unsigned found = 0;
	while ((len = sl_seen_names_next(t->names, &at, since, text)) > 0)
		found += sl_bytes_equal(sl_bytes_of(text, len), sl_bytes_str(name));
	return found;
}

static void names_are_noted_once(void **state)
{
	struct table t;
	(void)state;
	table_open(&t);
	see(&t, "Www.Example.", 5 * second);
	see(&t, "www.example", 7 * second);
	assert_int_equal(has(&t, "www.example", 0), 1);
	assert_int_equal(has(&t, "www.example", 7 * second), 1);
	assert_int_equal(has(&t, "www.example", 7 * second + 1), 0);
	table_close(&t);
}

static void what_is_no_name_is_not_noted(void **state)
{
	struct table t;
	char longest[SL_SEEN_NAME_MAX + 2];
	(void)state;
	table_open(&t);
	memset(longest, 'a', sizeof(longest));
	longest[SL_SEEN_NAME_MAX + 1] = '\0';
	see(&t, longest, second);
	see(&t, "", second);
	see(&t, ".", second);
	size_t at = 0;
	char text[SL_SEEN_NAME_MAX];
	assert_int_equal(sl_seen_names_next(t.names, &at, 0, text), 0);
	longest[SL_SEEN_NAME_MAX] = '\0';
	see(&t, longest, second);
	assert_int_equal(has(&t, longest, 0), 1);
	table_close(&t);
}

static void a_flood_pushes_out_the_oldest(void **state)
{
	struct table t;
	char name[32];
	unsigned first = 0, last = 0;
	(void)state;
	table_open(&t);
	for (int i = 0; i < 100000; i++) {
		(void)snprintf(name, sizeof(name), "n%d.example", i);
		see(&t, name, (i + 1) * second);
	}
	for (int i = 0; i < 10; i++) {
		(void)snprintf(name, sizeof(name), "n%d.example", i);
		first += has(&t, name, 0);
		(void)snprintf(name, sizeof(name), "n%d.example", 99990 + i);
		last += has(&t, name, 0);
	}
	assert_int_equal(first, 0);
	assert_int_equal(last, 10);
	table_close(&t);
}

/* A reader maps what another process wrote, or whatever else it was given. */
static void only_such_a_file_is_mapped(void **state)
{
	struct sl_seen_names *other = NULL;
	struct table t;
	(void)state;
	table_open(&t);
	see(&t, "www.example", second);
	assert_int_equal(sl_seen_names_map(t.fd, false, &other), SL_OK);
	struct table reader = { -1, other };
	assert_int_equal(has(&reader, "www.example", 0), 1);
	sl_seen_names_unmap(&other);
	FILE *file = tmpfile();
	assert_non_null(file);
	assert_int_equal(sl_seen_names_map(fileno(file), false, &other), SL_EMALF);
	(void)fclose(file);
	table_close(&t);
}

static struct sl_policy *policy_of(const char *ads, const char *more)
{
	struct sl_policy_builder *b = NULL;
	struct sl_policy *p = NULL;
	const struct sl_policy_list lists[] = {
		{ .name = "ads", .kind = SL_LIST_BLOCK, .cfg = { .file = "/ads" } },
		{ .name = "more", .kind = SL_LIST_BLOCK, .cfg = { .file = "/more" } },
	};
	assert_int_equal(sl_policy_builder_new(&b), SL_OK);
	assert_int_equal(sl_policy_builder_add(b, &lists[0], sl_bytes_str(ads), NULL, NULL), SL_OK);
	assert_int_equal(sl_policy_builder_add(b, &lists[1], sl_bytes_str(more), NULL, NULL), SL_OK);
	assert_int_equal(sl_policy_builder_finish(b, &p), SL_OK);
	sl_policy_builder_free(&b);
	return p;
}

static json_int_t number(const json_t *o, const char *name)
{
	assert_true(json_is_integer(json_object_get(o, name)));
	return json_integer_value(json_object_get(o, name));
}

static void a_policy_is_tried_on_them(void **state)
{
	struct sl_policy *before = policy_of("old.example\nboth.example\n", "x.example\n"),
	                 *after = policy_of("both.example\n", "x.example\nnew.example\n");
	struct table t;
	(void)state;
	table_open(&t);
	see(&t, "www.old.example", 10 * second);
	see(&t, "both.example", 10 * second);
	see(&t, "new.example", 10 * second);
	see(&t, "www.new.example", 10 * second);
	see(&t, "other.example", 10 * second);
	see(&t, "late.new.example", 9 * second);
	see(&t, "no name at all", 10 * second);
	json_t *dry = sl_dry_run(before, after, t.names, 10 * second);
	assert_int_equal(number(dry, "names"), 5);
	assert_int_equal(number(dry, "blocked"), 2);
	assert_int_equal(number(dry, "newly_blocked"), 2);
	assert_int_equal(number(dry, "newly_allowed"), 1);
	assert_int_equal(number(json_object_get(dry, "lists"), "more"), 2);
	assert_int_equal(json_object_size(json_object_get(dry, "lists")), 1);
	assert_int_equal(json_array_size(json_object_get(dry, "examples")), 3);
	json_decref(dry);
	table_close(&t);
	sl_policy_free(&before);
	sl_policy_free(&after);
}

/* What a list in the shadow holds is no change for anybody. */
static void a_list_in_the_shadow_changes_nothing(void **state)
{
	static const char text[] = "inside: lan0\n"
	                           "lists: [{file: /x/ads}, {file: /x/more, role: shadow}]\n";
	struct sl_policy *before = policy_of("", "x.example\n"),
	                 *after = policy_of("ads.example\n", "new.example\n");
	struct sl_conf *conf = NULL;
	struct table t;
	(void)state;
	assert_int_equal(sl_conf_read("/x.yaml", sl_bytes_str(text), NULL, &conf), SL_OK);
	assert_int_equal(sl_standing_apply(conf, NULL, &before), SL_OK);
	assert_int_equal(sl_standing_apply(conf, NULL, &after), SL_OK);
	table_open(&t);
	see(&t, "new.example", 10 * second);
	see(&t, "ads.example", 10 * second);
	json_t *dry = sl_dry_run(before, after, t.names, 10 * second);
	assert_int_equal(number(dry, "newly_blocked"), 1);
	assert_int_equal(number(json_object_get(dry, "lists"), "ads"), 1);
	json_decref(dry);
	table_close(&t);
	sl_policy_free(&before);
	sl_policy_free(&after);
	sl_conf_free(&conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_noted_once),
		cmocka_unit_test(what_is_no_name_is_not_noted),
		cmocka_unit_test(a_flood_pushes_out_the_oldest),
		cmocka_unit_test(only_such_a_file_is_mapped),
		cmocka_unit_test(a_policy_is_tried_on_them),
		cmocka_unit_test(a_list_in_the_shadow_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
