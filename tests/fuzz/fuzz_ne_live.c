/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_ne_live.c - the input is what happens to the driver of a live content filter (daemon/ne_live.h): segments and datagrams of any
 * direction, order, length and number, copies, lost ones, stray bytes, moves of the provider, time, starts, stops and crashes.
 * Properties: each packet is answered once; the provider is shown what its sender meant, and no byte twice in different places; of
 * each direction what came is what went on, was dropped, or waits, and nothing goes on beyond what was passed; no payload reaches
 * the other end before a verdict on it. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cur.h"
#include "base/util.h"
#include "filter/packet.h"
#include "tests/daemon/ne_kernel.h"

enum { CONNS = 4, STEPS = 150, AT_ONCE = 8, STREAM = 1 << 16, PORT = 40000, SECOND = 1000000 };

/* A connection of the wire; of TCP and UDP one each by its port. */
struct conn {
	unsigned flows;           /* of the filter that it was */
	bool sure;                /* that one began with a handshake */
	bool free;                /* a flow of it is not watched any more, or never was */
	bool unlimited[2];        /* a direction: what is ahead goes on uncounted there */
	uint64_t released[2];     /* of the first flow; [1] inbound */
	uint64_t passed_bytes[2]; /* datagrams: that reached the other end */
};

struct world {
	struct ne_kernel kernel;
	struct sl_ne_source source;
	struct sl_ne_flow *flow[CONNS]; /* that a move may name */
	struct conn conn[2][CONNS];     /* [1] of UDP */
	uint8_t tape;                   /* of verdicts */
	struct ne_sent *put[AT_ONCE];   /* the next batch */
	unsigned puts, looked;
	struct sl_mono now;
};

static struct world *w;

static void must(bool right)
{
	if (!right)
		abort();
}

static uint8_t byte_at(bool inbound, uint64_t offset)
{
	return (uint8_t)((offset * 2654435761U >> 16) ^ (inbound ? 0x55 : 0));
}

/* ---- the provider ---- */

static struct sl_ne_verdict verdict_of(uint8_t x, bool new_flow)
{
	uint64_t n = (x >> 4) == 15 ? SL_NE_BYTES_MAX : (uint64_t)(x >> 4) * 97;
	struct sl_ne_verdict v = new_flow ? sl_ne_filter_data_verdict((x & 16) != 0, n, true, n)
	                                  : sl_ne_data_verdict(n, (x & 8) != 0 ? SL_NE_BYTES_MAX : n);
	switch (x & 7) {
	case 0:
		return new_flow ? sl_ne_new_flow_verdict_allow() : sl_ne_data_verdict_allow();
	case 1:
		return new_flow ? sl_ne_new_flow_verdict_drop() : sl_ne_data_verdict_drop();
	case 2:
		return new_flow ? sl_ne_new_flow_verdict_pause() : sl_ne_data_verdict_pause();
	case 3:
		v.kind = SL_NE_VERDICT_LATER;
		return v;
	case 4:
		v.should_report = true;
		v.statistics_report_frequency = SL_NE_FREQUENCY_HIGH;
		return v;
	default:
		return v;
	}
}

static struct sl_ne_verdict next_verdict(bool new_flow)
{
	w->tape = (uint8_t)(w->tape * 167 + 13);
	return verdict_of(w->tape, new_flow);
}

static unsigned number_of(const struct sl_ne_flow_info *info)
{
	return info->local.port % CONNS; /* so is PORT's */
}

static struct sl_ne_verdict on_new_flow(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	(void)ctx, (void)now;
	w->flow[number_of(sl_ne_flow_info(flow))] = flow;
	return next_verdict(true);
}

/* Of TCP whose beginning was seen the place says which bytes these are. */
static struct sl_ne_verdict on_data(struct sl_ne_flow *flow, bool inbound,
                                    const struct sl_ne_read_bytes *bytes)
{
	static uint8_t got[STREAM];
	size_t n = sl_ne_read_bytes_copy(bytes, got, sizeof(got));
	must(n == sl_min(bytes->len, sizeof(got)));
	const struct conn *c = &w->conn[!flow->stream][number_of(sl_ne_flow_info(flow))];
	for (size_t i = 0; c->sure && c->flows == 1 && i < n; i++)
		must(got[i] == byte_at(inbound, bytes->start_offset + i));
	return next_verdict(false);
}

static struct sl_ne_verdict on_inbound(void *ctx, struct sl_ne_flow *flow,
                                       const struct sl_ne_read_bytes *bytes, struct sl_mono now)
{
	(void)ctx, (void)now;
	return on_data(flow, true, bytes);
}

static struct sl_ne_verdict on_outbound(void *ctx, struct sl_ne_flow *flow,
                                        const struct sl_ne_read_bytes *bytes, struct sl_mono now)
{
	(void)ctx, (void)now;
	return on_data(flow, false, bytes);
}

static struct sl_ne_verdict on_complete(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	(void)ctx, (void)flow, (void)now;
	return next_verdict(false);
}

static void on_released(void *ctx, struct sl_ne_flow *flow)
{
	(void)ctx;
	if (w->flow[number_of(sl_ne_flow_info(flow))] == flow)
		w->flow[number_of(sl_ne_flow_info(flow))] = NULL;
}

/* ---- what the filter says that it did ---- */

static void on_event(void *ctx, const struct sl_ne_trace_event *e)
{
	const struct sl_ne_trace_side *side[] = { &e->outbound, &e->inbound };
	(void)ctx;
	if (e->flow == NULL)
		return;
	struct conn *c = &w->conn[!e->flow->stream][number_of(&e->flow->info)];
	c->flows += e->event == SL_NE_EVENT_OPENED;
	c->free = c->free || e->event == SL_NE_EVENT_DETACHED || e->flow->older ||
	          (e->event == SL_NE_EVENT_RELEASE && !e->flow->attached);
	for (size_t i = 0; i < SL_COUNT(side); i++) {
		must(side[i]->released + side[i]->dropped <= side[i]->received);
		must(e->event != SL_NE_EVENT_CLOSED ||
		     side[i]->released + side[i]->dropped == side[i]->received);
		must(side[i]->released <= side[i]->window.pass);
		c->unlimited[i] = c->unlimited[i] || side[i]->window.pass == SL_NE_BYTES_MAX;
		if (e->event == SL_NE_EVENT_RELEASE && (e->direction == SL_NE_INBOUND) == (i == 1))
			c->released[i] += e->len;
	}
}

/* ---- packets ---- */

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static struct ne_sent *segment(unsigned conn, bool inbound, uint8_t flags, uint32_t from, uint32_t len)
{
	uint8_t l4[20 + 1500] = { 0 };
	uint32_t isn = inbound ? 0xfffffe00U : 0x7ffffff0U; /* numbers wrap soon */
	if ((flags & SL_TCP_SYN) != 0)
		from = 0; /* its text is the first */
	uint32_t seq = htonl(isn + ((flags & SL_TCP_SYN) != 0 ? 0 : 1 + from));
	put16(l4, inbound ? 443 : PORT + conn);
	put16(l4 + 2, inbound ? PORT + conn : 443);
	memcpy(l4 + 4, &seq, 4);
	l4[12] = 5 << 4;
	l4[13] = flags;
	for (uint32_t i = 0; i < len; i++)
		l4[20 + i] = byte_at(inbound, from + i);
	return ne_kernel_make(&w->kernel, inbound, SL_PROTO_TCP, l4, 20 + len);
}

static struct ne_sent *datagram(unsigned conn, bool inbound, uint32_t len)
{
	uint8_t l4[8 + 1500] = { 0 };
	put16(l4, inbound ? 443 : PORT + conn);
	put16(l4 + 2, inbound ? PORT + conn : 443);
	put16(l4 + 4, 8 + len);
	return ne_kernel_make(&w->kernel, inbound, SL_PROTO_UDP, l4, 8 + len);
}

/* Has it reached the other end before anybody let it? */
static void look_at(const struct ne_sent *s)
{
	struct sl_packet v;
	if (s->waits || s->how == SL_ACTION_DROP || s->how == SL_ACTION_BLOCK ||
	    sl_packet_read(sl_bytes_of(s->ip, s->len), s->len, &v) != SL_OK || v.payload_len == 0)
		return;
	bool inbound = v.key.src[0] != 10, udp = v.key.proto == SL_PROTO_UDP;
	struct conn *c = &w->conn[udp][(inbound ? v.key.dport : v.key.sport) % CONNS];
	bool unseen = (v.flags & (SL_TCP_SYN | SL_TCP_RST)) != 0; /* bytes of a SYN pass (ne_live_tcp.c) */
	bool stray = (inbound ? v.key.sport : v.key.dport) != 443 ||
	             (inbound ? v.key.dport : v.key.sport) - PORT >= CONNS;
	if (udp)
		c->passed_bytes[inbound] += v.payload_len;
	if (c->free || c->unlimited[inbound] || (!udp && (stray || unseen || !c->sure || c->flows > 1)))
		return;
	uint64_t end = v.seq + v.payload_len - (inbound ? 0xfffffe01U : 0x7ffffff1U);
	end = (uint32_t)end;
	must(udp ? c->passed_bytes[inbound] <= c->released[inbound] : end <= c->released[inbound]);
}

/* ---- steps ---- */

static void batch(bool later)
{
	must(ne_kernel_batch(&w->kernel, w->put, w->puts, later, w->now) == SL_OK);
	w->puts = 0;
	/* What is answered now is looked at now: later more may have been let go. */
	static bool looked[NE_PACKETS];
	for (; w->looked < w->kernel.n; w->looked++)
		looked[w->looked] = false;
	for (unsigned i = 0; i < w->kernel.n; i++)
		if (!looked[i] && !w->kernel.sent[i].waits) {
			looked[i] = true;
			look_at(&w->kernel.sent[i]);
		}
}

static void put(struct ne_sent *s)
{
	w->put[w->puts++] = s;
	if (w->puts == AT_ONCE)
		batch(false);
}

struct step {
	uint8_t kind, a, b, c, d;
};

static void shake_hands(unsigned conn)
{
	struct conn *c = &w->conn[0][conn];
	if (c->flows > 0 || w->puts > 0)
		return;
	put(segment(conn, false, SL_TCP_SYN, 0, 0));
	batch(false);
	put(segment(conn, true, SL_TCP_SYN | SL_TCP_ACK, 0, 0));
	batch(false);
	c->sure = c->flows == 1;
}

static void put_segment(const struct step *s, uint8_t flags)
{
	unsigned conn = s->a % CONNS;
	bool inbound = (s->a & 8) != 0;
	uint32_t from = (uint32_t)(s->b * 64 + (s->a >> 4)), len = (uint32_t)(s->c * 8 % 1400);
	if ((s->a & 4) == 0)
		shake_hands(conn);
	put(segment(conn, inbound, flags, from, len));
}

static void put_stray(const struct step *s)
{
	uint8_t l4[64];
	for (size_t i = 0; i < sizeof(l4); i++)
		l4[i] = (uint8_t)((s->b + i * s->c) ^ s->d);
	put(ne_kernel_make(&w->kernel, (s->a & 1) != 0, (s->a & 2) != 0 ? SL_PROTO_TCP : s->a, l4,
	                   s->a >> 2));
}

static void move(const struct step *s)
{
	struct sl_ne_flow *flow = w->flow[s->a % CONNS];
	if (flow == NULL)
		return;
	struct sl_ne_verdict v = verdict_of(s->b, flow->question.callback == SL_NE_EVENT_NEW_FLOW);
	if (s->c % 3 == 0)
		(void)sl_ne_resume_flow(flow, &v, w->now);
	else if (s->c % 3 == 1)
		(void)sl_ne_answer_flow(flow, &v, w->now);
	else
		(void)sl_ne_update_flow(flow, &v, (enum sl_ne_direction)(s->d % 3), w->now);
}

static void change(const struct step *s)
{
	struct sl_ne_filter *filter = sl_ne_live_filter(w->kernel.live);
	if (s->a % 3 == 0)
		must(sl_ne_live_stop(w->kernel.live, SL_NE_STOP_none, w->now) == SL_OK);
	else if (s->a % 3 == 1)
		(void)sl_ne_filter_crash(filter, w->now);
	else
		(void)sl_ne_filter_start(filter, w->now);
}

static void take(const struct step *s)
{
	switch (s->kind % 16) {
	case 6:
	case 7:
		put(datagram(s->a % CONNS, (s->a & 8) != 0, (uint32_t)(s->b * 4)));
		break;
	case 8:
		put_stray(s);
		break;
	case 9:
		batch((s->a & 1) != 0);
		break;
	case 10:
		w->kernel.lose = true;
		break;
	case 11:
	case 12:
		move(s);
		break;
	case 13:
		w->now.us += s->a * SECOND / 8;
		break;
	case 14:
		if (s->a % 4 == 0)
			change(s);
		w->tape = s->b;
		break;
	case 15:
		put_segment(s, (uint8_t)(s->d & (SL_TCP_SYN | SL_TCP_ACK | SL_TCP_RST | SL_TCP_FIN)));
		break;
	default:
		put_segment(s, (uint8_t)(SL_TCP_ACK | (s->d == 1 ? SL_TCP_FIN : 0)));
	}
}

/* ---- worlds ---- */

static struct sl_conf *conf_of(unsigned number)
{
	static const char *const options[] = { "", "tcp_hold: syn\napply: all\ntcp_bytes: 64KiB\n",
		                               "profile: gateway\nhostname: none\nanswer_limit: 1s\n",
		                               "profile: strict\nredeliver: no\nudp_packets: 4\n" };
	static struct sl_conf *conf[SL_COUNT(options)];
	number %= SL_COUNT(options);
	if (conf[number] == NULL) {
		char text[512];
		(void)snprintf(text, sizeof(text),
		               "inside: eth0\nlists: []\nprovider: scripted\nprovider_file: x\n"
		               "queue_first: %d\nmax_flows: 64\nmax_parked: 64\n%s%s",
		               NE_QUEUE, number < 2 ? "profile: macos\n" : "", options[number]);
		must(sl_conf_read("fuzz", sl_bytes_str(text), NULL, &conf[number]) == SL_OK);
	}
	return conf[number];
}

static void begin(uint8_t number, struct sl_dns_names *names)
{
	static struct world world;
	w = &world;
	w->kernel.n = w->kernel.order = w->kernel.moved = 0;
	w->kernel.next_id = 1;
	w->kernel.lose = false;
	w->puts = w->looked = 0;
	memset(w->flow, 0, sizeof(w->flow));
	memset(w->conn, 0, sizeof(w->conn));
	w->now = (struct sl_mono){ 0 };
	w->tape = number;
	w->source =
	        (struct sl_ne_source){ .provider = { .handle_new_flow = on_new_flow,
		                                     .handle_inbound_data_from_flow = on_inbound,
		                                     .handle_outbound_data_from_flow = on_outbound,
		                                     .handle_inbound_data_complete_for_flow = on_complete,
		                                     .handle_outbound_data_complete_for_flow = on_complete,
		                                     .flow_released = on_released },
		                       .needs = SL_NE_NEEDS_ALL,
		                       .fd = -1 };
	const struct sl_ne_live_cfg cfg = { .conf = conf_of(number),
		                            .source = &w->source,
		                            .trace = { NULL, on_event },
		                            .names = names,
		                            .seed = 1,
		                            .flush = ne_kernel_flush,
		                            .ctx = &w->kernel };
	must(sl_ne_live_new(&cfg, w->now, &w->kernel.live) == SL_OK);
}

static void end(void)
{
	batch(false);
	w->kernel.lose = false;
	for (unsigned i = 0; i < CONNS; i++)
		for (unsigned udp = 0; udp < 2; udp++)
			w->conn[udp][i].free = true; /* all is let go */
	must(sl_ne_live_stop(w->kernel.live, SL_NE_STOP_none, w->now) == SL_OK);
	batch(false);
	for (unsigned i = 0; i < w->kernel.n; i++)
		must(w->kernel.sent[i].answers == 1);
	sl_ne_live_free(&w->kernel.live);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_cur in = sl_cur_whole(sl_bytes_of(data, size));
	struct sl_dns_names *names = NULL;
	must(sl_dns_names_new(64, 1, &names) == SL_OK);
	begin(sl_cur_u8(&in), names);
	const uint8_t *at;
	for (unsigned i = 0; i < STEPS && (at = sl_cur_take(&in, sizeof(struct step))) != NULL; i++)
		take(&(struct step){ at[0], at[1], at[2], at[3], at[4] });
	end();
	sl_dns_names_free(&names);
	return 0;
}
