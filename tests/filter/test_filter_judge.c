/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_filter_judge.c - flows that have no name of their own: the names that DNS answers taught, and destinations. Each row is a
 * string of packets, and a line of what came of them:
 *   ?HOST/PATH  the provider was asked; ?@: for the address alone      !CAUSE  a flow, or a request, ended unjudged
 *   =HOST       it was reported as taught                              P A B   the packet passes, is allowed, is blocked */
#include "filter/filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/out.h"
#include "base/util.h"
#include "filter/sniff_dns.h"

enum { STEPS = 8, LIFE_MS = 60000 };

enum op {
	NONE,
	ASK,    /* the client asks its resolver for name */
	ANSWER, /* which answers with an address, by way of an alias where `alias` says so */
	HELLO,  /* TLS without a name, and with one */
	NAMED,
	SSH,
	REQUEST, /* HTTP without a host */
	JUNK,    /* a datagram of no protocol */
	LATE,    /* bytes of a connection whose beginning was not seen */
};

struct step {
	enum op op;
	const char *name;
	uint8_t server; /* last byte of the address */
	uint8_t client; /* the same, added to the usual one */
	uint16_t id;
	uint16_t ttl; /* seconds; 0: 60 */
	int64_t ms;   /* that pass before */
	bool alias, v6, failed, damaged, stream;
};

static const struct row {
	const char *name;
	struct step step[STEPS];
	const char *want;
	bool off;       /* answers teach nothing */
	bool addresses; /* destinations are judged, too */
	uint32_t block;
	struct {
		enum sl_stat stat;
		uint64_t want;
	} count[3];
} rows[] = {
#define OP(what, ...)                   \
	{                               \
		.op = what, __VA_ARGS__ \
	}
#define LOOKUP(text, to) OP(ASK, .name = text), OP(ANSWER, .name = text, .server = (to))
	{ .name = "NE-CHOICE-06: a hello without a name is judged by the one that its client asked for",
	  .step = { LOOKUP("bad.example", 5), OP(HELLO, .server = 5) },
	  .want = "P | P | ?bad.example =bad.example B",
	  .count = { { SL_STAT_taught, 1 }, { SL_STAT_judged_taught, 1 }, { SL_STAT_blocked, 1 } } },
	{ .name = "and allowed by it",
	  .step = { LOOKUP("odd.example", 5), OP(HELLO, .server = 5) },
	  .want = "P | P | ?odd.example =odd.example A",
	  .count = { { SL_STAT_judged, 1 }, { SL_STAT_allowed, 1 } } },
	{ .name = "but not freed where it would be blocked: anybody can run a resolver",
	  .step = { LOOKUP("odd.example", 5), OP(HELLO, .server = 5) },
	  .want = "P | P | ?odd.example !no_name =odd.example B",
	  .block = 1U << SL_CAUSE_no_name },
	{ .name = "a hello with a name has its own",
	  .step = { LOOKUP("bad.example", 5), OP(NAMED, .name = "odd.example", .server = 5) },
	  .want = "P | P | ?odd.example A" },
	{ .name = "SSH is judged by the name",
	  .step = { LOOKUP("bad.example", 5), OP(SSH, .server = 5) },
	  .want = "P | P | ?bad.example =bad.example P B" },
	{ .name = "so is a datagram of no protocol",
	  .step = { LOOKUP("bad.example", 5), OP(JUNK, .server = 5) },
	  .want = "P | P | ?bad.example =bad.example B" },
	{ .name = "and a request without a host, with its path",
	  .step = { LOOKUP("odd.example", 5), OP(REQUEST, .name = "/x", .server = 5),
	            OP(REQUEST, .name = "/ads", .server = 5, .client = 0) },
	  .want = "P | P | ?odd.example/x =odd.example P | ?odd.example/ads =odd.example B",
	  .count = { { SL_STAT_judged, 1 }, { SL_STAT_judged_taught, 1 }, { SL_STAT_requests, 2 } } },
	{ .name = "a connection whose beginning was not seen is left alone",
	  .step = { LOOKUP("bad.example", 5), OP(LATE, .server = 5) },
	  .want = "P | P | !mid_flow A" },
	{ .name = "nothing is taught where the option is off",
	  .step = { LOOKUP("bad.example", 5), OP(HELLO, .server = 5) },
	  .want = "P | P | !no_name A",
	  .off = true },
	{ .name = "another client asked for nothing",
	  .step = { LOOKUP("bad.example", 5), OP(HELLO, .server = 5, .client = 1) },
	  .want = "P | P | !no_name A" },
	{ .name = "another address is not meant",
	  .step = { LOOKUP("bad.example", 5), OP(HELLO, .server = 6) },
	  .want = "P | P | !no_name A" },
	{ .name = "behind an alias the name that was asked is meant",
	  .step = { OP(ASK, .name = "bad.example"),
	            OP(ANSWER, .name = "bad.example", .server = 5, .alias = true), OP(HELLO, .server = 5) },
	  .want = "P | P | ?bad.example =bad.example B" },
	{ .name = "an answer that nobody asked for teaches nothing",
	  .step = { OP(ANSWER, .name = "bad.example", .server = 5), OP(HELLO, .server = 5) },
	  .want = "P | !no_name A" },
	{ .name = "nor does one with another id",
	  .step = { OP(ASK, .name = "bad.example"), OP(ANSWER, .name = "bad.example", .server = 5, .id = 1),
	            OP(HELLO, .server = 5) },
	  .want = "P | P | !no_name A" },
	{ .name = "nor one for another name",
	  .step = { OP(ASK, .name = "odd.example"), OP(ANSWER, .name = "bad.example", .server = 5),
	            OP(HELLO, .server = 5) },
	  .want = "P | P | !no_name A" },
	{ .name = "nor one to another client",
	  .step = { OP(ASK, .name = "bad.example"),
	            OP(ANSWER, .name = "bad.example", .server = 5, .client = 1),
	            OP(HELLO, .server = 5, .client = 1) },
	  .want = "P | P | !no_name A" },
	{ .name = "nor a second one",
	  .step = { LOOKUP("odd.example", 5), OP(ANSWER, .name = "odd.example", .server = 6),
	            OP(HELLO, .server = 6) },
	  .want = "P | P | P | !no_name A" },
	{ .name = "nor one that says that there is no such name",
	  .step = { OP(ASK, .name = "bad.example"),
	            OP(ANSWER, .name = "bad.example", .server = 5, .failed = true), OP(HELLO, .server = 5) },
	  .want = "P | P | !no_name A" },
	{ .name = "nor a damaged one",
	  .step = { OP(ASK, .name = "bad.example"),
	            OP(ANSWER, .name = "bad.example", .server = 5, .damaged = true), OP(HELLO, .server = 5) },
	  .want = "P | P | !no_name A" },
	{ .name = "nor one that came too late",
	  .step = { OP(ASK, .name = "bad.example"),
	            OP(ANSWER, .name = "bad.example", .server = 5, .ms = 10000), OP(HELLO, .server = 5) },
	  .want = "P | P | !no_name A" },
	{ .name = "nor a segment of TCP that looks like one",
	  .step = { OP(ASK, .name = "bad.example"),
	            OP(ANSWER, .name = "bad.example", .server = 5, .stream = true), OP(HELLO, .server = 5) },
	  .want = "P | P | !no_name A" },
	{ .name = "an address of the other family is opened from one that is not known",
	  .step = { OP(ASK, .name = "bad.example", .v6 = true),
	            OP(ANSWER, .name = "bad.example", .server = 5, .v6 = true), OP(HELLO, .server = 5) },
	  .want = "P | P | !no_name A",
	  .count = { { SL_STAT_packets, 3 } } },
	{ .name = "of two names at one address the last one counts",
	  .step = { LOOKUP("bad.example", 5), LOOKUP("odd.example", 5), OP(HELLO, .server = 5) },
	  .want = "P | P | P | P | ?odd.example =odd.example A" },
	{ .name = "a name is meant as long as its answer lives",
	  .step = { OP(ASK, .name = "bad.example"), OP(ANSWER, .name = "bad.example", .server = 5, .ttl = 20),
	            OP(HELLO, .server = 5, .ms = 19999), OP(HELLO, .server = 5, .client = 0, .ms = 1) },
	  .want = "P | P | ?bad.example =bad.example B | B" },
	{ .name = "and no longer",
	  .step = { OP(ASK, .name = "bad.example"), OP(ANSWER, .name = "bad.example", .server = 5, .ttl = 20),
	            OP(HELLO, .server = 5, .ms = 20000) },
	  .want = "P | P | !no_name A" },
	{ .name = "but ten seconds at the least",
	  .step = { OP(ASK, .name = "bad.example"), OP(ANSWER, .name = "bad.example", .server = 5, .ttl = 1),
	            OP(HELLO, .server = 5, .ms = 9999) },
	  .want = "P | P | ?bad.example =bad.example B" },
	{ .name = "and no longer than the option says",
	  .step = { OP(ASK, .name = "bad.example"),
	            OP(ANSWER, .name = "bad.example", .server = 5, .ttl = 50000),
	            OP(HELLO, .server = 5, .ms = LIFE_MS) },
	  .want = "P | P | !no_name A" },

	/* ---- addresses ---- */
	{ .name = "a hello without a name is judged by its destination",
	  .step = { OP(HELLO, .server = 66) },
	  .want = "?@ B",
	  .addresses = true,
	  .count = { { SL_STAT_judged, 1 }, { SL_STAT_blocked, 1 } } },
	{ .name = "a destination that no list names says nothing",
	  .step = { OP(HELLO, .server = 5) },
	  .want = "?@ !no_name A",
	  .addresses = true },
	{ .name = "one that a list allows frees what would be blocked",
	  .step = { OP(HELLO, .server = 77) },
	  .want = "?@ A",
	  .addresses = true,
	  .block = 1U << SL_CAUSE_no_name },
	{ .name = "so are SSH, datagrams and requests judged",
	  .step = { OP(SSH, .server = 66), OP(JUNK, .server = 66),
	            OP(REQUEST, .name = "/", .server = 66, .client = 1) },
	  .want = "?@ P B | ?@ B | ?@ B",
	  .addresses = true },
	{ .name = "and questions of DNS: the resolver is the destination",
	  .step = { OP(ASK, .name = "odd.example", .server = 66),
	            OP(ASK, .name = "odd.example", .server = 5) },
	  .want = "?@ B | ?@ P",
	  .addresses = true },
	{ .name = "a name that was taught is judged with it",
	  .step = { LOOKUP("odd.example", 66), OP(HELLO, .server = 66) },
	  .want = "?@ P | P | ?odd.example =odd.example A",
	  .addresses = true },
	{ .name = "a connection whose beginning was not seen is left alone there, too",
	  .step = { OP(LATE, .server = 66) },
	  .want = "!mid_flow A",
	  .addresses = true },
};

struct bench {
	struct sl_filter *filter;
	struct sl_dns_names *names;
	struct sl_filter_stats stats;
	struct sl_answer answer[4];
	struct sl_reset reset[4];
	struct sl_answers out;
	struct sl_mono now;
	char text[1024];
	struct sl_out log;
	uint32_t seq;
};

static void say(struct bench *b, const char *word, struct sl_bytes text)
{
	if (b->log.len > 0)
		sl_out_u8(&b->log, ' ');
	sl_out_str(&b->log, word);
	sl_out_bytes(&b->log, text.p, text.len);
}

/* 192.0.2.66 is on a block list, 192.0.2.77 on an allow list. */
static void judge(void *ctx, const struct sl_subject *s, struct sl_judgement *out)
{
	struct bench *b = ctx;
	if (s->host.p == NULL) {
		say(b, "?", SL_BYTES_LIT("@"));
		out->block = s->key->dst[3] == 66;
		out->told = s->key->dst[3] == 77;
		return;
	}
	say(b, "?", s->host);
	sl_out_bytes(&b->log, s->path.p, s->path.len);
	out->block = sl_bytes_equal(sl_bytes_first(s->host, 3), SL_BYTES_LIT("bad")) ||
	             sl_bytes_equal(sl_bytes_first(s->path, 4), SL_BYTES_LIT("/ads"));
}

/* The questions themselves are no news. */
static void report(void *ctx, const struct sl_report *r)
{
	struct bench *b = ctx;
	if (r->cause != SL_CAUSE_NONE && r->cause != SL_CAUSE_dns)
		say(b, "!", sl_bytes_str(sl_cause_name(r->cause)));
	if (r->taught)
		say(b, "=", r->host);
}

/* ---- what they send ---- */

static void put_name(struct sl_out *o, const char *name)
{
	for (size_t n; *name != '\0'; name += name[n] == '.' ? n + 1 : n) {
		n = strcspn(name, ".");
		sl_out_u8(o, (uint8_t)n);
		sl_out_bytes(o, name, n);
	}
	sl_out_u8(o, 0);
}

static void put_record(struct sl_out *o, uint16_t type, uint32_t ttl, uint16_t len)
{
	sl_out_u16(o, type);
	sl_out_u16(o, 1);
	sl_out_u32(o, ttl);
	sl_out_u16(o, len);
}

static void put_dns(struct sl_out *o, const struct step *s)
{
	uint16_t type = s->v6 ? SL_DNS_AAAA : SL_DNS_A;
	bool response = s->op == ANSWER;
	sl_out_u16(o, (uint16_t)(0x1200 + s->id));
	sl_out_u16(o, response ? (s->failed ? 0x8183 : 0x8180) : 0x0100);
	sl_out_u16(o, 1);
	sl_out_u16(o, response ? (s->alias ? 2 : 1) : 0);
	sl_out_u32(o, 0);
	put_name(o, s->name);
	sl_out_u16(o, type);
	sl_out_u16(o, 1);
	if (!response)
		return;
	sl_out_u16(o, 0xc00c); /* the name in the question */
	if (s->alias) {
		put_record(o, SL_DNS_CNAME, 3600, sizeof("\3cdn\7example"));
		put_name(o, "cdn.example");
		put_name(o, "cdn.example");
	}
	put_record(o, type, s->ttl == 0 ? 60 : s->ttl, s->v6 ? 16 : 4);
	sl_out_u32(o, 0xc0000200U + s->server);
	for (size_t i = 4; s->v6 && i < 16; i++)
		sl_out_u8(o, 0);
}

static void put_hello(struct sl_out *o, const char *name)
{
	uint16_t sni = name == NULL ? 0 : (uint16_t)(9 + strlen(name));
	uint16_t body = (uint16_t)(2 + 32 + 1 + 4 + 2 + 2 + sni);
	sl_out_u8(o, 22);
	sl_out_u16(o, 0x0301);
	sl_out_u16(o, (uint16_t)(4 + body));
	sl_out_u16(o, 0x0100);
	sl_out_u16(o, body);
	sl_out_u16(o, 0x0303);
	for (int i = 0; i < 32 + 1; i++)
		sl_out_u8(o, 0);
	sl_out_bytes(o, "\0\2\x13\1\1\0", 6);
	sl_out_u16(o, sni);
	if (name == NULL)
		return;
	sl_out_u16(o, 0);
	sl_out_u16(o, (uint16_t)(sni - 4));
	sl_out_u16(o, (uint16_t)(sni - 6));
	sl_out_u8(o, 0);
	sl_out_u16(o, (uint16_t)strlen(name));
	sl_out_str(o, name);
}

static void put_payload(struct sl_out *o, const struct step *s)
{
	switch (s->op) {
	case ASK:
	case ANSWER:
		put_dns(o, s);
		break;
	case HELLO:
	case NAMED:
		put_hello(o, s->name);
		break;
	case REQUEST:
		sl_out_fmt(o, "GET %s HTTP/1.1\r\n\r\n", s->name);
		break;
	case SSH:
	case LATE:
		sl_out_str(o, "SSH-2.0-x\r\n");
		break;
	case JUNK:
	case NONE:
	default:
		sl_out_str(o, "echo");
		break;
	}
}

static struct sl_packet packet_of(struct bench *b, const struct step *s, struct sl_bytes payload)
{
	bool dns = s->op == ASK || s->op == ANSWER;
	struct sl_packet pkt = {
		.key = { .src = { 10, 0, 0, (uint8_t)(9 + s->client) },
		         .dst = { 192, 0, 2, s->op == ANSWER || (dns && s->server == 0) ? 1 : s->server },
		         .sport = 40000,
		         .dport = dns             ? 53
		                  : s->op == JUNK ? 9
		                                  : 443,
		         .family = 4,
		         .proto = (dns && !s->stream) || s->op == JUNK ? SL_PROTO_UDP : SL_PROTO_TCP },
		.seq = b->seq,
		.flags = SL_TCP_ACK,
		.damaged = s->damaged,
		.payload = payload,
		.payload_len = (uint32_t)payload.len,
	};
	if (s->op == ANSWER)
		sl_flow_key_swap(&pkt.key);
	return pkt;
}

static void give(struct bench *b, const struct step *s, struct sl_packet *pkt)
{
	const struct sl_ticket ticket = { .id = 0 };
	if (s->op == ANSWER) {
		sl_filter_reply(b->filter, pkt, ticket, b->now, &b->out);
		return;
	}
	if (s->op == SSH) { /* with its SYN, so that nothing can come ahead of the first byte */
		struct sl_packet syn = *pkt;
		syn.flags = SL_TCP_SYN;
		syn.payload_len = 0;
		syn.payload = (struct sl_bytes){ NULL, 0 };
		sl_filter_packet(b->filter, &syn, ticket, true, b->now, &b->out);
	}
	sl_filter_packet(b->filter, pkt, ticket, s->op != LATE, b->now, &b->out);
}

/* The payload has a heap copy of its own, so that a byte too far is seen. */
static void run_step(struct bench *b, const struct step *s)
{
	static const char *const letter[] = { "P", "A", "B", "Q" };
	uint8_t mem[512];
	struct sl_out o = sl_out_of(mem, sizeof(mem));
	put_payload(&o, s);
	assert_false(o.overflow);
	uint8_t *copy = malloc(o.len);
	assert_non_null(copy);
	memcpy(copy, mem, o.len);
	struct sl_packet pkt = packet_of(b, s, sl_bytes_of(copy, o.len));
	b->now.us += s->ms * 1000;
	give(b, s, &pkt);
	b->seq += s->op == REQUEST ? pkt.payload_len : 0;
	free(copy);
	for (size_t i = 0; i < b->out.answers; i++)
		say(b, letter[b->answer[i].action], SL_BYTES_LIT(""));
	b->out.answers = b->out.resets = 0;
}

static void open_bench(struct bench *b, const struct row *row)
{
	struct sl_filter_cfg cfg = {
		.max_flows = 64,
		.max_streams = 4,
		.budget = 2048,
		.syns = true,
		.hold_limit = sl_span_ms(500),
		.flow_idle = sl_span_ms(120000),
		.seed = 5,
		.name_life = sl_span_ms(LIFE_MS),
	};
	const struct sl_provider provider = {
		.ctx = b, .judge = judge, .report = report, .addresses = row->addresses
	};
	for (size_t i = 0; i < SL_CAUSE_COUNT; i++)
		cfg.block[i] = (row->block >> i & 1) != 0;
	memset(b, 0, sizeof(*b));
	b->log = sl_out_of(b->text, sizeof(b->text) - 1);
	b->out = (struct sl_answers){ b->answer, 0, SL_COUNT(b->answer), b->reset, 0, SL_COUNT(b->reset) };
	b->seq = 1000;
	if (!row->off)
		assert_int_equal(sl_dns_names_new(64, 7, &b->names), SL_OK);
	cfg.names = b->names;
	assert_int_equal(sl_filter_new(&cfg, &provider, &b->stats, &b->filter), SL_OK);
}

static void test_row(void **state)
{
	const struct row *row = *state;
	static struct bench b;
	open_bench(&b, row);
	for (size_t i = 0; i < STEPS && row->step[i].op != NONE; i++) {
		if (i > 0)
			say(&b, "|", SL_BYTES_LIT(""));
		run_step(&b, &row->step[i]);
	}
	assert_false(b.log.overflow);
	b.text[b.log.len] = '\0';
	assert_string_equal(b.text, row->want);
	for (size_t i = 0; i < SL_COUNT(row->count) && row->count[i].want > 0; i++)
		assert_int_equal(b.stats.count[row->count[i].stat], row->count[i].want);
	sl_filter_free(&b.filter);
	sl_dns_names_free(&b.names);
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(rows)];
	for (size_t i = 0; i < SL_COUNT(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL,
			                        (void *)(uintptr_t)&rows[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
