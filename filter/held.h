/* SPDX-License-Identifier: GPL-2.0-or-later */
/* held.h - the packets that wait for their flow's verdict (hold = all), each flow's in the order they came, and the
 * flows in the order in which they began to wait. Memory is fixed at birth. One thread. */
#ifndef SL_FILTER_HELD_H
#define SL_FILTER_HELD_H

#include "filter/flow.h"
#include "filter/verdict.h"

struct sl_held_pool; /* opaque */

/* packets  how many may wait at once, at least 1. */
int sl_held_pool_new(uint32_t packets, struct sl_held_pool **out);
void sl_held_pool_free(struct sl_held_pool **pool);

/* One packet that waits. */
struct sl_held {
	struct sl_ticket ticket;
	uint32_t end;   /* sequence number of the byte after its last */
	uint32_t reset; /* the byte that the server waited for when it came */
	uint32_t size;  /* what it counts while it waits */
};

/* False when no memory is left; nothing was done then. */
bool sl_held_add(struct sl_held_pool *pool, struct sl_flow *flow, const struct sl_held *packet,
                 struct sl_mono now);
/* Answers all packets of the flow. Returns what they counted. */
int64_t sl_held_release(struct sl_held_pool *pool, struct sl_flow *flow, enum sl_action action,
                        struct sl_answers *out);
/* Lets those pass that end at seq or before; those that stay begin to wait anew. Returns what those that go counted. */
int64_t sl_held_pass_until(struct sl_held_pool *pool, struct sl_flow *flow, uint32_t seq, struct sl_mono now,
                           struct sl_answers *out);
/* The first byte that the server waits for, when it waited for seq after the packets held. */
uint32_t sl_held_reset_seq(const struct sl_held_pool *pool, const struct sl_flow *flow, uint32_t seq);
/* The flow that waits longest; NULL when none does. */
struct sl_flow *sl_held_longest(const struct sl_held_pool *pool, struct sl_mono *since);
size_t sl_held_count(const struct sl_held_pool *pool);

/* Appends one answer. The caller has seen to the room. */
void sl_answer_push(struct sl_answers *out, struct sl_ticket ticket, enum sl_action action);

#endif
