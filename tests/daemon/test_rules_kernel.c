/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_rules_kernel.c - the rules in a real kernel, in network namespaces of their own: they are put in place, noticed
 * when damaged, healed and taken away without a trace, and other people's rules stay as they are. */
#include "daemon/rules.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/rules_impl.h"
#include "tests/support/netns.h"

static const struct sl_inside lan[] = { { .family = 0, .ifname = "gwc" } };
static const struct sl_rules_cfg config = { .inside = lan,
	                                    .insides = SL_COUNT(lan),
	                                    .queue_first = 52860,
	                                    .queue_count = 4,
	                                    .bypass = true,
	                                    .copy_syn = true,
	                                    .answers = true,
	                                    .mark_mask = 0x70000000 };

static void print_words(void *ctx, const char *file, unsigned line, const char *text)
{
	(void)ctx;
	(void)file;
	(void)line;
	print_message("%s\n", text);
}
static const struct sl_diag words = { print_words, NULL };

/* A network namespace that nobody has touched; the last one ends with this. */
static void fresh_namespace(void)
{
	assert_int_equal(unshare(CLONE_NEWNET), 0);
}

/* Runs a shell command here; the caller frees its output. */
static char *output_of(const char *shell_text)
{
	const char *const argv[] = { "sh", "-c", shell_text, NULL };
	struct sl_command cmd = { argv, { NULL, 0 }, 1 << 20, 20000 };
	struct sl_command_reply reply;
	if (sl_command_run(&cmd, &reply) != SL_OK)
		fail_msg("%s: %s", shell_text, reply.err);
	return reply.out;
}

static void run(const char *variant, const char *shell_text)
{
	char line[2048];
	(void)snprintf(line, sizeof(line), "V=%s\n%s", variant, shell_text);
	free(output_of(line));
}

/* Everything that stands, without counters, dates and the notes of the programs. Legacy tables come into being when they
 * are looked at: they are looked at only where they exist. */
static char *snapshot(void)
{
	return output_of("{ nft -s list ruleset; iptables-nft-save; ip6tables-nft-save\n"
	                 "test -s /proc/net/ip_tables_names && iptables-legacy-save\n"
	                 "test -s /proc/net/ip6_tables_names && ip6tables-legacy-save\n"
	                 "cat /proc/net/ip_tables_names /proc/net/ip6_tables_names; } 2>/dev/null |\n"
	                 "sed -e '/^#/d' -e 's/\\[[0-9]*:[0-9]*\\]/[]/' -e 's/counter packets [0-9]* bytes "
	                 "[0-9]*/counter/'");
}

static struct sl_rules *open_rules(enum sl_backend backend)
{
	struct sl_rules_cfg cfg = config;
	struct sl_rules *r = NULL;
	cfg.backend = backend;
	int err = sl_rules_open(&cfg, backend == SL_BACKEND_NFT ? NULL : &words, &r);
	if (err == SL_EUNSUP && backend == SL_BACKEND_NFT) {
		print_message("this kernel has no `queue` for nft\n");
		skip();
	}
	assert_int_equal(err, SL_OK);
	return r;
}

/* Within the 40 questions that rules_watch.h promises. */
static bool noticed(struct sl_rules *r)
{
	for (int i = 0; i < 40; i++)
		if (sl_rules_watch_changed(r))
			return true;
	return false;
}

#define OTHERS                                                                                            \
	"for i in iptables$V ip6tables$V; do\n"                                                           \
	"$i -N DOCKER; $i -A DOCKER -p tcp --dport 22 -j ACCEPT; $i -A FORWARD -j DOCKER; $i -P FORWARD " \
	"DROP\n"                                                                                          \
	"$i -t mangle -A FORWARD -p tcp --syn -j TCPMSS --clamp-mss-to-pmtu\n"                            \
	"$i -t mangle -A POSTROUTING -o lo -m comment --comment 'goes to -j SLUICE-POST' -j MARK "        \
	"--set-xmark 0x5/0xf\n"                                                                           \
	"$i -t nat -A POSTROUTING -o gws -j MASQUERADE; done\n"

static const struct heal_case {
	const char *name;
	enum sl_backend backend;
	const char *variant, *setup, *damage;
} heals[] = {
	{ "iptables: nothing else there", SL_BACKEND_IPTABLES, "-nft", "", "nft flush ruleset" },
	{ "iptables: nft flush ruleset", SL_BACKEND_IPTABLES, "-nft", OTHERS, "nft flush ruleset" },
	{ "iptables: -F", SL_BACKEND_IPTABLES, "-nft", OTHERS, "iptables$V -F" },
	{ "iptables: -t mangle -F", SL_BACKEND_IPTABLES, "-nft", OTHERS, "iptables$V -t mangle -F" },
	{ "iptables: ip6tables -F", SL_BACKEND_IPTABLES, "-nft", OTHERS, "ip6tables$V -F" },
	{ "iptables: ip6tables -t mangle -F FORWARD", SL_BACKEND_IPTABLES, "-nft", OTHERS,
	  "ip6tables$V -t mangle -F FORWARD" },
	{ "iptables: a rule in front of ours", SL_BACKEND_IPTABLES, "-nft", OTHERS,
	  "iptables$V -I FORWARD -s 192.0.2.9 -j ACCEPT" },
	{ "iptables: a rule in front of our last", SL_BACKEND_IPTABLES, "-nft", OTHERS,
	  "ip6tables$V -t mangle -I POSTROUTING -j ACCEPT" },
	{ "iptables: our jump deleted", SL_BACKEND_IPTABLES, "-nft", OTHERS,
	  "iptables$V -t mangle -D FORWARD -j SLUICE-FORWARD || true" },
	{ "iptables: our jump doubled", SL_BACKEND_IPTABLES, "-nft", OTHERS,
	  "iptables$V -A FORWARD -j SLUICE-VERDICT || true" },
	{ "iptables: a chain of ours emptied", SL_BACKEND_IPTABLES, "-nft", OTHERS,
	  "iptables$V -F SLUICE-REFUSE || true" },
	{ "iptables: a rule of ours replaced", SL_BACKEND_IPTABLES, "-nft", OTHERS,
	  "ip6tables$V -R SLUICE-REFUSE 4 -j ACCEPT || true" },
	{ "legacy: -F", SL_BACKEND_IPTABLES_LEGACY, "-legacy", OTHERS, "iptables$V -F" },
	{ "legacy: -t mangle -F", SL_BACKEND_IPTABLES_LEGACY, "-legacy", OTHERS, "iptables$V -t mangle -F" },
	{ "legacy: ip6tables -t mangle -F", SL_BACKEND_IPTABLES_LEGACY, "-legacy", OTHERS,
	  "ip6tables$V -t mangle -F" },
	{ "legacy: a rule in front of ours", SL_BACKEND_IPTABLES_LEGACY, "-legacy", OTHERS,
	  "iptables$V -I FORWARD -s 192.0.2.9 -j ACCEPT" },
	{ "legacy: our jump doubled", SL_BACKEND_IPTABLES_LEGACY, "-legacy", OTHERS,
	  "iptables$V -A FORWARD -j SLUICE-VERDICT || true" },
	{ "legacy: ours and another's change places, all sizes stay", SL_BACKEND_IPTABLES_LEGACY, "-legacy",
	  OTHERS,
	  "iptables$V -D FORWARD -j SLUICE-VERDICT && iptables$V -A FORWARD -j SLUICE-VERDICT || true" },
	{ "nft: flush ruleset", SL_BACKEND_NFT, "-nft", OTHERS, "nft flush ruleset" },
	{ "nft: our table deleted", SL_BACKEND_NFT, "-nft", OTHERS, "nft delete table inet sluice || true" },
	{ "nft: a chain of ours emptied", SL_BACKEND_NFT, "-nft", "",
	  "nft flush chain inet sluice refuse || true" },
};

static void assert_healthy(struct sl_rules *r)
{
	assert_int_equal(sl_rules_install(r, &words), SL_OK);
	assert_int_equal(sl_rules_verify(r), SL_OK);
}

/* What is left at the end is what others' rules and the damage alone would have left. */
static void test_heal(void **state)
{
	const struct heal_case *c = *state;
	fresh_namespace();
	struct sl_rules *probe = open_rules(c->backend); /* leaves the test where it cannot work */
	sl_rules_close(&probe);

	fresh_namespace();
	run(c->variant, c->setup);
	run(c->variant, c->damage);
	char *want = snapshot();

	fresh_namespace();
	run(c->variant, c->setup);
	struct sl_rules *r = open_rules(c->backend);
	assert_int_equal(sl_rules_verify(r), SL_ENOENT);
	assert_healthy(r);
	char *once = snapshot();
	assert_healthy(r);
	char *twice = snapshot();
	assert_string_equal(once, twice);
	while (sl_rules_watch_changed(r)) /* our own installation */
		;
	assert_false(sl_rules_watch_changed(r));
	assert_int_equal(sl_rules_watch_poll_needed(r), sl_rules_watch_fd(r) < 0);

	run(c->variant, c->damage);
	assert_true(noticed(r));
	assert_int_equal(sl_rules_verify(r), SL_ENOENT);
	assert_healthy(r);
	assert_int_equal(sl_rules_remove(r, &words), SL_OK);
	assert_int_equal(sl_rules_verify(r), SL_ENOENT);
	assert_int_equal(sl_rules_remove(r, &words), SL_OK); /* nothing there: fine */
	char *left = snapshot();
	assert_string_equal(left, want);
	sl_rules_close(&r);
	free(want);
	free(once);
	free(twice);
	free(left);
}

static void test_probe_alters_nothing(void **state)
{
	(void)state;
	fresh_namespace();
	char *before = snapshot();
	struct sl_rules *r = open_rules(SL_BACKEND_AUTO);
	print_message("backend: %s\n", sl_rules_backend(r));
	assert_int_equal(sl_rules_remove(r, &words), SL_OK);
	sl_rules_close(&r);
	char *after = snapshot();
	assert_string_equal(after, before);
	free(before);
	free(after);
}

/* A crash, then another backend: the first one's rules go. */
static void test_crash(void **state)
{
	static const enum sl_backend order[][2] = { { SL_BACKEND_IPTABLES, SL_BACKEND_IPTABLES_LEGACY },
		                                    { SL_BACKEND_IPTABLES_LEGACY, SL_BACKEND_IPTABLES } };
	(void)state;
	for (size_t i = 0; i < SL_COUNT(order); i++) {
		fresh_namespace();
		run("", "nft add table inet sluice");
		struct sl_rules *r = open_rules(order[i][0]);
		assert_healthy(r);
		sl_rules_close(&r);
		r = open_rules(order[i][1]);
		assert_healthy(r);
		run("",
		    i == 0 ? "! iptables-nft-save | grep SLUICE && ! ip6tables-nft-save | grep SLUICE"
		           : "! iptables-legacy-save | grep SLUICE && ! ip6tables-legacy-save | grep SLUICE");
		run("", "! nft list table inet sluice 2>&1 | grep chain");
		assert_int_equal(sl_rules_remove(r, &words), SL_OK);
		run("", "! { iptables-nft-save; ip6tables-nft-save; iptables-legacy-save; "
		        "ip6tables-legacy-save; } "
		        "2>/dev/null | grep SLUICE");
		sl_rules_close(&r);
	}
}

/* A chain that an earlier version had. */
static void test_stale_chain(void **state)
{
	(void)state;
	fresh_namespace();
	run("",
	    "iptables -N SLUICE-OLD && iptables -A SLUICE-OLD -j DROP && iptables -A FORWARD -j SLUICE-OLD");
	struct sl_rules *r = open_rules(SL_BACKEND_IPTABLES);
	assert_healthy(r);
	run("", "! iptables-save | grep SLUICE-OLD");
	sl_rules_close(&r);
}

/* Between the look that finds damage and the installation, others go on changing; two families in one go. */
static void test_changes_meanwhile(void **state)
{
	static const enum sl_backend backend[] = { SL_BACKEND_IPTABLES, SL_BACKEND_IPTABLES_LEGACY };
	static const char *const variant[] = { "-nft", "-legacy" };
	(void)state;
	for (size_t i = 0; i < SL_COUNT(backend); i++) {
		fresh_namespace();
		struct sl_rules *r = open_rules(backend[i]);
		assert_healthy(r);
		run(variant[i], "iptables$V -F");
		assert_int_equal(sl_rules_verify(r), SL_ENOENT);
		run(variant[i], "iptables$V -t mangle -F && ip6tables$V -t mangle -F && ip6tables$V -F");
		assert_healthy(r);
		assert_int_equal(sl_rules_remove(r, &words), SL_OK);
		sl_rules_close(&r);
	}
}

/* An update of the tools says our rules in other words: they are believed, unless a rule is missing. */
static void test_other_words(void **state)
{
	(void)state;
	fresh_namespace();
	struct sl_rules *r = open_rules(SL_BACKEND_IPTABLES);
	assert_healthy(r);
	r->seen[strlen(r->seen) / 2] ^= 1;
	assert_int_equal(sl_rules_verify(r), SL_ENOENT);
	assert_healthy(r);
	assert_int_equal(sl_rules_verify(r), SL_OK);
	assert_int_equal(sl_rules_install(r, &words), SL_OK);
	run("-nft", "iptables$V -D SLUICE-REFUSE 1");
	assert_int_equal(sl_rules_verify(r), SL_ENOENT);
	assert_int_equal(sl_rules_remove(r, &words), SL_OK);
	sl_rules_close(&r);
}

/* The text for nft, with the statement that some kernels lack replaced. */
static char *nft_text_without_queue(void)
{
	size_t cap = sl_rules_text_max(&config);
	char *text = calloc(1, cap);
	assert_non_null(text);
	struct sl_out o = sl_out_of(text, cap - 1);
	sl_nft_text(&config, &o);
	char *queue = strstr(text, "queue num");
	assert_non_null(queue);
	for (; queue != NULL; queue = strstr(queue, "queue num")) {
		size_t len = strcspn(queue, "\n");
		assert_true(len > strlen("accept"));
		memset(queue, ' ', len);
		memcpy(queue, "accept", strlen("accept"));
	}
	return text;
}

static void feed_nft(const char *text)
{
	static const char *const argv[] = { "nft", "-f", "-", NULL };
	struct sl_command cmd = { argv, sl_bytes_str(text), 4096, 10000 };
	struct sl_command_reply reply;
	int err = sl_command_run(&cmd, &reply);
	if (err != SL_OK)
		print_message("%s\n", reply.err);
	assert_int_equal(err, SL_OK);
	sl_command_reply_free(&reply);
}

static char *nft_listing(struct sl_rules *r)
{
	char *text = NULL;
	assert_int_equal(sl_rules_nft.look(r), SL_OK);
	assert_int_equal(sl_rules_nft.listing(r, &text), SL_OK);
	sl_rules_look_free(&r->look);
	return text;
}

/* What nft lists, it reads again as the same: a saved rule set brings ours back. */
static void test_nft_text(void **state)
{
	struct sl_rules r = { .cfg = config };
	char *text = nft_text_without_queue();
	(void)state;
	fresh_namespace();
	assert_int_equal(sl_rules_nft.look(&r), SL_ENOENT);
	sl_rules_look_free(&r.look);
	feed_nft(text);
	feed_nft(text);
	char *first = nft_listing(&r);
	run("", "nft flush ruleset");
	feed_nft(first);
	char *again = nft_listing(&r);
	assert_string_equal(again, first);
	free(again);
	run("", "nft add rule inet sluice refuse accept");
	again = nft_listing(&r);
	assert_string_not_equal(again, first);
	free(text);
	free(first);
	free(again);
}

/* Traffic: client - gateway - server. The rules stand in the gateway; nobody listens on the queue. */
static struct netns ns;

static const struct traffic_case {
	const char *name;
	enum sl_backend backend;
	int family;
} traffic[] = {
	{ "traffic: iptables, IPv4", SL_BACKEND_IPTABLES, 4 },
	{ "traffic: iptables, IPv6", SL_BACKEND_IPTABLES, 6 },
	{ "traffic: nft, IPv4", SL_BACKEND_NFT, 4 },
	{ "traffic: nft, IPv6", SL_BACKEND_NFT, 6 },
	{ "traffic: legacy, IPv4", SL_BACKEND_IPTABLES_LEGACY, 4 },
	{ "traffic: legacy, IPv6", SL_BACKEND_IPTABLES_LEGACY, 6 },
};

struct scene {
	const struct traffic_case *c;
	struct sl_rules *r; /* NULL in the text case */
	bool text; /* nft without `queue`: this kernel has none, so that the backend itself cannot work */
	struct sl_rules text_rules;
	struct netns_tcp tcp;
};

static void install_scene(const struct scene *s)
{
	if (!s->text) {
		assert_healthy(s->r);
		return;
	}
	char *text = nft_text_without_queue();
	feed_nft(text);
	free(text);
}

static struct sl_rules_counts counts_of(struct scene *s)
{
	struct sl_rules_counts n = { 0 };
	if (s->text) {
		assert_int_equal(sl_rules_nft.look(&s->text_rules), SL_OK);
		sl_rules_nft.count(&s->text_rules, &n);
		sl_rules_look_free(&s->text_rules.look);
	} else {
		assert_int_equal(sl_rules_count(s->r, &n), SL_OK);
	}
	return n;
}

static void connect_scene(struct scene *s)
{
	s->tcp = netns_connect(&ns, s->c->family == 4 ? NETNS_SERVER_4 : NETNS_SERVER_6, 8080);
}

/* The mark of the connection under way. */
static uint32_t mark_of(const struct scene *s)
{
	char line[256];
	(void)snprintf(
	        line, sizeof(line),
	        "conntrack -L -f ipv%d -p tcp --sport %u 2>/dev/null | sed 's/.*mark=\\([0-9]*\\).*/\\1/'",
	        s->c->family, s->tcp.sent.sport);
	char *text = output_of(line);
	uint32_t mark = (uint32_t)strtoul(text, NULL, 10);
	free(text);
	return mark;
}

static void set_mark(const struct scene *s, uint32_t mark)
{
	char line[256];
	(void)snprintf(line, sizeof(line), "conntrack -U -f ipv%d -p tcp --sport %u -m %u 2>/dev/null",
	               s->c->family, s->tcp.sent.sport, mark);
	free(output_of(line));
	assert_int_equal(mark_of(s), mark);
}

static bool is_reset(int fd)
{
	char byte;
	return recv(fd, &byte, 1, 0) < 0 && errno == ECONNRESET;
}

static bool passes(int from, int to)
{
	char byte = 0;
	return send(from, "y", 1, MSG_NOSIGNAL) == 1 && recv(to, &byte, 1, 0) == 1 && byte == 'y';
}

/* Undecided and nobody to ask: it passes, and each packet that should have been judged is counted. */
static void check_unjudged(struct scene *s)
{
	uint64_t before = counts_of(s).unjudged_packets;
	connect_scene(s); /* one packet with payload */
	assert_int_equal(mark_of(s), 0x40000000);
	assert_int_equal(counts_of(s).unjudged_packets - before, 1);
	assert_true(passes(s->tcp.client, s->tcp.server));
	assert_int_equal(counts_of(s).unjudged_packets - before, 2);
	assert_true(passes(s->tcp.server, s->tcp.client)); /* not the client's direction */
	assert_int_equal(counts_of(s).unjudged_packets - before, 2);
	set_mark(s, 0x50000005); /* allowed */
	assert_true(passes(s->tcp.client, s->tcp.server));
	assert_int_equal(counts_of(s).unjudged_packets - before, 2);
	assert_int_equal(mark_of(s), 0x50000005);
	netns_close(&s->tcp);
}

/* A connection that is marked blocked: whoever sends gets a reset. */
static void check_blocked(struct scene *s)
{
	uint64_t before = counts_of(s).unrefused_packets;
	connect_scene(s);
	set_mark(s, 0x60000005);
	assert_int_equal(send(s->tcp.client, "z", 1, MSG_NOSIGNAL), 1);
	assert_true(is_reset(s->tcp.client));
	assert_int_equal(send(s->tcp.server, "z", 1, MSG_NOSIGNAL), 1);
	assert_true(is_reset(s->tcp.server));
	assert_int_equal(mark_of(s), 0x60000005);
	assert_int_equal(counts_of(s).unrefused_packets - before, 0);
	netns_close(&s->tcp);
}

/* Stands in for a worker's answer: a chain between ours gives payload from inside a mark, with others' bits. Of two chains
 * of one priority the later registered runs first: ours for nft, which are neighbours, are registered anew. */
static void answer_with(const struct scene *s, uint32_t mark)
{
	char line[1024];
	(void)snprintf(line, sizeof(line),
	               "nft -f - <<.\ntable inet answer {\nchain a {\ntype filter hook forward priority %d;\n"
	               "iifname gwc tcp flags & (psh | rst) == psh meta mark set 0x%08x\n}\n"
	               "chain b {\ntype filter hook postrouting priority 300;\noifname gws meta mark 0x5 "
	               "counter\n}\n}\n.",
	               s->c->backend == SL_BACKEND_NFT ? -150 : -149, mark);
	free(output_of(line));
	if (s->c->backend == SL_BACKEND_NFT)
		install_scene(s);
}

static void no_answer(void)
{
	free(output_of("nft delete table inet answer"));
}

static void assert_left_with_others_mark(void)
{
	free(output_of("! nft list table inet answer | grep 'packets 0 '"));
}

static void check_answers(struct scene *s)
{
	answer_with(s, 0x10000005); /* allowed */
	uint64_t before = counts_of(s).unjudged_packets;
	connect_scene(s);
	assert_int_equal(mark_of(s), 0x50000000);
	assert_left_with_others_mark();
	assert_int_equal(counts_of(s).unjudged_packets, before);
	netns_close(&s->tcp);
	no_answer();

	answer_with(s, 0x30000005); /* passed, undecided */
	connect_scene(s);
	assert_int_equal(mark_of(s), 0x40000000);
	assert_left_with_others_mark();
	assert_int_equal(counts_of(s).unjudged_packets, before);
	no_answer();

	answer_with(s, 0x50000005); /* allowed, and QUIC */
	assert_true(passes(s->tcp.client, s->tcp.server));
	assert_int_equal(mark_of(s), 0x70000000);
	assert_left_with_others_mark();
	no_answer();

	answer_with(s, 0x20000005); /* blocked */
	assert_int_equal(send(s->tcp.client, "z", 1, MSG_NOSIGNAL), 1);
	assert_true(is_reset(s->tcp.client));
	assert_int_equal(mark_of(s), 0x60000000);
	no_answer();
	assert_int_equal(send(s->tcp.server, "z", 1, MSG_NOSIGNAL), 1);
	assert_true(is_reset(s->tcp.server));
	netns_close(&s->tcp);
}

/* Another's ACCEPT in front of our refusal. With nft there is no way past. */
static void check_backstop(struct scene *s)
{
	char line[256];
	const char *tool = s->c->family == 4 ? "iptables" : "ip6tables";
	const char *variant = s->c->backend == SL_BACKEND_IPTABLES_LEGACY ? "-legacy" : "-nft";
	uint64_t before = counts_of(s).unrefused_packets;
	connect_scene(s);
	set_mark(s, 0x60000000);
	(void)snprintf(line, sizeof(line), "%s%s -I FORWARD -j ACCEPT", tool, variant);
	free(output_of(line));
	assert_int_equal(send(s->tcp.client, "z", 1, MSG_NOSIGNAL), 1);
	char byte;
	const struct timeval wait = { .tv_usec = 300000 };
	assert_int_equal(setsockopt(s->tcp.server, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
	assert_int_equal(recv(s->tcp.server, &byte, 1, 0), -1);
	if (s->c->backend == SL_BACKEND_NFT)
		assert_int_equal(counts_of(s).unrefused_packets, before);
	else
		assert_true(counts_of(s).unrefused_packets > before);
	(void)snprintf(line, sizeof(line), "%s%s -D FORWARD -j ACCEPT", tool, variant);
	free(output_of(line));
	netns_close(&s->tcp);
}

static void check_udp(struct scene *s)
{
	char line[512];
	uint64_t before = counts_of(s).unjudged_packets;
	(void)snprintf(
	        line, sizeof(line),
	        "/usr/bin/python3 -c 'import socket; s = socket.socket(socket.AF_INET%s, socket.SOCK_DGRAM); "
	        "a = (\"%s\", 9); s.sendto(b\"\", a); s.sendto(b\"q\", a)'",
	        s->c->family == 4 ? "" : "6", s->c->family == 4 ? NETNS_SERVER_4 : NETNS_SERVER_6);
	netns_run(ns.client, NULL, "%s", line);
	assert_int_equal(counts_of(s).unjudged_packets - before, 1);
}

/* What conntrack cannot place passes and is counted: here a connection that it has forgotten. */
static void check_invalid(struct scene *s)
{
	char line[256];
	struct sl_rules_counts before = counts_of(s);
	free(output_of("sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0"));
	connect_scene(s);
	(void)snprintf(line, sizeof(line), "conntrack -D -f ipv%d -p tcp --sport %u 2>/dev/null",
	               s->c->family, s->tcp.sent.sport);
	free(output_of(line));
	assert_true(passes(s->tcp.client, s->tcp.server));
	struct sl_rules_counts after = counts_of(s);
	assert_int_equal(after.invalid_packets - before.invalid_packets, 1);
	assert_int_equal(after.unjudged_packets - before.unjudged_packets,
	                 1); /* the first byte, which was placed */
	free(output_of("sysctl -qw net.netfilter.nf_conntrack_tcp_loose=1"));
	netns_close(&s->tcp);
}

static void open_scene(struct scene *s)
{
	struct sl_rules_cfg cfg = config;
	cfg.backend = s->c->backend;
	int err = sl_rules_open(&cfg, cfg.backend == SL_BACKEND_NFT ? NULL : &words, &s->r);
	s->text = err == SL_EUNSUP && cfg.backend == SL_BACKEND_NFT;
	s->text_rules.cfg = config;
	if (s->text)
		print_message("this kernel has no `queue` for nft: the rules without it\n");
	else
		assert_int_equal(err, SL_OK);
	install_scene(s);
}

static void close_scene(struct scene *s)
{
	if (s->text)
		free(output_of("nft delete table inet sluice"));
	else
		assert_int_equal(sl_rules_remove(s->r, &words), SL_OK);
	sl_rules_close(&s->r);
}

static void test_traffic(void **state)
{
	struct scene s = { .c = *state };
	ns = netns_make();
	netns_enter(ns.gateway);
	int home = ns.home;
	ns.home = ns.gateway; /* the helpers come back to where the rules are */
	/* Resets of the kernel's own then take the mark of the packet they answer. */
	free(output_of("sysctl -qw net.ipv4.fwmark_reflect=1 net.ipv6.fwmark_reflect=1"));
	open_scene(&s);
	check_unjudged(&s);
	check_blocked(&s);
	check_answers(&s);
	check_backstop(&s);
	check_udp(&s);
	check_invalid(&s);
	if (!s.text) { /* what was counted stays counted over a new installation */
		uint64_t before = counts_of(&s).unjudged_packets;
		assert_true(before > 0);
		assert_healthy(s.r);
		assert_int_equal(counts_of(&s).unjudged_packets, before);
	}
	close_scene(&s);
	netns_enter(home);
	ns.home = home;
	netns_free(&ns);
}

/* Can this program make a namespace with iptables in it? In the namespace of nobody else. */
static void skip_unless_possible(void)
{
	if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0) {
		printf("skipped: needs root, to make network namespaces\n");
		exit(77);
	}
	static const char *const needed[] = { "iptables", "ip6tables", "iptables-legacy",
		                              "nft",      "ip",        "conntrack" };
	for (size_t i = 0; i < SL_COUNT(needed); i++) {
		if (!sl_command_exists(needed[i])) {
			printf("skipped: needs %s\n", needed[i]);
			exit(77);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(test_probe_alters_nothing), cmocka_unit_test(test_crash),
		cmocka_unit_test(test_stale_chain),          cmocka_unit_test(test_changes_meanwhile),
		cmocka_unit_test(test_other_words),          cmocka_unit_test(test_nft_text),
	};
	struct CMUnitTest tests[SL_COUNT(others) + SL_COUNT(heals) + SL_COUNT(traffic)];
	size_t n = SL_COUNT(others);
	skip_unless_possible();
	memcpy(tests, others, sizeof(others));
	for (size_t i = 0; i < SL_COUNT(heals); i++)
		tests[n++] = (struct CMUnitTest){ heals[i].name, test_heal, NULL, NULL,
			                          (void *)(uintptr_t)&heals[i] };
	for (size_t i = 0; i < SL_COUNT(traffic); i++)
		tests[n++] = (struct CMUnitTest){ traffic[i].name, test_traffic, NULL, NULL,
			                          (void *)(uintptr_t)&traffic[i] };
	return _cmocka_run_group_tests("rules_kernel", tests, n, NULL, NULL);
}
