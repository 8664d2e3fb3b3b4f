/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verdict_counts.h - what a worker counts of its verdicts beside the filter's own counters: how long they took, and which list they
 * came from. In shared memory, so that it outlives the engine: one writer, the worker's thread; the supervisor reads.
 *
 * A list is counted by its name, since its number changes with the policy. Names are never taken out again: a list that is no longer
 * there keeps what it has counted. */
#ifndef SL_DAEMON_VERDICT_COUNTS_H
#define SL_DAEMON_VERDICT_COUNTS_H

#include "daemon/histogram.h"
#include "policy/policy.h"

enum {
	SL_LIST_COUNTS =
	        256, /* names of lists, in the life of a supervisor; what is beyond is counted together, in 0 */
	SL_LIST_COUNT_NAME = 112,   /* with the NUL; longer names are cut */
	SL_LIST_COUNT_NUMBERS = 96, /* lists of one policy; those of higher numbers are counted in 0 */
};

struct sl_list_count {
	uint64_t allowed, blocked; /* verdicts */
	char name[SL_LIST_COUNT_NAME];
} SL_ALIGNED;

struct sl_verdict_counts {
	struct sl_histogram undecided; /* of each verdict: since the first packet of what was judged */
	struct sl_histogram
	        latency; /* of each packet: from when its batch was read until the answers were sent */
	uint32_t lists;  /* of list[], 0 for none yet; grows when the name is written */
	struct sl_list_count list[SL_LIST_COUNTS];
};

/* Where in list[] the lists of the policy in force count: the worker's own. Begins as zeros. */
struct sl_list_places {
	const struct sl_policy *policy;
	uint64_t serial;
	uint8_t of[SL_LIST_COUNT_NUMBERS]; /* by the list's number */
};

/* Finds or makes the places of p's lists; p may be NULL. Once for each policy, at the first batch that is judged by it. */
void sl_list_places_find(struct sl_list_places *places, struct sl_verdict_counts *c,
                         const struct sl_policy *p, uint64_t serial);

static inline void sl_list_count_add(struct sl_verdict_counts *c, const struct sl_list_places *places,
                                     uint16_t list, bool block)
{
	struct sl_list_count *l = &c->list[list < SL_LIST_COUNT_NUMBERS ? places->of[list] : 0];
	sl_counter_add(block ? &l->blocked : &l->allowed, 1);
}

/* For readers: how many names there are. */
static inline uint32_t sl_list_counts(const struct sl_verdict_counts *c)
{
	return __atomic_load_n(&c->lists, __ATOMIC_ACQUIRE);
}

#endif
