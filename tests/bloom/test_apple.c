/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_apple.c - Apple's format bit for bit: every known answer of tests/bloom/vectors/. */
#include <assert.h>
#include <math.h>

#include "bloom/apple_hash.h"
#include "bloom/apple_size.h"
#include "tests/bloom/vectors.h"
#include "tests/policy/rows.h"

static const char *text_of(const json_t *row, const char *name)
{
	return json_string_value(vectors_member(row, name));
}

static uint64_t number_of(const json_t *row, const char *name)
{
	return (uint64_t)json_integer_value(vectors_member(row, name));
}

static uint32_t hex_of(const json_t *row, const char *name)
{
	return (uint32_t)strtoul(text_of(row, name), NULL, 16);
}

/* A row of MurmurHash3 is a text, or bytes in hex. */
static size_t input_of(const json_t *row, uint8_t buf[256])
{
	if (json_object_get(row, "text") != NULL) {
		size_t n = strlen(text_of(row, "text"));
		memcpy(buf, text_of(row, "text"), n);
		return n;
	}
	const char *hex = text_of(row, "hex");
	for (size_t i = 0; hex[2 * i] != '\0'; i++) {
		const char two[3] = { hex[2 * i], hex[2 * i + 1], '\0' };
		buf[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	return strlen(hex) / 2;
}

static void test_fnv(void **state)
{
	const json_t *row = *state;
	assert_int_equal(SL_APPLE_KEY_FNV(sl_apple_key(sl_bytes_str(text_of(row, "text")), 7)),
	                 hex_of(row, "hash"));
}

static void test_fnv_trap(void **state)
{
	const json_t *row = *state;
	uint32_t got = SL_APPLE_KEY_FNV(sl_apple_key(sl_bytes_str(text_of(row, "text")), 0));
	assert_int_equal(got, hex_of(row, "right_fnv1a"));
	assert_int_not_equal(got, hex_of(row, "wrong_fnv1"));
}

static void test_murmur(void **state)
{
	const json_t *row = *state;
	uint8_t buf[256];
	struct sl_bytes in = sl_bytes_of(buf, input_of(row, buf));
	assert_int_equal(SL_APPLE_KEY_MURMUR(sl_apple_key(in, hex_of(row, "seed"))), hex_of(row, "hash"));
}

static void test_size(void **state)
{
	const json_t *row = *state;
	uint64_t items = number_of(row, "itemCount");
	double p = json_real_value(vectors_member(row, "falsePositiveTolerance"));
	struct sl_apple_want want = {
		.lines = items, .distinct = 1, .tolerance = p, .seed = 9, .strict = true
	};
	struct sl_prefilter_shape got;

	assert_int_equal(sl_apple_size(&want, &got), SL_OK);
	assert_int_equal(got.bits, number_of(row, "bitCount"));
	assert_int_equal(got.hashes, number_of(row, "hashCount"));
	assert_int_equal(sl_prefilter_bytes(&got), number_of(row, "byteCount"));
	assert_int_equal(got.seed, 9);
	assert_int_equal(got.format, SL_PREFILTER_APPLE);
}

/* Builds the row's filter; *bits is freed with free(). */
static struct sl_prefilter *build(const json_t *row, union sl_prefilter_mem *mem, const struct sl_bytes *item,
                                  size_t n, uint8_t **bits)
{
	struct sl_prefilter_shape shape = vectors_shape(row);
	struct sl_prefilter *pf = NULL;

	*bits = malloc(sl_prefilter_bytes(&shape));
	assert_non_null(*bits);
	assert_int_equal(sl_prefilter_build(mem, &shape, *bits, sl_prefilter_bytes(&shape), &pf), SL_OK);
	for (size_t i = 0; i < n; i++) {
		uint64_t key = sl_apple_key(item[i], shape.seed);
		sl_prefilter_add(pf, &key, 1);
	}
	return pf;
}

static void check_membership(const struct sl_prefilter *pf, const json_t *row)
{
	struct sl_prefilter_shape shape = vectors_shape(row);
	const char *name;
	json_t *want;

	json_object_foreach(json_object_get(row, "membership"), name, want)
	{
		bool got = sl_prefilter_maybe(pf, sl_apple_key(sl_bytes_str(name), shape.seed));
		if (got != json_is_true(want))
			fail_msg("%s: %d", name, got);
	}
}

static void test_filter(void **state)
{
	const json_t *row = *state;
	union sl_prefilter_mem mem;
	char tag[SL_APPLE_TAG];
	uint8_t *bits;
	size_t n, len;
	struct sl_bytes *item = vectors_strings(vectors_member(row, "items"), &n);
	uint8_t *want = vectors_base64(text_of(row, "content_base64"), &len);
	struct sl_apple_want numbers = { .lines = n,
		                         .tolerance = json_real_value(
		                                 vectors_member(row, "falsePositiveTolerance")),
		                         .strict = true };
	struct sl_prefilter_shape shape = vectors_shape(row), sized;
	const struct sl_prefilter *pf = build(row, &mem, item, n, &bits);

	assert_int_equal(sl_apple_size(&numbers, &sized), SL_OK);
	assert_int_equal(sized.bits, shape.bits);
	assert_int_equal(sized.hashes, shape.hashes);
	assert_int_equal(sl_prefilter_bytes(&shape), len);
	assert_int_equal(number_of(row, "byteCount"), len);
	assert_memory_equal(bits, want, len);
	sl_apple_tag(sl_bytes_of(bits, len), tag);
	assert_string_equal(tag, text_of(row, "sha256_hex"));
	check_membership(pf, row);
	free(bits);
	free(want);
	free(item);
}

/* The bits of one item alone are its indexes, as a set. */
static void check_indexes(const json_t *row, struct sl_bytes item, const json_t *indexes)
{
	struct sl_prefilter_shape shape = vectors_shape(row);
	union sl_prefilter_mem mem;
	uint8_t *bits, *want = calloc(1, sl_prefilter_bytes(&shape));
	json_t *index;
	size_t i;

	assert_non_null(want);
	assert_int_equal(json_array_size(indexes), shape.hashes);
	json_array_foreach(indexes, i, index) want[json_integer_value(index) / 8] |=
	        (uint8_t)(1 << json_integer_value(index) % 8);
	(void)build(row, &mem, &item, 1, &bits);
	assert_memory_equal(bits, want, sl_prefilter_bytes(&shape));
	free(want);
	free(bits);
}

static void test_indexes(void **state)
{
	const json_t *row = *state;
	const json_t *all = json_object_get(row, "indexes"),
	             *first = json_object_get(row, "indexes_of_first_item");
	const char *name;
	json_t *indexes;

	json_object_foreach((json_t *)(uintptr_t)all, name, indexes)
	        check_indexes(row, sl_bytes_str(name), indexes);
	if (first != NULL) {
		const json_t *item = json_array_get(vectors_member(row, "items"), 0);
		check_indexes(row, sl_bytes_str(json_string_value(item)), first);
	}
}

/* NE-BLOOM-11: what the forum's inputs should have become. */
static void test_forum(void **state)
{
	const json_t *row = *state;
	union sl_prefilter_mem mem;
	uint8_t *bits;
	size_t n, len;
	struct sl_bytes *item = vectors_strings(vectors_member(row, "items"), &n);
	uint8_t *want = vectors_base64(text_of(row, "correct_content_base64_for_same_inputs"), &len);

	(void)build(row, &mem, item, n, &bits);
	assert_memory_equal(bits, want, len);
	free(bits);
	free(want);
	free(item);
}

static void test_forum_asked(void **state)
{
	const json_t *row = *state;
	struct sl_prefilter_shape shape = vectors_shape(row);
	const struct sl_prefilter *pf;
	union sl_prefilter_mem mem;
	const char *name;
	json_t *want;
	size_t len;
	uint8_t *bits = vectors_base64(text_of(row, "content_base64"), &len);

	assert_int_equal(sl_prefilter_open(&mem, &shape, sl_bytes_of(bits, len), &pf), SL_OK);
	json_object_foreach(vectors_member(row, "membership_in_broken_filter_under_correct_convention"), name,
	                    want)
	        assert_int_equal(sl_prefilter_maybe(pf, sl_apple_key(sl_bytes_str(name), shape.seed)),
	                         json_is_true(want));
	free(bits);
}

static const struct size_case {
	const char *name;
	struct sl_apple_want want;
	int err;
	uint64_t bits;
	uint32_t hashes;
} sizes[] = {
	{ "NE-BLOOM-01: no item is an error", { 0, 0, 0.001, 0, true }, SL_EINVAL, 0, 0 },
	{ "NE-BLOOM-01: no distinct item is an error", { 5, 0, 0.001, 0, false }, SL_EINVAL, 0, 0 },
	{ "NE-BLOOM-01: a tolerance of 0 is an error", { 5, 5, 0, 0, true }, SL_EINVAL, 0, 0 },
	{ "NE-BLOOM-01: a tolerance of 1 is an error", { 5, 5, 1, 0, true }, SL_EINVAL, 0, 0 },
	{ "NE-BLOOM-01: a tolerance below 0 is an error", { 5, 5, -0.5, 0, true }, SL_EINVAL, 0, 0 },
	{ "NE-BLOOM-01: a tolerance that is no number is an error", { 5, 5, NAN, 0, true }, SL_EINVAL, 0, 0 },
	{ "NE-BLOOM-01: strict counts lines, duplicates included",
	  { 10, 1, 0.001, 0, true },
	  SL_OK,
	  144,
	  10 },
	{ "NE-CHOICE-44: else distinct entries are counted",
	  { 9999, 1000, 0.001, 0, false },
	  SL_OK,
	  14378,
	  10 },
	{ "NE-CHOICE-42: a small list gets 1024 bits and at most 16 hashes",
	  { 3, 3, 0.001, 0, false },
	  SL_OK,
	  1024,
	  16 },
	{ "NE-CHOICE-42: the hashes are computed anew from 1024 bits",
	  { 60, 60, 0.001, 0, false },
	  SL_OK,
	  1024,
	  12 },
	{ "NE-CHOICE-42: from 1024 bits on nothing changes", { 72, 72, 0.001, 0, false }, SL_OK, 1036, 10 },
	{ "NE-CHOICE-42: a tiny tolerance is capped at 16 hashes",
	  { 1000, 1000, 1e-9, 0, false },
	  SL_OK,
	  43133,
	  16 },
	{ "a tolerance near 1 still has one bit and one hash", { 1, 1, 0.999, 0, true }, SL_OK, 1, 1 },
	{ "NE-BLOOM-09: more bits than can be addressed are refused",
	  { 298730000, 1, 0.001, 0, true },
	  SL_ELIMIT,
	  0,
	  0 },
	{ "NE-BLOOM-09: a little fewer are taken", { 298725000, 1, 0.001, 0, true }, SL_OK, 4294944846, 10 },
	{ "the least tolerance of a double is still a filter",
	  { 1, 1, 4.9e-324, 0, true },
	  SL_OK,
	  1550,
	  1075 },
};

static void test_sizes(void **state)
{
	const struct size_case *c = *state;
	struct sl_prefilter_shape got = { 0 };

	assert_int_equal(sl_apple_size(&c->want, &got), c->err);
	assert_int_equal(got.bits, c->bits);
	assert_int_equal(got.hashes, c->hashes);
}

/* One pass gives the keys of all prefixes, wherever the bytes are cut. */
static void test_prefixes(void **state)
{
	struct sl_bytes text = SL_BYTES_LIT("www.sub1.example.com:443/a/b/c/?id=123#fragment");
	size_t end[64];
	uint64_t key[64];
	(void)state;

	for (size_t i = 0; i <= text.len; i++)
		end[i] = i;
	sl_apple_keys(text, 2538058380U, end, text.len + 1, key);
	for (size_t i = 0; i <= text.len; i++)
		assert_int_equal(key[i], sl_apple_key(sl_bytes_first(text, i), 2538058380U));
	for (size_t cut = 0; cut <= text.len; cut++) {
		struct sl_apple_hash h = sl_apple_hash_start(2538058380U);
		sl_apple_hash_feed(&h, sl_bytes_first(text, cut));
		struct sl_apple_hash fork = h;
		sl_apple_hash_feed(&fork, sl_bytes_skip(text, cut));
		assert_int_equal(sl_apple_hash_key(&h), key[cut]);
		assert_int_equal(sl_apple_hash_key(&fork), key[text.len]);
	}
}

static void test_prefix_ends(void **state)
{
	struct sl_bytes text = SL_BYTES_LIT("abc");
	const size_t end[] = { 2, 1, 99 };
	uint64_t key[3];
	(void)state;

	sl_apple_keys(text, 0, end, 3, key);
	assert_int_equal(key[0], sl_apple_key(SL_BYTES_LIT("ab"), 0));
	assert_int_equal(key[1], key[0]);
	assert_int_equal(key[2], sl_apple_key(text, 0));
}

static void add_vectors(struct rows *rows, const json_t *array, const char *name, CMUnitTestFunction function)
{
	json_t *row;
	size_t i;

	assert(json_array_size(array) > 0);
	json_array_foreach((json_t *)(uintptr_t)array, i, row) add_row(rows, name, function, row);
}

int main(void)
{
	struct rows rows = { .n = 0 };
	json_t *hashes = vectors_load("hashes"), *sizing = vectors_load("sizing"),
	       *bloom = vectors_load("bloom");
	const json_t *fnv = vectors_member(hashes, "fnv1a_32");

	add_vectors(&rows, vectors_member(fnv, "vectors"), "NE-BLOOM-06: FNV-1a known answer", test_fnv);
	add_vectors(&rows, vectors_member(vectors_member(fnv, "trap"), "vectors"), "NE-BLOOM-13: not FNV-1",
	            test_fnv_trap);
	add_vectors(&rows, vectors_member(vectors_member(hashes, "murmur3_x86_32"), "vectors"),
	            "NE-BLOOM-07: MurmurHash3 known answer", test_murmur);
	add_vectors(&rows, vectors_member(sizing, "rows"), "NE-BLOOM-01, -09: sizing known answer",
	            test_size);
	add_vectors(&rows, vectors_member(bloom, "published"), "NE-BLOOM-10: the published filter",
	            test_filter);
	add_vectors(&rows, vectors_member(bloom, "published"), "NE-BLOOM-03, -05: its indexes", test_indexes);
	add_vectors(&rows, vectors_member(bloom, "derived"), "NE-BLOOM-02..05, -14, NE-CHOICE-41: a filter",
	            test_filter);
	add_vectors(&rows, vectors_member(bloom, "derived"), "NE-BLOOM-03, -05: indexes", test_indexes);
	add_vectors(&rows, vectors_member(bloom, "published_nonconforming"), "NE-BLOOM-11: the right content",
	            test_forum);
	add_vectors(&rows, vectors_member(bloom, "published_nonconforming"),
	            "NE-BLOOM-11: asked rightly, example.com is absent", test_forum_asked);
	ADD_ROWS(&rows, sizes, test_sizes);
	add_row(&rows, "NE-BLOOM-06, -07: one pass gives the keys of all prefixes", test_prefixes, NULL);
	add_row(&rows, "an end before the last, or beyond the text, is moved there", test_prefix_ends, NULL);
	int failed = run_rows("bloom/apple", &rows);
	json_decref(hashes);
	json_decref(sizing);
	json_decref(bloom);
	return failed;
}
