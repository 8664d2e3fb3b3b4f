/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ctl_conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/ctl_request.h"

enum {
	READ_FIRST = 4096, /* the input buffer grows from here to a line */
	INPUT_MAX = SL_CTL_LINE_MAX + 1,
	OUTPUT_FIRST = 4096,
};

bool sl_ctl_conn_is_full(const struct sl_ctl_conn *c)
{
	return c->in_len - c->in_used == INPUT_MAX;
}

bool sl_ctl_conn_has_part(const struct sl_ctl_conn *c)
{
	return c->in_len > c->in_used;
}

/* Makes room for at least one byte; a line that has no end within its limit leaves none. */
static bool make_room(struct sl_ctl_conn *c)
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

bool sl_ctl_conn_read(struct sl_ctl_conn *c, struct sl_mono now)
{
	if (c->eof || sl_ctl_conn_is_full(c))
		return false;
	if (!make_room(c)) {
		c->dead = true;
		return false;
	}
	bool begins = !sl_ctl_conn_has_part(c);
	ssize_t n = recv(c->fd, c->in + c->in_len, c->in_cap - c->in_len, MSG_DONTWAIT);
	if (n > 0) {
		c->in_len += (size_t)n;
		c->in_last = now;
		if (begins)
			c->in_since = now;
	} else if (n == 0)
		c->eof = true;
	else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
		c->dead = true;
	return n > 0;
}

bool sl_ctl_conn_line(struct sl_ctl_conn *c, struct sl_bytes *line)
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
	c->in_since = c->in_last;
	*line = sl_bytes_first(rest, at);
	return true;
}

void sl_ctl_conn_send(struct sl_ctl_conn *c, struct sl_mono now)
{
	while (c->out_sent < c->out_len) {
		ssize_t n = send(c->fd, c->out + c->out_sent, c->out_len - c->out_sent,
		                 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n < 0) {
			c->dead = true;
			return;
		}
		c->out_sent += (size_t)n;
		c->out_since = now;
	}
	free(sl_take(&c->out));
	c->out_len = c->out_sent = c->out_cap = 0;
}

void sl_ctl_conn_put(struct sl_ctl_conn *c, char *text, size_t len, struct sl_mono now)
{
	if (text == NULL) {
		c->dead = true;
	} else if (c->out_len == 0) {
		c->out = text;
		c->out_len = c->out_cap = len;
		c->out_since = now;
	} else {
		c->dead |= !sl_ctl_conn_add(c, sl_bytes_of(text, len), SIZE_MAX, now);
		free(text);
	}
}

bool sl_ctl_conn_add(struct sl_ctl_conn *c, struct sl_bytes text, size_t limit, struct sl_mono now)
{
	size_t waiting = sl_ctl_conn_waiting(c);

	if (waiting > limit || text.len > limit - waiting)
		return false;
	if (c->out_sent > 0) {
		memmove(c->out, c->out + c->out_sent, waiting);
		c->out_len = waiting;
		c->out_sent = 0;
	}
	if (waiting == 0)
		c->out_since = now;
	if (text.len > c->out_cap - c->out_len) {
		size_t cap = sl_max(sl_max(2 * c->out_cap, OUTPUT_FIRST), c->out_len + text.len);
		char *out = (char *)realloc(c->out, cap);
		if (out == NULL)
			return false;
		c->out = out;
		c->out_cap = cap;
	}
	memcpy(c->out + c->out_len, text.p, text.len);
	c->out_len += text.len;
	return true;
}

void sl_ctl_conn_close(struct sl_ctl_conn *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	free(c->in);
	free(c->out);
	*c = (struct sl_ctl_conn){ .fd = -1 };
}
