/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_prefilter.c - what both formats promise: nothing that was added is ever missed, strangers pass as rarely as said, the
 * fast ways answer as the slow ones, and no shape leads outside the bits. */
#include <math.h>
#include <stdio.h>

#include "bloom/apple_hash.h"
#include "bloom/apple_size.h"
#include "bloom/convention.h"
#include "bloom/gauge.h"
#include "tests/policy/rows.h"

/* SplitMix64 is a bijection of a counter, so keys of different counters are different. */
static uint64_t key_of(uint64_t i)
{
	uint64_t x = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

struct built {
	union sl_prefilter_mem mem;
	struct sl_prefilter *pf;
	uint8_t *bits;
	size_t len;
};

static void build(const struct sl_prefilter_shape *shape, struct built *b)
{
	void *bits = NULL;
	b->len = sl_prefilter_bytes(shape);
	assert_int_equal(posix_memalign(&bits, SL_PREFILTER_BLOCK, b->len),
	                 0); /* not a byte more: ASan watches */
	b->bits = bits;
	assert_int_equal(sl_prefilter_build(&b->mem, shape, b->bits, b->len, &b->pf), SL_OK);
}

static struct sl_prefilter_shape shape_of(uint32_t format, uint64_t keys)
{
	struct sl_apple_want want = { keys, keys, SL_APPLE_TOLERANCE, 77, false };
	struct sl_prefilter_shape shape;
	assert_int_equal(format == SL_PREFILTER_APPLE
	                         ? sl_apple_size(&want, &shape)
	                         : sl_prefilter_shape_native(keys, SL_PREFILTER_BITS_PER_KEY, &shape),
	                 SL_OK);
	return shape;
}

static void add_range(struct sl_prefilter *pf, uint64_t from, uint64_t n)
{
	uint64_t key[97];

	for (uint64_t i = 0; i < n;) {
		size_t k = 0;
		while (k < sizeof(key) / sizeof(key[0]) && i < n)
			key[k++] = key_of(from + i++);
		sl_prefilter_add(pf, key, k);
	}
}

static uint64_t count_maybe(const struct sl_prefilter *pf, uint64_t from, uint64_t n)
{
	uint64_t found = 0;
	for (uint64_t i = 0; i < n; i++)
		found += sl_prefilter_maybe(pf, key_of(from + i));
	return found;
}

static const struct rate_case {
	const char *name;
	uint32_t format;
	uint64_t keys;
	double least, most; /* share of absent keys that pass */
} rates[] = {
	{ "native: an empty one says no to all", SL_PREFILTER_NATIVE, 0, 0, 0 },
	{ "native: one key", SL_PREFILTER_NATIVE, 1, 0, 0.0001 },
	{ "native: 1 M keys, at most 0.15 % of 1 M absent keys pass", SL_PREFILTER_NATIVE, 1000000, 0.0005,
	  0.0015 },
	{ "NE-BLOOM-01: apple, 100 k keys, 0.1 % of 1 M absent keys pass", SL_PREFILTER_APPLE, 100000, 0.0008,
	  0.0012 },
	{ "NE-CHOICE-42: apple, 3 keys in 1024 bits: absent keys hardly pass", SL_PREFILTER_APPLE, 3, 0,
	  0.0001 },
};

static void test_rate(void **state)
{
	const struct rate_case *c = *state;
	struct sl_prefilter_shape shape =
	        shape_of(c->format, c->keys > 0 || c->format == SL_PREFILTER_NATIVE ? c->keys : 1);
	struct built b;

	build(&shape, &b);
	add_range(b.pf, 0, c->keys);
	assert_int_equal(count_maybe(b.pf, 0, c->keys), c->keys);
	double rate = (double)count_maybe(b.pf, UINT64_C(1) << 40, 1000000) / 1000000;
	if (rate < c->least || rate > c->most)
		fail_msg("%.5f %% of absent keys pass", rate * 100);
	free(b.bits);
}

static const struct native_case {
	const char *name;
	uint64_t keys;
	unsigned bits_per_key;
	int err;
	uint64_t bits;
} natives[] = {
	{ "no keys still have a block", 0, 16, SL_OK, 256 },
	{ "16 keys fill a block", 16, 16, SL_OK, 256 },
	{ "17 keys begin the next", 17, 16, SL_OK, 512 },
	{ "50 M keys take 100 MB at 16 bits", 50000000, 16, SL_OK, 800000000 },
	{ "0 bits a key are refused", 5, 0, SL_EINVAL, 0 },
	{ "65 bits a key are refused", 5, 65, SL_EINVAL, 0 },
	{ "2^32 - 1 blocks can be addressed", UINT64_C(0xffffffff) * 16, 16, SL_OK,
	  UINT64_C(0xffffffff) * 256 },
	{ "more blocks cannot", UINT64_C(0xffffffff) * 16 + 1, 16, SL_ELIMIT, 0 },
	{ "a number that would overflow is refused", UINT64_MAX, 64, SL_ELIMIT, 0 },
};

static void test_native(void **state)
{
	const struct native_case *c = *state;
	struct sl_prefilter_shape got = { 0 };
	assert_int_equal(sl_prefilter_shape_native(c->keys, c->bits_per_key, &got), c->err);
	assert_int_equal(got.bits, c->bits);
}

static const struct open_case {
	const char *name;
	struct sl_prefilter_shape shape; /* format, hashes, bits, seed, pad */
	size_t len, skew;
	int err;
} opens[] = {
	{ "a native block", { SL_PREFILTER_NATIVE, 8, 256, 0, 0 }, 32, 0, SL_OK },
	{ "native bits that are not aligned", { SL_PREFILTER_NATIVE, 8, 256, 0, 0 }, 32, 16, SL_EMALF },
	{ "native bits that are no whole blocks", { SL_PREFILTER_NATIVE, 8, 128, 0, 0 }, 16, 0, SL_EMALF },
	{ "a native shape with other hashes", { SL_PREFILTER_NATIVE, 7, 256, 0, 0 }, 32, 0, SL_EMALF },
	{ "a native shape with a seed", { SL_PREFILTER_NATIVE, 8, 256, 1, 0 }, 32, 0, SL_EMALF },
	{ "a native shape without bits", { SL_PREFILTER_NATIVE, 8, 0, 0, 0 }, 0, 0, SL_EMALF },
	{ "a native shape that is shorter than it says",
	  { SL_PREFILTER_NATIVE, 8, 512, 0, 0 },
	  32,
	  0,
	  SL_EMALF },
	{ "a shape with something in its padding", { SL_PREFILTER_NATIVE, 8, 256, 0, 1 }, 32, 0, SL_EMALF },
	{ "a native shape with more blocks than a key can name",
	  { SL_PREFILTER_NATIVE, 8, UINT64_C(1) << 40, 0, 0 },
	  (size_t)1 << 37,
	  0,
	  SL_EMALF },
	{ "no format", { 0, 8, 256, 0, 0 }, 32, 0, SL_EUNSUP },
	{ "a format of the future", { 3, 8, 256, 0, 0 }, 32, 0, SL_EUNSUP },
	{ "apple bits need no alignment", { SL_PREFILTER_APPLE, 10, 144, 9, 0 }, 18, 1, SL_OK },
	{ "apple: a byte too few", { SL_PREFILTER_APPLE, 10, 145, 9, 0 }, 18, 0, SL_EMALF },
	{ "apple: a byte too many", { SL_PREFILTER_APPLE, 10, 144, 9, 0 }, 19, 0, SL_EMALF },
	{ "apple: no bits", { SL_PREFILTER_APPLE, 10, 0, 9, 0 }, 0, 0, SL_EMALF },
	{ "apple: no hashes would say yes to all", { SL_PREFILTER_APPLE, 0, 144, 9, 0 }, 18, 0, SL_EMALF },
	{ "apple: hashes without end", { SL_PREFILTER_APPLE, UINT32_MAX, 144, 9, 0 }, 18, 0, SL_EMALF },
	{ "NE-BLOOM-09: more bits than Apple's numbers hold",
	  { SL_PREFILTER_APPLE, 10, UINT32_MAX - 6, 9, 0 },
	  (size_t)1 << 29,
	  0,
	  SL_EMALF },
};

static void test_open(void **state)
{
	static _Alignas(SL_PREFILTER_BLOCK) uint8_t bits[256];
	const struct open_case *c = *state;
	const struct sl_prefilter *pf = NULL;
	union sl_prefilter_mem mem;
	struct sl_prefilter_shape back;

	assert_int_equal(sl_prefilter_open(&mem, &c->shape, sl_bytes_of(bits + c->skew, c->len), &pf),
	                 c->err);
	assert_int_equal(pf != NULL, c->err == SL_OK);
	if (pf != NULL) {
		sl_prefilter_shape_of(pf, &back);
		assert_memory_equal(&back, &c->shape, sizeof(back));
	}
}

static const struct format_case {
	const char *name;
	uint32_t format;
} many[] = { { "many keys at once: native answers as one by one", SL_PREFILTER_NATIVE },
	     { "many keys at once: apple answers as one by one", SL_PREFILTER_APPLE } };
static const struct format_case orders[] = {
	{ "native bits do not depend on the order, nor on how often a key comes", SL_PREFILTER_NATIVE },
	{ "apple bits do not depend on the order, nor on how often a key comes", SL_PREFILTER_APPLE }
};

static void test_many(void **state)
{
	const struct format_case *c = *state;
	struct sl_prefilter_shape shape = shape_of(c->format, 500);
	struct built b;
	uint64_t key[SL_PREFILTER_MANY + 8];

	build(&shape, &b);
	add_range(b.pf, 0, 500);
	for (size_t n = 0; n <= SL_PREFILTER_MANY + 8; n++) {
		uint64_t want = 0;
		for (size_t i = 0; i < n; i++) {
			key[i] = key_of(i % 3 == 0 ? i + n : 100000 + 7 * n + i);
			if (i < SL_PREFILTER_MANY)
				want |= (uint64_t)sl_prefilter_maybe(b.pf, key[i]) << i;
		}
		assert_true(sl_prefilter_maybe_many(b.pf, key, n) == want);
	}
	free(b.bits);
}

static void test_order(void **state)
{
	const struct format_case *c = *state;
	struct sl_prefilter_shape shape = shape_of(c->format, 1000);
	struct built up, down;

	build(&shape, &up);
	build(&shape, &down);
	add_range(up.pf, 0, 1000);
	for (uint64_t i = 1000; i-- > 0;) {
		add_range(down.pf, i, 1);
		add_range(down.pf, i / 2, 1);
	}
	assert_memory_equal(up.bits, down.bits, up.len);
	free(up.bits);
	free(down.bits);
}

/* Snapshots keep native bits: this block, and no other, is what one key makes of one empty filter of four blocks. Worked
 * out from Parquet's BloomFilter.md by a program of a few lines in another language. */
static void test_pinned(void **state)
{
	static const uint32_t want[8] = { 0x40000, 0x80000, 0x40000000, 0x800000,
		                          0x10,    0x10000, 0x1000,     0x1000000 };
	struct sl_prefilter_shape shape = { SL_PREFILTER_NATIVE, 8, 1024, 0, 0 };
	struct built b;
	uint64_t key = UINT64_C(0x9123456789abcdef);
	(void)state;

	build(&shape, &b);
	sl_prefilter_add(b.pf, &key, 1);
	for (unsigned i = 0; i < 128; i++) {
		uint8_t byte = i / 32 == 2 ? (uint8_t)(want[i % 32 / 4] >> 8 * (i % 4)) : 0;
		assert_int_equal(b.bits[i], byte);
	}
	free(b.bits);
}

static void test_portable(void **state)
{
	struct sl_prefilter_shape shape = shape_of(SL_PREFILTER_NATIVE, 5000);
	struct built fast, slow;
	(void)state;

	build(&shape, &fast);
	build(&shape, &slow);
	sl_prefilter_portable(&slow.mem);
	add_range(fast.pf, 0, 5000);
	add_range(slow.pf, 0, 5000);
	assert_memory_equal(fast.bits, slow.bits, fast.len);
	for (uint64_t i = 0; i < 200000; i += SL_PREFILTER_MANY) {
		uint64_t key[SL_PREFILTER_MANY];
		for (unsigned k = 0; k < SL_PREFILTER_MANY; k++)
			key[k] = key_of(i + k);
		uint64_t answer = sl_prefilter_maybe_many(fast.pf, key, SL_PREFILTER_MANY);
		assert_true(answer == sl_prefilter_maybe_many(slow.pf, key, SL_PREFILTER_MANY));
		for (unsigned k = 0; k < SL_PREFILTER_MANY; k++)
			assert_int_equal(sl_prefilter_maybe(slow.pf, key[k]), answer >> k & 1);
	}
	free(fast.bits);
	free(slow.bits);
}

/* Our remainder without a division, against the plain one, for awkward moduli; also up to the last that is allowed, whose
 * bits are never all touched. */
static void test_remainder(void **state)
{
	static const uint64_t moduli[] = { 1,
		                           2,
		                           3,
		                           7,
		                           8,
		                           44,
		                           144,
		                           1023,
		                           65536,
		                           65537,
		                           718879379,
		                           UINT64_C(1) << 31,
		                           4294967291 - 8,
		                           4294967288 };
	const struct sl_convention right = { 0 };
	(void)state;

	for (size_t m = 0; m < sizeof(moduli) / sizeof(moduli[0]); m++) {
		struct sl_prefilter_shape shape = { SL_PREFILTER_APPLE, 13, moduli[m], 2538058380U, 0 };
		size_t len = sl_prefilter_bytes(&shape);
		uint8_t *bits = calloc(1, len);
		const struct sl_prefilter *pf = NULL;
		union sl_prefilter_mem mem;
		assert_non_null(bits);
		assert_int_equal(sl_prefilter_open(&mem, &shape, sl_bytes_of(bits, len), &pf), SL_OK);
		for (unsigned i = 0; i < 300; i++) {
			char text[32];
			(void)snprintf(text, sizeof(text), "host%u.example", i);
			uint64_t key = sl_apple_key(sl_bytes_str(text), shape.seed);
			bool before = sl_convention_has(&right, &shape, bits, sl_bytes_str(text));
			assert_int_equal(sl_prefilter_maybe(pf, key), before);
			sl_convention_add(&right, &shape, bits, sl_bytes_str(text));
			assert_true(sl_prefilter_maybe(pf, key));
		}
		free(bits);
	}
}

/* NE-BLOOM-12: about 7 % of random keys pass the forum's filter of 44 bits; fill^hashes would say 0.3 %. */
static void test_gauge(void **state)
{
	uint8_t bits[6] = { 0x9b, 0xec, 0x8b, 0xc9, 0x9e, 0x0e };
	struct sl_prefilter_shape shape = { SL_PREFILTER_APPLE, 11, 44, 2538058380U, 0 };
	const struct sl_prefilter *pf = NULL;
	union sl_prefilter_mem mem;
	struct sl_gauge g;
	(void)state;

	assert_int_equal(sl_prefilter_open(&mem, &shape, sl_bytes_of(bits, sizeof(bits)), &pf), SL_OK);
	sl_gauge(pf, sl_bytes_of(bits, sizeof(bits)), &g);
	assert_int_equal(g.set, 26);
	assert_true(fabs(g.fill - 26.0 / 44) < 1e-9);
	assert_true(fabs(g.entries - 44.0 / 11 * log(44.0 / 18)) < 1e-9);
	assert_true(g.per_key > 0.065 && g.per_key < 0.075);
	assert_true(pow(g.fill, 11) < 0.004);
	memset(bits, 0xff, sizeof(bits));
	sl_gauge(pf, sl_bytes_of(bits, sizeof(bits)), &g);
	assert_true(g.per_key == 1 && g.fill == 1 && isinf(g.entries));
	assert_true(fabs(sl_gauge_per_request(0.001, 24) - 0.02373) < 0.00001);
	assert_true(fabs(sl_gauge_per_request(0.001, 48) - 0.04689) < 0.00001);
	assert_true(sl_gauge_per_request(0, 48) == 0 && sl_gauge_per_request(1, 1) == 1);
}

int main(void)
{
	struct rows rows = { .n = 0 };
	ADD_ROWS(&rows, rates, test_rate);
	ADD_ROWS(&rows, natives, test_native);
	ADD_ROWS(&rows, opens, test_open);
	ADD_ROWS(&rows, many, test_many);
	ADD_ROWS(&rows, orders, test_order);
	add_row(&rows, "native bits stay where files have them", test_pinned, NULL);
	add_row(&rows, "native: AVX2 and portable code make and answer the same", test_portable, NULL);
	add_row(&rows, "NE-BLOOM-03: the fast remainder is the plain one", test_remainder, NULL);
	add_row(&rows, "NE-BLOOM-12, NE-CHOICE-43: what a filter costs is counted, not computed", test_gauge,
	        NULL);
	return run_rows("bloom/prefilter", &rows);
}
