/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A worker with a content filter and all that has a thread beside it: the trace's writer, an external provider at the other end of its
 * socket, and whoever reads the counters. A socket pair plays the kernel, with its parking queue. Runs under ThreadSanitizer, and
 * without root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <jansson.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/sockios.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/mark.h"
#include "daemon/ne_live.h"
#include "daemon/worker.h"

enum { QUEUE = 100, PARKING = QUEUE + SL_NE_QUEUE_PARKING, FLOWS = 600, BATCH = 20, MASK = 0x70000000 };

#define KINDS 3 /* of flows, by their number: dropped, allowed, paused and then allowed */

static const char yaml[] =
        "inside: eth0\nlists: []\nprovider: external\nqueue_first: 100\nstarting: closed\nmax_flows: 1024\n"
        "max_parked: 1024\nrefuse: silent\nanswer_limit: 60s\nudp_undecided: 60s\n";

struct bench {
	struct sl_conf *conf;
	struct sl_policy_slot slot;
	struct sl_dns_names *names;
	struct sl_worker_shared *shared;
	struct sl_worker *worker;
	int kernel, provider; /* the other ends */
	FILE *trace;
	pthread_t thread[2];
	atomic_bool stop, silent; /* the provider answers nothing */
	uint32_t next;            /* number of the kernel's next packet */
	uint32_t verdict[4 * FLOWS], mark[4 * FLOWS];
	unsigned flow[4 * FLOWS]; /* by the packet's number */
	unsigned answers[FLOWS + 1], answer[FLOWS + 1], parked;
};

/* ---- the provider: a thread ---- */

static bool read_all(int fd, void *to, size_t n)
{
	for (uint8_t *p = (uint8_t *)to; n > 0;) {
		ssize_t got = recv(fd, p, n, 0);
		if (got <= 0)
			return false;
		p += got;
		n -= (size_t)got;
	}
	return true;
}

static json_t *hear(int fd)
{
	static char text[65536];
	uint32_t len;
	if (!read_all(fd, &len, sizeof(len)) || ntohl(len) > sizeof(text) || !read_all(fd, text, ntohl(len)))
		return NULL;
	return json_loadb(text, ntohl(len), 0, NULL);
}

__attribute__((format(printf, 2, 3))) static void say(int fd, const char *fmt, ...)
{
	char text[512];
	va_list args;
	va_start(args, fmt);
	uint32_t len = (uint32_t)vsnprintf(text + sizeof(len), sizeof(text) - sizeof(len), fmt, args),
	         order = htonl(len);
	va_end(args);
	memcpy(text, &order, sizeof(order));
	(void)send(fd, text, sizeof(len) + len, MSG_NOSIGNAL);
}

static void answer(int fd, long long flow, long long question)
{
	static const char *const word[KINDS] = { "drop", "allow", "pause" };
	say(fd, "{\"message\":\"verdict\",\"flow\":%lld,\"question\":%lld,\"verdict\":\"%s\"}", flow,
	    question, word[flow % KINDS]);
	if (flow % KINDS == 2)
		say(fd, "{\"message\":\"resumeFlow\",\"flow\":%lld,\"verdict\":\"allow\"}", flow);
}

static void *provide(void *arg)
{
	struct bench *t = (struct bench *)arg;
	json_t *m;
	say(t->provider, "{\"message\":\"hello\",\"protocol\":\"sluice-provider\",\"version\":1}");
	while ((m = hear(t->provider)) != NULL) {
		const char *message = json_string_value(json_object_get(m, "message"));
		if (message != NULL && strcmp(message, "startFilter") == 0)
			say(t->provider, "{\"message\":\"filterStarted\"}");
		else if (message != NULL && strcmp(message, "stopFilter") == 0)
			say(t->provider, "{\"message\":\"filterStopped\"}");
		else if (json_object_get(m, "question") != NULL && !atomic_load(&t->silent))
			answer(t->provider, json_integer_value(json_object_get(m, "flow")),
			       json_integer_value(json_object_get(m, "question")));
		json_decref(m);
	}
	return NULL;
}

/* ---- who asks for the status: another one ---- */

static void *count(void *arg)
{
	struct bench *t = (struct bench *)arg;
	uint64_t sum = 0;
	while (!atomic_load(&t->stop)) {
		for (unsigned i = 0; i < SL_NE_STAT_COUNT; i++)
			sum += sl_counter_get(&t->shared->content[i]);
		(void)usleep(500);
	}
	return (void *)(uintptr_t)(sum & 1);
}

/* ---- the kernel ---- */

/* The one packet of a flow, which is known by its source port. */
static void put_packet(struct bench *t, unsigned flow, uint16_t queue)
{
	char buf[512] __attribute__((aligned(8)));
	uint8_t p[28 + 64] = {
		0x45, 0, 0, 28 + 64, 0, 0, 0x40, 0, 64, 17, 0, 0, 192, 0, 2, 1, 198, 51, 100, 1
	};
	const uint16_t udp[3] = { htons((uint16_t)(1024 + flow)), htons(9999), htons(8 + 64) };
	uint32_t id = ++t->next;
	struct nfqnl_msg_packet_hdr hdr = { htonl(id), htons(0x0800), 2 };
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_PACKET, queue);
	memcpy(p + 20, udp, sizeof(udp));
	t->flow[id] = flow;
	mnl_attr_put(nlh, NFQA_PACKET_HDR, sizeof(hdr), &hdr);
	mnl_attr_put_u32(nlh, NFQA_MARK, htonl(sl_mark_started(MASK)));
	mnl_attr_put(nlh, NFQA_PAYLOAD, sizeof(p), p);
	assert_int_equal(send(t->kernel, buf, nlh->nlmsg_len, 0), nlh->nlmsg_len);
}

static void take_verdict(struct bench *t, const struct nlmsghdr *nlh)
{
	struct nlattr *attr[NFQA_MAX + 1] = { NULL };
	assert_true(nfq_nlmsg_parse(nlh, attr) >= 0);
	const struct nfqnl_msg_verdict_hdr *v =
	        (const struct nfqnl_msg_verdict_hdr *)mnl_attr_get_payload(attr[NFQA_VERDICT_HDR]);
	uint32_t id = ntohl(v->id), verdict = ntohl(v->verdict);
	unsigned flow = t->flow[id];
	assert_int_equal(t->verdict[id], 0); /* each number once */
	t->verdict[id] = verdict + 1;
	if ((verdict & NF_VERDICT_MASK) == NF_QUEUE) {
		assert_int_equal(verdict >> NF_VERDICT_QBITS, PARKING);
		t->parked++;
		put_packet(t, flow, PARKING);
		return;
	}
	assert_int_equal(verdict, NF_ACCEPT);
	t->answers[flow]++;
	t->answer[flow] = ntohl(mnl_attr_get_u32(attr[NFQA_MARK])) & MASK;
}

static unsigned read_verdicts(struct bench *t)
{
	static char buf[256 * 1024] __attribute__((aligned(8)));
	unsigned done = 0, before = t->parked;
	int n = (int)recv(t->kernel, buf, sizeof(buf), 0);
	assert_true(n > 0);
	for (const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)buf; mnl_nlmsg_ok(nlh, n);
	     nlh = mnl_nlmsg_next(nlh, &n), done++)
		take_verdict(t, nlh);
	return done - (t->parked - before);
}

/* ---- before and after ---- */

static void nothing(int signal_number)
{
	(void)signal_number;
}

/* A listener that nobody else can reach, and the provider's end of its one connection. */
static int listen_for(int *provider)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX }; /* an abstract name that the kernel makes up */
	socklen_t len = sizeof(a);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (const struct sockaddr *)&a, sizeof(a.sun_family)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &len), 0);
	*provider = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(*provider, (const struct sockaddr *)&a, len), 0);
	return listener;
}

static int setup(void **state)
{
	struct bench *t = (struct bench *)calloc(1, sizeof(*t));
	struct sigaction wake = { .sa_handler = nothing };
	int pair[2];
	assert_non_null(t);
	(void)sigaction(SIGUSR2, &wake, NULL);
	assert_int_equal(sl_conf_read("test.yaml", sl_bytes_str(yaml), NULL, &t->conf), SL_OK);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	t->kernel = pair[1];
	t->shared = (struct sl_worker_shared *)aligned_alloc(SL_CACHE_LINE, sizeof(*t->shared));
	assert_non_null(t->shared);
	memset(t->shared, 0, sizeof(*t->shared));
	assert_int_equal(sl_dns_names_new(64, 1, &t->names), SL_OK);
	assert_non_null(t->trace = tmpfile());
	struct sl_worker_cfg cfg = {
		.queue = pair[0],
		.raw = { -1, -1 },
		.conntrack = -1,
		.syns = -1,
		.provider = listen_for(&t->provider),
		.trace = dup(fileno(t->trace)),
		.conf = t->conf,
		.slot = &t->slot,
		.shared = t->shared,
		.names = t->names,
		.seed = 1,
	};
	assert_int_equal(sl_worker_start(&cfg, &t->worker), SL_OK);
	assert_int_equal(pthread_create(&t->thread[0], NULL, provide, t), 0);
	assert_int_equal(pthread_create(&t->thread[1], NULL, count, t), 0);
	*state = t;
	return 0;
}

static void stop(struct bench *t, enum sl_worker_end how)
{
	sl_worker_stop(&t->worker, how);
	atomic_store(&t->stop, true);
	for (unsigned i = 0; i < SL_COUNT(t->thread); i++)
		(void)pthread_join(t->thread[i], NULL);
}

static int teardown(void **state)
{
	struct bench *t = (struct bench *)*state;
	sl_dns_names_free(&t->names);
	sl_conf_free(&t->conf);
	free(t->shared);
	(void)close(t->kernel);
	(void)close(t->provider);
	(void)fclose(t->trace);
	free(t);
	return 0;
}

/* ---- rows ---- */

/* Events, one a line, whose numbers have no gap. */
static unsigned read_trace(struct bench *t)
{
	char line[8192];
	json_int_t seq = 0;
	unsigned closed = 0;
	rewind(t->trace);
	assert_non_null(fgets(line, sizeof(line), t->trace)); /* the head */
	while (fgets(line, sizeof(line), t->trace) != NULL) {
		json_t *event = json_loads(line, 0, NULL);
		assert_non_null(event);
		assert_int_equal(json_integer_value(json_object_get(event, "seq")), ++seq);
		closed += strcmp(json_string_value(json_object_get(event, "event")), "handleNewFlow") == 0;
		json_decref(event);
	}
	return closed;
}

/* Each flow gets its own verdict, once, whoever else is at work; what was written of it is whole. */
static void each_flow_gets_its_verdict(void **state)
{
	struct bench *t = (struct bench *)*state;
	for (unsigned flow = 1; flow <= FLOWS; flow += BATCH) {
		for (unsigned i = 0; i < BATCH; i++)
			put_packet(t, flow + i, QUEUE);
		for (unsigned done = 0; done < BATCH;)
			done += read_verdicts(t);
	}
	stop(t, SL_WORKER_RELEASE);
	for (unsigned flow = 1; flow <= FLOWS; flow++) {
		assert_int_equal(t->answers[flow], 1);
		assert_int_equal(t->answer[flow],
		                 sl_mark_of(MASK, flow % KINDS == 0 ? SL_MARK_BLOCKED : SL_MARK_ALLOWED));
	}
	assert_true(t->parked > 0);
	assert_int_equal(read_trace(t), FLOWS);
	assert_int_equal(sl_counter_get(&t->shared->content[SL_NE_STAT_flows]), FLOWS);
}

static void park_one(struct bench *t)
{
	atomic_store(&t->silent, true);
	put_packet(t, 1, QUEUE);
	assert_int_equal(read_verdicts(t), 0);
	assert_int_equal(t->parked, 1);
	/* Until it was read there, it is the kernel's. */
	for (int unread = 1; unread > 0; (void)usleep(1000))
		assert_int_equal(ioctl(t->kernel, SIOCOUTQ, &unread), 0);
}

/* What waits for the provider when the worker makes room is the next engine's. */
static void what_waits_is_left_to_the_next_engine(void **state)
{
	struct bench *t = (struct bench *)*state;
	char byte;
	park_one(t);
	stop(t, SL_WORKER_LEAVE);
	assert_true(recv(t->kernel, &byte, 1, MSG_DONTWAIT) <= 0);
}

/* At the end it is let go (NE-CHOICE-18). */
static void what_waits_is_let_go_at_the_end(void **state)
{
	struct bench *t = (struct bench *)*state;
	park_one(t);
	stop(t, SL_WORKER_RELEASE);
	assert_int_equal(read_verdicts(t), 1);
	assert_int_equal(t->answers[1], 1);
	assert_int_not_equal(t->answer[1], sl_mark_of(MASK, SL_MARK_BLOCKED));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_flow_gets_its_verdict, setup, teardown),
		cmocka_unit_test_setup_teardown(what_waits_is_left_to_the_next_engine, setup, teardown),
		cmocka_unit_test_setup_teardown(what_waits_is_let_go_at_the_end, setup, teardown),
	};
	return cmocka_run_group_tests_name("worker_content", tests, NULL, NULL);
}
