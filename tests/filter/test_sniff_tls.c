/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/out.h"
#include "base/util.h"
#include "filter/sniff_tls.h"

/* Pieces of a ClientHello in hex. */
#define RANDOM "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f "
#define START \
	"0303" RANDOM "00 0002 1301 01 00 " /* version, random, no session id, one suite, null compression */
#define SNI      "0000 000a 0008 00 0005 612e636f6d " /* a.com */
#define ALPN     "0010 000e 000c 02 6832 08 687474702f312e31 "
#define VERSIONS "002b 0007 06 7a7a 0304 0303 "

#define KEY                           RANDOM
#define SEALED                        RANDOM RANDOM "000102030405060708090a0b "
#define ECH(len, suite, enc, payload) "fe0d " len " 00 " suite " 2a " enc payload

#define V2(version, ciphers, challenge)                                 \
	"802e 01" version ciphers "0000" challenge "00002f00000a010080" \
	"00000500000400000900000600" RANDOM
enum { NO_JOIN = 1 }; /* scratch of one byte: whoever joins runs out of it */

static const struct tls_case {
	const char *name;
	const char *hello; /* hex of the hello's body; NULL: raw is the stream */
	const char *raw;   /* hex; stands after the records of hello, or alone */
	size_t record;     /* bytes of the handshake in each record; 0: all in one */
	size_t scratch;    /* bytes; 0: enough */
	int want;
	const char *sni; /* NULL: absent */
	size_t alpn_len;
	uint16_t version;
	uint8_t ech; /* enum sl_ech_kind */
} cases[] = {
	{ "reads name, protocols and version", START "002b" SNI ALPN VERSIONS, NULL, 0, NO_JOIN, SL_OK,
	  "a.com", 12, 0x0304, false },
	{ "a hello without extensions (RFC 5246 §7.4.1.2)", START, NULL, 0, NO_JOIN, SL_OK, NULL, 0, 0x0303,
	  false },
	{ "a hello with an empty extension block", START "0000", NULL, 0, NO_JOIN, SL_OK, NULL, 0, 0x0303,
	  false },
	{ "a hello over two records", START "002b" SNI ALPN VERSIONS, NULL, 60, 0, SL_OK, "a.com", 12, 0x0304,
	  false },
	{ "a hello over records of one byte", START "000e" SNI, NULL, 1, 0, SL_OK, "a.com", 0, 0x0303,
	  false },
	{ "records of three bytes cut the handshake header", START "000e" SNI, NULL, 3, 0, SL_OK, "a.com", 0,
	  0x0303, false },
	{ "a session id of 32 bytes", "0303" RANDOM "20" RANDOM "0004 0a0a 1301 01 00 000e" SNI, NULL, 0,
	  NO_JOIN, SL_OK, "a.com", 0, 0x0303, false },
	{ "a hello in the form of SSL 2.0 has no name (RFC 5246 appendix E.2)", NULL,
	  V2("0301", "0015", "0010"), 0, NO_JOIN, SL_OK, NULL, 0, 0x0301, SL_ECH_NONE },
	{ "and may ask for SSL 2.0", NULL, V2("0002", "0015", "0010"), 0, NO_JOIN, SL_OK, NULL, 0, 0x0002,
	  SL_ECH_NONE },
	{ "its head says it all", NULL, "802e 01 0301 0015 0000 0010", 0, NO_JOIN, SL_OK, NULL, 0, 0x0301,
	  SL_ECH_NONE },
	{ "lengths that do not add up are another protocol", NULL, V2("0301", "0018", "0010"), 0, NO_JOIN,
	  SL_EPROTO, NULL, 0, 0, SL_ECH_NONE },
	{ "so is another message", NULL, "802e 02 0301 0015 0000 0010", 0, NO_JOIN, SL_EPROTO, NULL, 0, 0,
	  SL_ECH_NONE },
	{ "so is another version", NULL, V2("0401", "0015", "0010"), 0, NO_JOIN, SL_EPROTO, NULL, 0, 0,
	  SL_ECH_NONE },
	{ "a part of it waits for more", NULL, "802e 01 0301 00", 0, NO_JOIN, SL_EMORE, NULL, 0, 0,
	  SL_ECH_NONE },
	{ "several compression methods", "0301" RANDOM "00 0002 002f 02 0100 000e" SNI, NULL, 0, NO_JOIN,
	  SL_OK, "a.com", 0, 0x0301, false },
	{ "SSL 3.0 in the TLS shape", "0300" RANDOM "00 0002 002f 01 00", NULL, 0, NO_JOIN, SL_OK, NULL, 0,
	  0x0300, false },
	{ "bytes after the hello are not looked at", START "000e" SNI, "1403030001 01 ffff", 0, NO_JOIN,
	  SL_OK, "a.com", 0, 0x0303, false },
	{ "encrypted_client_hello of no form that is known is GREASE (RFC 9849 §5)",
	  START "0019" SNI "fe0d 0007 00 0001 0001 0100", NULL, 0, NO_JOIN, SL_OK, "a.com", 0, 0x0303,
	  SL_ECH_GREASE },
	{ "an outer hello may be real",
	  START "0093" SNI VERSIONS ECH("0076", "0001 0001", "0020" KEY, "004c" SEALED), NULL, 0, NO_JOIN,
	  SL_OK, "a.com", 0, 0x0304, SL_ECH_OUTER },
	{ "so it may after a HelloRetryRequest, without a key (RFC 9849 §6.1.5)",
	  START "0073" SNI VERSIONS ECH("0056", "0001 0003", "0000", "004c" SEALED), NULL, 0, NO_JOIN, SL_OK,
	  "a.com", 0, 0x0304, SL_ECH_OUTER },
	{ "one that offers no TLS 1.3 cannot be real",
	  START "0088" SNI ECH("0076", "0001 0001", "0020" KEY, "004c" SEALED), NULL, 0, NO_JOIN, SL_OK,
	  "a.com", 0, 0x0303, SL_ECH_GREASE },
	{ "one without a name in the clear cannot (RFC 9849 §6.1)",
	  START "0085" VERSIONS ECH("0076", "0001 0001", "0020" KEY, "004c" SEALED), NULL, 0, NO_JOIN, SL_OK,
	  NULL, 0, 0x0304, SL_ECH_GREASE },
	{ "nor one whose cipher suite is none",
	  START "0093" SNI VERSIONS ECH("0076", "0001 0a0a", "0020" KEY, "004c" SEALED), NULL, 0, NO_JOIN,
	  SL_OK, "a.com", 0, 0x0304, SL_ECH_GREASE },
	{ "nor one whose key is too short for any KEM",
	  START "0074" SNI VERSIONS ECH("0057", "0001 0001", "0001 07", "004c" SEALED), NULL, 0, NO_JOIN,
	  SL_OK, "a.com", 0, 0x0304, SL_ECH_GREASE },
	{ "nor one in which no hello has room",
	  START "0067" SNI VERSIONS ECH("004a", "0001 0001", "0020" KEY, "0020" KEY), NULL, 0, NO_JOIN, SL_OK,
	  "a.com", 0, 0x0304, SL_ECH_GREASE },
	{ "the inner hello is told (RFC 9849 §7)", START "001e" SNI VERSIONS "fe0d 0001 01", NULL, 0, NO_JOIN,
	  SL_OK, "a.com", 0, 0x0304, SL_ECH_INNER },
	{ "an inner one with bytes after it is none", START "001f" SNI VERSIONS "fe0d 0002 01 00", NULL, 0,
	  NO_JOIN, SL_OK, "a.com", 0, 0x0304, SL_ECH_GREASE },
	{ "a name with a trailing dot comes as sent", START "000f 0000 000b 0009 00 0006 612e636f6d2e", NULL,
	  0, NO_JOIN, SL_OK, "a.com.", 0, 0x0303, SL_ECH_NONE },
	{ "and so does one in capitals", START "000e 0000 000a 0008 00 0005 412e434f4d", NULL, 0, NO_JOIN,
	  SL_OK, "A.COM", 0, 0x0303, SL_ECH_NONE },
	{ "and so does an address", START "0010 0000 000c 000a 00 0007 312e322e332e34", NULL, 0, NO_JOIN,
	  SL_OK, "1.2.3.4", 0, 0x0303, SL_ECH_NONE },
	{ "other name types are skipped (RFC 6066 §3)",
	  START "0013"
	        "0000 000f 000d 05 0002 7878 00 0005 622e636f6d",
	  NULL, 0, NO_JOIN, SL_OK, "b.com", 0, 0x0303, false },
	{ "the first of two host names counts",
	  START "0016"
	        "0000 0012 0010 00 0005 612e636f6d 00 0005 622e636f6d",
	  NULL, 0, NO_JOIN, SL_OK, "a.com", 0, 0x0303, false },
	{ "an empty host name is as absent",
	  START "0009"
	        "0000 0005 0003 00 0000",
	  NULL, 0, NO_JOIN, SL_OK, NULL, 0, 0x0303, false },
	{ "an empty name list is as absent",
	  START "0006"
	        "0000 0002 0000",
	  NULL, 0, NO_JOIN, SL_OK, NULL, 0, 0x0303, false },
	{ "an empty server_name is as absent",
	  START "0004"
	        "0000 0000",
	  NULL, 0, NO_JOIN, SL_OK, NULL, 0, 0x0303, false },
	{ "a name of any bytes comes as sent",
	  START "000b"
	        "0000 0007 0005 00 0002 00ff",
	  NULL, 0, NO_JOIN, SL_OK, "", 0, 0x0303, false },
	{ "the best version is not GREASE (RFC 8701)",
	  START "000b"
	        "002b 0007 06 fafa 0302 0301",
	  NULL, 0, NO_JOIN, SL_OK, NULL, 0, 0x0302, false },
	{ "a numbered version beats a draft",
	  START "0009"
	        "002b 0005 04 7f1c 0303",
	  NULL, 0, NO_JOIN, SL_OK, NULL, 0, 0x0303, false },
	{ "a draft version alone is told",
	  START "0007"
	        "002b 0003 02 7f1c",
	  NULL, 0, NO_JOIN, SL_OK, NULL, 0, 0x7f1c, false },
	{ "only GREASE leaves the legacy version",
	  START "0007"
	        "002b 0003 02 1a1a",
	  NULL, 0, NO_JOIN, SL_OK, NULL, 0, 0x0303, false },
	{ "broken supported_versions leave the legacy version",
	  START "0015"
	        "002b 0003 03 0304" SNI,
	  NULL, 0, NO_JOIN, SL_OK, "a.com", 0, 0x0303, false },
	{ "a broken protocol list is as absent",
	  START "0015"
	        "0010 0003 0003 02" SNI,
	  NULL, 0, NO_JOIN, SL_OK, "a.com", 0, 0x0303, false },
	{ "an empty protocol name breaks its list",
	  START "0007"
	        "0010 0003 0001 00",
	  NULL, 0, NO_JOIN, SL_OK, NULL, 0, 0x0303, false },
	{ "any minor version of the record is taken", NULL, "16 03ff 002d 01 000029" START, 0, NO_JOIN, SL_OK,
	  NULL, 0, 0x0303, false },
	{ "an empty record before the hello is read over, as servers do", NULL,
	  "16 0301 0000 16 0301 002d 01 000029" START, 0, NO_JOIN, SL_OK, NULL, 0, 0x0303, false },
	{ "an empty record within the hello is read over", NULL,
	  "16 0301 0002 0100 16 0301 0000 16 0301 002b 0029" START, 0, 0, SL_OK, NULL, 0, 0x0303, false },
	{ "more handshake in the record is not waited for", NULL, "16 0301 0050 01 000029" START, 0, NO_JOIN,
	  SL_OK, NULL, 0, 0x0303, false },
	{ "nothing yet", NULL, "", 0, 0, SL_EMORE, NULL, 0, 0, false },
	{ "a record header alone", NULL, "16 0301 0200", 0, 0, SL_EMORE, NULL, 0, 0, false },
	{ "half a hello", NULL, "16 0301 002d 01 000029 0303 0001", 0, NO_JOIN, SL_EMORE, NULL, 0, 0, false },
	{ "a hello whose second record is to come", NULL, "16 0301 0004 01 000029", 0, 0, SL_EMORE, NULL, 0,
	  0, false },
	{ "another protocol at the first byte", NULL, "47", 0, 0, SL_EPROTO, NULL, 0, 0, false },
	{ "another protocol at the second byte", NULL, "16 02", 0, 0, SL_EPROTO, NULL, 0, 0, false },
	{ "application data is no hello", NULL, "17 0303 0010", 0, 0, SL_EPROTO, NULL, 0, 0, false },
	{ "an alert is no hello", NULL, "15 0303 0002 0100", 0, 0, SL_EPROTO, NULL, 0, 0, false },
	{ "a ServerHello is no hello", NULL, "16 0303 0040 02", 0, 0, SL_EPROTO, NULL, 0, 0, false },
	{ "a record longer than 2^14", NULL, "16 0301 4001", 0, 0, SL_EMALF, NULL, 0, 0, false },
	{ "an alert between two records of the hello", NULL, "16 0301 0004 01 000029 15", 0, 0, SL_EMALF,
	  NULL, 0, 0, false },
	{ "a change of cipher between two records of the hello", NULL, "16 0301 0004 01 000029 14", 0, 0,
	  SL_EMALF, NULL, 0, 0, false },
	{ "another protocol in place of the second record", NULL, "16 0301 0004 01 000029 16 05", 0, 0,
	  SL_EMALF, NULL, 0, 0, false },
	{ "a second record longer than 2^14", NULL, "16 0301 0004 01 000029 16 0301 ffff", 0, 0, SL_EMALF,
	  NULL, 0, 0, false },
	{ "a session id of 33 bytes is known at once", NULL, "16 0301 0200 01 0001fc 0303" RANDOM "21", 0, 0,
	  SL_EMALF, NULL, 0, 0, false },
	{ "and known in a hello over records", NULL,
	  "16 0301 0030 01 0001fc 0303" RANDOM "21 000000000000000000", 0, 0, SL_EMALF, NULL, 0, 0, false },
	{ "an odd number of cipher suite bytes", "0303" RANDOM "00 0003 130113 01 00", NULL, 0, 0, SL_EMALF,
	  NULL, 0, 0, false },
	{ "no cipher suites", "0303" RANDOM "00 0000 01 00", NULL, 0, 0, SL_EMALF, NULL, 0, 0, false },
	{ "no compression methods", "0303" RANDOM "00 0002 1301 00", NULL, 0, 0, SL_EMALF, NULL, 0, 0,
	  false },
	{ "cipher suites beyond the hello are known at once", NULL,
	  "16 0301 002d 01 000029 0303" RANDOM "00 7ffe", 0, 0, SL_EMALF, NULL, 0, 0, false },
	{ "an extension block beyond the hello", START "000f" SNI, NULL, 0, 0, SL_EMALF, NULL, 0, 0, false },
	{ "bytes after the extension block", START "000e" SNI "00", NULL, 0, 0, SL_EMALF, NULL, 0, 0, false },
	{ "half a length of the extension block", START "00", NULL, 0, 0, SL_EMALF, NULL, 0, 0, false },
	{ "an extension beyond its block",
	  START "0008"
	        "0015 0005 00000000",
	  NULL, 0, 0, SL_EMALF, NULL, 0, 0, false },
	{ "a second server_name (RFC 8446 §4.2)", START "001c" SNI SNI, NULL, 0, 0, SL_EMALF, NULL, 0, 0,
	  false },
	{ "a name beyond its list",
	  START "000e"
	        "0000 000a 0008 00 0006 612e636f6d",
	  NULL, 0, 0, SL_EMALF, NULL, 0, 0, false },
	{ "bytes after the name list",
	  START "000f"
	        "0000 000b 0008 00 0005 612e636f6d 00",
	  NULL, 0, 0, SL_EMALF, NULL, 0, 0, false },
	{ "a hello cut off inside its random", "0303 0001", NULL, 0, 0, SL_EMALF, NULL, 0, 0, false },
	{ "an empty hello", NULL, "16 0301 0004 01 000000", 0, 0, SL_EMALF, NULL, 0, 0, false },
	{ "a joined hello larger than scratch is known from its length", NULL, "16 0301 0100 01 00ffff", 0,
	  512, SL_ELIMIT, NULL, 0, 0, false },
	{ "a joined hello as large as scratch", START "000e" SNI, NULL, 20, 61, SL_OK, "a.com", 0, 0x0303,
	  false },
	{ "a joined hello one byte larger than scratch", START "000e" SNI, NULL, 20, 60, SL_ELIMIT, NULL, 0,
	  0, false },
};

static void put_hex(struct sl_out *o, const char *hex)
{
	for (int high = -1; *hex != '\0'; hex++) {
		if (*hex == ' ')
			continue;
		int v = *hex <= '9' ? *hex - '0' : *hex - 'a' + 10;
		if (high >= 0)
			sl_out_u8(o, (uint8_t)(high << 4 | v));
		high = high >= 0 ? -1 : v;
	}
	assert_false(o->overflow);
}

static void put_stream(struct sl_out *o, const struct tls_case *c)
{
	uint8_t mem[2048];
	struct sl_out body = sl_out_of(mem, sizeof(mem)), hello = sl_out_of(mem + 1024, 1024);
	if (c->hello != NULL) {
		put_hex(&body, c->hello);
		sl_out_u16(&hello, 0x0100);
		sl_out_u16(&hello, (uint16_t)body.len);
		sl_out_bytes(&hello, body.p, body.len);
	}
	struct sl_bytes left = { hello.p, hello.len };
	while (left.len > 0) {
		struct sl_bytes part = sl_bytes_first(left, c->record == 0 ? left.len : c->record);
		put_hex(o, "160301");
		sl_out_u16(o, (uint16_t)part.len);
		sl_out_bytes(o, part.p, part.len);
		left = sl_bytes_skip(left, part.len);
	}
	put_hex(o, c->raw == NULL ? "" : c->raw);
}

/* On a heap copy of exactly that size, so that a reader that goes too far is seen. */
static int read_part(struct sl_bytes stream, size_t scratch, struct sl_tls_hello *out, char *sni, size_t cap)
{
	uint8_t *copy = malloc(stream.len + 1);
	uint8_t *mem = malloc(65536);
	assert_non_null(copy);
	assert_non_null(mem);
	memcpy(copy + 1, stream.p, stream.len);
	struct sl_arena a = sl_arena_over(mem, scratch == 0 ? 65536 : scratch);
	int err = sl_tls_hello_read((struct sl_bytes){ copy + 1, stream.len }, &a, out);
	if (err != SL_OK)
		assert_int_equal(a.used, 0);
	if (err == SL_OK && out->sni.p != NULL) {
		assert_true(out->sni.len < cap);
		memcpy(sni, out->sni.p, out->sni.len);
		sni[out->sni.len] = '\0';
	}
	free(mem);
	free(copy);
	return err;
}

static void test_tls(void **state)
{
	const struct tls_case *c = *state;
	uint8_t mem[2048];
	struct sl_out o = sl_out_of(mem, sizeof(mem));
	put_stream(&o, c);
	struct sl_bytes stream = { o.p, o.len };
	struct sl_tls_hello h = { 0 };
	char sni[256];
	assert_int_equal(read_part(stream, c->scratch, &h, sni, sizeof(sni)), c->want);
	if (c->want == SL_OK) {
		assert_int_equal(h.sni.p != NULL, c->sni != NULL);
		if (c->sni != NULL)
			assert_string_equal(sni, c->sni);
		assert_int_equal(h.alpn.p != NULL, c->alpn_len > 0);
		assert_int_equal(h.alpn.len, c->alpn_len);
		assert_int_equal(h.version, c->version);
		assert_int_equal(h.ech.kind, c->ech);
	}
	for (size_t n = 0; n < stream.len; n++) { /* an early answer is the late answer */
		int err = read_part(sl_bytes_first(stream, n), c->scratch, &h, sni, sizeof(sni));
		assert_true(err == SL_EMORE || err == c->want);
	}
}

static const struct later_case {
	const char *name, *hex;
	bool want;
} later_cases[] = {
	{ "later: application data", "17 0303 0100", true },
	{ "later: alert", "15 0303 0002 0100", true },
	{ "later: change of cipher", "14 0303 0001 01", true },
	{ "later: heartbeat", "18 0303 0020", true },
	{ "later: application data of 2^14 + 2048 bytes (RFC 5246 §6.2.3)", "17 0303 4800", true },
	{ "later: too long", "17 0303 4801", false },
	{ "later: empty", "17 0303 0000", false },
	{ "later: another major version", "17 0203 0100", false },
	{ "later: a client's key exchange", "16 0303 0046 10", true },
	{ "later: a hello is the beginning", "16 0301 0046 01", false },
	{ "later: a handshake record's header does not tell", "16 0301 0046", false },
	{ "later: too short to tell", "17 0303 01", false },
	{ "later: another protocol", "47 4554 202f 20", false },
};

static void test_later(void **state)
{
	const struct later_case *c = *state;
	uint8_t mem[64];
	struct sl_out o = sl_out_of(mem, sizeof(mem));
	put_hex(&o, c->hex);
	assert_int_equal(sl_tls_is_later_record((struct sl_bytes){ o.p, o.len }), c->want);
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(cases) + SL_COUNT(later_cases)];
	struct CMUnitTest *t = tests;
	for (size_t i = 0; i < SL_COUNT(cases); i++)
		*t++ = (struct CMUnitTest){ cases[i].name, test_tls, NULL, NULL,
			                    (void *)(uintptr_t)&cases[i] };
	for (size_t i = 0; i < SL_COUNT(later_cases); i++)
		*t++ = (struct CMUnitTest){ later_cases[i].name, test_later, NULL, NULL,
			                    (void *)(uintptr_t)&later_cases[i] };
	return cmocka_run_group_tests_name("sniff_tls", tests, NULL, NULL);
}
