/* SPDX-License-Identifier: GPL-2.0-or-later */
/* take.h - what an engine needs to judge, as one message: the descriptors in a fixed order. From the supervisor to the engine;
 * and, where the supervisor has died, from the engine to the next one. */
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
	int adopt;    /* daemon/adopt.h; -1: none, the engine ends with its supervisor */
	int queue[SL_WORKERS_MAX];
	int conntrack[SL_WORKERS_MAX]; /* -1: none */
};

void sl_take_none(struct sl_take *take); /* nothing is open */
/* type: SL_IPC_TAKE or SL_IPC_ADOPTED. The descriptors stay the caller's. */
int sl_take_send(int ipc, enum sl_ipc_type type, const struct sl_take *take);
/* The descriptors move from msg to take; SL_EMALF when they are not as many as the message says. */
int sl_take_read(struct sl_ipc_msg *msg, struct sl_take *take);
void sl_take_close(struct sl_take *take);
#endif
