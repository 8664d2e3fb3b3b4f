/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a worker answers in a pause, before and after it; nothing of the kernel is here. */
#include "daemon/pause.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/clock.h"
#include "daemon/judging.h"
#include "tests/daemon/compiled.h"

enum { HEADERS = 40, PACKET_MAX = 512 };

#define GET(host) "GET / HTTP/1.1\r\nHost: " host "\r\n\r\n"
#define OTHER     "\x17\x03\x03\x01\x20x" /* in the midst of a flow: allowed for good */

struct bench {
	struct sl_conf *conf;
	struct sl_policy_slot slot;
	struct sl_filter_stats stats;
	struct sl_pause pause;
	struct sl_pause_counts counts;
	struct sl_judging judging;
	uint32_t next[8]; /* sequence number of each flow */
	uint32_t id;
	char said[256]; /* "P1 A2 B3 R": what was sent to the kernel, and resets */
};

static int flush(void *ctx)
{
	struct bench *b = ctx;
	struct sl_answers *a = &b->judging.answers;
	static const char letter[] = {
		[SL_ACTION_PASS] = 'P', [SL_ACTION_ALLOW] = 'A', [SL_ACTION_BLOCK] = 'B'
	};

	for (size_t i = 0; i < a->answers; i++) {
		size_t len = strlen(b->said);
		(void)snprintf(b->said + len, sizeof(b->said) - len, "%s%c%u", len > 0 ? " " : "",
		               letter[a->answer[i].action], a->answer[i].ticket.id);
	}
	size_t end = strlen(b->said);
	if (a->resets > 0)
		(void)snprintf(b->said + end, sizeof(b->said) - end, " R");
	a->answers = a->resets = 0;
	return SL_OK;
}

static void open_bench(struct bench *b, const char *hold)
{
	char text[128];

	memset(b, 0, sizeof(*b));
	(void)snprintf(text, sizeof(text),
	               "inside:\n  - lan\nlists: []\nhold: %s\nmax_flows: 64\ndns_names: no\n", hold);
	assert_int_equal(sl_conf_read("test", sl_bytes_str(text), NULL, &b->conf), SL_OK);
	sl_policy_slot_publish(&b->slot, compiled_policy("blocked.example\n", 1));
	const struct sl_judging_cfg cfg = { .conf = b->conf,
		                            .slot = &b->slot,
		                            .stats = &b->stats,
		                            .pause = &b->pause,
		                            .pause_count = &b->counts,
		                            .seed = 1,
		                            .flush = flush,
		                            .ctx = b };
	assert_int_equal(sl_judging_new(&cfg, &b->judging), SL_OK);
}

static void close_bench(struct bench *b)
{
	sl_judging_free(&b->judging);
	sl_policy_slot_publish(&b->slot, NULL);
	sl_conf_free(&b->conf);
}

/* IPv4 and TCP, from port 1000 + flow to 80, with these bytes next. */
static size_t make_packet(struct bench *b, unsigned flow, const char *text, uint8_t *p)
{
	size_t n = strlen(text), all = HEADERS + n;
	uint32_t seq = 1000 + b->next[flow];
	const uint8_t head[HEADERS] = { 0x45,
		                        0,
		                        (uint8_t)(all >> 8),
		                        (uint8_t)all,
		                        0,
		                        0,
		                        0x40,
		                        0,
		                        64,
		                        6,
		                        0,
		                        0, /* to the checksum */
		                        192,
		                        0,
		                        2,
		                        7,
		                        198,
		                        51,
		                        100,
		                        1,
		                        (uint8_t)((1000 + flow) >> 8),
		                        (uint8_t)(1000 + flow),
		                        0,
		                        80,
		                        (uint8_t)(seq >> 24),
		                        (uint8_t)(seq >> 16),
		                        (uint8_t)(seq >> 8),
		                        (uint8_t)seq,
		                        0,
		                        0,
		                        0,
		                        1,
		                        0x50,
		                        0x18,
		                        0xff,
		                        0xff,
		                        0,
		                        0,
		                        0,
		                        0 };

	memcpy(p, head, HEADERS);
	memcpy(p + HEADERS, text, n);
	b->next[flow] += (uint32_t)n;
	return all;
}

/* A batch of one packet of each flow that has a text; what was said. Their tickets count from the first packet on. */
static const char *give(struct bench *b, const char *a, const char *c)
{
	static uint8_t bytes[2][PACKET_MAX];
	struct sl_nfq_packet packet[2];
	size_t n = 0;

	for (unsigned flow = 0; flow < 2; flow++) {
		const char *text = flow == 0 ? a : c;
		if (text == NULL)
			continue;
		size_t len = make_packet(b, flow, text, bytes[n]);
		packet[n] = (struct sl_nfq_packet){
			.ticket = { .id = ++b->id,
			            .mark = text[0] == 0x17 ? 0 : 4U << 28 }, /* the kernel saw it begin */
			.ip = sl_bytes_of(bytes[n], len),
			.wire_len = (uint32_t)len
		};
		n++;
	}
	b->said[0] = '\0';
	assert_int_equal(sl_judging_batch(&b->judging, packet, n), SL_OK);
	return b->said;
}

static void begin(struct bench *b)
{
	sl_pause_set(&b->pause, (uint64_t)sl_clock_now().us + 3600000000U);
}

static void test_carried_out_later(void **state)
{
	struct bench b;
	(void)state;

	open_bench(&b, "last");
	assert_string_equal(give(&b, GET("blocked.example"), OTHER), "B1 A2 R"); /* as ever */
	close_bench(&b);
	open_bench(&b, "last");
	begin(&b);
	assert_string_equal(give(&b, GET("blocked.example"), OTHER), "P1 P2"); /* nothing is for good */
	assert_string_equal(give(&b, GET("blocked.example"), OTHER), "P3 P4");
	assert_int_equal(b.counts.packets, 4);
	assert_int_equal(b.counts.refused, 1);
	sl_pause_set(&b.pause, 0);
	assert_string_equal(give(&b, "more", "more"), "B5 A6");
	assert_int_equal(b.counts.packets, 4);
	close_bench(&b);
}

static void test_ends_by_the_clock(void **state)
{
	struct bench b;
	(void)state;

	open_bench(&b, "last");
	sl_pause_set(&b.pause, (uint64_t)sl_clock_now().us); /* is over now */
	assert_string_equal(give(&b, GET("blocked.example"), NULL), "B1 R");
	close_bench(&b);
}

/* What is held when a pause begins goes on before anything else; in it nothing is held; and its flow is judged all the same. */
static void test_held(void **state)
{
	struct bench b;
	(void)state;

	open_bench(&b, "all");
	assert_string_equal(give(&b, "GET / HTTP/1.1\r\nHost: bloc", NULL), "");
	assert_int_equal(sl_filter_held(b.judging.filter), 1);
	begin(&b);
	assert_string_equal(give(&b, NULL, "GET / HTTP/1.1\r\nHost: bloc"), "P1 P2");
	assert_int_equal(sl_filter_held(b.judging.filter), 0);
	assert_string_equal(give(&b, "ked.example\r\n\r\n", NULL), "P3");
	assert_int_equal(b.counts.refused, 1);
	sl_pause_set(&b.pause, 0);
	assert_string_equal(give(&b, "more", "ked.example\r\n\r\n"),
	                    "B4 B5 R"); /* and the other was half read */
	assert_string_equal(give(&b, NULL, NULL), "");
	close_bench(&b);
}

/* A worker to whom nothing comes says nothing, and counts nothing. */
static void test_empty(void **state)
{
	struct bench b;
	(void)state;

	open_bench(&b, "all");
	assert_string_equal(give(&b, "GET / HTTP/1.1\r\nHost: bloc", NULL), "");
	begin(&b);
	assert_string_equal(give(&b, NULL, NULL), "P1"); /* but what it held goes on when it looks up */
	assert_string_equal(give(&b, NULL, NULL), "");
	assert_int_equal(b.counts.packets, 0);
	close_bench(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "in a pause all passes, and is judged; afterwards that is carried out",
		  test_carried_out_later, NULL, NULL, NULL },
		{ "a pause ends by the clock", test_ends_by_the_clock, NULL, NULL, NULL },
		{ "what is held goes on when a pause begins, and nothing is held in it", test_held, NULL,
		  NULL, NULL },
		{ "a batch without packets", test_empty, NULL, NULL, NULL },
	};
	sl_policy_slot_register();
	int failed = cmocka_run_group_tests_name("daemon/pause", tests, NULL, NULL);
	sl_policy_slot_unregister();
	return failed;
}
