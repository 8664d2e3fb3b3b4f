/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/clock.h"
#include "daemon/ctl_impl.h"
#include "daemon/ctl_request.h"

enum {
	FETCH_MS = 5000,   /* a reply that makes no progress for as long ends the connection */
	EVENTS_MS = 60000, /* so do events */
	LINE_MS = 30000,   /* and a line that is not finished by then */
	TICK_NS = 250000000,
	TURN = 4, /* requests of one client before the others have their turn */
	EVENTS = 16,
};

void sl_ctl_watch(struct sl_ctl *ctl, int op, int fd, uint32_t events, uint64_t id)
{
	struct epoll_event ev = { .events = events, .data.u64 = id };
	(void)epoll_ctl(ctl->epoll, op, fd, &ev);
}

struct sl_ctl_client *sl_ctl_find(struct sl_ctl *ctl, uint64_t id)
{
	for (size_t i = 0; i < SL_CTL_CLIENTS; i++)
		if (ctl->client[i].id == id)
			return &ctl->client[i];
	return NULL;
}

void sl_ctl_drop(struct sl_ctl_client *c)
{
	sl_ctl_conn_close(&c->conn); /* leaves epoll by itself */
	*c = (struct sl_ctl_client){ .conn.fd = -1 };
}

/* Output is sent when it is there; input is read while there is room for it. */
static void rewatch(struct sl_ctl *ctl, struct sl_ctl_client *c)
{
	uint32_t events = 0;
	if (c->conn.out_len > 0 || c->more)
		events |= EPOLLOUT;
	if (!c->conn.eof && c->muted.us == 0 && !sl_ctl_conn_is_full(&c->conn))
		events |= EPOLLIN;
	if (events != c->events)
		sl_ctl_watch(ctl, EPOLL_CTL_MOD, c->conn.fd, events, c->id);
	c->events = events;
}

/* What ends a client, or lets it go on, when nothing comes. False: nothing does. */
static bool has_deadline(const struct sl_ctl_client *c, struct sl_mono *at)
{
	const struct sl_ctl_conn *conn = &c->conn;

	if (c->muted.us != 0)
		*at = c->muted;
	else if (conn->out_len > 0)
		*at = sl_mono_add(conn->out_since, sl_span_ms(c->wants != 0 ? EVENTS_MS : FETCH_MS));
	else if (!c->asked && !c->more && sl_ctl_conn_has_part(conn))
		*at = sl_mono_add(conn->in_since, sl_span_ms(LINE_MS));
	else
		return false;
	return true;
}

static void tick_on(struct sl_ctl *ctl)
{
	const struct itimerspec every = { { 0, TICK_NS }, { 0, TICK_NS } };
	if (!ctl->ticking)
		ctl->ticking = timerfd_settime(ctl->timer, 0, &every, NULL) == 0;
}

/* 0: not so. */
unsigned sl_ctl_wait(struct sl_ctl *ctl, struct sl_ctl_rate *rate, uid_t uid)
{
	const struct sl_ctl_limits *l = &ctl->handler.limits;

	return l->per_second == 0 || uid == 0
	               ? 0
	               : sl_ctl_rate_take(rate, uid, l->per_second, l->burst, sl_clock_now());
}

/* A user who asks too often is told so once, and then not listened to. */
static bool takes_too_much(struct sl_ctl *ctl, struct sl_ctl_client *c)
{
	const struct sl_ctl_limits *l = &ctl->handler.limits;
	unsigned wait = sl_ctl_wait(ctl, &ctl->requests, c->peer.uid);

	if (wait == 0)
		return false;
	c->muted = sl_mono_add(sl_clock_now(), sl_span_ms(wait));
	char why[128];
	(void)snprintf(why, sizeof(why),
	               "too many requests of uid %u: %u a second, %u at once; try again in %u ms",
	               (unsigned)c->peer.uid, l->per_second, l->burst, wait);
	sl_ctl_reply(ctl, c->id,
	             json_pack("{s:b, s:s, s:s, s:I}", "ok", 0, "code", "rate", "error", why, "retry_ms",
	                       (json_int_t)wait));
	return true;
}

static void take_request(struct sl_ctl *ctl, struct sl_ctl_client *c, struct sl_bytes line)
{
	json_t *args = NULL;
	const char *cmd = NULL, *why = NULL;

	c->asked = true;
	if (!c->peer.may_read) {
		c->refused = c->conn.eof = true; /* once it has fetched this, it goes */
		sl_ctl_reply_refused(ctl, c->id, "denied",
		                     "no permission: only root and the members of control_group and "
		                     "control_admin_group may ask (sluice.yaml)");
	} else if (!takes_too_much(ctl, c)) {
		if (sl_ctl_request_read(line, &args, &cmd, &why) == SL_OK)
			ctl->handler.request(ctl->handler.ctx, c->id, &c->peer, cmd, args);
		else
			sl_ctl_reply_error(ctl, c->id, why);
	}
	json_decref(args);
}

/* The next whole line goes to the handler. Returns false when there is none. */
static bool next_line(struct sl_ctl *ctl, struct sl_ctl_client *c)
{
	struct sl_bytes line;

	if (c->muted.us != 0 || c->refused || !sl_ctl_conn_line(&c->conn, &line))
		return false;
	take_request(ctl, c, line);
	return true;
}

/* Takes a client as far as it goes, TURN requests at most: sends, and puts the next request when the last reply is out.
 * The handler may reply before it returns, which must not lead to a second pump on top of this one. */
void sl_ctl_pump(struct sl_ctl *ctl, struct sl_ctl_client *c)
{
	struct sl_mono now = sl_clock_now(), at;
	unsigned turns = 0;

	if (c->pumping)
		return;
	c->pumping = true;
	do {
		sl_ctl_conn_send(&c->conn, now);
		c->more = turns++ == TURN;
	} while (!c->conn.dead && !c->more && !c->asked && c->conn.out_len == 0 && next_line(ctl, c));
	c->pumping = false;
	if (c->conn.eof && !c->more && !c->asked && c->conn.out_len == 0 && c->muted.us == 0)
		c->conn.dead = true;
	if (c->conn.dead) {
		sl_ctl_drop(c);
		return;
	}
	rewatch(ctl, c);
	if (has_deadline(c, &at))
		tick_on(ctl);
}

/* One read a turn, so that no client keeps the others waiting. */
static void read_in(struct sl_ctl *ctl, struct sl_ctl_client *c)
{
	if (c->muted.us == 0 && sl_ctl_conn_read(&c->conn, sl_clock_now()))
		c->heard = ctl->next_id++;
}

/* With EPOLLHUP nobody is left to read a reply. What is still to be read is asked nevertheless; a client that would have
 * to wait for something goes. */
static void on_client(struct sl_ctl *ctl, uint64_t id, uint32_t events)
{
	struct sl_ctl_client *c = sl_ctl_find(ctl, id);

	if (c == NULL)
		return;
	if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
		read_in(ctl, c);
	sl_ctl_pump(ctl, c);
	c = sl_ctl_find(ctl, id);
	if (c != NULL && (events & (EPOLLERR | EPOLLHUP)) &&
	    (c->asked || !(c->events & (EPOLLIN | EPOLLOUT))))
		sl_ctl_drop(c);
}

/* Without descriptors or memory accept() fails again and again: the listener rests until the next tick. */
static void on_listener(struct sl_ctl *ctl)
{
	for (size_t i = 0; i < SL_CTL_CLIENTS; i++) {
		int fd = accept4(ctl->socket.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0 && !sl_ctl_turned_away(ctl, fd))
			(void)sl_ctl_add(ctl, fd, false);
		if (fd >= 0)
			continue;
		if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ECONNABORTED)
			return;
		sl_ctl_watch(ctl, EPOLL_CTL_MOD, ctl->socket.fd, 0, SL_CTL_ID_LISTENER);
		ctl->paused = true;
		tick_on(ctl);
		return;
	}
}

static void on_deadline(struct sl_ctl *ctl, struct sl_ctl_client *c)
{
	if (c->muted.us == 0) {
		sl_ctl_drop(c);
		return;
	}
	c->muted.us = 0;
	c->conn.in_since = c->conn.in_last = sl_clock_now();
	sl_ctl_pump(ctl, c);
}

static void on_timer(struct sl_ctl *ctl)
{
	const struct itimerspec off = { { 0, 0 }, { 0, 0 } };
	struct sl_mono now = sl_clock_now(), at;
	uint64_t ticks;
	bool waiting = false;

	(void)!read(ctl->timer, &ticks, sizeof(ticks));
	for (size_t i = 0; i < SL_CTL_CLIENTS; i++) {
		struct sl_ctl_client *c = &ctl->client[i];
		if (c->id != 0 && has_deadline(c, &at) && sl_mono_reached(now, at))
			on_deadline(ctl, c);
		waiting |= c->id != 0 && has_deadline(c, &at);
	}
	if (ctl->paused)
		sl_ctl_watch(ctl, EPOLL_CTL_MOD, ctl->socket.fd, EPOLLIN, SL_CTL_ID_LISTENER);
	ctl->paused = false;
	if (!waiting)
		ctl->ticking = timerfd_settime(ctl->timer, 0, &off, NULL) != 0;
}

/* ---- birth and death ---- */

static int ctl_new(const struct sl_ctl_handler *handler, struct sl_ctl **out)
{
	struct sl_ctl *ctl = (struct sl_ctl *)calloc(1, sizeof(*ctl));

	if (ctl == NULL)
		return SL_ENOMEM;
	ctl->handler = *handler;
	ctl->rights = (struct sl_ctl_rights){ (gid_t)-1, (gid_t)-1 };
	ctl->next_id = SL_CTL_ID_FIRST_CLIENT;
	ctl->socket.fd = -1;
	ctl->epoll = epoll_create1(EPOLL_CLOEXEC);
	ctl->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (ctl->epoll < 0 || ctl->timer < 0) {
		sl_ctl_close(&ctl);
		return SL_ESYS;
	}
	*out = ctl;
	return SL_OK;
}

/* err: of opening the socket. */
static int begin(struct sl_ctl *ctl, int err, struct sl_ctl **out)
{
	if (err != SL_OK) {
		sl_ctl_close(&ctl);
		return err;
	}
	sl_ctl_watch(ctl, EPOLL_CTL_ADD, ctl->socket.fd, EPOLLIN, SL_CTL_ID_LISTENER);
	sl_ctl_watch(ctl, EPOLL_CTL_ADD, ctl->timer, EPOLLIN, SL_CTL_ID_TIMER);
	*out = ctl;
	return SL_OK;
}

int sl_ctl_open(const char *path, const struct sl_ctl_handler *handler, const struct sl_diag *diag,
                struct sl_ctl **out)
{
	static const struct sl_ctl_socket_kind kind = { "control socket", 0666, (gid_t)-1 };
	struct sl_ctl *ctl = NULL;
	int err = ctl_new(handler, &ctl);

	return err != SL_OK ? err : begin(ctl, sl_ctl_socket_open(path, &kind, diag, &ctl->socket), out);
}

int sl_ctl_continue(const char *path, int fd, const struct sl_ctl_handler *handler, struct sl_ctl **out)
{
	struct sl_ctl *ctl = NULL;
	int err = ctl_new(handler, &ctl);

	return err != SL_OK ? err : begin(ctl, sl_ctl_socket_continue(path, fd, &ctl->socket), out);
}

int sl_ctl_listener(const struct sl_ctl *ctl)
{
	return ctl->socket.fd;
}

void sl_ctl_each_client(const struct sl_ctl *ctl, uint64_t asker,
                        void (*each)(void *ctx, int fd, bool asks, unsigned events), void *ctx)
{
	for (size_t i = 0; i < SL_CTL_CLIENTS; i++) {
		const struct sl_ctl_client *c = &ctl->client[i];
		const struct sl_ctl_conn *conn = &c->conn;
		bool idle = !c->asked && !conn->eof && conn->out_len == 0 && !sl_ctl_conn_has_part(conn);
		if (c->id != 0 && !conn->dead && (idle || c->id == asker))
			each(ctx, conn->fd, c->id == asker, c->wants);
	}
}

void sl_ctl_close(struct sl_ctl **ctl)
{
	struct sl_ctl *gone = sl_take(ctl);

	if (gone == NULL)
		return;
	for (size_t i = 0; i < SL_CTL_CLIENTS; i++)
		if (gone->client[i].id != 0)
			sl_ctl_drop(&gone->client[i]);
	sl_ctl_socket_close(&gone->socket);
	if (gone->timer >= 0)
		(void)close(gone->timer);
	if (gone->epoll >= 0)
		(void)close(gone->epoll);
	free(gone);
}

int sl_ctl_fd(const struct sl_ctl *ctl)
{
	return ctl->epoll;
}

void sl_ctl_serve(struct sl_ctl *ctl)
{
	struct epoll_event ev[EVENTS];
	int n = epoll_wait(ctl->epoll, ev, EVENTS, 0);

	for (int i = 0; i < n; i++) {
		if (ev[i].data.u64 == SL_CTL_ID_LISTENER)
			on_listener(ctl);
		else if (ev[i].data.u64 == SL_CTL_ID_TIMER)
			on_timer(ctl);
		else
			on_client(ctl, ev[i].data.u64, ev[i].events);
	}
}
