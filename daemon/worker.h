/* SPDX-License-Identifier: GPL-2.0-or-later */
/* worker.h - one thread, one queue socket, one filter: reads a batch, judges it, answers it, lets others run. The filter is the
 * gateway's (judging.h), or with another provider than policy a content filter (ne_worker.h).
 * Workers share the policy, which is immutable, and what DNS answers taught (filter/dns_names.h). */
#ifndef SL_DAEMON_WORKER_H
#define SL_DAEMON_WORKER_H

#include "base/diag.h"
#include "daemon/conf.h"
#include "daemon/flow_log.h"
#include "daemon/policy_slot.h"
#include "daemon/shared.h"
#include "daemon/syn_log.h"

struct sl_worker; /* opaque */

struct sl_worker_cfg {
	unsigned number;
	int queue;                       /* the socket; taken over */
	bool brokered;                   /* the socket is a broker's (broker.h) */
	int raw[2];                      /* for telling servers, IPv4 and IPv6; -1: none. Taken over */
	int syns;                        /* the socket of SYNs' copies; -1: none. Taken over */
	int conntrack;                   /* ctnetlink socket; -1: none. Taken over */
	int provider, trace;             /* of a content filter (ne_worker.h); -1: none. Taken over */
	const struct sl_conf *conf;      /* outlives the worker */
	struct sl_policy_slot *slot;     /* likewise */
	struct sl_flow_log *log;         /* likewise; NULL: none */
	struct sl_worker_shared *shared; /* likewise */
	const struct sl_pause *pause;    /* likewise; of no meaning to a content filter */
	struct sl_syn_log *syn_log;      /* likewise; NULL where syns is -1 */
	struct sl_dns_names *names;      /* likewise; NULL: DNS answers teach nothing */
	uint64_t seed;
	const struct sl_diag *diag; /* likewise; told of a provider's file that is wrong */
};

/* Everything is allocated here; the thread starts at once. On failure the descriptors are closed. */
int sl_worker_start(const struct sl_worker_cfg *cfg, struct sl_worker **out);
/* What becomes of the packets that it holds: they are answered; or they wait on, in the queue. */
enum sl_worker_end { SL_WORKER_RELEASE, SL_WORKER_LEAVE };
/* It is to end between two batches, and with SL_WORKER_LEAVE, at most 100 ms later, when no flow is half read; does not wait for it. */
void sl_worker_ask(struct sl_worker *w, enum sl_worker_end how);
/* The same, and waits for it; frees it. */
void sl_worker_stop(struct sl_worker **w, enum sl_worker_end how);

#endif
