/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flow_table.h - the flows that one worker watches. One thread, hence no locks. Memory is fixed at birth.
 * When the table is full the flow that was seen longest ago is put out: under load that is a decided one, since an
 * undecided flow is decided by its next packets. */
#ifndef SL_FILTER_FLOW_TABLE_H
#define SL_FILTER_FLOW_TABLE_H

#include "base/mono.h"
#include "filter/flow.h"
#include "filter/flow_key.h"

struct sl_flow_table; /* opaque: new() fills the last argument, free() leaves NULL behind */

struct sl_flow_table_cfg {
	uint32_t max_flows; /* entries, 2^6..2^24 */
	uint64_t seed;      /* of the hash, random at every start: nobody outside can plan a bucket */
	/* Called for a flow that leaves by eviction or expiry, before its memory is used again. */
	void (*gone)(void *ctx, struct sl_flow *flow, bool evicted);
	/* Asked before a flow leaves; true: it stays, and is asked for again after those that are younger now. NULL: none stays. A full
	 * table asks for a few and then puts one out all the same. */
	bool (*spared)(void *ctx, const struct sl_flow *flow);
	void *ctx;
};

int sl_flow_table_new(const struct sl_flow_table_cfg *cfg, struct sl_flow_table **out);
void sl_flow_table_free(struct sl_flow_table **ft);

/* The flow of a packet that goes in the direction of key; made, zeroed, with its key and born = now, when there was
 * none (*fresh is set). Touches it: seen = now. Never NULL, since a full table puts one out. */
struct sl_flow *sl_flow_table_get(struct sl_flow_table *ft, const struct sl_flow_key *key, struct sl_mono now,
                                  bool *fresh);
/* NULL when there is none; does not touch it. */
struct sl_flow *sl_flow_table_find(struct sl_flow_table *ft, const struct sl_flow_key *key);
/* For a batch: tells that packets with this key come soon; returns the number of its bucket, whose line is on its way then. Some
 * packets later sl_flow_table_fetch() sends for the flow, and again later sl_flow_table_fetch_age() for its neighbours by age,
 * which get() touches. Where memory was waited for one after another it is so at once: a packet of a known flow among 4 million
 * takes half the time. */
uint32_t sl_flow_table_expect(const struct sl_flow_table *ft, const struct sl_flow_key *key);
void sl_flow_table_fetch(const struct sl_flow_table *ft, uint32_t bucket);
void sl_flow_table_fetch_age(const struct sl_flow_table *ft, uint32_t bucket);
void sl_flow_table_drop(struct sl_flow_table *ft, struct sl_flow *flow); /* without calling gone() */
/* Looks at no more than max flows that were not seen since `before`, and puts them out. Returns how many went. */
uint32_t sl_flow_table_expire(struct sl_flow_table *ft, struct sl_mono before, uint32_t max);
uint32_t sl_flow_table_count(const struct sl_flow_table *ft);

#endif
