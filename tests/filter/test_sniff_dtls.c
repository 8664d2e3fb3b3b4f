/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_sniff_dtls.c - what a client's datagrams ask for, written as a line of text: "SEQ NAME VERSION" for each hello, with " | "
 * between datagrams; "-" where one is no DTLS. */
#include "filter/sniff_dtls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/out.h"
#include "base/util.h"

enum { DATAGRAMS = 6, PARTS = 3, MESSAGES = 2 * SL_DTLS_MESSAGES, BUDGET = 2048 };

enum kind {
	NONE,
	HELLO_12, /* DTLS 1.2 */
	HELLO_13, /* DTLS 1.3: the same outside, and supported_versions says so (RFC 9147 §5.3) */
	KEY_EXCHANGE,
	BYTES, /* as they are, no record around */
};

/* A record, or bytes, of a datagram. */
struct part {
	enum kind kind;
	const char *name;   /* NULL: no server_name */
	const char *cookie; /* of HelloVerifyRequest, in the hello (RFC 6347 §4.2.1) */
	const char *retry;  /* of HelloRetryRequest, in an extension (RFC 8446 §4.2.2) */
	uint16_t seq;       /* message_seq */
	uint16_t from, to;  /* bytes of the body; to = 0: its end */
	uint16_t epoch;
	const char *bytes;
	size_t len;
};

static const struct row {
	const char *name;
	struct part part[DATAGRAMS][PARTS];
	const char *want;
} rows[] = {
#define H12(host, ...)                                        \
	{                                                     \
		.kind = HELLO_12, .name = (host), __VA_ARGS__ \
	}
#define H13(host, ...)                                        \
	{                                                     \
		.kind = HELLO_13, .name = (host), __VA_ARGS__ \
	}
#define B(text)                                                         \
	{                                                               \
		.kind = BYTES, .bytes = (text), .len = sizeof(text) - 1 \
	}
	{ .name = "a hello of DTLS 1.2", .part = { { H12("a.example") } }, .want = "0 a.example fefd" },
	{ .name = "a hello of DTLS 1.3", .part = { { H13("a.example") } }, .want = "0 a.example fefc" },
	{ .name = "a hello without a name", .part = { { H13(NULL) } }, .want = "0 - fefc" },
	{ .name = "the hello after a HelloVerifyRequest carries the cookie (RFC 6347 §4.2.1)",
	  .part = { { H12("a.example") }, { H12("a.example", .cookie = "twenty bytes of hash", .seq = 1) } },
	  .want = "0 a.example fefd | 1 a.example fefd" },
	{ .name = "a cookie of 255 bytes, which the length can say",
	  .part = { { H12("a.example", .cookie = "255", .seq = 1) } },
	  .want = "1 a.example fefd" },
	{ .name = "the hello after a HelloRetryRequest carries it in an extension (RFC 9147 §5.1)",
	  .part = { { H13("a.example") }, { H13("a.example", .retry = "cookie", .seq = 1) } },
	  .want = "0 a.example fefc | 1 a.example fefc" },
	{ .name = "it may ask for another name than the first",
	  .part = { { H13("a.example") }, { H13("b.example", .retry = "cookie", .seq = 1) } },
	  .want = "0 a.example fefc | 1 b.example fefc" },
	{ .name = "the first hello sent again, since its answer was lost",
	  .part = { { H13("a.example") }, { H13("a.example") } },
	  .want = "0 a.example fefc | 0 a.example fefc" },
	{ .name = "the second one in fragments, the last first, with the end of the first one between",
	  .part = { { H13("a.example", .to = 40) },
	            { H13("b.example", .retry = "cookie", .seq = 1, .from = 50) },
	            { H13("a.example", .from = 40) },
	            { H13("b.example", .retry = "cookie", .seq = 1, .to = 50) } },
	  .want = " |  | 0 a.example fefc | 1 b.example fefc" },
	{ .name = "fragments that overlap and come twice",
	  .part = { { H13("a.example", .to = 60) },
	            { H13("a.example", .from = 20, .to = 70) },
	            { H13("a.example", .to = 60) },
	            { H13("a.example", .from = 10) } },
	  .want = " |  |  | 0 a.example fefc" },
	{ .name = "fragments in records of one datagram",
	  .part = { { H13("a.example", .from = 40), H13("a.example", .to = 40) } },
	  .want = "0 a.example fefc" },
	{ .name = "two hellos in one datagram are both told",
	  .part = { { H13("a.example"), H13("b.example", .seq = 1) } },
	  .want = "0 a.example fefc 1 b.example fefc" },
	{ .name = "a hello behind a message of another kind",
	  .part = { { { .kind = KEY_EXCHANGE, .seq = 1 }, H12("a.example", .seq = 2) } },
	  .want = "2 a.example fefd" },
	{ .name = "what is in another epoch is sealed, and not read",
	  .part = { { H12("a.example", .epoch = 1) } },
	  .want = "" },
	{ .name = "a record with the short head of DTLS 1.3 is sealed (RFC 9147 §4)",
	  .part = { { B("\x2f\x12\x34\0\5abcde") }, { H13("a.example") } },
	  .want = "- | 0 a.example fefc" },
	{ .name = "behind a hello one ends the datagram",
	  .part = { { H13("a.example"), B("\x2f\x12\x34\0\5abcde"), H13("b.example") } },
	  .want = "0 a.example fefc" },
	{ .name = "an ACK of DTLS 1.3 in the clear asks for nothing (RFC 9147 §7)",
	  .part = { { B("\x1a\xfe\xfd\0\0\0\0\0\0\0\1\0\2\0\0") } },
	  .want = "" },
	{ .name = "a record cut short is none",
	  .part = { { B("\x16\xfe\xfd\0\0\0\0\0\0\0\0\0\x09\1") } },
	  .want = "-" },
	{ .name = "a record of DTLS 1.3's number is none: it has that of 1.2 (RFC 9147 §5.3)",
	  .part = { { B("\x16\xfe\xfc\0\0\0\0\0\0\0\0\0\1\1") } },
	  .want = "-" },
	{ .name = "a fragment beyond its message is broken",
	  .part = { { B("\x16\xfe\xfd\0\0\0\0\0\0\0\0\0\x0d\1\0\0\1\0\0\0\0\1\0\0\1x") } },
	  .want = "" },
};

static void put_extension(struct sl_out *o, uint16_t type, const char *text, size_t len)
{
	sl_out_u16(o, type);
	sl_out_u16(o, (uint16_t)len);
	sl_out_bytes(o, text, len);
}

static void put_cookie(struct sl_out *o, const char *cookie)
{
	static const char long_one[255];
	bool whole = cookie != NULL && strcmp(cookie, "255") == 0;
	size_t len = whole ? sizeof(long_one) : cookie == NULL ? 0 : strlen(cookie);
	sl_out_u8(o, (uint8_t)len);
	sl_out_bytes(o, whole ? long_one : cookie, len);
}

static void put_extensions(struct sl_out *o, const struct part *p)
{
	uint8_t mem[512];
	struct sl_out e = sl_out_of(mem, sizeof(mem)), inner;
	char text[256];
	if (p->retry != NULL) {
		inner = sl_out_of(text, sizeof(text));
		sl_out_u16(&inner, (uint16_t)strlen(p->retry));
		sl_out_str(&inner, p->retry);
		put_extension(&e, 44, text, inner.len);
	}
	if (p->name != NULL) {
		inner = sl_out_of(text, sizeof(text));
		sl_out_u16(&inner, (uint16_t)(3 + strlen(p->name)));
		sl_out_u8(&inner, 0);
		sl_out_u16(&inner, (uint16_t)strlen(p->name));
		sl_out_str(&inner, p->name);
		put_extension(&e, 0, text, inner.len);
	}
	if (p->kind == HELLO_13)
		put_extension(&e, 43, "\4\xfe\xfc\xfe\xfd", 5);
	assert_false(e.overflow);
	sl_out_u16(o, (uint16_t)e.len);
	sl_out_bytes(o, mem, e.len);
}

static void put_body(struct sl_out *o, const struct part *p)
{
	if (p->kind == KEY_EXCHANGE) {
		sl_out_bytes(o, "\2xy", 3);
		return;
	}
	sl_out_u16(o, 0xfefd);
	for (int i = 0; i < 32; i++)
		sl_out_u8(o, (uint8_t)i);
	sl_out_u8(o, 0);
	put_cookie(o, p->cookie);
	sl_out_bytes(o, "\0\2\x13\1\1\0", 6);
	put_extensions(o, p);
}

/* Handshake header and record header (RFC 6347 §4.2.2, §4.1). */
static void put_part(struct sl_out *o, const struct part *p)
{
	uint8_t mem[1024];
	struct sl_out body = sl_out_of(mem, sizeof(mem));
	if (p->kind == BYTES) {
		sl_out_bytes(o, p->bytes, p->len);
		return;
	}
	put_body(&body, p);
	assert_false(body.overflow);
	size_t len = (p->to > 0 ? p->to : body.len) - p->from;
	sl_out_bytes(o, "\x16\xfe\xfd", 3);
	sl_out_u16(o, p->epoch);
	sl_out_bytes(o, "\0\0\0\0\0\0", 6);
	sl_out_u16(o, (uint16_t)(12 + len));
	sl_out_u8(o, p->kind == KEY_EXCHANGE ? 16 : 1);
	sl_out_u8(o, 0);
	sl_out_u16(o, (uint16_t)body.len);
	sl_out_u16(o, p->seq);
	sl_out_u8(o, 0);
	sl_out_u16(o, p->from);
	sl_out_u8(o, 0);
	sl_out_u16(o, (uint16_t)len);
	sl_out_bytes(o, mem + p->from, len);
}

static void say_hello(struct sl_out *o, const struct sl_dtls_hello *hello)
{
	const struct sl_bytes *sni = &hello->tls.sni;
	if (o->len > 0 && o->p[o->len - 1] != ' ')
		sl_out_u8(o, ' ');
	sl_out_fmt(o, "%u %.*s %04x", hello->message_seq, sni->p == NULL ? 1 : (int)sni->len,
	           sni->p == NULL ? "-" : (const char *)sni->p, hello->tls.version);
}

/* The datagram has a heap copy of its own, so that a byte too far is seen. */
static void read_datagram(struct sl_dtls_pool *pool, sl_dtls_flow *flow, const struct part *part,
                          struct sl_out *log)
{
	uint8_t mem[2048];
	struct sl_out o = sl_out_of(mem, sizeof(mem));
	struct sl_dtls_cur at;
	struct sl_dtls_hello hello;
	uint32_t differs = 0;
	for (size_t i = 0; i < PARTS && part[i].kind != NONE; i++)
		put_part(&o, &part[i]);
	assert_false(o.overflow);
	uint8_t *copy = malloc(o.len);
	assert_non_null(copy);
	memcpy(copy, mem, o.len);
	if (!sl_dtls_begin(sl_bytes_of(copy, o.len), &at)) {
		sl_out_str(log, "-");
	} else {
		int err;
		while ((err = sl_dtls_next(pool, flow, &at, &hello, &differs)) == SL_OK)
			say_hello(log, &hello);
		assert_int_equal(err, SL_EMORE);
	}
	assert_int_equal(differs, 0);
	free(copy);
}

static void test_row(void **state)
{
	const struct row *row = *state;
	struct sl_dtls_pool *pool = NULL;
	sl_dtls_flow flow = 0;
	char text[512] = "";
	struct sl_out log = sl_out_of(text, sizeof(text) - 1);
	assert_int_equal(sl_dtls_pool_new(MESSAGES, BUDGET, &pool), SL_OK);
	for (size_t i = 0; i < DATAGRAMS && row->part[i][0].kind != NONE; i++) {
		if (i > 0)
			sl_out_str(&log, " | ");
		read_datagram(pool, &flow, row->part[i], &log);
	}
	assert_false(log.overflow);
	assert_string_equal(text, row->want);
	assert_int_equal(flow, 0); /* nothing is kept of what is complete */
	sl_dtls_pool_free(&pool);
}

/* A piece of a hello each: the memory that one flow may hold has a bound, and others find theirs. */
static void test_bound(void **state)
{
	static const struct part piece = H13("a.example", .to = 40);
	struct sl_dtls_pool *pool = NULL;
	sl_dtls_flow flow = 0, other = 0;
	char text[64] = "";
	struct sl_out log = sl_out_of(text, sizeof(text) - 1);
	(void)state;
	assert_int_equal(sl_dtls_pool_new(SL_DTLS_MESSAGES + 1, BUDGET, &pool), SL_OK);
	for (int seq = 0; seq < 3 * SL_DTLS_MESSAGES; seq++) {
		struct part parts[PARTS] = { piece };
		parts[0].seq = (uint16_t)seq;
		read_datagram(pool, &flow, parts, &log);
	}
	struct part whole[2][PARTS] = { { H13("b.example", .to = 40) }, { H13("b.example", .from = 40) } };
	read_datagram(pool, &other, whole[0], &log);
	read_datagram(pool, &other, whole[1], &log);
	assert_string_equal(text, "0 b.example fefc");
	sl_dtls_close(pool, &flow);
	assert_int_equal(flow, 0);
	sl_dtls_pool_free(&pool);
	assert_null(pool);
}

/* Its first byte tells what a datagram is (RFC 7983 section 7), whatever the rest would be. */
static void test_stun(void **state)
{
	static const struct {
		const char *what;
		uint8_t bytes[20];
		bool stun, dtls;
	} datagram[] = {
		{ "a Binding request", { 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42 }, true, false },
		{ "a length that is none", { 0, 1, 0, 4, 0x21, 0x12, 0xa4, 0x42 }, false, false },
		{ "a record whose epoch and number are STUN's cookie",
		  { 22, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42 },
		  false,
		  true },
		{ "neither: TURN's channel data begins so",
		  { 64, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42 },
		  false,
		  false },
	};
	(void)state;
	for (size_t i = 0; i < SL_COUNT(datagram); i++) {
		struct sl_bytes bytes = sl_bytes_of(datagram[i].bytes, sizeof(datagram[i].bytes));
		struct sl_dtls_cur at;
		if (sl_is_stun(bytes) != datagram[i].stun || sl_dtls_begin(bytes, &at) != datagram[i].dtls)
			fail_msg("%s", datagram[i].what);
	}
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(rows) + 2];
	for (size_t i = 0; i < SL_COUNT(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL,
			                        (void *)(uintptr_t)&rows[i] };
	tests[SL_COUNT(rows)] =
	        (struct CMUnitTest){ "a flow holds four hellos at most", test_bound, NULL, NULL, NULL };
	tests[SL_COUNT(rows) + 1] =
	        (struct CMUnitTest){ "STUN or DTLS, but not both", test_stun, NULL, NULL, NULL };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
