/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_export_sort.c - the sorter gives back what it got, in order of bytes, whether or not it had to spill. */
#include <errno.h>
#include <stdio.h>

#include "daemon/export_sort.h"
#include "tests/policy/rows.h"

enum { RECORDS = 30000, TEXT = 24 };

static const struct sort_case {
	const char *name;
	size_t memory, records;
	bool spills;
} cases[] = {
	{ "nothing at all", 1 << 20, 0, false },
	{ "one record", 1 << 20, 1, false },
	{ "all in memory", 1 << 24, RECORDS, false },
	{ "many runs", 1 << 16, RECORDS, true },
};

static uint32_t next(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005U + 1442695040888963407U;
	return (uint32_t)(*seed >> 33);
}

/* Any bytes, few letters, so that there are equal ones and ones that begin alike. */
static size_t any_text(uint64_t *seed, uint8_t text[TEXT])
{
	static const uint8_t letters[] = { 'a', 'b', 0, 0xff };
	size_t len = next(seed) % TEXT;
	for (size_t i = 0; i < len; i++)
		text[i] = letters[next(seed) % 8 == 0 ? next(seed) % 4 : 0];
	return len;
}

static int compare(struct sl_bytes a, struct sl_bytes b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int diff = n == 0 ? 0 : memcmp(a.p, b.p, n);
	return diff != 0 ? diff : (a.len > b.len) - (a.len < b.len);
}

static void test_sort(void **state)
{
	const struct sort_case *c = *state;
	struct sl_export_sort *s = NULL;
	struct sl_export_record r;
	static uint8_t text[TEXT], before[TEXT], given[RECORDS];
	size_t before_len = 0, n = 0;
	uint64_t seed = 3;

	memset(given, 0, sizeof(given));
	assert_int_equal(sl_export_sort_new("/tmp", c->memory, &s), SL_OK);
	for (uint32_t i = 0; i < c->records; i++) {
		r = (struct sl_export_record){ .line = i,
			                       .list = (uint16_t)(i * 7),
			                       .flags = (uint8_t)(i * 3) };
		r.text = sl_bytes_of(text, any_text(&seed, text));
		assert_int_equal(sl_export_sort_add(s, &r), SL_OK);
	}
	assert_int_equal(sl_export_sort_finish(s), SL_OK);
	int err = sl_export_sort_next(s, &r);
	for (; err == SL_OK; err = sl_export_sort_next(s, &r), n++) {
		assert_true(r.line < c->records && given[r.line]++ == 0);
		assert_int_equal(r.list, (uint16_t)(r.line * 7));
		assert_int_equal(r.flags, (uint8_t)(r.line * 3));
		assert_true(n == 0 || compare(sl_bytes_of(before, before_len), r.text) <= 0);
		before_len = r.text.len;
		if (r.text.len > 0)
			memcpy(before, r.text.p, r.text.len);
	}
	assert_int_equal(err, SL_ENOENT);
	assert_int_equal(n, c->records);
	assert_int_equal(sl_export_sort_runs(s) > 1, c->spills);
	sl_export_sort_free(&s);
}

static void test_limits(void **state)
{
	static uint8_t text[SL_EXPORT_TEXT_MAX + 1];
	struct sl_export_record r = { .text = sl_bytes_of(text, sizeof(text)) };
	struct sl_export_sort *s = NULL;
	int err = SL_OK;

	(void)state;
	assert_int_equal(sl_export_sort_new("/nonexistent", 1, &s), SL_OK);
	assert_int_equal(sl_export_sort_add(s, &r), SL_ELIMIT);
	r.text.len--;
	for (int i = 0; i < 100 && err == SL_OK; i++)
		err = sl_export_sort_add(s, &r);
	assert_int_equal(err, SL_ESYS);
	assert_int_equal(errno, ENOENT);
	sl_export_sort_free(&s);
}

int main(void)
{
	static struct rows rows;
	ADD_ROWS(&rows, cases, test_sort);
	add_row(&rows, "a text that is too long, and a folder that is not there", test_limits, NULL);
	return run_rows("daemon/export_sort", &rows);
}
