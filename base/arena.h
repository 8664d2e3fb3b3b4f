/* SPDX-License-Identifier: GPL-2.0-or-later */
/* arena.h - bump memory with a budget. A request beyond the budget yields NULL and sets one flag, so that a parser may
 * check once. reset() gives all back at once; nothing is freed alone. One thread, hence no locks. */
#ifndef SL_BASE_ARENA_H
#define SL_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct sl_arena {
	unsigned char *base;
	size_t used;
	size_t cap;
	bool overflow;
};

/* An arena over memory that the caller owns and outlives it. */
static inline struct sl_arena sl_arena_over(void *mem, size_t cap)
{
	return (struct sl_arena){ (unsigned char *)mem, 0, cap, false };
}

/* n bytes aligned to 16, not cleared. NULL when the budget is spent. */
void *sl_arena_get(struct sl_arena *a, size_t n);
void sl_arena_reset(struct sl_arena *a);

#endif
