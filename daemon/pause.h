/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pause.h - for a stated time nothing is refused: the word lies in the memory that supervisor and engine share, so that it outlives
 * either of them, and ends by itself when nobody is left to end it. */
#ifndef SL_DAEMON_PAUSE_H
#define SL_DAEMON_PAUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"
#include "base/util.h"

/* The supervisor writes, each worker reads it once a batch. */
struct sl_pause {
	uint64_t
	        until_us; /* of sl_clock_now(), which stands still while the machine sleeps; 0: there is none */
} SL_ALIGNED;

/* One writer, the worker. */
struct sl_pause_counts {
	uint64_t packets; /* passed in pauses */
	uint64_t refused; /* flows and requests judged in pauses of which the policy says no */
};

static inline void sl_pause_set(struct sl_pause *p, uint64_t until_us)
{
	__atomic_store_n(&p->until_us, until_us, __ATOMIC_RELAXED);
}

static inline uint64_t sl_pause_until(const struct sl_pause *p)
{
	return __atomic_load_n(&p->until_us, __ATOMIC_RELAXED);
}

static inline bool sl_pause_is_on(const struct sl_pause *p, struct sl_mono now)
{
	return sl_pause_until(p) > (uint64_t)now.us;
}

#endif
