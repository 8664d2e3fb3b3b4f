/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/unpack.h"

#include <lzma.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#include "base/util.h"

enum { TEXT = 300000, PACKED = TEXT + 4096 };

enum kind { PLAIN, GZIP, XZ, ZSTD };

/* A text that packs, but not to nothing. */
static void fill(uint8_t *text, size_t n)
{
	uint32_t x = 1;
	for (size_t i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		text[i] = i % 16 == 15 ? '\n' : (uint8_t)('a' + (x >> 24) % 8);
	}
}

static size_t pack_gzip(const uint8_t *text, size_t n, uint8_t *out, size_t cap)
{
	z_stream z = { 0 };
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (z_const Bytef *)(uintptr_t)text;
	z.avail_in = (uInt)n;
	z.next_out = out;
	z.avail_out = (uInt)cap;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	size_t len = cap - z.avail_out;
	(void)deflateEnd(&z);
	return len;
}

static size_t pack(enum kind kind, const uint8_t *text, size_t n, uint8_t *out, size_t cap)
{
	size_t len = 0;
	switch (kind) {
	case GZIP:
		return pack_gzip(text, n, out, cap);
	case XZ:
		assert_int_equal(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL, text, n, out, &len, cap),
		                 LZMA_OK);
		return len;
	case ZSTD:
		len = ZSTD_compress(out, cap, text, n, 1);
		assert_false(ZSTD_isError(len));
		return len;
	default:
		memcpy(out, text, n);
		return n;
	}
}

/* Unpacks in pieces of so many bytes, each on a heap copy of its size. Compares with text; *got: bytes that came out. */
static int unpack(struct sl_bytes packed, size_t size, uint64_t max, const uint8_t *text, size_t *got)
{
	struct sl_unpack *u = NULL;
	struct sl_bytes out = { NULL, 0 }, in = { NULL, 0 };
	uint8_t *copy = NULL;
	*got = 0;
	assert_int_equal(sl_unpack_new(sl_bytes_first(packed, SL_UNPACK_HEAD), max, &u), SL_OK);
	int err = SL_EMORE;
	while (err == SL_EMORE || (err == SL_OK && out.p != NULL)) {
		if (err == SL_EMORE) {
			size_t n = sl_min(size, packed.len);
			free(copy);
			copy = malloc(n + 1);
			assert_non_null(copy);
			memcpy(copy, packed.p, n);
			in = sl_bytes_of(copy, n);
			packed = sl_bytes_skip(packed, n);
		}
		err = sl_unpack_step(u, &in, packed.len == 0, &out);
		assert_true(err == SL_OK || out.p == NULL);
		if (out.p != NULL && text != NULL)
			assert_memory_equal(out.p, text + *got, out.len);
		*got += out.len;
	}
	if (err != SL_OK)
		assert_int_equal(sl_unpack_step(u, &in, true, &out), err);
	free(copy);
	sl_unpack_free(&u);
	assert_null(u);
	return err;
}

static struct unpack_case {
	const char *name;
	enum kind kind;
	size_t text; /* bytes of each member */
	int members;
	size_t cut; /* bytes taken off the end */
	const char *tail;
	size_t tail_len;
	uint64_t max;
	int want;
} cases[] = {
	{ "plain bytes are what they are", PLAIN, TEXT, 1, 0, "", 0, 1, SL_OK },
	{ "no bytes are no text", PLAIN, 0, 1, 0, "", 0, 1, SL_OK },
	{ "gzip", GZIP, TEXT, 1, 0, "", 0, TEXT, SL_OK },
	{ "gzip of nothing", GZIP, 0, 1, 0, "", 0, TEXT, SL_OK },
	{ "gzip of a whole buffer", GZIP, SL_UNPACK_PIECE, 1, 0, "", 0, TEXT, SL_OK },
	{ "members of gzip follow each other (RFC 1952 2.2)", GZIP, TEXT / 3, 3, 0, "", 0, TEXT, SL_OK },
	{ "gzip padded with zeros", GZIP, TEXT, 1, 0, "\0\0\0\0", 4, TEXT, SL_OK },
	{ "gzip that ends too early", GZIP, TEXT, 1, 9, "", 0, TEXT, SL_EMALF },
	{ "gzip without its checksum", GZIP, TEXT, 1, 4, "", 0, TEXT, SL_EMALF },
	{ "something else behind gzip", GZIP, TEXT, 1, 0, "example", 7, TEXT, SL_EMALF },
	{ "gzip that holds more than is allowed", GZIP, TEXT, 1, 0, "", 0, TEXT - 1, SL_ELIMIT },
	{ "the ceiling is over all members", GZIP, TEXT / 2, 2, 0, "", 0, TEXT - 1, SL_ELIMIT },
	{ "xz", XZ, TEXT, 1, 0, "", 0, TEXT, SL_OK },
	{ "xz of nothing", XZ, 0, 1, 0, "", 0, TEXT, SL_OK },
	{ "xz of a whole buffer", XZ, SL_UNPACK_PIECE, 1, 0, "", 0, TEXT, SL_OK },
	{ "streams of xz follow each other", XZ, TEXT / 3, 3, 0, "", 0, TEXT, SL_OK },
	{ "xz that ends too early", XZ, TEXT, 1, 9, "", 0, TEXT, SL_EMALF },
	{ "something else behind xz", XZ, TEXT, 1, 0, "example", 7, TEXT, SL_EMALF },
	{ "xz that holds more than is allowed", XZ, TEXT, 1, 0, "", 0, TEXT - 1, SL_ELIMIT },
	{ "zstd", ZSTD, TEXT, 1, 0, "", 0, TEXT, SL_OK },
	{ "zstd of nothing", ZSTD, 0, 1, 0, "", 0, TEXT, SL_OK },
	{ "zstd of a whole buffer", ZSTD, SL_UNPACK_PIECE, 1, 0, "", 0, TEXT, SL_OK },
	{ "frames of zstd follow each other (RFC 8878 3.1)", ZSTD, TEXT / 3, 3, 0, "", 0, TEXT, SL_OK },
	{ "zstd that ends too early", ZSTD, TEXT, 1, 9, "", 0, TEXT, SL_EMALF },
	{ "something else behind zstd", ZSTD, TEXT, 1, 0, "example", 7, TEXT, SL_EMALF },
	{ "zstd that holds more than is allowed", ZSTD, TEXT, 1, 0, "", 0, TEXT - 1, SL_ELIMIT },
};

static void test_unpack(void **state)
{
	static const char *const names[] = { "plain", "gzip", "xz", "zstd" };
	static const size_t sizes[] = { 1, 7, 4096, (size_t)2 * PACKED };
	const struct unpack_case *c = *state;
	uint8_t *text = malloc(TEXT + 1), *packed = malloc((size_t)2 * PACKED);
	size_t n = 0, got = 0, all = c->text * (size_t)c->members;
	struct sl_unpack *u = NULL;
	assert_true(text != NULL && packed != NULL);
	fill(text, TEXT);
	for (int i = 0; i < c->members; i++)
		n += pack(c->kind, text + (size_t)i * c->text, c->text, packed + n, (size_t)2 * PACKED - n);
	n -= c->cut;
	memcpy(packed + n, c->tail, c->tail_len);
	n += c->tail_len;
	assert_int_equal(sl_unpack_new(sl_bytes_of(packed, n), 1, &u), SL_OK);
	assert_string_equal(sl_unpack_format(u), names[c->kind]);
	sl_unpack_free(&u);
	for (size_t i = 0; i < SL_COUNT(sizes); i++) {
		assert_int_equal(unpack(sl_bytes_of(packed, n), sizes[i], c->max, text, &got), c->want);
		assert_true(c->want == SL_OK ? got == all : got <= c->max);
	}
	free(text);
	free(packed);
}

/* 64 MiB of one byte in a few dozen bytes: what comes out before the ceiling is at most the ceiling. */
static void test_bomb(void **state)
{
	size_t n = 64u << 20, cap = 1u << 20, got = 0;
	uint8_t *text = calloc(1, n), *packed = malloc(cap);
	(void)state;
	assert_true(text != NULL && packed != NULL);
	memset(text, 'a', n);
	for (enum kind kind = GZIP; kind <= ZSTD; kind++) {
		size_t len = pack(kind, text, n, packed, cap);
		assert_int_equal(unpack(sl_bytes_of(packed, len), len, 1u << 20, NULL, &got), SL_ELIMIT);
		assert_true(got <= 1u << 20);
	}
	free(text);
	free(packed);
}

/* Memory is bounded: a window of 2 GiB is not allocated because a file asks for it. */
static void test_window(void **state)
{
	static const uint8_t wide[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00 };
	size_t got = 0;
	(void)state;
	assert_int_equal(unpack(sl_bytes_of(wide, sizeof(wide)), sizeof(wide), TEXT, NULL, &got), SL_ELIMIT);
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(cases) + 2];
	for (size_t i = 0; i < SL_COUNT(cases); i++)
		tests[i] = (struct CMUnitTest){ cases[i].name, test_unpack, NULL, NULL, &cases[i] };
	tests[SL_COUNT(cases)] =
	        (struct CMUnitTest){ "a bomb ends at the ceiling", test_bomb, NULL, NULL, NULL };
	tests[SL_COUNT(cases) + 1] =
	        (struct CMUnitTest){ "a window that is too wide is refused", test_window, NULL, NULL, NULL };
	return cmocka_run_group_tests_name("daemon/unpack", tests, NULL, NULL);
}
