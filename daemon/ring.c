/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ring.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* A record is a word with its length, then its bytes, filled up to the next word. The indices count bytes since birth
 * and are reduced by the mask where memory is touched; they are words apart, so a length word never wraps. */
enum { WORD = sizeof(uint64_t) };
static const uint64_t SKIP = UINT64_MAX; /* instead of a length: go on at the ring's start */
static const size_t RING_MAX = (size_t)1 << 31;

struct sl_ring {
	struct {
		_Atomic size_t head;  /* bytes committed */
		size_t tail_seen;     /* the consumer's tail when it was last looked at */
		size_t reserved_head; /* head once the reserved record is committed */
	} SL_ALIGNED producer;
	struct {
		_Atomic size_t tail; /* bytes consumed */
		size_t head_seen;
	} SL_ALIGNED consumer;
	struct {
		size_t mask;
		uint8_t *data;
	} SL_ALIGNED fixed;
};

int sl_ring_new(size_t bytes, struct sl_ring **out)
{
	size_t cap = SL_RING_MIN;
	struct sl_ring *r = NULL;

	if (bytes > RING_MAX)
		return SL_EINVAL;
	while (cap < bytes)
		cap *= 2;
	r = (struct sl_ring *)aligned_alloc(SL_CACHE_LINE, sizeof(*r));
	if (r == NULL)
		return SL_ENOMEM;
	memset(r, 0, sizeof(*r));
	r->fixed.mask = cap - 1;
	r->fixed.data = (uint8_t *)aligned_alloc(SL_CACHE_LINE, cap);
	if (r->fixed.data == NULL) {
		free(r);
		return SL_ENOMEM;
	}
	memset(r->fixed.data, 0, cap);
	atomic_init(&r->producer.head, 0);
	atomic_init(&r->consumer.tail, 0);
	*out = r;
	return SL_OK;
}

void sl_ring_free(struct sl_ring **r)
{
	if (*r == NULL)
		return;
	free((*r)->fixed.data);
	free(*r);
	*r = NULL;
}

/* A record at the worst place needs itself and what is skipped before the end, which is less than itself. */
size_t sl_ring_record_max(const struct sl_ring *r)
{
	return (r->fixed.mask + 1) / 2 - WORD;
}

static void put_word(struct sl_ring *r, size_t at, uint64_t word)
{
	memcpy(r->fixed.data + (at & r->fixed.mask), &word, sizeof(word));
}

static uint64_t get_word(const struct sl_ring *r, size_t at)
{
	uint64_t word;
	memcpy(&word, r->fixed.data + (at & r->fixed.mask), sizeof(word));
	return word;
}

static size_t record_size(size_t len)
{
	return WORD + ((len + WORD - 1) & ~(size_t)(WORD - 1));
}

/* Are there need bytes between head and the consumer? */
static bool has_room(struct sl_ring *r, size_t head, size_t need)
{
	size_t cap = r->fixed.mask + 1;
	if (need <= cap - (head - r->producer.tail_seen))
		return true;
	r->producer.tail_seen = atomic_load_explicit(&r->consumer.tail, memory_order_acquire);
	return need <= cap - (head - r->producer.tail_seen);
}

void *sl_ring_reserve(struct sl_ring *r, size_t len)
{
	size_t head = atomic_load_explicit(&r->producer.head, memory_order_relaxed);
	size_t to_end = r->fixed.mask + 1 - (head & r->fixed.mask);
	size_t size = record_size(len);
	size_t skip = size > to_end ? to_end : 0;

	if (len > sl_ring_record_max(r) || !has_room(r, head, skip + size))
		return NULL;
	if (skip > 0)
		put_word(r, head, SKIP);
	put_word(r, head + skip, len);
	r->producer.reserved_head = head + skip + size;
	return r->fixed.data + ((head + skip + WORD) & r->fixed.mask);
}

void sl_ring_commit(struct sl_ring *r)
{
	atomic_store_explicit(&r->producer.head, r->producer.reserved_head, memory_order_release);
}

struct sl_bytes sl_ring_peek(struct sl_ring *r)
{
	size_t tail = atomic_load_explicit(&r->consumer.tail, memory_order_relaxed);

	if (tail == r->consumer.head_seen) {
		r->consumer.head_seen = atomic_load_explicit(&r->producer.head, memory_order_acquire);
		if (tail == r->consumer.head_seen)
			return (struct sl_bytes){ NULL, 0 };
	}
	if (get_word(r, tail) == SKIP) { /* committed together with the record that follows it */
		tail += r->fixed.mask + 1 - (tail & r->fixed.mask);
		atomic_store_explicit(&r->consumer.tail, tail, memory_order_release);
	}
	return sl_bytes_of(r->fixed.data + ((tail + WORD) & r->fixed.mask), get_word(r, tail));
}

void sl_ring_pop(struct sl_ring *r)
{
	size_t tail = atomic_load_explicit(&r->consumer.tail, memory_order_relaxed);
	tail += record_size(get_word(r, tail));
	atomic_store_explicit(&r->consumer.tail, tail, memory_order_release);
}
