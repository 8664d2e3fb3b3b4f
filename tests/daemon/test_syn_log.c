/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_syn_log.c - copies of SYNs from a real kernel, in a network namespace whose loopback interface is copied from: what a copy
 * tells is what the connection's own socket says of itself. */
#include "daemon/syn_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "tests/support/shell.h"

enum { GROUP = 4243, MARK_MASK = 7 << 4, PORT = 4242, CLOSED = 4244, TTL = 33, WORKERS = 2, BUFFER = 65536 };

struct scene {
	int fd, server;
	struct sl_syn_log *log;
	struct sl_worker_shared counters[WORKERS];
	struct sl_syn_reader *reader[WORKERS];
};

struct client {
	int fd;
	uint32_t seq; /* of its first byte */
	struct sl_flow_key key;
};

static void copy_loopback(void)
{
	char line[256];
	(void)snprintf(
	        line, sizeof(line),
	        "ip link set lo up; for i in iptables ip6tables; do $i -A OUTPUT -p tcp --syn -j NFLOG "
	        "--nflog-group %d --nflog-size 128 --nflog-threshold 1 || exit 1; done",
	        GROUP);
	if (!shell(line)) {
		print_message("this kernel has no NFLOG\n");
		skip();
	}
}

static struct sockaddr_storage address(int family, uint16_t port)
{
	struct sockaddr_storage out = { 0 };
	if (family == AF_INET) {
		const struct sockaddr_in v4 = { AF_INET, htons(port), { htonl(INADDR_LOOPBACK) }, { 0 } };
		memcpy(&out, &v4, sizeof(v4));
	} else {
		const struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
			                         .sin6_port = htons(port),
			                         .sin6_addr = IN6ADDR_LOOPBACK_INIT };
		memcpy(&out, &v6, sizeof(v6));
	}
	return out;
}

static void scene_open(struct scene *s, int family)
{
	const struct sockaddr_storage a = address(family, PORT);
	memset(s, 0, sizeof(*s));
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	copy_loopback();
	assert_int_equal(sl_syn_log_open(GROUP, BUFFER, NULL, &s->fd), SL_OK);
	assert_int_equal(sl_syn_log_new(WORKERS, MARK_MASK, 7, &s->log), SL_OK);
	for (unsigned i = 0; i < WORKERS; i++)
		assert_int_equal(sl_syn_reader_new(s->log, dup(s->fd), i, &s->counters[i], &s->reader[i]),
		                 SL_OK);
	s->server = socket(family, SOCK_STREAM, 0);
	assert_int_equal(bind(s->server, (const void *)&a, sizeof(a)), 0);
	assert_int_equal(listen(s->server, 64), 0);
}

static void scene_close(struct scene *s)
{
	for (unsigned i = 0; i < WORKERS; i++)
		sl_syn_reader_free(&s->reader[i]);
	sl_syn_log_free(&s->log);
	(void)close(s->fd);
	(void)close(s->server);
}

static void key_end(const struct sockaddr_storage *a, uint8_t addr[16], uint16_t *port)
{
	const struct sockaddr_in *v4 = (const void *)a;
	const struct sockaddr_in6 *v6 = (const void *)a;
	*port = ntohs(a->ss_family == AF_INET ? v4->sin_port : v6->sin6_port);
	if (a->ss_family == AF_INET)
		memcpy(addr, &v4->sin_addr, 4);
	else
		memcpy(addr, &v6->sin6_addr, 16);
}

/* The number that the socket itself says comes next (TCP_REPAIR), when nothing was sent yet. */
static uint32_t next_number(int fd)
{
	int on = 1, off = -1, queue = TCP_SEND_QUEUE;
	uint32_t seq = 0;
	socklen_t len = sizeof(seq);
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)), 0);
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, &queue, sizeof(queue)), 0);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, &seq, &len), 0);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &off, sizeof(off));
	return seq;
}

static struct client connect_one(int family)
{
	struct sockaddr_storage to = address(family, PORT), from = { 0 };
	socklen_t len = sizeof(from);
	int ttl = TTL;
	struct client c = { .fd = socket(family, SOCK_STREAM, 0),
		            .key = { .family = family == AF_INET ? 4 : 6, .proto = SL_PROTO_TCP } };
	if (family == AF_INET)
		assert_int_equal(setsockopt(c.fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl)), 0);
	else
		assert_int_equal(setsockopt(c.fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &ttl, sizeof(ttl)), 0);
	assert_int_equal(connect(c.fd, (const void *)&to, sizeof(to)), 0);
	assert_int_equal(getsockname(c.fd, (void *)&from, &len), 0);
	key_end(&from, c.key.src, &c.key.sport);
	key_end(&to, c.key.dst, &c.key.dport);
	c.seq = next_number(c.fd);
	return c;
}

static void check_found(struct scene *s, unsigned worker, const struct client *c)
{
	struct sl_syn syn;
	assert_true(sl_syn_reader_find(s->reader[worker], &c->key, &syn));
	assert_int_equal(syn.seq, c->seq);
	assert_int_equal(syn.ttl, TTL);
	assert_int_equal(syn.numbers, 1);
}

static void a_copy_says_where_its_connection_begins(int family)
{
	struct scene s;
	struct client c;
	struct sl_syn syn;
	scene_open(&s, family);
	c = connect_one(family);
	check_found(&s, 0, &c);
	assert_false(sl_syn_reader_find(s.reader[0], &c.key, &syn));
	(void)close(c.fd);
	assert_int_equal(s.counters[0].syns_lost + s.counters[0].syn_overruns, 0);
	scene_close(&s);
}

static void over_ipv4(void **state)
{
	(void)state;
	a_copy_says_where_its_connection_begins(AF_INET);
}

static void over_ipv6(void **state)
{
	(void)state;
	a_copy_says_where_its_connection_begins(AF_INET6);
}

/* The socket is read by whoever comes first. */
static void what_one_worker_read_another_finds(void **state)
{
	struct scene s;
	struct client c[2];
	(void)state;
	scene_open(&s, AF_INET);
	c[0] = connect_one(AF_INET);
	c[1] = connect_one(AF_INET);
	check_found(&s, 0, &c[1]);
	check_found(&s, 1, &c[0]);
	(void)close(c[0].fd);
	(void)close(c[1].fd);
	scene_close(&s);
}

/* One look a batch: what came later belongs to the next one. */
static void each_batch_looks_once(void **state)
{
	struct scene s;
	struct client c;
	struct sl_syn syn;
	struct sl_flow_key nobody = { .family = 4, .proto = SL_PROTO_TCP };
	(void)state;
	scene_open(&s, AF_INET);
	assert_false(sl_syn_reader_find(s.reader[0], &nobody, &syn));
	c = connect_one(AF_INET);
	assert_false(sl_syn_reader_find(s.reader[0], &c.key, &syn));
	sl_syn_reader_batch(s.reader[0]);
	check_found(&s, 0, &c);
	(void)close(c.fd);
	scene_close(&s);
}

/* A flood fills the socket: that is counted, and over when the socket was read. */
static void an_overrun_is_counted_and_over(void **state)
{
	const struct sockaddr_storage closed = address(AF_INET, CLOSED);
	struct scene s;
	struct client c;
	(void)state;
	scene_open(&s, AF_INET);
	for (int i = 0; i < 3000; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(fd, (const void *)&closed, sizeof(closed));
		(void)close(fd);
	}
	sl_syn_reader_idle(s.reader[0]);
	assert_int_equal(s.counters[0].syn_overruns, 1);
	sl_syn_reader_idle(s.reader[0]);
	assert_int_equal(s.counters[0].syn_overruns, 1);
	c = connect_one(AF_INET);
	check_found(&s, 0, &c);
	(void)close(c.fd);
	scene_close(&s);
}

static void keep_words(void *ctx, const char *file, unsigned line, const char *text)
{
	(void)file;
	(void)line;
	(void)snprintf(ctx, 256, "%s", text);
}

static void a_group_has_one_reader(void **state)
{
	char why[256] = "";
	struct sl_diag diag = { keep_words, why };
	struct scene s;
	int other = -1;
	(void)state;
	scene_open(&s, AF_INET);
	assert_int_equal(sl_syn_log_open(GROUP, BUFFER, &diag, &other), SL_EBUSY);
	assert_non_null(strstr(why, "4243"));
	assert_int_equal(other, -1);
	scene_close(&s);
	assert_int_equal(sl_syn_log_open(GROUP, BUFFER, NULL, &other), SL_OK);
	(void)close(other);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(over_ipv4),
		cmocka_unit_test(over_ipv6),
		cmocka_unit_test(what_one_worker_read_another_finds),
		cmocka_unit_test(each_batch_looks_once),
		cmocka_unit_test(an_overrun_is_counted_and_over),
		cmocka_unit_test(a_group_has_one_reader),
	};
	if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0) {
		printf("skipped: needs root, to make network namespaces\n");
		exit(77);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
