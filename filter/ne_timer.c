/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/ne_timer.h"

#include <assert.h>
#include <stdlib.h>

int sl_ne_timers_init(struct sl_ne_timers *timers, uint32_t cap)
{
	*timers = (struct sl_ne_timers){ .cap = cap };
	timers->heap =
	        (struct sl_ne_timer_entry **)calloc((size_t)cap + 1, sizeof(struct sl_ne_timer_entry *));
	return timers->heap == NULL ? SL_ENOMEM : SL_OK;
}

void sl_ne_timers_end(struct sl_ne_timers *timers)
{
	free((void *)timers->heap);
	*timers = (struct sl_ne_timers){ 0 };
}

static bool before(const struct sl_ne_timer_entry *a, const struct sl_ne_timer_entry *b)
{
	return a->due.us != b->due.us ? a->due.us < b->due.us : a->number < b->number;
}

static void put(struct sl_ne_timers *t, uint32_t at, struct sl_ne_timer_entry *entry)
{
	t->heap[at] = entry;
	entry->place = at;
}

/* Moves the entry from a free place to where it belongs. */
static void settle(struct sl_ne_timers *t, uint32_t at, struct sl_ne_timer_entry *entry)
{
	for (; at > 1 && before(entry, t->heap[at / 2]); at /= 2)
		put(t, at, t->heap[at / 2]);
	for (uint32_t child; (child = at * 2) <= t->count; at = child) {
		if (child < t->count && before(t->heap[child + 1], t->heap[child]))
			child++;
		if (!before(t->heap[child], entry))
			break;
		put(t, at, t->heap[child]);
	}
	put(t, at, entry);
}

void sl_ne_timers_set(struct sl_ne_timers *t, struct sl_ne_timer_entry *entry, struct sl_mono due)
{
	entry->due = due;
	if (entry->place == 0) {
		assert(t->count < t->cap);
		t->count++;
		settle(t, t->count, entry);
	} else {
		settle(t, entry->place, entry);
	}
}

void sl_ne_timers_remove(struct sl_ne_timers *t, struct sl_ne_timer_entry *entry)
{
	uint32_t at = entry->place;
	if (at == 0)
		return;
	struct sl_ne_timer_entry *moved = t->heap[t->count];
	t->count--;
	entry->place = 0;
	if (moved != entry)
		settle(t, at, moved);
}
