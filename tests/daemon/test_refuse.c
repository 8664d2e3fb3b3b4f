/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_refuse.c - the server of an idle connection gets a RST that it believes, through every mixture of NAT and past the
 * rules that gateways have. The rules here drop a RST that is not as promised: mark, hop limit, state. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/refuse.h"
#include "tests/support/netns.h"

enum { MARK = 0x20000000 };

#define TRACK                                                                                      \
	"flush ruleset\n"                                                                          \
	"table inet t { chain f { type filter hook forward priority 0; ct state invalid drop; }\n" \
	"chain o { type filter hook output priority 0; ct state invalid drop;\n"                   \
	"tcp flags rst meta mark != 0x20000000 drop\n"                                             \
	"tcp flags rst ip ttl != 64 drop\n"                                                        \
	"tcp flags rst ip6 hoplimit != 64 drop; }\n}\n"
#define SNAT \
	"table inet n { chain post { type nat hook postrouting priority 100; oifname gws masquerade; }\n}\n"
#define DNAT                                                                            \
	"table inet d { chain pre { type nat hook prerouting priority -100;\n"          \
	"ip daddr " NETNS_PUBLIC_4 " tcp dport 80 dnat ip to " NETNS_SERVER_4 ":8080\n" \
	"ip6 daddr " NETNS_PUBLIC_6 " tcp dport 80 dnat ip6 to [" NETNS_SERVER_6 "]:8080; }\n}\n"
/* Without a rule for the client's addresses the gateway would not find the server's network. */
#define BY_SOURCE                                                                              \
	"for f in '-4 10.77.1.0/24 10.77.2.0/24' '-6 fd77:1::/64 fd77:2::/64'; do set -- $f; " \
	"ip $1 rule add from $2 lookup 100; ip $1 rule add to $2 lookup main priority 10; "    \
	"ip $1 route add $3 dev gws table 100; ip $1 route del $3 dev gws table main; done"
#define BY_SOURCE_OFF                                                                          \
	"for f in '-4 10.77.1.0/24 10.77.2.0/24' '-6 fd77:1::/64 fd77:2::/64'; do set -- $f; " \
	"ip $1 rule del from $2 lookup 100; ip $1 rule del to $2 priority 10; "                \
	"ip $1 route add $3 dev gws table main; ip $1 route del $3 dev gws table 100; done"

static struct netns ns;

static int open_lab(void **state)
{
	(void)state;
	ns = netns_make();
	return 0;
}

static int close_lab(void **state)
{
	(void)state;
	netns_free(&ns);
	return 0;
}

static struct sl_refuse *open_refuse(void)
{
	int fd[2] = { -1, -1 };
	struct sl_conntrack *ct = NULL;
	struct sl_refuse *r = NULL;
	netns_enter(ns.gateway);
	int err = sl_refuse_sockets(MARK, fd);
	if (err == SL_OK)
		err = sl_conntrack_new(-1, &ct);
	netns_enter(ns.home);
	assert_int_equal(err, SL_OK);
	assert_int_equal(sl_refuse_new(fd, ct, &r), SL_OK);
	return r;
}

static const struct refuse_case {
	const char *name, *rules, *before, *after, *address;
	uint16_t port;
} cases[] = {
	{ "IPv4 without NAT", TRACK, NULL, NULL, NETNS_SERVER_4, 8080 },
	{ "IPv4 behind masquerade", TRACK SNAT, NULL, NULL, NETNS_SERVER_4, 8080 },
	{ "IPv4 behind DNAT", TRACK DNAT, NULL, NULL, NETNS_PUBLIC_4, 80 },
	{ "IPv4 behind DNAT and masquerade", TRACK DNAT SNAT, NULL, NULL, NETNS_PUBLIC_4, 80 },
	{ "IPv4 where the route depends on the source", TRACK, BY_SOURCE, BY_SOURCE_OFF, NETNS_SERVER_4,
	  8080 },
	{ "IPv6 without NAT", TRACK, NULL, NULL, NETNS_SERVER_6, 8080 },
	{ "IPv6 behind masquerade", TRACK SNAT, NULL, NULL, NETNS_SERVER_6, 8080 },
	{ "IPv6 behind DNAT", TRACK DNAT, NULL, NULL, NETNS_PUBLIC_6, 80 },
	{ "IPv6 behind DNAT and masquerade", TRACK DNAT SNAT, NULL, NULL, NETNS_PUBLIC_6, 80 },
	{ "IPv6 where the route depends on the source", TRACK, BY_SOURCE, BY_SOURCE_OFF, NETNS_SERVER_6,
	  8080 },
};

static void test_refuse(void **state)
{
	const struct refuse_case *c = *state;
	char byte = 0;
	netns_run(ns.gateway, c->rules, "nft -f -");
	if (c->before != NULL)
		netns_run(ns.gateway, NULL, "%s", c->before);
	struct netns_tcp tcp = netns_connect(&ns, c->address, c->port);
	struct sl_refuse *r = open_refuse();
	const struct sl_reset reset = { .key = tcp.seen, .seq = tcp.next_seq };
	assert_int_equal(sl_refuse_ends(r, &reset, 1), 0);
	assert_int_equal(recv(tcp.server, &byte, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
	netns_close(&tcp);
	tcp = netns_connect(&ns, c->address, c->port);
	const struct sl_reset to_client = { .key = tcp.seen, .seq = tcp.server_seq, .to_client = true };
	bool nat = strcmp(c->rules, TRACK) !=
	           0; /* which here comes with a rule that drops what conntrack does not know */
	assert_int_equal(sl_refuse_ends(r, &to_client, 1), nat ? 1 : 0);
	if (!nat) {
		assert_int_equal(recv(tcp.client, &byte, 1, 0), -1);
		assert_int_equal(errno, ECONNRESET);
	}
	sl_refuse_free(&r);
	assert_null(r);
	netns_close(&tcp);
	if (c->after != NULL)
		netns_run(ns.gateway, NULL, "%s", c->after);
}

/* RFC 5961 §3.2: any other number in the window only draws a challenge. That the rows above pass shows an exact one. */
static void test_wrong_seq(void **state)
{
	const struct timeval wait = { .tv_usec = 300000 };
	char byte = 0;
	(void)state;
	netns_run(ns.gateway, TRACK, "nft -f -");
	struct netns_tcp tcp = netns_connect(&ns, NETNS_SERVER_4, 8080);
	struct sl_refuse *r = open_refuse();
	const struct sl_reset reset = { .key = tcp.seen, .seq = tcp.next_seq + 1 };
	assert_int_equal(sl_refuse_ends(r, &reset, 1), 0);
	assert_int_equal(setsockopt(tcp.server, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
	assert_int_equal(recv(tcp.server, &byte, 1, 0), -1);
	assert_int_equal(errno, EAGAIN);
	sl_refuse_free(&r);
	netns_close(&tcp);
}

static void test_counts_unsent(void **state)
{
	char byte = 0;
	(void)state;
	netns_run(ns.gateway, TRACK, "nft -f -");
	struct netns_tcp tcp = netns_connect(&ns, NETNS_SERVER_4, 8080);
	struct sl_refuse *r = open_refuse();
	struct sl_reset reset[3] = { { .key = tcp.seen, .seq = 1 },
		                     { .key = tcp.seen, .seq = tcp.next_seq },
		                     { .key = tcp.seen, .seq = 1 } };
	reset[0].key.sport ^= 1;
	reset[2].key.dport ^= 1;
	assert_int_equal(sl_refuse_ends(r, reset, 3), 2);
	assert_int_equal(recv(tcp.server, &byte, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
	sl_refuse_free(&r);
	netns_close(&tcp);
}

static void test_absent_family(void **state)
{
	const int none[2] = { -1, -1 };
	struct sl_refuse *r = NULL;
	struct sl_conntrack *ct = NULL;
	const struct sl_reset reset = { .key = { .family = 6, .proto = SL_PROTO_TCP } };
	(void)state;
	assert_int_equal(sl_conntrack_new(-1, &ct), SL_OK);
	assert_int_equal(sl_refuse_new(none, ct, &r), SL_OK);
	assert_int_equal(sl_refuse_ends(r, &reset, 1), 1);
	sl_refuse_free(&r);
}

/* A figure to know, not to hold: lookup and RST of one connection without NAT, over and over. */
static void test_cost(void **state)
{
	enum { ROUNDS = 20000 };
	struct timespec from, to;
	(void)state;
	netns_run(ns.gateway, TRACK, "nft -f -");
	struct netns_tcp tcp = netns_connect(&ns, NETNS_SERVER_4, 8080);
	struct sl_refuse *r = open_refuse();
	const struct sl_reset reset = { .key = tcp.seen, .seq = tcp.next_seq };
	size_t unsent = 0;
	(void)clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < ROUNDS; i++)
		unsent += sl_refuse_ends(r, &reset, 1);
	(void)clock_gettime(CLOCK_MONOTONIC, &to);
	double us = (double)(to.tv_sec - from.tv_sec) * 1e6 + (double)(to.tv_nsec - from.tv_nsec) / 1e3;
	print_message("%.1f us for each reset, %zu of %d not sent\n", us / ROUNDS, unsent, ROUNDS);
	sl_refuse_free(&r);
	netns_close(&tcp);
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(cases) + 4];
	size_t n = 0;
	for (size_t i = 0; i < SL_COUNT(cases); i++)
		tests[n++] = (struct CMUnitTest){ .name = cases[i].name,
			                          .test_func = test_refuse,
			                          .initial_state = (void *)(uintptr_t)&cases[i] };
	tests[n++] = (struct CMUnitTest){ "a wrong sequence number resets nothing", test_wrong_seq, NULL,
		                          NULL, NULL };
	tests[n++] = (struct CMUnitTest){ "those that could not be sent are counted", test_counts_unsent,
		                          NULL, NULL, NULL };
	tests[n++] = (struct CMUnitTest){ "a family that is absent cannot be told", test_absent_family, NULL,
		                          NULL, NULL };
	tests[n++] = (struct CMUnitTest){ "what a reset costs", test_cost, NULL, NULL, NULL };
	return _cmocka_run_group_tests("refuse", tests, n, open_lab, close_lab);
}
