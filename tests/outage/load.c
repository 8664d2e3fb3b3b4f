/* SPDX-License-Identifier: GPL-2.0-or-later */
/* load.c - sl_outage_load: steady load, and a record of what became of each connection of it. What the harness runs in its namespaces:
 *   sl_outage_load serve
 *   sl_outage_load steady --server4 ADDRESS --server6 ADDRESS --names FILE --rate N --downloads N --records FILE
 *       [--patience S]
 * So many connections begin each second, whatever becomes of the earlier ones, in turn over IPv4 and IPv6, in turn for a name of an
 * even line of the file, which is allowed, and of an odd one, which is blocked; one in eight sends its hello in two segments. Long
 * downloads go on beside it, at a pace that leaves the processor to others. Until SIGTERM. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/queue/load.h"

enum {
	SLOTS = 1 << 15,
	EVENTS = 256,
	SPLIT_EVERY = 8,
	SPLIT_AT = 20, /* ahead of the name */
	DOWNLOADS_MAX = 64,
	PIECE = 32 << 10, /* what a download reads at a time ... */
	NS_A_MS = 1000000,
	PATIENCE = 6, /* the last of the options, which can be left out */
	OPTIONS,
};
#define NS_A_S         UINT64_C(1000000000)
#define SPLIT_PAUSE_NS (2 * (uint64_t)NS_A_MS)
#define DOWN_PAUSE_NS  (50 * (uint64_t)NS_A_MS) /* ... and how often */

enum outcome { ANSWERED, RESET, CLOSED, LOST };
enum { BLOCKED = 1, IPV6 = 2, SPLIT = 4 };

/* As read by record.py. */
struct record {
	uint64_t begun_us; /* CLOCK_MONOTONIC */
	uint32_t took_us;
	uint8_t kind, outcome, asked, pad; /* asked: the hello had been sent */
};

struct slot {
	int fd; /* -1: free */
	uint64_t begun, rest_at;
	const uint8_t *hello;
	uint8_t kind;
	uint8_t asked; /* 1: the first part; 2: all of it */
};

struct address {
	struct sockaddr_storage to;
	socklen_t len;
};

struct download {
	int fd;
	uint64_t read_at, longest, bytes;
	bool ended;
};

static struct load {
	struct sl_load_hellos hellos;
	struct address server[2];
	unsigned rate, downloads;
	uint64_t lost_after_ns;
	int epoll;
	uint64_t number, next;
	struct slot slot[SLOTS];
	uint32_t used; /* slots from here on were never used */
	struct download down[DOWNLOADS_MAX];
	FILE *records;
} load;

static volatile sig_atomic_t enough;

static void stop(int number)
{
	(void)number;
	enough = 1;
}

static void set_port(struct address *a, uint16_t port)
{
	if (a->to.ss_family == AF_INET)
		((struct sockaddr_in *)&a->to)->sin_port = htons(port);
	else
		((struct sockaddr_in6 *)&a->to)->sin6_port = htons(port);
}

static void resolve(const char *text, int family, struct address *a)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a->to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a->to;

	a->to.ss_family = (sa_family_t)family;
	a->len = family == AF_INET ? sizeof(*v4) : sizeof(*v6);
	if (inet_pton(family, text, family == AF_INET ? (void *)&v4->sin_addr : (void *)&v6->sin6_addr) != 1)
		sl_load_die(text);
	set_port(a, SL_LOAD_SHORT);
}

static int open_socket(const struct address *a)
{
	const struct linger reset = { 1, 0 };
	const int on = 1;
	int fd = socket(a->to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) != 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0)
		sl_load_die("socket");
	return fd;
}

static void finish(struct slot *s, enum outcome outcome, uint64_t now)
{
	struct record r = {
		.begun_us = s->begun / 1000,
		.took_us = (uint32_t)((now - s->begun) / 1000),
		.kind = s->kind,
		.outcome = (uint8_t)outcome,
		.asked = s->asked,
	};

	if (fwrite(&r, sizeof(r), 1, load.records) != 1)
		sl_load_die("records");
	(void)close(s->fd);
	s->fd = -1;
}

static struct slot *free_slot(uint32_t *at)
{
	for (uint32_t i = 0; i < load.used; i++)
		if (load.slot[i].fd < 0) {
			*at = i;
			return &load.slot[i];
		}
	if (load.used == SLOTS)
		sl_load_die("too many connections at a time");
	*at = load.used++;
	return &load.slot[*at];
}

static void begin(uint64_t now)
{
	uint64_t n = load.number++;
	uint32_t at;
	struct slot *s = free_slot(&at);
	const struct address *to = &load.server[n >> 1 & 1];
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u32 = at };
	bool split = (n >> 2) % SPLIT_EVERY == 0;

	*s = (struct slot){ .fd = open_socket(to), .begun = now };
	s->hello = load.hellos.hello[n % load.hellos.n];
	s->kind = (uint8_t)((n & 1 ? BLOCKED : 0) | (n >> 1 & 1 ? IPV6 : 0) | (split ? SPLIT : 0));
	if (connect(s->fd, (const struct sockaddr *)&to->to, to->len) != 0 && errno != EINPROGRESS) {
		finish(s, CLOSED, sl_load_ns());
		return;
	}
	if (epoll_ctl(load.epoll, EPOLL_CTL_ADD, s->fd, &e) != 0)
		sl_load_die("epoll");
}

static void ask(struct slot *s, uint64_t now)
{
	size_t n = (s->kind & SPLIT) != 0 ? SPLIT_AT : SL_LOAD_HELLO;

	if (send(s->fd, s->hello, n, MSG_NOSIGNAL) != (ssize_t)n)
		return;
	s->asked = n == SL_LOAD_HELLO ? 2 : 1;
	s->rest_at = now + SPLIT_PAUSE_NS;
}

static void handle(const struct epoll_event *e)
{
	struct slot *s = &load.slot[e->data.u32];
	uint8_t first[SL_LOAD_FIRST];
	uint64_t now = sl_load_ns();

	if (s->fd < 0)
		return;
	if ((e->events & EPOLLOUT) != 0 && s->asked == 0 && (e->events & EPOLLERR) == 0)
		ask(s, now);
	if ((e->events & (EPOLLIN | EPOLLERR | EPOLLHUP)) == 0)
		return;
	ssize_t n = recv(s->fd, first, sizeof(first), 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	finish(s, n > 0 ? ANSWERED : n == 0 ? CLOSED : RESET, now);
}

/* Rests of hellos, and connections that nothing came of. Returns when the next rest is due, or 0. */
static uint64_t look_at_all(uint64_t now)
{
	uint64_t due = 0;

	for (uint32_t i = 0; i < load.used; i++) {
		struct slot *s = &load.slot[i];
		if (s->fd < 0)
			continue;
		if (s->asked == 1 && now >= s->rest_at) {
			(void)send(s->fd, s->hello + SPLIT_AT, SL_LOAD_HELLO - SPLIT_AT, MSG_NOSIGNAL);
			s->asked = 2;
		} else if (s->asked == 1 && (due == 0 || s->rest_at < due)) {
			due = s->rest_at;
		}
		if (now - s->begun > load.lost_after_ns)
			finish(s, LOST, now);
	}
	return due;
}

/* ---- downloads ---- */

static void start_download(struct download *d, unsigned i)
{
	struct address to = load.server[i & 1];
	const int small = 64 << 10;
	uint8_t first[SL_LOAD_FIRST];

	set_port(&to, SL_LOAD_DOWN);
	d->fd = open_socket(&to);
	(void)setsockopt(d->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	(void)connect(d->fd, (const struct sockaddr *)&to.to, to.len);
	for (int tries = 0;
	     tries < 1000 && send(d->fd, load.hellos.hello[0], SL_LOAD_HELLO, MSG_NOSIGNAL) < 0; tries++)
		(void)usleep(1000);
	for (int tries = 0; tries < 3000; tries++) {
		if (recv(d->fd, first, sizeof(first), 0) > 0) {
			d->read_at = sl_load_ns();
			return;
		}
		(void)usleep(1000);
	}
	sl_load_die("a download does not begin");
}

static void read_downloads(uint64_t now)
{
	static uint8_t piece[PIECE];

	for (unsigned i = 0; i < load.downloads; i++) {
		struct download *d = &load.down[i];
		if (d->ended)
			continue;
		ssize_t n = recv(d->fd, piece, sizeof(piece), 0);
		if (n > 0) {
			d->bytes += (uint64_t)n;
			d->read_at = now;
		} else if (n == 0 || errno != EAGAIN) {
			d->ended = true;
		}
		if (now - d->read_at > d->longest)
			d->longest = now - d->read_at;
	}
}

static void print_downloads(void)
{
	uint64_t bytes = 0, longest = 0;
	unsigned ended = 0;

	for (unsigned i = 0; i < load.downloads; i++) {
		bytes += load.down[i].bytes;
		longest = load.down[i].longest > longest ? load.down[i].longest : longest;
		ended += load.down[i].ended;
	}
	(void)printf("{\"downloads\": %u, \"broken\": %u, \"bytes\": %llu, \"longest_pause_ms\": %.1f}\n",
	             load.downloads, ended, (unsigned long long)bytes, (double)longest / NS_A_MS);
}

static void run(void)
{
	struct epoll_event event[EVENTS];
	uint64_t apart = NS_A_S / load.rate, now = sl_load_ns(), read_at = now;

	load.next = now;
	(void)puts("ready");
	(void)fflush(stdout);
	while (!enough) {
		for (now = sl_load_ns(); load.next <= now; load.next += apart)
			begin(now);
		uint64_t due = look_at_all(now);
		uint64_t until = due != 0 && due < load.next ? due : load.next;
		struct timespec wait = { 0, until > now ? (long)(until - now) : 0 };
		if (now - read_at >= DOWN_PAUSE_NS) {
			read_downloads(now);
			read_at = now;
		}
		int n = epoll_pwait2(load.epoll, event, EVENTS, &wait, NULL);
		for (int i = 0; i < n; i++)
			handle(&event[i]);
	}
}

static bool read_options(int argc, char **argv, const char *value[OPTIONS])
{
	static const struct option options[] = {
		{ "server4", required_argument, NULL, 0 },   { "server6", required_argument, NULL, 1 },
		{ "names", required_argument, NULL, 2 },     { "rate", required_argument, NULL, 3 },
		{ "downloads", required_argument, NULL, 4 }, { "records", required_argument, NULL, 5 },
		{ "patience", required_argument, NULL, 6 },  { NULL, 0, NULL, 0 }
	};

	for (int i; (i = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (i >= OPTIONS)
			return false;
		value[i] = optarg;
	}
	for (int i = 0; i < PATIENCE; i++)
		if (value[i] == NULL)
			return false;
	load.lost_after_ns = (value[PATIENCE] == NULL ? 8 : strtoul(value[PATIENCE], NULL, 10)) * NS_A_S;
	load.rate = (unsigned)strtoul(value[3], NULL, 10);
	load.downloads = (unsigned)strtoul(value[4], NULL, 10);
	return load.rate > 0 && load.rate <= 100000 && load.downloads <= DOWNLOADS_MAX;
}

static void steady(int argc, char **argv)
{
	const struct sigaction end = { .sa_handler = stop };
	const char *value[OPTIONS] = { NULL };

	if (!read_options(argc, argv, value)) {
		(void)fputs("sl_outage_load: what it wants stands at the top of load.c\n", stderr);
		exit(2);
	}
	resolve(value[0], AF_INET, &load.server[0]);
	resolve(value[1], AF_INET6, &load.server[1]);
	sl_load_hellos_read(value[2], &load.hellos);
	load.records = fopen(value[5], "we");
	load.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (load.records == NULL || load.epoll < 0)
		sl_load_die(value[5]);
	sl_load_many_files();
	(void)sigaction(SIGTERM, &end, NULL);
	for (unsigned i = 0; i < load.downloads; i++)
		start_download(&load.down[i], i);
	run();
	for (uint32_t i = 0; i < load.used; i++)
		if (load.slot[i].fd >= 0)
			(void)close(load.slot[i].fd); /* cut short by the end: no verdict on it */
	if (fclose(load.records) != 0)
		sl_load_die("records");
	print_downloads();
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "serve") == 0)
		sl_load_serve();
	if (argc < 2 || strcmp(argv[1], "steady") != 0) {
		(void)fputs("sl_outage_load: serve or steady; see the top of load.c\n", stderr);
		return 2;
	}
	steady(argc - 1, argv + 1);
	return 0;
}
