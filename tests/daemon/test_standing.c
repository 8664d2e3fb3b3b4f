/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_standing.c - from a configuration, the operator's words, interfaces and the clock to the masks by which is judged. */
#include "daemon/standing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "policy/policy.h"

static const char conf_text[] =
        "inside: lan0\n"
        "lists:\n"
        "  - {file: /x/ads}\n"
        "  - {file: /x/games, role: shadow}\n"
        "  - {file: /x/good, action: allow}\n"
        "groups:\n"
        "  - name: kids\n"
        "    clients: [10.0.0.0/8, lan+, vlan 7]\n"
        "    roles: {games: block, good: off}\n"
        "    allow: school.example\n"
        "    ech: block\n"
        "    schedules:\n"
        "      - {name: night, from: \"21:00\", to: \"07:00\", default: block}\n"
        "      - {name: sunday, days: sun, from: \"02:00\", to: \"03:00\", roles: {ads: off}}\n"
        "  - name: default\n"
        "    roles: {ads: shadow}\n";

enum {
	ADS = 1,
	GAMES = 2,
	GOOD = 4
}; /* the policy has them in another order than the configuration, and one more */

static struct sl_policy *policy;
static struct sl_conf *conf;

static void emit(void *ctx, const char *file, unsigned line, const char *text)
{
	(void)ctx;
	print_error("%s:%u: %s\n", file, line, text);
}

static const struct sl_diag diag = { emit, NULL };

static void add_list(struct sl_policy_builder *b, const char *name, enum sl_list_kind kind, const char *text)
{
	const struct sl_policy_list list = { name, kind, { .file = name, .format = SL_FORMAT_DOMAINS } };
	assert_int_equal(sl_policy_builder_add(b, &list, sl_bytes_str(text), &diag, NULL), SL_OK);
}

static int set_up(void **state)
{
	struct sl_policy_builder *b = NULL;
	(void)state;
	assert_int_equal(sl_policy_builder_new(&b), SL_OK);
	add_list(b, "ads", SL_LIST_BLOCK, "ads.example\n");
	add_list(b, "games", SL_LIST_BLOCK, "games.example\n");
	add_list(b, "good", SL_LIST_ALLOW, "good.ads.example\n");
	assert_int_equal(sl_policy_builder_finish(b, &policy), SL_OK);
	sl_policy_builder_free(&b);
	return sl_conf_read("/x.yaml", sl_bytes_str(conf_text), &diag, &conf);
}

static int tear_down(void **state)
{
	(void)state;
	sl_policy_free(&policy);
	sl_conf_free(&conf);
	return 0;
}

static struct sl_operator nothing;
static const struct sl_interface links[] = { { 3, 0, "lan0" }, { 4, 7, "eth0.7" }, { 5, 0, "wan" } };
static const struct sl_interfaces interfaces = { (struct sl_interface *)(uintptr_t)links, 3 };

static struct sl_groups *stand(const struct sl_operator *o, const struct tm *local,
                               struct sl_group_numbers *numbers)
{
	struct sl_groups *groups = NULL;
	json_t *standing = sl_standing_write(conf, o, &interfaces, local);
	assert_non_null(standing);
	assert_int_equal(sl_standing_read(standing, sl_policy_snapshot(policy), numbers, &groups), SL_OK);
	json_decref(standing);
	return groups;
}

static const struct tm noon = { .tm_wday = 3, .tm_hour = 12 };

static const struct sl_group *group(const struct sl_groups *g, const char *name)
{
	return sl_groups_group(g, sl_groups_number(g, name));
}

static void gives_roles(void **state)
{
	struct sl_group_numbers numbers = { .name = { "" } };
	struct sl_groups *g = stand(&nothing, &noon, &numbers);
	const struct sl_roles *kids = &group(g, "kids")->roles, *rest = &group(g, "default")->roles;
	(void)state;
	assert_int_equal(kids->block, ADS | GAMES);
	assert_int_equal(kids->shadow, 0);
	assert_int_equal(kids->allow, 0);
	assert_false(kids->default_block);
	assert_int_equal(group(g, "kids")->ech, SL_GROUP_ECH_BLOCK);
	assert_int_equal(rest->block, 0);
	assert_int_equal(rest->shadow, ADS | GAMES);
	assert_int_equal(rest->allow, GOOD);
	sl_groups_free(&g);
}

static void arms_what_is_in_the_shadow(void **state)
{
	struct sl_operator said;
	struct sl_group_numbers numbers = { .name = { "" } };
	uint32_t id;
	char list[] = "ads", off[] = "good";
	(void)state;
	sl_operator_init(&said);
	(void)sl_operator_add(&said, &(struct sl_operator_entry){ .what = SL_OPERATOR_ARM, .name = list },
	                      &id);
	(void)sl_operator_add(&said, &(struct sl_operator_entry){ .what = SL_OPERATOR_ARM, .name = off },
	                      &id);
	struct sl_groups *g = stand(&said, &noon, &numbers);
	assert_int_equal(group(g, "default")->roles.block, ADS);
	assert_int_equal(group(g, "default")->roles.shadow, GAMES);
	assert_int_equal(group(g, "kids")->roles.allow, 0);
	sl_groups_free(&g);
	sl_operator_free(&said);
}

/* Seconds since 1970, and what is on then in Berlin. In 2026 its clocks go on by an hour on 29 March at 2:00, and back on
 * 25 October at 3:00. */
static const struct clock_row {
	const char *name;
	time_t at;
	const char *schedule;
	bool default_block;
} clock_rows[] = {
	{ "a minute before nine in winter", 1768420740, "", false },
	{ "nine in winter", 1768420800, "night", true },
	{ "a minute before nine in summer: an hour earlier for the world", 1784055540, "", false },
	{ "nine in summer", 1784055600, "night", true },
	{ "two at night on an ordinary Sunday: of two that are on the last names itself", 1773536400,
	  "sunday", true },
	{ "a second before the hour that spring leaves out", 1774745999, "night", true },
	{ "the hour that spring leaves out is over at once", 1774746000, "night", true },
	{ "seven in the morning comes an hour earlier then", 1774760400, "", false },
	{ "the hour that autumn has twice: the first time", 1792886400, "sunday", true },
	{ "and the second", 1792890000, "sunday", true },
	{ "then it is three", 1792893600, "night", true },
};

static void turns_schedules(void **state)
{
	const struct clock_row *row = *state;
	struct sl_group_numbers numbers = { .name = { "" } };
	struct tm local;
	assert_int_equal(setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1),
	                 0); /* Europe/Berlin, without its file */
	tzset();
	(void)localtime_r(&row->at, &local);
	struct sl_groups *g = stand(&nothing, &local, &numbers);
	assert_string_equal(group(g, "kids")->schedule, row->schedule);
	assert_int_equal(group(g, "kids")->roles.default_block, row->default_block);
	assert_int_equal(group(g, "kids")->roles.block & ADS, strcmp(row->schedule, "sunday") == 0 ? 0 : ADS);
	assert_false(group(g, "default")->roles.default_block);
	sl_groups_free(&g);
}

static void knows_moments_apart(void **state)
{
	struct tm night = noon, sunday = noon, early = noon;
	(void)state;
	night.tm_hour = 22;
	early.tm_hour = 8;
	sunday.tm_wday = 0;
	sunday.tm_hour = 2;
	assert_int_equal(sl_standing_moment(conf, &noon), sl_standing_moment(conf, &early));
	assert_int_not_equal(sl_standing_moment(conf, &noon), sl_standing_moment(conf, &night));
	assert_int_not_equal(sl_standing_moment(conf, &night), sl_standing_moment(conf, &sunday));
}

static void finds_clients_by_interface(void **state)
{
	struct sl_group_numbers numbers = { .name = { "" } };
	struct sl_groups *g = stand(&nothing, &noon, &numbers);
	struct sl_client c = { .address = { .len = 32, .addr = { 192, 0, 2, 1 } }, .ifindex = 3 };
	enum sl_client_kind by;
	(void)state;
	assert_string_equal(sl_groups_group(g, sl_groups_find(g, &c, &by))->name, "kids");
	assert_int_equal(by, SL_CLIENT_INTERFACE);
	c.ifindex = 4;
	assert_string_equal(sl_groups_group(g, sl_groups_find(g, &c, &by))->name, "kids");
	assert_int_equal(by, SL_CLIENT_VLAN);
	c.ifindex = 5;
	assert_string_equal(sl_groups_group(g, sl_groups_find(g, &c, &by))->name, "default");
	sl_groups_free(&g);
}

static uint32_t asked(const struct sl_groups *g, const char *name, const char *of)
{
	struct sl_host host;
	assert_int_equal(sl_host_canon(sl_bytes_str(name), &host), SL_OK);
	const struct sl_words_query q = { .host = &host, .group = sl_groups_number(g, of), .now_us = 1 };
	const struct sl_word *w = sl_words_ask(sl_groups_words(g), &q);
	return w == NULL ? UINT32_MAX : w->id;
}

static void puts_the_keyboard_before_the_configuration(void **state)
{
	struct sl_operator said;
	struct sl_group_numbers numbers = { .name = { "" } };
	uint32_t id[2];
	char name[] = "school.example", kids[] = "kids", gone[] = "gone";
	(void)state;
	sl_operator_init(&said);
	struct sl_groups *g = stand(&said, &noon, &numbers);
	assert_int_equal(asked(g, "www.school.example", "kids"), 0);
	assert_int_equal(asked(g, "www.school.example", "default"), UINT32_MAX);
	sl_groups_free(&g);
	(void)sl_operator_add(&said, &(struct sl_operator_entry){ .name = name, .group = kids }, &id[0]);
	(void)sl_operator_add(&said, &(struct sl_operator_entry){ .name = name, .group = gone }, &id[1]);
	g = stand(&said, &noon, &numbers);
	assert_int_equal(asked(g, "www.school.example", "kids"), id[0]);
	assert_int_equal(asked(g, "www.school.example", "default"), UINT32_MAX);
	sl_groups_free(&g);
	sl_operator_free(&said);
}

static int read_json(const char *text, struct sl_group_numbers *numbers, struct sl_groups **out)
{
	json_t *standing = json_loads(text, 0, NULL);
	assert_non_null(standing);
	int err = sl_standing_read(standing, sl_policy_snapshot(policy), numbers, out);
	json_decref(standing);
	return err;
}

static void keeps_the_numbers_of_groups(void **state)
{
	struct sl_group_numbers numbers = { .name = { "" } };
	struct sl_groups *g = NULL;
	(void)state;
	assert_int_equal(
	        read_json("{\"groups\": [{\"name\": \"default\"}, {\"name\": \"a\"}, {\"name\": \"b\"}]}",
	                  &numbers, &g),
	        SL_OK);
	uint8_t b = sl_groups_number(g, "b");
	sl_groups_free(&g);
	assert_int_equal(
	        read_json("{\"groups\": [{\"name\": \"default\"}, {\"name\": \"c\"}, {\"name\": \"b\"}]}",
	                  &numbers, &g),
	        SL_OK);
	assert_int_equal(sl_groups_number(g, "b"), b);
	assert_int_not_equal(sl_groups_number(g, "c"), 1); /* flows of a go on: they are the default's */
	assert_string_equal(sl_groups_group(g, 1)->name, "default");
	sl_groups_free(&g);
}

static void refuses_what_it_cannot_read(void **state)
{
	static const char *const bad[] = {
		"{}",
		"{\"groups\": []}",
		"{\"groups\": [{\"name\": \"\"}]}",
		"{\"groups\": [{\"name\": \"default\", \"clients\": [[\"prefix\", \"10.0.0.1/8\"]]}]}",
		"{\"groups\": [{\"name\": \"default\", \"clients\": [[\"mac\", \"10.0.0.1\"]]}]}",
		"{\"groups\": [{\"name\": \"default\", \"clients\": [[\"interface\", 0]]}]}",
		"{\"groups\": [{\"name\": \"default\", \"ech\": 3}]}",
		"{\"groups\": [{\"name\": \"default\"}], \"words\": [[1, true, \"A b\", null, 1, 0]]}",
		"{\"groups\": [{\"name\": \"default\"}], \"words\": [[1, true, \"a\", null, 1, -1]]}",
	};
	(void)state;
	for (size_t i = 0; i < SL_COUNT(bad); i++) {
		struct sl_group_numbers numbers = { .name = { "" } };
		struct sl_groups *g = NULL;
		assert_int_equal(read_json(bad[i], &numbers, &g), SL_EMALF);
		assert_null(g);
		assert_string_equal(numbers.name[0], ""); /* as it was */
	}
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(clock_rows) + 7] = {
		cmocka_unit_test(gives_roles),
		cmocka_unit_test(arms_what_is_in_the_shadow),
		cmocka_unit_test(knows_moments_apart),
		cmocka_unit_test(finds_clients_by_interface),
		cmocka_unit_test(puts_the_keyboard_before_the_configuration),
		cmocka_unit_test(keeps_the_numbers_of_groups),
		cmocka_unit_test(refuses_what_it_cannot_read),
	};
	sl_operator_init(&nothing);
	for (size_t i = 0; i < SL_COUNT(clock_rows); i++)
		tests[7 + i] = (struct CMUnitTest){ clock_rows[i].name, turns_schedules, NULL, NULL,
			                            (void *)(uintptr_t)&clock_rows[i] };
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
