/* SPDX-License-Identifier: GPL-2.0-or-later */
/* load_serve.c - the server: to a hello, in however many pieces, it answers SL_LOAD_FIRST zeros; then it waits for the end, sends
 * without end, or throws away what comes, as the port says. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/queue/load.h"

enum { EVENTS = 256, BACKLOG = 4096, FILES = 1 << 16, PIECE = 256 << 10 };
enum kind { NONE, LISTENER, FRESH, SHORT, DOWN, UP };

struct server {
	int epoll;
	uint8_t kind[FILES]; /* by descriptor */
	uint16_t port[FILES];
	uint16_t got[FILES]; /* of the hello */
	uint8_t piece[PIECE];
};

static void watch(struct server *s, int fd, enum kind kind, uint16_t port)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLRDHUP, .data.fd = fd };
	if (kind != LISTENER)
		e.events |= EPOLLET | (port == SL_LOAD_DOWN ? EPOLLOUT : 0U);
	if (fd >= FILES || epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e) != 0)
		sl_load_die("epoll");
	s->kind[fd] = (uint8_t)kind;
	s->port[fd] = port;
	s->got[fd] = 0;
}

static void listen_on(struct server *s, uint16_t port)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    bind(fd, (struct sockaddr *)&any, sizeof(any)) != 0 || listen(fd, BACKLOG) != 0)
		sl_load_die("listen");
	watch(s, fd, LISTENER, port);
}

static void end(struct server *s, int fd)
{
	s->kind[fd] = NONE;
	(void)close(fd);
}

static const uint8_t first[SL_LOAD_FIRST]; /* of zeros: neither what was sent nor the page of a proxy */

/* false: the connection has ended. */
static int push(struct server *s, int fd)
{
	ssize_t n;
	while ((n = send(fd, s->piece, PIECE, MSG_NOSIGNAL)) > 0)
		;
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static int pull(struct server *s, int fd)
{
	ssize_t n;
	while ((n = recv(fd, s->piece, PIECE, 0)) > 0) {
		if (s->kind[fd] != FRESH)
			continue;
		s->got[fd] = (uint16_t)(s->got[fd] + (n > SL_LOAD_HELLO ? SL_LOAD_HELLO : n));
		if (s->got[fd] < SL_LOAD_HELLO)
			continue;
		s->kind[fd] = s->port[fd] == SL_LOAD_DOWN ? DOWN : s->port[fd] == SL_LOAD_UP ? UP : SHORT;
		if (send(fd, first, sizeof(first), MSG_NOSIGNAL) < 0)
			return 0;
	}
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void accept_all(struct server *s, int listener)
{
	int fd;
	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		watch(s, fd, FRESH, s->port[listener]);
}

static void handle(struct server *s, const struct epoll_event *e)
{
	int fd = e->data.fd, lives = 1;
	if (s->kind[fd] == LISTENER) {
		accept_all(s, fd);
		return;
	}
	if ((e->events & EPOLLIN) != 0)
		lives = pull(s, fd);
	if (lives && s->kind[fd] == DOWN)
		lives = push(s, fd);
	if (!lives || (e->events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) != 0)
		end(s, fd);
}

void sl_load_serve(void)
{
	static struct server s;
	struct epoll_event event[EVENTS];
	s.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s.epoll < 0)
		sl_load_die("server");
	sl_load_many_files();
	listen_on(&s, SL_LOAD_SHORT);
	listen_on(&s, SL_LOAD_DOWN);
	listen_on(&s, SL_LOAD_UP);
	(void)puts("ready");
	(void)fflush(stdout);
	for (;;) {
		int n = epoll_wait(s.epoll, event, EVENTS, -1);
		for (int i = 0; i < n; i++)
			handle(&s, &event[i]);
	}
}
