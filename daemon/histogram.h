/* SPDX-License-Identifier: GPL-2.0-or-later */
/* histogram.h - how long something took: counts by range, as Prometheus takes them. One writer, many readers, in other processes
 * too (filter/stats.h). Cost: a few comparisons and two stores, no lock. */
#ifndef SL_DAEMON_HISTOGRAM_H
#define SL_DAEMON_HISTOGRAM_H

#include <stdint.h>

#include "base/util.h"
#include "filter/stats.h"

enum { SL_HISTOGRAM_BOUNDS = 18 };

/* Microseconds, each the upper end of its range, which belongs to it. */
static const uint32_t sl_histogram_bound[SL_HISTOGRAM_BOUNDS] = {
	5,    10,    25,    50,    100,    250,    500,    1000,    2500,
	5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000,
};

struct sl_histogram {
	uint64_t count[SL_HISTOGRAM_BOUNDS + 1]; /* of that range alone; the last: longer than all */
	uint64_t sum_us;
} SL_ALIGNED;

/* n times as long; what is below 0 is 0. */
static inline void sl_histogram_add(struct sl_histogram *h, int64_t us, uint64_t n)
{
	uint64_t took = us < 0 ? 0 : (uint64_t)us;
	unsigned i = 0;

	while (i < SL_HISTOGRAM_BOUNDS && took > sl_histogram_bound[i])
		i++;
	sl_counter_add(&h->count[i], n);
	sl_counter_add(&h->sum_us, took * n);
}

#endif
