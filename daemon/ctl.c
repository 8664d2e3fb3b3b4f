/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ctl.h"

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
#include "daemon/ctl_conn.h"
#include "daemon/ctl_rate.h"
#include "daemon/ctl_request.h"
#include "daemon/ctl_socket.h"
#include "daemon/json_text.h"

enum {
	CLIENTS = 64,
	FETCH_MS = 5000,   /* a reply that makes no progress for as long ends the connection */
	EVENTS_MS = 60000, /* so do events */
	LINE_MS = 30000,   /* and a line that is not finished by then */
	EVENTS_MAX = 256 * 1024,
	TICK_NS = 250000000,
	TURN = 4, /* requests of one client before the others have their turn */
	EVENTS = 16,
};

struct client {
	uint64_t id; /* 0: the place is free */
	struct sl_ctl_conn conn;
	struct sl_ctl_peer peer;
	uint32_t events;      /* what epoll was told */
	bool asked;           /* a request is with the handler */
	bool pumping;         /* pump() is at work further down the stack */
	bool more;            /* its turn ended before its requests did */
	bool refused;         /* it may not ask, and has been told so */
	uint64_t heard;       /* order of the last sign of life */
	struct sl_mono muted; /* it has asked too often: nothing is read until then. .us 0: it is not so */
	unsigned wants;       /* events */
	uint64_t lost;        /* events, not told yet */
};

struct sl_ctl {
	struct sl_ctl_handler handler;
	struct sl_ctl_rights rights;
	struct sl_ctl_socket socket;
	struct sl_ctl_rate requests, arrivals;
	int epoll, timer;
	bool ticking;     /* the timer runs */
	bool paused;      /* accept failed; the next tick tries again */
	uint64_t next_id; /* of clients; also the order of signs of life */
	struct client client[CLIENTS];
};

static void watch(struct sl_ctl *ctl, int op, int fd, uint32_t events, uint64_t id)
{
	struct epoll_event ev = { .events = events, .data.u64 = id };
	(void)epoll_ctl(ctl->epoll, op, fd, &ev);
}

/* Ids that stand in events for the two descriptors that are no client. */
enum { ID_LISTENER = 1, ID_TIMER = 2, ID_FIRST_CLIENT = 3 };

static struct client *find(struct sl_ctl *ctl, uint64_t id)
{
	for (size_t i = 0; i < CLIENTS; i++)
		if (ctl->client[i].id == id)
			return &ctl->client[i];
	return NULL;
}

static void remove_client(struct client *c)
{
	sl_ctl_conn_close(&c->conn); /* leaves epoll by itself */
	*c = (struct client){ .conn.fd = -1 };
}

/* Output is sent when it is there; input is read while there is room for it. */
static void rewatch(struct sl_ctl *ctl, struct client *c)
{
	uint32_t events = 0;
	if (c->conn.out_len > 0 || c->more)
		events |= EPOLLOUT;
	if (!c->conn.eof && c->muted.us == 0 && !sl_ctl_conn_is_full(&c->conn))
		events |= EPOLLIN;
	if (events != c->events)
		watch(ctl, EPOLL_CTL_MOD, c->conn.fd, events, c->id);
	c->events = events;
}

/* What ends a client, or lets it go on, when nothing comes. False: nothing does. */
static bool has_deadline(const struct client *c, struct sl_mono *at)
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
static unsigned wait_of(struct sl_ctl *ctl, struct sl_ctl_rate *rate, uid_t uid)
{
	const struct sl_ctl_limits *l = &ctl->handler.limits;

	return l->per_second == 0 || uid == 0
	               ? 0
	               : sl_ctl_rate_take(rate, uid, l->per_second, l->burst, sl_clock_now());
}

/* A user who asks too often is told so once, and then not listened to. */
static bool takes_too_much(struct sl_ctl *ctl, struct client *c)
{
	const struct sl_ctl_limits *l = &ctl->handler.limits;
	unsigned wait = wait_of(ctl, &ctl->requests, c->peer.uid);

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

static void take_request(struct sl_ctl *ctl, struct client *c, struct sl_bytes line)
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
static bool next_line(struct sl_ctl *ctl, struct client *c)
{
	struct sl_bytes line;

	if (c->muted.us != 0 || c->refused || !sl_ctl_conn_line(&c->conn, &line))
		return false;
	take_request(ctl, c, line);
	return true;
}

/* Takes a client as far as it goes, TURN requests at most: sends, and puts the next request when the last reply is out.
 * The handler may reply before it returns, which must not lead to a second pump on top of this one. */
static void pump(struct sl_ctl *ctl, struct client *c)
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
		remove_client(c);
		return;
	}
	rewatch(ctl, c);
	if (has_deadline(c, &at))
		tick_on(ctl);
}

/* One read a turn, so that no client keeps the others waiting. */
static void read_in(struct sl_ctl *ctl, struct client *c)
{
	if (c->muted.us == 0 && sl_ctl_conn_read(&c->conn, sl_clock_now()))
		c->heard = ctl->next_id++;
}

/* With EPOLLHUP nobody is left to read a reply. What is still to be read is asked nevertheless; a client that would have
 * to wait for something goes. */
static void on_client(struct sl_ctl *ctl, uint64_t id, uint32_t events)
{
	struct client *c = find(ctl, id);

	if (c == NULL)
		return;
	if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
		read_in(ctl, c);
	pump(ctl, c);
	c = find(ctl, id);
	if (c != NULL && (events & (EPOLLERR | EPOLLHUP)) &&
	    (c->asked || !(c->events & (EPOLLIN | EPOLLOUT))))
		remove_client(c);
}

/* ---- places ---- */

/* Which of two clients gives up its place first: not who waits for something, then who was silent for longer. */
static bool goes_first(const struct client *a, const struct client *b)
{
	bool a_waits = a->asked || a->wants != 0, b_waits = b->asked || b->wants != 0;

	return a_waits != b_waits ? b_waits : a->heard < b->heard;
}

/* Nobody but root takes a place from root, or from somebody who waits; a user whose share is taken gets one of its own. */
static struct client *make_place(struct sl_ctl *ctl, const struct sl_ctl_peer *peer, bool share_taken)
{
	struct client *first = NULL;

	for (size_t i = 0; i < CLIENTS; i++) {
		struct client *c = &ctl->client[i];
		bool waits = c->asked || c->wants != 0, roots = c->peer.uid == 0;
		bool may = share_taken      ? c->peer.uid == peer->uid && !waits
		           : peer->uid == 0 ? !roots || !waits
		                            : !roots && !waits;
		if (c->id != 0 && may && (first == NULL || goes_first(c, first)))
			first = c;
	}
	if (first != NULL)
		remove_client(first);
	return first;
}

static struct client *place(struct sl_ctl *ctl, const struct sl_ctl_peer *peer)
{
	struct client *empty = NULL;
	unsigned of_user = 0, most = peer->uid == 0 ? 0 : ctl->handler.limits.clients;

	for (size_t i = 0; i < CLIENTS; i++) {
		struct client *c = &ctl->client[i];
		if (c->id == 0)
			empty = c;
		else
			of_user += c->peer.uid == peer->uid;
	}
	bool share_taken = most != 0 && of_user >= most;
	return empty == NULL || share_taken ? make_place(ctl, peer, share_taken) : empty;
}

static void turn_away(int fd, const char *why)
{
	(void)!send(fd, why, strlen(why), MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)close(fd);
}

/* Whoever connects without end costs no more than this. */
static bool comes_too_often(struct sl_ctl *ctl, int fd)
{
	struct ucred cred = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(cred);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
	       wait_of(ctl, &ctl->arrivals, cred.uid) != 0;
}

uint64_t sl_ctl_add(struct sl_ctl *ctl, int fd, bool asks)
{
	struct sl_ctl_peer peer;

	sl_ctl_peer_read(fd, &ctl->rights, &peer);
	struct client *c = place(ctl, &peer);
	if (c == NULL) {
		turn_away(fd,
		          "{\"v\":1,\"ok\":false,\"code\":\"busy\",\"error\":\"too many connections to the "
		          "control socket that wait for something; end some and try again\"}\n");
		return 0;
	}
	*c = (struct client){ .id = ctl->next_id++, .conn.fd = fd, .events = EPOLLIN, .peer = peer };
	c->heard = c->id;
	c->asked = asks;
	watch(ctl, EPOLL_CTL_ADD, fd, c->events, c->id);
	return c->id;
}

void sl_ctl_set_rights(struct sl_ctl *ctl, const struct sl_ctl_rights *rights)
{
	ctl->rights = *rights;
	for (size_t i = 0; i < CLIENTS; i++) {
		struct client *c = &ctl->client[i];
		if (c->id != 0)
			sl_ctl_peer_read(c->conn.fd, rights, &c->peer);
		if (!c->peer.may_read)
			c->wants = 0;
	}
}

/* Without descriptors or memory accept() fails again and again: the listener rests until the next tick. */
static void on_listener(struct sl_ctl *ctl)
{
	for (size_t i = 0; i < CLIENTS; i++) {
		int fd = accept4(ctl->socket.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0 && comes_too_often(ctl, fd))
			turn_away(fd, "{\"v\":1,\"ok\":false,\"code\":\"rate\",\"error\":\"too many "
			              "connections of this "
			              "user in a short time; try again in a second\",\"retry_ms\":1000}\n");
		else if (fd >= 0)
			(void)sl_ctl_add(ctl, fd, false);
		if (fd >= 0)
			continue;
		if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ECONNABORTED)
			return;
		watch(ctl, EPOLL_CTL_MOD, ctl->socket.fd, 0, ID_LISTENER);
		ctl->paused = true;
		tick_on(ctl);
		return;
	}
}

static void on_deadline(struct sl_ctl *ctl, struct client *c)
{
	if (c->muted.us == 0) {
		remove_client(c);
		return;
	}
	c->muted.us = 0;
	c->conn.in_since = c->conn.in_last = sl_clock_now();
	pump(ctl, c);
}

static void on_timer(struct sl_ctl *ctl)
{
	const struct itimerspec off = { { 0, 0 }, { 0, 0 } };
	struct sl_mono now = sl_clock_now(), at;
	uint64_t ticks;
	bool waiting = false;

	(void)!read(ctl->timer, &ticks, sizeof(ticks));
	for (size_t i = 0; i < CLIENTS; i++) {
		struct client *c = &ctl->client[i];
		if (c->id != 0 && has_deadline(c, &at) && sl_mono_reached(now, at))
			on_deadline(ctl, c);
		waiting |= c->id != 0 && has_deadline(c, &at);
	}
	if (ctl->paused)
		watch(ctl, EPOLL_CTL_MOD, ctl->socket.fd, EPOLLIN, ID_LISTENER);
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
	ctl->next_id = ID_FIRST_CLIENT;
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
	watch(ctl, EPOLL_CTL_ADD, ctl->socket.fd, EPOLLIN, ID_LISTENER);
	watch(ctl, EPOLL_CTL_ADD, ctl->timer, EPOLLIN, ID_TIMER);
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
	for (size_t i = 0; i < CLIENTS; i++) {
		const struct client *c = &ctl->client[i];
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
	for (size_t i = 0; i < CLIENTS; i++)
		if (gone->client[i].id != 0)
			remove_client(&gone->client[i]);
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
		if (ev[i].data.u64 == ID_LISTENER)
			on_listener(ctl);
		else if (ev[i].data.u64 == ID_TIMER)
			on_timer(ctl);
		else
			on_client(ctl, ev[i].data.u64, ev[i].events);
	}
}

/* ---- replies and events ---- */

static char *reply_text(json_t *reply, size_t *len)
{
	char *text = NULL;
	if (reply != NULL && json_object_set_new(reply, "v", json_integer(1)) == 0)
		text = json_dumps(reply, JSON_COMPACT);
	if (text == NULL)
		text = strdup("{\"v\":1,\"ok\":false,\"error\":\"out of memory\"}");
	if (text != NULL) {
		*len = strlen(text) + 1;
		text[*len - 1] = '\n'; /* in the place of the NUL: sent by length */
	}
	return text;
}

void sl_ctl_reply(struct sl_ctl *ctl, uint64_t client, json_t *reply)
{
	struct client *c = client < ID_FIRST_CLIENT ? NULL : find(ctl, client);

	if (ctl->handler.replied != NULL)
		ctl->handler.replied(ctl->handler.ctx, client, reply);
	if (c != NULL && c->asked) {
		size_t len = 0;
		char *text = reply_text(reply, &len);
		c->asked = false;
		sl_ctl_conn_put(&c->conn, text, len, sl_clock_now());
		pump(ctl, c);
	}
	json_decref(reply);
}

void sl_ctl_reply_error(struct sl_ctl *ctl, uint64_t client, const char *text)
{
	sl_ctl_reply(ctl, client,
	             json_pack("{s:b, s:o}", "ok", 0, "error", sl_json_text(sl_bytes_str(text))));
}

void sl_ctl_reply_refused(struct sl_ctl *ctl, uint64_t client, const char *code, const char *text)
{
	sl_ctl_reply(ctl, client,
	             json_pack("{s:b, s:s, s:o}", "ok", 0, "code", code, "error",
	                       sl_json_text(sl_bytes_str(text))));
}

void sl_ctl_subscribe(struct sl_ctl *ctl, uint64_t client, unsigned events)
{
	struct client *c = client < ID_FIRST_CLIENT ? NULL : find(ctl, client);

	if (c != NULL)
		c->wants = events;
}

unsigned sl_ctl_subscribed(const struct sl_ctl *ctl)
{
	unsigned all = 0;

	for (size_t i = 0; i < CLIENTS; i++)
		all |= ctl->client[i].wants;
	return all;
}

/* First how many were lost before it. */
static bool add_event(struct client *c, struct sl_bytes line)
{
	struct sl_mono now = sl_clock_now();
	char lost[64];

	if (c->lost > 0) {
		int n = snprintf(lost, sizeof(lost), "{\"v\":1,\"event\":\"lost\",\"count\":%llu}\n",
		                 (unsigned long long)c->lost);
		if (sl_ctl_conn_waiting(&c->conn) + line.len > EVENTS_MAX ||
		    !sl_ctl_conn_add(&c->conn, sl_bytes_of(lost, (size_t)n), SIZE_MAX, now))
			return false;
		c->lost = 0;
	}
	return line.len == 0 || sl_ctl_conn_add(&c->conn, line, EVENTS_MAX, now);
}

void sl_ctl_event(struct sl_ctl *ctl, unsigned event, struct sl_bytes text, uint64_t lines, uint64_t lost)
{
	for (size_t i = 0; i < CLIENTS; i++) {
		struct client *c = &ctl->client[i];
		if ((c->wants & event) == 0)
			continue;
		c->lost += lost;
		if (!add_event(c, text))
			c->lost += lines;
		pump(ctl, c);
	}
}
