/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl_impl.h - the control socket's state, shared by its source files only: ctl.c (who is served when), ctl_place.c (who has a place),
 * ctl_reply.c (what they are told). */
#ifndef SL_DAEMON_CTL_IMPL_H
#define SL_DAEMON_CTL_IMPL_H

#include "daemon/ctl.h"
#include "daemon/ctl_conn.h"
#include "daemon/ctl_rate.h"
#include "daemon/ctl_socket.h"

enum { SL_CTL_CLIENTS = 64 };

/* Ids that stand in events for the two descriptors that are no client. */
enum { SL_CTL_ID_LISTENER = 1, SL_CTL_ID_TIMER = 2, SL_CTL_ID_FIRST_CLIENT = 3 };

struct sl_ctl_client {
	uint64_t id; /* 0: the place is free */
	struct sl_ctl_conn conn;
	struct sl_ctl_peer peer;
	uint32_t events;      /* what epoll was told */
	bool asked;           /* a request is with the handler */
	bool pumping;         /* sl_ctl_pump() is at work further down the stack */
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
	struct sl_ctl_client client[SL_CTL_CLIENTS];
};

void sl_ctl_watch(struct sl_ctl *ctl, int op, int fd, uint32_t events, uint64_t id);
/* NULL: it has gone. */
struct sl_ctl_client *sl_ctl_find(struct sl_ctl *ctl, uint64_t id);
void sl_ctl_drop(struct sl_ctl_client *c);
/* Takes a client as far as it goes: sends, and puts the next requests when the last reply is out. It may be gone afterwards. */
void sl_ctl_pump(struct sl_ctl *ctl, struct sl_ctl_client *c);
/* Takes one of what a user has so many of: 0, or the milliseconds until there is one again. */
unsigned sl_ctl_wait(struct sl_ctl *ctl, struct sl_ctl_rate *rate, uid_t uid);
/* The user connects too often: it is told so and let go. */
bool sl_ctl_turned_away(struct sl_ctl *ctl, int fd);

#endif
