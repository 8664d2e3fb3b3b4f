/* SPDX-License-Identifier: GPL-2.0-or-later */
/* provider_link.h - the connection of one provider: taken from a socket that listens, read and written without waiting, through two
 * buffers that are fixed at birth. One connection at a time. One thread. */
#ifndef SL_DAEMON_PROVIDER_LINK_H
#define SL_DAEMON_PROVIDER_LINK_H

#include <sys/socket.h>

#include "base/bytes.h"
#include "base/out.h"

struct sl_provider_link {
	int listen;   /* -1: none */
	int epoll;    /* readable when there is something to do */
	int conn;     /* -1: nobody is there */
	bool paused;  /* nobody is accepted now */
	bool writing; /* epoll waits for room as well */
	uint8_t *in, *out;
	size_t in_at, in_len;            /* what of in is not taken yet */
	size_t out_at, out_len, out_cap; /* what of out is not sent yet */
};

/* listen   a Unix stream socket, non-blocking; moves in, also where it fails.
 * out_cap  bytes that may wait for a provider. Memory: twice that, and what a message may have.
 * SL_OK; SL_ENOMEM; SL_ESYS. */
int sl_provider_link_open(int listen, size_t out_cap, struct sl_provider_link *out);
void sl_provider_link_close(struct sl_provider_link *link);

/* Accepts whoever waits, if anybody does. While there is a connection, another one is told `busy`, a whole message, and closed.
 * SL_OK: conn is new, and peer says who. SL_EMORE: nobody; SL_EBUSY: there is one already; SL_ESYS. */
int sl_provider_link_accept(struct sl_provider_link *link, struct sl_bytes busy, struct ucred *peer);
/* Whether it listens now. */
void sl_provider_link_pause(struct sl_provider_link *link, bool pause);
/* The connection is closed, and what was in the buffers is gone. */
void sl_provider_link_drop(struct sl_provider_link *link);

/* Reads what is there, a piece of it at most: others wait, too. SL_OK; SL_EMORE: nothing; SL_ENOENT: its end. */
int sl_provider_link_read(struct sl_provider_link *link);
/* What was read and not taken. */
struct sl_bytes sl_provider_link_in(const struct sl_provider_link *link);
void sl_provider_link_take(struct sl_provider_link *link, size_t n);

/* A message is written between these two. keep: so many bytes of the buffer are to stay free. end() is false where it did not fit:
 * nothing of it will be sent. */
struct sl_out sl_provider_link_begin(struct sl_provider_link *link, size_t keep);
bool sl_provider_link_end(struct sl_provider_link *link, const struct sl_out *o);
/* Sends what the socket takes. SL_OK; SL_ENOENT: nobody reads it any more. */
int sl_provider_link_flush(struct sl_provider_link *link);

#endif
