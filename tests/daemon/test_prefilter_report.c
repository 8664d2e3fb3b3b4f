/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_prefilter_report.c - what is said about somebody's prefilter. */
#include <stdio.h>

#include "bloom/apple_size.h"
#include "bloom/convention.h"
#include "daemon/prefilter_report.h"
#include "tests/policy/rows.h"

#define FORUM "{\"bits\":44,\"hashes\":11,\"seed\":2538058380,\"content\":\"m+yLyZ4O\"}"
#define SAMPLE                                                                                           \
	"{\"itemCount\":10,\"falsePositiveTolerance\":0.001,\"murmurSeed\":1267652889,\"bitCount\":144," \
	"\"byteCount\":18,\"hashCount\":10,\"data\":\"JGguOvZzlBEHYkUWJC5vw/eH\"}"
#define SAMPLE_ENTRIES                                                                               \
	"example.com example2.com example3.com example4.com example5.com example6.com example7.com " \
	"example8.com example9.com example10.com/resource?query=bugs"

static const struct report_case {
	const char *name, *file, *entries; /* entries are divided by spaces */
	const char *faults, *notes;        /* how each sentence begins, divided by '|' */
	const char *numbers;               /* how it begins */
	const char *right, *bare;          /* base64; NULL where nothing is said */
} cases[] = {
	{ "NE-BLOOM-10: the published filter is right", SAMPLE, SAMPLE_ENTRIES, "", "absent keys pass at 0.7",
	  "fit NE-BLOOM-01 for n = 10 and p = 0.001", NULL, NULL },
	{ "NE-BLOOM-11: the forum's filter", FORUM, "https://example.com http://example.com example.com",
	  "wide arithmetic|scheme left in", "83 to 97 % of requests|2 of the 3 entries have a scheme",
	  "fit NE-BLOOM-01 for n = 3 and p = 0.001", "yK/5yKwJ", "ly8=" },
	{ "NE-BLOOM-12: without entries only the rates are told", FORUM, "", "", "83 to 97 % of requests",
	  "cannot be judged", NULL, NULL },
	{ "NE-BLOOM-01: numbers of another list", SAMPLE, "a.example b.example",
	  "0 of the first 2 entries are found, and they are too few",
	  "absent keys|perhaps, since it fits: wide", "fit NE-BLOOM-01 for n = 10",
	  "5AUHABAQAABAQEAAAAEBAQA4", NULL },
	{ "NE-PIR-13: most entries of another list", SAMPLE, SAMPLE_ENTRIES " a.example",
	  "1 of the first 11 entries are not in it", "absent keys", "fit", NULL, NULL },
	{ "NE-PIR-13: a part of the entries", SAMPLE, "example.com example9.com", "",
	  "absent keys|all entries are in it, and more", "fit", NULL, NULL },
	{ "NE-BLOOM-01: bits rounded down",
	  "{\"bits\":43,\"hashes\":10,\"seed\":1,\"data\":\"AAAAAAAB\",\"itemCount\":3}", "", "", "",
	  "do not fit NE-BLOOM-01: n = 3 "
	  "and p = 0.001 make bitCount 44 and hashCount 11; bitCount was rounded down",
	  NULL, NULL },
	{ "NE-BLOOM-01: hashes rounded down",
	  "{\"bits\":44,\"hashes\":10,\"seed\":1,\"data\":\"AAAAAAAB\",\"itemCount\":3}", "", "", "",
	  "do not fit NE-BLOOM-01: n = 3 "
	  "and p = 0.001 make bitCount 44 and hashCount 11; hashCount was rounded down",
	  NULL, NULL },
	{ "NE-CHOICE-42: sluice's own sizing is known",
	  "{\"bits\":1024,\"hashes\":16,\"seed\":1,\"data\":\"AAAA\",\"itemCount\":3}", "",
	  "the data is 3 bytes long, 1024 bits take 128", "", "fit NE-BLOOM-01 with at least 1024 bits", NULL,
	  NULL },
	{ "a tolerance that makes no filter is said",
	  "{\"bits\":44,\"hashes\":10,\"seed\":1,\"data\":\"AAAAAAAB\",\"itemCount\":0}", "", "", "",
	  "cannot be judged", NULL, NULL },
	{ "NE-BLOOM-05: bits behind the last", "{\"bits\":9,\"hashes\":1,\"seed\":1,\"data\":\"AQI=\"}", "",
	  "", "bits behind the last are set|", "cannot", NULL, NULL },
	{ "data longer than its bits",
	  "{\"bits\":9,\"hashes\":1,\"seed\":1,\"data\":\"AQEB\",\"byteCount\":2}", "",
	  "the data is 3 bytes long, 9 bits take 2", "byteCount is 2|100 to 100 % of requests", "cannot",
	  NULL, NULL },
	{ "a filter that passes nothing", "{\"bits\":8,\"hashes\":1,\"seed\":1,\"data\":\"AA==\"}", "",
	  "no bit is 1", "", "cannot", NULL, NULL },
	{ "a filter that passes all", "{\"bits\":8,\"hashes\":1,\"seed\":1,\"data\":\"/w==\"}", "",
	  "all bits are 1", "", "cannot", NULL, NULL },
	{ "NE-CHOICE-41: a tag that is not the data's",
	  "{\"bits\":9,\"hashes\":1,\"seed\":1,\"data\":\"AQA=\",\"tag\":\"v1\"}", "", "",
	  "the tag in the file is not|", "cannot", NULL, NULL },
	{ "a seed that is negative", "{\"bits\":9000,\"hashes\":1,\"seed\":-1,\"data\":\"AQA=\"}", "",
	  "the data is 2 bytes",
	  "murmurSeed is written as a negative number; NEURLFilterPrefilter takes an unsigned one: "
	  "4294967295",
	  "cannot", NULL, NULL },
};

/* Each sentence begins as the parts of want do; a last empty part lets more follow. */
static void check_sentences(const json_t *sentences, const char *want)
{
	size_t i = 0;

	while (*want != '\0') {
		size_t n = strcspn(want, "|");
		const char *is = json_string_value(json_array_get(sentences, i++));
		if (is == NULL || strncmp(is, want, n) != 0)
			fail_msg("%s, not %s", is == NULL ? "nothing" : is, want);
		want += n;
		if (strcmp(want, "|") == 0)
			return;
		want += *want == '|';
	}
	if (json_array_size(sentences) != i)
		fail_msg("also: %s", json_string_value(json_array_get(sentences, i)));
}

static void check_data(const json_t *right, const char *want)
{
	const char *is = json_string_value(json_object_get(right, "data"));
	if (want == NULL)
		return;
	assert_non_null(is);
	assert_string_equal(is, want);
}

static void test_report(void **state)
{
	const struct report_case *c = *state;
	struct sl_prefilter_file f;
	struct sl_bytes entry[16], left = sl_bytes_str(c->entries);
	json_t *r = NULL;
	size_t n = 0;

	while (left.len > 0) {
		entry[n] = sl_bytes_first(left, sl_bytes_find(left, ' '));
		left = sl_bytes_skip(left, entry[n++].len + 1);
	}
	assert_int_equal(sl_prefilter_file_read("x", sl_bytes_str(c->file), NULL, NULL, &f), SL_OK);
	assert_int_equal(sl_prefilter_report("x", &f, entry, n, &r), SL_OK);
	check_sentences(json_object_get(r, "faults"), c->faults);
	check_sentences(json_object_get(r, "notes"), c->notes);
	const char *numbers = json_string_value(json_object_get(r, "numbers"));
	if (strncmp(numbers, c->numbers, strlen(c->numbers)) != 0)
		fail_msg("%s", numbers);
	check_data(json_object_get(r, "right"), c->right);
	check_data(json_object_get(r, "right_without_scheme"), c->bare);
	json_decref(r);
	sl_prefilter_file_free(&f);
}

static void test_members(void **state)
{
	struct sl_bytes entry[3] = { SL_BYTES_LIT("example.com"), SL_BYTES_LIT("example.com"),
		                     SL_BYTES_LIT("absent.example") };
	struct sl_prefilter_file f;
	json_t *r = NULL;
	(void)state;

	assert_int_equal(sl_prefilter_file_read("x", SL_BYTES_LIT(SAMPLE), NULL, NULL, &f), SL_OK);
	assert_int_equal(sl_prefilter_report("some file", &f, entry, 3, &r), SL_OK);
	assert_string_equal(json_string_value(json_object_get(r, "file")), "some file");
	assert_string_equal(json_string_value(json_object_get(r, "kind")), "JSON");
	assert_string_equal(json_string_value(json_object_get(r, "tag")),
	                    "e65de29975da848ff3495d626031b60e6f520c5861ae1859f6fd66b14eec2186");
	assert_int_equal(json_integer_value(json_object_get(r, "set")), 68);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(r, "entries"), "given")), 3);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(r, "entries"), "distinct")), 2);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(r, "entries"), "found")), 2);
	assert_true(json_is_null(json_object_get(r, "right_without_scheme")));
	json_decref(r);
	sl_prefilter_file_free(&f);
}

int main(void)
{
	struct rows rows = { .n = 0 };
	ADD_ROWS(&rows, cases, test_report);
	add_row(&rows, "numbers are told as numbers", test_members, NULL);
	return run_rows("daemon/prefilter_report", &rows);
}
