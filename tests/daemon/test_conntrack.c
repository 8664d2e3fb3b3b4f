/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_conntrack.c - the original tuple of real connections behind every mixture of NAT, and marks that are cleared. */
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/conntrack.h"
#include "tests/support/netns.h"

#define TRACK             \
	"flush ruleset\n" \
	"table inet t { chain f { type filter hook forward priority 0; ct state new accept; }\n}\n"
#define SNAT \
	"table inet n { chain post { type nat hook postrouting priority 100; oifname gws masquerade; }\n}\n"
#define DNAT                                                                            \
	"table inet d { chain pre { type nat hook prerouting priority -100;\n"          \
	"ip daddr " NETNS_PUBLIC_4 " tcp dport 80 dnat ip to " NETNS_SERVER_4 ":8080\n" \
	"ip6 daddr " NETNS_PUBLIC_6 " tcp dport 80 dnat ip6 to [" NETNS_SERVER_6 "]:8080; }\n}\n"
#define DNAT2                                                                  \
	"table inet d { chain pre { type nat hook prerouting priority -100;\n" \
	"ip daddr " NETNS_PUBLIC_4 " tcp dport 81 dnat ip to " NETNS_SERVER_4 ":8080; }\n}\n"
#define SNAT_PORTS                                                                                         \
	"table inet n { chain post { type nat hook postrouting priority 100; oifname gws ip protocol tcp " \
	"masquerade to :1024-65535 fully-random; }\n}\n"
#define ZONE    "table inet z { chain raw { type filter hook prerouting priority -300; ct zone set 5; }\n}\n"
#define MARK    "table inet m { chain f { type filter hook forward priority 1; ct mark set 0xd000000a; }\n}\n"
#define NO_MARK "table inet m { chain f { type filter hook forward priority 1; ct mark set 0x8000000a; }\n}\n"

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

static struct sl_conntrack *open_conntrack(void)
{
	struct sl_conntrack *ct = NULL;
	netns_enter(ns.gateway);
	int err = sl_conntrack_new(-1, &ct);
	netns_enter(ns.home);
	assert_int_equal(err, SL_OK);
	return ct;
}

static const struct original_case {
	const char *name, *rules, *address;
	uint16_t port;
} original_cases[] = {
	{ "IPv4 without NAT", TRACK, NETNS_SERVER_4, 8080 },
	{ "IPv4 behind masquerade", TRACK SNAT, NETNS_SERVER_4, 8080 },
	{ "IPv4 behind DNAT", TRACK DNAT, NETNS_PUBLIC_4, 80 },
	{ "IPv4 behind DNAT and masquerade", TRACK DNAT SNAT, NETNS_PUBLIC_4, 80 },
	{ "IPv4 in a conntrack zone of its own", TRACK ZONE, NETNS_SERVER_4, 8080 },
	{ "IPv6 without NAT", TRACK, NETNS_SERVER_6, 8080 },
	{ "IPv6 behind masquerade", TRACK SNAT, NETNS_SERVER_6, 8080 },
	{ "IPv6 behind DNAT", TRACK DNAT, NETNS_PUBLIC_6, 80 },
	{ "IPv6 behind DNAT and masquerade", TRACK DNAT SNAT, NETNS_PUBLIC_6, 80 },
};

static void test_original(void **state)
{
	const struct original_case *c = *state;
	struct sl_flow_key got = { 0 };
	netns_run(ns.gateway, c->rules, "nft -f -");
	struct netns_tcp other =
	        netns_connect(&ns, c->address, c->port); /* another connection of the same two hosts */
	struct netns_tcp tcp = netns_connect(&ns, c->address, c->port);
	struct sl_conntrack *ct = open_conntrack();
	assert_int_equal(sl_conntrack_original(ct, &tcp.seen, &got), SL_OK);
	assert_memory_equal(&got, &tcp.sent, sizeof(got));
	assert_int_equal(sl_conntrack_original(ct, &other.seen, &got), SL_OK);
	assert_memory_equal(&got, &other.sent, sizeof(got));
	sl_conntrack_free(&ct);
	assert_null(ct);
	netns_close(&tcp);
	netns_close(&other);
}

/* A table is walked once for each way of translating, not for each connection; and a guess never misleads. */
static const struct hint_case {
	const char *name, *rules, *address;
	uint16_t port;
	uint64_t dumps;    /* for three connections */
	const char *later; /* rules for three more; NULL: no more */
	uint64_t more;     /* dumps for those */
} hint_cases[] = {
	{ "IPv4, both translated: one dump for all", TRACK DNAT SNAT, NETNS_PUBLIC_4, 80, 1, NULL, 0 },
	{ "IPv6, both translated: one dump for all", TRACK DNAT SNAT, NETNS_PUBLIC_6, 80, 1, NULL, 0 },
	{ "IPv4, ports translated too: the destination helps", TRACK DNAT SNAT_PORTS, NETNS_PUBLIC_4, 80, 1,
	  NULL, 0 },
	{ "IPv4, another destination later: the source helps", TRACK DNAT SNAT, NETNS_PUBLIC_4, 80, 1,
	  TRACK DNAT2 SNAT, 0 },
	{ "IPv4, all is translated otherwise later", TRACK DNAT SNAT, NETNS_PUBLIC_4, 80, 1,
	  TRACK DNAT2 SNAT_PORTS, 1 },
	{ "IPv4, in a zone", TRACK ZONE, NETNS_SERVER_4, 8080, 1, NULL, 0 },
	{ "IPv4, nothing translated: none", TRACK, NETNS_SERVER_4, 8080, 0, NULL, 0 },
};

static void ask_for_three(struct sl_conntrack *ct, const char *address, uint16_t port)
{
	struct netns_tcp tcp[3];
	struct sl_flow_key got;
	for (size_t i = 0; i < 3; i++)
		tcp[i] = netns_connect(&ns, address, port);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(sl_conntrack_original(ct, &tcp[i].seen, &got), SL_OK);
		assert_memory_equal(&got, &tcp[i].sent, sizeof(got));
		netns_close(&tcp[i]);
	}
}

static void test_hints(void **state)
{
	const struct hint_case *c = *state;
	netns_run(ns.gateway, c->rules, "nft -f -");
	struct sl_conntrack *ct = open_conntrack();
	ask_for_three(ct, c->address, c->port);
	assert_int_equal(sl_conntrack_dumps(ct), c->dumps);
	if (c->later != NULL) {
		netns_run(ns.gateway, c->later, "nft -f -");
		ask_for_three(ct, c->address, 81);
		assert_int_equal(sl_conntrack_dumps(ct), c->dumps + c->more);
	}
	sl_conntrack_free(&ct);
}

static void test_unknown(void **state)
{
	struct sl_flow_key got = { .proto = 99 };
	(void)state;
	netns_run(ns.gateway, TRACK DNAT SNAT, "nft -f -");
	struct netns_tcp tcp = netns_connect(&ns, NETNS_PUBLIC_4, 80);
	struct sl_conntrack *ct = open_conntrack();
	struct sl_flow_key seen = tcp.seen;
	seen.sport ^= 1;
	assert_int_equal(sl_conntrack_original(ct, &seen, &got), SL_ENOENT);
	seen = tcp.seen;
	seen.dport ^= 1;
	assert_int_equal(sl_conntrack_original(ct, &seen, &got), SL_ENOENT);
	assert_int_equal(got.proto, 99); /* not written on failure */
	sl_conntrack_free(&ct);
	netns_close(&tcp);
}

/* Server to client is no question that has an answer: a GET finds the entry by its reply tuple, and that is not it. */
static void test_backwards(void **state)
{
	struct sl_flow_key got = { 0 }, seen = { 0 };
	(void)state;
	netns_run(ns.gateway, TRACK, "nft -f -");
	struct netns_tcp tcp = netns_connect(&ns, NETNS_SERVER_4, 8080);
	struct sl_conntrack *ct = open_conntrack();
	memcpy(seen.src, tcp.seen.dst, sizeof(seen.src));
	memcpy(seen.dst, tcp.seen.src, sizeof(seen.dst));
	seen.sport = tcp.seen.dport;
	seen.dport = tcp.seen.sport;
	seen.family = 4;
	seen.proto = SL_PROTO_TCP;
	assert_int_equal(sl_conntrack_original(ct, &seen, &got), SL_ENOENT);
	sl_conntrack_free(&ct);
	netns_close(&tcp);
}

/* An answer that nobody waited for lies in the socket: here the refusal of a request that does not exist. */
static void test_stale(void **state)
{
	uint8_t buf[128] __attribute__((aligned(8)));
	struct sl_flow_key got = { 0 };
	(void)state;
	netns_run(ns.gateway, TRACK, "nft -f -");
	struct netns_tcp tcp = netns_connect(&ns, NETNS_SERVER_4, 8080);
	netns_enter(ns.gateway);
	int fd = sl_conntrack_socket();
	netns_enter(ns.home);
	assert_true(fd >= 0);
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8) | 0xff;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nlh->nlmsg_seq = 4711;
	(void)mnl_nlmsg_put_extra_header(nlh, sizeof(struct nfgenmsg));
	assert_true(send(fd, nlh, nlh->nlmsg_len, 0) > 0);
	struct sl_conntrack *ct = NULL;
	assert_int_equal(sl_conntrack_new(fd, &ct), SL_OK);
	assert_int_equal(sl_conntrack_original(ct, &tcp.seen, &got), SL_OK);
	assert_memory_equal(&got, &tcp.sent, sizeof(got));
	sl_conntrack_free(&ct);
	netns_close(&tcp);
}

static void test_never_waits_long(void **state)
{
	struct timeval wait = { 0 };
	socklen_t len = sizeof(wait);
	(void)state;
	int fd = sl_conntrack_socket();
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, &len), 0);
	assert_true(wait.tv_sec == 0 && wait.tv_usec > 0 && wait.tv_usec <= 250000);
	(void)close(fd);
}

static const struct clear_case {
	const char *name, *rules, *address;
	uint16_t port;
	unsigned cleared;
	const char *left; /* what conntrack -L prints for it afterwards */
} clear_cases[] = {
	{ "our bits go and others' stay (IPv4)", TRACK MARK, NETNS_SERVER_4, 8080, 1, "mark=2147483658 " },
	{ "our bits go and others' stay (IPv6)", TRACK MARK, NETNS_SERVER_6, 8080, 1, "mark=2147483658 " },
	{ "an entry with NAT at both ends is cleared", TRACK DNAT SNAT MARK, NETNS_PUBLIC_4, 80, 1,
	  "mark=2147483658 " },
	{ "an entry in a zone is cleared", TRACK ZONE MARK, NETNS_SERVER_4, 8080, 1,
	  "mark=2147483658 .*zone=5 " },
	{ "an entry without our bits is not touched", TRACK NO_MARK, NETNS_SERVER_4, 8080, 0,
	  "mark=2147483658 " },
};

static void test_clear(void **state)
{
	const struct clear_case *c = *state;
	uint64_t cleared = 99;
	netns_run(ns.gateway, NULL,
	          "conntrack -F >/dev/null 2>&1; conntrack -F -f ipv6 >/dev/null 2>&1; true");
	netns_run(ns.gateway, c->rules, "nft -f -");
	struct netns_tcp tcp = netns_connect(&ns, c->address, c->port);
	netns_run(ns.gateway, "flush ruleset\n" TRACK, "nft -f -"); /* or the next packet is marked again */
	struct sl_conntrack *ct = open_conntrack();
	assert_int_equal(sl_conntrack_clear_marks(ct, 0x70000000, &cleared), SL_OK);
	assert_int_equal(cleared, c->cleared);
	netns_run(ns.gateway, NULL, "conntrack -L -f %s 2>/dev/null | grep -q 'sport=%u .*%s'",
	          tcp.sent.family == 4 ? "ipv4" : "ipv6", tcp.sent.sport, c->left);
	assert_int_equal(sl_conntrack_clear_marks(ct, 0x70000000, &cleared), SL_OK);
	assert_int_equal(cleared, 0);
	sl_conntrack_free(&ct);
	netns_close(&tcp);
}

static void test_clear_many(void **state)
{
	enum { MANY = 1000 };
	uint64_t cleared = 0;
	(void)state;
	netns_run(ns.gateway, "flush ruleset\n", "nft -f -");
	netns_run(ns.gateway, NULL,
	          "conntrack -F >/dev/null 2>&1; for i in $(seq 1 %u); do echo -I -p tcp -s 10.1.1.1 -d "
	          "10.2.2.2 "
	          "--sport $i --dport 443 --state ESTABLISHED -t 300 -m 0x20000001; done | conntrack -R - "
	          ">/dev/null "
	          "2>&1",
	          MANY);
	struct sl_conntrack *ct = open_conntrack();
	assert_int_equal(sl_conntrack_clear_marks(ct, 0x70000000, &cleared), SL_OK);
	assert_int_equal(cleared, MANY);
	netns_run(ns.gateway, NULL,
	          "test $(conntrack -L -m 1 2>/dev/null | wc -l) = %u && conntrack -F >/dev/null 2>&1", MANY);
	sl_conntrack_free(&ct);
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(original_cases) + SL_COUNT(hint_cases) + SL_COUNT(clear_cases) + 5];
	size_t n = 0;
	for (size_t i = 0; i < SL_COUNT(original_cases); i++)
		tests[n++] = (struct CMUnitTest){ .name = original_cases[i].name,
			                          .test_func = test_original,
			                          .initial_state = (void *)(uintptr_t)&original_cases[i] };
	for (size_t i = 0; i < SL_COUNT(hint_cases); i++)
		tests[n++] = (struct CMUnitTest){ .name = hint_cases[i].name,
			                          .test_func = test_hints,
			                          .initial_state = (void *)(uintptr_t)&hint_cases[i] };
	for (size_t i = 0; i < SL_COUNT(clear_cases); i++)
		tests[n++] = (struct CMUnitTest){ .name = clear_cases[i].name,
			                          .test_func = test_clear,
			                          .initial_state = (void *)(uintptr_t)&clear_cases[i] };
	tests[n++] = (struct CMUnitTest){ "a flow that is not there has no original tuple", test_unknown,
		                          NULL, NULL, NULL };
	tests[n++] = (struct CMUnitTest){ "the reply direction has no original tuple", test_backwards, NULL,
		                          NULL, NULL };
	tests[n++] = (struct CMUnitTest){ "an answer to an older request is skipped", test_stale, NULL, NULL,
		                          NULL };
	tests[n++] = (struct CMUnitTest){ "waiting for an answer has an end", test_never_waits_long, NULL,
		                          NULL, NULL };
	tests[n++] =
	        (struct CMUnitTest){ "a thousand entries are cleared", test_clear_many, NULL, NULL, NULL };
	return _cmocka_run_group_tests("conntrack", tests, n, open_lab, close_lab);
}
