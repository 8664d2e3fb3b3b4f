/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_payload_bpf.c - the programs run in the kernel, as xt_bpf would run them: attached to a socket, they let a packet
 * arrive or not. */
#include "daemon/payload_bpf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { TCP = 6, UDP = 17, ICMP = 1, ICMP6 = 58, ESP = 50, NONE = 59, PACKET = 128 };

static const struct bpf_case {
	const char *name;
	int family;
	unsigned proto;
	unsigned ip_words; /* IPv4 header, in words */
	unsigned words;    /* TCP header, in words; UDP: the length field */
	unsigned length;   /* IPv4 total length, IPv6 payload length */
	unsigned cut;      /* bytes that the packet has; 0: 128 */
	bool payload;
} cases[] = {
	{ "IPv4 TCP: a SYN with ten words of header", 4, TCP, 5, 10, 60, 0, false },
	{ "IPv4 TCP: a bare ACK without options", 4, TCP, 5, 5, 40, 0, false },
	{ "IPv4 TCP: a bare ACK with timestamps", 4, TCP, 5, 8, 52, 0, false },
	{ "IPv4 TCP: one byte", 4, TCP, 5, 5, 41, 0, true },
	{ "IPv4 TCP: one byte behind timestamps", 4, TCP, 5, 8, 53, 0, true },
	{ "IPv4 TCP: the longest header, no byte", 4, TCP, 5, 15, 80, 0, false },
	{ "IPv4 TCP: the longest header, one byte", 4, TCP, 5, 15, 81, 0, true },
	{ "IPv4 TCP: IP options are not payload", 4, TCP, 7, 8, 60, 0, false },
	{ "IPv4 TCP: one byte behind IP options", 4, TCP, 7, 8, 61, 0, true },
	{ "IPv4 TCP: both headers at their longest", 4, TCP, 15, 15, 120, 0, false },
	{ "IPv4 TCP: both at their longest, one byte", 4, TCP, 15, 15, 121, 0, true },
	{ "IPv4 TCP: a large packet", 4, TCP, 5, 8, 65535, 0, true },
	{ "IPv4 TCP: length 0 of BIG TCP", 4, TCP, 5, 8, 0, 0, true },
	{ "IPv4 TCP: a length below its headers", 4, TCP, 5, 8, 30, 0, false },
	{ "IPv4 TCP: cut off before its data offset", 4, TCP, 5, 8, 100, 30, false },
	{ "IPv4 UDP: no byte", 4, UDP, 5, 8, 28, 0, false },
	{ "IPv4 UDP: one byte", 4, UDP, 5, 9, 29, 0, true },
	{ "IPv4 UDP: no byte behind IP options", 4, UDP, 8, 8, 40, 0, false },
	{ "IPv4 UDP: one byte behind IP options", 4, UDP, 8, 9, 41, 0, true },
	{ "IPv4 UDP: a length below its header", 4, UDP, 5, 3, 28, 0, false },
	{ "IPv4 UDP: length 0", 4, UDP, 5, 0, 28, 0, true },
	{ "IPv4 UDP: cut off before its length", 4, UDP, 5, 9, 29, 24, false },
	{ "IPv4 ICMP carries nothing that we judge", 4, ICMP, 5, 5, 84, 0, false },
	{ "IPv4: cut off before its protocol", 4, TCP, 5, 5, 41, 8, false },
	{ "IPv6 TCP: a SYN with ten words of header", 6, TCP, 0, 10, 40, 0, false },
	{ "IPv6 TCP: a bare ACK with timestamps", 6, TCP, 0, 8, 32, 0, false },
	{ "IPv6 TCP: one byte", 6, TCP, 0, 5, 21, 0, true },
	{ "IPv6 TCP: one byte behind timestamps", 6, TCP, 0, 8, 33, 0, true },
	{ "IPv6 TCP: the longest header, no byte", 6, TCP, 0, 15, 60, 0, false },
	{ "IPv6 TCP: the longest header, one byte", 6, TCP, 0, 15, 61, 0, true },
	{ "IPv6 TCP: length 0 of a jumbogram", 6, TCP, 0, 8, 0, 0, true },
	{ "IPv6 TCP: a length below its header", 6, TCP, 0, 8, 12, 0, false },
	{ "IPv6 TCP: cut off before its data offset", 6, TCP, 0, 8, 60, 50, false },
	{ "IPv6 UDP: no byte", 6, UDP, 0, 8, 8, 0, false },
	{ "IPv6 UDP: one byte", 6, UDP, 0, 9, 9, 0, true },
	{ "IPv6 UDP: length 0 of a jumbogram", 6, UDP, 0, 0, 8, 0, true },
	{ "IPv6: hop-by-hop options count as payload", 6, 0, 0, 5, 28, 0, true },
	{ "IPv6: a routing header counts as payload", 6, 43, 0, 5, 28, 0, true },
	{ "IPv6: a fragment header counts as payload", 6, 44, 0, 5, 28, 0, true },
	{ "IPv6: an authentication header counts as payload", 6, 51, 0, 5, 28, 0, true },
	{ "IPv6: destination options count as payload", 6, 60, 0, 5, 28, 0, true },
	{ "IPv6: a mobility header counts as payload", 6, 135, 0, 5, 28, 0, true },
	{ "IPv6: a HIP header counts as payload", 6, 139, 0, 5, 28, 0, true },
	{ "IPv6: a Shim6 header counts as payload", 6, 140, 0, 5, 28, 0, true },
	{ "IPv6: ICMPv6 carries nothing that we judge", 6, ICMP6, 0, 5, 64, 0, false },
	{ "IPv6: ESP carries nothing that we can read", 6, ESP, 0, 5, 64, 0, false },
	{ "IPv6: no next header", 6, NONE, 0, 5, 0, 0, false },
	{ "IPv6: cut off before its next header", 6, TCP, 0, 5, 21, 6, false },
};

static void put16(uint8_t *at, unsigned v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static void put_packet(const struct bpf_case *c, uint8_t *p)
{
	size_t l4 = c->family == 4 ? c->ip_words * 4 : 40;
	if (c->family == 4) {
		p[0] = (uint8_t)(0x40 | c->ip_words);
		p[9] = (uint8_t)c->proto;
		put16(p + 2, c->length);
	} else {
		p[0] = 0x60;
		p[6] = (uint8_t)c->proto;
		put16(p + 4, c->length);
	}
	if (c->proto == UDP)
		put16(p + l4 + 4, c->words);
	else
		p[l4 + 12] = (uint8_t)(c->words << 4 |
		                       0x0f); /* the lower half is reserved, and not ours to trust */
}

/* Does the program let the packet arrive? */
static bool arrives(const struct sock_filter *code, size_t n, const uint8_t *packet, size_t len)
{
	uint8_t got[PACKET];
	int pair[2];
	struct sock_fprog program = { (unsigned short)n, (struct sock_filter *)(uintptr_t)code };
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	assert_int_equal(setsockopt(pair[1], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)), 0);
	assert_int_equal(send(pair[0], packet, len, 0), len);
	ssize_t arrived = recv(pair[1], got, sizeof(got), MSG_DONTWAIT);
	close(pair[0]);
	close(pair[1]);
	assert_true(arrived == -1 || arrived == (ssize_t)len);
	return arrived > 0;
}

static void test_payload(void **state)
{
	const struct bpf_case *c = *state;
	uint8_t packet[PACKET] = { 0 };
	size_t n = 0;
	const struct sock_filter *code = sl_payload_bpf(c->family, &n);
	put_packet(c, packet);
	assert_int_equal(arrives(code, n, packet, c->cut == 0 ? sizeof(packet) : c->cut), c->payload);
}

/* Of all first bytes, those with the top bit clear, behind IP options as well; nothing but UDP, and nothing without a byte. */
static void test_quic_short(void **state)
{
	static const struct bpf_case udp[] = {
		{ .family = 4, .proto = UDP, .ip_words = 5, .words = 9, .length = 29 },
		{ .family = 4, .proto = UDP, .ip_words = 8, .words = 9, .length = 41 },
		{ .family = 6, .proto = UDP, .words = 9, .length = 9 }
	};
	static const struct bpf_case others[] = {
		{ .family = 4, .proto = TCP, .ip_words = 5, .words = 5, .length = 29 },
		{ .family = 6, .proto = TCP, .words = 5, .length = 9 },
		{ .family = 6, .proto = 44, .words = 9, .length = 9 }
	};
	size_t n = 0;
	(void)state;
	for (size_t i = 0; i < SL_COUNT(udp); i++) {
		uint8_t packet[PACKET] = { 0 };
		size_t at = (udp[i].family == 4 ? udp[i].ip_words * 4 : 40) + 8;
		const struct sock_filter *code = sl_quic_short_bpf(udp[i].family, &n);
		put_packet(&udp[i], packet);
		for (unsigned first = 0; first < 256; first++) {
			packet[at] = (uint8_t)first;
			assert_int_equal(arrives(code, n, packet, at + 1), first < 0x80);
		}
		assert_false(arrives(code, n, packet, at));
	}
	for (size_t i = 0; i < SL_COUNT(others); i++) {
		uint8_t packet[PACKET] = { 0 };
		const struct sock_filter *code = sl_quic_short_bpf(others[i].family, &n);
		put_packet(&others[i], packet);
		assert_false(arrives(code, n, packet, sizeof(packet)));
	}
}

/* iptables reads "N,code jt jf k,..." and takes at most 64 instructions. */
static void test_text(void **state)
{
	char text[1024], want[1024];
	(void)state;
	for (int family = 4; family <= 6; family += 2) {
		size_t n = 0;
		const struct sock_filter *code = sl_payload_bpf(family, &n);
		struct sl_out o = sl_out_of(text, sizeof(text));
		sl_payload_bpf_text(family, &o);
		assert_false(o.overflow);
		assert_true(n <= 64);
		int len = snprintf(want, sizeof(want), "%zu,%u %u %u %u,", n, code[0].code, code[0].jt,
		                   code[0].jf, code[0].k);
		assert_memory_equal(text, want, (size_t)len);
	}
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(cases) + 2];
	for (size_t i = 0; i < SL_COUNT(cases); i++)
		tests[i] = (struct CMUnitTest){ cases[i].name, test_payload, NULL, NULL,
			                        (void *)(uintptr_t)&cases[i] };
	tests[SL_COUNT(cases)] = (struct CMUnitTest)cmocka_unit_test(test_text);
	tests[SL_COUNT(cases) + 1] = (struct CMUnitTest)cmocka_unit_test(test_quic_short);
	return _cmocka_run_group_tests("payload_bpf", tests, SL_COUNT(tests), NULL, NULL);
}
