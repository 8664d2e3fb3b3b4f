/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_sniff_quic.c - a client's datagrams, one after the other, and what the reader says to each. tests/support/quic_text.h
 * tells how they are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "filter/sniff_quic.h"
#include "tests/support/quic_text.h"

enum { STEPS = 8, BUDGET = 2048, CONNS = 6, LEN = 160 }; /* the name begins with byte 56 */

static const struct row {
	const char *name;
	const char *step[STEPS];
	const char *
	        want; /* an answer per step: more, unsup, proto, malf, limit, nomem, or the name; (none) where there is none */
	const char *first, *second; /* the names of the hellos; bad.example and odd.example unless given */
	size_t len;                 /* of the hellos, at least; 1: the first is a CHLO */
	uint32_t differs;
} rows[] = {
	/* ---- one datagram ---- */
	{ .name = "a hello in one datagram is read (RFC 9001 §4.3)",
	  .step = { "I c- p" },
	  .want = "bad.example" },
	{ .name = "so it is of version 2 (RFC 9369)", .step = { "I v2 c- p" }, .want = "bad.example" },
	{ .name = "and of draft 29", .step = { "I v29 c- p" }, .want = "bad.example" },
	{ .name = "and of draft 32, with the salt of draft 29",
	  .step = { "I v32 c- p" },
	  .want = "bad.example" },
	{ .name = "and of draft 34, with the salt of version 1",
	  .step = { "I v34 c- p" },
	  .want = "bad.example" },
	{ .name = "and of draft 27", .step = { "I v27 c- p" }, .want = "bad.example" },
	{ .name = "T050 has TLS in Google's CRYPTO frame",
	  .step = { "I vT050 c- p" },
	  .want = "bad.example" },
	{ .name = "packets with a token are read (RFC 9000 §17.2.2)",
	  .step = { "I t c- p" },
	  .want = "bad.example" },
	{ .name = "of a packet number the last byte is enough, above the largest one (RFC 9000 §17.1)",
	  .step = { "I n0xf9 c0-60 p", "I n258 c60- p" },
	  .want = "more bad.example" },
	{ .name = "and below it",
	  .step = { "I n0x100 c0-60 p", "I n255 c60- p" },
	  .want = "more bad.example" },
	{ .name = "a packet number of four bytes is no other (RFC 9000 §17.1)",
	  .step = { "I n0x12345678 c- p" },
	  .want = "bad.example" },
	{ .name = "the fixed bit may be 0 where the tag fits (RFC 9287 §3)",
	  .step = { "I f c- p" },
	  .want = "bad.example" },
	{ .name = "a hello without a name is complete",
	  .step = { "I C- p" },
	  .want = "(none)",
	  .second = "" },
	{ .name = "frames of an Initial stand around it (RFC 9000 §12.4)",
	  .step = { "I a g 0 e c- q p" },
	  .want = "bad.example" },

	/* ---- orders and splits ---- */
	{ .name = "CRYPTO frames come in any order in one packet",
	  .step = { "I c60-70 g c0-20 0 c100- c20-60 c70-100 p" },
	  .want = "bad.example" },
	{ .name = "a hello over two datagrams is complete with the second",
	  .step = { "I c0-60 p", "I n1 c60- p" },
	  .want = "more bad.example" },
	{ .name = "the second one may come first",
	  .step = { "I n1 c60- p", "I c0-60 p" },
	  .want = "more bad.example" },
	{ .name = "a hello over many datagrams in any order",
	  .step = { "I n3 c90- p", "I n1 c30-60 p", "I n0 c0-30 p", "I n2 c60-90 p" },
	  .want = "more more more bad.example" },
	{ .name = "frames that come again and overlap change nothing",
	  .step = { "I c0-60 p", "I n1 c0-60 p", "I n2 c40-80 c10-90 p", "I n3 c50- p" },
	  .want = "more more more bad.example" },
	{ .name = "the first copy of a byte wins, and the others are counted",
	  .step = { "I c0-110 p", "I n1 C- p" },
	  .want = "more bad.example",
	  .differs = 2 },
	{ .name = "it wins beyond a gap, too",
	  .step = { "I C57- p", "I n1 c- p" },
	  .want = "more bdd.example",
	  .differs = 1 },
	{ .name = "coalesced Initials belong together (RFC 9000 §12.2)",
	  .step = { "I c0-60 I n1 c60- p" },
	  .want = "bad.example" },
	{ .name = "Handshake and 0-RTT packets are stepped over",
	  .step = { "H Z I c0-60 Z I n1 c60- p" },
	  .want = "bad.example" },
	{ .name = "0-RTT ahead of its Initial is QUIC, too",
	  .step = { "Z", "I c- p" },
	  .want = "more bad.example" },
	{ .name = "a hello that is longer than a datagram",
	  .step = { "I c0-1100 p", "I n1 c1100- p" },
	  .want = "more bad.example",
	  .len = 1800 },
	{ .name = "an Initial that only acknowledges says nothing",
	  .step = { "I a p", "I n1 c- p" },
	  .want = "more bad.example" },

	/* ---- glued by GSO ---- */
	{ .name = "datagrams glued together are read one after the other",
	  .step = { "I c0-60 p I n1 c60- p" },
	  .want = "bad.example" },
	{ .name = "the next one is found behind a packet with a short header",
	  .step = { "I c0-60 S I n1 c60-" },
	  .want = "bad.example" },
	{ .name = "and behind padding that is no frame",
	  .step = { "I c0-60 O I n1 c60- p" },
	  .want = "bad.example" },
	{ .name = "and behind garbage", .step = { "I c0-60 G I n1 c60- O" }, .want = "bad.example" },

	/* ---- connection ids ---- */
	{ .name = "after the server's answer its id is used, under the keys of the first one (RFC 9001 §5.2)",
	  .step = { "I c0-60 p", "I dS kA n1 c60- p" },
	  .want = "more bad.example" },
	{ .name = "the server may choose an empty id",
	  .step = { "I c0-60 p", "I d- kA n1 c60- p" },
	  .want = "more bad.example" },
	{ .name = "after a Retry the keys follow from the id in it (RFC 9001 §5.2)",
	  .step = { "I c0-60 p", "I dR t n1 c0-60 p", "I dR t n2 c60- p" },
	  .want = "more more bad.example" },
	{ .name = "after a Retry and the server's answer those of the Retry hold",
	  .step = { "I c0-60 p", "I dR t n1 c0-60 p", "I dS kR t n2 c60- p" },
	  .want = "more more bad.example" },
	{ .name = "another connection's bytes are its own",
	  .step = { "I dB C0-60 p", "I c0-60 p", "I n1 c60- p" },
	  .want = "more more bad.example" },
	{ .name = "two that begin in turns are told apart",
	  .step = { "I dB C0-60 p", "I c0-60 p", "I dB n1 C60- p" },
	  .want = "more more odd.example" },
	{ .name = "after a version negotiation the client begins anew",
	  .step = { "I v2 c0-60 p", "I c0-60 p", "I n1 c60- p" },
	  .want = "more more bad.example" },
	{ .name = "of five connections the one used longest ago is forgotten",
	  .step = { "I c0-60 p", "I dB C0-60 p", "I dC C0-60 p", "I dD C0-60 p", "I dE C0-60 p",
	            "I n1 c60- p", "I dE n1 C60- p" },
	  .want = "more more more more more more odd.example" },
	{ .name = "many decoys do not keep the hello from being read",
	  .step = { "I dB C0-9", "I dC C0-9", "I dD C0-9", "I dE C0-9", "I dF C0-9", "I dG C0-9", "I c- p" },
	  .want = "more more more more more more bad.example" },

	/* ---- what decides nothing ---- */
	{ .name = "a bad tag decides nothing (RFC 9001 §5.3)",
	  .step = { "I x C- p", "I c- p" },
	  .want = "more bad.example" },
	{ .name = "a bad tag spoils no connection",
	  .step = { "I c0-60 p", "I n1 x C60- p", "I n1 c60- p" },
	  .want = "more more bad.example" },
	{ .name = "keys of another id do not open",
	  .step = { "I dB kC C- p", "I c- p" },
	  .want = "more bad.example" },
	{ .name = "a truncated packet is not read",
	  .step = { "I c- p l1", "I c- p" },
	  .want = "more bad.example" },
	{ .name = "a packet too short for its tag is not read",
	  .step = { "I c- p l1190", "I c- p" },
	  .want = "more bad.example" },
	{ .name = "Retry and Handshake packets say nothing",
	  .step = { "R", "H", "I c- p" },
	  .want = "more more bad.example" },
	{ .name = "a version negotiation is no client's", .step = { "V" }, .want = "proto" },
	{ .name = "a short header alone is not known for QUIC", .step = { "S" }, .want = "proto" },
	{ .name = "with the fixed bit 0 a bad tag is not known for QUIC",
	  .step = { "I f x c- p" },
	  .want = "proto" },
	{ .name = "garbage is not QUIC", .step = { "G" }, .want = "proto" },
	{ .name = "a version made to force a negotiation cannot be read; the next one can (RFC 9000 §15)",
	  .step = { "I v? c- p", "I c- p" },
	  .want = "unsup bad.example" },
	{ .name = "a version that is not registered is told by what holds for all (RFC 8999 §5.1, RFC 9000 "
	          "§14.1)",
	  .step = { "I v! c- p", "I c- p" },
	  .want = "unsup bad.example" },
	{ .name = "but not in a datagram that no server would answer",
	  .step = { "I v! c-" },
	  .want = "proto" },
	{ .name = "nor with the fixed bit 0, as RTP has it (RFC 9443 §2)",
	  .step = { "I v! f c- p" },
	  .want = "proto" },
	{ .name = "nor with an id that a server would not take from a stranger (RFC 9000 §7.2)",
	  .step = { "I v! d- c- p" },
	  .want = "proto" },
	{ .name = "nor behind another packet", .step = { "I x c0-60 I v! n1 c60- p" }, .want = "more" },

	/* ---- what is broken, too long, too much ---- */
	{ .name = "a frame that may not be there is malformed, and another connection is read",
	  .step = { "I dB g s", "I c- p" },
	  .want = "malf bad.example" },
	{ .name = "a CRYPTO frame longer than its packet is malformed", .step = { "I g w" }, .want = "malf" },
	{ .name = "a stream that is no hello is malformed, and another connection is read",
	  .step = { "I b p", "I dB c- p" },
	  .want = "malf bad.example" },
	{ .name = "a hello beyond the budget is over the limit",
	  .step = { "I c0-1100 p", "I n1 c1100-2200 p", "I n2 c2200- p" },
	  .want = "more limit limit",
	  .len = 2300 },
	{ .name = "a hello of just the budget is read",
	  .step = { "I c0-1100 p", "I n1 c1100- p" },
	  .want = "more bad.example",
	  .len = BUDGET },

	/* ---- Google ---- */
	{ .name = "a CHLO in the Initial of Q050",
	  .step = { "I vQ050 c- p" },
	  .want = "bad.example",
	  .len = 1 },
};

struct hellos {
	uint8_t mem[2][4096];
	struct sl_bytes first, second;
};

static void make_hellos(const struct row *row, struct hellos *h)
{
	struct sl_out a = sl_out_of(h->mem[0], sizeof(h->mem[0])),
	              b = sl_out_of(h->mem[1], sizeof(h->mem[1]));
	const char *second = row->second == NULL      ? "odd.example"
	                     : row->second[0] == '\0' ? NULL
	                                              : row->second;
	const char *first = row->first == NULL ? "bad.example" : row->first;
	if (row->len == 1)
		quic_text_chlo(first, &a);
	else
		quic_text_hello(first, row->len == 0 ? LEN : row->len, &a);
	quic_text_hello(second, row->len <= 1 ? LEN : row->len, &b);
	h->first = sl_bytes_of(a.p, a.len);
	h->second = sl_bytes_of(b.p, b.len);
}

static void say(struct sl_out *got, int err, const struct sl_quic_hello *hello)
{
	static const struct {
		int err;
		const char *word;
	} words[] = { { SL_EMORE, "more" }, { SL_EUNSUP, "unsup" }, { SL_EPROTO, "proto" },
		      { SL_EMALF, "malf" }, { SL_ELIMIT, "limit" }, { SL_ENOMEM, "nomem" } };
	if (got->len > 0)
		sl_out_str(got, " ");
	if (err == SL_OK && hello->tls.sni.p == NULL)
		sl_out_str(got, "(none)");
	else if (err == SL_OK)
		sl_out_bytes(got, hello->tls.sni.p, hello->tls.sni.len);
	for (size_t i = 0; i < SL_COUNT(words); i++)
		if (words[i].err == err)
			sl_out_str(got, words[i].word);
}

/* On a heap copy of just its size, so that a byte read too far is seen. */
static int read_copy(struct sl_quic_pool *pool, sl_quic_flow *flow, struct sl_bytes datagram,
                     struct sl_out *got, uint32_t *differs)
{
	struct sl_quic_hello hello;
	uint8_t *copy = (uint8_t *)malloc(datagram.len);
	assert_non_null(copy);
	memcpy(copy, datagram.p, datagram.len);
	int err = sl_quic_read(pool, flow, sl_bytes_of(copy, datagram.len), &hello, differs);
	say(got, err, &hello);
	free(copy);
	return err;
}

static void reads(void **state)
{
	const struct row *row = *state;
	static struct hellos h;
	static uint8_t mem[65536];
	struct sl_quic_pool *pool = NULL;
	sl_quic_flow flow = 0;
	uint8_t text[512] = { 0 };
	struct sl_out got = sl_out_of(text, sizeof(text) - 1);
	uint32_t differs = 0;
	make_hellos(row, &h);
	assert_int_equal(sl_quic_pool_new(CONNS, BUDGET, &pool), SL_OK);
	for (size_t i = 0; i < STEPS && row->step[i] != NULL; i++) {
		struct sl_out to = sl_out_of(mem, sizeof(mem));
		uint32_t n;
		quic_text(row->step[i], h.first, h.second, &to);
		(void)read_copy(pool, &flow, sl_bytes_of(to.p, to.len), &got, &n);
		differs += n;
	}
	sl_quic_close(pool, &flow);
	sl_quic_pool_free(&pool);
	assert_string_equal((const char *)text, row->want);
	assert_int_equal(differs, row->differs);
}

static void says_what_it_read(void **state)
{
	struct hellos h;
	struct sl_quic_pool *pool = NULL;
	struct sl_quic_hello hello;
	sl_quic_flow flow = 0;
	uint8_t mem[2048];
	struct sl_out to = sl_out_of(mem, sizeof(mem));
	uint32_t differs;
	(void)state;
	make_hellos(&(struct row){ 0 }, &h);
	quic_text("I v29 c- p", h.first, h.second, &to);
	assert_int_equal(to.len, SL_QUIC_DATAGRAM_MIN);
	assert_int_equal(sl_quic_pool_new(1, BUDGET, &pool), SL_OK);
	assert_int_equal(sl_quic_read(pool, &flow, sl_bytes_of(to.p, to.len), &hello, &differs), SL_OK);
	assert_int_equal(flow, 0);
	assert_string_equal(sl_quic_version_of(hello.version)->name, "draft-29");
	assert_int_equal(hello.tls.version, 0x0304);
	assert_true(sl_bytes_equal(hello.tls.alpn, SL_BYTES_LIT("\2h3")));
	assert_int_equal(hello.tls.ech.kind, SL_ECH_NONE);
	sl_quic_pool_free(&pool);
}

/* The pieces of as many flows as were asked for are kept; one more gets none, and a whole hello needs none. */
static void keeps_to_its_memory(void **state)
{
	static const char *const want = "more more more more more more nomem bad.example bad.example more";
	static const struct {
		unsigned flow;
		const char *text;
	} step[] = {
		{ 0, "I c0-60" }, { 1, "I c0-60" }, { 2, "I c0-60" }, { 3, "I c0-60" }, { 4, "I c0-60" },
		{ 5, "I c0-60" }, { 6, "I c0-60" }, { 6, "I c- p" },  { 3, "I c60-" },  { 6, "I c0-60" }
	};
	struct hellos h;
	struct sl_quic_pool *pool = NULL;
	sl_quic_flow flow[7] = { 0 };
	uint8_t text[512] = { 0 }, mem[2048];
	struct sl_out got = sl_out_of(text, sizeof(text) - 1);
	uint32_t differs;
	(void)state;
	make_hellos(&(struct row){ 0 }, &h);
	assert_int_equal(sl_quic_pool_new(CONNS, BUDGET, &pool), SL_OK);
	for (size_t i = 0; i < SL_COUNT(step); i++) {
		struct sl_out to = sl_out_of(mem, sizeof(mem));
		quic_text(step[i].text, h.first, h.second, &to);
		(void)read_copy(pool, &flow[step[i].flow], sl_bytes_of(to.p, to.len), &got, &differs);
	}
	assert_string_equal((const char *)text, want);
	for (size_t i = 0; i < SL_COUNT(flow); i++)
		sl_quic_close(pool, &flow[i]);
	sl_quic_pool_free(&pool);
}

static void tells_why(void **state)
{
	static const struct {
		const char *text;
		int want;
	} step[] = { { "I x c-", SL_EUNSUP },
		     { "I c0-60", SL_EMORE },
		     { "I dB s", SL_EMALF },
		     { "I n1 c60-80", SL_EMORE } };
	struct hellos h;
	struct sl_quic_pool *pool = NULL;
	sl_quic_flow flow = 0;
	uint8_t mem[2048], text[512];
	uint32_t differs;
	(void)state;
	make_hellos(&(struct row){ 0 }, &h);
	assert_int_equal(sl_quic_pool_new(CONNS, BUDGET, &pool), SL_OK);
	for (size_t i = 0; i < SL_COUNT(step); i++) {
		struct sl_out to = sl_out_of(mem, sizeof(mem)), got = sl_out_of(text, sizeof(text));
		quic_text(step[i].text, h.first, h.second, &to);
		(void)read_copy(pool, &flow, sl_bytes_of(to.p, to.len), &got, &differs);
		assert_int_equal(sl_quic_why(pool, flow), step[i].want);
	}
	sl_quic_close(pool, &flow);
	assert_int_equal(flow, 0);
	sl_quic_pool_free(&pool);
}

/* A datagram of nothing but small Initials under other ids costs no more than four sets of keys: the hello behind them is not
 * found, and the next datagram's is. */
static void bounds_its_work(void **state)
{
	static char many[4096];
	static uint8_t mem[65536];
	struct hellos h;
	struct sl_quic_pool *pool = NULL;
	sl_quic_flow flow = 0;
	uint8_t text[64] = { 0 };
	struct sl_out to = sl_out_of(mem, sizeof(mem)), got = sl_out_of(text, sizeof(text) - 1);
	uint32_t differs;
	(void)state;
	make_hellos(&(struct row){ 0 }, &h);
	for (int id = 'B'; id <= 'Z'; id++)
		(void)snprintf(many + strlen(many), sizeof(many) - strlen(many), "I d%c x g ", id);
	quic_text(many, h.first, h.second, &to);
	quic_text("I c-", h.first, h.second, &to);
	assert_int_equal(sl_quic_pool_new(CONNS, BUDGET, &pool), SL_OK);
	(void)read_copy(pool, &flow, sl_bytes_of(to.p, to.len), &got, &differs);
	to.len = 0;
	quic_text("I c- p", h.first, h.second, &to);
	(void)read_copy(pool, &flow, sl_bytes_of(to.p, to.len), &got, &differs);
	assert_string_equal((const char *)text, "more bad.example");
	sl_quic_pool_free(&pool);
}

static void refuses_sizes(void **state)
{
	struct sl_quic_pool *pool = NULL;
	(void)state;
	assert_int_equal(sl_quic_pool_new(0, BUDGET, &pool), SL_EINVAL);
	assert_int_equal(sl_quic_pool_new(1 << 21, BUDGET, &pool), SL_EINVAL);
	assert_int_equal(sl_quic_pool_new(1, 511, &pool), SL_EINVAL);
	assert_int_equal(sl_quic_pool_new(1, 65537, &pool), SL_EINVAL);
	assert_null(pool);
}

int main(void)
{
	static struct CMUnitTest tests[SL_COUNT(rows) + 5];
	size_t n = 0;
	for (; n < SL_COUNT(rows); n++)
		tests[n] =
		        (struct CMUnitTest){ rows[n].name, reads, NULL, NULL, (void *)(uintptr_t)&rows[n] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(says_what_it_read);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(keeps_to_its_memory);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(tells_why);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(bounds_its_work);
	tests[n] = (struct CMUnitTest)cmocka_unit_test(refuses_sizes);
	return cmocka_run_group_tests_name("filter/sniff_quic", tests, NULL, NULL);
}
