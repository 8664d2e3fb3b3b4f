/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_timer.h - which flow's limit of time is next: a heap whose size is fixed at birth. Those due at the same time come in the
 * order of their numbers, so that a replay does the same again. One thread. */
#ifndef SL_FILTER_NE_TIMER_H
#define SL_FILTER_NE_TIMER_H

#include <stddef.h>

#include "base/err.h"
#include "base/mono.h"

struct sl_ne_timer_entry { /* part of what is timed */
	struct sl_mono due;
	uint64_t number;
	uint32_t place; /* private: 1 and more; 0 where it is not in the heap */
};

struct sl_ne_timers {
	struct sl_ne_timer_entry **heap; /* from 1 */
	uint32_t count, cap;
};

int sl_ne_timers_init(struct sl_ne_timers *timers, uint32_t cap);
void sl_ne_timers_end(struct sl_ne_timers *timers);

/* Puts it in, or moves it. There is room for cap. */
void sl_ne_timers_set(struct sl_ne_timers *timers, struct sl_ne_timer_entry *entry, struct sl_mono due);
void sl_ne_timers_remove(struct sl_ne_timers *timers, struct sl_ne_timer_entry *entry);

/* The next one, NULL where there is none; it stays. */
static inline struct sl_ne_timer_entry *sl_ne_timers_first(const struct sl_ne_timers *timers)
{
	return timers->count == 0 ? NULL : timers->heap[1];
}

#endif
