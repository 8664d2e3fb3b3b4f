/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocks with their sizes at their heads, neighbours joined when they are free, and free ones in bins by the power of two of
 * their size. A request looks at some of its own bin and then takes the first of a larger one, whose every block fits; the
 * rest of it goes back. What was never used is the last block, and the largest bin. */
#include "base/memheap.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/util.h"

enum { UNIT = 16, BINS = 32, LOOKS = 8 };

/* Offsets are from the heap's start; 0 = none. */
struct block {
	uint32_t size;       /* with this head, a multiple of UNIT; lowest bit: in use */
	uint32_t below;      /* size of the block before; 0 for the first */
	uint32_t next, prev; /* of the bin, while free */
};

_Static_assert(sizeof(struct block) == UNIT, "what is handed out is aligned as the heads are");

struct sl_memheap {
	uint32_t bin[BINS]; /* offset of its first free block */
	uint32_t filled;    /* a bit for each bin that is not empty */
	uint32_t free;
	uint32_t end; /* offset behind the last block */
	uint32_t unused;
};

_Static_assert(sizeof(struct sl_memheap) % UNIT == 0, "the first block stands behind it");

static struct block *at(struct sl_memheap *h, uint32_t offset)
{
	return (struct block *)(void *)((unsigned char *)h + offset);
}

static uint32_t offset_of(const struct sl_memheap *h, const struct block *b)
{
	return (uint32_t)((const unsigned char *)b - (const unsigned char *)h);
}

static bool in_use(const struct block *b)
{
	return (b->size & 1) != 0;
}

static uint32_t size_of(const struct block *b)
{
	return b->size & ~1U;
}

static unsigned bin_of(uint32_t size)
{
	return 31U - (unsigned)__builtin_clz(size);
}

static struct block *above(struct sl_memheap *h, struct block *b)
{
	uint32_t next = offset_of(h, b) + size_of(b);
	return next == h->end ? NULL : at(h, next);
}

static void link_free(struct sl_memheap *h, struct block *b)
{
	unsigned bin = bin_of(b->size);
	b->next = h->bin[bin];
	b->prev = 0;
	if (b->next != 0)
		at(h, b->next)->prev = offset_of(h, b);
	h->bin[bin] = offset_of(h, b);
	h->filled |= 1U << bin;
	h->free += b->size;
}

static void unlink_free(struct sl_memheap *h, struct block *b)
{
	unsigned bin = bin_of(b->size);
	if (b->next != 0)
		at(h, b->next)->prev = b->prev;
	if (b->prev != 0)
		at(h, b->prev)->next = b->next;
	else
		h->bin[bin] = b->next;
	if (h->bin[bin] == 0)
		h->filled &= ~(1U << bin);
	h->free -= b->size;
}

struct sl_memheap *sl_memheap_over(void *mem, size_t size)
{
	struct sl_memheap *h = (struct sl_memheap *)mem;
	assert(size >= SL_MEMHEAP_MIN && size <= SL_MEMHEAP_MAX && (uintptr_t)mem % UNIT == 0);
	*h = (struct sl_memheap){ .end = (uint32_t)(size / UNIT * UNIT) };
	struct block *all = at(h, sizeof(*h));
	*all = (struct block){ .size = h->end - (uint32_t)sizeof(*h) };
	link_free(h, all);
	return h;
}

/* A free block of at least so many bytes. */
static struct block *find(struct sl_memheap *h, uint32_t size)
{
	unsigned bin = bin_of(size);
	uint32_t offset = h->bin[bin];
	for (int looks = 0; offset != 0 && looks < LOOKS; looks++, offset = at(h, offset)->next)
		if (at(h, offset)->size >= size)
			return at(h, offset);
	uint32_t larger = h->filled & ~((2U << bin) - 1);
	return larger == 0 ? NULL : at(h, h->bin[__builtin_ctz(larger)]);
}

/* The block keeps its first bytes; the rest of it is free. */
static void split(struct sl_memheap *h, struct block *b, uint32_t size)
{
	uint32_t rest = size_of(b) - size;
	struct block *next = above(h, b);
	if (rest < 2 * UNIT)
		return;
	b->size = size | (b->size & 1);
	struct block *r = at(h, offset_of(h, b) + size);
	*r = (struct block){ .size = rest, .below = size };
	if (next != NULL && !in_use(next)) {
		unlink_free(h, next);
		r->size += next->size;
		next = above(h, r);
	}
	if (next != NULL)
		next->below = r->size;
	link_free(h, r);
}

/* 0 when it cannot fit. */
static uint32_t block_size(const struct sl_memheap *h, size_t n)
{
	if (n > h->end)
		return 0;
	return (uint32_t)((sl_max(n, 1) + UNIT - 1) / UNIT * UNIT + UNIT);
}

void *sl_memheap_get(struct sl_memheap *h, size_t n)
{
	uint32_t size = block_size(h, n);
	struct block *b = size == 0 ? NULL : find(h, size);
	if (b == NULL)
		return NULL;
	unlink_free(h, b);
	b->size |= 1;
	split(h, b, size);
	return b + 1;
}

void sl_memheap_put(struct sl_memheap *h, void *p)
{
	if (p == NULL)
		return;
	struct block *b = (struct block *)p - 1;
	assert(in_use(b));
	b->size &= ~1U;
	struct block *next = above(h, b), *below = b->below == 0 ? NULL : at(h, offset_of(h, b) - b->below);
	if (next != NULL && !in_use(next)) {
		unlink_free(h, next);
		b->size += next->size;
	}
	if (below != NULL && !in_use(below)) {
		unlink_free(h, below);
		below->size += b->size;
		b = below;
	}
	next = above(h, b);
	if (next != NULL)
		next->below = b->size;
	link_free(h, b);
}

void *sl_memheap_resize(struct sl_memheap *h, void *p, size_t n)
{
	uint32_t size = block_size(h, n);
	if (p == NULL)
		return sl_memheap_get(h, n);
	struct block *b = (struct block *)p - 1;
	if (size != 0 && size <= size_of(b)) {
		split(h, b, size);
		return p;
	}
	void *to = sl_memheap_get(h, n);
	if (to == NULL)
		return NULL;
	memcpy(to, p, size_of(b) - UNIT);
	sl_memheap_put(h, p);
	return to;
}

size_t sl_memheap_free(const struct sl_memheap *h)
{
	return h->free;
}
