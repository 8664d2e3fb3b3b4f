/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_operator.c - the file of what the operator said: read back as it was written, and refused where it was not. */
#include "daemon/operator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"

static char told[512];

static void emit(void *ctx, const char *file, unsigned line, const char *text)
{
	(void)ctx;
	(void)line;
	(void)snprintf(told, sizeof(told), "%s: %s", file, text);
}

static const struct sl_diag diag = { emit, NULL };

#define FILE_OF(entries) "{\"version\": 1, \"next\": 9, \"entries\": [" entries "]}"
#define ENTRY            "\"id\": 3, \"what\": \"allow\", \"name\": \"a.example\""

static const struct row {
	const char *name, *text, *want; /* want: what is told; NULL: it is read */
} rows[] = {
	{ "nothing was said", FILE_OF(""), NULL },
	{ "an exception", FILE_OF("{" ENTRY "}"), NULL },
	{ "all that one can have",
	  FILE_OF("{" ENTRY ", \"group\": \"kids\", \"because\": \"x\", \"since\": 5, \"until\": 7}"), NULL },
	{ "a list that is armed, whatever its name",
	  FILE_OF("{\"id\": 8, \"what\": \"arm\", \"name\": \"A b\"}"), NULL },
	{ "members that are not known do no harm", FILE_OF("{" ENTRY ", \"colour\": 1}"), NULL },
	{ "half a file", "{\"version\": 1, \"next\": 9, \"entr", "no JSON" },
	{ "an empty file", "", "no JSON" },
	{ "another version", "{\"version\": 2, \"next\": 1, \"entries\": []}", "version 1" },
	{ "no entries", "{\"version\": 1, \"next\": 1}", "no \"entries\"" },
	{ "the next number is given already", "{\"version\": 1, \"next\": 3, \"entries\": [{" ENTRY "}]}",
	  "do not rise" },
	{ "a number twice", FILE_OF("{" ENTRY "},{" ENTRY "}"), "do not rise" },
	{ "no number", FILE_OF("{\"what\": \"allow\", \"name\": \"a.example\"}"), "no \"id\"" },
	{ "another word", FILE_OF("{\"id\": 3, \"what\": \"permit\", \"name\": \"a.example\"}"),
	  "none of allow" },
	{ "a name that was not written by us",
	  FILE_OF("{\"id\": 3, \"what\": \"allow\", \"name\": \"A.example\"}"), "\"name\"" },
	{ "no name", FILE_OF("{\"id\": 3, \"what\": \"block\"}"), "\"name\"" },
	{ "a time that is none", FILE_OF("{" ENTRY ", \"until\": \"soon\"}"), "makes no sense" },
	{ "a group without a name", FILE_OF("{" ENTRY ", \"group\": \"\"}"), "makes no sense" },
};

static void test_row(void **state)
{
	const struct row *row = *state;
	struct sl_operator o, again;
	told[0] = '\0';
	int err = sl_operator_read("operator.json", sl_bytes_str(row->text), &diag, &o);
	if (row->want != NULL) {
		assert_int_equal(err, SL_EMALF);
		assert_non_null(strstr(told, row->want));
		assert_int_equal(strncmp(told, "operator.json: ", 15), 0);
		return;
	}
	assert_int_equal(err, SL_OK);
	json_t *written = sl_operator_json(&o);
	char *text = json_dumps(written, 0);
	assert_int_equal(sl_operator_read("again", sl_bytes_str(text), &diag, &again), SL_OK);
	json_t *twice = sl_operator_json(&again);
	assert_true(json_equal(written, twice));
	free(text);
	json_decref(written);
	json_decref(twice);
	sl_operator_free(&o);
	sl_operator_free(&again);
}

static void test_life(void **state)
{
	struct sl_operator o;
	uint32_t id[3];
	char name[] = "a.example", list[] = "ads";
	(void)state;
	sl_operator_init(&o);
	assert_int_equal(
	        sl_operator_add(&o, &(struct sl_operator_entry){ .name = name, .until = 10 }, &id[0]), SL_OK);
	assert_int_equal(sl_operator_add(&o, &(struct sl_operator_entry){ .name = name }, &id[1]), SL_OK);
	assert_int_equal(sl_operator_add(&o,
	                                 &(struct sl_operator_entry){ .what = SL_OPERATOR_ARM, .name = list },
	                                 &id[2]),
	                 SL_OK);
	assert_null(sl_operator_expired(&o, 9));
	assert_int_equal(sl_operator_expired(&o, 10)->id, id[0]);
	sl_operator_remove(&o, id[0]);
	assert_null(sl_operator_expired(&o, INT64_MAX));
	assert_null(sl_operator_find(&o, id[0]));
	assert_true(sl_operator_is_armed(&o, "ads"));
	assert_false(sl_operator_is_armed(&o, "a.example"));
	sl_operator_remove(&o, id[2]);
	assert_int_equal(sl_operator_add(&o, &(struct sl_operator_entry){ .name = name }, &id[0]), SL_OK);
	assert_int_equal(id[0], 4); /* numbers are not given again */
	sl_operator_free(&o);
}

static void test_limit(void **state)
{
	struct sl_operator o;
	uint32_t id;
	char name[] = "a.example";
	(void)state;
	sl_operator_init(&o);
	for (int i = 0; i < SL_OPERATOR_MAX; i++)
		assert_int_equal(sl_operator_add(&o, &(struct sl_operator_entry){ .name = name }, &id),
		                 SL_OK);
	assert_int_equal(sl_operator_add(&o, &(struct sl_operator_entry){ .name = name }, &id), SL_ELIMIT);
	sl_operator_free(&o);
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(rows) + 2];
	for (size_t i = 0; i < SL_COUNT(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL,
			                        (void *)(uintptr_t)&rows[i] };
	tests[SL_COUNT(rows)] = (struct CMUnitTest)cmocka_unit_test(test_life);
	tests[SL_COUNT(rows) + 1] = (struct CMUnitTest)cmocka_unit_test(test_limit);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
