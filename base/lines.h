/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lines.h - memory for what one thread writes all the time: no cache line of it belongs to anything else, so that two workers never
 * wait for each other's. free() gives it back. */
#ifndef SL_BASE_LINES_H
#define SL_BASE_LINES_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* From here on allocators give whole pages, which come into being when they are used. */
enum { SL_LINES_PAGES = 128 << 10 };

/* n elements, zeroed; NULL: no memory. */
static inline void *sl_lines_new(size_t n, size_t size)
{
	if (size != 0 && n > (SIZE_MAX - SL_CACHE_LINE) / size)
		return NULL;
	size_t all = (sl_max(n * size, 1) + SL_CACHE_LINE - 1) & ~(size_t)(SL_CACHE_LINE - 1);
	if (all >= SL_LINES_PAGES)
		return calloc(1, all);
	void *mem = aligned_alloc(SL_CACHE_LINE, all);
	return mem == NULL ? NULL : memset(mem, 0, all);
}

#endif
