/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conversations, packet by packet, and what the filter makes of them, written as a line of text: for each step what
 * happened, in order, with " | " between steps.
 *   ?HOST/PATH  the provider was asked      !CAUSE  a flow, or a request, ended unjudged
 *   P1 A2 B3 Q4 packet 1 passes, packet 2 is allowed, packet 3 is blocked, packet 4 is allowed and QUIC      R60  a reset at byte 60 */
#include "filter/filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/out.h"
#include "base/util.h"
#include "tests/support/h2_text.h"
#include "tests/support/quic_text.h"

enum {
	BUDGET = 2048,
	STREAMS = 4,
	HELD = 8,
	FLOWS = 64,
	HOLD_MS = 500,
	IDLE_MS = 120000,
	STEPS = 10,
	HOPS = 63
};

/* ---- what clients send ---- */

#define GET(host, path) "GET " path " HTTP/1.1\r\nHost: " host "\r\n\r\n"
#define GET_ODD         GET("odd.example", "/") /* 37 bytes */
#define GET_BAD         GET("bad.example", "/")
/* A question for NAME.example, A, IN: 29 bytes where NAME has three. */
#define DNS_REST(name)  "\1\0\0\1\0\0\0\0\0\0" name "\7example\0\0\1\0\1"
#define DNS_QUERY(name) "\x12\x34" DNS_REST(name)
#define H2_ODD          ":method=GET :path=/ :authority=odd.example"
#define H2_BAD          ":method=GET :path=/ :authority=bad.example"
#define LEN(text)       (sizeof(text) - 1)

enum msg {
	MSG_TEXT, /* none of these: the step's own text */
	MSG_ODD,  /* TLS hellos; the server name stands in bytes 61 to 72 */
	MSG_BAD,
	MSG_NAMELESS,
	MSG_BIG,      /* bad.example, 1800 bytes as with a post-quantum key share */
	MSG_HUGE,     /* beyond the budget */
	MSG_ECH,      /* odd.example, and a sealed hello behind it */
	MSG_ECH_BAD,  /* bad.example, the same */
	MSG_ECH_TOLD, /* told.example, the same */
	MSG_DTLS_ODD, /* DTLS: a hello in one record */
	MSG_DTLS_BAD,
	MSG_DTLS_BAD2, /* with message_seq 1 */
	MSG_DTLS_ODD2,
	MSG_DTLS_NONE, /* no name */
	MSG_DTLS_HEAD, /* bad.example: the first 60 bytes of it, as a fragment */
	MSG_DTLS_TAIL, /* and the others */
	MSG_RECORDS,   /* bad.example, in records of 20 bytes */
	MSG_ZEROS,     /* of no protocol */
	MSG_LENGTH,    /* a long head, a body that is longer than the budget, and a request to bad.example */
	MSG_CHUNKS,    /* the same, chunked */
	MSG_COUNT,
};

static struct sl_out msgs[MSG_COUNT];

static void put_zeros(struct sl_out *o, size_t n)
{
	while (n-- > 0)
		sl_out_u8(o, 0);
}

/* A handshake message in records of at most `record` bytes; `pad` bytes of padding (RFC 7685) make it long. */
static void make_hello(enum msg which, const char *name, size_t pad, size_t record)
{
	static uint8_t mem[8192];
	struct sl_out body = sl_out_of(mem, sizeof(mem)), *o = &msgs[which];
	size_t sni = name == NULL ? 0 : 9 + strlen(name);
	bool ech = which == MSG_ECH || which == MSG_ECH_BAD || which == MSG_ECH_TOLD;
	size_t sealed = ech ? 4 + 10 + 32 + 144 : 0;
	size_t ext = sni + 9 + 7 + sealed + 4 + pad;
	sl_out_u8(&body, 1);
	sl_out_u8(&body, 0);
	sl_out_u16(&body, (uint16_t)(2 + 32 + 1 + 4 + 2 + 2 + ext));
	sl_out_u16(&body, 0x0303);
	put_zeros(&body, 32 + 1); /* random; no session id */
	sl_out_u16(&body, 2);
	sl_out_u16(&body, 0x1301);
	sl_out_u16(&body, 0x0100); /* one method: null */
	sl_out_u16(&body, (uint16_t)ext);
	if (name != NULL) {
		sl_out_u16(&body, 0);
		sl_out_u16(&body, (uint16_t)(sni - 4));
		sl_out_u16(&body, (uint16_t)(sni - 6));
		sl_out_u8(&body, 0);
		sl_out_u16(&body, (uint16_t)strlen(name));
		sl_out_str(&body, name);
	}
	sl_out_bytes(&body, "\0\x10\0\5\0\3\2h2", 9); /* ALPN */
	sl_out_bytes(&body, "\0\x2b\0\3\2\3\4", 7);   /* supported_versions */
	if (ech) {
		sl_out_u16(&body, 0xfe0d);
		sl_out_u16(&body, 10 + 32 + 144);
		sl_out_bytes(&body, "\0\0\1\0\1\7\0\x20", 8); /* outer, a suite, a configuration, a key */
		put_zeros(&body, 32);
		sl_out_u16(&body, 144);
		put_zeros(&body, 144);
	}
	sl_out_u16(&body, 21);
	sl_out_u16(&body, (uint16_t)pad);
	put_zeros(&body, pad);
	assert_false(body.overflow);
	for (size_t at = 0; at < body.len; at += record) {
		struct sl_bytes part = sl_bytes_first(sl_bytes_of(body.p + at, body.len - at), record);
		sl_out_u8(o, 22);
		sl_out_u16(o, 0x0301);
		sl_out_u16(o, (uint16_t)part.len);
		sl_out_bytes(o, part.p, part.len);
	}
}

/* A ClientHello of DTLS 1.2 in a record of its own: bytes from..to of its body (RFC 6347 §4.2.2). */
static void make_dtls(enum msg which, const char *name, uint16_t seq, size_t from, size_t to)
{
	uint8_t mem[512];
	struct sl_out body = sl_out_of(mem, sizeof(mem)), *o = &msgs[which];
	size_t ext = name == NULL ? 0 : 9 + strlen(name);
	sl_out_u16(&body, 0xfefd);
	put_zeros(&body, 32 + 1);
	sl_out_bytes(&body, "\2ck\0\2\x13\1\1\0", 9); /* cookie, suite, method */
	sl_out_u16(&body, (uint16_t)ext);
	if (name != NULL) {
		sl_out_u16(&body, 0);
		sl_out_u16(&body, (uint16_t)(ext - 4));
		sl_out_u16(&body, (uint16_t)(ext - 6));
		sl_out_u8(&body, 0);
		sl_out_u16(&body, (uint16_t)strlen(name));
		sl_out_str(&body, name);
	}
	assert_false(body.overflow);
	struct sl_bytes part = sl_bytes_skip(sl_bytes_of(body.p, to > 0 ? to : body.len), from);
	sl_out_bytes(o, "\x16\xfe\xfd\0\0\0\0\0\0\0\0", 11);
	sl_out_u16(o, (uint16_t)(12 + part.len));
	sl_out_u16(o, 0x0100);
	sl_out_u16(o, (uint16_t)body.len);
	sl_out_u16(o, seq);
	sl_out_u8(o, 0);
	sl_out_u16(o, (uint16_t)from);
	sl_out_u8(o, 0);
	sl_out_u16(o, (uint16_t)part.len);
	sl_out_bytes(o, part.p, part.len);
}

static void put_long_head(struct sl_out *o, const char *framing)
{
	sl_out_str(o, "POST / HTTP/1.1\r\nHost: odd.example\r\nX: ");
	for (int i = 0; i < 1500; i++)
		sl_out_u8(o, 'x');
	sl_out_fmt(o, "\r\n%s\r\n\r\n", framing);
}

static int make_msgs(void **state)
{
	static uint8_t mem[MSG_COUNT][16384];
	(void)state;
	for (size_t i = 0; i < MSG_COUNT; i++)
		msgs[i] = sl_out_of(mem[i], sizeof(mem[i]));
	make_hello(MSG_ODD, "odd.example", 64, 16384);
	make_hello(MSG_BAD, "bad.example", 64, 16384);
	make_hello(MSG_NAMELESS, NULL, 64, 16384);
	make_hello(MSG_BIG, "bad.example", 1680, 16384);
	make_hello(MSG_HUGE, "bad.example", 3000, 16384);
	make_hello(MSG_RECORDS, "bad.example", 64, 20);
	make_hello(MSG_ECH, "odd.example", 64, 16384);
	make_hello(MSG_ECH_BAD, "bad.example", 64, 16384);
	make_hello(MSG_ECH_TOLD, "told.example", 64, 16384);
	make_dtls(MSG_DTLS_ODD, "odd.example", 0, 0, 0);
	make_dtls(MSG_DTLS_BAD, "bad.example", 0, 0, 0);
	make_dtls(MSG_DTLS_BAD2, "bad.example", 1, 0, 0);
	make_dtls(MSG_DTLS_ODD2, "odd.example", 1, 0, 0);
	make_dtls(MSG_DTLS_NONE, NULL, 0, 0, 0);
	make_dtls(MSG_DTLS_HEAD, "bad.example", 0, 0, 60);
	make_dtls(MSG_DTLS_TAIL, "bad.example", 0, 60, 0);
	put_zeros(&msgs[MSG_ZEROS], 3000);
	put_long_head(&msgs[MSG_LENGTH], "Content-Length: 3000");
	put_zeros(&msgs[MSG_LENGTH], 3000);
	sl_out_str(&msgs[MSG_LENGTH], GET_BAD);
	put_long_head(&msgs[MSG_CHUNKS], "Transfer-Encoding: chunked");
	for (int i = 0; i < 400; i++)
		sl_out_str(&msgs[MSG_CHUNKS], "3;x=y\r\nabc\r\n");
	sl_out_str(&msgs[MSG_CHUNKS], "0\r\n\r\n" GET_BAD);
	for (size_t i = 0; i < MSG_COUNT; i++)
		assert_false(msgs[i].overflow);
	return 0;
}

/* ---- the bench ---- */

struct bench {
	struct sl_filter *filter;
	struct sl_filter_stats stats;
	struct sl_answer answer[FLOWS + HELD];
	struct sl_reset reset[FLOWS];
	struct sl_answers out;
	struct sl_mono now;
	uint32_t isn; /* sequence number of byte 0 */
	enum sl_ech_rule ech;
	struct sl_syns *copies;
	char text[8192];
	struct sl_out log;
	struct sl_report last; /* its views are not valid any more */
	uint32_t reports;
};

static void say(struct bench *b, const char *fmt, ...) SL_PRINTF(2, 3);

static void say(struct bench *b, const char *fmt, ...)
{
	char word[512];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(word, sizeof(word), fmt, ap);
	va_end(ap);
	if (b->log.len > 0 && b->log.p[b->log.len - 1] != ' ')
		sl_out_str(&b->log, " ");
	sl_out_str(&b->log, word);
	assert_false(b->log.overflow);
}

/* Hosts that begin with "told" are allowed by name, those that begin with "bad" are blocked, and so are paths that begin with "/ads". */
static void judge(void *ctx, const struct sl_subject *s, struct sl_judgement *out)
{
	struct bench *b = ctx;
	char port[8] = "";
	if (s->port != s->key->dport)
		(void)snprintf(port, sizeof(port), ":%u", s->port);
	say(b, "?%.*s%s%.*s", (int)s->host.len, (const char *)s->host.p, port, (int)s->path.len,
	    s->path.p == NULL ? "" : (const char *)s->path.p);
	out->block = sl_bytes_equal(sl_bytes_first(s->host, 3), SL_BYTES_LIT("bad")) ||
	             sl_bytes_equal(sl_bytes_first(s->path, 4), SL_BYTES_LIT("/ads"));
	out->told = sl_bytes_equal(sl_bytes_first(s->host, 4), SL_BYTES_LIT("told"));
	out->line = 42;
	out->ech = b->ech;
}

static void report(void *ctx, const struct sl_report *r)
{
	struct bench *b = ctx;
	if (r->cause != SL_CAUSE_NONE)
		say(b, "!%s", sl_cause_name(r->cause));
	b->last = *r;
	b->reports++;
}

static bool find_copy(void *ctx, const struct sl_flow_key *key, struct sl_syn *out)
{
	return sl_syns_take(ctx, key, out);
}

enum syns { SYNS_NONE, SYNS_QUEUED, SYNS_COPIED };

static void open_bench_with(struct bench *b, enum sl_hold hold, enum syns syns, uint32_t block, uint32_t isn)
{
	struct sl_filter_cfg cfg = {
		.max_flows = FLOWS,
		.max_streams = STREAMS,
		.max_held = HELD,
		.budget = BUDGET,
		.hold = hold,
		.syns = syns == SYNS_QUEUED,
		.hold_limit = sl_span_ms(HOLD_MS),
		.flow_idle = sl_span_ms(IDLE_MS),
		.seed = 5,
	};
	struct sl_provider provider = { .ctx = b, .judge = judge, .report = report };
	for (size_t i = 0; i < SL_CAUSE_COUNT; i++)
		cfg.block[i] = (block >> i & 1) != 0;
	memset(b, 0, sizeof(*b));
	if (syns == SYNS_COPIED) {
		assert_int_equal(sl_syns_new(64, 5, &b->copies), SL_OK);
		cfg.find_syn = find_copy;
		cfg.syn_ctx = b->copies;
	}
	b->log = sl_out_of(b->text, sizeof(b->text) - 1);
	b->out = (struct sl_answers){ b->answer, 0, SL_COUNT(b->answer), b->reset, 0, SL_COUNT(b->reset) };
	b->isn = isn;
	assert_int_equal(sl_filter_new(&cfg, &provider, &b->stats, &b->filter), SL_OK);
}

static void open_bench(struct bench *b, enum sl_hold hold, uint32_t block, uint32_t isn)
{
	open_bench_with(b, hold, SYNS_NONE, block, isn);
}

static void close_bench(struct bench *b)
{
	sl_filter_free(&b->filter);
	assert_null(b->filter);
	sl_syns_free(&b->copies);
}

/* Writes down what was answered. */
static void drain(struct bench *b)
{
	static const char letter[] = { 'P', 'A', 'B', 'Q' };
	for (size_t i = 0; i < b->out.answers; i++)
		say(b, "%c%u", letter[b->answer[i].action], b->answer[i].ticket.id);
	for (size_t i = 0; i < b->out.resets; i++)
		say(b, "R%d", (int32_t)(b->reset[i].seq - b->isn));
	b->out.answers = b->out.resets = 0;
}

static struct sl_packet packet_of(const struct bench *b, struct sl_bytes payload, int32_t at)
{
	return (struct sl_packet){
		.key = { .src = { 10, 0, 0, 9 },
		         .dst = { 10, 0, 0, 1 },
		         .sport = 40000,
		         .dport = 80,
		         .family = 4,
		         .proto = SL_PROTO_TCP },
		.seq = b->isn + (uint32_t)at,
		.flags = SL_TCP_ACK,
		.ttl = HOPS,
		.payload = payload,
		.payload_len = (uint32_t)payload.len,
	};
}

static void give(struct bench *b, const struct sl_packet *pkt, uint32_t id, bool start_seen)
{
	sl_filter_packet(b->filter, pkt, (struct sl_ticket){ .id = id }, start_seen, b->now, &b->out);
}

/* The payload has a heap copy of its own, so that a byte too far is seen. */
static void give_copy(struct bench *b, struct sl_packet pkt, uint32_t id, bool start_seen)
{
	uint8_t *copy = malloc(pkt.payload.len == 0 ? 1 : pkt.payload.len);
	assert_non_null(copy);
	if (pkt.payload.p != NULL)
		memcpy(copy, pkt.payload.p, pkt.payload.len);
	pkt.payload.p = copy;
	give(b, &pkt, id, start_seen);
	free(copy);
}

/* ---- conversations ---- */

enum op { OP_PACKET, OP_COPY, OP_TICK, OP_RELEASE };
struct step {
	enum op op;
	enum msg msg;
	const char *text;
	const char *quic; /* as tests/support/quic_text.h says, of hellos to bad.example and odd.example */
	const char *h2;   /* as tests/support/h2_text.h says */
	bool nameless;    /* the second one has no name */
	size_t from, to;  /* of msg; to = 0: its end */
	size_t len;       /* of text */
	bool placed;   /* at `at`; else a text stands after the packet before, a msg where it would stand */
	int32_t at;    /* sequence number, counted from the first one */
	uint32_t cut;  /* bytes at its end that were not copied */
	uint32_t ms;   /* that pass before */
	uint16_t port; /* of the client, added to the usual one */
	uint32_t ack;  /* what the server sent so far */
	uint16_t to_port;                           /* of the server, where it is not the usual one */
	bool udp, syn, late;                        /* late: the start was not seen */
	bool fresh;                                 /* of a SYN: the kernel knew of no connection */
	bool damaged, signature, urgent, rst, bare; /* bare: no flag at all */
	uint8_t fewer;                              /* hops left than others have */
};

#define T(bytes, ...)                                           \
	{                                                       \
		.text = (bytes), .len = LEN(bytes), __VA_ARGS__ \
	}
#define M(which, a, z, ...)                                             \
	{                                                               \
		.msg = MSG_##which, .from = (a), .to = (z), __VA_ARGS__ \
	}
#define Q(words, ...)                                     \
	{                                                 \
		.quic = (words), .udp = true, __VA_ARGS__ \
	}
#define H2(words, ...)                     \
	{                                  \
		.h2 = (words), __VA_ARGS__ \
	}
#define AT(seq) .placed = true, .at = (seq)
#define TICK(after)                          \
	{                                    \
		.op = OP_TICK, .ms = (after) \
	}
/* A copy of a SYN, which the queue does not show. */
#define COPY(...)                            \
	{                                    \
		.op = OP_COPY, ##__VA_ARGS__ \
	}
#define RELEASE                  \
	{                        \
		.op = OP_RELEASE \
	}
#define BLOCK(cause) (1U << SL_CAUSE_##cause)

struct row {
	const char *name;
	struct step step[STEPS];
	const char *want;
	enum sl_hold hold;
	bool syns;            /* every SYN comes */
	bool copies;          /* a copy of it does */
	uint32_t block;       /* causes that block */
	enum sl_ech_rule ech; /* of the client's group */
	struct {
		enum sl_stat stat;
		uint64_t want;
	} count[3]; /* up to the first that wants 0 */
};

#include "tests/filter/filter_rows.h"

static struct sl_bytes quic_datagram(const struct step *s)
{
	static uint8_t mem[65536], hello[2][4096];
	struct sl_out to = sl_out_of(mem, sizeof(mem));
	struct sl_out bad = sl_out_of(hello[0], sizeof(hello[0])),
	              odd = sl_out_of(hello[1], sizeof(hello[1]));
	quic_text_hello("bad.example", s->msg == MSG_HUGE ? BUDGET + 1 : 160, &bad);
	quic_text_hello(s->nameless ? NULL : "odd.example", 160, &odd);
	quic_text(s->quic, sl_bytes_of(bad.p, bad.len), sl_bytes_of(odd.p, odd.len), &to);
	return sl_bytes_of(to.p, to.len);
}

static struct sl_bytes h2_bytes(const struct step *s)
{
	static uint8_t mem[65536];
	struct sl_out to = sl_out_of(mem, sizeof(mem));
	h2_text(s->h2, &to);
	struct sl_bytes all = sl_bytes_of(to.p, s->to > 0 ? s->to : to.len);
	return sl_bytes_skip(all, s->from);
}

static struct sl_packet step_packet(const struct bench *b, const struct step *s, int32_t next)
{
	struct sl_bytes all = sl_bytes_of(s->text, s->len);
	if (s->quic != NULL) {
		all = quic_datagram(s);
	} else if (s->h2 != NULL) {
		all = h2_bytes(s);
	} else if (s->msg != MSG_TEXT) {
		all = sl_bytes_of(msgs[s->msg].p, s->to > 0 ? s->to : msgs[s->msg].len);
		all = sl_bytes_skip(all, s->from);
	}
	int32_t natural = s->msg == MSG_TEXT ? next : (int32_t)s->from;
	struct sl_packet pkt = packet_of(b, all, s->placed ? s->at : natural);
	pkt.key.sport = (uint16_t)(pkt.key.sport + s->port);
	if (s->to_port != 0)
		pkt.key.dport = s->to_port;
	pkt.key.proto = s->udp ? SL_PROTO_UDP : SL_PROTO_TCP;
	pkt.flags = s->syn ? SL_TCP_SYN : s->bare ? 0 : SL_TCP_ACK;
	pkt.flags |= (uint8_t)((s->rst ? SL_TCP_RST : 0) | (s->urgent ? SL_TCP_URG : 0));
	pkt.damaged = s->damaged;
	pkt.has_signature = s->signature;
	pkt.ack = b->isn + s->ack;
	pkt.payload.len -= s->cut;
	pkt.ttl = (uint8_t)(HOPS - s->fewer);
	return pkt;
}

static void run_step(struct bench *b, const struct step *s, uint32_t id, int32_t *next)
{
	b->now.us += (int64_t)s->ms * 1000;
	if (s->op == OP_TICK) {
		sl_filter_tick(b->filter, b->now, &b->out);
	} else if (s->op == OP_RELEASE) {
		sl_filter_release(b->filter, b->now, &b->out);
	} else if (s->op == OP_COPY) {
		struct sl_packet syn = step_packet(b, s, *next);
		assert_true(sl_syns_put(b->copies, &syn.key, syn.seq, syn.ttl, s->fresh, b->now));
	} else {
		struct sl_packet pkt = step_packet(b, s, *next);
		*next = (int32_t)(pkt.seq - b->isn + pkt.payload_len);
		give_copy(b, pkt, id, s->syn ? s->fresh : !s->late);
	}
	drain(b);
}

static void run_row(const struct row *row, uint32_t isn)
{
	static struct bench b;
	int32_t next = 0;
	enum syns syns = row->syns ? SYNS_QUEUED : row->copies ? SYNS_COPIED : SYNS_NONE;
	open_bench_with(&b, row->hold, syns, row->block, isn);
	b.ech = row->ech;
	for (uint32_t i = 0; i < STEPS; i++) {
		const struct step *s = &row->step[i];
		if (s->op == OP_PACKET && s->text == NULL && s->msg == MSG_TEXT && s->quic == NULL &&
		    s->h2 == NULL)
			break;
		if (i > 0)
			say(&b, "|");
		run_step(&b, s, i + 1, &next);
	}
	b.text[b.log.len] = '\0';
	assert_string_equal(b.text, row->want);
	for (size_t i = 0; i < SL_COUNT(row->count) && row->count[i].want > 0; i++)
		assert_int_equal(b.stats.count[row->count[i].stat], row->count[i].want);
	close_bench(&b);
}

/* Thrice: in the midst of the sequence numbers, round their end, and round the change of their sign. */
static void test_row(void **state)
{
	run_row(*state, 100000000);
	run_row(*state, UINT32_MAX - 20);
	run_row(*state, INT32_MAX - 20U);
}

/* ---- splits ---- */

static const struct split {
	const char *name;
	enum msg msg;
	const char *text;
	size_t swap_from; /* a tail that begins in the method is a request by itself */
} splits[] = {
	{ "a hello may be split anywhere, in any order", MSG_BAD, NULL, 0 },
	{ "a hello over records may be split anywhere, in any order", MSG_RECORDS, NULL, 0 },
	{ "a large hello may be split anywhere, in any order", MSG_BIG, NULL, 0 },
	{ "a request may be split anywhere, in any order", MSG_TEXT, GET_BAD, 4 },
	{ "a request with an absolute target may be split anywhere, in any order", MSG_TEXT,
	  "GET http://bad.example/ HTTP/1.1\r\nHost: bad.example\r\nUser-Agent: x y\r\nAccept: */*\r\n\r\n",
	  4 },
};

static void run_split(struct bench *b, struct sl_bytes all, size_t at, enum sl_hold hold, bool swap)
{
	struct sl_bytes part[2] = { sl_bytes_first(all, at), sl_bytes_skip(all, at) };
	open_bench(b, hold, 0, UINT32_MAX - 50);
	for (size_t i = 0; i < 2; i++) {
		size_t p = swap ? 1 - i : i;
		give_copy(b, packet_of(b, part[p], p == 0 ? 0 : (int32_t)at), (uint32_t)i, true);
		assert_int_equal(b->out.answers, hold == SL_HOLD_ALL ? (i == 0 ? 0 : 2) : i + 1);
	}
	assert_int_equal(b->answer[0].action, hold == SL_HOLD_ALL ? SL_ACTION_BLOCK : SL_ACTION_PASS);
	assert_int_equal(b->answer[1].action, SL_ACTION_BLOCK);
	assert_int_equal(b->out.resets, 1);
	assert_int_equal(b->reset[0].seq, b->isn + (uint32_t)(swap || hold == SL_HOLD_ALL ? 0 : at));
	close_bench(b);
}

static void test_split(void **state)
{
	static struct bench b;
	const struct split *s = *state;
	struct sl_bytes all =
	        s->msg == MSG_TEXT ? sl_bytes_str(s->text) : sl_bytes_of(msgs[s->msg].p, msgs[s->msg].len);
	for (size_t at = 1; at < all.len; at++) {
		for (enum sl_hold hold = SL_HOLD_LAST; hold <= SL_HOLD_ALL; hold++) {
			run_split(&b, all, at, hold, false);
			if (at >= s->swap_from)
				run_split(&b, all, at, hold, true);
		}
	}
	open_bench(&b, SL_HOLD_LAST, 0, 7); /* and byte by byte */
	for (size_t i = 0; i < all.len; i++) {
		b.out.answers = 0;
		give_copy(&b, packet_of(&b, sl_bytes_first(sl_bytes_skip(all, i), 1), (int32_t)i), 0, true);
		assert_int_equal(b.out.answers, 1);
		assert_int_equal(b.answer[0].action, i + 1 < all.len ? SL_ACTION_PASS : SL_ACTION_BLOCK);
	}
	assert_int_equal(b.reset[0].seq, 7 + all.len - 1);
	close_bench(&b);
}

/* ---- what needs more packets than a row has ---- */

static struct sl_bytes bad_piece(size_t from, size_t to)
{
	return sl_bytes_skip(sl_bytes_of(msgs[MSG_BAD].p, to), from);
}

static void give_from(struct bench *b, uint16_t port, struct sl_bytes payload, uint32_t id)
{
	struct sl_packet pkt = packet_of(b, payload, 0);
	pkt.key.sport = port;
	give(b, &pkt, id, true);
}

/* What could have been sent in place of the hello would have to be read by now. */
static void lets_a_watched_flow_go_when_it_is_a_window_further(void **state)
{
	static struct bench b;
	struct sl_packet pkt;
	int32_t at = 0;
	(void)state;
	open_bench_with(&b, SL_HOLD_LAST, SYNS_COPIED, 0, UINT32_MAX - 50);
	pkt = packet_of(&b, (struct sl_bytes){ NULL, 0 }, 0);
	assert_true(sl_syns_put(b.copies, &pkt.key, pkt.seq, HOPS, false, b.now));
	pkt = packet_of(&b, sl_bytes_of(msgs[MSG_ODD].p, msgs[MSG_ODD].len), 0);
	for (; at <= 16 << 20; at += 60000) {
		pkt.ttl = HOPS - 1;
		give_copy(&b, pkt, 0, true);
		assert_int_equal(b.out.answers, 1);
		assert_int_equal(b.answer[0].action, SL_ACTION_PASS);
		b.out.answers = 0;
		pkt = packet_of(&b, SL_BYTES_LIT("x"), at + 60000);
	}
	give_copy(&b, pkt, 0, true);
	assert_int_equal(b.answer[0].action, SL_ACTION_ALLOW);
	assert_int_equal(b.stats.count[SL_STAT_watched], 1);
	close_bench(&b);
}

static void fill_table(struct bench *b, uint16_t first_port)
{
	for (unsigned i = 0; i < FLOWS; i++)
		give_from(b, (uint16_t)(first_port + i), sl_bytes_of(msgs[MSG_ODD].p, msgs[MSG_ODD].len), 99);
	b->out.answers = 0;
}

static void counts_an_open_flow_that_is_put_out(void **state)
{
	static struct bench b;
	(void)state;
	open_bench(&b, SL_HOLD_LAST, BLOCK(memory), 1);
	give_from(&b, 1, bad_piece(0, 60), 1);
	fill_table(&b, 1000);
	assert_int_equal(b.stats.count[SL_STAT_evicted], 1);
	assert_int_equal(b.stats.count[SL_STAT_evicted_undecided], 1);
	assert_int_equal(b.stats.unjudged_allowed[SL_CAUSE_memory], 1); /* its piece has passed */
	give_from(&b, 1, bad_piece(60, 70), 2);                         /* a flow that was decided goes */
	assert_int_equal(b.stats.count[SL_STAT_evicted], 2);
	assert_int_equal(b.stats.count[SL_STAT_evicted_undecided], 1);
	close_bench(&b);
}

static void answers_the_held_packets_of_a_flow_that_is_put_out(void **state)
{
	static struct bench b;
	(void)state;
	for (uint32_t block = 0; block < 2; block++) {
		open_bench(&b, SL_HOLD_ALL, block == 0 ? 0 : BLOCK(memory), 1);
		give_from(&b, 1, bad_piece(0, 30), 1);
		assert_int_equal(sl_filter_held(b.filter), 1);
		fill_table(&b, 1000);
		assert_int_equal(sl_filter_held(b.filter), 0);
		assert_int_equal(b.answer[FLOWS - 1].ticket.id, 1); /* before that of the packet that came */
		assert_int_equal(b.answer[FLOWS - 1].action, block == 0 ? SL_ACTION_ALLOW : SL_ACTION_BLOCK);
		assert_int_equal(b.answer[FLOWS].ticket.id, 99);
		assert_int_equal(b.out.resets, 0);
		close_bench(&b);
	}
}

/* Who makes room for another filter waits until there is none. */
static void says_how_many_hellos_are_half_read(void **state)
{
	static struct bench b;
	(void)state;
	for (int all = 0; all < 2; all++) {
		open_bench(&b, all ? SL_HOLD_ALL : SL_HOLD_LAST, 0, 2);
		assert_int_equal(sl_filter_begun(b.filter), 0);
		give_from(&b, 1, bad_piece(0, 30), 1);
		give_from(&b, 2, bad_piece(0, 60), 2);
		assert_int_equal(sl_filter_begun(b.filter), all ? 0 : 2); /* what is held comes again */
		struct sl_packet rest = packet_of(&b, sl_bytes_skip(bad_piece(0, msgs[MSG_BAD].len), 30), 30);
		rest.key.sport = 1;
		give(&b, &rest, 3, true);
		assert_int_equal(sl_filter_begun(b.filter), all ? 0 : 1);
		close_bench(&b);
	}
}

static void expires_idle_flows_and_counts_the_open_ones(void **state)
{
	static struct bench b;
	(void)state;
	open_bench(&b, SL_HOLD_LAST, 0, 1);
	give_from(&b, 1, bad_piece(0, 60), 1);
	give_from(&b, 2, SL_BYTES_LIT("SSH-2.0-x\r\n"), 2);
	give_from(&b, 3, SL_BYTES_LIT(GET_ODD), 3);
	b.now = sl_mono_add(b.now, sl_span_ms(IDLE_MS));
	give_from(&b, 4, SL_BYTES_LIT("SSH-2.0-x\r\n"), 4);
	b.now.us++;
	sl_filter_tick(b.filter, b.now, &b.out);
	assert_int_equal(b.stats.count[SL_STAT_expired], 3);
	assert_int_equal(b.stats.unjudged_allowed[SL_CAUSE_hold_limit], 1);
	assert_int_equal(b.stats.unjudged_allowed[SL_CAUSE_not_web], 1);
	assert_int_equal(b.stats.count[SL_STAT_judged], 1);
	close_bench(&b);
}

static void gives_streams_back_when_flows_leave(void **state)
{
	static struct bench b;
	(void)state;
	open_bench(&b, SL_HOLD_LAST, 0, 1);
	for (unsigned i = 0; i < 20 * STREAMS; i++) {
		give_from(&b, (uint16_t)(100 + i), bad_piece(0, 60), i);
		if (i % STREAMS == STREAMS - 1) {
			b.now = sl_mono_add(b.now, sl_span_ms(IDLE_MS + 1));
			sl_filter_tick(b.filter, b.now, &b.out);
		}
		b.out.answers = 0;
	}
	assert_int_equal(b.stats.unjudged_allowed[SL_CAUSE_memory], 0);
	assert_int_equal(b.stats.count[SL_STAT_expired], 20 * STREAMS);
	close_bench(&b);
}

static void knows_when_the_next_held_packet_is_due(void **state)
{
	static struct bench b;
	struct sl_mono when;
	(void)state;
	open_bench(&b, SL_HOLD_ALL, 0, 1);
	assert_false(sl_filter_deadline(b.filter, &when));
	b.now.us = 1000;
	give_from(&b, 1, bad_piece(0, 30), 1);
	b.now.us = 2000;
	give_from(&b, 2, bad_piece(0, 30), 2);
	assert_true(sl_filter_deadline(b.filter, &when));
	assert_int_equal(when.us, 1000 + HOLD_MS * 1000);
	b.now = when;
	sl_filter_tick(b.filter, b.now, &b.out);
	assert_int_equal(b.out.answers, 1);
	assert_true(sl_filter_deadline(b.filter, &when));
	assert_int_equal(when.us, 2000 + HOLD_MS * 1000);
	give_from(&b, 2, bad_piece(0, 30), 3); /* the same bytes again wait too, but no longer */
	assert_true(sl_filter_deadline(b.filter, &when));
	assert_int_equal(when.us, 2000 + HOLD_MS * 1000);
	sl_filter_release(b.filter, b.now, &b.out);
	assert_int_equal(b.out.answers, 3);
	assert_false(sl_filter_deadline(b.filter, &when));
	close_bench(&b);
}

/* 5 GB of a body in pieces of 8 MB of which nothing was copied, more than there are sequence numbers. */
static void walks_a_body_longer_than_the_sequence_space(void **state)
{
	static struct bench b;
	static const char head[] =
	        "PUT / HTTP/1.1\r\nHost: odd.example\r\nContent-Length: 5000000000\r\n\r\n";
	int64_t left = 5000000000;
	(void)state;
	open_bench(&b, SL_HOLD_LAST, 0, 1);
	struct sl_packet pkt = packet_of(&b, sl_bytes_of(head, LEN(head)), 0);
	give(&b, &pkt, 1, true);
	while (left > 0) {
		assert_int_equal(b.answer[b.out.answers - 1].action, SL_ACTION_PASS);
		b.out.answers = 0;
		pkt.seq += pkt.payload_len;
		pkt.payload = sl_bytes_of("", 0);
		pkt.payload_len = left > (8 << 20) ? 8 << 20 : (uint32_t)left;
		left -= pkt.payload_len;
		give(&b, &pkt, 2, true);
	}
	pkt = packet_of(&b, SL_BYTES_LIT(GET_BAD), 0);
	pkt.seq = b.isn + (uint32_t)(LEN(head) + 5000000000);
	give(&b, &pkt, 3, true);
	assert_int_equal(b.answer[b.out.answers - 1].action, SL_ACTION_BLOCK);
	assert_int_equal(b.reset[0].seq, pkt.seq);
	assert_int_equal(b.stats.count[SL_STAT_flows], 1);
	close_bench(&b);
}

static void reports_what_it_knows_of_a_flow(void **state)
{
	static struct bench b;
	(void)state;
	open_bench(&b, SL_HOLD_LAST, 0, 1);
	give_from(&b, 1, bad_piece(0, 60), 1);
	b.now = sl_mono_add(b.now, sl_span_ms(3));
	struct sl_packet pkt = packet_of(&b, bad_piece(60, msgs[MSG_BAD].len), 60);
	pkt.key.sport = 1;
	give(&b, &pkt, 2, true);
	assert_int_equal(b.reports, 1);
	assert_int_equal(b.last.app, SL_APP_TLS);
	assert_int_equal(b.last.tls_version, 0x0304);
	assert_int_equal(b.last.host.len, LEN("bad.example"));
	assert_int_equal(b.last.alpn.len, 3);
	assert_null(b.last.path.p);
	assert_true(b.last.block);
	assert_int_equal(b.last.judgement.line, 42);
	assert_int_equal(b.last.packets, 2);
	assert_int_equal(b.last.held.us, 3000);
	uint64_t id = b.last.flow_id;
	assert_true(id != 0 && id < UINT64_C(1) << 53);
	give_from(&b, 2, SL_BYTES_LIT(GET("odd.example", "/x?y")), 3);
	assert_int_equal(b.last.app, SL_APP_HTTP);
	assert_int_equal(b.last.method.len, 3);
	assert_int_equal(b.last.path.len, 4);
	assert_int_equal(b.last.held.us, 0);
	assert_false(b.last.block);
	assert_true(b.last.flow_id != id);
	close_bench(&b);
}

static void lets_pass_what_is_no_tcp_nor_udp(void **state)
{
	static struct bench b;
	(void)state;
	open_bench(&b, SL_HOLD_LAST, 0, 1);
	sl_filter_unreadable(b.filter, SL_EPROTO, (struct sl_ticket){ .id = 1 }, &b.out);
	sl_filter_unreadable(b.filter, SL_EMALF, (struct sl_ticket){ .id = 2 }, &b.out);
	drain(&b);
	b.text[b.log.len] = '\0';
	assert_string_equal(b.text, "P1 P2");
	assert_int_equal(b.stats.unjudged_allowed[SL_CAUSE_bad_packet], 1);
	close_bench(&b);
	open_bench(&b, SL_HOLD_LAST, BLOCK(bad_packet), 1);
	sl_filter_unreadable(b.filter, SL_EPROTO, (struct sl_ticket){ .id = 1 }, &b.out);
	sl_filter_unreadable(b.filter, SL_EMALF, (struct sl_ticket){ .id = 2 }, &b.out);
	drain(&b);
	b.text[b.log.len] = '\0';
	assert_string_equal(b.text, "P1 B2");
	assert_int_equal(b.stats.unjudged_blocked[SL_CAUSE_bad_packet], 1);
	close_bench(&b);
}

static void has_a_name_for_everything_it_counts(void **state)
{
	(void)state;
	assert_string_equal(sl_cause_name(SL_CAUSE_no_name), "no_name");
	assert_string_equal(sl_cause_name(SL_CAUSE_bad_packet), "bad_packet");
	assert_string_equal(sl_cause_name(SL_CAUSE_NONE), "none");
	assert_string_equal(sl_stat_name(SL_STAT_packets), "packets");
	assert_string_equal(sl_stat_name(SL_STAT_overlaps), "overlaps");
	assert_string_equal(sl_app_name(SL_APP_UNKNOWN), "failed");
	assert_string_equal(sl_app_name(SL_APP_QUIC), "quic");
}

static void refuses_sizes_out_of_range(void **state)
{
	static const struct sl_filter_cfg good = {
		.max_flows = 64, .max_streams = 1, .max_held = 1, .budget = 512
	};
	struct sl_provider provider = { .judge = judge };
	struct sl_filter_cfg bad[] = { good, good, good, good };
	struct sl_filter_stats stats;
	struct sl_filter *f = NULL;
	(void)state;
	bad[0].max_flows = 63;
	bad[1].max_streams = 0;
	bad[2].budget = 511;
	bad[3].max_held = 0;
	bad[3].hold = SL_HOLD_ALL;
	for (size_t i = 0; i < SL_COUNT(bad); i++) {
		assert_int_equal(sl_filter_new(&bad[i], &provider, &stats, &f), SL_EINVAL);
		assert_null(f);
	}
}

/* Two streams, cut anywhere, in any order: the same is asked, and the last packet blocks. */
static void run_h2_split(struct sl_bytes all, size_t at, enum sl_hold hold, bool swap)
{
	static struct bench b;
	struct sl_bytes part[2] = { sl_bytes_first(all, at), sl_bytes_skip(all, at) };
	open_bench(&b, hold, 0, UINT32_MAX - 50);
	for (uint32_t i = 0; i < 2; i++) {
		size_t p = swap ? 1 - i : i;
		give_copy(&b, packet_of(&b, part[p], p == 0 ? 0 : (int32_t)at), i, true);
	}
	b.text[b.log.len] = '\0';
	assert_string_equal(b.text, "?odd.example/ ?bad.example/");
	assert_int_equal(b.out.answers, 2);
	assert_int_equal(b.answer[1].action, SL_ACTION_BLOCK);
	assert_int_equal(b.out.resets, 1);
	close_bench(&b);
}

static void reads_h2c_however_it_is_cut(void **state)
{
	static uint8_t mem[1024];
	struct sl_out to = sl_out_of(mem, sizeof(mem));
	(void)state;
	h2_text("PRI S0 !000300000064 H1sp #2 #4 C1e +:authority=odd.example D1 20 H3es #2 #4 "
	        ":authority=bad.example",
	        &to);
	struct sl_bytes all = sl_bytes_of(to.p, to.len);
	for (size_t at = 1; at < all.len; at++) {
		for (enum sl_hold hold = SL_HOLD_LAST; hold <= SL_HOLD_ALL; hold++) {
			run_h2_split(all, at, hold, false);
			run_h2_split(all, at, hold, true);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest single[] = {
		cmocka_unit_test(lets_a_watched_flow_go_when_it_is_a_window_further),
		cmocka_unit_test(counts_an_open_flow_that_is_put_out),
		cmocka_unit_test(answers_the_held_packets_of_a_flow_that_is_put_out),
		cmocka_unit_test(expires_idle_flows_and_counts_the_open_ones),
		cmocka_unit_test(gives_streams_back_when_flows_leave),
		cmocka_unit_test(knows_when_the_next_held_packet_is_due),
		cmocka_unit_test(walks_a_body_longer_than_the_sequence_space),
		cmocka_unit_test(reads_h2c_however_it_is_cut),
		cmocka_unit_test(reports_what_it_knows_of_a_flow),
		cmocka_unit_test(says_how_many_hellos_are_half_read),
		cmocka_unit_test(lets_pass_what_is_no_tcp_nor_udp),
		cmocka_unit_test(has_a_name_for_everything_it_counts),
		cmocka_unit_test(refuses_sizes_out_of_range),
	};
	struct CMUnitTest tests[SL_COUNT(rows) + SL_COUNT(splits) + SL_COUNT(single)];
	struct CMUnitTest *t = tests;
	for (size_t i = 0; i < SL_COUNT(rows); i++)
		*t++ = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL, (void *)(uintptr_t)&rows[i] };
	for (size_t i = 0; i < SL_COUNT(splits); i++)
		*t++ = (struct CMUnitTest){ splits[i].name, test_split, NULL, NULL,
			                    (void *)(uintptr_t)&splits[i] };
	for (size_t i = 0; i < SL_COUNT(single); i++)
		*t++ = single[i];
	return cmocka_run_group_tests_name("filter", tests, make_msgs, NULL);
}
