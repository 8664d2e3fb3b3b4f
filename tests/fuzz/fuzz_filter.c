/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_filter.c - a conversation, cut into pieces that come in any order, some of them twice.
 * There may be a copy of the connection's SYN, and some pieces may have a lower TTL than it had.
 * Properties: the names asked for, the causes and the verdict are those of the whole in one segment; every packet is
 * answered exactly once; one reset at most; and where pieces are held and the first name is blocked, nothing passes but a preface.
 * Input: mode; pieces; for each piece its share of the length, and its place in the order; then the client's bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/out.h"
#include "filter/filter.h"
#include "filter/sniff.h"
#include "filter/sniff_preface.h"

enum { BUDGET = 4096, PIECES = 16, PACKETS = 2 * PIECES, ISN_NEAR_END = 300 };
enum {
	MODE_HOLD = 1,
	MODE_SYN = 2,
	MODE_WRAP = 4,
	MODE_TWICE = 8,
	MODE_IN_ORDER = 16,
	MODE_COPY = 32,
	MODE_WEAK = 64
};
enum { TTL = 64, LOW = 3 };

struct piece {
	size_t from, to;
	uint8_t place;
};

struct run {
	struct sl_filter *f;
	struct sl_answer answer[PACKETS + 2];
	struct sl_reset reset[PACKETS + 2];
	struct sl_answers out;
	uint8_t text[1 << 16];
	struct sl_out log; /* what was asked and why it ended */
	unsigned asked;
	enum sl_action verdict;
	uint32_t isn;
	bool copied; /* the copy of the SYN was taken */
};

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* What comes with a SYN is asked for once more when it counts; all the names of a request are. */
static void drop_repeated(struct sl_out *log)
{
	for (size_t len = 1; len <= log->len / 2; len++) {
		const uint8_t *last = log->p + log->len - len;
		if (last[0] == '?' && memcmp(last, last - len, len) == 0) {
			log->len -= len;
			return;
		}
	}
}

static void judge(void *ctx, const struct sl_subject *s, struct sl_judgement *out)
{
	struct run *r = ctx;
	must(s->host.len > 0);
	sl_out_str(&r->log, "?");
	sl_out_bytes(&r->log, s->host.p, s->host.len);
	sl_out_bytes(&r->log, s->path.p, s->path.len);
	sl_out_u16(&r->log, s->port);
	drop_repeated(&r->log);
	r->asked++;
	out->block = sl_ascii_lower(s->host.p[0]) == 'b';
}

static void report(void *ctx, const struct sl_report *p)
{
	struct run *r = ctx;
	if (p->cause != SL_CAUSE_NONE)
		sl_out_u8(&r->log, (uint8_t)p->cause);
}

static bool find_syn(void *ctx, const struct sl_flow_key *key, struct sl_syn *out)
{
	struct run *r = ctx;
	bool found = !r->copied && key->sport == 3;
	r->copied = true;
	*out = (struct sl_syn){ .seq = r->isn, .ttl = TTL, .numbers = 1 };
	return found;
}

static void give(struct run *r, struct sl_bytes all, const struct piece *p, uint8_t mode, uint32_t id)
{
	size_t len = p->to - p->from;
	uint8_t *copy = malloc(len == 0 ? 1 : len);
	must(copy != NULL);
	if (len > 0)
		memcpy(copy, all.p + p->from, len);
	struct sl_packet pkt = {
		.key = { .src = { 1 },
		         .dst = { 2 },
		         .sport = 3,
		         .dport = 4,
		         .family = 4,
		         .proto = SL_PROTO_TCP },
		.seq = r->isn + (uint32_t)p->from,
		.flags = id == 0 && mode & MODE_SYN ? SL_TCP_SYN : SL_TCP_ACK,
		.ttl = (mode & MODE_WEAK) != 0 && (id & 1) != 0 ? LOW : TTL,
		.payload = { copy, len },
		.payload_len = (uint32_t)len,
	};
	struct sl_ticket ticket = { .id = id };
	sl_filter_packet(r->f, &pkt, ticket, true, (struct sl_mono){ 0 }, &r->out);
	free(copy);
}

static void run(struct run *r, struct sl_bytes all, const struct piece *piece, size_t pieces, uint8_t mode)
{
	struct sl_filter_cfg cfg = {
		.max_flows = 64,
		.max_streams = (mode & MODE_WEAK) != 0 ? 2 : 1, /* one for the bytes that are watched */
		.max_held = PACKETS,
		.budget = BUDGET,
		.hold = mode & MODE_HOLD ? SL_HOLD_ALL : SL_HOLD_LAST,
		.hold_limit = sl_span_ms(1),
		.flow_idle = sl_span_ms(1),
		.clients = { .max = 8, .rate = 1000, .flows = 64, .held = 1 << 20, .prefix6 = 64 },
		.find_syn = (mode & MODE_COPY) != 0 ? find_syn : NULL,
		.syn_ctx = r,
	};
	static struct sl_filter_stats stats;
	struct sl_provider provider = { .ctx = r, .judge = judge, .report = report };
	cfg.block[SL_CAUSE_malformed] = true;
	r->f = NULL;
	r->asked = 0;
	r->copied = false;
	r->isn = mode & MODE_WRAP ? UINT32_MAX - ISN_NEAR_END : 1000;
	r->log = sl_out_of(r->text, sizeof(r->text));
	r->out = (struct sl_answers){ r->answer, 0, PACKETS + 2, r->reset, 0, PACKETS + 2 };
	must(sl_filter_new(&cfg, &provider, &stats, &r->f) == SL_OK);
	for (size_t i = 0; i < pieces; i++) {
		give(r, all, &piece[i], mode, (uint32_t)i);
		must(r->out.answers + sl_filter_held(r->f) == i + 1);
	}
	static const struct piece nothing;
	give(r, all, &nothing, mode, PACKETS); /* a packet without bytes is told the verdict */
	r->verdict = r->answer[--r->out.answers].action;
}

/* Closes the queue and looks at the answers. */
static void finish(struct run *r, size_t pieces, bool nothing_passes)
{
	unsigned answered[PACKETS] = { 0 };
	must(r->verdict == SL_ACTION_PASS || sl_filter_held(r->f) == 0);
	sl_filter_release(r->f, (struct sl_mono){ 0 }, &r->out);
	must(sl_filter_held(r->f) == 0 && r->out.answers == pieces && r->out.resets <= 1);
	for (size_t i = 0; i < r->out.answers; i++) {
		must(r->answer[i].ticket.id < pieces && answered[r->answer[i].ticket.id]++ == 0);
		must(!nothing_passes || r->answer[i].action == SL_ACTION_BLOCK);
	}
	sl_filter_free(&r->f);
}

/* The beginning of a flow is a guess until it has come: a tail that reads as a beginning is taken for one. */
static bool reads_as_start(struct sl_bytes tail)
{
	static uint8_t mem[BUDGET + 64];
	struct sl_arena scratch = sl_arena_over(mem, sizeof(mem));
	struct sl_sniffed sniffed;
	struct sl_preface preface;
	int err = sl_sniff(tail, &scratch, &sniffed);
	if (err == SL_EPROTO) /* PostgreSQL's SSLRequest is eight bytes that may stand anywhere */
		err = sl_preface_read(tail, false, &preface);
	return err != SL_EPROTO && err != SL_EMORE;
}

/* What turns a connection into another protocol has to reach the server. */
static bool has_preface(struct sl_bytes all)
{
	struct sl_preface preface;
	return sl_preface_read(all, false, &preface) != SL_EPROTO;
}

static size_t cut(struct sl_bytes all, const uint8_t *plan, size_t pieces, struct piece *out)
{
	size_t at = 0, n = 0;
	for (size_t i = 0; i < pieces && at < all.len; i++) {
		size_t len = i + 1 == pieces ? all.len : 1 + all.len * plan[2 * i] / 1024;
		out[n] = (struct piece){ at, at + sl_min(len, all.len - at), plan[2 * i + 1] };
		at = out[n++].to;
	}
	return n;
}

static void sort(struct piece *piece, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t k = i; k > 0 && piece[k].place < piece[k - 1].place; k--) {
			struct piece swap = piece[k];
			piece[k] = piece[k - 1];
			piece[k - 1] = swap;
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct run whole, parts;
	if (size < 3)
		return 0;
	uint8_t mode = data[0];
	size_t wanted = 1 + data[1] % PIECES;
	if (size < 3 + 2 * wanted || size >= BUDGET / 2) /* also when all of it comes twice */
		return 0;
	struct sl_bytes all = sl_bytes_skip(sl_bytes_of(data, size), 2 + 2 * wanted);
	struct piece piece[PACKETS] = { 0 }, one[2] = { { 0, all.len, 0 }, { 0, all.len, 0 } };
	size_t n = cut(all, data + 2, wanted, piece);
	bool free_order = (mode & (MODE_SYN | MODE_IN_ORDER)) == 0;
	for (size_t i = 1; i < n && (mode & MODE_COPY) == 0; i++)
		free_order = free_order && !reads_as_start(sl_bytes_skip(all, piece[i].from));
	if (mode & MODE_TWICE) {
		memcpy(piece + n, piece, n * sizeof(*piece));
		for (size_t i = 0; i < n; i++)
			piece[n + i].place ^= 0x55;
		n *= 2;
	}
	if (free_order)
		sort(piece, n);
	else if ((mode & MODE_IN_ORDER) == 0)
		sort(piece + 1, n - 1); /* the first piece first, all others in any order */
	/* Bytes with a SYN free nothing before the next segment. */
	size_t ones = (mode & MODE_SYN) != 0 ? 2 : 1;
	if (n == 1 && ones == 2)
		piece[n++] = piece[0];
	run(&whole, all, one, ones, (uint8_t)(mode & ~MODE_WEAK));
	run(&parts, all, piece, n, mode);
	if ((mode & MODE_WEAK) != 0 && whole.verdict == SL_ACTION_ALLOW && parts.verdict == SL_ACTION_PASS)
		whole.verdict = SL_ACTION_PASS;
	must(!whole.log.overflow && whole.log.len == parts.log.len && whole.verdict == parts.verdict);
	must(memcmp(whole.text, parts.text, whole.log.len) == 0);
	bool blocked = whole.asked == 1 && whole.verdict == SL_ACTION_BLOCK && whole.text[0] == '?' &&
	               sl_ascii_lower(whole.text[1]) == 'b';
	finish(&whole, ones, blocked);
	finish(&parts, n, blocked && (mode & MODE_HOLD) != 0 && !has_preface(all));
	return 0;
}
