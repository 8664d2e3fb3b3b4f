/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/util.h"
#include "daemon/clock.h"
#include "daemon/ctl.h"
#include "daemon/ctl_request.h"
#include "daemon/ctl_socket.h"

enum { REPLY_MAX = 64 * 1024 * 1024, LONG_MS = 3600000 };

static int wait_for(int fd, short events, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		int64_t left = deadline - sl_clock_now_ms();
		if (left <= 0)
			return SL_ETIME;
		int n = poll(&p, 1, (int)left);
		if (n > 0)
			return SL_OK;
		if (n < 0 && errno != EINTR)
			return SL_ESYS;
	}
}

static int connect_to(int fd, const struct sockaddr_un *addr, int64_t deadline)
{
	const struct timespec pause = { 0, 5000000 };

	while (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) != 0) {
		if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR)
			return SL_ENOENT;
		if (errno == EACCES || errno == EPERM)
			return SL_EPERM;
		if (errno != EAGAIN && errno != EINTR)
			return SL_ESYS;
		if (sl_clock_now_ms() >=
		    deadline) /* EAGAIN: the queue of connections is full, and cannot be polled */
			return SL_ETIME;
		(void)nanosleep(&pause, NULL);
	}
	return SL_OK;
}

static int send_line(int fd, struct sl_bytes line, int64_t deadline)
{
	while (line.len > 0) {
		ssize_t n = send(fd, line.p, line.len, MSG_NOSIGNAL);
		if (n > 0) {
			line = sl_bytes_skip(line, (size_t)n);
			continue;
		}
		if (errno == EPIPE || errno == ECONNRESET)
			return SL_EMALF;
		if (errno != EAGAIN && errno != EINTR)
			return SL_ESYS;
		int err = wait_for(fd, POLLOUT, deadline);
		if (err != SL_OK)
			return err;
	}
	return SL_OK;
}

struct reply {
	char *p;
	size_t len, cap;
};

static int read_some(int fd, struct reply *r, int64_t deadline)
{
	if (r->len == r->cap) {
		size_t cap = sl_max(4096, 2 * r->cap);
		char *p = cap > REPLY_MAX ? NULL : (char *)realloc(r->p, cap);
		if (p == NULL)
			return cap > REPLY_MAX ? SL_EMALF : SL_ENOMEM;
		r->p = p;
		r->cap = cap;
	}
	int err = wait_for(fd, POLLIN, deadline);
	if (err != SL_OK)
		return err;
	ssize_t n = recv(fd, r->p + r->len, r->cap - r->len, 0);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return SL_EMALF;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? SL_OK : SL_ESYS;
	r->len += (size_t)n;
	return SL_OK;
}

/* The next line, which stays in r, and what is behind it. */
static int read_line(int fd, struct reply *r, int64_t deadline, size_t *len)
{
	size_t seen = 0;
	int err = SL_OK;

	while (err == SL_OK) {
		struct sl_bytes rest = sl_bytes_skip(sl_bytes_of(r->p, r->len), seen);
		size_t at = rest.p == NULL ? 0 : sl_bytes_find(rest, '\n');
		if (at < rest.len) {
			*len = seen + at + 1;
			return SL_OK;
		}
		seen = r->len;
		err = read_some(fd, r, deadline);
	}
	return err;
}

/* The next object. */
static int read_object(int fd, struct reply *r, int64_t deadline, json_t **out)
{
	size_t len = 0;
	int err = read_line(fd, r, deadline, &len);

	if (err != SL_OK)
		return err;
	json_t *root = json_loadb(r->p, len, JSON_ALLOW_NUL, NULL);
	memmove(r->p, r->p + len, r->len - len);
	r->len -= len;
	err = json_is_object(root) ? SL_OK : SL_EMALF;
	if (err == SL_OK)
		*out = sl_take(&root);
	json_decref(root);
	return err;
}

static int read_reply(int fd, int64_t deadline, struct reply *r, json_t **reply)
{
	int err = read_object(fd, r, deadline, reply);

	while (err == SL_OK && json_object_get(*reply, "event") != NULL) { /* ahead of the reply */
		json_decref(sl_take(reply));
		err = read_object(fd, r, deadline, reply);
	}
	return err;
}

/* The request as a line; jansson ends it with a NUL, which becomes the LF. */
static int request_line(json_t *request, char **text, size_t *len)
{
	*text = json_dumps(request, JSON_COMPACT);
	if (*text == NULL)
		return SL_ENOMEM;
	*len = strlen(*text);
	(*text)[(*len)++] = '\n';
	return *len - 1 > SL_CTL_LINE_MAX ? SL_EINVAL : SL_OK;
}

/* Sends the request; the connection is the caller's on SL_OK. */
static int ask(const char *path, json_t *request, int64_t deadline, int *out)
{
	struct sockaddr_un addr;
	char *text = NULL;
	size_t len = 0;
	int fd = -1;

	int err = sl_ctl_socket_addr(path, &addr);
	if (err == SL_OK)
		err = request_line(request, &text, &len);
	if (err == SL_OK) {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		err = fd < 0 ? SL_ESYS : connect_to(fd, &addr, deadline);
	}
	if (err == SL_OK)
		err = send_line(fd, sl_bytes_of(text, len), deadline);
	if (err == SL_EMALF) /* it was let go before it asked, and perhaps told why */
		err = SL_OK;
	if (err == SL_OK)
		*out = fd;
	else if (fd >= 0)
		(void)close(fd);
	free(text);
	return err;
}

int sl_ctl_call(const char *path, json_t *request, int timeout_ms, json_t **reply)
{
	int64_t deadline = sl_clock_now_ms() + timeout_ms;
	struct reply r = { NULL, 0, 0 };
	int fd = -1;

	int err = ask(path, request, deadline, &fd);
	if (err != SL_OK)
		return err;
	err = read_reply(fd, deadline, &r, reply);
	(void)close(fd);
	free(r.p);
	return err;
}

int sl_ctl_follow(const char *path, json_t *request, int timeout_ms, json_t **reply,
                  bool (*hear)(void *ctx, const json_t *event), void *ctx)
{
	int64_t deadline = sl_clock_now_ms() + timeout_ms;
	struct reply r = { NULL, 0, 0 };
	int fd = -1;

	int err = ask(path, request, deadline, &fd);
	if (err != SL_OK)
		return err;
	err = read_reply(fd, deadline, &r, reply);
	bool more = err == SL_OK && json_is_true(json_object_get(*reply, "ok"));
	while (more) {
		json_t *event = NULL;
		int got = read_object(fd, &r, sl_clock_now_ms() + LONG_MS, &event);
		more = got == SL_OK ? hear(ctx, event) : got == SL_ETIME;
		json_decref(event);
	}
	(void)close(fd);
	free(r.p);
	return err;
}
