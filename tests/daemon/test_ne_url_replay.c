/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_ne_url_replay.c - a scenario of a URL filter that is wrong: its line, and what to do. What is right is in tests/scenarios. */
#include "daemon/ne_url_replay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/util.h"

#define HEAD "{\"scenario\":\"NE-URL-01\",\"urlFilter\":{}}\n"
#define STARTED                                                                \
	HEAD "{\"event\":\"loadFromPreferences\"}\n"                           \
	     "{\"event\":\"configure\",\"pirServerURL\":\"https://"            \
	     "a.example\",\"pirAuthenticationToken\":\"A\","                   \
	     "\"controlProviderBundleIdentifier\":\"b\",\"isEnabled\":true}\n" \
	     "{\"event\":\"saveToPreferences\"}\n{\"event\":\"controlStarted\"}\n"

static const struct wrong_case {
	const char *name, *text;
	unsigned line;
	const char *why; /* a part of it */
} wrongs[] = {
	{ "a head without a title", "{\"urlFilter\":{}}", 1, "the head needs \"scenario\"" },
	{ "a head whose urlFilter is no object", "{\"scenario\":\"x\",\"urlFilter\":true}", 1,
	  "an object that may" },
	{ "another profile", "{\"scenario\":\"x\",\"urlFilter\":{\"profile\":\"ne28\"}}", 1,
	  "ne26, ne27, both" },
	{ "parsing before 27", "{\"scenario\":\"x\",\"urlFilter\":{\"profile\":\"ne26\",\"parsing\":{}}}", 1,
	  "goes with profile ne27" },
	{ "NE-URL-30: keys with a scheme",
	  "{\"scenario\":\"x\",\"urlFilter\":{\"parsing\":{\"excludeScheme\":false}}}", 1,
	  "no entry can match" },
	{ "NE-URL-39: an expression without a name",
	  "{\"scenario\":\"x\",\"urlFilter\":{\"parsing\":{\"regularExpression\":\"(x)\"}}}", 1,
	  "no named group" },
	{ "no JSON", HEAD "\n{\"event\":}\n", 3, "no JSON object" },
	{ "something else", HEAD "[]\n", 2, "no JSON object: something else" },
	{ "a key twice", HEAD "{\"event\":\"tick\",\"event\":\"tick\"}\n", 2, "no JSON object" },
	{ "no event", HEAD "{\"time\":1}\n", 2, "there is no \"event\"" },
	{ "an event of another kind", HEAD "{\"event\":\"filterStart\"}\n", 2, "\"event\"" },
	{ "a key that is not known", HEAD "{\"event\":\"tick\",\"flow\":1}\n", 2, "no key \"flow\"" },
	{ "time that goes backwards",
	  HEAD "{\"time\":5,\"event\":\"tick\"}\n{\"time\":4,\"event\":\"tick\"}\n", 3,
	  "backwards; write 5" },
	{ "a request without a URL", HEAD "{\"event\":\"request\"}\n", 2, "needs a \"url\"" },
	{ "a URL of two lines", HEAD "{\"event\":\"request\",\"url\":\"a\\nb\"}\n", 2, "of one line" },
	{ "an error that is none", HEAD "{\"event\":\"controlStarted\",\"error\":\"oops\"}\n", 2,
	  "\"error\"" },
	{ "entries that are no list", HEAD "{\"event\":\"dataSet\",\"entries\":\"a\"}\n", 2, "is no list" },
	{ "entries of which none can be kept", HEAD "{\"event\":\"dataSet\",\"entries\":[\"a b\"]}\n", 2,
	  "cannot be a data set" },
	{ "an interval that is no number",
	  HEAD "{\"event\":\"configure\",\"prefilterFetchInterval\":\"1\"}\n", 2, "no whole number" },
	{ "NE-TIME-11: preferences that nobody could have written",
	  HEAD "{\"event\":\"preferencesChanged\",\"pirServerURL\":\"https://"
	       "a.example\",\"pirAuthenticationToken\":\"A\","
	       "\"controlProviderBundleIdentifier\":\"b\",\"prefilterFetchInterval\":60}\n",
	  2, "\"prefilterFetchInterval\" is no such preference: 2700" },
	{ "a prefilter that is none", STARTED "{\"event\":\"prefilterFetched\",\"prefilter\":1}\n", 6,
	  "neither an object" },
	{ "NE-URL-22: a prefilter without numbers",
	  STARTED "{\"event\":\"prefilterFetched\",\"prefilter\":{\"data\":\"AA==\"}}\n", 6,
	  "no prefilter; write" },
	{ "a prefilter of no entries",
	  STARTED "{\"event\":\"prefilterFetched\",\"prefilter\":{\"entries\":[]}}\n", 6, "cannot be sized" },
	{ "NE-BLOOM-01: a tolerance of 1",
	  STARTED "{\"event\":\"prefilterFetched\",\"prefilter\":{\"entries\":[\"a\"],"
	          "\"falsePositiveTolerance\":1}}\n",
	  6, "between 0 and 1" },
	{ "a file without a tag",
	  STARTED
	  "{\"event\":\"prefilterFetched\",\"prefilter\":{\"file\":\"x\",\"bitCount\":8,\"hashCount\":1}}\n",
	  6, "no \"tag\"" },
};

struct told {
	unsigned n, line;
	char text[512];
};

static void tell(void *ctx, const char *file, unsigned line, const char *text)
{
	struct told *t = (struct told *)ctx;
	assert_string_equal(file, "x.jsonl");
	t->n++;
	t->line = line;
	(void)snprintf(t->text, sizeof(t->text), "%s", text);
}

static int play(const char *text, struct told *told, char **trace)
{
	const struct sl_diag diag = { tell, told };
	size_t len = 0;
	FILE *to = open_memstream(trace, &len);
	assert_non_null(to);
	assert_true(sl_ne_url_is_scenario(sl_bytes_str(text)));
	int err = sl_ne_url_replay("x.jsonl", sl_bytes_str(text), &diag, to);
	assert_int_equal(fclose(to), 0);
	return err;
}

static void test_wrong(void **state)
{
	const struct wrong_case *c = *state;
	struct told told = { .n = 0 };
	char *trace = NULL;
	assert_int_equal(play(c->text, &told, &trace), SL_EMALF);
	assert_int_equal(told.n, 1);
	if (told.line != c->line || strstr(told.text, c->why) == NULL)
		fail_msg("line %u: %s", told.line, told.text);
	free(trace);
}

/* NE-URL-22: temporaryFilepath. A file that is not there, or too short, is an answer that cannot be used, and no broken scenario. */
static void test_file(void **state)
{
	static const char end[] =
	        "\",\"bitCount\":144,\"hashCount\":10,\"murmurSeed\":1267652889,\"tag\":\"t\"}}\n"
	        "{\"event\":\"dataSet\",\"entries\":[\"example.com\"]}\n"
	        "{\"event\":\"request\",\"url\":\"https://example.com/\"}\n";
	/* NE-BLOOM-10 */
	static const uint8_t bits[18] = { 0x24, 0x68, 0x2e, 0x3a, 0xf6, 0x73, 0x94, 0x11, 0x07,
		                          0x62, 0x45, 0x16, 0x24, 0x2e, 0x6f, 0xc3, 0xf7, 0x87 };
	char path[] = "/tmp/sluice-prefilter-XXXXXX", text[2048], *trace = NULL;
	int fd = mkstemp(path);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	(void)state;
	assert_non_null(file);
	for (size_t n = sizeof(bits) - 1; n <= sizeof(bits); n++) {
		struct told told = { .n = 0 };
		rewind(file);
		assert_int_equal(fwrite(bits, 1, n, file), n);
		assert_int_equal(fflush(file), 0);
		(void)snprintf(text, sizeof(text),
		               "%s{\"event\":\"prefilterFetched\",\"prefilter\":{\"file\":\"%s%s", STARTED,
		               path, end);
		assert_int_equal(play(text, &told, &trace), SL_OK);
		bool whole = n == sizeof(bits);
		assert_int_equal(strstr(trace, "\"status\":\"running\"") != NULL, whole);
		assert_int_equal(strstr(trace, "\"verdict\":\"deny\"") != NULL, whole);
		assert_int_equal(strstr(trace, "it cannot be read") != NULL, !whole);
		free(trace);
	}
	(void)fclose(file);
	(void)remove(path);
}

static void test_other(void **state)
{
	(void)state;
	assert_false(sl_ne_url_is_scenario(SL_BYTES_LIT("{\"scenario\":\"NE-PEEK-01\"}\n")));
	assert_false(sl_ne_url_is_scenario(SL_BYTES_LIT("")));
	assert_false(sl_ne_url_is_scenario(SL_BYTES_LIT("\n\nurlFilter\n")));
	assert_true(sl_ne_url_is_scenario(SL_BYTES_LIT("\n \n{\"urlFilter\":{}}")));
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(wrongs) + 2];
	size_t n = 0;
	for (; n < SL_COUNT(wrongs); n++)
		tests[n] = (struct CMUnitTest){ wrongs[n].name, test_wrong, NULL, NULL,
			                        (void *)(uintptr_t)&wrongs[n] };
	tests[n++] = (struct CMUnitTest){ "NE-URL-22: the bits of a prefilter in a file", test_file, NULL,
		                          NULL, NULL };
	tests[n++] =
	        (struct CMUnitTest){ "a scenario of a content filter is none", test_other, NULL, NULL, NULL };
	return _cmocka_run_group_tests("daemon/ne_url_replay", tests, n, NULL, NULL);
}
