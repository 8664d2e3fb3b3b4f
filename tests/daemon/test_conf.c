/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_conf.c - the configuration. tests/golden/conf/X.in prints X.ok, and what is printed prints the same again; or it
 * gives exactly the lines of X.err. SL_GOLDEN_UPDATE=1 writes the expected files anew, to be read before they are kept. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/out.h"
#include "daemon/conf.h"

#define GOLDEN SL_SOURCE_DIR "/tests/golden/conf/"
#define NAME   "/etc/sluice/sluice.yaml"

enum { CASES_MAX = 128 };

static char *slurp(const char *path)
{
	FILE *f = fopen(path, "rb");
	if (f == NULL)
		return NULL;
	char *text = NULL;
	size_t cap = 0;
	ssize_t n = getdelim(&text, &cap, EOF, f); /* no 0xff in it: the whole file */
	(void)fclose(f);
	if (n < 0) {
		free(text);
		text = strdup("");
	}
	return text;
}

/* Collects messages as sluiced shows them. */
static void collect(void *ctx, const char *file, unsigned line, const char *text)
{
	FILE *to = ctx;
	if (line > 0)
		(void)fprintf(to, "%s:%u: %s\n", file, line, text);
	else
		(void)fprintf(to, "%s: %s\n", file, text);
}

/* Reads text; *messages is the caller's. */
static int read_conf(const char *file, const char *text, struct sl_conf **conf, char **messages)
{
	size_t len;
	FILE *to = open_memstream(messages, &len);
	struct sl_diag diag = { collect, to };
	int err = sl_conf_read(file, sl_bytes_str(text), &diag, conf);
	(void)fclose(to);
	return err;
}

static char *print_conf(const struct sl_conf *conf)
{
	char *text;
	size_t len;
	FILE *to = open_memstream(&text, &len);
	assert_int_equal(sl_conf_print(conf, to), SL_OK);
	(void)fclose(to);
	return text;
}

/* What text prints, and what that prints, which is the same; NULL with messages where it does not parse. */
static char *print_twice(const char *file, const char *text, char **messages)
{
	struct sl_conf *conf = NULL, *again = NULL;
	char *none;
	int err = read_conf(file, text, &conf, messages);
	if (err != SL_OK) {
		assert_int_equal(err, SL_EMALF);
		assert_null(conf);
		assert_string_not_equal(*messages, "");
		return NULL;
	}
	assert_string_equal(*messages, "");
	char *first = print_conf(conf);
	assert_int_equal(read_conf("/elsewhere/x.yaml", first, &again, &none), SL_OK);
	char restart[256];
	sl_conf_restart_needed(conf, again, restart, sizeof(restart));
	assert_string_equal(restart, "");
	char *second = print_conf(again);
	assert_string_equal(first, second);
	free(second);
	free(none);
	sl_conf_free(&conf);
	sl_conf_free(&again);
	return first;
}

static void update(const char *path, const char *text)
{
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void test_golden(void **state)
{
	const char *name = *state;
	char path[512], ok_path[512], err_path[512], *messages;
	(void)snprintf(path, sizeof(path), GOLDEN "%s.in", name);
	(void)snprintf(ok_path, sizeof(ok_path), GOLDEN "%s.ok", name);
	(void)snprintf(err_path, sizeof(err_path), GOLDEN "%s.err", name);
	char *in = slurp(path);
	assert_non_null(in);
	char *printed = print_twice(NAME, in, &messages);
	if (getenv("SL_GOLDEN_UPDATE") != NULL)
		update(printed != NULL ? ok_path : err_path, printed != NULL ? printed : messages);
	char *ok = slurp(ok_path), *err = slurp(err_path);
	assert_true((ok == NULL) != (err == NULL)); /* one of the two is expected */
	if (ok != NULL) {
		assert_string_equal(messages, "");
		assert_string_equal(printed, ok);
	} else {
		assert_null(printed);
		assert_string_equal(messages, err);
	}
	free(ok);
	free(err);
	free(printed);
	free(messages);
	free(in);
}

static void test_example(void **state)
{
	(void)state;
	char *messages, *text = slurp(SL_SOURCE_DIR "/daemon/example/sluice.yaml");
	assert_non_null(text);
	char *printed = print_twice(SL_SOURCE_DIR "/daemon/example/sluice.yaml", text, &messages);
	assert_string_equal(messages, "");
	assert_non_null(printed);
	free(printed);
	free(messages);
	free(text);
}

static void test_example_files(void **state)
{
	(void)state;
	struct sl_conf *conf = NULL;
	char *messages, *text = slurp(SL_SOURCE_DIR "/daemon/example/sluice.yaml");
	assert_int_equal(read_conf(SL_SOURCE_DIR "/daemon/example/sluice.yaml", text, &conf, &messages),
	                 SL_OK);
	assert_true(conf->lists >= 4);
	for (size_t i = 0; i < conf->lists; i++)
		assert_int_equal(access(conf->list[i].file, R_OK), 0);
	sl_conf_free(&conf);
	free(messages);
	free(text);
}

static void test_relative(void **state)
{
	(void)state;
	struct sl_conf *conf = NULL;
	char *messages, cwd[4096], want[4200];
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	(void)snprintf(want, sizeof(want), "%s/etc/ads.txt", strcmp(cwd, "/") == 0 ? "" : cwd);
	assert_int_equal(
	        read_conf("etc/sluice.yaml", "inside: a\nlists: [{file: ./ads.txt}]\n", &conf, &messages),
	        SL_OK);
	assert_string_equal(conf->list[0].file, want);
	sl_conf_free(&conf);
	free(messages);
}

static void test_values(void **state)
{
	(void)state;
	static const char text[] =
	        "inside: [lan+, 10.0.0.0/8, fd00::1]\nhold_limit: 1500 us\nbudget: 8KiB\nhold: all\n"
	        "mark_mask: 0x700\nfail_open: on\nunjudged: {quic: block}\nnever_block: keep.txt\n"
	        "lists: [{file: a.txt, action: allow, wildcard: below, subdomains: yes, format: urls}]\n";
	struct sl_conf *c = NULL;
	char *messages;
	assert_int_equal(read_conf(NAME, text, &c, &messages), SL_OK);
	assert_int_equal(c->hold_limit.us, 1500);
	assert_int_equal(c->budget, 8192);
	assert_int_equal(c->hold, SL_HOLD_ALL);
	assert_int_equal(c->mark_mask, 0x700);
	assert_true(c->fail_open && c->bypass);
	assert_int_equal(c->queue_first, 2860);
	assert_true(c->unjudged_block[SL_CAUSE_quic] && !c->unjudged_block[SL_CAUSE_no_name]);
	assert_int_equal(c->insides, 3);
	assert_int_equal(c->inside[0].family, 0);
	assert_string_equal(c->inside[0].ifname, "lan+");
	assert_int_equal(c->inside[1].family, 4);
	assert_int_equal(c->inside[1].prefix, 8);
	assert_int_equal(c->inside[2].family, 6);
	assert_int_equal(c->inside[2].prefix, 128);
	assert_int_equal(c->lists, 2);
	assert_string_equal(c->list[0].name, "a");
	assert_int_equal(c->list[0].kind, SL_LIST_ALLOW);
	assert_int_equal(c->list[0].format, SL_FORMAT_URLS);
	assert_true(c->list[0].wildcard_below && c->list[0].subdomains);
	assert_int_equal(c->list[0].at, 9);
	assert_int_equal(c->list[1].kind, SL_LIST_NEVER);
	assert_string_equal(c->list[1].file, "/etc/sluice/keep.txt");
	sl_conf_free(&c);
	free(messages);
}

static const struct restart_case {
	const char *name, *running, *next, *want; /* want NULL: a reload will do */
} restarts[] = {
	{ "nothing changed", "", "", NULL },
	{ "a spelling changed", "hold_limit: 500ms\n", "hold_limit: 500000us\n", NULL },
	{ "a live option changed", "flow_log: /a\n", "flow_log: \"\"\n", NULL },
	{ "the lists changed", "lists: [{file: a}]\n", "never_block: b\n", NULL },
	{ "a number changed", "", "batch: 32\n", "batch" },
	{ "a size changed", "", "budget: 8KiB\n", "budget" },
	{ "a duration changed", "", "flow_idle: 1h\n", "flow_idle" },
	{ "a choice changed", "", "refuse: silent\n", "refuse" },
	{ "a flag changed", "bypass: no\n", "", "bypass" },
	{ "a path changed", "", "control: c.sock\n", "control" },
	{ "the mask changed", "", "mark_mask: 7\n", "mark_mask" },
	{ "both of two are named", "", "user: nobody\nbatch: 32\n", "batch, user" },
	{ "an action changed", "", "unjudged: {quic: block}\n", "unjudged" },
	{ "all that changed are named", "", "unjudged: {quic: block}\nworkers: 3\nhold: all\n",
	  "workers, hold, unjudged" },
};

static void test_restart(void **state)
{
	const struct restart_case *row = *state;
	struct sl_conf *running = NULL, *next = NULL;
	char a[512], b[512], *messages[2];
	(void)snprintf(a, sizeof(a), "inside: lan0\n%s", row->running);
	(void)snprintf(b, sizeof(b), "inside: lan0\n%s", row->next);
	assert_int_equal(read_conf(NAME, a, &running, &messages[0]), SL_OK);
	assert_int_equal(read_conf(NAME, b, &next, &messages[1]), SL_OK);
	char got[256];
	sl_conf_restart_needed(running, next, got, sizeof(got));
	assert_string_equal(got, row->want == NULL ? "" : row->want);
	sl_conf_free(&running);
	sl_conf_free(&next);
	free(messages[0]);
	free(messages[1]);
}

static void test_restart_inside(void **state)
{
	(void)state;
	struct sl_conf *ab = NULL, *ba = NULL, *ac = NULL;
	char *messages[3];
	assert_int_equal(read_conf(NAME, "inside: [a, b]\n", &ab, &messages[0]), SL_OK);
	assert_int_equal(read_conf(NAME, "inside: [b, a]\n", &ba, &messages[1]), SL_OK);
	assert_int_equal(read_conf(NAME, "inside: [a, c]\n", &ac, &messages[2]), SL_OK);
	char got[256];
	sl_conf_restart_needed(ab, ba, got, sizeof(got));
	assert_string_equal(got, "");
	sl_conf_restart_needed(ab, ac, got, sizeof(got));
	assert_string_equal(got, "inside");
	sl_conf_restart_needed(ab, ac, got, sizeof("insid"));
	assert_string_equal(got, "");
	sl_conf_free(&ab);
	sl_conf_free(&ba);
	sl_conf_free(&ac);
	for (size_t i = 0; i < SL_COUNT(messages); i++)
		free(messages[i]);
}

static const struct many_case {
	const char *name, *head, *row, *tail; /* row has one %u */
	unsigned good;                        /* this many are accepted, one more is not */
} many[] = {
	{ "64 lists are the limit", "inside: a\nnever_block_shipped: no\nlists:\n", "  - file: l%u\n", "",
	  64 },
	{ "63 lists are the limit beside the shipped one", "inside: a\nlists:\n", "  - file: l%u\n", "", 63 },
	{ "never-block lists count as lists", "inside: a\nlists: [{file: a}]\nnever_block:\n", "  - n%u\n",
	  "", 62 },
	{ "256 interfaces are the limit", "inside:\n", "  - if%u\n", "", 256 },
	{ "names of one file in many folders are told apart", "inside: a\nlists:\n",
	  "  - file: %u/hosts.txt\n", "", 63 },
};

static void many_text(const struct many_case *row, unsigned n, char *out, size_t cap)
{
	struct sl_out o = sl_out_of(out, cap);
	sl_out_str(&o, row->head);
	for (unsigned i = 0; i < n; i++) {
		const char *at = strstr(row->row, "%u");
		sl_out_bytes(&o, row->row, (size_t)(at - row->row));
		sl_out_fmt(&o, "%u%s", i, at + 2);
	}
	sl_out_str(&o, row->tail);
	sl_out_u8(&o, '\0');
	assert_false(o.overflow);
}

static void test_many(void **state)
{
	const struct many_case *row = *state;
	static char text[16384];
	char *messages;
	many_text(row, row->good, text, sizeof(text));
	char *printed = print_twice(NAME, text, &messages);
	assert_non_null(printed);
	free(printed);
	free(messages);
	many_text(row, row->good + 1, text, sizeof(text));
	assert_null(print_twice(NAME, text, &messages));
	free(messages);
}

static void test_error_limit(void **state)
{
	(void)state;
	static const struct many_case row = { NULL, "inside: a\n", "nothing%u: 1\n", "", 0 };
	static char text[4096];
	char *messages;
	unsigned lines = 0;
	many_text(&row, 20, text, sizeof(text));
	assert_null(print_twice(NAME, text, &messages));
	for (const char *p = messages; *p != '\0'; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 20);
	assert_null(strstr(messages, "more errors"));
	free(messages);
	many_text(&row, 30, text, sizeof(text));
	assert_null(print_twice(NAME, text, &messages));
	assert_non_null(strstr(messages, ":22: there are more errors; these were the first 20\n"));
	assert_null(strstr(messages, "nothing20"));
	free(messages);
}

static void test_quiet(void **state)
{
	(void)state;
	struct sl_conf *conf = NULL;
	assert_int_equal(sl_conf_read(NAME, sl_bytes_str("batch: 0\n"), NULL, &conf), SL_EMALF);
	assert_null(conf);
}

static size_t golden_cases(struct CMUnitTest *tests)
{
	struct dirent **names;
	size_t n = 0;
	int found = scandir(GOLDEN, &names, NULL, alphasort);
	for (int i = 0; i < found; i++) {
		char *dot = strrchr(names[i]->d_name, '.');
		if (dot != NULL && strcmp(dot, ".in") == 0 && n < CASES_MAX) {
			*dot = '\0';
			char *name = strdup(names[i]->d_name); /* for the life of the program */
			tests[n++] = (struct CMUnitTest){ name, test_golden, NULL, NULL, name };
		}
		free(names[i]);
	}
	if (found >= 0)
		free(names);
	return n;
}

int main(void)
{
	static struct CMUnitTest tests[CASES_MAX + 64];
	static const struct CMUnitTest singles[] = {
		{ "the shipped example parses", test_example, NULL, NULL, NULL },
		{ "the shipped example names files that are shipped", test_example_files, NULL, NULL, NULL },
		{ "a relative path begins at the file's folder", test_relative, NULL, NULL, NULL },
		{ "values arrive in their members", test_values, NULL, NULL, NULL },
		{ "inside is a set for a reload", test_restart_inside, NULL, NULL, NULL },
		{ "the first 20 errors are told", test_error_limit, NULL, NULL, NULL },
		{ "no diag is needed", test_quiet, NULL, NULL, NULL },
	};
	size_t n = golden_cases(tests);
	if (n == 0) {
		(void)fprintf(stderr, "no golden files in %s\n", GOLDEN);
		return 1;
	}
	for (size_t i = 0; i < SL_COUNT(singles); i++)
		tests[n++] = singles[i];
	for (size_t i = 0; i < SL_COUNT(restarts); i++)
		tests[n++] = (struct CMUnitTest){ restarts[i].name, test_restart, NULL, NULL,
			                          (void *)(uintptr_t)&restarts[i] };
	for (size_t i = 0; i < SL_COUNT(many); i++)
		tests[n++] = (struct CMUnitTest){ many[i].name, test_many, NULL, NULL,
			                          (void *)(uintptr_t)&many[i] };
	return _cmocka_run_group_tests("conf", tests, n, NULL, NULL);
}
