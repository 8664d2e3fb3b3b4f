/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/util.h"
#include "filter/packet.h"

/* Headers in hex. Lengths and protocols are given, for they are what the rows are about. */
#define IP4(total, proto)            "4500" total "0001 4000 40" proto "0000 0a000001 0a000002 "
#define IP4_FRAG(total, frag, proto) "4500" total "0001" frag "40" proto "0000 0a000001 0a000002 "
#define IP4_OPT(total, proto)        "4700" total "0001 4000 40" proto "0000 0a000001 0a000002 9404 0000 01010100 "
#define IP6_ADDR                     "20010db8000000000000000000000001 20010db8000000000000000000000002 "
#define IP6(len, next)               "60000000" len next "40" IP6_ADDR
#define TCP(flags)                   "c000 0050 00000064 00000007 50" flags "ffff 0000 0000 "
#define TCP_OPT(flags)               "c000 0050 00000064 00000007 60" flags "ffff 0000 0000 02040534 "
#define UDP(len)                     "c000 01bb" len "0000 "
#define ABCD                         "61626364 "

static const struct packet_case {
	const char *name, *hex;
	size_t cut; /* bytes at the end that were on the wire but were not copied */
	int want;
	const char *payload; /* as copied */
	uint32_t payload_len, seq;
	uint8_t flags;
} cases[] = {
	{ "reads TCP over IPv4", IP4("002c", "06") TCP("18") ABCD, 0, SL_OK, "abcd", 4, 100, SL_TCP_ACK },
	{ "skips IPv4 options", IP4_OPT("0034", "06") TCP("10") ABCD, 0, SL_OK, "abcd", 4, 100, SL_TCP_ACK },
	{ "skips TCP options", IP4("0030", "06") TCP_OPT("10") ABCD, 0, SL_OK, "abcd", 4, 100, SL_TCP_ACK },
	{ "a SYN takes one sequence number before its data (RFC 7413)", IP4("002c", "06") TCP("02") ABCD, 0,
	  SL_OK, "abcd", 4, 101, SL_TCP_SYN },
	{ "drops the padding behind a short IPv4 packet", IP4("0028", "06") TCP("11") "000000000000", 0,
	  SL_OK, "", 0, 100, SL_TCP_ACK | SL_TCP_FIN },
	{ "total length 0 means as long as the wire says (GSO)", IP4("0000", "06") TCP("10") ABCD, 0, SL_OK,
	  "abcd", 4, 100, SL_TCP_ACK },
	{ "total length 0 of a cut copy counts the bytes not copied", IP4("0000", "06") TCP("10") ABCD, 70000,
	  SL_OK, "abcd", 70004, 100, SL_TCP_ACK },
	{ "a total length beyond the wire is not believed", IP4("ffff", "06") TCP("10") ABCD, 0, SL_OK,
	  "abcd", 4, 100, SL_TCP_ACK },
	{ "a cut copy shows what is there and says how much there was", IP4("05dc", "06") TCP("10") ABCD,
	  1456, SL_OK, "abcd", 1460, 100, SL_TCP_ACK },
	{ "padding beyond a cut copy is not payload", IP4("002e", "06") TCP("10") ABCD, 100, SL_OK, "abcd", 6,
	  100, SL_TCP_ACK },
	{ "a copy that ends after the header has an empty payload", IP4("0100", "06") TCP("10"), 216, SL_OK,
	  "", 216, 100, SL_TCP_ACK },
	{ "the first fragment is read", IP4_FRAG("002c", "2000", "06") TCP("10") ABCD, 0, SL_OK, "abcd", 4,
	  100, SL_TCP_ACK },
	{ "a later fragment is not", IP4_FRAG("002c", "2001", "06") TCP("10") ABCD, 0, SL_EPROTO, NULL, 0, 0,
	  0 },
	{ "the last fragment is not", IP4_FRAG("002c", "0001", "06") TCP("10") ABCD, 0, SL_EPROTO, NULL, 0, 0,
	  0 },
	{ "the evil bit and DF are no fragment", IP4_FRAG("002c", "c000", "06") TCP("10") ABCD, 0, SL_OK,
	  "abcd", 4, 100, SL_TCP_ACK },
	{ "ICMP is another protocol", IP4("0020", "01") "0800000000000000" ABCD, 0, SL_EPROTO, NULL, 0, 0,
	  0 },
	{ "IPv6 in IPv4 is another protocol", IP4("0020", "29") "60000000", 0, SL_EPROTO, NULL, 0, 0, 0 },
	{ "an authentication header over IPv4 hides nothing",
	  IP4("0044", "33") "0604 0000 00000001 00000002 00000000 00000000 00000000 " TCP("10") ABCD, 0,
	  SL_OK, "abcd", 4, 100, SL_TCP_ACK },
	{ "an IPv4 header below 20 bytes contradicts itself",
	  "4400 002c 0001 4000 4006 0000 0a000001 0a000002" TCP("10"), 0, SL_EMALF, NULL, 0, 0, 0 },
	{ "a total length below the header contradicts itself", IP4("0013", "06") TCP("10") ABCD, 0, SL_EMALF,
	  NULL, 0, 0, 0 },
	{ "IPv4 options that are not in the copy", "4f00 002c 0001 4000 4006 0000 0a000001 0a000002" ABCD,
	  100, SL_EMALF, NULL, 0, 0, 0 },
	{ "a TCP header that the total length cuts", IP4("0027", "06") TCP("10") ABCD, 0, SL_EMALF, NULL, 0,
	  0, 0 },
	{ "a TCP header that is not in the copy", IP4("002c", "06") "c000 0050 00000064 00000007 50", 11,
	  SL_EMALF, NULL, 0, 0, 0 },
	{ "a TCP data offset below 5",
	  IP4("002c", "06") "c000 0050 00000064 00000007 4010 ffff 0000 0000" ABCD, 0, SL_EMALF, NULL, 0, 0,
	  0 },
	{ "a TCP data offset beyond the packet",
	  IP4("002c", "06") "c000 0050 00000064 00000007 f010 ffff 0000 0000" ABCD, 0, SL_EMALF, NULL, 0, 0,
	  0 },
	{ "reads UDP over IPv4", IP4("0020", "11") UDP("000c") ABCD, 0, SL_OK, "abcd", 4, 0, 0 },
	{ "a UDP length below the rest is believed", IP4("0020", "11") UDP("000a") ABCD, 0, SL_OK, "ab", 2, 0,
	  0 },
	{ "a UDP datagram may be empty", IP4("0020", "11") UDP("0008") ABCD, 0, SL_OK, "", 0, 0, 0 },
	{ "UDP length 0 means all there is", IP4("0020", "11") UDP("0000") ABCD, 0, SL_OK, "abcd", 4, 0, 0 },
	{ "a UDP length above the rest is not believed", IP4("0020", "11") UDP("0fff") ABCD, 0, SL_OK, "abcd",
	  4, 0, 0 },
	{ "a UDP length below its header contradicts itself", IP4("0020", "11") UDP("0007") ABCD, 0, SL_EMALF,
	  NULL, 0, 0, 0 },
	{ "a cut UDP datagram says how much there was", IP4("041c", "11") UDP("0408") ABCD, 1020, SL_OK,
	  "abcd", 1024, 0, 0 },
	{ "reads TCP over IPv6", IP6("0018", "06") TCP("10") ABCD, 0, SL_OK, "abcd", 4, 100, SL_TCP_ACK },
	{ "drops the padding behind a short IPv6 packet", IP6("0014", "06") TCP("10") "0000", 0, SL_OK, "", 0,
	  100, SL_TCP_ACK },
	{ "payload length 0 means as long as the wire says (GSO)", IP6("0000", "06") TCP("10") ABCD, 65536,
	  SL_OK, "abcd", 65540, 100, SL_TCP_ACK },
	{ "a jumbogram (RFC 2675)", IP6("0000", "00") "0600 c204 00020018" TCP("10") ABCD, 131072, SL_OK,
	  "abcd", 131076, 100, SL_TCP_ACK },
	{ "a whole chain of extension headers",
	  IP6("0068", "00") "2b00 010400000000"
	                    "3c01 000000000000 0000000000000000"
	                    "3300 010400000000"
	                    "8704 0000 00000001 00000002 000000000000000000000000"
	                    "8b00 000000000000"
	                    "8c00 000000000000"
	                    "0600 000000000000" TCP("10") ABCD,
	  0, SL_OK, "abcd", 4, 100, SL_TCP_ACK },
	{ "an atomic fragment (RFC 6946)", IP6("0020", "2c") "0600 0000 00000001" TCP("10") ABCD, 0, SL_OK,
	  "abcd", 4, 100, SL_TCP_ACK },
	{ "the first fragment of several", IP6("0020", "2c") "0600 0001 00000001" TCP("10") ABCD, 0, SL_OK,
	  "abcd", 4, 100, SL_TCP_ACK },
	{ "a later fragment over IPv6", IP6("0020", "2c") "0600 0008 00000001" TCP("10") ABCD, 0, SL_EPROTO,
	  NULL, 0, 0, 0 },
	{ "ESP hides what follows", IP6("0018", "32") TCP("10") ABCD, 0, SL_EPROTO, NULL, 0, 0, 0 },
	{ "no next header", IP6("0004", "3b") ABCD, 0, SL_EPROTO, NULL, 0, 0, 0 },
	{ "ICMPv6 is another protocol", IP6("0008", "3a") "8000000000000000", 0, SL_EPROTO, NULL, 0, 0, 0 },
	{ "an extension header beyond the packet",
	  IP6("0018", "3c") "0605 000000000000"
	                    "0000000000000000" ABCD,
	  0, SL_EMALF, NULL, 0, 0, 0 },
	{ "an extension header that is not in the copy", IP6("0058", "3c") "0605 0000", 84, SL_EMALF, NULL, 0,
	  0, 0 },
	{ "an IPv6 header that is cut short",
	  "60000000 0018 0640"
	  "20010db8",
	  0, SL_EMALF, NULL, 0, 0, 0 },
	{ "a version that is neither 4 nor 6",
	  "5500 002c 0001 4000 4006 0000 0a000001 0a000002" TCP("10") ABCD, 0, SL_EMALF, NULL, 0, 0, 0 },
	{ "nothing at all", "", 0, SL_EMALF, NULL, 0, 0, 0 },
};

static size_t from_hex(const char *hex, uint8_t *out, size_t cap)
{
	size_t digits = 0;
	memset(out, 0, cap);
	for (; *hex != '\0'; hex++) {
		if (*hex == ' ')
			continue;
		assert_true(digits / 2 < cap);
		uint8_t v = (uint8_t)(*hex <= '9' ? *hex - '0' : *hex - 'a' + 10);
		out[digits / 2] = (uint8_t)(out[digits / 2] << 4 | v);
		digits++;
	}
	assert_int_equal(digits % 2, 0);
	return digits / 2;
}

static void check_key(const struct sl_packet *p)
{
	static const uint8_t v4[2][16] = { { 10, 0, 0, 1 }, { 10, 0, 0, 2 } };
	static const uint8_t v6[2][16] = { { 0x20, 1, 0x0d, 0xb8, [15] = 1 },
		                           { 0x20, 1, 0x0d, 0xb8, [15] = 2 } };
	assert_true(p->key.family == 4 || p->key.family == 6);
	assert_memory_equal(p->key.src, p->key.family == 4 ? v4[0] : v6[0], 16);
	assert_memory_equal(p->key.dst, p->key.family == 4 ? v4[1] : v6[1], 16);
	assert_int_equal(p->key.sport, 0xc000);
	assert_int_equal(p->key.dport, p->key.proto == SL_PROTO_TCP ? 80 : 443);
}

static void test_packet(void **state)
{
	const struct packet_case *c = *state;
	uint8_t buf[512];
	size_t len = from_hex(c->hex, buf, sizeof(buf));
	uint8_t *exact = malloc(len + 1); /* a reader that goes too far is seen by ASan */
	assert_non_null(exact);
	uint8_t *ip = exact + 1;
	memcpy(ip, buf, len);
	struct sl_packet p = { 0 };
	assert_int_equal(sl_packet_read((struct sl_bytes){ ip, len }, len + c->cut, &p), c->want);
	if (c->want == SL_OK) {
		check_key(&p);
		assert_int_equal(p.payload.len, strlen(c->payload));
		assert_memory_equal(p.payload.p, c->payload, p.payload.len);
		assert_int_equal(p.payload_len, c->payload_len);
		assert_int_equal(p.seq, c->seq);
		assert_int_equal(p.ack, p.key.proto == SL_PROTO_TCP ? 7 : 0);
		assert_int_equal(p.flags, c->flags);
	}
	free(exact);
}

/* ---- checksums and signatures ---- */

#define TCP_SUM(sum) "c000 0050 00000064 00000007 5010 ffff" sum "0000 "
#define UDP_SUM(sum) "c000 01bb 000c" sum

static const struct sum_case {
	const char *name, *hex;
	size_t cut;
	bool damaged;
} sums[] = {
	{ "a TCP checksum that is right", "4500002c00014000400626c9 0a000001 0a000002 " TCP_SUM("164c") ABCD,
	  0, false },
	{ "a TCP checksum that is wrong", "4500002c00014000400626c9 0a000001 0a000002 " TCP_SUM("164d") ABCD,
	  0, true },
	{ "a header checksum that is wrong",
	  "4500002c00014000400626c8 0a000001 0a000002 " TCP_SUM("164c") ABCD, 0, true },
	{ "padding is not summed", "4500002c00014000400626c9 0a000001 0a000002 " TCP_SUM("164c") ABCD "ffff",
	  0, false },
	{ "what was not copied cannot be told",
	  "4500002c00014000400626c9 0a000001 0a000002 " TCP_SUM("164d") "6162", 2, false },
	{ "a fragment cannot be told", "4500002c00012000400646c9 0a000001 0a000002 " TCP_SUM("164d") ABCD, 0,
	  false },
	{ "UDP over IPv4 may be without", "4500002000014000401126ca 0a000001 0a000002 " UDP_SUM("0000") ABCD,
	  0, false },
	{ "UDP over IPv4 with a wrong one",
	  "4500002000014000401126ca 0a000001 0a000002 " UDP_SUM("0001") ABCD, 0, true },
	{ "UDP over IPv6 may not be without", IP6("000c", "11") UDP_SUM("0000") ABCD, 0, true },
	{ "TCP over IPv6 that is right", IP6("0018", "06") TCP_SUM("ced9") ABCD, 0, false },
	{ "a routing header hides the destination",
	  IP6("0020", "2b") "0600 0401 00000000" TCP_SUM("0000") ABCD, 0, false },
};

static void test_sum(void **state)
{
	const struct sum_case *c = *state;
	uint8_t ip[512];
	size_t len = from_hex(c->hex, ip, sizeof(ip));
	assert_int_equal(sl_packet_is_damaged((struct sl_bytes){ ip, len }, len + c->cut), c->damaged);
}

static void test_signature(void **state)
{
	static const struct {
		const char *options;
		bool want;
	} row[] = { { "0101080a0000000100000002 ", false },
		    { "0101 1312 00112233445566778899aabbccddeeff ", true },
		    { "1d10 0102 00112233445566778899aabb ", true },
		    { "00 1312 00 ", false },
		    { "0200 1302", false },
		    { "020405b4 1302 0000", true } };
	(void)state;
	for (size_t i = 0; i < SL_COUNT(row); i++) {
		uint8_t ip[512];
		struct sl_packet p;
		size_t head = from_hex(IP4("0000", "06") TCP("10"), ip, sizeof(ip));
		size_t len = head + from_hex(row[i].options, ip + head, sizeof(ip) - head);
		ip[32] = (uint8_t)((20 + len - head) / 4 << 4);
		assert_int_equal(sl_packet_read((struct sl_bytes){ ip, len }, len, &p), SL_OK);
		assert_int_equal(p.has_signature, row[i].want);
	}
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(cases) + SL_COUNT(sums) + 1];
	for (size_t i = 0; i < SL_COUNT(cases); i++)
		tests[i] = (struct CMUnitTest){ cases[i].name, test_packet, NULL, NULL,
			                        (void *)(uintptr_t)&cases[i] };
	for (size_t i = 0; i < SL_COUNT(sums); i++)
		tests[SL_COUNT(cases) + i] = (struct CMUnitTest){ sums[i].name, test_sum, NULL, NULL,
			                                          (void *)(uintptr_t)&sums[i] };
	tests[SL_COUNT(tests) - 1] =
	        (struct CMUnitTest){ "options 19 and 29 are signatures", test_signature, NULL, NULL, NULL };
	return cmocka_run_group_tests_name("packet", tests, NULL, NULL);
}
