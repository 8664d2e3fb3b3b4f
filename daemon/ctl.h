/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl.h - the control socket, served by the supervisor's one thread without ever waiting for a client. sluice-control(7) has the
 * protocol, version 1: SOCK_STREAM; a request is one JSON object on a line, {"v":1,"cmd":"status", ...}; the reply is one
 * JSON object on a line, {"v":1,"ok":true, ...} or {"v":1,"ok":false,"error":"..."}. Requests of one client are
 * answered in order, one at a time. A client that has subscribed gets events between replies, {"v":1,"event":"...", ...}.
 *
 * Every client is bounded. Whoever may not even read is told so and let go. A line over 64 KiB, one that is not finished in 30 s,
 * or a reply that is not fetched within 5 s, ends the connection; so does an event that waits for 60 s. Events beyond 256 KiB
 * that wait are lost, which the client is told with their number. Clients beyond the 64th, or beyond a user's share, take the
 * place of the one (of that user) that has been silent for longest and waits for nothing; where there is none, they are told so and
 * let go. A user's requests beyond the rate are answered with an error and "retry_ms", and no more is read of that client until then. */
#ifndef SL_DAEMON_CTL_H
#define SL_DAEMON_CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/diag.h"
#include "base/err.h"
#include "daemon/ctl_peer.h"

struct sl_ctl;

/* Of each uid but root. Zeros: no limit. */
struct sl_ctl_limits {
	unsigned per_second, burst; /* requests */
	unsigned clients;           /* at a time */
};

struct sl_ctl_handler {
	void *ctx;
	/* args is borrowed for the call: the whole request; so is peer. The answer goes to sl_ctl_reply(), now or later. The peer may
	 * read; whether it may change is the handler's to look at. */
	void (*request)(void *ctx, uint64_t client, const struct sl_ctl_peer *peer, const char *cmd,
	                json_t *args);
	/* Told of each reply that is given, also to a client that has gone. May be NULL. */
	void (*replied)(void *ctx, uint64_t client, const json_t *reply);
	struct sl_ctl_limits limits;
};

/* Replaces a stale socket file that nobody listens on; SL_EBUSY when somebody does, SL_EEXIST when something that is no
 * socket stands there. Makes the folder if it is absent. Everybody may connect, so that a refusal is an answer; the folder's mode
 * can forbid it. Until sl_ctl_set_rights() only root may do anything. */
int sl_ctl_open(const char *path, const struct sl_ctl_handler *handler, const struct sl_diag *diag,
                struct sl_ctl **out);
/* The same with a socket that listens already on path, handed over by an earlier program; taken over on SL_OK. */
int sl_ctl_continue(const char *path, int fd, const struct sl_ctl_handler *handler, struct sl_ctl **out);
/* Of clients that are there, too. */
void sl_ctl_set_rights(struct sl_ctl *ctl, const struct sl_ctl_rights *rights);
int sl_ctl_listener(const struct sl_ctl *ctl); /* its descriptor, which stays its own */
/* Each client that can be handed over: it waits for no reply and of nothing is half read or half sent; and `asker`. events: what it
 * has subscribed to. */
void sl_ctl_each_client(const struct sl_ctl *ctl, uint64_t asker,
                        void (*each)(void *ctx, int fd, bool asks, unsigned events), void *ctx);
/* A client that was handed over. asks: it waits for a reply; its number is returned. fd is taken over; 0: there was no place. */
uint64_t sl_ctl_add(struct sl_ctl *ctl, int fd, bool asks);
void sl_ctl_close(struct sl_ctl **ctl);  /* removes the socket file, unless it is another's by now */
int sl_ctl_fd(const struct sl_ctl *ctl); /* poll for input, then serve() */
void sl_ctl_serve(struct sl_ctl *ctl);
/* reply is taken over; "v" is added. A client that has gone is no error. NULL stands for a lack of memory. */
void sl_ctl_reply(struct sl_ctl *ctl, uint64_t client, json_t *reply);
void sl_ctl_reply_error(struct sl_ctl *ctl, uint64_t client, const char *text);
/* The same with "code", a word for programs: sluice-control(7) lists them. */
void sl_ctl_reply_refused(struct sl_ctl *ctl, uint64_t client, const char *code, const char *text);

/* From now on the client gets the events of these bits; 0: none any more. */
void sl_ctl_subscribe(struct sl_ctl *ctl, uint64_t client, unsigned events);
/* The bits that somebody has subscribed to. */
unsigned sl_ctl_subscribed(const struct sl_ctl *ctl);
/* To everybody who has subscribed to this bit: text is so many lines, each a JSON object with "v" and "event"; who has no room for all
 * gets none. lost: so many of that kind never came so far as to here. */
void sl_ctl_event(struct sl_ctl *ctl, unsigned event, struct sl_bytes text, uint64_t lines, uint64_t lost);

/* The client's side, used by the command: one request (borrowed), one reply, blocking with a limit.
 * Returns SL_OK with *reply (the caller's), SL_ENOENT when nobody listens, SL_EPERM, SL_ETIME, SL_EMALF when the
 * connection ended without a reply, SL_EINVAL when the request is too long, SL_ESYS. */
int sl_ctl_call(const char *path, json_t *request, int timeout_ms, json_t **reply);
/* The same, and then hears events, each borrowed for the call, until hear() says false or the connection ends: SL_OK for both.
 * With a reply that is not "ok" it returns at once. */
int sl_ctl_follow(const char *path, json_t *request, int timeout_ms, json_t **reply,
                  bool (*hear)(void *ctx, const json_t *event), void *ctx);

#endif
