/* SPDX-License-Identifier: GPL-2.0-or-later */
/* load_tcp.c - real TCP: many connections at a time from one process, each a hello and the server's first byte, ended with a
 * reset so that no port is used up; and one connection that carries as much as it can. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/queue/load.h"

enum { EVENTS = 256, PIECE = 256 << 10, LOOK_MS = 100, PACE_MS = 1 };
#define LOST_AFTER_NS UINT64_C(2000000000)

struct slot {
	int fd;
	uint64_t begun;
	int asked;
};

struct client {
	const struct sl_load_cfg *cfg;
	struct sl_load_result result;
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} to;
	socklen_t to_len;
	int epoll;
	uint64_t number; /* of the next connection */
	struct slot *slot;
	struct sl_load_pace pace;
};

static void resolve(struct client *c, uint16_t port)
{
	int fine;
	if (c->cfg->family == 4) {
		c->to.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
		fine = inet_pton(AF_INET, c->cfg->server, &c->to.v4.sin_addr);
		c->to_len = sizeof(c->to.v4);
	} else {
		c->to.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
		fine = inet_pton(AF_INET6, c->cfg->server, &c->to.v6.sin6_addr);
		c->to_len = sizeof(c->to.v6);
	}
	if (fine != 1)
		sl_load_die(c->cfg->server);
}

static const uint8_t *next_hello(struct client *c)
{
	return c->cfg->hellos->hello[c->number++ % c->cfg->hellos->n];
}

static int open_socket(const struct client *c, int flags)
{
	const struct linger reset = { 1, 0 };
	int fd = socket(c->cfg->family == 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) != 0)
		sl_load_die("socket");
	return fd;
}

static void begin(struct client *c, uint32_t at, uint64_t now)
{
	struct slot *s = &c->slot[at];
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u32 = at };
	*s = (struct slot){ open_socket(c, SOCK_NONBLOCK), now, 0 };
	if (connect(s->fd, &c->to.any, c->to_len) != 0 && errno != EINPROGRESS)
		sl_load_die("connect");
	if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, s->fd, &e) != 0)
		sl_load_die("epoll");
}

static void end(struct client *c, uint32_t at)
{
	(void)close(c->slot[at].fd);
	c->slot[at].fd = -1;
	sl_load_pace_rest(&c->pace, at);
}

static void begin_some(struct client *c)
{
	uint32_t at;
	for (uint64_t now = sl_load_ns(); sl_load_pace_next(&c->pace, now, &at); now = sl_load_ns())
		begin(c, at, now);
}

/* The server answers with zeros; a page of the filter's own is none. */
static int is_answer(const uint8_t *first, ssize_t n)
{
	static const uint8_t zeros[SL_LOAD_FIRST];
	return n > 0 && memcmp(first, zeros, (size_t)n) == 0;
}

static void handle(struct client *c, const struct epoll_event *e)
{
	struct slot *s = &c->slot[e->data.u32];
	uint8_t first[SL_LOAD_FIRST];
	if ((e->events & EPOLLOUT) != 0 && !s->asked && (e->events & EPOLLERR) == 0)
		s->asked = send(s->fd, next_hello(c), SL_LOAD_HELLO, MSG_NOSIGNAL) == SL_LOAD_HELLO;
	if ((e->events & (EPOLLIN | EPOLLERR | EPOLLHUP)) == 0)
		return;
	ssize_t n = recv(s->fd, first, sizeof(first), 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	uint64_t now = sl_load_ns();
	if (is_answer(first, n))
		sl_load_result_done(&c->result, s->begun, now);
	else
		c->result.refused++;
	end(c, e->data.u32);
	begin_some(c);
}

static void restart_lost(struct client *c, uint64_t now)
{
	for (uint32_t i = 0; i < c->cfg->window; i++)
		if (c->slot[i].fd >= 0 && now - c->slot[i].begun > LOST_AFTER_NS) {
			c->result.lost++;
			end(c, i);
		}
}

void sl_load_tcp(const struct sl_load_cfg *cfg)
{
	struct client c = { .cfg = cfg, .epoll = epoll_create1(EPOLL_CLOEXEC) };
	struct epoll_event event[EVENTS];
	uint64_t looked = sl_load_ns(), now = looked;
	resolve(&c, SL_LOAD_SHORT);
	c.slot = (struct slot *)calloc(cfg->window, sizeof(*c.slot));
	if (c.epoll < 0 || c.slot == NULL)
		sl_load_die("client");
	sl_load_many_files();
	sl_load_result_begin(&c.result, cfg->warm, cfg->seconds);
	sl_load_pace_new(&c.pace, cfg->rate, cfg->window);
	for (uint32_t i = 0; i < cfg->window; i++)
		c.slot[i].fd = -1;
	while (now < c.result.end) {
		begin_some(&c);
		int n = epoll_wait(c.epoll, event, EVENTS, cfg->rate > 0 ? PACE_MS : LOOK_MS);
		for (int i = 0; i < n; i++)
			handle(&c, &event[i]);
		now = sl_load_ns();
		if (now - looked > LOOK_MS * UINT64_C(1000000)) {
			restart_lost(&c, now);
			looked = now;
		}
	}
	for (uint32_t i = 0; i < cfg->window; i++)
		if (c.slot[i].fd >= 0)
			(void)close(c.slot[i].fd);
	free(c.slot);
	free(c.pace.idle);
	sl_load_result_print(&c.result);
}

void sl_load_bulk(const struct sl_load_cfg *cfg, int port)
{
	static uint8_t piece[PIECE];
	struct client c = { .cfg = cfg };
	uint64_t bytes = 0, now = 0;
	resolve(&c, (uint16_t)port);
	int fd = open_socket(&c, 0);
	if (connect(fd, &c.to.any, c.to_len) != 0 ||
	    send(fd, next_hello(&c), SL_LOAD_HELLO, MSG_NOSIGNAL) != SL_LOAD_HELLO ||
	    recv(fd, piece, SL_LOAD_FIRST, MSG_WAITALL) != SL_LOAD_FIRST || !is_answer(piece, SL_LOAD_FIRST))
		sl_load_die("bulk");
	sl_load_result_begin(&c.result, cfg->warm, cfg->seconds);
	while (now < c.result.end) {
		ssize_t n =
		        port == SL_LOAD_UP ? send(fd, piece, PIECE, MSG_NOSIGNAL) : recv(fd, piece, PIECE, 0);
		if (n <= 0)
			sl_load_die("bulk");
		now = sl_load_ns();
		bytes += now >= c.result.start && now < c.result.end ? (uint64_t)n : 0;
	}
	(void)close(fd);
	(void)printf("{\"gbit_per_second\": %.4f}\n", (double)bytes * 8e-9 / cfg->seconds);
	free(c.result.ns);
}
