/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The driver of a live content filter without a kernel: packets go in as their bytes, answers come out, and what is parked comes
 * back under a new number, as the kernel does it. Rows of what must happen, and random segments under random verdicts, of which
 * must hold: each packet is answered once, in its flow's order; the provider is shown the sender's bytes and no others; what came is
 * what went on, was dropped, or waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ne_live.h"
#include "daemon/ne_source_of.h"
#include "filter/packet.h"
#include "tests/daemon/ne_kernel.h"
#include "tests/filter/quic_vectors.h"
#include "tests/support/hex.h"

enum {
	STREAM = 65536, /* bytes of a direction */
	PORT = 40000
};

#define CLIENT_ISN 0x7ffffff0U
#define SERVER_ISN 0xfffffe00U /* numbers wrap soon */

struct bench {
	struct sl_conf *conf;
	struct sl_ne_source source;
	struct ne_kernel kernel;
	struct sl_dns_names *names;
	struct sl_mono now;
	uint8_t stream[2][STREAM]; /* [1] inbound: what the sender means */
	uint64_t shown[2];         /* bytes up to there were shown */
	struct sl_ne_flow *flow;
	struct sl_ne_flow_info info; /* of the last that began */
	struct sl_ne_verdict new_flow, data, complete;
	bool random;
	uint32_t seed;
	unsigned completes, closed;
};

static struct bench *b;

static uint32_t random_below(uint32_t n)
{
	b->seed = b->seed * 1664525U + 1013904223U;
	return (uint32_t)(((uint64_t)b->seed * n) >> 32);
}

/* ---- the provider ---- */

static struct sl_ne_verdict random_verdict(bool new_flow)
{
	uint64_t n = random_below(3) == 0 ? SL_NE_BYTES_MAX : random_below(3000);
	struct sl_ne_verdict v;
	switch (random_below(12)) {
	case 0:
		return new_flow ? sl_ne_new_flow_verdict_pause() : sl_ne_data_verdict_pause();
	case 1:
		return random_below(8) > 0 ? sl_ne_data_verdict(10, 10)
		       : new_flow          ? sl_ne_new_flow_verdict_drop()
		                           : sl_ne_data_verdict_drop();
	case 2:
		return new_flow ? sl_ne_new_flow_verdict_allow() : sl_ne_data_verdict_allow();
	default:
		v = new_flow ? sl_ne_filter_data_verdict(random_below(5) > 0, SL_NE_BYTES_MAX, true, n)
		             : sl_ne_data_verdict(random_below(2000), n);
		v.should_report = random_below(3) == 0;
		return v;
	}
}

static struct sl_ne_verdict on_new_flow(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	(void)ctx, (void)now;
	b->flow = flow;
	b->info = *sl_ne_flow_info(flow);
	return b->random ? random_verdict(true) : b->new_flow;
}

static struct sl_ne_verdict on_data(enum sl_ne_direction direction, const struct sl_ne_read_bytes *bytes)
{
	static uint8_t got[STREAM];
	size_t n = sl_ne_read_bytes_copy(bytes, got, sizeof(got));
	assert_true(n == bytes->len && bytes->start_offset + n <= STREAM);
	assert_memory_equal(got, b->stream[direction == SL_NE_INBOUND] + bytes->start_offset, n);
	b->shown[direction == SL_NE_INBOUND] = bytes->start_offset + n;
	return b->random ? random_verdict(false) : b->data;
}

static struct sl_ne_verdict on_inbound(void *ctx, struct sl_ne_flow *flow,
                                       const struct sl_ne_read_bytes *bytes, struct sl_mono now)
{
	(void)ctx, (void)flow, (void)now;
	return on_data(SL_NE_INBOUND, bytes);
}

static struct sl_ne_verdict on_outbound(void *ctx, struct sl_ne_flow *flow,
                                        const struct sl_ne_read_bytes *bytes, struct sl_mono now)
{
	(void)ctx, (void)flow, (void)now;
	return on_data(SL_NE_OUTBOUND, bytes);
}

static struct sl_ne_verdict on_complete(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	(void)ctx, (void)flow, (void)now;
	b->completes++;
	return b->random ? random_verdict(false) : b->complete;
}

static void on_event(void *ctx, const struct sl_ne_trace_event *event)
{
	(void)ctx;
	const struct sl_ne_trace_side *side[] = { &event->outbound, &event->inbound };
	if (event->event == SL_NE_EVENT_CLOSED) {
		b->closed++;
		b->flow = NULL;
	}
	for (size_t i = 0; event->flow != NULL && i < 2; i++) {
		assert_true(side[i]->released + side[i]->dropped <= side[i]->received);
		if (event->event == SL_NE_EVENT_CLOSED)
			assert_true(side[i]->released + side[i]->dropped == side[i]->received);
	}
}

/* ---- the kernel ---- */

static void batch(struct ne_sent *const *packets, unsigned n, bool later)
{
	assert_int_equal(ne_kernel_batch(&b->kernel, packets, n, later, b->now), SL_OK);
}

static struct ne_sent *segment(bool inbound, uint8_t flags, uint32_t from, uint32_t len)
{
	uint8_t l4[2000] = { 0 };
	uint16_t ports[2] = { htons(inbound ? 443 : PORT), htons(inbound ? PORT : 443) };
	uint32_t isn = inbound ? SERVER_ISN : CLIENT_ISN;
	uint32_t seq = htonl(isn + ((flags & SL_TCP_SYN) != 0 ? 0 : 1 + from));
	memcpy(l4, ports, 4);
	memcpy(l4 + 4, &seq, 4);
	l4[12] = 5 << 4;
	l4[13] = flags;
	if (len > 0)
		memcpy(l4 + 20, b->stream[inbound] + from, len);
	return ne_kernel_make(&b->kernel, inbound, SL_PROTO_TCP, l4, 20 + len);
}

static struct ne_sent *put(bool inbound, uint8_t flags, uint32_t from, uint32_t len)
{
	struct ne_sent *s = segment(inbound, flags, from, len);
	batch(&s, 1, false);
	return s;
}

static struct ne_sent *data(bool inbound, uint32_t from, uint32_t len)
{
	return put(inbound, SL_TCP_ACK, from, len);
}

static void handshake(void)
{
	assert_int_equal(put(false, SL_TCP_SYN, 0, 0)->answers, 1);
	assert_int_equal(put(true, SL_TCP_SYN | SL_TCP_ACK, 0, 0)->answers, 1);
}

static void nothing_comes(void)
{
	batch(NULL, 0, false);
}

/* ---- before and after ---- */

static int setup_with(const char *options)
{
	char text[512];
	b = (struct bench *)calloc(1, sizeof(*b));
	assert_non_null(b);
	(void)snprintf(text, sizeof(text),
	               "inside: eth0\nlists: []\nprovider: scripted\nprovider_file: x\nqueue_first: %d\n"
	               "profile: macos\nmax_flows: 64\nmax_parked: 256\n%s",
	               NE_QUEUE, options);
	assert_int_equal(sl_conf_read("test.yaml", sl_bytes_str(text), NULL, &b->conf), SL_OK);
	b->seed = 1;
	b->kernel.next_id = 1;
	b->new_flow = sl_ne_filter_data_verdict(true, SL_NE_BYTES_MAX, true, SL_NE_BYTES_MAX);
	b->data = sl_ne_data_verdict(0, SL_NE_BYTES_MAX);
	b->complete = sl_ne_data_verdict_allow();
	for (size_t i = 0; i < STREAM; i++) {
		b->stream[0][i] = (uint8_t)random_below(256);
		b->stream[1][i] = (uint8_t)random_below(256);
	}
	b->source =
	        (struct sl_ne_source){ .provider = { .handle_new_flow = on_new_flow,
		                                     .handle_inbound_data_from_flow = on_inbound,
		                                     .handle_outbound_data_from_flow = on_outbound,
		                                     .handle_inbound_data_complete_for_flow = on_complete,
		                                     .handle_outbound_data_complete_for_flow = on_complete },
		                       .needs = SL_NE_NEEDS_ALL,
		                       .fd = -1 };
	assert_int_equal(sl_dns_names_new(64, 1, &b->names), SL_OK);
	struct sl_ne_live_cfg cfg = { .conf = b->conf,
		                      .source = &b->source,
		                      .trace = { NULL, on_event },
		                      .names = b->names,
		                      .seed = 1,
		                      .flush = ne_kernel_flush,
		                      .ctx = &b->kernel };
	assert_int_equal(sl_ne_live_new(&cfg, b->now, &b->kernel.live), SL_OK);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return setup_with("");
}

static int setup_syn(void **state)
{
	(void)state;
	return setup_with("tcp_hold: syn\n");
}

/* Whatever happened: after the end nothing waits, and nothing was answered twice. */
static void end(void)
{
	b->random = false;
	assert_int_equal(sl_ne_live_stop(b->kernel.live, SL_NE_STOP_none, b->now), SL_OK);
	nothing_comes();
	for (unsigned i = 0; i < b->kernel.n; i++)
		assert_int_equal(b->kernel.sent[i].answers, 1);
}

static int teardown(void **state)
{
	(void)state;
	end();
	sl_ne_live_free(&b->kernel.live);
	sl_dns_names_free(&b->names);
	sl_conf_free(&b->conf);
	free(b);
	return 0;
}

/* ---- rows ---- */

/* NE-CHOICE-02: with tcp_hold: data the handshake passes, and bytes wait */
static void test_held_until_passed(void **state)
{
	(void)state;
	handshake();
	struct ne_sent *first = data(false, 0, 100), *second = data(false, 100, 50);
	assert_true(first->waits && first->parked && second->waits);
	nothing_comes();
	struct sl_ne_verdict pass = sl_ne_data_verdict(150, 0);
	b->data = pass;
	assert_true(sl_ne_update_flow(b->flow, &pass, SL_NE_OUTBOUND, b->now));
	nothing_comes();
	assert_int_equal(first->how, SL_ACTION_PASS);
	assert_int_equal(second->how, SL_ACTION_PASS);
	assert_true(first->order < second->order);
}

/* Decided while it is on its way to the parking queue. */
static void test_decided_on_the_way(void **state)
{
	(void)state;
	struct sl_ne_verdict pass = sl_ne_data_verdict(100, 0);
	handshake();
	struct ne_sent *s = data(false, 0, 100);
	assert_true(sl_ne_update_flow(b->flow, &pass, SL_NE_OUTBOUND, b->now));
	assert_true(s->waits);
	nothing_comes();
	assert_int_equal(s->how, SL_ACTION_PASS);
}

static void test_lost_on_the_way(void **state)
{
	(void)state;
	struct sl_ne_verdict pass = sl_ne_data_verdict(150, 0);
	handshake();
	b->kernel.lose = true;
	struct ne_sent *lost = data(false, 0, 100), *next = data(false, 100, 50);
	nothing_comes();
	assert_true(sl_ne_update_flow(b->flow, &pass, SL_NE_OUTBOUND, b->now));
	nothing_comes();
	assert_int_equal(lost->how, SL_ACTION_DROP);
	assert_int_equal(next->how, SL_ACTION_PASS);
	assert_int_equal(sl_ne_live_parking(b->kernel.live)->lost, 1);
	assert_int_equal(data(false, 0, 100)->how, SL_ACTION_PASS); /* its sender sends it again */
}

/* NE-CHOICE-27, NE-FLOW-11: ordered before they are shown */
static void test_in_order(void **state)
{
	(void)state;
	b->data = sl_ne_data_verdict(SL_NE_BYTES_MAX, 0);
	handshake();
	struct ne_sent *third = data(false, 200, 100), *second = data(false, 100, 100);
	assert_true(third->waits && second->waits && b->shown[0] == 0);
	struct ne_sent *first = data(false, 0, 100);
	nothing_comes();
	assert_int_equal(b->shown[0], 100); /* and then the direction was unlimited */
	assert_true(first->order < second->order && second->order < third->order);
	assert_int_equal(data(false, 400, 10)->how, SL_ACTION_PASS); /* who looks no more needs no order */
}

/* NE-CHOICE-27: the first copy of a byte wins; a retransmission of released data passes, of held data is absorbed */
static void test_copies(void **state)
{
	(void)state;
	b->data = sl_ne_data_verdict(100, SL_NE_BYTES_MAX);
	handshake();
	assert_int_equal(data(false, 0, 100)->how, SL_ACTION_PASS);
	assert_int_equal(data(false, 20, 60)->how, SL_ACTION_PASS); /* came again, and had passed */
	b->data = sl_ne_data_verdict(0, SL_NE_BYTES_MAX);
	struct ne_sent *held = data(false, 100, 100);
	struct ne_sent *again = data(false, 100, 100);
	assert_true(held->waits && again->how == SL_ACTION_DROP && again->answers == 1);
	/* Another copy of old bytes, and new ones: the first copy is what is shown (on_data() compares). */
	struct ne_sent *overlap = segment(false, SL_TCP_ACK, 150, 100);
	memset(overlap->ip + 40, 0xee, 50);
	batch(&overlap, 1, false);
	assert_true(overlap->waits && b->shown[0] == 250);
	assert_int_equal(sl_ne_live_counts(b->kernel.live)->absorbed, 1);
}

static void test_ends(void **state)
{
	(void)state;
	handshake();
	struct ne_sent *fin = put(false, SL_TCP_FIN | SL_TCP_ACK, 100, 0);
	assert_true(fin->waits && b->completes == 0); /* ahead of the bytes before it */
	struct ne_sent *first = data(false, 0, 100);
	assert_int_equal(b->completes, 1); /* which allowed the direction */
	nothing_comes();
	assert_int_equal(first->how, SL_ACTION_PASS);
	assert_int_equal(fin->how, SL_ACTION_PASS);
	assert_true(first->order < fin->order);
	b->data = sl_ne_data_verdict(20, SL_NE_BYTES_MAX);
	assert_int_equal(put(true, SL_TCP_FIN | SL_TCP_ACK, 0, 20)->answers,
	                 1); /* bytes and the end in one */
	assert_int_equal(b->completes, 2);
	assert_int_equal(b->closed, 1);
	assert_int_equal(put(true, SL_TCP_FIN | SL_TCP_ACK, 0, 20)->how, SL_ACTION_PASS); /* once more */
	assert_int_equal(sl_ne_filter_counters(sl_ne_live_filter(b->kernel.live))->flows, 1);
}

static void test_drop(void **state)
{
	(void)state;
	handshake();
	struct ne_sent *held = data(false, 0, 100);
	nothing_comes();
	b->data = sl_ne_data_verdict_drop();
	struct ne_sent *back = data(true, 0, 10);
	nothing_comes();
	assert_int_equal(held->how, SL_ACTION_BLOCK);
	assert_int_equal(back->how, SL_ACTION_BLOCK);
	assert_int_equal(b->kernel.resets, 0); /* the rules tell both */
	assert_int_equal(data(false, 100, 10)->how, SL_ACTION_BLOCK);
}

/* NE-CHOICE-23, NE-DROP-02: who has no packet at hand gets a reset of ours */
static void test_drop_tells_the_rest(void **state)
{
	(void)state;
	struct sl_ne_verdict drop = sl_ne_data_verdict_drop();
	b->data = sl_ne_data_verdict(100, SL_NE_BYTES_MAX);
	handshake();
	(void)data(false, 0, 100);
	assert_true(sl_ne_update_flow(b->flow, &drop, SL_NE_ANY, b->now));
	nothing_comes();
	assert_int_equal(b->kernel.resets, 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(b->kernel.reset[i].seq,
		                 b->kernel.reset[i].to_client ? SERVER_ISN + 1 : CLIENT_ISN + 101);
	assert_true(b->kernel.reset[0].to_client != b->kernel.reset[1].to_client);
}

/* Nobody has answered: what counts in the reset is its ACK. */
static void test_drop_before_the_answer(void **state)
{
	(void)state;
	struct sl_ne_verdict drop = sl_ne_new_flow_verdict_drop();
	b->new_flow = sl_ne_new_flow_verdict_pause();
	(void)put(false, SL_TCP_SYN, 0, 0);
	assert_true(sl_ne_resume_flow(b->flow, &drop, b->now));
	nothing_comes();
	assert_int_equal(b->kernel.resets, 1);
	assert_true(b->kernel.reset[0].to_client && b->kernel.reset[0].ack == CLIENT_ISN + 1);
	assert_int_equal(put(false, SL_TCP_SYN, 0, 0)->how, SL_ACTION_BLOCK);
}

/* NE-CHOICE-02: tcp_hold: syn */
static void test_syn_waits(void **state)
{
	(void)state;
	struct sl_ne_verdict allow = sl_ne_new_flow_verdict_allow();
	b->new_flow = sl_ne_new_flow_verdict_pause();
	struct ne_sent *syn = put(false, SL_TCP_SYN, 0, 0), *again = put(false, SL_TCP_SYN, 0, 0);
	nothing_comes();
	assert_true(syn->waits && again->how == SL_ACTION_DROP);
	assert_true(sl_ne_resume_flow(b->flow, &allow, b->now));
	nothing_comes();
	assert_int_equal(syn->how, SL_ACTION_ALLOW);
}

static void test_marks(void **state)
{
	(void)state;
	b->data = sl_ne_data_verdict_allow();
	handshake();
	assert_int_equal(data(false, 0, 10)->how, SL_ACTION_PASS); /* one direction alone */
	assert_int_equal(data(true, 0, 10)->how, SL_ACTION_ALLOW);
	assert_int_equal(data(false, 10, 10)->how, SL_ACTION_ALLOW);
}

static void test_reports_keep_it(void **state)
{
	(void)state;
	b->new_flow = sl_ne_new_flow_verdict_allow();
	b->new_flow.should_report = true;
	handshake();
	assert_int_equal(data(false, 0, 10)->how, SL_ACTION_PASS);
	(void)put(false, SL_TCP_FIN | SL_TCP_ACK, 10, 0);
	(void)put(true, SL_TCP_FIN | SL_TCP_ACK, 0, 0);
	assert_int_equal(b->closed, 1);
}

static void test_reset(void **state)
{
	(void)state;
	b->complete = sl_ne_data_verdict(0, 0);
	handshake();
	struct ne_sent *held = data(false, 0, 100);
	assert_int_equal(put(true, SL_TCP_RST, 30000000, 0)->how, SL_ACTION_PASS); /* in no window */
	assert_non_null(b->flow);
	assert_int_equal(put(true, SL_TCP_RST, 0, 0)->how, SL_ACTION_PASS);
	assert_true(b->flow != NULL && held->waits); /* it waits for its provider for a second */
	b->now.us += 1000000;
	nothing_comes();
	nothing_comes();
	assert_true(b->flow == NULL && held->how == SL_ACTION_DROP);
	/* What goes on all the same is older than what is known of it. */
	assert_int_equal(data(false, 100, 10)->how, SL_ACTION_BLOCK);
}

/* NE-CHOICE-03, NE-CHOICE-15: nobody saw it begin */
static void test_older(void **state)
{
	(void)state;
	assert_int_equal(data(false, 0, 10)->how, SL_ACTION_BLOCK); /* existing: drop */
	assert_int_equal(b->kernel.resets, 1);                      /* the other end */
	assert_int_equal(b->kernel.reset[0].seq, CLIENT_ISN + 1);
}

static bool is_at(const struct sl_ne_endpoint *e, const char *address, uint16_t port)
{
	struct in_addr a;
	return inet_pton(AF_INET, address, &a) == 1 && e->type == SL_NE_HOST_IPV4 &&
	       memcmp(e->addr, &a, sizeof(a)) == 0 && e->port == port;
}

/* NE-FLOW-12, NE-CHOICE-04: both ends from the first packet on, local is the protected side, the direction is whose packet it was */
static void test_ends_of_a_flow(void **state)
{
	(void)state;
	(void)put(false, SL_TCP_SYN, 0, 0);
	assert_true(b->info.direction == SL_NE_OUTBOUND && is_at(&b->info.local, "10.0.0.2", PORT) &&
	            is_at(&b->info.remote, "192.0.2.1", 443));
	(void)put(false, SL_TCP_RST, 0, 0);
	(void)put(true, SL_TCP_SYN, 0, 0);
	assert_true(b->info.direction == SL_NE_INBOUND && is_at(&b->info.local, "10.0.0.2", PORT) &&
	            is_at(&b->info.remote, "192.0.2.1", 443));
	assert_true(b->info.socket_family == 4 && b->info.socket_type == SL_NE_SOCK_STREAM);
}

static void test_ports_again(void **state)
{
	(void)state;
	handshake();
	(void)data(false, 0, 10);
	struct ne_sent *syn = segment(false, SL_TCP_SYN, 0, 0);
	syn->ip[24] ^= 0x40; /* another number */
	batch(&syn, 1, false);
	nothing_comes();
	assert_int_equal(syn->how, SL_ACTION_PASS);
	assert_int_equal(b->closed, 1);
	assert_int_equal(sl_ne_filter_counters(sl_ne_live_filter(b->kernel.live))->flows, 2);
}

/* ---- names ---- */

static const char *name(void)
{
	return b->info.remote_hostname;
}

static void udp(bool inbound, uint16_t port, const uint8_t *payload, size_t len)
{
	uint8_t l4[1500] = { 0 };
	uint16_t head[3] = { htons(inbound ? port : PORT), htons(inbound ? PORT : port),
		             htons((uint16_t)(8 + len)) };
	memcpy(l4, head, sizeof(head));
	memcpy(l4 + 8, payload, len);
	struct ne_sent *s = ne_kernel_make(&b->kernel, inbound, SL_PROTO_UDP, l4, 8 + len);
	batch(&s, 1, false);
}

#define QUESTION 0, 1, 0, 0, 0, 0, 0, 0, 3, 'a', 'd', 's', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0, 0, 1, 0, 1

/* The client asks for ads.example, and is told 192.0.2.1. */
static void ask_dns(void)
{
	static const uint8_t query[] = { 0x12, 0x34, 1, 0, QUESTION };
	static const uint8_t answer[] = { 0x12, 0x34, 0x81, 0x80, 0, 1,    0,   1,   0,   0,   0,   0,
		                          3,    'a',  'd',  's',  7, 'e',  'x', 'a', 'm', 'p', 'l', 'e',
		                          0,    0,    1,    0,    1, 0xc0, 12,  0,   1,   0,   1,   0,
		                          0,    0,    60,   0,    4, 192,  0,   2,   1 };
	struct sl_ne_verdict others = b->new_flow;
	b->new_flow = sl_ne_new_flow_verdict_allow();
	udp(false, 53, query, sizeof(query));
	udp(true, 53, answer, sizeof(answer));
	b->new_flow = others;
}

/* NE-CHOICE-06: the name that the client asked DNS for when it got that address */
static void test_name_of_dns(void **state)
{
	(void)state;
	ask_dns();
	for (unsigned i = 0; i < b->kernel.n; i++) /* a mark would let the next answer pass unread */
		assert_int_equal(b->kernel.sent[i].how, SL_ACTION_PASS);
	handshake();
	assert_string_equal(name(), "ads.example");
	assert_int_equal(b->info.hostname_origin, SL_NE_HOSTNAME_DNS);
	assert_int_equal(sl_ne_live_names(b->kernel.live)->by_dns, 1);
	(void)put(false, SL_TCP_RST, 0, 0);
	b->now.us += INT64_C(61000000); /* its lifetime is over */
	handshake();
	assert_null(name());
}

/* NE-CHOICE-06: an answer that nobody asked for names nothing */
static void test_name_not_asked_for(void **state)
{
	(void)state;
	ask_dns();
	b->now.us += INT64_C(61000000);
	unsigned n = b->kernel.n;
	struct ne_sent *again = &b->kernel.sent[n++];
	*again = b->kernel.sent[n - 2];
	b->kernel.n = n;
	again->ticket.id = b->kernel.next_id++;
	again->ticket.queue = NE_QUEUE + SL_NE_QUEUE_INBOUND;
	again->waits = true;
	again->parked = false;
	again->answers = 0;
	b->new_flow = sl_ne_new_flow_verdict_allow();
	batch(&again, 1, false);
	handshake();
	assert_null(name());
}

static void send_text(const char *text, uint32_t cut)
{
	size_t len = strlen(text);
	memcpy(b->stream[0], text, len);
	for (uint32_t at = 0; at < len; at += cut)
		(void)data(false, at, (uint32_t)(len - at < cut ? len - at : cut));
}

/* NE-CHOICE-06: replaced by what the client says itself, however its segments are cut, before the bytes are shown */
static void test_name_of_hello(void **state)
{
	(void)state;
	ask_dns();
	handshake();
	send_text("GET / HTTP/1.1\r\nHost: www.example\r\n\r\n", 7);
	assert_string_equal(sl_ne_flow_info(b->flow)->remote_hostname, "www.example");
	assert_int_equal(sl_ne_flow_info(b->flow)->hostname_origin, SL_NE_HOSTNAME_SNIFFED);
}

/* NE-CHOICE-06: also over QUIC, whose first datagram has it (RFC 9001 A.2), when the flow begins */
static void test_name_of_quic(void **state)
{
	uint8_t datagram[1500];
	size_t len = sl_test_unhex(v1_client, datagram);
	(void)state;
	b->new_flow = sl_ne_new_flow_verdict_allow();
	udp(false, 443, datagram, len);
	assert_string_equal(name(), "example.com");
	assert_int_equal(b->info.hostname_origin, SL_NE_HOSTNAME_SNIFFED);
}

/* NE-CHOICE-06: what cannot be a host's name is none */
static void test_name_that_is_none(void **state)
{
	(void)state;
	ask_dns();
	handshake();
	send_text("GET / HTTP/1.1\r\nHost: \x1b[2Jx\r\n\r\n", 100);
	assert_string_equal(sl_ne_flow_info(b->flow)->remote_hostname, "ads.example");
}

/* NE-FLOW-05: who comes from outside is no host that was asked for */
static void test_name_of_client_outside(void **state)
{
	(void)state;
	ask_dns();
	assert_int_equal(put(true, SL_TCP_SYN, 0, 0)->answers, 1);
	assert_null(name());
}

static int setup_dns(void **state)
{
	(void)state;
	return setup_with("hostname: dns\n");
}

static int setup_nameless(void **state)
{
	(void)state;
	return setup_with("hostname: none\n");
}

static void test_name_of_dns_alone(void **state)
{
	(void)state;
	ask_dns();
	handshake();
	send_text("GET / HTTP/1.1\r\nHost: www.example\r\n\r\n", 100);
	assert_string_equal(sl_ne_flow_info(b->flow)->remote_hostname, "ads.example");
}

/* NE-FLOW-06: as of a client that connects by address */
static void test_nameless(void **state)
{
	(void)state;
	ask_dns();
	handshake();
	send_text("GET / HTTP/1.1\r\nHost: www.example\r\n\r\n", 100);
	assert_null(sl_ne_flow_info(b->flow)->remote_hostname);
}

/* ---- anything ---- */

static void do_something(void)
{
	struct sl_ne_verdict v =
	        random_verdict(b->flow != NULL && b->flow->question.callback == SL_NE_EVENT_NEW_FLOW);
	if (b->flow == NULL || random_below(3) > 0)
		return;
	if (random_below(2) == 0)
		(void)sl_ne_resume_flow(b->flow, &v, b->now);
	else
		(void)sl_ne_update_flow(b->flow, &v, (enum sl_ne_direction)random_below(3), b->now);
}

static struct ne_sent *any_segment(uint32_t at[2], uint32_t length)
{
	bool inbound = random_below(3) == 0;
	uint32_t from = at[inbound], back = random_below(4) == 0 ? random_below(1500) : 0;
	from = from > back ? from - back : 0;
	if (random_below(6) == 0)
		from += random_below(2000); /* ahead of its time */
	from = from > length ? length : from;
	uint32_t len = random_below(1400), left = length - from;
	len = len > left ? left : len;
	bool fin = from + len == length && random_below(3) == 0;
	if (from <= at[inbound] && from + len > at[inbound])
		at[inbound] = from + len;
	return segment(inbound, (uint8_t)(SL_TCP_ACK | (fin ? SL_TCP_FIN : 0)), from, len);
}

static void run(uint32_t seed)
{
	uint32_t at[2] = { 0, 0 }, length = 6000;
	(void)setup_with(seed % 2 == 0 ? "" : "tcp_hold: syn\napply: all\ntcp_bytes: 64KiB\n");
	b->seed = seed;
	b->random = true;
	(void)put(false, SL_TCP_SYN, 0, 0);
	(void)put(true, SL_TCP_SYN | SL_TCP_ACK, 0, 0);
	for (unsigned i = 0; i < 30; i++) {
		struct ne_sent *some[4];
		unsigned n = random_below(4);
		for (unsigned j = 0; j < n; j++)
			some[j] = any_segment(at, length);
		b->kernel.lose = random_below(40) == 0;
		batch(some, n, random_below(3) == 0);
		b->kernel.lose = false;
		b->now.us += random_below(300000);
		do_something();
	}
	if (random_below(4) == 0)
		(void)put(false, SL_TCP_RST, at[0], 0);
	(void)teardown(NULL);
}

static void test_anything(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 1000; seed++)
		run(seed);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* What a provider does not read is not queued: the gateway's own wants the client's first bytes, and no more. */
static void test_needs(void **state)
{
	(void)state;
	assert_int_equal(sl_ne_source_needs(SL_PROVIDER_POLICY), 0);
	assert_int_equal(sl_ne_source_needs(SL_PROVIDER_RULES), 0);
	assert_int_equal(sl_ne_source_needs(SL_PROVIDER_SCRIPTED), SL_NE_NEEDS_ALL);
	assert_int_equal(sl_ne_source_needs(SL_PROVIDER_EXTERNAL), SL_NE_NEEDS_ALL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_needs),
		ROW(test_held_until_passed),
		ROW(test_decided_on_the_way),
		ROW(test_lost_on_the_way),
		ROW(test_in_order),
		ROW(test_copies),
		ROW(test_ends),
		ROW(test_drop),
		ROW(test_drop_tells_the_rest),
		ROW(test_drop_before_the_answer),
		cmocka_unit_test_setup_teardown(test_syn_waits, setup_syn, teardown),
		ROW(test_marks),
		ROW(test_reports_keep_it),
		ROW(test_reset),
		ROW(test_older),
		ROW(test_ends_of_a_flow),
		ROW(test_ports_again),
		ROW(test_name_of_dns),
		ROW(test_name_not_asked_for),
		ROW(test_name_of_hello),
		ROW(test_name_of_quic),
		ROW(test_name_that_is_none),
		ROW(test_name_of_client_outside),
		cmocka_unit_test_setup_teardown(test_name_of_dns_alone, setup_dns, teardown),
		cmocka_unit_test_setup_teardown(test_nameless, setup_nameless, teardown),
		cmocka_unit_test(test_anything),
	};
	return cmocka_run_group_tests_name("ne_live", tests, NULL, NULL);
}
