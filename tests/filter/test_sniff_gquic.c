/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_sniff_gquic.c - packets of Google's QUIC: the bytes before the CHLO, and what is read. The CHLO is 87 bytes long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/util.h"
#include "filter/sniff_gquic.h"
#include "tests/support/quic_text.h"

#define CID  "\x50\x51\x52\x53\x54\x55\x56\x57"
#define HASH "0123456789ab"
#define ROW(text, bytes, ...)                                              \
	{                                                                  \
		.name = (text), .before = SL_BYTES_LIT(bytes), __VA_ARGS__ \
	}

static const struct row {
	const char *name;
	struct sl_bytes before;
	size_t less; /* bytes of the CHLO that are not there */
	int want;
	uint32_t version;
} rows[] = {
	ROW("Q043, a packet number of one byte", "\x09" CID "Q043\1" HASH "\x80\1", .version = 0x51303433),
	ROW("Q043, a packet number of four bytes", "\x29" CID "Q043\0\0\0\1" HASH "\x80\1",
	    .version = 0x51303433),
	ROW("Q043, a length, which is big-endian since Q039", "\x09" CID "Q043\1" HASH "\xa0\1\0\x57",
	    .version = 0x51303433),
	ROW("Q035, a length, which is little-endian", "\x09" CID "Q035\1" HASH "\xa0\1\x57\0",
	    .version = 0x51303335),
	ROW("Q025, a byte of private flags", "\x09" CID "Q025\1" HASH "\0\xa0\1\x57\0",
	    .version = 0x51303235),
	ROW("Q046, a long header", "\xc3Q046\x50" CID "\0\0\0\1" HASH "\x80\1", .version = 0x51303436),
	ROW("Q046, a packet number of one byte", "\xc0Q046\x50" CID "\1" HASH "\x80\1",
	    .version = 0x51303436),
	ROW("a CHLO after a refusal stands further on in the stream",
	    "\xc3Q046\x50" CID "\0\0\0\4" HASH "\xa4\1\4\0\0\x57", .version = 0x51303436),
	ROW("padding and a ping before it", "\x09" CID "Q043\1" HASH "\0\0\7\x80\1", .version = 0x51303433),
	ROW("a CHLO that is cut short", "\x09" CID "Q043\1" HASH "\x80\1", .less = 1, .want = SL_EMALF,
	    .version = 0x51303433),
	ROW("a length beyond the packet", "\x09" CID "Q043\1" HASH "\xa0\1\0\x58", .want = SL_EMALF,
	    .version = 0x51303433),
	ROW("another stream", "\x09" CID "Q043\1" HASH "\x80\3", .want = SL_EMALF, .version = 0x51303433),
	ROW("another frame", "\x09" CID "Q043\1" HASH "\x40\1", .want = SL_EMALF, .version = 0x51303433),
	ROW("another message", "\x09" CID "Q043\1" HASH "\x80\1REJ\0", .want = SL_EMALF,
	    .version = 0x51303433),
	ROW("Q044 is none of these", "\x09" CID "Q044\1" HASH "\x80\1", .want = SL_EPROTO),
	ROW("a version that is no number", "\x09" CID "Q0x3\1" HASH "\x80\1", .want = SL_EPROTO),
	ROW("a reset", "\x0b" CID "Q043\1" HASH "\x80\1", .want = SL_EPROTO),
	ROW("a packet without a connection id", "\x01Q043\1" HASH "\x80\1" CID, .want = SL_EPROTO),
	ROW("nothing", "", .less = 87, .want = SL_EPROTO),
};

static void reads(void **state)
{
	const struct row *row = *state;
	uint8_t mem[256];
	struct sl_out to = sl_out_of(mem, sizeof(mem));
	sl_out_bytes(&to, row->before.p, row->before.len);
	quic_text_chlo("odd.example", &to);
	size_t len = to.len - row->less;
	uint8_t *copy = (uint8_t *)malloc(len + 1);
	struct sl_bytes sni = { NULL, 0 };
	uint32_t version = 0;
	assert_non_null(copy);
	memcpy(copy, mem, len);
	assert_int_equal(sl_gquic_read(sl_bytes_of(copy, len), &version, &sni), row->want);
	assert_int_equal(version, row->version);
	assert_true(sl_bytes_equal(sni, row->want == SL_OK ? SL_BYTES_LIT("odd.example") : sni));
	free(copy);
}

#define ENTRY(tag, end) tag end "\0\0\0"

static const struct chlo_row {
	const char *name;
	struct sl_bytes message;
	int want;
	const char *sni; /* NULL: absent */
} chlo_rows[] = {
	{ "a name", SL_BYTES_LIT("CHLO\1\0\0\0" ENTRY("SNI\0", "\3") "a.b"), SL_OK, "a.b" },
	{ "no name", SL_BYTES_LIT("CHLO\1\0\0\0" ENTRY("VER\0", "\3") "a.b"), SL_OK, NULL },
	{ "an empty name is none", SL_BYTES_LIT("CHLO\2\0\0\0" ENTRY("SNI\0", "\0") ENTRY("VER\0", "\1") "x"),
	  SL_OK, NULL },
	{ "the first of two names",
	  SL_BYTES_LIT("CHLO\2\0\0\0" ENTRY("SNI\0", "\3") ENTRY("SNI\0", "\6") "a.bc.d"), SL_OK, "a.b" },
	{ "ends that go backwards",
	  SL_BYTES_LIT("CHLO\2\0\0\0" ENTRY("PAD\0", "\4") ENTRY("SNI\0", "\3") "xxxx"), SL_EMALF, NULL },
	{ "too many entries", SL_BYTES_LIT("CHLO\x81\0\0\0"), SL_EMALF, NULL },
	{ "values that are still to come", SL_BYTES_LIT("CHLO\1\0\0\0" ENTRY("SNI\0", "\3") "a."), SL_EMORE,
	  NULL },
	{ "another message", SL_BYTES_LIT("REJ\0\0\0\0\0"), SL_EMALF, NULL },
};

static void reads_chlo(void **state)
{
	const struct chlo_row *row = *state;
	struct sl_bytes sni = { NULL, 0 };
	assert_int_equal(sl_gquic_chlo_read(row->message, &sni), row->want);
	assert_true(sl_bytes_equal(sni, sl_bytes_str(row->sni)));
	assert_true((sni.p == NULL) == (row->sni == NULL));
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(rows) + SL_COUNT(chlo_rows)];
	struct CMUnitTest *t = tests;
	for (size_t i = 0; i < SL_COUNT(rows); i++)
		*t++ = (struct CMUnitTest){ rows[i].name, reads, NULL, NULL, (void *)(uintptr_t)&rows[i] };
	for (size_t i = 0; i < SL_COUNT(chlo_rows); i++)
		*t++ = (struct CMUnitTest){ chlo_rows[i].name, reads_chlo, NULL, NULL,
			                    (void *)(uintptr_t)&chlo_rows[i] };
	return cmocka_run_group_tests_name("filter/sniff_gquic", tests, NULL, NULL);
}
