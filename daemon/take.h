/* SPDX-License-Identifier: GPL-2.0-or-later */
/* take.h - what an engine needs to judge, as one message: the descriptors in a fixed order. Written by the supervisor, read
 * by the engine. */
#ifndef SL_DAEMON_TAKE_H
#define SL_DAEMON_TAKE_H

#include "daemon/ipc.h"
#include "daemon/shared.h"

struct sl_take {
	unsigned workers;
	int shared;
	int raw[2];   /* IPv4, IPv6; -1: servers are not told */
	int flow_log; /* -1: none */
	int queue[SL_WORKERS_MAX];
	int conntrack[SL_WORKERS_MAX]; /* -1: none */
};

int sl_take_send(int ipc, const struct sl_take *take);
/* The descriptors move from msg to take; SL_EMALF when they are not as many as the message says. */
int sl_take_read(struct sl_ipc_msg *msg, struct sl_take *take);
void sl_take_close(struct sl_take *take);
/* The descriptor, which is the caller's from now on; leaves -1 behind. */
int sl_take_fd(int *fd);

#endif
