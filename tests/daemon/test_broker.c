/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_broker.c - the relay between a kernel and an engine, both played by the ends of socket pairs. */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "daemon/broker.h"
#include "daemon/nfq.h"

enum { QUEUE = 10, MASK = 0x70000000, COPY = 2048, LIMIT_S = 10, ROOM = 4096 };

struct stage {
	int kernel, connections; /* the far ends of what the broker holds */
	int engine, asks;
	pthread_t thread;
	struct sl_broker_relay relay;
	int err;
	char buf[ROOM] SL_ALIGNED;
};

static const struct sl_broker_setup setup = { .limits = { QUEUE, 1, MASK }, .copy_range = COPY, .batch = 8 };

static void *run(void *arg)
{
	struct stage *s = arg;
	s->err = sl_broker_relay(&s->relay, &setup);
	return NULL;
}

static void pair(int *ours, int *brokers)
{
	const struct timeval limit = { LIMIT_S, 0 };
	int end[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, end), 0);
	assert_int_equal(setsockopt(end[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	*ours = end[0];
	*brokers = end[1];
}

static int begin(void **state)
{
	static struct stage s;
	memset(&s, 0, sizeof(s));
	pair(&s.kernel, &s.relay.queue);
	pair(&s.connections, &s.relay.conntrack);
	pair(&s.engine, &s.relay.channel);
	pair(&s.asks, &s.relay.lookup);
	assert_int_equal(pthread_create(&s.thread, NULL, run, &s), 0);
	*state = &s;
	return 0;
}

static int finish(void **state)
{
	struct stage *s = *state;
	if (s->engine >= 0)
		(void)close(s->engine);
	assert_int_equal(pthread_join(s->thread, NULL), 0);
	const int fds[] = { s->kernel,        s->connections,  s->asks,           s->relay.queue,
		            s->relay.channel, s->relay.lookup, s->relay.conntrack };
	for (size_t i = 0; i < SL_COUNT(fds); i++)
		(void)close(fds[i]);
	assert_int_equal(s->err, SL_OK);
	return 0;
}

static void kernel_tells(struct stage *s, uint32_t id, size_t payload)
{
	static char data[COPY];
	struct nlmsghdr *nlh = nfq_nlmsg_put(s->buf, NFQNL_MSG_PACKET, QUEUE);
	struct nfqnl_msg_packet_hdr header = { .packet_id = htonl(id) };
	mnl_attr_put(nlh, NFQA_PACKET_HDR, sizeof(header), &header);
	mnl_attr_put(nlh, NFQA_PAYLOAD, payload, data);
	assert_int_equal(send(s->kernel, nlh, nlh->nlmsg_len, 0), nlh->nlmsg_len);
}

static void engine_says(struct stage *s, uint32_t id, uint32_t mark)
{
	struct nlmsghdr *nlh = nfq_nlmsg_put(s->buf, NFQNL_MSG_VERDICT, QUEUE);
	nfq_nlmsg_verdict_put(nlh, (int)id, NF_ACCEPT);
	nfq_nlmsg_verdict_put_mark(nlh, mark);
	assert_int_equal(send(s->engine, nlh, nlh->nlmsg_len, MSG_NOSIGNAL), nlh->nlmsg_len);
}

/* The number of the packet of the next verdict that the kernel gets. */
static uint32_t kernel_hears(struct stage *s)
{
	assert_true(recv(s->kernel, s->buf, sizeof(s->buf), 0) > 0);
	const struct nlattr *attr = (void *)(s->buf + NLMSG_HDRLEN + sizeof(struct nfgenmsg));
	assert_int_equal(mnl_attr_get_type(attr), NFQA_VERDICT_HDR); /* a broker writes it first */
	return ntohl(((const struct nfqnl_msg_verdict_hdr *)mnl_attr_get_payload(attr))->id);
}

static void test_there_and_back(void **state)
{
	struct stage *s = *state;
	char got[ROOM] SL_ALIGNED;
	kernel_tells(s, 1, 1000);
	ssize_t n = recv(s->engine, got, sizeof(got), 0);
	assert_int_equal(n, ((struct nlmsghdr *)(void *)s->buf)->nlmsg_len);
	assert_memory_equal(got, s->buf, (size_t)n);
	engine_says(s, 1, 0x10000000);
	assert_int_equal(kernel_hears(s), 1);
}

/* What it may not say reaches nobody: the next one that it may comes instead. */
static void test_refused(void **state)
{
	struct stage *s = *state;
	for (uint32_t id = 1; id <= 2; id++) {
		kernel_tells(s, id, 100);
		assert_true(recv(s->engine, s->buf, sizeof(s->buf), 0) > 0);
	}
	engine_says(s, 3, 0x10000000);
	engine_says(s, 1, 0x10000001);
	assert_true(send(s->engine, "nonsense", 8, MSG_NOSIGNAL) == 8);
	engine_says(s, 2, 0x10000000);
	assert_int_equal(kernel_hears(s), 2);
	assert_int_equal(s->relay.refused[SL_LEDGER_ID], 1);
	assert_int_equal(s->relay.refused[SL_LEDGER_MARK], 1);
	assert_int_equal(s->relay.refused[SL_LEDGER_MALFORMED], 1);
}

/* Far more than fits between them: an engine that does not read holds nothing up, and gets all of it, in order. */
static void test_slow_engine(void **state)
{
	enum { MANY = 2000, AHEAD = 60 };
	struct stage *s = *state;
	for (uint32_t id = 0; id < MANY; id++) {
		kernel_tells(s, id, COPY - 100);
		if (id < AHEAD)
			continue; /* more than fits between broker and engine */
		assert_true(recv(s->engine, s->buf, sizeof(s->buf), 0) > 0);
		const struct nlattr *attr = (void *)(s->buf + NLMSG_HDRLEN + sizeof(struct nfgenmsg));
		const struct nfqnl_msg_packet_hdr *h = mnl_attr_get_payload(attr);
		assert_int_equal(ntohl(h->packet_id), id - AHEAD);
		engine_says(s, id - AHEAD, 0);
		assert_int_equal(kernel_hears(s), id - AHEAD);
	}
}

/* What it said before its end is sent. */
static void test_last_words(void **state)
{
	struct stage *s = *state;
	kernel_tells(s, 1, 100);
	kernel_tells(s, 2, 100);
	assert_true(recv(s->engine, s->buf, sizeof(s->buf), 0) > 0);
	engine_says(s, 1, 0x20000000);
	(void)close(s->engine); /* the second one is not read */
	s->engine = -1;
	assert_int_equal(kernel_hears(s), 1);
}

static void test_lookup(void **state)
{
	struct stage *s = *state;
	struct nlmsghdr *nlh = nfq_nlmsg_put(s->buf, 0, 0);
	uint32_t len = nlh->nlmsg_len;
	nlh->nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_DELETE;
	assert_int_equal(send(s->asks, nlh, len, 0), len);
	nlh->nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET;
	assert_int_equal(send(s->asks, nlh, len, 0), len);
	assert_int_equal(recv(s->connections, s->buf, sizeof(s->buf), 0), len);
	assert_int_equal(((struct nlmsghdr *)(void *)s->buf)->nlmsg_type,
	                 (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET);
	assert_int_equal(send(s->connections, "answer", 6, 0), 6);
	assert_int_equal(recv(s->asks, s->buf, sizeof(s->buf), 0), 6);
	assert_memory_equal(s->buf, "answer", 6);
	assert_int_equal(s->relay.refused[SL_LEDGER_MALFORMED], 1);
}

/* The engine reads a broker's end as it reads the kernel's socket, and knows when it is gone. */
static void test_end_of_broker(void **state)
{
	const struct nlmsghdr lost = { .nlmsg_len = sizeof(lost), .nlmsg_type = NLMSG_OVERRUN };
	const struct sl_nfq_packet *packet;
	struct sl_nfq_counts counts = { 0, 0, 0 };
	struct sl_nfq_batch *b = NULL;
	int engine, broker;
	(void)state;
	pair(&engine, &broker);
	assert_int_equal(sl_nfq_batch_new(8, COPY, &b), SL_OK);
	assert_int_equal(send(broker, &lost, sizeof(lost), 0), sizeof(lost));
	assert_int_equal(sl_nfq_read(engine, b, &packet, &counts), 0);
	assert_int_equal(counts.enobufs, 1);
	assert_int_equal(counts.errors, 0);
	(void)close(broker);
	assert_int_equal(sl_nfq_read(engine, b, &packet, &counts), SL_ESYS);
	assert_int_equal(errno, ECONNRESET);
	(void)close(engine);
	sl_nfq_batch_free(&b);
}

int main(void)
{
	(void)alarm(6 * LIMIT_S); /* who waits for ever is to be seen */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_there_and_back, begin, finish),
		cmocka_unit_test_setup_teardown(test_refused, begin, finish),
		cmocka_unit_test_setup_teardown(test_slow_engine, begin, finish),
		cmocka_unit_test_setup_teardown(test_last_words, begin, finish),
		cmocka_unit_test_setup_teardown(test_lookup, begin, finish),
		cmocka_unit_test(test_end_of_broker),
	};
	return cmocka_run_group_tests_name("daemon/broker", tests, NULL, NULL);
}
