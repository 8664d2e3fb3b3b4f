/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memheap.h - malloc, realloc and free within memory of a fixed size, for a library that wants to allocate where nothing may be
 * asked of the system. A request that does not fit yields NULL. Every call takes a bounded number of steps, whatever was
 * asked before. Low addresses are used first, so that pages that were never needed never come into being. One thread. */
#ifndef SL_BASE_MEMHEAP_H
#define SL_BASE_MEMHEAP_H

#include <stddef.h>

struct sl_memheap; /* opaque: it begins the memory itself */

enum { SL_MEMHEAP_MIN = 1024, SL_MEMHEAP_MAX = 1 << 30 };

/* mem  the caller's, aligned to 16, outlives the heap.  size  SL_MEMHEAP_MIN..SL_MEMHEAP_MAX; what is more than a multiple of 16 is
 * not used. Nothing but the first bytes are written, so that a heap may be begun anew for each use. */
struct sl_memheap *sl_memheap_over(void *mem, size_t size);

/* n bytes aligned to 16, not cleared; NULL when there is no room. n = 0 is as 1. */
void *sl_memheap_get(struct sl_memheap *h, size_t n);
/* As realloc(): the old bytes up to the smaller size; NULL, and the old ones untouched, when there is no room. */
void *sl_memheap_resize(struct sl_memheap *h, void *p, size_t n);
void sl_memheap_put(struct sl_memheap *h, void *p); /* p may be NULL */
/* Bytes that could be had if they were in one piece, each with its overhead. */
size_t sl_memheap_free(const struct sl_memheap *h);

#endif
