/* SPDX-License-Identifier: GPL-2.0-or-later */
/* judging.h - what a worker does between reading a batch and sending its answers: packets are read, the filter asks the
 * policy in force, answers are collected. No socket here, so that a bench runs the same. One thread; nothing is allocated
 * after sl_judging_new(). */
#ifndef SL_DAEMON_JUDGING_H
#define SL_DAEMON_JUDGING_H

#include "daemon/conf.h"
#include "daemon/nfq.h"
#include "daemon/pause.h"
#include "daemon/policy_provider.h"
#include "daemon/policy_slot.h"
#include "daemon/syn_log.h"
#include "filter/filter.h"

struct sl_judging {
	struct sl_filter *filter;
	struct sl_policy_provider provider;
	struct sl_policy_slot *slot; /* not owned */
	struct sl_syn_reader *syns;  /* likewise; NULL: none */
	struct sl_answers answers;   /* in the order of the packets; flush() empties it */
	struct sl_packet *view;      /* of a batch */
	int *read;                   /* what reading each came to */
	uint32_t *bucket;            /* scratch */
	uint32_t mark_mask;
	const struct sl_pause *pause;        /* not owned; NULL: never */
	struct sl_pause_counts *pause_count; /* likewise */
	bool paused;                         /* of the batch */
	/* Sends what answers holds, and sets both its numbers to 0. Called when they may become too many, and at the end of
	 * a batch. An error ends the batch: what is not answered waits in the kernel. */
	int (*flush)(void *ctx);
	void *ctx;
};

struct sl_judging_cfg {
	const struct sl_conf *conf;
	struct sl_policy_slot *slot; /* outlives it, as the two below */
	struct sl_flow_log *log;     /* NULL: none */
	struct sl_filter_stats *stats;
	struct sl_verdict_counts *counts; /* NULL: they are not counted */
	const struct sl_pause *pause;     /* NULL: never; else pause_count is there, too */
	struct sl_pause_counts *pause_count;
	struct sl_syn_reader *syns; /* NULL: no copies of SYNs come */
	struct sl_dns_names *names; /* NULL: DNS answers teach nothing */
	unsigned worker;            /* its number in the log */
	uint64_t seed;
	int (*flush)(void *ctx);
	void *ctx;
};

/* Fills *j, which must not move: the filter points into it. On failure there is nothing to free. */
int sl_judging_new(const struct sl_judging_cfg *cfg, struct sl_judging *j);
void sl_judging_free(struct sl_judging *j); /* one of zeros, too */

/* In a pause the packets are let pass first, their flows undecided, and are judged then without a word of it to the kernel: so nothing
 * that is read can hold or refuse anything, and afterwards each flow has the verdict at its next packet that it would have had.
 *
 * Judges n packets, at most option batch, and all whose time is up, and flushes; n may be 0. The thread is registered with the slot.
 * Cost: bench pipeline; a batch has two clock reads, one more where verdicts are counted, two barriers and one flush. */
int sl_judging_batch(struct sl_judging *j, const struct sl_nfq_packet *packet, size_t n);
/* Answers all that is held: the queue is about to close. */
int sl_judging_release(struct sl_judging *j);

#endif
