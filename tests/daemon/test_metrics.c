/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Metrics as text: the format, the sum over workers, lists by name, and where they may be served.
 * --families prints every family that there can be, as tests/metrics/ asks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/memory_use.h"
#include "daemon/metrics.h"
#include "daemon/metrics_listen.h"

enum { WORKERS = 2 };

static struct sl_shared *shared; /* of zeros at each test's start */

static int clear(void **state)
{
	(void)state;
	memset(shared, 0, sizeof(*shared));
	return 0;
}

/* What write() writes; the caller's. */
static char *text_of(void (*write)(FILE *to))
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);
	assert_non_null(to);
	write(to);
	assert_int_equal(fclose(to), 0);
	return text;
}

/* ---- the format ---- */

static const struct label_case {
	const char *name, *value, *want;
} labels[] = {
	{ "a value stands in quotes", "lists/ads.txt", "sluice_x{a=\"lists/ads.txt\"} 7\n" },
	{ "quote, backslash and line feed are escaped", "a\"b\\c\nd", "sluice_x{a=\"a\\\"b\\\\c\\nd\"} 7\n" },
	{ "UTF-8 stands as it is", "\xc3\xa4\xe2\x82\xac", "sluice_x{a=\"\xc3\xa4\xe2\x82\xac\"} 7\n" },
	{ "bytes that are not UTF-8 become U+FFFD", "a\xff\xc3z",
	  "sluice_x{a=\"a\xef\xbf\xbd\xef\xbf\xbdz\"} 7\n" },
	{ "an empty value is a value", "", "sluice_x{a=\"\"} 7\n" },
	{ "a label without a value is left out", NULL, "sluice_x 7\n" },
};
static const struct label_case *label_now;

static void write_label(FILE *to)
{
	sl_metrics_count(to, "x", (struct sl_metrics_labels){ { { "a", label_now->value } } }, 7);
}

static void test_label(void **state)
{
	label_now = *state;
	char *text = text_of(write_label);
	assert_string_equal(text, label_now->want);
	free(text);
}

static void write_family(FILE *to)
{
	sl_metrics_family(to, "x_seconds_total", "counter", "One \"quote\", one \\ and\nanother line.");
	sl_metrics_seconds(to, "x_seconds_total", SL_METRICS_NONE, 3000042);
}

static void a_family_has_help_and_type(void **state)
{
	char *text = text_of(write_family);
	(void)state;
	assert_string_equal(text,
	                    "# HELP sluice_x_seconds_total One \"quote\", one \\\\ and\\nanother line.\n"
	                    "# TYPE sluice_x_seconds_total counter\n"
	                    "sluice_x_seconds_total 3.000042\n");
	free(text);
}

static void write_histogram(FILE *to)
{
	static const int64_t took_us[] = { -1, 0, 5, 6, 1000000, 2500000, 2500001, 60000000 };
	struct sl_histogram h = { .sum_us = 0 };
	for (size_t i = 0; i < SL_COUNT(took_us); i++)
		sl_histogram_add(&h, took_us[i], i == 3 ? 10 : 1);
	sl_metrics_histogram(to, "h", (struct sl_metrics_labels){ { { "worker", "0" } } }, &h);
}

static void a_histogram_is_cumulative_and_in_seconds(void **state)
{
	static const char *const lines[] = {
		"sluice_h_bucket{worker=\"0\",le=\"5e-06\"} 3\n",
		"sluice_h_bucket{worker=\"0\",le=\"1e-05\"} 13\n",
		"sluice_h_bucket{worker=\"0\",le=\"0.5\"} 13\n",
		"sluice_h_bucket{worker=\"0\",le=\"1\"} 14\n",
		"sluice_h_bucket{worker=\"0\",le=\"2.5\"} 15\n",
		"sluice_h_bucket{worker=\"0\",le=\"+Inf\"} 17\n",
		"sluice_h_sum{worker=\"0\"} 66.000066\n",
		"sluice_h_count{worker=\"0\"} 17\n",
	};
	char *text = text_of(write_histogram);
	(void)state;
	for (size_t i = 0; i < SL_COUNT(lines); i++)
		if (strstr(text, lines[i]) == NULL)
			fail_msg("%s is not in\n%s", lines[i], text);
	free(text);
}

/* ---- what workers count ---- */

static struct sl_policy *policy_of(const char *const *names)
{
	struct sl_policy_builder *b = NULL;
	struct sl_policy *p = NULL;

	assert_int_equal(sl_policy_builder_new(&b), SL_OK);
	for (size_t i = 0; names[i] != NULL; i++) {
		struct sl_policy_list l = {
			names[i],
			SL_LIST_BLOCK,
			{ .file = names[i], .format = SL_FORMAT_DOMAINS, .max_refused_percent = 0 }
		};
		assert_int_equal(sl_policy_builder_add(b, &l, sl_bytes_str("x.example\n"), NULL, NULL),
		                 SL_OK);
	}
	assert_int_equal(sl_policy_builder_finish(b, &p), SL_OK);
	sl_policy_builder_free(&b);
	return p;
}

/* n verdicts of list `number`, by a policy of these lists. */
static void judge(unsigned worker, struct sl_list_places *places, const char *const *names, uint16_t number,
                  unsigned n)
{
	struct sl_verdict_counts *c = &shared->worker[worker].verdicts;
	struct sl_policy *p = policy_of(names);

	sl_list_places_find(places, c, p, 1);
	for (unsigned i = 0; i < n; i++)
		sl_list_count_add(c, places, number, true);
	sl_policy_free(&p);
}

static void write_shared(FILE *to)
{
	sl_metrics_shared(to, shared, WORKERS, false);
}

static void lists_count_by_name_over_policies_and_workers(void **state)
{
	static const char *const first[] = { "ads", "mine", NULL }, *const then[] = { "new \"one\"", "ads",
		                                                                      NULL };
	struct sl_list_places places[WORKERS] = { { .policy = NULL } };
	(void)state;
	judge(0, &places[0], first, 0, 3);
	judge(0, &places[0], then, 1, 4);
	judge(1, &places[1], then, 1, 5);
	judge(1, &places[1], then, 0, 6);
	judge(1, &places[1], then, SL_LIST_COUNT_NUMBERS, 2);
	char *text = text_of(write_shared);
	assert_non_null(strstr(text, "sluice_list_verdicts_total{list=\"ads\",verdict=\"block\"} 12\n"));
	assert_non_null(
	        strstr(text, "sluice_list_verdicts_total{list=\"new \\\"one\\\"\",verdict=\"block\"} 6\n"));
	assert_non_null(strstr(text, "sluice_list_verdicts_total{list=\"mine\",verdict=\"block\"} 0\n"));
	assert_non_null(strstr(text, "sluice_list_verdicts_total{list=\"(others)\",verdict=\"block\"} 2\n"));
	free(text);
}

static void lists_beyond_the_last_place_are_counted_together(void **state)
{
	char name[32];
	const char *const names[] = { name, NULL };
	struct sl_list_places places = { .policy = NULL };
	(void)state;
	for (int i = 0; i < SL_LIST_COUNTS + 10; i++) {
		(void)snprintf(name, sizeof(name), "list-%d", i);
		judge(0, &places, names, 0, 1);
	}
	assert_int_equal(sl_list_counts(&shared->worker[0].verdicts), SL_LIST_COUNTS);
	assert_int_equal(shared->worker[0].verdicts.list[1].blocked, 1);
	assert_int_equal(shared->worker[0].verdicts.list[SL_LIST_COUNTS - 1].blocked, 1);
	assert_int_equal(shared->worker[0].verdicts.list[0].blocked, 11);
}

static void long_names_are_cut_and_stay_apart_from_others(void **state)
{
	char name[300];
	const char *const names[] = { name, NULL };
	struct sl_list_places places = { .policy = NULL };
	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	judge(0, &places, names, 0, 1);
	judge(0, &places, names, 0, 1);
	assert_int_equal(sl_list_counts(&shared->worker[0].verdicts), 2);
	assert_int_equal(shared->worker[0].verdicts.list[1].blocked, 2);
	assert_int_equal(strlen(shared->worker[0].verdicts.list[1].name), SL_LIST_COUNT_NAME - 1);
}

static void counters_are_summed_over_workers(void **state)
{
	(void)state;
	for (unsigned w = 0; w < WORKERS; w++) {
		shared->worker[w].filter.count[SL_STAT_flows] = 10 + w;
		shared->worker[w].filter.unjudged_allowed[SL_CAUSE_quic] = 1 + w;
		shared->worker[w].filter.unjudged_blocked[SL_CAUSE_quic] = 5 + w;
		shared->worker[w].answers = 100 + w;
	}
	char *text = text_of(write_shared);
	assert_non_null(strstr(text, "\nsluice_flows_total 21\n"));
	assert_non_null(strstr(text, "\nsluice_flows_unjudged_total{cause=\"quic\",action=\"allow\"} 3\n"));
	assert_non_null(strstr(text, "\nsluice_flows_unjudged_total{cause=\"quic\",action=\"block\"} 11\n"));
	assert_non_null(strstr(text, "\nsluice_worker_verdicts_total{worker=\"1\"} 101\n"));
	free(text);
}

static void memory_of_this_process_is_told(void **state)
{
	struct sl_resident r = { 0, 0, 0 };
	(void)state;
	assert_int_equal(sl_resident_read(getpid(), &r), SL_OK);
	assert_true(r.anon > 4096 && r.file > 4096);
	assert_int_equal(sl_resident_read(0x7ffffff0, &r), SL_ENOENT);
}

/* ---- where ---- */

static const struct listen_case {
	const char *text;
	bool remote, right;
	const char *why; /* a part of it */
} listens[] = {
	{ "127.0.0.1:9464", false, true, "" },
	{ "127.8.9.1:1", false, true, "" },
	{ "[::1]:65535", false, true, "" },
	{ "/run/sluice/metrics.sock", false, true, "" },
	{ "0.0.0.0:9464", false, false, "metrics_remote: yes" },
	{ "[::]:9464", false, false, "metrics_remote: yes" },
	{ "192.0.2.1:9464", false, false, "not loopback" },
	{ "[::ffff:127.0.0.1]:9464", false, false, "not loopback" },
	{ "192.0.2.1:9464", true, true, "" },
	{ "[2001:db8::1]:9464", true, true, "" },
	{ "127.0.0.1", false, false, "an address and a port" },
	{ "127.0.0.1:", false, false, "an address and a port" },
	{ "127.0.0.1:0", false, false, "an address and a port" },
	{ "127.0.0.1:65536", false, false, "an address and a port" },
	{ "127.0.0.1:94640000000", false, false, "an address and a port" },
	{ "127.0.0.1:94x", false, false, "an address and a port" },
	{ "localhost:9464", false, false, "an address and a port" },
	{ "::1:9464", false, false, "an address and a port" },
	{ "[::1:9464", false, false, "an address and a port" },
	{ "[]:9464", false, false, "an address and a port" },
	{ ":9464", true, false, "an address and a port" },
	{ "9464", true, false, "an address and a port" },
	{ "metrics.sock", false, false, "the path of a Unix socket" },
	{ "/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456"
	  "789012345"
	  "6789",
	  false, false, "107 bytes" },
};

static void test_listen(void **state)
{
	const struct listen_case *c = *state;
	struct sl_metrics_listen l;
	const char *why = "";
	assert_int_equal(sl_metrics_listen_read(c->text, c->remote, &l, &why), c->right ? SL_OK : SL_EINVAL);
	if (!c->right)
		assert_non_null(strstr(why, c->why));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest whole[] = {
		cmocka_unit_test(a_family_has_help_and_type),
		cmocka_unit_test(a_histogram_is_cumulative_and_in_seconds),
		cmocka_unit_test_setup(lists_count_by_name_over_policies_and_workers, clear),
		cmocka_unit_test_setup(lists_beyond_the_last_place_are_counted_together, clear),
		cmocka_unit_test_setup(long_names_are_cut_and_stay_apart_from_others, clear),
		cmocka_unit_test_setup(counters_are_summed_over_workers, clear),
		cmocka_unit_test(memory_of_this_process_is_told),
	};
	struct CMUnitTest tests[SL_COUNT(whole) + SL_COUNT(labels) + SL_COUNT(listens)];
	size_t n = 0;
	int fd = -1;

	if (argc == 2 && strcmp(argv[1], "--families") == 0) {
		sl_metrics_families(stdout);
		return 0;
	}
	if (sl_shared_new(WORKERS, &fd, &shared) != SL_OK)
		return 1;
	(void)close(fd);
	for (size_t i = 0; i < SL_COUNT(whole); i++)
		tests[n++] = whole[i];
	for (size_t i = 0; i < SL_COUNT(labels); i++)
		tests[n++] = (struct CMUnitTest){ labels[i].name, test_label, NULL, NULL,
			                          (void *)(uintptr_t)&labels[i] };
	for (size_t i = 0; i < SL_COUNT(listens); i++)
		tests[n++] = (struct CMUnitTest){ listens[i].text, test_listen, NULL, NULL,
			                          (void *)(uintptr_t)&listens[i] };
	int failed = cmocka_run_group_tests_name("daemon/metrics", tests, NULL, NULL);
	sl_shared_unmap(&shared);
	return failed;
}
