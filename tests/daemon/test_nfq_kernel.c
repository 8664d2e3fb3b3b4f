/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a dead engine leaves in a real queue, and what the supervisor does with it: in a network namespace whose loopback
 * interface is queued. The first packets of connections that conntrack has not confirmed are the hard case: they must
 * meet the same rule again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/nfq.h"
#include "daemon/nfq_left.h"
#include "tests/support/shell.h"

enum { QUEUE = 41, PORT = 4242, PACKETS = 3, MASK = 0x70000000, MARK = 0x5 };

static const struct left_case {
	const char *name;
	bool nft;
	int family;
	enum sl_nfq_final how;
} lefts[] = {
	{ "iptables, IPv4: all that the dead engine had comes again, in order", false, 4, SL_NFQ_REPEAT },
	{ "iptables, IPv6: all that the dead engine had comes again, in order", false, 6, SL_NFQ_REPEAT },
	{ "iptables, IPv4: all that waits may pass", false, 4, SL_NFQ_ACCEPT },
	{ "iptables, IPv4: all that waits is dropped", false, 4, SL_NFQ_DROP },
	{ "nft, IPv4: all that the dead engine had comes again, in order", true, 4, SL_NFQ_REPEAT },
	{ "nft, IPv6: all that the dead engine had comes again, in order", true, 6, SL_NFQ_REPEAT },
	{ "nft, IPv6: all that waits may pass", true, 6, SL_NFQ_ACCEPT },
	{ "nft, IPv6: all that waits is dropped", true, 6, SL_NFQ_DROP },
};

struct scene {
	int queue, from, to;
	struct sl_nfq_batch *batch;
	struct sl_nfq_counts counts;
};

/* New connections to our port are marked and queued, while conntrack has not confirmed them. */
static void queue_loopback(bool nft)
{
	char line[512];
	assert_true(shell("ip link set lo up"));
	if (nft) {
		(void)snprintf(line, sizeof(line),
		               "nft 'add table inet t; add chain inet t c { type filter hook output priority "
		               "mangle; }; add rule inet t c udp dport %d ct state new meta mark set %#x "
		               "queue num %d bypass'",
		               PORT, MARK, QUEUE);
		if (!shell(line)) {
			print_message("this kernel has no `queue` for nft\n");
			skip();
		}
		return;
	}
	(void)snprintf(line, sizeof(line),
	               "for i in iptables ip6tables; do for to in 'MARK --set-mark %#x' 'NFQUEUE --queue-num "
	               "%d --queue-bypass'; do $i -t mangle -A OUTPUT -p udp --dport %d -m conntrack "
	               "--ctstate NEW -j $to || exit 1; done; done",
	               MARK, QUEUE, PORT);
	assert_true(shell(line));
}

static int udp_socket(int family, bool server)
{
	const struct sockaddr_in v4 = { .sin_family = AF_INET,
		                        .sin_port = htons(PORT),
		                        .sin_addr = { htonl(INADDR_LOOPBACK) } };
	const struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
		                         .sin6_port = htons(PORT),
		                         .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	const struct sockaddr *a = family == 4 ? (const void *)&v4 : (const void *)&v6;
	socklen_t len = family == 4 ? sizeof(v4) : sizeof(v6);
	int fd = socket(a->sa_family, SOCK_DGRAM, 0);
	assert_true(fd >= 0);
	assert_int_equal(server ? bind(fd, a, len) : connect(fd, a, len), 0);
	return fd;
}

static void scene_open(struct scene *s, const struct left_case *c)
{
	const struct sl_nfq_cfg cfg = { 64, 2048, 1 << 20, false };
	const struct timeval wait = { .tv_usec = 300000 };
	memset(s, 0, sizeof(*s));
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	queue_loopback(c->nft);
	assert_int_equal(sl_nfq_open(&cfg, QUEUE, 1, 0, 1, NULL, &s->queue), SL_OK);
	assert_int_equal(setsockopt(s->queue, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
	/* One packet at a time, as an engine that dies amid its work. */
	assert_int_equal(sl_nfq_batch_new(1, cfg.copy_range, &s->batch), SL_OK);
	s->to = udp_socket(c->family, true);
	s->from = udp_socket(c->family, false);
}

static void scene_close(struct scene *s)
{
	sl_nfq_batch_free(&s->batch);
	(void)close(s->queue);
	(void)close(s->from);
	(void)close(s->to);
}

/* The last byte of the next queued packet; 0 when none comes. */
static char next_packet(struct scene *s, struct sl_ticket *ticket)
{
	const struct sl_nfq_packet *p;
	int n = sl_nfq_read(s->queue, s->batch, &p, &s->counts);
	assert_true(n == 0 || n == 1);
	if (n == 0)
		return 0;
	assert_true(p->ip.len > 0);
	assert_int_equal(p->ticket.mark, MARK); /* set by the rule, at each of its visits */
	*ticket = p->ticket;
	return (char)p->ip.p[p->ip.len - 1];
}

static void pass(struct scene *s, struct sl_ticket ticket)
{
	const struct sl_answer a = { .ticket = ticket, .action = SL_ACTION_PASS };
	assert_int_equal(sl_nfq_answer(s->queue, s->batch, &a, 1, MASK, &s->counts), SL_OK);
}

/* What has arrived, as a string. */
static const char *arrived(struct scene *s)
{
	static char text[16];
	size_t n = 0;
	while (n < sizeof(text) - 1 && recv(s->to, &text[n], 1, MSG_DONTWAIT) == 1)
		n++;
	text[n] = '\0';
	return text;
}

static void assert_nothing_waits(void)
{
	struct sl_nfq_kernel k;
	assert_int_equal(sl_nfq_kernel_counts(QUEUE, 1, &k), SL_OK);
	assert_int_equal(k.waiting, 0);
}

/* The next engine gets everything, with new numbers; the kernel refuses an answer to an old one, which is counted. */
static void check_repeated(struct scene *s, struct sl_ticket old)
{
	struct sl_ticket ticket[PACKETS];
	assert_string_equal(arrived(s), "");
	for (size_t i = 0; i < PACKETS; i++) {
		assert_int_equal(next_packet(s, &ticket[i]), "abc"[i]);
		assert_int_equal(ticket[i].id, PACKETS + 1 + i);
	}
	pass(s, old);
	assert_int_equal(s->counts.errors, 0);
	assert_int_equal(next_packet(s, &old), 0);
	assert_int_equal(s->counts.errors, 1);
	assert_string_equal(arrived(s), "");
	for (size_t i = 0; i < PACKETS; i++)
		pass(s, ticket[i]);
	assert_string_equal(arrived(s), "abc");
}

/* Three packets wait: two were read, one was not; none has been answered. */
static void test_left(void **state)
{
	const struct left_case *c = *state;
	struct scene s;
	struct sl_ticket old = { 0 };
	uint64_t answered = 0;
	scene_open(&s, c);
	for (size_t i = 0; i < PACKETS; i++)
		assert_int_equal(send(s.from, &"abc"[i], 1, 0), 1);
	assert_int_equal(next_packet(&s, &old), 'a');
	assert_int_equal(next_packet(&s, &old), 'b');
	assert_int_equal(sl_nfq_answer_all(s.queue, QUEUE, 1, 0, 1, c->how, &answered), SL_OK);
	assert_int_equal(answered, PACKETS);
	if (c->how == SL_NFQ_REPEAT) {
		check_repeated(&s, old);
	} else {
		assert_string_equal(arrived(&s), c->how == SL_NFQ_ACCEPT ? "abc" : "");
		assert_int_equal(next_packet(&s, &old), 0);
	}
	assert_nothing_waits();
	scene_close(&s);
}

/* Two engines die in a row. Of five packets, a to e, the first reads two and answers none. */
static const struct death_case {
	const char *name;
	enum sl_nfq_final how;
	bool blamed[2];     /* at the first death, at the second */
	unsigned passed;    /* packets that the second engine answers, ... */
	unsigned in_hand;   /* ... and then reads without an answer */
	unsigned answered;  /* by on_failure */
	const char *arrive; /* at once */
	const char *third;  /* what the third engine gets */
} deaths[] = {
	{ "a packet in hand at two deaths passes, the others are judged",
	  SL_NFQ_ACCEPT,
	  { true, true },
	  0,
	  1,
	  1,
	  "a",
	  "bcde" },
	{ "a packet in hand at two deaths is dropped, the others are judged",
	  SL_NFQ_DROP,
	  { true, true },
	  0,
	  1,
	  1,
	  "",
	  "bcde" },
	{ "two packets in hand at two deaths", SL_NFQ_ACCEPT, { true, true }, 0, 2, 2, "ab", "cde" },
	{ "one of those in hand was it before", SL_NFQ_ACCEPT, { true, true }, 1, 3, 3, "abcd", "e" },
	{ "the second engine dies of another packet", SL_NFQ_ACCEPT, { true, true }, 2, 1, 0, "ab", "cde" },
	{ "the second engine has nothing in hand", SL_NFQ_ACCEPT, { true, true }, 2, 0, 0, "ab", "cde" },
	{ "the second engine has read nothing", SL_NFQ_ACCEPT, { true, true }, 0, 0, 0, "", "abcde" },
	{ "another worker hung first", SL_NFQ_ACCEPT, { false, true }, 0, 1, 0, "", "abcde" },
	{ "another worker hung then", SL_NFQ_ACCEPT, { true, false }, 0, 1, 0, "", "abcde" },
};

static void die(struct scene *s, const struct death_case *c, size_t nth, struct sl_nfq_suspects *suspects,
                struct sl_nfq_recovered *sum)
{
	const struct sl_nfq_recover r = { s->queue, -1, QUEUE, 1, 0, 1, c->blamed[nth], c->how, suspects };
	assert_int_equal(sl_nfq_recover(&r, sum), SL_OK);
}

static void test_deaths(void **state)
{
	const struct death_case *c = *state;
	struct sl_nfq_suspects suspects = { false, 0 };
	struct sl_nfq_recovered first = { 0, 0 }, second = { 0, 0 };
	struct sl_ticket ticket;
	struct scene s;
	scene_open(&s, &(struct left_case){ .family = 4 });
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(send(s.from, &"abcde"[i], 1, 0), 1);
	assert_int_equal(next_packet(&s, &ticket), 'a');
	assert_int_equal(next_packet(&s, &ticket), 'b');
	die(&s, c, 0, &suspects, &first);
	assert_int_equal(first.repeated, 5);
	assert_int_equal(first.answered, 0);
	for (size_t i = 0; i < c->passed; i++) {
		assert_int_equal(next_packet(&s, &ticket), "abcde"[i]);
		pass(&s, ticket);
	}
	for (size_t i = 0; i < c->in_hand; i++)
		assert_int_equal(next_packet(&s, &ticket), "abcde"[c->passed + i]);
	die(&s, c, 1, &suspects, &second);
	assert_int_equal(second.answered, c->answered);
	assert_int_equal(second.repeated, strlen(c->third));
	assert_string_equal(arrived(&s), c->arrive);
	for (const char *p = c->third; *p != '\0'; p++) {
		assert_int_equal(next_packet(&s, &ticket), *p);
		pass(&s, ticket);
	}
	assert_int_equal(next_packet(&s, &ticket), 0);
	assert_int_equal(s.counts.errors, 0);
	assert_string_equal(arrived(&s), c->third);
	assert_nothing_waits();
	scene_close(&s);
}

static void test_waiting(void **state)
{
	struct scene s;
	struct sl_ticket ticket;
	uint64_t waiting[2];
	(void)state;
	scene_open(&s, &(struct left_case){ .family = 4 });
	assert_int_equal(send(s.from, "a", 1, 0), 1);
	assert_int_equal(send(s.from, "b", 1, 0), 1);
	assert_int_equal(sl_nfq_waiting(QUEUE - 1, 2, 2, waiting), SL_OK);
	assert_int_equal(waiting[0], 0);
	assert_int_equal(waiting[1], 2);
	assert_int_equal(next_packet(&s, &ticket), 'a');
	assert_int_equal(sl_nfq_waiting(QUEUE, 1, 1, waiting), SL_OK);
	assert_int_equal(waiting[0], 2); /* read, and not answered */
	pass(&s, ticket);
	assert_int_equal(sl_nfq_waiting(QUEUE, 1, 1, waiting), SL_OK);
	assert_int_equal(waiting[0], 1);
	scene_close(&s);
}

static void skip_unless_possible(void)
{
	if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0) {
		printf("skipped: needs root, to make network namespaces\n");
		exit(77);
	}
	static const char *const needed[] = { "ip", "iptables", "ip6tables", "nft" };
	for (size_t i = 0; i < SL_COUNT(needed); i++) {
		if (!sl_command_exists(needed[i])) {
			printf("skipped: needs %s\n", needed[i]);
			exit(77);
		}
	}
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(lefts) + SL_COUNT(deaths) + 1];
	size_t n = 0;
	skip_unless_possible();
	for (size_t i = 0; i < SL_COUNT(lefts); i++)
		tests[n++] = (struct CMUnitTest){ lefts[i].name, test_left, NULL, NULL,
			                          (void *)(uintptr_t)&lefts[i] };
	for (size_t i = 0; i < SL_COUNT(deaths); i++)
		tests[n++] = (struct CMUnitTest){ deaths[i].name, test_deaths, NULL, NULL,
			                          (void *)(uintptr_t)&deaths[i] };
	tests[n++] =
	        (struct CMUnitTest){ "what waits is counted, read or not", test_waiting, NULL, NULL, NULL };
	return _cmocka_run_group_tests("nfq_kernel", tests, n, NULL, NULL);
}
