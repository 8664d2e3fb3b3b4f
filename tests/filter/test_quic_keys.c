/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_quic_keys.c - the known answers of RFC 9001 appendix A and RFC 9369 appendix A: keys, packets of both sides, Retry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "filter/quic_frames.h"
#include "filter/quic_keys.h"
#include "tests/filter/quic_vectors.h"
#include "tests/support/hex.h"

static struct sl_bytes unhex(const char *text, uint8_t *to)
{
	size_t n = sl_test_unhex(text, to);
	assert_int_equal(n * 2, strlen(text));
	return sl_bytes_of(to, n);
}

static const char dcid[] = "8394c8f03e515708";

static const struct key_row {
	const char *name;
	uint32_t version;
	const char *key, *iv, *hp;
} key_rows[] = {
	{ "the client's keys of version 1 (RFC 9001 A.1)", SL_QUIC_V1, "1f369613dd76d5467730efcbe3b1a22d",
	  "fa044b2f42a3fd3b46fb255c", "9f50449e04a0e810283a1e9933adedd2" },
	{ "the client's keys of version 2 (RFC 9369 A.1)", SL_QUIC_V2, "8b1a0bc121284290a29e0971b5cd045d",
	  "91f73e2351d8fa91660e909f", "45b95e15235d6f45a6b19cbcb0294ba9" },
};

static void derives(void **state)
{
	const struct key_row *row = *state;
	struct sl_quic_keys keys;
	uint8_t cid[8], want[16];
	sl_quic_keys_client(sl_quic_version_of(row->version), unhex(dcid, cid), &keys);
	assert_memory_equal(keys.key, unhex(row->key, want).p, sizeof(keys.key));
	assert_memory_equal(keys.iv, unhex(row->iv, want).p, sizeof(keys.iv));
	assert_memory_equal(keys.hp, unhex(row->hp, want).p, sizeof(keys.hp));
}

static const struct open_row {
	const char *name;
	const char *packet, *key, *iv, *hp;
	uint64_t number;
	const char *frames; /* how they begin */
	size_t len;
} open_rows[] = {
	{ "the client's Initial of version 1 (RFC 9001 A.2)", v1_client, "1f369613dd76d5467730efcbe3b1a22d",
	  "fa044b2f42a3fd3b46fb255c", "9f50449e04a0e810283a1e9933adedd2", 2, "060040f1010000ed0303ebf8fa56",
	  1162 },
	{ "the server's Initial of version 1 (RFC 9001 A.3)", v1_server, "cf3a5331653c364c88f0f379b6067e37",
	  "0ac1493ca1905853b0bba03e", "c206b8d9b9f0f37644430b490eeaa314", 1, "02000000000600405a0200005603",
	  99 },
	{ "the client's Initial of version 2 (RFC 9369 A.2)", v2_client, "8b1a0bc121284290a29e0971b5cd045d",
	  "91f73e2351d8fa91660e909f", "45b95e15235d6f45a6b19cbcb0294ba9", 2, "060040f1010000ed0303ebf8fa56",
	  1162 },
	{ "the server's Initial of version 2 (RFC 9369 A.3)", v2_server, "82db637861d55e1d011f19ea71d5d2a7",
	  "dd13c276499c0249d3310652", "edf6d05c83121201b436e16877593c3a", 1, "02000000000600405a0200005603",
	  99 },
};

static void fill(struct sl_quic_keys *keys, const struct open_row *row)
{
	(void)unhex(row->key, keys->key);
	(void)unhex(row->iv, keys->iv);
	(void)unhex(row->hp, keys->hp);
}

static void opens(void **state)
{
	const struct open_row *row = *state;
	uint8_t bytes[1300], plain[1300], want[16];
	struct sl_bytes datagram = unhex(row->packet, bytes), frames;
	struct sl_quic_packet pkt;
	struct sl_quic_keys keys;
	struct sl_out to = sl_out_of(plain, datagram.len);
	uint64_t number;
	fill(&keys, row);
	assert_int_equal(sl_quic_packet_read(datagram, &pkt), SL_OK);
	assert_int_equal(pkt.type, SL_QUIC_INITIAL);
	assert_int_equal(pkt.all.len, datagram.len);
	assert_int_equal(sl_quic_open(&keys, &pkt, 0, &to, &frames, &number), SL_OK);
	assert_int_equal(number, row->number);
	assert_int_equal(frames.len, row->len);
	struct sl_bytes begin = unhex(row->frames, want);
	assert_memory_equal(frames.p, begin.p, begin.len);
}

/* Every byte of the packet is covered by the tag. */
static void opens_no_altered(void **state)
{
	const struct open_row *row = *state;
	uint8_t bytes[1300], plain[1300];
	struct sl_bytes datagram = unhex(row->packet, bytes), frames;
	struct sl_quic_packet pkt;
	struct sl_quic_keys keys;
	uint64_t number;
	fill(&keys, row);
	for (size_t i = 0; i < datagram.len; i++) {
		struct sl_out to = sl_out_of(plain, sizeof(plain));
		bytes[i] ^= 1;
		if (sl_quic_packet_read(datagram, &pkt) == SL_OK && pkt.type == SL_QUIC_INITIAL)
			assert_int_not_equal(sl_quic_open(&keys, &pkt, 0, &to, &frames, &number), SL_OK);
		bytes[i] ^= 1;
	}
}

static void reads_retry(void **state)
{
	const char *const text[] = { v1_retry, v2_retry };
	(void)state;
	for (size_t i = 0; i < SL_COUNT(text); i++) {
		uint8_t bytes[64], scid[8];
		struct sl_quic_packet pkt;
		struct sl_bytes datagram = unhex(text[i], bytes);
		assert_int_equal(sl_quic_packet_read(datagram, &pkt), SL_OK);
		assert_int_equal(pkt.type, SL_QUIC_RETRY);
		assert_int_equal(pkt.dcid.len, 0);
		assert_true(sl_bytes_equal(pkt.scid, unhex("f067a5502a4262b5", scid)));
		assert_true(sl_bytes_equal(pkt.token, SL_BYTES_LIT("token")));
		assert_int_equal(pkt.all.len, datagram.len);
	}
}

/* RFC 9000 appendix A.1. */
static void reads_varints(void **state)
{
	static const struct {
		struct sl_bytes bytes;
		uint64_t want;
	} row[] = {
		{ SL_BYTES_LIT("\xc2\x19\x7c\x5e\xff\x14\xe8\x8c"), UINT64_C(151288809941952652) },
		{ SL_BYTES_LIT("\x9d\x7f\x3e\x7d"), 494878333 },
		{ SL_BYTES_LIT("\x7b\xbd"), 15293 },
		{ SL_BYTES_LIT("\x25"), 37 },
		{ SL_BYTES_LIT("\x40\x25"), 37 },
	};
	(void)state;
	for (size_t i = 0; i < SL_COUNT(row); i++) {
		struct sl_cur c = sl_cur_whole(row[i].bytes);
		assert_int_equal(sl_quic_varint(&c), row[i].want);
		assert_int_equal(sl_cur_end(&c), SL_OK);
		c = sl_cur_whole(sl_bytes_first(row[i].bytes, row[i].bytes.len - 1));
		assert_int_equal(sl_quic_varint(&c), 0);
		assert_int_equal(c.err, SL_EMALF);
	}
}

static const struct header_row {
	struct sl_bytes bytes;
	int want;
} header_rows[] = {
	{ SL_BYTES_LIT("\xc0\0\0\0\1\0\0\0\0"), SL_OK }, /* a packet of no length ends at once */
	{ SL_BYTES_LIT("\xc0\0\0\0\1\x14"
	               "12345678901234567890"
	               "\x14"
	               "12345678901234567890"
	               "\1t\1."),
	  SL_OK },
	{ SL_BYTES_LIT("\xc0\0\0\0\1\x15"
	               "123456789012345678901"
	               "\0\0\0"),
	  SL_EMALF },
	{ SL_BYTES_LIT("\xc0\0\0\0\1\0\x15"
	               "123456789012345678901"
	               "\0\0"),
	  SL_EMALF },
	{ SL_BYTES_LIT("\xc0\0\0\0\1\0\0\0\1"), SL_EMALF },  /* longer than its datagram */
	{ SL_BYTES_LIT("\xc0\0\0\0\1\0\0\2t\0"), SL_EMALF }, /* and its token */
	{ SL_BYTES_LIT("\xc0\0\0\0\1\0\0\xff\xff\xff\xff\xff\xff\xff\xff"), SL_EMALF },
	{ SL_BYTES_LIT("\xf0\0\0\0\1\0\0"
	               "123456789012345"),
	  SL_EMALF }, /* no room for a Retry's tag */
	{ SL_BYTES_LIT("\xc0\0\0\0"), SL_EPROTO },
	{ SL_BYTES_LIT("\x40\0\0\0\1\0\0\0\0"), SL_EPROTO }, /* a short header */
	{ SL_BYTES_LIT("\xc0\1\0\0\1\0\0\0\0"), SL_EPROTO }, /* a version of nobody */
	{ SL_BYTES_LIT("\xc0\x1a\x2a\x3a\x4a\xff"),
	  SL_OK }, /* one made to force a negotiation: what follows is unknown */
};

/* RFC 9000 §17.2. */
static void reads_headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < SL_COUNT(header_rows); i++) {
		struct sl_quic_packet pkt;
		assert_int_equal(sl_quic_packet_read(header_rows[i].bytes, &pkt), header_rows[i].want);
		if (header_rows[i].want == SL_OK)
			assert_int_equal(pkt.all.len, header_rows[i].bytes.len);
	}
}

static const struct type_row {
	uint32_t version;
	uint8_t first;
	enum sl_quic_type want;
} type_rows[] = {
	{ SL_QUIC_V1, 0xc0, SL_QUIC_INITIAL },   { SL_QUIC_V1, 0xd0, SL_QUIC_0RTT },
	{ SL_QUIC_V1, 0xe0, SL_QUIC_HANDSHAKE }, { SL_QUIC_V1, 0xf0, SL_QUIC_RETRY },
	{ SL_QUIC_V2, 0xd0, SL_QUIC_INITIAL },   { SL_QUIC_V2, 0xe0, SL_QUIC_0RTT },
	{ SL_QUIC_V2, 0xf0, SL_QUIC_HANDSHAKE }, { SL_QUIC_V2, 0xc0, SL_QUIC_RETRY },
};

static void tells_types(void **state)
{
	(void)state;
	for (size_t i = 0; i < SL_COUNT(type_rows); i++)
		assert_int_equal(
		        sl_quic_version_type(sl_quic_version_of(type_rows[i].version), type_rows[i].first),
		        type_rows[i].want);
}

int main(void)
{
	struct CMUnitTest tests[2 * SL_COUNT(open_rows) + SL_COUNT(key_rows) + 4];
	size_t n = 0;
	for (size_t i = 0; i < SL_COUNT(key_rows); i++)
		tests[n++] = (struct CMUnitTest){ key_rows[i].name, derives, NULL, NULL,
			                          (void *)(uintptr_t)&key_rows[i] };
	for (size_t i = 0; i < SL_COUNT(open_rows); i++) {
		void *row = (void *)(uintptr_t)&open_rows[i];
		tests[n++] = (struct CMUnitTest){ open_rows[i].name, opens, NULL, NULL, row };
		tests[n++] = (struct CMUnitTest){ "  not with any one bit of a byte turned", opens_no_altered,
			                          NULL, NULL, row };
	}
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(reads_retry);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(reads_varints);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(tells_types);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(reads_headers);
	return cmocka_run_group_tests_name("filter/quic_keys", tests, NULL, NULL);
}
