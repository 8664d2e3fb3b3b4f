/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/util.h"
#include "daemon/ctl_request.h"
#include "daemon/ctl_socket.h"
#include "daemon/json_text.h"

enum {
	CLIENTS = 64,
	FETCH_S = 5,       /* a reply that makes no progress for as long ends the connection */
	READ_FIRST = 4096, /* the input buffer grows from here to a line */
	INPUT_MAX = SL_CTL_LINE_MAX + 1,
	TURN = 16, /* requests of one client before the others have their turn */
	EVENTS = 16,
};

struct client {
	uint64_t id; /* 0: the place is free */
	int fd;
	uint32_t events;       /* what epoll was told */
	bool root;             /* of the peer's credentials when it connected */
	bool eof;              /* it will send no more */
	bool dead;             /* to be taken out when nobody is using it */
	bool asked;            /* a request is with the handler */
	bool pumping;          /* pump() is at work further down the stack */
	bool more;             /* its turn ended before its requests did */
	uint64_t heard;        /* order of the last sign of life */
	struct timespec since; /* when the reply last made progress */
	uint8_t *in;
	size_t in_len, in_cap;
	size_t in_used; /* bytes of requests that were taken */
	size_t in_seen; /* bytes after those that are known to hold no LF */
	char *out;
	size_t out_len, out_sent;
};

struct sl_ctl {
	struct sl_ctl_handler handler;
	struct sl_ctl_socket socket;
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
	(void)close(c->fd); /* leaves epoll by itself */
	free(c->in);
	free(c->out);
	*c = (struct client){ .fd = -1 };
}

static bool input_full(const struct client *c)
{
	return c->in_len - c->in_used == INPUT_MAX;
}

/* Output is sent when it is there; input is read while there is room for it. */
static void rewatch(struct sl_ctl *ctl, struct client *c)
{
	uint32_t events = 0;
	if (c->out_len > 0 || c->more)
		events |= EPOLLOUT;
	if (!c->eof && !input_full(c))
		events |= EPOLLIN;
	if (events != c->events)
		watch(ctl, EPOLL_CTL_MOD, c->fd, events, c->id);
	c->events = events;
}

static void tick_on(struct sl_ctl *ctl)
{
	const struct itimerspec every = { { 1, 0 }, { 1, 0 } };
	if (!ctl->ticking)
		ctl->ticking = timerfd_settime(ctl->timer, 0, &every, NULL) == 0;
}

static void send_out(struct sl_ctl *ctl, struct client *c)
{
	while (c->out_sent < c->out_len) {
		ssize_t n = send(c->fd, c->out + c->out_sent, c->out_len - c->out_sent, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			tick_on(ctl);
			return;
		}
		if (n < 0) {
			c->dead = true;
			return;
		}
		c->out_sent += (size_t)n;
		(void)clock_gettime(CLOCK_MONOTONIC, &c->since);
	}
	free(sl_take(&c->out));
	c->out_len = c->out_sent = 0;
}

static void take_request(struct sl_ctl *ctl, struct client *c, struct sl_bytes line)
{
	json_t *args = NULL;
	const char *cmd = NULL, *why = NULL;

	c->asked = true;
	if (sl_ctl_request_read(line, &args, &cmd, &why) == SL_OK)
		ctl->handler.request(ctl->handler.ctx, c->id, cmd, args, c->root);
	else
		sl_ctl_reply_error(ctl, c->id, why);
	json_decref(args);
}

/* The next whole line goes to the handler. Returns false when there is none. */
static bool next_line(struct sl_ctl *ctl, struct client *c)
{
	if (c->in == NULL) /* nothing has come yet */
		return false;
	struct sl_bytes rest = sl_bytes_skip(sl_bytes_of(c->in, c->in_len), c->in_used);
	size_t at = c->in_seen + sl_bytes_find(sl_bytes_skip(rest, c->in_seen), '\n');

	c->in_seen = at;
	if (at > SL_CTL_LINE_MAX)
		c->dead = true;
	if (at >= rest.len || c->dead)
		return false;
	c->in_used += at + 1;
	c->in_seen = 0;
	take_request(ctl, c, sl_bytes_first(rest, at));
	return true;
}

/* Takes a client as far as it goes, TURN requests at most: sends, and puts the next request when the last reply is out.
 * The handler may reply before it returns, which must not lead to a second pump on top of this one. */
static void pump(struct sl_ctl *ctl, struct client *c)
{
	unsigned turns = 0;

	if (c->pumping)
		return;
	c->pumping = true;
	do {
		send_out(ctl, c);
		c->more = turns++ == TURN;
	} while (!c->dead && !c->more && !c->asked && c->out_len == 0 && next_line(ctl, c));
	c->pumping = false;
	if (c->eof && !c->more && !c->asked && c->out_len == 0)
		c->dead = true;
	if (c->dead)
		remove_client(c);
	else
		rewatch(ctl, c);
}

/* Makes room for at least one byte; a line that has no end within its limit leaves none. */
static bool make_room(struct client *c)
{
	if (c->in_used > 0) {
		memmove(c->in, c->in + c->in_used, c->in_len - c->in_used);
		c->in_len -= c->in_used;
		c->in_used = 0;
	}
	if (c->in_len < c->in_cap)
		return true;
	size_t cap = c->in_cap == 0 ? READ_FIRST : sl_min(2 * c->in_cap, INPUT_MAX);
	uint8_t *in = cap == c->in_cap ? NULL : (uint8_t *)realloc(c->in, cap);
	if (in == NULL)
		return false;
	c->in = in;
	c->in_cap = cap;
	return true;
}

/* One read a turn, so that no client keeps the others waiting. */
static void read_in(struct sl_ctl *ctl, struct client *c)
{
	if (c->eof || input_full(c))
		return;
	if (!make_room(c)) {
		c->dead = true;
		return;
	}
	ssize_t n = recv(c->fd, c->in + c->in_len, c->in_cap - c->in_len, MSG_DONTWAIT);
	if (n > 0) {
		c->in_len += (size_t)n;
		c->heard = ctl->next_id++;
	} else if (n == 0) {
		c->eof = true;
	} else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
		c->dead = true;
	}
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

/* A free place, if need be that of the client that has been silent for longest and waits for nothing. Nobody but root
 * takes a place from root. */
static struct client *place(struct sl_ctl *ctl, bool root)
{
	struct client *oldest = NULL;

	for (size_t i = 0; i < CLIENTS; i++) {
		struct client *c = &ctl->client[i];
		if (c->id == 0)
			return c;
		if (!c->asked && (root || !c->root) && (oldest == NULL || c->heard < oldest->heard))
			oldest = c;
	}
	if (oldest != NULL)
		remove_client(oldest);
	return oldest;
}

uint64_t sl_ctl_add(struct sl_ctl *ctl, int fd, bool asks)
{
	struct ucred cred = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		cred.uid = (uid_t)-1;
	struct client *c = place(ctl, cred.uid == 0);
	if (c == NULL) {
		(void)close(fd);
		return 0;
	}
	*c = (struct client){ .id = ctl->next_id++, .fd = fd, .events = EPOLLIN, .root = cred.uid == 0 };
	c->heard = c->id;
	c->asked = asks;
	watch(ctl, EPOLL_CTL_ADD, fd, c->events, c->id);
	return c->id;
}

/* Without descriptors or memory accept() fails again and again: the listener rests until the next tick. */
static void on_listener(struct sl_ctl *ctl)
{
	for (size_t i = 0; i < CLIENTS; i++) {
		int fd = accept4(ctl->socket.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			(void)sl_ctl_add(ctl, fd, false);
			continue;
		}
		if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ECONNABORTED)
			return;
		watch(ctl, EPOLL_CTL_MOD, ctl->socket.fd, 0, ID_LISTENER);
		ctl->paused = true;
		tick_on(ctl);
		return;
	}
}

static void on_timer(struct sl_ctl *ctl)
{
	const struct itimerspec off = { { 0, 0 }, { 0, 0 } };
	uint64_t ticks;
	struct timespec now;
	bool waiting = false;

	(void)!read(ctl->timer, &ticks, sizeof(ticks));
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	for (size_t i = 0; i < CLIENTS; i++) {
		struct client *c = &ctl->client[i];
		if (c->id == 0 || c->out_len == 0)
			continue;
		if (now.tv_sec - c->since.tv_sec > FETCH_S)
			remove_client(c);
		else
			waiting = true;
	}
	if (ctl->paused)
		watch(ctl, EPOLL_CTL_MOD, ctl->socket.fd, EPOLLIN, ID_LISTENER);
	ctl->paused = false;
	if (!waiting)
		ctl->ticking = timerfd_settime(ctl->timer, 0, &off, NULL) != 0;
}

static int ctl_new(const struct sl_ctl_handler *handler, struct sl_ctl **out)
{
	struct sl_ctl *ctl = (struct sl_ctl *)calloc(1, sizeof(*ctl));

	if (ctl == NULL)
		return SL_ENOMEM;
	ctl->handler = *handler;
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

static void begin(struct sl_ctl *ctl)
{
	watch(ctl, EPOLL_CTL_ADD, ctl->socket.fd, EPOLLIN, ID_LISTENER);
	watch(ctl, EPOLL_CTL_ADD, ctl->timer, EPOLLIN, ID_TIMER);
}

int sl_ctl_open(const char *path, const struct sl_ctl_handler *handler, const struct sl_diag *diag,
                struct sl_ctl **out)
{
	static const struct sl_ctl_socket_kind kind = { "control socket", 0666, (gid_t)-1 };
	struct sl_ctl *ctl = NULL;
	int err = ctl_new(handler, &ctl);

	if (err == SL_OK)
		err = sl_ctl_socket_open(path, &kind, diag, &ctl->socket);
	if (err != SL_OK) {
		sl_ctl_close(&ctl);
		return err;
	}
	begin(ctl);
	*out = ctl;
	return SL_OK;
}

int sl_ctl_continue(const char *path, int fd, const struct sl_ctl_handler *handler, struct sl_ctl **out)
{
	struct sl_ctl *ctl = NULL;
	int err = ctl_new(handler, &ctl);

	if (err == SL_OK)
		err = sl_ctl_socket_continue(path, fd, &ctl->socket);
	if (err != SL_OK) {
		sl_ctl_close(&ctl);
		return err;
	}
	begin(ctl);
	*out = ctl;
	return SL_OK;
}

int sl_ctl_listener(const struct sl_ctl *ctl)
{
	return ctl->socket.fd;
}

void sl_ctl_each_client(const struct sl_ctl *ctl, uint64_t asker, void (*each)(void *ctx, int fd, bool asks),
                        void *ctx)
{
	for (size_t i = 0; i < CLIENTS; i++) {
		const struct client *c = &ctl->client[i];
		bool idle = !c->asked && !c->eof && c->out_len == 0 && c->in_len == c->in_used;
		if (c->id != 0 && !c->dead && (idle || c->id == asker))
			each(ctx, c->fd, c->id == asker);
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

	if (c != NULL && c->asked) {
		c->asked = false;
		c->out = reply_text(reply, &c->out_len);
		c->dead |= c->out == NULL;
		(void)clock_gettime(CLOCK_MONOTONIC, &c->since);
		pump(ctl, c);
	}
	json_decref(reply);
}

void sl_ctl_reply_error(struct sl_ctl *ctl, uint64_t client, const char *text)
{
	sl_ctl_reply(ctl, client,
	             json_pack("{s:b, s:o}", "ok", 0, "error", sl_json_text(sl_bytes_str(text))));
}
