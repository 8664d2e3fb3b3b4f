/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl.h - the control socket, served by the supervisor's one thread without ever waiting for a client.
 * Protocol, version 1: SOCK_STREAM; a request is one JSON object on a line, {"v":1,"cmd":"status", ...}; the reply is one
 * JSON object on a line, {"v":1,"ok":true, ...} or {"v":1,"ok":false,"error":"..."}. Requests of one client are
 * answered in order, one at a time. A line over 64 KiB, or a reply that is not fetched within 5 s, ends the connection.
 * Clients beyond the 64th take the place of the one that has been silent for longest and waits for nothing. */
#ifndef SL_DAEMON_CTL_H
#define SL_DAEMON_CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/diag.h"
#include "base/err.h"

struct sl_ctl;

struct sl_ctl_handler {
	void *ctx;
	/* args is borrowed for the call: the whole request. The answer goes to sl_ctl_reply(), now or later.
	 * may_change: the peer is root (SO_PEERCRED); others may only read. */
	void (*request)(void *ctx, uint64_t client, const char *cmd, json_t *args, bool may_change);
};

/* Replaces a stale socket file that nobody listens on; SL_EBUSY when somebody does, SL_EEXIST when something that is no
 * socket stands there. Makes the folder if it is absent. Everybody may connect; the folder's mode can forbid it. */
int sl_ctl_open(const char *path, const struct sl_ctl_handler *handler, const struct sl_diag *diag,
                struct sl_ctl **out);
/* The same with a socket that listens already on path, handed over by an earlier program; taken over on SL_OK. */
int sl_ctl_continue(const char *path, int fd, const struct sl_ctl_handler *handler, struct sl_ctl **out);
int sl_ctl_listener(const struct sl_ctl *ctl); /* its descriptor, which stays its own */
/* Each client that waits for nothing and of which nothing is half read, and `asker`: they can be handed over. */
void sl_ctl_each_client(const struct sl_ctl *ctl, uint64_t asker, void (*each)(void *ctx, int fd, bool asks),
                        void *ctx);
/* A client that was handed over. asks: it waits for a reply; its number is returned. fd is taken over; 0: there was no place. */
uint64_t sl_ctl_add(struct sl_ctl *ctl, int fd, bool asks);
void sl_ctl_close(struct sl_ctl **ctl);  /* removes the socket file, unless it is another's by now */
int sl_ctl_fd(const struct sl_ctl *ctl); /* poll for input, then serve() */
void sl_ctl_serve(struct sl_ctl *ctl);
/* reply is taken over; "v" is added. A client that has gone is no error. NULL stands for a lack of memory. */
void sl_ctl_reply(struct sl_ctl *ctl, uint64_t client, json_t *reply);
void sl_ctl_reply_error(struct sl_ctl *ctl, uint64_t client, const char *text);

/* The client's side, used by the command: one request (borrowed), one reply, blocking with a limit.
 * Returns SL_OK with *reply (the caller's), SL_ENOENT when nobody listens, SL_EPERM, SL_ETIME, SL_EMALF when the
 * connection ended without a reply, SL_EINVAL when the request is too long, SL_ESYS. */
int sl_ctl_call(const char *path, json_t *request, int timeout_ms, json_t **reply);

#endif
