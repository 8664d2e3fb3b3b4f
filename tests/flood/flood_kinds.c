/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "bench/wire.h"
#include "tests/flood/flood.h"
#include "tests/support/quic_text.h"

enum { MSS = 1400, HELLO = 517, HTTPS = 443, HTTP = 80, GROUP = 16, SERVER_SEQ = 1000, EPHEMERAL = 1024 };

/* ---- without a connection ---- */

static struct flood_packet datagram(struct flood *f, size_t len)
{
	static uint8_t junk[MSS];
	uint64_t r = flood_random(f);
	for (size_t i = 0; i < len; i += sizeof(uint64_t)) {
		uint64_t more = flood_random(f);
		memcpy(junk + i, &more, sl_min(sizeof(more), len - i));
	}
	return (struct flood_packet){ .server = (unsigned)(r % FLOOD_SERVERS),
		                      .sport = (uint16_t)(r >> 16),
		                      .dport = (uint16_t)(r >> 32 | 4096),
		                      .proto = IPPROTO_UDP,
		                      .payload = junk,
		                      .len = len };
}

static void send_syn(struct flood *f)
{
	uint64_t r = flood_random(f);
	flood_send(f, FLOOD_CLIENT,
	           &(struct flood_packet){ .server = (unsigned)(r % FLOOD_SERVERS),
	                                   .sport = (uint16_t)(r >> 16),
	                                   .dport = HTTPS,
	                                   .seq = (uint32_t)(r >> 32),
	                                   .flags = FLOOD_SYN,
	                                   .proto = IPPROTO_TCP });
}

static void send_tuple(struct flood *f)
{
	struct flood_packet p = datagram(f, 64);
	flood_send(f, FLOOD_CLIENT, &p);
}

/* Each from another address of the network, or of the client's /64. */
static void send_spoofed(struct flood *f)
{
	struct flood_packet p = datagram(f, 64);
	p.spoofed = flood_random(f) | 1;
	flood_send(f, FLOOD_CLIENT, &p);
}

/* Five-tuples that differ in few bits, and in the high ones: a hash that added or shifted them would put all in a few places. */
static void send_alike(struct flood *f)
{
	struct flood_packet p = datagram(f, 64);
	p.sport = (uint16_t)(f->step << 8);
	p.dport = (uint16_t)((f->step >> 8 & 0xff) << 8 | 53 << 2);
	p.server = (unsigned)(f->step >> 16) % FLOOD_SERVERS;
	flood_send(f, FLOOD_CLIENT, &p);
}

/* An Initial of version 1 with an id of its own (RFC 9000 §17.2.2): keys are made for each, and the packet does not open, which costs
 * as much as if it did. */
static void send_quic(struct flood *f)
{
	static uint8_t packet[1200];
	struct flood_packet p = datagram(f, sizeof(packet));
	memcpy(packet, p.payload, sizeof(packet));
	memcpy(packet, "\xc3\0\0\0\1\10", 6);
	memcpy(packet + 14, "\0\0\x44\x9e", 4); /* no source id, no token, length 1182 */
	p.payload = packet;
	p.dport = HTTPS;
	flood_send(f, FLOOD_CLIENT, &p);
}

/* The first fragment of a datagram of which no more comes. */
static void send_fragment(struct flood *f)
{
	struct flood_packet p = datagram(f, 64);
	p.fragment = 0x2000;
	p.id = (uint16_t)f->step;
	flood_send(f, FLOOD_CLIENT, &p);
}

/* Port unreachable, of a datagram that nobody sent (RFC 792). */
static void send_icmp(struct flood *f)
{
	uint8_t message[8 + 28] = { 3, 3 };
	struct flood_packet p = datagram(f, sizeof(message));
	uint8_t *quoted = message + 8;
	memcpy(quoted, p.payload, 28);
	quoted[0] = 0x45;
	sl_put16(quoted + 2, 28);
	quoted[9] = IPPROTO_UDP;
	sl_put16(quoted + 10, 0);
	sl_put16(quoted + 10, sl_wire_fold(sl_wire_sum(quoted, 20)));
	sl_put16(message + 2, sl_wire_fold(sl_wire_sum(message, sizeof(message))));
	p.proto = IPPROTO_ICMP;
	p.payload = message;
	flood_send(f, FLOOD_CLIENT, &p);
}

/* ---- with connections ---- */

struct connection {
	unsigned server;
	uint16_t sport, dport;
	uint32_t seq;
};

/* A group at a time, so that each SYN has gone on before its answer comes, and that before what follows. */
static void connect_group(struct flood *f, uint16_t dport, struct connection c[GROUP])
{
	for (unsigned i = 0; i < GROUP; i++) {
		uint64_t n = f->step * GROUP + i;
		c[i] = (struct connection){ (unsigned)(n % FLOOD_SERVERS),
			                    (uint16_t)(EPHEMERAL + n / FLOOD_SERVERS % 64000), dport,
			                    (uint32_t)flood_random(f) };
		flood_send(f, FLOOD_CLIENT,
		           &(struct flood_packet){ .server = c[i].server,
		                                   .sport = c[i].sport,
		                                   .dport = dport,
		                                   .seq = c[i].seq++,
		                                   .flags = FLOOD_SYN,
		                                   .proto = IPPROTO_TCP });
	}
	flood_flush(f);
	for (unsigned i = 0; i < GROUP; i++)
		flood_send(f, FLOOD_SERVER,
		           &(struct flood_packet){ .server = c[i].server,
		                                   .sport = dport,
		                                   .dport = c[i].sport,
		                                   .seq = SERVER_SEQ,
		                                   .ack = c[i].seq,
		                                   .flags = FLOOD_SYN | FLOOD_ACK,
		                                   .proto = IPPROTO_TCP });
	flood_flush(f);
}

static void send_bytes(struct flood *f, struct connection *c, const uint8_t *p, size_t len)
{
	flood_send(f, FLOOD_CLIENT,
	           &(struct flood_packet){ .server = c->server,
	                                   .sport = c->sport,
	                                   .dport = c->dport,
	                                   .seq = c->seq,
	                                   .ack = SERVER_SEQ + 1,
	                                   .flags = FLOOD_ACK | FLOOD_PSH,
	                                   .proto = IPPROTO_TCP,
	                                   .payload = p,
	                                   .len = len });
	c->seq += (uint32_t)len;
}

static const uint8_t *hello(void)
{
	static uint8_t bytes[HELLO];
	if (bytes[0] == 0) {
		struct sl_out o = sl_out_of(bytes + 5, HELLO - 5);
		quic_text_hello("flood.allowed.example", HELLO - 5, &o);
		memcpy(bytes, "\x16\3\1\2\0", 5);
	}
	return bytes;
}

/* Slowloris: the first half of a hello, and never more. */
static void send_half_hellos(struct flood *f)
{
	struct connection c[GROUP];
	connect_group(f, HTTPS, c);
	for (unsigned i = 0; i < GROUP; i++)
		send_bytes(f, &c[i], hello(), HELLO / 2);
	flood_flush(f);
}

/* Byte by byte, but for the last. */
static void send_segments(struct flood *f)
{
	struct connection c[GROUP];
	connect_group(f, HTTPS, c);
	for (size_t at = 0; at < 100; at++)
		for (unsigned i = 0; i < GROUP; i++)
			send_bytes(f, &c[i], hello() + at, 1);
	flood_flush(f);
}

/* A hello of 64 KiB in records of 16 KiB, of which the head never ends. */
static void send_giants(struct flood *f)
{
	static uint8_t record[MSS];
	struct connection c[GROUP];
	memcpy(record, "\x16\3\1\x40\0\1\0\xff\xfc\3\3", 11);
	connect_group(f, HTTPS, c);
	for (size_t at = 0; at < 65536; at += MSS)
		for (unsigned i = 0; i < GROUP; i++)
			send_bytes(f, &c[i], at == 0 ? record : record + 16, at == 0 ? MSS : MSS - 16);
	flood_flush(f);
}

/* Requests in a row, as many as a segment holds. */
static void send_requests(struct flood *f)
{
	static const char request[] = "GET /x HTTP/1.1\r\nHost: a.allowed.example\r\n\r\n";
	static uint8_t segment[MSS];
	struct connection c[GROUP];
	size_t len = 0;
	for (; len + sizeof(request) - 1 <= MSS; len += sizeof(request) - 1)
		memcpy(segment + len, request, sizeof(request) - 1);
	connect_group(f, HTTP, c);
	for (unsigned n = 0; n < 40; n++)
		for (unsigned i = 0; i < GROUP; i++)
			send_bytes(f, &c[i], segment, len);
	flood_flush(f);
}

static const struct flood_kind kinds[] = {
	{ "syn", send_syn },           { "half-hellos", send_half_hellos },
	{ "segments", send_segments }, { "giants", send_giants },
	{ "requests", send_requests }, { "tuples", send_tuple },
	{ "alike", send_alike },       { "spoofed", send_spoofed },
	{ "quic", send_quic },         { "fragments", send_fragment },
	{ "icmp", send_icmp },
};

const struct flood_kind *flood_kind_of(const char *name)
{
	for (size_t i = 0; i < SL_COUNT(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

void flood_print_kinds(void)
{
	for (size_t i = 0; i < SL_COUNT(kinds); i++)
		(void)fprintf(stderr, " %s", kinds[i].name);
}
