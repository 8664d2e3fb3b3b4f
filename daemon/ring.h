/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ring.h - a byte ring of variable-length records between one producer thread and one consumer thread.
 *
 * No lock and no system call on either side. Each index stands on a cache line of its own beside the owner's copy of the
 * other one, so that the two threads touch each other's line only when the ring looks full or empty. A record lies in
 * one piece; where it does not fit before the ring's end, the rest of the ring is skipped. Memory is touched at birth,
 * so that the producer meets no page fault later. */
#ifndef SL_DAEMON_RING_H
#define SL_DAEMON_RING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/err.h"

struct sl_ring;

enum { SL_RING_MIN = 256 };

/* bytes is rounded up to a power of two, SL_RING_MIN at least, 2^31 at most (SL_EINVAL beyond it). */
int sl_ring_new(size_t bytes, struct sl_ring **out);
void sl_ring_free(struct sl_ring **r);
/* The longest record that an empty ring always takes. */
size_t sl_ring_record_max(const struct sl_ring *r);

/* Producer. Room for a record of len bytes, aligned to 8; NULL when there is none. Nothing is seen by the consumer until
 * commit(); reserving again without it gives the room back. */
void *sl_ring_reserve(struct sl_ring *r, size_t len);
void sl_ring_commit(struct sl_ring *r);

/* Consumer. The oldest record, aligned to 8 and in place until pop(); p is NULL when there is none. */
struct sl_bytes sl_ring_peek(struct sl_ring *r);
void sl_ring_pop(struct sl_ring *r);

#endif
