/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netns.c - a client, a gateway and a server in network namespaces without names. */
#include "tests/support/netns.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { SERVER_PORT = 8080, EXIT_SKIP = 77 };

static void give_up(const char *why)
{
	printf("skipped: %s\n", why);
	exit(EXIT_SKIP);
}

static int current(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		give_up("no network namespaces here");
	return fd;
}

static int fresh(int home)
{
	if (unshare(CLONE_NEWNET) != 0)
		give_up("needs root, to make network namespaces");
	int fd = current();
	netns_enter(home);
	return fd;
}

void netns_enter(int ns)
{
	if (setns(ns, CLONE_NEWNET) != 0) {
		perror("setns");
		abort();
	}
}

void netns_run(int ns, const char *input, const char *command, ...)
{
	char line[4096];
	va_list ap;
	va_start(ap, command);
	int n = vsnprintf(line, sizeof(line), command, ap);
	va_end(ap);
	assert_true(n > 0 && (size_t)n < sizeof(line));
	int home = current();
	netns_enter(ns);
	FILE *to = popen(line, "we"); /* the shell is a child of this thread, hence in its namespace */
	netns_enter(home);
	(void)close(home);
	assert_non_null(to);
	if (input != NULL)
		(void)fputs(input, to);
	int status = pclose(to);
	if (status != 0)
		print_error("failed: %s\n", line);
	assert_int_equal(status, 0);
}

/* One side: a veth between the gateway and an end, with addresses 10.77.net.x and fd77:net::x. */
static void link_end(const struct netns *ns, int end, const char *gw_if, const char *end_if, int net)
{
	netns_run(ns->gateway, NULL,
	          "ip link add %s type veth peer name %s netns /proc/%d/fd/%d && ip link set %s up && "
	          "ip addr add 10.77.%d.1/24 dev %s && ip addr add fd77:%d::1/64 dev %s nodad",
	          gw_if, end_if, (int)getpid(), end, gw_if, net, gw_if, net, gw_if);
	netns_run(end, NULL,
	          "ip link set lo up && ip link set %s up && ip addr add 10.77.%d.2/24 dev %s && "
	          "ip addr add fd77:%d::2/64 dev %s nodad && ip route add default via 10.77.%d.1 && "
	          "ip -6 route add default via fd77:%d::1",
	          end_if, net, end_if, net, end_if, net, net);
}

struct netns netns_make(void)
{
	if (geteuid() != 0)
		give_up("needs root, to make network namespaces");
	if (system("ip -V >/dev/null 2>&1 && nft --version >/dev/null 2>&1") != 0)
		give_up("needs ip (iproute2) and nft (nftables)");
	struct netns ns = { .home = current() };
	ns.client = fresh(ns.home);
	ns.gateway = fresh(ns.home);
	ns.server = fresh(ns.home);
	link_end(&ns, ns.client, "gwc", "cl0", 1);
	link_end(&ns, ns.server, "gws", "sv0", 2);
	/* Writes of a shell in the namespace go to its own sysctls. */
	netns_run(
	        ns.gateway, NULL,
	        "ip link set lo up && sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 "
	        "net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.gwc.rp_filter=1 net.ipv4.conf.gws.rp_filter=1");
	return ns;
}

void netns_free(struct netns *ns)
{
	(void)close(ns->client);
	(void)close(ns->gateway);
	(void)close(ns->server);
	(void)close(ns->home);
}

union addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static union addr parse_addr(const char *text, uint16_t port, socklen_t *len)
{
	union addr a = { 0 };
	if (inet_pton(AF_INET, text, &a.in.sin_addr) == 1) {
		a.in.sin_family = AF_INET;
		a.in.sin_port = htons(port);
		*len = sizeof(a.in);
		return a;
	}
	assert_int_equal(inet_pton(AF_INET6, text, &a.in6.sin6_addr), 1);
	a.in6.sin6_family = AF_INET6;
	a.in6.sin6_port = htons(port);
	*len = sizeof(a.in6);
	return a;
}

static uint16_t put_end(const union addr *a, uint8_t out[16])
{
	if (a->sa.sa_family == AF_INET)
		memcpy(out, &a->in.sin_addr, 4);
	else
		memcpy(out, &a->in6.sin6_addr, 16);
	return ntohs(a->sa.sa_family == AF_INET ? a->in.sin_port : a->in6.sin6_port);
}

static struct sl_flow_key make_key(const union addr *src, const union addr *dst)
{
	struct sl_flow_key key = { .family = src->sa.sa_family == AF_INET ? 4 : 6, .proto = SL_PROTO_TCP };
	key.sport = put_end(src, key.src);
	key.dport = put_end(dst, key.dst);
	return key;
}

static int tcp_socket(int ns, int home, int family)
{
	const int on = 1;
	const struct timeval wait = { .tv_sec = 3 };
	netns_enter(ns);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	netns_enter(home);
	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)), 0); /* connect() too */
	return fd;
}

/* What an end sends next, which is what the other one waits for: TCP_REPAIR tells. */
static uint32_t next_seq(int fd)
{
	const int on = 1, off = -1 /* TCP_REPAIR_OFF_NO_WP */, send_queue = 2 /* TCP_SEND_QUEUE */;
	uint32_t seq = 0;
	socklen_t len = sizeof(seq);
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)), 0);
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, &send_queue, sizeof(send_queue)), 0);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, &seq, &len), 0);
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &off, sizeof(off)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)),
	                 0); /* repair took it off */
	return seq;
}

struct netns_tcp netns_connect(const struct netns *ns, const char *address, uint16_t port)
{
	socklen_t len = 0, bound_len = sizeof(union addr);
	union addr to = parse_addr(address, port, &len), client = { 0 }, server;
	struct netns_tcp tcp = { 0 };
	char byte = 0;
	server = parse_addr(to.sa.sa_family == AF_INET ? NETNS_SERVER_4 : NETNS_SERVER_6, SERVER_PORT, &len);
	int listener = tcp_socket(ns->server, ns->home, to.sa.sa_family);
	tcp.client = tcp_socket(ns->client, ns->home, to.sa.sa_family);
	assert_int_equal(bind(listener, &server.sa, len), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(connect(tcp.client, &to.sa, len), 0);
	tcp.server = accept(listener, NULL, NULL);
	(void)close(listener); /* a later connection may have a listener of its own */
	assert_true(tcp.server >= 0);
	const struct timeval wait = { .tv_sec = 3 };
	assert_int_equal(setsockopt(tcp.server, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
	assert_int_equal(send(tcp.client, "x", 1, 0), 1);
	assert_int_equal(recv(tcp.server, &byte, 1, 0), 1);
	assert_int_equal(getsockname(tcp.client, &client.sa, &bound_len), 0);
	tcp.sent = make_key(&client, &to);
	tcp.seen = make_key(&client, &server);
	tcp.next_seq = next_seq(tcp.client);
	tcp.server_seq = next_seq(tcp.server);
	return tcp;
}

/* With a reset, so that the port is free again at once. */
void netns_close(struct netns_tcp *tcp)
{
	const struct linger now = { .l_onoff = 1 };
	(void)setsockopt(tcp->client, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	(void)setsockopt(tcp->server, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	(void)close(tcp->client);
	(void)close(tcp->server);
}
