/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_long.c - 50 million entries in Apple's format, from names and not from hashes. Takes a quarter of a minute and 90 MB, so
 * plain ctest leaves it out: ctest -C long -L long. The clock is the test's; loaded machines may take longer than it allows. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bloom/apple_hash.h"
#include "bloom/apple_size.h"
#include "bloom/gauge.h"
#include "tests/policy/rows.h"

enum { ENTRIES = 50000000, ABSENT = 1000000, SEED = 1267652889, GROUP = 256, SECONDS = 60 };

static const uint32_t seed = SEED;

/* Name i of ENTRIES: 9 characters that name the number, one of 16 domains. Absent ones begin with another letter. */
static uint64_t key_of(char kind, uint32_t i)
{
	static const char digit[] = "abcdefghijklmnopqrstuvwxyz234567";
	char text[32] = "x00000000.shop00.example";

	text[0] = kind;
	for (unsigned d = 1; d < 9; d++, i >>= 4)
		text[d] = digit[(i & 15) + d];
	text[14] = (char)('0' + (text[1] & 7));
	return sl_apple_key(sl_bytes_of(text, 24), seed);
}

static double seconds(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void add_all(struct sl_prefilter *pf)
{
	uint64_t key[GROUP];

	for (uint32_t i = 0; i < ENTRIES; i += GROUP) {
		uint32_t n = ENTRIES - i < GROUP ? ENTRIES - i : GROUP;
		for (uint32_t k = 0; k < n; k++)
			key[k] = key_of('x', i + k);
		sl_prefilter_add(pf, key, n);
	}
}

static void test_50m(void **state)
{
	struct sl_apple_want want = { ENTRIES, ENTRIES, SL_APPLE_TOLERANCE, seed, true };
	struct sl_prefilter_shape shape;
	struct sl_prefilter *pf = NULL;
	union sl_prefilter_mem mem;
	char tag[SL_APPLE_TAG];
	unsigned passing = 0;
	(void)state;

	double start = seconds();
	assert_int_equal(sl_apple_size(&want, &shape), SL_OK);
	assert_int_equal(shape.bits, 718879379);
	assert_int_equal(shape.hashes, 10);
	size_t len = sl_prefilter_bytes(&shape);
	assert_int_equal(len, 89859923);
	uint8_t *bits = malloc(len);
	assert_non_null(bits);
	assert_int_equal(sl_prefilter_build(&mem, &shape, bits, len, &pf), SL_OK);
	add_all(pf);
	double built = seconds() - start;
	sl_apple_tag(sl_bytes_of(bits, len), tag);
	for (uint32_t i = 0; i < ABSENT; i++)
		passing += sl_prefilter_maybe(pf, key_of('y', i * 41));
	for (uint32_t i = 0; i < ENTRIES; i += 47)
		assert_true(sl_prefilter_maybe(pf, key_of('x', i)));
	free(bits);
	print_message("built in %.1f s, tag %s; %u of %d absent keys pass: %.4f %%\n", built, tag, passing,
	              ABSENT, passing * 100.0 / ABSENT);
	assert_true(built <= SECONDS);
	assert_in_range(passing, 800, 1200);
}

int main(void)
{
	struct rows rows = { .n = 0 };
	add_row(&rows,
	        "NE-BLOOM-01, -09: 50 M entries: 718879379 bits, 10 hashes, in 60 s, 0.1 % +- 0.02 of absent "
	        "keys",
	        test_50m, NULL);
	return run_rows("bloom/long", &rows);
}
