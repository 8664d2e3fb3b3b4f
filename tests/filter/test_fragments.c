/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A datagram of 40 bytes of payload, 0 to 39, cut into pieces that are given in any order. */
#include "filter/fragments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/out.h"
#include "base/util.h"

enum { PAYLOAD = 40, PIECES = 6, UDP = 17 };

struct piece {
	uint32_t from, to; /* to 0: no more pieces */
	uint32_t id;
	int64_t ms; /* since the start */
	bool more;  /* although it is the last, or the other way round: see lies */
	bool lies;  /* the flag is `more` whatever the place */
};

#define P(a, z, ...)                                \
	{                                           \
		.from = (a), .to = (z), __VA_ARGS__ \
	}

static const struct row {
	const char *name;
	struct piece piece[PIECES];
	const char *want; /* a letter a piece: - kept, W whole, ! contradiction, . no fragment */
} rows[] = {
	{ "NE-CHOICE-28: pieces in order", { P(0, 16), P(16, 32), P(32, 40) }, "--W" },
	{ "NE-CHOICE-28: pieces from the last to the first", { P(32, 40), P(16, 32), P(0, 16) }, "--W" },
	{ "a piece that comes twice", { P(0, 16), P(0, 16), P(16, 40) }, "--W" },
	{ "the last piece twice", { P(16, 40), P(16, 40), P(0, 16) }, "--W" },
	{ "an unfragmented packet", { P(0, 40) }, "." },
	{ "two datagrams at once",
	  { P(0, 16, .id = 1), P(0, 24, .id = 2), P(16, 40, .id = 1), P(24, 40, .id = 2) },
	  "--WW" },
	{ "an overlap throws all away (RFC 5722 §4)", { P(0, 16), P(8, 24), P(16, 40), P(0, 16) }, "-!-W" },
	{ "a piece within another one", { P(0, 24), P(8, 16) }, "-!" },
	{ "a piece that covers two", { P(0, 8), P(8, 16), P(0, 16, .more = true, .lies = true) }, "--!" },
	{ "two ends", { P(16, 40), P(8, 16, .more = false, .lies = true) }, "-!" },
	{ "bytes beyond the end", { P(0, 8), P(24, 32), P(16, 20, .more = false, .lies = true) }, "--!" },
	{ "a piece that is not the last and ends amid a unit",
	  { P(0, 12, .more = true, .lies = true) },
	  "!" },
	{ "what is not whole after 30 s is forgotten",
	  { P(0, 16), P(16, 40, .ms = 30000), P(0, 16, .ms = 30001) },
	  "--W" },
	{ "just before that it is not", { P(0, 16), P(16, 40, .ms = 29999) }, "-W" },
	{ "the oldest makes room",
	  { P(0, 16, .id = 1), P(0, 16, .id = 2, .ms = 1), P(0, 16, .id = 3, .ms = 2),
	    P(16, 40, .id = 1, .ms = 3), P(16, 40, .id = 3, .ms = 4) },
	  "----W" },
};

static size_t put_ip4(uint8_t *to, const struct piece *p, bool more)
{
	struct sl_out o = sl_out_of(to, 128);
	sl_out_u16(&o, 0x4500);
	sl_out_u16(&o, (uint16_t)(20 + p->to - p->from));
	sl_out_u16(&o, (uint16_t)p->id);
	sl_out_u16(&o, (uint16_t)((more ? 0x2000 : 0) | p->from / 8));
	sl_out_u16(&o, 64 << 8 | UDP);
	sl_out_u16(&o, 0);
	sl_out_bytes(&o, "\x0a\0\0\1\x0a\0\0\2", 8);
	return o.len;
}

/* With a hop-by-hop header before the fragment header. */
static size_t put_ip6(uint8_t *to, const struct piece *p, bool more)
{
	struct sl_out o = sl_out_of(to, 128);
	sl_out_u32(&o, 6U << 28);
	sl_out_u16(&o, (uint16_t)(8 + 8 + p->to - p->from));
	sl_out_u16(&o, 0 << 8 | 64);
	sl_out_bytes(&o, "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2", 32);
	sl_out_bytes(&o, "\x2c\0\1\4\0\0\0\0", 8);
	sl_out_u16(&o, UDP << 8);
	sl_out_u16(&o, (uint16_t)((p->from / 8) << 3 | more));
	sl_out_u32(&o, p->id);
	return o.len;
}

static void check_whole(struct sl_bytes whole, int family)
{
	static const uint8_t end6[] = { 0x11, 0, 1, 4, 0, 0, 0, 0 };
	size_t head = family == 4 ? 20 : 48;
	assert_int_equal(whole.len, head + PAYLOAD);
	for (size_t i = 0; i < PAYLOAD; i++)
		assert_int_equal(whole.p[head + i], i);
	size_t len = (size_t)whole.p[family == 4 ? 2 : 4] << 8 | whole.p[family == 4 ? 3 : 5];
	assert_int_equal(len, family == 4 ? whole.len : whole.len - 40);
	if (family == 4)
		assert_int_equal(whole.p[6] | whole.p[7], 0);
	else
		assert_memory_equal(whole.p + 40, end6, sizeof(end6));
}

static char give(struct sl_fragments *f, const struct piece *p, int family)
{
	uint8_t bytes[256];
	struct sl_bytes whole;
	bool more = p->lies ? p->more : p->to < PAYLOAD;
	size_t n = family == 4 ? put_ip4(bytes, p, more) : put_ip6(bytes, p, more);
	for (uint32_t i = p->from; i < p->to; i++)
		bytes[n++] = (uint8_t)i;
	uint8_t *copy = malloc(n);
	assert_non_null(copy);
	memcpy(copy, bytes, n);
	int err = sl_fragments_add(f, sl_bytes_of(copy, n), (struct sl_mono){ p->ms * 1000 }, &whole);
	free(copy);
	if (err == SL_OK)
		check_whole(whole, family);
	return (char)(err == SL_OK ? 'W' : err == SL_EMORE ? '-' : err == SL_EMALF ? '!' : '.');
}

static void test_row(void **state)
{
	const struct row *row = *state;
	for (int family = 4; family <= 6; family += 2) {
		struct sl_fragments *f = NULL;
		char got[PIECES + 1] = "";
		assert_int_equal(sl_fragments_new(2, &f), SL_OK);
		for (size_t i = 0; i < PIECES && row->piece[i].to != 0; i++)
			got[i] = give(f, &row->piece[i], family);
		assert_string_equal(got, row->want);
		sl_fragments_free(&f);
		assert_null(f);
	}
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(rows)];
	for (size_t i = 0; i < SL_COUNT(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL,
			                        (void *)(uintptr_t)&rows[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
