/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_convention.c - which arithmetic made this filter? */
#include <stdio.h>

#include "bloom/diagnosis.h"
#include "tests/bloom/vectors.h"
#include "tests/policy/rows.h"

static const char *text_of(const json_t *row, const char *name)
{
	return json_string_value(vectors_member(row, name));
}

/* A row of bloom.json's convention_table in our words. */
static struct sl_convention convention_of(const json_t *row)
{
	bool swapped = strcmp(text_of(row, "h1"), "murmur3") == 0;
	const char *fnv = text_of(row, swapped ? "h2" : "h1");
	return (struct sl_convention){
		.hash = strcmp(fnv, "fnv1") == 0 ? SL_CONV_FNV1 : SL_CONV_FNV1A,
		.role = swapped ? SL_CONV_MURMUR_FIRST : SL_CONV_FNV_FIRST,
		.sum = strncmp(text_of(row, "index_arithmetic"), "no wrap", 7) == 0 ? SL_CONV_WIDE
		                                                                    : SL_CONV_WRAP,
		.order = strcmp(text_of(row, "bit_order"), "msb-first") == 0 ? SL_CONV_MSB_FIRST
		                                                             : SL_CONV_LSB_FIRST,
	};
}

static const json_t *vectors; /* bloom.json, while main runs */

static void check_table_filter(const json_t *row, const char *list, const char *content)
{
	const json_t *filter = json_array_get(vectors_member(vectors, list), 0);
	struct sl_prefilter_shape shape = vectors_shape(filter);
	struct sl_convention c = convention_of(row);
	struct sl_diagnosis d;
	size_t n, len;
	struct sl_bytes *item = vectors_strings(vectors_member(filter, "items"), &n);
	uint8_t *want = vectors_base64(text_of(row, content), &len);
	uint8_t *bits = calloc(1, len), *scratch = malloc(len);

	assert_non_null(bits);
	assert_non_null(scratch);
	assert_int_equal(len, sl_prefilter_bytes(&shape));
	for (size_t i = 0; i < n; i++)
		sl_convention_add(&c, &shape, bits, item[i]);
	assert_memory_equal(bits, want, len);
	for (size_t i = 0; i < n; i++)
		assert_true(sl_convention_has(&c, &shape, bits, item[i]));
	assert_int_equal(sl_diagnose(&shape, sl_bytes_of(want, len), item, n, scratch, &d), SL_OK);
	assert_int_equal(d.kind, SL_DIAGNOSIS_SAME);
	assert_memory_equal(&d.convention, &c, sizeof(c));
	free(scratch);
	free(bits);
	free(want);
	free(item);
}

static void test_table(void **state)
{
	const json_t *row = *state;
	check_table_filter(row, "published", "sample_content");
	check_table_filter(row, "published_nonconforming", "forum_content");
}

/* NE-BLOOM-11. */
static void test_forum(void **state)
{
	const json_t *row = json_array_get(vectors_member(vectors, "published_nonconforming"), 0);
	struct sl_prefilter_shape shape = vectors_shape(row);
	char said[SL_CONV_SAYING + 1] = "";
	struct sl_out out = sl_out_of(said, SL_CONV_SAYING);
	struct sl_diagnosis d;
	uint8_t scratch[64];
	size_t n, len;
	struct sl_bytes *item = vectors_strings(vectors_member(row, "items"), &n);
	uint8_t *bits = vectors_base64(text_of(row, "content_base64"), &len);
	(void)state;

	assert_int_equal(sl_diagnose(&shape, sl_bytes_of(bits, len), item, n, scratch, &d), SL_OK);
	assert_int_equal(d.kind, SL_DIAGNOSIS_SAME);
	assert_int_equal(d.others, 0);
	sl_convention_say(&d.convention, &out);
	assert_int_equal(strncmp(said, "wide arithmetic", 15), 0);
	free(bits);
	free(item);
}

static const struct fault_case {
	const char *name;
	struct sl_convention made;
	const char *said; /* how its words begin */
} faults[] = {
	{ "NE-BLOOM-03: right is said to be right", { 0 }, "correct" },
	{ "NE-BLOOM-03: sums that do not wrap", { .sum = SL_CONV_WIDE }, "wide arithmetic" },
	{ "NE-BLOOM-03: signed sums, the magnitude taken",
	  { .sum = SL_CONV_SIGNED_ABS },
	  "signed arithmetic: the magnitude" },
	{ "NE-BLOOM-03: signed sums, the floor taken",
	  { .sum = SL_CONV_SIGNED_FLOOR },
	  "signed arithmetic: h1 + i*h2 is" },
	{ "NE-BLOOM-03: signed sums, complemented",
	  { .sum = SL_CONV_SIGNED_FLIP },
	  "signed arithmetic: a negative" },
	{ "NE-BLOOM-03: signed hashes, wide sums",
	  { .sum = SL_CONV_WIDE_SIGNED },
	  "signed arithmetic: h1 and h2" },
	{ "NE-BLOOM-13: FNV-1 for FNV-1a", { .hash = SL_CONV_FNV1 }, "FNV-1 for FNV-1a" },
	{ "NE-BLOOM-05: MSB first", { .order = SL_CONV_MSB_FIRST }, "MSB first" },
	{ "NE-BLOOM-02: hash roles swapped", { .role = SL_CONV_MURMUR_FIRST }, "hash roles swapped" },
	{ "NE-BLOOM-02: i counted from 1", { .start = SL_CONV_FROM_ONE }, "i counts from 1" },
	{ "NE-BLOOM-02: the seed forgotten", { .seed = SL_CONV_SEED_ZERO }, "MurmurHash3 was seeded with 0" },
	{ "NE-BLOOM-02: the seed's bytes swapped",
	  { .seed = SL_CONV_SEED_SWAPPED },
	  "the bytes of murmurSeed" },
	{ "NE-BLOOM-04: scheme left in, https",
	  { .text = SL_CONV_HTTPS },
	  "scheme left in: built from https://" },
	{ "NE-BLOOM-04: scheme left in, http",
	  { .text = SL_CONV_HTTP },
	  "scheme left in: built from http://" },
	{ "NE-BLOOM-04: a line feed hashed", { .text = SL_CONV_NEWLINE }, "the line feed" },
	{ "NE-BLOOM-04: CR LF hashed", { .text = SL_CONV_CRLF }, "the line end" },
	{ "NE-BLOOM-04: a carriage return hashed", { .text = SL_CONV_CR }, "a carriage return" },
	{ "NE-BLOOM-04: the terminator hashed", { .text = SL_CONV_NUL }, "a NUL" },
	{ "NE-BLOOM-04: a slash appended", { .text = SL_CONV_SLASH }, "a slash" },
	{ "two faults at once",
	  { .sum = SL_CONV_WIDE, .order = SL_CONV_MSB_FIRST },
	  "wide arithmetic: h1 + i*h2 is not reduced modulo 2^32 before the modulo by bitCount; MSB first" },
	{ "three faults at once",
	  { .hash = SL_CONV_FNV1, .seed = SL_CONV_SEED_ZERO, .text = SL_CONV_HTTPS },
	  "FNV-1" },
};

enum { ENTRIES = 40, NAME = 24 };
struct entries {
	char text[ENTRIES][NAME];
	struct sl_bytes entry[ENTRIES];
};

static void make_entries(struct entries *e, const char *scheme)
{
	for (unsigned i = 0; i < ENTRIES; i++) {
		(void)snprintf(e->text[i], NAME, "%shost%u.example", scheme, i);
		e->entry[i] = sl_bytes_str(e->text[i]);
	}
}

static const struct sl_prefilter_shape shape40 = { SL_PREFILTER_APPLE, 10, 576, 2538058380U, 0 };

static void test_fault(void **state)
{
	const struct fault_case *c = *state;
	char said[SL_CONV_SAYING + 1] = "";
	struct sl_out out = sl_out_of(said, SL_CONV_SAYING);
	uint8_t bits[72] = { 0 }, scratch[72];
	struct sl_diagnosis d;
	struct entries e;

	make_entries(&e, "");
	for (unsigned i = 0; i < ENTRIES; i++)
		sl_convention_add(&c->made, &shape40, bits, e.entry[i]);
	assert_int_equal(sl_diagnose(&shape40, sl_bytes_of(bits, 72), e.entry, ENTRIES, scratch, &d), SL_OK);
	assert_int_equal(d.kind, SL_DIAGNOSIS_SAME);
	assert_memory_equal(&d.convention, &c->made, sizeof(c->made));
	assert_int_equal(d.found, ENTRIES);
	sl_convention_say(&d.convention, &out);
	assert_false(out.overflow);
	if (strncmp(said, c->said, strlen(c->said)) != 0)
		fail_msg("%s", said);
	/* A few of the entries name the same fault, and it is seen that the filter holds more. */
	assert_int_equal(sl_diagnose(&shape40, sl_bytes_of(bits, 72), e.entry, 10, scratch, &d), SL_OK);
	assert_int_equal(d.kind, SL_DIAGNOSIS_MORE);
	assert_memory_equal(&d.convention, &c->made, sizeof(c->made));
}

static void test_scheme_taken_off(void **state)
{
	const struct sl_convention right = { 0 }, want = { .text = SL_CONV_NO_SCHEME };
	uint8_t bits[72] = { 0 }, scratch[72];
	struct entries bare, full;
	struct sl_diagnosis d;
	(void)state;

	make_entries(&bare, "");
	make_entries(&full, "https://");
	for (unsigned i = 0; i < ENTRIES; i++)
		sl_convention_add(&right, &shape40, bits, bare.entry[i]);
	assert_int_equal(sl_diagnose(&shape40, sl_bytes_of(bits, 72), full.entry, ENTRIES, scratch, &d),
	                 SL_OK);
	assert_int_equal(d.kind, SL_DIAGNOSIS_SAME);
	assert_memory_equal(&d.convention, &want, sizeof(want));
}

static void test_other_list(void **state)
{
	const struct sl_convention wide = { .sum = SL_CONV_WIDE };
	uint8_t bits[72] = { 0 }, scratch[72];
	struct sl_diagnosis d;
	struct entries e;
	(void)state;

	make_entries(&e, "");
	for (unsigned i = 0; i < ENTRIES * 3 / 4; i++)
		sl_convention_add(&wide, &shape40, bits, e.entry[i]);
	assert_int_equal(sl_diagnose(&shape40, sl_bytes_of(bits, 72), e.entry, ENTRIES, scratch, &d), SL_OK);
	assert_int_equal(d.kind, SL_DIAGNOSIS_SOME);
	assert_memory_equal(&d.convention, &wide, sizeof(wide));
	assert_in_range(d.found, 30, 32);
}

static void test_unknown(void **state)
{
	const struct sl_convention right = { 0 };
	uint8_t bits[72] = { 0 }, scratch[72];
	struct sl_diagnosis d;
	struct entries e;
	(void)state;

	make_entries(&e, "");
	for (unsigned i = 0; i < sizeof(bits); i++)
		bits[i] = (uint8_t)(i * 37 ^ 0x5a);
	assert_int_equal(sl_diagnose(&shape40, sl_bytes_of(bits, 72), e.entry, ENTRIES, scratch, &d), SL_OK);
	assert_int_equal(d.kind, SL_DIAGNOSIS_UNKNOWN);
	assert_memory_equal(&d.convention, &right, sizeof(right));
	assert_int_equal(sl_diagnose(&shape40, sl_bytes_of(bits, 72), e.entry, 0, scratch, &d), SL_EINVAL);
	assert_int_equal(sl_diagnose(&shape40, sl_bytes_of(bits, 71), e.entry, 1, scratch, &d), SL_EMALF);
}

/* One entry in two bytes: hundreds of conventions fit. The right one is believed; another would need proof. */
static void test_ambiguous(void **state)
{
	uint8_t bits[2] = { 0xff, 0x7f }, scratch[2];
	struct sl_prefilter_shape shape = { SL_PREFILTER_APPLE, 11, 15, 0, 0 };
	struct sl_bytes entry = SL_BYTES_LIT("example.com");
	struct sl_diagnosis d;
	(void)state;

	assert_int_equal(sl_diagnose(&shape, sl_bytes_of(bits, 2), &entry, 1, scratch, &d), SL_OK);
	assert_int_equal(d.kind, SL_DIAGNOSIS_MORE);
	assert_int_equal(sl_convention_faults(&d.convention), 0);
	const struct sl_convention wide = { .sum = SL_CONV_WIDE };
	struct sl_bytes other = SL_BYTES_LIT("example.net");
	bits[0] = bits[1] = 0;
	sl_convention_add(&wide, &shape, bits, other);
	assert_int_equal(sl_diagnose(&shape, sl_bytes_of(bits, 2), &other, 1, scratch, &d), SL_OK);
	assert_int_equal(d.kind, SL_DIAGNOSIS_FEW);
	assert_int_equal(d.found, 0);
	assert_int_not_equal(sl_convention_faults(&d.convention), 0);
	bits[0] = bits[1] = 0;
	assert_int_equal(sl_diagnose(&shape, sl_bytes_of(bits, 2), &entry, 1, scratch, &d), SL_OK);
	assert_int_equal(d.kind, SL_DIAGNOSIS_UNKNOWN);
}

static void test_all_conventions(void **state)
{
	struct sl_convention c = { 0 };
	unsigned n = 1, last = 0;
	(void)state;

	while (sl_convention_next(&c)) {
		assert_true(sl_convention_faults(&c) >= last);
		last = sl_convention_faults(&c);
		n++;
	}
	assert_int_equal(n, 2 * 2 * SL_CONV_SUMS * 2 * 2 * SL_CONV_SEEDS * SL_CONV_TEXTS);
	assert_int_equal(last, 7);
}

static const struct scheme_case {
	const char *name, *in, *want;
} schemes[] = {
	{ "https", "https://a.example/x", "a.example/x" },
	{ "any scheme", "ftp+x://a.example", "a.example" },
	{ "none", "a.example/x", "a.example/x" },
	{ "a port is none", "a.example:443/x", "a.example:443/x" },
	{ "one inside a path is none", "a.example/http://b", "a.example/http://b" },
	{ "nothing before the colon is none", "://a", "://a" },
	{ "nothing at all", "", "" },
};

static void test_scheme(void **state)
{
	const struct scheme_case *c = *state;
	struct sl_bytes got = sl_convention_no_scheme(sl_bytes_str(c->in));
	assert_true(sl_bytes_equal(got, sl_bytes_str(c->want)));
}

int main(void)
{
	struct rows rows = { .n = 0 };
	json_t *bloom = vectors_load("bloom"), *row;
	size_t i;

	vectors = bloom;
	json_array_foreach(vectors_member(bloom, "convention_table"), i, row)
	        add_row(&rows, "NE-BLOOM-10: a convention of the table makes its content, and is recognised",
	                test_table, row);
	add_row(&rows, "NE-BLOOM-11: the forum's filter was made by wide arithmetic", test_forum, NULL);
	ADD_ROWS(&rows, faults, test_fault);
	add_row(&rows, "NE-BLOOM-04: entries with a scheme, a filter without: right", test_scheme_taken_off,
	        NULL);
	add_row(&rows, "NE-PIR-13: a filter of another list is seen, and its arithmetic", test_other_list,
	        NULL);
	add_row(&rows, "bits that nothing here makes are called so", test_unknown, NULL);
	add_row(&rows, "few entries: the one with the fewest faults is named", test_ambiguous, NULL);
	add_row(&rows, "every convention comes once, the likely ones first", test_all_conventions, NULL);
	ADD_ROWS(&rows, schemes, test_scheme);
	int failed = run_rows("bloom/convention", &rows);
	json_decref(bloom);
	return failed;
}
