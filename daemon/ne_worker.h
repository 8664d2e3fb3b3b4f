/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_worker.h - a worker's content filter: the driver (ne_live.h), its provider, its clock, its trace. One thread after the birth. */
#ifndef SL_DAEMON_NE_WORKER_H
#define SL_DAEMON_NE_WORKER_H

#include "base/diag.h"
#include "daemon/ne_live.h"
#include "daemon/ne_stats.h"

struct sl_ne_worker; /* opaque */

struct sl_ne_worker_cfg {
	const struct sl_conf *conf; /* outlives it */
	int queue;                  /* the socket of all queues; borrowed */
	int provider;               /* what the provider reads; taken over, as trace, on failure too */
	int trace;                  /* -1: none */
	struct sl_dns_names *names; /* as in struct sl_ne_live_cfg */
	uint64_t seed;
	const struct sl_diag *diag; /* outlives it; told why there is no provider */
	int (*flush)(void *ctx);    /* as in struct sl_ne_live_cfg */
	void *ctx;
};

int sl_ne_worker_new(const struct sl_ne_worker_cfg *cfg, struct sl_ne_worker **out);
void sl_ne_worker_free(struct sl_ne_worker **worker);

/* Waits for packets, the provider or a deadline, a second at most, and does what there is to do. Returns how many packets came, or an
 * error as sl_nfq_read() and flush() have it. */
int sl_ne_worker_turn(struct sl_ne_worker *worker, struct sl_nfq_batch *batch, struct sl_nfq_counts *counts);
/* The filter stops, and what it holds is let go; its provider has a second to say that it has stopped. */
int sl_ne_worker_stop(struct sl_ne_worker *worker, struct sl_nfq_batch *batch, struct sl_nfq_counts *counts);

/* By enum sl_ne_stat. */
void sl_ne_worker_count(const struct sl_ne_worker *worker, uint64_t out[SL_NE_STAT_COUNT]);
struct sl_ne_live *sl_ne_worker_live(struct sl_ne_worker *worker);

#endif
