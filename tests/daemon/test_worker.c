/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A worker with threads, reload and flow log as in the engine, but with a socket pair in the place of the kernel: packets
 * go in as queue messages, verdicts come out. Runs under ThreadSanitizer, and without root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/mark.h"
#include "daemon/worker.h"

enum { QUEUE = 7, FLOWS = 2000, RELOADS = 50, MASK = 0x70000000, FOREIGN_MARK = 0x5 };

#define UNFINISHED "blocked.exam" /* the rest has not come */

static const char yaml[] =
        "inside: eth0\nlists: []\nrefuse: silent\nflow_log_ring: 64KiB\nmax_flows: 8192\nmax_streams: 64\n";

struct bench {
	struct sl_conf *conf;
	struct sl_policy_slot slot;
	struct sl_flow_log *log;
	struct sl_worker_shared *shared;
	struct sl_worker *worker;
	int kernel; /* the end that plays the kernel */
};

static struct sl_policy *policy_of(const char *block, const char *allow)
{
	struct sl_policy_builder *b = NULL;
	struct sl_policy *p = NULL;
	struct sl_policy_list l = {
		"test",
		SL_LIST_BLOCK,
		{ .file = "test", .format = SL_FORMAT_DOMAINS, .max_refused_percent = 0 }
	};

	assert_int_equal(sl_policy_builder_new(&b), SL_OK);
	assert_int_equal(sl_policy_builder_add(b, &l, sl_bytes_str(block), NULL, NULL), SL_OK);
	l.name = "allow";
	l.kind = SL_LIST_ALLOW;
	if (allow != NULL)
		assert_int_equal(sl_policy_builder_add(b, &l, sl_bytes_str(allow), NULL, NULL), SL_OK);
	assert_int_equal(sl_policy_builder_finish(b, &p), SL_OK);
	sl_policy_builder_free(&b);
	return p;
}

static struct sl_policy *policy_with(const char *list)
{
	return policy_of(list, NULL);
}

static void nothing(int signal_number)
{
	(void)signal_number;
}

static int setup_with(void **state, const char *options)
{
	char text[512];
	struct bench *t = calloc(1, sizeof(*t));
	struct sigaction wake = { .sa_handler = nothing };
	int pair[2];

	assert_non_null(t);
	(void)sigaction(SIGUSR2, &wake, NULL);
	(void)snprintf(text, sizeof(text), "%s%s", yaml, options);
	assert_int_equal(sl_conf_read("test.yaml", sl_bytes_str(text), NULL, &t->conf), SL_OK);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	t->kernel = pair[1];
	t->shared = aligned_alloc(SL_CACHE_LINE, sizeof(*t->shared));
	assert_non_null(t->shared);
	memset(t->shared, 0, sizeof(*t->shared));
	assert_int_equal(sl_flow_log_new(1, t->conf->flow_log_ring, -1, NULL, &t->log), SL_OK);
	sl_policy_slot_publish(&t->slot, policy_with("blocked.example\n"));
	struct sl_worker_cfg cfg = {
		.queue = pair[0],
		.raw = { -1, -1 },
		.conntrack = -1,
		.syns = -1,
		.conf = t->conf,
		.slot = &t->slot,
		.log = t->log,
		.shared = t->shared,
		.seed = 1,
	};
	assert_int_equal(sl_worker_start(&cfg, &t->worker), SL_OK);
	*state = t;
	return 0;
}

static int setup(void **state)
{
	return setup_with(state, "");
}

static int setup_holding(void **state)
{
	return setup_with(state, "hold: all\nhold_limit: 60s\n");
}

static int teardown(void **state)
{
	struct bench *t = *state;

	sl_worker_stop(&t->worker, SL_WORKER_RELEASE);
	sl_flow_log_free(&t->log);
	sl_policy_slot_publish(&t->slot, NULL);
	sl_conf_free(&t->conf);
	free(t->shared);
	(void)close(t->kernel);
	free(t);
	return 0;
}

/* An IPv4 packet with an HTTP request for host, from port 1024 + flow. */
static size_t http_packet(uint8_t *p, unsigned flow, const char *host)
{
	char request[256];
	const char *end = strcmp(host, UNFINISHED) == 0 ? "" : "\r\n\r\n";
	int len = snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: %s%s", host, end);
	static const uint8_t head[40] = { 0x45, 0, 0,   0, 0, 0, 0x40, 0,  64,  6,
		                          0,    0, 192, 0, 2, 1, 198,  51, 100, 1 };
	uint16_t total = htons((uint16_t)(40 + len)), sport = htons((uint16_t)(1024 + flow)),
	         dport = htons(80);

	memcpy(p, head, sizeof(head));
	memcpy(p + 2, &total, 2);
	memcpy(p + 20, &sport, 2);
	memcpy(p + 22, &dport, 2);
	p[32] = 5 << 4;
	p[33] = 0x18;
	memcpy(p + 40, request, (size_t)len);
	return 40 + (size_t)len;
}

static void queue_packet(int kernel, uint32_t id, unsigned flow, const char *host)
{
	char buf[2048] __attribute__((aligned(8)));
	uint8_t packet[512];
	size_t len = http_packet(packet, flow, host);
	struct nfqnl_msg_packet_hdr hdr = { htonl(id), htons(0x0800), 2 };
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_PACKET, QUEUE);

	mnl_attr_put(nlh, NFQA_PACKET_HDR, sizeof(hdr), &hdr);
	mnl_attr_put_u32(nlh, NFQA_MARK, htonl(FOREIGN_MARK | sl_mark_started(MASK)));
	mnl_attr_put(nlh, NFQA_PAYLOAD, len, packet);
	assert_int_equal(send(kernel, buf, nlh->nlmsg_len, 0), nlh->nlmsg_len);
}

/* Reads verdicts until `want` have come; mark[id] gets the mark of each. Fails when one comes twice. */
static void read_verdicts(int kernel, uint32_t *mark, unsigned want)
{
	static char buf[256 * 1024] __attribute__((aligned(8)));

	for (unsigned got = 0; got < want;) {
		int n = (int)recv(kernel, buf, sizeof(buf), 0);
		assert_true(n > 0);
		for (const struct nlmsghdr *nlh = (const void *)buf; mnl_nlmsg_ok(nlh, n);
		     nlh = mnl_nlmsg_next(nlh, &n)) {
			struct nlattr *attr[NFQA_MAX + 1] = { NULL };
			assert_int_equal(nlh->nlmsg_type, (NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_VERDICT);
			assert_int_equal(ntohs(((const struct nfgenmsg *)mnl_nlmsg_get_payload(nlh))->res_id),
			                 QUEUE);
			assert_true(nfq_nlmsg_parse(nlh, attr) >= 0);
			const struct nfqnl_msg_verdict_hdr *v = mnl_attr_get_payload(attr[NFQA_VERDICT_HDR]);
			assert_int_equal(ntohl(v->verdict), 1); /* NF_ACCEPT, always */
			assert_int_equal(mark[ntohl(v->id)], 0);
			mark[ntohl(v->id)] = ntohl(mnl_attr_get_u32(attr[NFQA_MARK]));
			got++;
		}
	}
}

static void marks_say_the_verdict_and_keep_the_bits_of_others(void **state)
{
	struct bench *t = *state;
	uint32_t mark[4] = { 0 };

	queue_packet(t->kernel, 1, 1, "blocked.example");
	queue_packet(t->kernel, 2, 2, "www.blocked.example");
	queue_packet(t->kernel, 3, 3, "notblocked.example");
	read_verdicts(t->kernel, mark, 3);
	assert_int_equal(mark[1], FOREIGN_MARK | sl_mark_of(MASK, SL_MARK_BLOCKED));
	assert_int_equal(mark[2], FOREIGN_MARK | sl_mark_of(MASK, SL_MARK_BLOCKED));
	assert_int_equal(mark[3],
	                 FOREIGN_MARK | sl_mark_of(MASK, SL_MARK_PASSED)); /* HTTP goes on being read */
}

static uint64_t total(const struct sl_histogram *h)
{
	uint64_t n = 0;

	for (size_t i = 0; i <= SL_HISTOGRAM_BOUNDS; i++)
		n += h->count[i];
	return n;
}

static void verdicts_are_counted_by_list_and_by_how_long_they_took(void **state)
{
	struct bench *t = *state;
	const struct sl_verdict_counts *c = &t->shared->verdicts;
	uint32_t mark[5] = { 0 };

	queue_packet(t->kernel, 1, 1, "blocked.example");
	queue_packet(t->kernel, 2, 2, "notblocked.example");
	read_verdicts(t->kernel, mark, 2);
	sl_policy_slot_publish(&t->slot, policy_of("blocked.example\n", "allowed.example\n"));
	queue_packet(t->kernel, 3, 3, "blocked.example");
	queue_packet(t->kernel, 4, 4, "allowed.example");
	read_verdicts(t->kernel, mark, 2);
	sl_worker_stop(&t->worker, SL_WORKER_RELEASE);
	assert_int_equal(sl_list_counts(c), 3);
	assert_string_equal(c->list[1].name, "test");
	assert_int_equal(c->list[1].blocked, 2);
	assert_int_equal(c->list[1].allowed, 0);
	assert_string_equal(c->list[2].name, "allow");
	assert_int_equal(c->list[2].allowed, 1);
	assert_int_equal(c->list[0].allowed + c->list[0].blocked, 0);
	assert_int_equal(total(&c->undecided), 4);
	assert_int_equal(total(&c->latency), 4);
	assert_true(c->latency.sum_us < 4 * UINT64_C(60000000));
}

/* Policy resolution, line 9: judged with the name when there is one, so that an allowed name wins. */
static void a_destination_address_is_judged_with_the_name(void **state)
{
	struct bench *t = *state;
	uint32_t mark[4] = { 0 };

	sl_policy_slot_publish(&t->slot, policy_of("198.51.100.0/24\n", "allowed.example\n"));
	queue_packet(t->kernel, 1, 1, "some.example");
	queue_packet(t->kernel, 2, 2, "allowed.example");
	queue_packet(t->kernel, 3, 3, "");
	read_verdicts(t->kernel, mark, 3);
	assert_int_equal(mark[1], FOREIGN_MARK | sl_mark_of(MASK, SL_MARK_BLOCKED));
	assert_int_equal(mark[2], FOREIGN_MARK | sl_mark_of(MASK, SL_MARK_PASSED));
	assert_int_equal(mark[3], FOREIGN_MARK | sl_mark_of(MASK, SL_MARK_BLOCKED));
}

/* As behind a proxy, or to deceive: the name and the destination are two addresses, and either blocks. */
static void a_host_that_is_an_address_is_judged_beside_the_destination(void **state)
{
	struct bench *t = *state;
	uint32_t mark[4] = { 0 };

	sl_policy_slot_publish(&t->slot, policy_with("203.0.113.7\n"));
	queue_packet(t->kernel, 1, 1, "203.0.113.7");
	queue_packet(t->kernel, 2, 2, "203.0.113.8");
	read_verdicts(t->kernel, mark, 2);
	sl_policy_slot_publish(&t->slot, policy_with("198.51.100.1\n"));
	queue_packet(t->kernel, 3, 3, "203.0.113.8");
	read_verdicts(t->kernel, mark, 1);
	assert_int_equal(mark[1], FOREIGN_MARK | sl_mark_of(MASK, SL_MARK_BLOCKED));
	assert_int_equal(mark[2], FOREIGN_MARK | sl_mark_of(MASK, SL_MARK_PASSED));
	assert_int_equal(mark[3], FOREIGN_MARK | sl_mark_of(MASK, SL_MARK_BLOCKED));
}

static void noise_between_packets_is_survived(void **state)
{
	struct bench *t = *state;
	uint32_t mark[3] = { 0 };
	static const char noise[] = "this is no netlink message at all";

	assert_int_equal(send(t->kernel, noise, sizeof(noise), 0), sizeof(noise));
	assert_int_equal(send(t->kernel, noise, 3, 0), 3);
	queue_packet(t->kernel, 1, 1, "blocked.example");
	read_verdicts(t->kernel, mark, 1);
	assert_int_equal(mark[1], FOREIGN_MARK | sl_mark_of(MASK, SL_MARK_BLOCKED));
}

/* Every batch is a sign, and an idle worker gives one a second. */
static void a_worker_gives_signs_of_life(void **state)
{
	struct bench *t = *state;
	uint32_t mark[2] = { 0 };
	uint64_t before = sl_life_get(&t->shared->life);

	queue_packet(t->kernel, 1, 1, "blocked.example");
	read_verdicts(t->kernel, mark, 1);
	for (int i = 0; i < 500 && sl_life_get(&t->shared->life) == before; i++)
		(void)usleep(1000);
	uint64_t after = sl_life_get(&t->shared->life);
	assert_int_not_equal(after, before);
	assert_int_equal(sl_life_held(after), 0);
	for (int i = 0; i < 5000 && sl_life_get(&t->shared->life) == after; i++)
		(void)usleep(1000);
	assert_int_not_equal(sl_life_get(&t->shared->life), after);
}

/* One that holds a packet says so, and answers it at its end, or leaves it to the next engine. */
static void held_until_the_end(struct bench *t, enum sl_worker_end how)
{
	uint32_t mark[2] = { 0 };
	char byte;

	queue_packet(t->kernel, 1, 1, UNFINISHED);
	for (int i = 0; i < 5000 && sl_life_held(sl_life_get(&t->shared->life)) == 0; i++)
		(void)usleep(1000);
	assert_int_equal(sl_life_held(sl_life_get(&t->shared->life)), 1);
	assert_int_equal(recv(t->kernel, &byte, 1, MSG_DONTWAIT), -1);
	sl_worker_stop(&t->worker, how);
	if (how == SL_WORKER_RELEASE)
		read_verdicts(t->kernel, mark, 1);
	else
		assert_true(recv(t->kernel, &byte, 1, MSG_DONTWAIT) <= 0);
}

static void what_is_held_is_answered_at_the_end(void **state)
{
	held_until_the_end(*state, SL_WORKER_RELEASE);
}

static void what_is_held_is_left_to_the_next_engine(void **state)
{
	held_until_the_end(*state, SL_WORKER_LEAVE);
}

struct reloader {
	struct bench *t;
	atomic_bool stop;
	atomic_uint reloads;
};

static void *reload_again_and_again(void *arg)
{
	struct reloader *r = arg;

	while (!atomic_load(&r->stop)) {
		sl_policy_slot_publish(&r->t->slot,
		                       policy_with(r->reloads % 2 == 0 ? "blocked.example\nother.example\n"
		                                                       : "blocked.example\n"));
		r->reloads++;
	}
	return NULL;
}

/* What every generation blocks stays blocked, what none blocks passes, whatever the moment of the swap. */
static void verdicts_hold_while_policies_are_swapped(void **state)
{
	struct bench *t = *state;
	struct reloader r = { .t = t };
	static uint32_t mark[FLOWS + 1];
	pthread_t thread;

	memset(mark, 0, sizeof(mark));
	assert_int_equal(pthread_create(&thread, NULL, reload_again_and_again, &r), 0);
	for (unsigned i = 1; i <= FLOWS; i += 4) {
		for (unsigned k = 0; k < 4; k++)
			queue_packet(t->kernel, i + k, i + k,
			             (i + k) % 2 == 0 ? "blocked.example" : "allowed.example");
		read_verdicts(t->kernel, mark, 4);
	}
	while (atomic_load(&r.reloads) < RELOADS)
		(void)usleep(1000);
	atomic_store(&r.stop, true);
	(void)pthread_join(thread, NULL);
	for (unsigned i = 1; i <= FLOWS; i++)
		assert_int_equal(mark[i] & MASK,
		                 sl_mark_of(MASK, i % 2 == 0 ? SL_MARK_BLOCKED : SL_MARK_PASSED));
	/* Counters are published after the answers went out. */
	for (int ms = 0; ms < 2000 && sl_counter_get(&t->shared->answers) < FLOWS; ms++)
		(void)usleep(1000);
	assert_int_equal(sl_counter_get(&t->shared->filter.count[SL_STAT_blocked]), FLOWS / 2);
	assert_int_equal(sl_counter_get(&t->shared->answers), FLOWS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(marks_say_the_verdict_and_keep_the_bits_of_others, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(verdicts_are_counted_by_list_and_by_how_long_they_took, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(a_destination_address_is_judged_with_the_name, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(a_host_that_is_an_address_is_judged_beside_the_destination,
		                                setup, teardown),
		cmocka_unit_test_setup_teardown(noise_between_packets_is_survived, setup, teardown),
		cmocka_unit_test_setup_teardown(a_worker_gives_signs_of_life, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_held_is_answered_at_the_end, setup_holding, teardown),
		cmocka_unit_test_setup_teardown(what_is_held_is_left_to_the_next_engine, setup_holding,
		                                teardown),
		cmocka_unit_test_setup_teardown(verdicts_hold_while_policies_are_swapped, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
