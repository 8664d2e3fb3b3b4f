/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/provider_link.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/err.h"
#include "daemon/provider_message.h"

enum { IN_CAP = SL_PROVIDER_HEAD + SL_PROVIDER_MESSAGE_MAX, READ_MAX = 32 * 1024 };

static void shut(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* What epoll waits for: a connection, bytes, or room for those that wait. */
static int watch(const struct sl_provider_link *l, int op, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };
	return epoll_ctl(l->epoll, op, fd, &e) == 0 ? SL_OK : SL_ESYS;
}

int sl_provider_link_open(int listen, size_t out_cap, struct sl_provider_link *out)
{
	struct sl_provider_link l = { .listen = listen, .epoll = -1, .conn = -1, .out_cap = out_cap };
	int err = SL_OK;
	l.in = (uint8_t *)malloc(IN_CAP);
	l.out = (uint8_t *)malloc(2 * out_cap);
	l.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l.in == NULL || l.out == NULL)
		err = SL_ENOMEM;
	else if (l.epoll < 0)
		err = SL_ESYS;
	else
		err = watch(&l, EPOLL_CTL_ADD, l.listen, EPOLLIN);
	if (err != SL_OK)
		sl_provider_link_close(&l);
	*out = l;
	return err;
}

void sl_provider_link_close(struct sl_provider_link *l)
{
	shut(&l->conn);
	shut(&l->listen);
	shut(&l->epoll);
	free(l->in);
	free(l->out);
	l->in = l->out = NULL;
}

/* As much as fits at once: whoever is too many does not wait for it. */
static void turn_away(int fd, struct sl_bytes busy)
{
	(void)send(fd, busy.p, busy.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)close(fd);
}

int sl_provider_link_accept(struct sl_provider_link *l, struct sl_bytes busy, struct ucred *peer)
{
	socklen_t len = sizeof(*peer);
	if (l->paused)
		return SL_EMORE;
	int fd = accept4(l->listen, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return SL_EMORE;
	if (l->conn >= 0) {
		turn_away(fd, busy);
		return SL_EBUSY;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &len) != 0 ||
	    watch(l, EPOLL_CTL_ADD, fd, EPOLLIN) != SL_OK) {
		(void)close(fd);
		return SL_ESYS;
	}
	l->conn = fd;
	return SL_OK;
}

void sl_provider_link_pause(struct sl_provider_link *l, bool pause)
{
	if (pause != l->paused)
		(void)watch(l, EPOLL_CTL_MOD, l->listen, pause ? 0 : EPOLLIN);
	l->paused = pause;
}

void sl_provider_link_drop(struct sl_provider_link *l)
{
	shut(&l->conn); /* which takes it out of epoll */
	l->writing = false;
	l->in_at = l->in_len = l->out_at = l->out_len = 0;
}

/* To the front of its buffer. */
static void compact(uint8_t *buffer, size_t *at, size_t *len)
{
	if (*at > 0 && *len > 0)
		memmove(buffer, buffer + *at, *len);
	*at = 0;
}

int sl_provider_link_read(struct sl_provider_link *l)
{
	compact(l->in, &l->in_at, &l->in_len);
	size_t room = sl_min(IN_CAP - l->in_len, READ_MAX);
	ssize_t n = l->conn < 0 ? 0 : recv(l->conn, l->in + l->in_len, room, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? SL_EMORE : SL_ENOENT;
	l->in_len += (size_t)n;
	return n == 0 ? SL_ENOENT : SL_OK;
}

struct sl_bytes sl_provider_link_in(const struct sl_provider_link *l)
{
	return sl_bytes_of(l->in + l->in_at, l->in_len);
}

void sl_provider_link_take(struct sl_provider_link *l, size_t n)
{
	l->in_at += n;
	l->in_len -= n;
}

struct sl_out sl_provider_link_begin(struct sl_provider_link *l, size_t keep)
{
	static const uint8_t head[SL_PROVIDER_HEAD] = { 0 };
	size_t room = l->out_cap - l->out_len;
	/* The buffer is twice what may wait: what is moved is less than what was sent since it was moved last. */
	if (l->out_at >= l->out_cap)
		compact(l->out, &l->out_at, &l->out_len);
	struct sl_out o = sl_out_of(l->out + l->out_at + l->out_len, room > keep ? room - keep : 0);
	sl_out_bytes(&o, head, sizeof(head));
	return o;
}

bool sl_provider_link_end(struct sl_provider_link *l, const struct sl_out *o)
{
	struct sl_out head = sl_out_of(o->p, SL_PROVIDER_HEAD);
	if (o->overflow)
		return false;
	sl_out_u32(&head, (uint32_t)(o->len - SL_PROVIDER_HEAD));
	l->out_len += o->len;
	return true;
}

int sl_provider_link_flush(struct sl_provider_link *l)
{
	while (l->conn >= 0 && l->out_len > 0) {
		ssize_t n = send(l->conn, l->out + l->out_at, l->out_len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return SL_ENOENT;
		if (n <= 0)
			break;
		l->out_at += (size_t)n;
		l->out_len -= (size_t)n;
	}
	if (l->out_len == 0)
		l->out_at = 0;
	bool writing = l->out_len > 0;
	if (l->conn >= 0 && writing != l->writing)
		(void)watch(l, EPOLL_CTL_MOD, l->conn, writing ? EPOLLIN | EPOLLOUT : EPOLLIN);
	l->writing = writing;
	return SL_OK;
}
