/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_held.h - packets that wait for a verdict: a queue for each direction of a flow, all from one pool whose size is fixed at birth.
 * The bytes stay the driver's. One thread. */
#ifndef SL_FILTER_NE_HELD_H
#define SL_FILTER_NE_HELD_H

#include "base/err.h"
#include "filter/ne_provider.h"

struct sl_ne_held {
	struct sl_ne_held *next;
	struct sl_ne_packet packet;
	uint64_t end; /* offset behind its last byte */
};

struct sl_ne_held_pool {
	struct sl_ne_held *slot, *spare;
	uint64_t bytes, max_bytes; /* that wait; that may */
	uint32_t packets;
};

struct sl_ne_held_queue { /* all zero: empty */
	struct sl_ne_held *first, *last;
	uint64_t bytes;
	uint32_t packets;
};

int sl_ne_held_pool_init(struct sl_ne_held_pool *pool, uint32_t packets, uint64_t bytes);
void sl_ne_held_pool_end(struct sl_ne_held_pool *pool);

/* False where the pool is spent. */
bool sl_ne_held_push(struct sl_ne_held_pool *pool, struct sl_ne_held_queue *queue,
                     const struct sl_ne_packet *packet, uint64_t end);
/* Takes the first off. The queue is not empty. */
struct sl_ne_packet sl_ne_held_pop(struct sl_ne_held_pool *pool, struct sl_ne_held_queue *queue);

#endif
