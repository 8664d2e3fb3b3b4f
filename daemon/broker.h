/* SPDX-License-Identifier: GPL-2.0-or-later */
/* broker.h - the process that stands between an engine and the kernel where the option verdicts is broker: the engine has no
 * capability then. The broker reads the queues, hands each message on as it came, and notes of which packet it was; what the engine
 * answers it looks at (ledger.h), makes anew and sends. It parses no packet. It begins with an engine, and ends when that has ended. */
#ifndef SL_DAEMON_BROKER_H
#define SL_DAEMON_BROKER_H

#include <stdint.h>

#include "daemon/ledger.h"
#include "daemon/priv.h"
#include "daemon/take.h"

/* The text of SL_IPC_BROKER. */
struct sl_broker_setup {
	struct sl_ledger_limits limits;
	uint32_t copy_range, batch; /* as of the engine */
};

/* Serves an engine until it has ended: descriptor ipc brings SL_IPC_BROKER, and then SL_IPC_TAKE, of which queue and conntrack are the
 * kernel's sockets, channel and lookup the ends that lead to the engine. Returns the exit status. */
int sl_broker_run(int ipc, const struct sl_priv_user *user);
/* From now on this process uses what it holds, and nothing else. SL_OK, SL_ESYS: some of it is missing in this kernel. */
int sl_broker_box(void);

/* One worker's relay, in the calling thread, until the engine has ended. The descriptors stay the caller's; lookup and conntrack may be
 * -1. SL_OK; SL_ESYS, errno says why: a socket of the kernel's failed; SL_ENOMEM. */
struct sl_broker_relay {
	int queue, conntrack; /* the kernel's */
	int channel, lookup;  /* the engine's */
	uint64_t refused[SL_LEDGER_NO_COUNT];
};
int sl_broker_relay(struct sl_broker_relay *relay, const struct sl_broker_setup *setup);

/* For the supervisor: the ends between an engine and a broker, for as many workers as engine->workers says, into channel and lookup of
 * both (lookup: where conntrack[] of broker is open). SL_ESYS: none. */
int sl_broker_connect(struct sl_take *engine, struct sl_take *broker);
/* Closes and forgets them; or lookup alone. */
void sl_broker_disconnect(struct sl_take *take);
void sl_broker_close_lookups(struct sl_take *take);

#endif
