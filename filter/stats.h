/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stats.h - the counters of one filter. One writer, many readers: the writer is the filter's thread, a reader may be
 * another thread or process that maps the same memory. Each counter is read and written as a whole, nothing more. */
#ifndef SL_FILTER_STATS_H
#define SL_FILTER_STATS_H

#include <stdint.h>

#include "base/util.h"
#include "filter/cause.h"

enum sl_stat {
#define SL_STAT(name, doc) SL_STAT_##name,
#include "filter/stats.def"
#undef SL_STAT
	SL_STAT_COUNT
};

struct sl_filter_stats {
	uint64_t count[SL_STAT_COUNT];
	uint64_t unjudged_allowed[SL_CAUSE_COUNT]; /* flows */
	uint64_t unjudged_blocked[SL_CAUSE_COUNT];
} SL_ALIGNED;

static inline void sl_counter_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

static inline uint64_t sl_counter_get(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* "packets" and so on. Static text. */
const char *sl_stat_name(enum sl_stat stat);

#endif
