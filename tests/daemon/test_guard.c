/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guard takes and what it refuses, beside the policy in force. */
#include "daemon/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <string.h>

#include "base/util.h"

/* Behind the list: what the dry run says. */
#define DRY(newly, names)                                                                                \
	"}],'dry_run':{'names':" names ",'lists':{'other':1,'ads':" newly                                \
	"},'examples':[{'name':'a.example','list':'ads','verdict':'block'},{'name':'b.example','list':'" \
	"other',"                                                                                        \
	"'verdict':'block'},{'name':'d.example','list':'ads','verdict':'allow'},{'name':'c.example',"    \
	"'list':'ads','verdict':'block'}]},'more':[{'x':1"

static struct guard_case {
	const char *name, *keys; /* of the list, in the configuration */
	const char *before,
	        *after; /* the rest of what compiling says of it; before NULL: there was no policy */
	bool force;
	const char *told; /* in the message; NULL: it is taken */
} cases[] = {
	{ "a list that was not there before", "", NULL, "'entries':5", false, NULL },
	{ "no policy before it is json null", "", "null", "'entries':5", false, NULL },
	{ "up to a thousand more are always taken", "", "'entries':1", "'entries':1001", false, NULL },
	{ "one more than that, and more than five times as many", "", "'entries':1", "'entries':1002", false,
	  "it has 1002 entries, and had 1; if that is right, change max_growth (500)" },
	{ "five times as many", "", "'entries':10000", "'entries':50000", false, NULL },
	{ "more than five times as many", "", "'entries':10000", "'entries':50001", false, "max_growth" },
	{ "without a limit", ", max_growth: 0", "'entries':10000", "'entries':9999999", false, NULL },
	{ "another limit", ", max_growth: 110", "'entries':100000", "'entries':110001", false,
	  "max_growth (110)" },
	{ "up to a thousand fewer are always taken", "", "'entries':1001", "'entries':1", false, NULL },
	{ "half of them", "", "'entries':10000", "'entries':5000", false, NULL },
	{ "less than half of them", "", "'entries':10000", "'entries':4999", false,
	  "it has 4999 entries, and had 10000; if that is right, change max_shrink (50)" },
	{ "none may go", ", max_shrink: 0", "'entries':10000", "'entries':8999", false, "max_shrink (0)" },
	{ "all may go", ", max_shrink: 100", "'entries':10000", "'entries':0", false, NULL },
	{ "a file may be empty", "", "'entries':10", "'entries':0", false, NULL },
	{ "but not below min_entries", ", min_entries: 4", "'entries':10", "'entries':3", false,
	  "it has 3 entries, fewer than it needs; if that is right, change min_entries (4)" },
	{ "min_entries counts at the start, too", ", min_entries: 4", NULL, "'entries':3", false,
	  "min_entries" },
	{ "a line that would match every name", "", NULL, "'entries':9,'reasons':{'EVERY':1}", false,
	  "a line of it would match everything" },
	{ "one that would match every address", "", NULL, "'entries':9,'reasons':{'EVERY_ADDRESS':1}", false,
	  "a line of it would match everything" },
	{ "such a line is skipped where that is wanted", ", every: skip", NULL,
	  "'entries':9,'reasons':{'EVERY':1}", false, NULL },
	{ "other lines that were refused", "", NULL, "'entries':9,'reasons':{'HOST':1}", false, NULL },
	{ "twenty names that were asked for", "", "'entries':9", "'entries':9" DRY("20", "30"), false, NULL },
	{ "a tenth of those that were asked for", "", "'entries':9", "'entries':9" DRY("100", "1000"), false,
	  NULL },
	{ "more than a tenth of them", "", "'entries':9", "'entries':9" DRY("101", "1000"), false,
	  "it would block 101 of the 1000 names that were asked for in the last hour (a.example, c.example), "
	  "and "
	  "did not before; if that is right, change max_newly_blocked (10)" },
	{ "any of them, where that is wanted", ", max_newly_blocked: 100", "'entries':9",
	  "'entries':9" DRY("999", "1000"), false, NULL },
	{ "a list that is new may block what it likes", "", NULL, "'entries':9" DRY("999", "1000"), false,
	  NULL },
	{ "--force takes one that blocks much", "", "'entries':9", "'entries':9" DRY("999", "1000"), true,
	  NULL },
	{ "--force takes what grew", "", "'entries':1", "'entries':9999", true, NULL },
	{ "--force does not take what matches everything", "", NULL, "'entries':9,'reasons':{'EVERY':1}",
	  true, "a line of it would match everything" },
};

static void keep(void *ctx, const char *file, unsigned line, const char *text)
{
	(void)line;
	(void)snprintf(ctx, 512, "%s: %s", file, text);
}

/* About two lists, of which the second is the case's. */
static json_t *about(const char *list)
{
	char text[1024];
	if (list == NULL)
		return NULL;
	(void)snprintf(
	        text, sizeof(text),
	        "{'lists':[{'name':'other','file':'/other','entries':7},{'name':'ads','file':'/ads',%s}]}",
	        list);
	for (char *p = text; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	return strcmp(list, "null") == 0 ? json_null() : json_loads(text, 0, NULL);
}

static void test_guard(void **state)
{
	const struct guard_case *c = *state;
	char told[512] = "", text[512];
	const struct sl_diag diag = { keep, told };
	struct sl_conf *conf = NULL;
	json_t *before = about(c->before), *after = about(c->after);
	size_t list = 99;
	(void)snprintf(text, sizeof(text), "inside: lan0\nlists: [{file: /other}, {file: /ads%s}]\n",
	               c->keys);
	assert_int_equal(sl_conf_read("/conf", sl_bytes_str(text), &diag, &conf), SL_OK);
	int err = sl_guard_check(conf, before, after, c->force, &diag, &list);
	assert_int_equal(err, c->told == NULL ? SL_OK : SL_EMALF);
	if (c->told != NULL) {
		assert_int_equal(list, 1);
		assert_non_null(strstr(told, "/ads: list ads is refused: "));
		if (strstr(told, c->told) == NULL)
			fail_msg("told: %s", told);
	}
	json_decref(before);
	json_decref(after);
	sl_conf_free(&conf);
}

/* A list of another file is another list. */
static void test_other_file(void **state)
{
	struct sl_conf *conf = NULL;
	json_t *before = json_loads("{\"lists\":[{\"name\":\"ads\",\"file\":\"/old\",\"entries\":9999}]}", 0,
	                            NULL),
	       *after = json_loads("{\"lists\":[{\"name\":\"ads\",\"file\":\"/ads\",\"entries\":1}]}", 0,
	                           NULL);
	size_t list;
	(void)state;
	assert_int_equal(
	        sl_conf_read("/conf", SL_BYTES_LIT("inside: lan0\nlists: [{file: /ads}]\n"), NULL, &conf),
	        SL_OK);
	assert_int_equal(sl_guard_check(conf, before, after, false, NULL, &list), SL_OK);
	json_decref(before);
	json_decref(after);
	sl_conf_free(&conf);
}

/* One that is fetched needs an entry, but where it was never fetched. */
static void test_fetched(void **state)
{
	static const char text[] = "inside: lan0\nlists: [{name: ads, url: 'https://lists.example/'}]\n";
	static const struct {
		const char *more;
		int err;
	} rows[] = { { "\"entries\":0", SL_EMALF },
		     { "\"entries\":1", SL_OK },
		     { "\"entries\":0,\"absent\":true", SL_OK } };
	struct sl_conf *conf = NULL;
	size_t list;
	(void)state;
	assert_int_equal(sl_conf_read("/conf", sl_bytes_str(text), NULL, &conf), SL_OK);
	for (size_t i = 0; i < SL_COUNT(rows); i++) {
		char about_text[512];
		(void)snprintf(about_text, sizeof(about_text),
		               "{\"lists\":[{\"name\":\"ads\",\"file\":\"%s\",%s}]}", conf->list[0].file,
		               rows[i].more);
		json_t *after = json_loads(about_text, 0, NULL);
		assert_non_null(after);
		assert_int_equal(sl_guard_check(conf, NULL, after, false, NULL, &list), rows[i].err);
		json_decref(after);
	}
	sl_conf_free(&conf);
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(cases) + 2] = {
		[SL_COUNT(cases)] = cmocka_unit_test(test_other_file),
		[SL_COUNT(cases) + 1] = cmocka_unit_test(test_fetched),
	};
	for (size_t i = 0; i < SL_COUNT(cases); i++)
		tests[i] = (struct CMUnitTest){ cases[i].name, test_guard, NULL, NULL, &cases[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
