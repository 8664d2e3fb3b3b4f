/* SPDX-License-Identifier: GPL-2.0-or-later */
/* take.h - the descriptors that an engine needs to judge, each with a name: "shared", "queue-0". From the supervisor to the engine;
 * where the supervisor has died, from the engine to the next one; at an upgrade, from one program to the next; and to systemd's
 * store. A name that the reader does not know is closed; one that the writer did not know is -1: so versions differ in what they
 * have, and not in a layout. A new one is a member here and a line of the table in take.c. */
#ifndef SL_DAEMON_TAKE_H
#define SL_DAEMON_TAKE_H

#include "daemon/ipc.h"
#include "daemon/shared.h"

struct sl_take {
	unsigned workers;
	int shared;
	int raw[2];   /* IPv4, IPv6; -1: servers are not told */
	int flow_log; /* -1: none */
	int conf;     /* the configuration that this all was opened by */
	int syns;     /* the socket of SYNs' copies (daemon/syn_log.h); -1: beginnings are guessed */
	int rules;    /* what is known of them (supervisor_rules.c), for the next supervisor; -1: nothing */
	int adopt;    /* daemon/adopt.h; -1: none, the engine ends with its supervisor */
	int provider; /* what a content filter's provider reads; -1: none */
	int trace;    /* a content filter's trace; -1: none */
	int seen;     /* which names were asked for of late (daemon/seen_names.h); -1: nobody notes them */
	int broker;   /* a pidfd of the engine's broker (daemon/broker.h); -1: it has none */
	int queue[SL_WORKERS_MAX];
	int conntrack[SL_WORKERS_MAX]; /* -1: none */
	/* Of an engine with a broker, in place of queue and conntrack: its ends; lookup on the way to it only. */
	int channel[SL_WORKERS_MAX], lookup[SL_WORKERS_MAX];
};

enum { SL_TAKE_NAME_MAX = 32 };

void sl_take_none(struct sl_take *take); /* nothing is open */
/* Each descriptor that a take of so many workers has a place for, open or not (-1). */
void sl_take_each(struct sl_take *take, void (*each)(void *ctx, const char *name, int *fd), void *ctx);
/* The place for what is called so; NULL: an unknown name, or more than take->workers. */
int *sl_take_place(struct sl_take *take, const char *name);
/* Is everything there that no engine can do without? */
bool sl_take_is_whole(const struct sl_take *take);

/* type: SL_IPC_TAKE or SL_IPC_ADOPTED. The descriptors stay the caller's. */
int sl_take_send(int ipc, enum sl_ipc_type type, const struct sl_take *take);
/* The descriptors move from msg to take; SL_EMALF when they are not as many as the message names, or one is missing that no
 * engine can do without: then take holds none. */
int sl_take_read(struct sl_ipc_msg *msg, struct sl_take *take);
void sl_take_close(struct sl_take *take);
#endif
