/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl_conn.h - one connection of the control socket: lines in, text out, both bounded, nothing waits. */
#ifndef SL_DAEMON_CTL_CONN_H
#define SL_DAEMON_CTL_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/mono.h"

struct sl_ctl_conn {
	int fd;    /* does not block */
	bool eof;  /* it will send no more */
	bool dead; /* to be closed */
	uint8_t *in;
	size_t in_len, in_cap;
	size_t in_used;                   /* bytes of requests that were taken */
	size_t in_seen;                   /* bytes after those that are known to hold no LF */
	struct sl_mono in_since, in_last; /* when the unfinished line began, and when the last byte came */
	char *out;
	size_t out_len, out_cap, out_sent;
	struct sl_mono out_since; /* when sending last made progress, or began */
};

/* One read; true where something came. */
bool sl_ctl_conn_read(struct sl_ctl_conn *c, struct sl_mono now);
bool sl_ctl_conn_is_full(const struct sl_ctl_conn *c); /* no more can be read until a line is taken */
/* The next whole line, its LF not counted, valid until the next read. One that is too long makes the connection dead. */
bool sl_ctl_conn_line(struct sl_ctl_conn *c, struct sl_bytes *line);
bool sl_ctl_conn_has_part(const struct sl_ctl_conn *c); /* of a line */
/* Sends what it can. */
void sl_ctl_conn_send(struct sl_ctl_conn *c, struct sl_mono now);
static inline size_t sl_ctl_conn_waiting(const struct sl_ctl_conn *c)
{
	return c->out_len - c->out_sent;
}
/* text is taken over, and freed on failure, too: then the connection is dead. */
void sl_ctl_conn_put(struct sl_ctl_conn *c, char *text, size_t len, struct sl_mono now);
/* The same for a copy, where no more than limit bytes would wait then; false: there is no room, and nothing was done. */
bool sl_ctl_conn_add(struct sl_ctl_conn *c, struct sl_bytes text, size_t limit, struct sl_mono now);
void sl_ctl_conn_close(struct sl_ctl_conn *c);

#endif
