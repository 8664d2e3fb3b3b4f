/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/arena.h"

void *sl_arena_get(struct sl_arena *a, size_t n)
{
	size_t at = (a->used + 15) & ~(size_t)15;
	if (at > a->cap || n > a->cap - at) {
		a->overflow = true;
		return NULL;
	}
	a->used = at + n;
	return a->base + at;
}

void sl_arena_reset(struct sl_arena *a)
{
	a->used = 0;
	a->overflow = false;
}
