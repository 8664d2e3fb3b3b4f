/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/hpack.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>

#include "base/lines.h"
#include "base/memheap.h"
#include "base/util.h"

enum { MAX_DECODERS = 1 << 20 };

struct decoder {
	uint32_t next;   /* of the free ones: index + 1 */
	uint32_t fields; /* of the section in hand */
	struct sl_memheap *heap;
	nghttp2_hd_inflater *inflater; /* lives on the heap, and dies with it */
	nghttp2_mem mem;
};

struct sl_hpack_pool {
	struct decoder *decoder;
	uint32_t free; /* index + 1 */
	uint32_t in_use;
	uint8_t *memory;
};

/* ---- memory, as nghttp2 asks for it ---- */

static void *get(size_t size, void *heap)
{
	return sl_memheap_get((struct sl_memheap *)heap, size);
}

static void put(void *p, void *heap)
{
	sl_memheap_put((struct sl_memheap *)heap, p);
}

static void *get_cleared(size_t n, size_t size, void *heap)
{
	size_t all;
	void *p =
	        __builtin_mul_overflow(n, size, &all) ? NULL : sl_memheap_get((struct sl_memheap *)heap, all);
	return p == NULL ? NULL : memset(p, 0, all);
}

static void *resize(void *p, size_t size, void *heap)
{
	return sl_memheap_resize((struct sl_memheap *)heap, p, size);
}

/* ---- the pool ---- */

int sl_hpack_pool_new(uint32_t decoders, struct sl_hpack_pool **out)
{
	if (decoders == 0 || decoders > MAX_DECODERS)
		return SL_EINVAL;
	struct sl_hpack_pool *pool = (struct sl_hpack_pool *)sl_lines_new(1, sizeof(*pool));
	if (pool == NULL)
		return SL_ENOMEM;
	pool->decoder = (struct decoder *)sl_lines_new(decoders, sizeof(*pool->decoder));
	/* pages come into being when they are used */
	pool->memory = (uint8_t *)aligned_alloc(SL_CACHE_LINE, (size_t)decoders * SL_HPACK_MEMORY);
	if (pool->decoder == NULL || pool->memory == NULL) {
		sl_hpack_pool_free(&pool);
		return SL_ENOMEM;
	}
	for (uint32_t i = decoders; i-- > 0;) {
		pool->decoder[i].next = pool->free;
		pool->free = i + 1;
	}
	*out = pool;
	return SL_OK;
}

void sl_hpack_pool_free(struct sl_hpack_pool **pool)
{
	struct sl_hpack_pool *old = sl_take(pool);
	if (old == NULL)
		return;
	free(old->decoder);
	free(old->memory);
	free(old);
}

sl_hpack sl_hpack_open(struct sl_hpack_pool *pool)
{
	uint32_t number = pool->free;
	if (number == 0)
		return 0;
	struct decoder *d = &pool->decoder[number - 1];
	d->heap = sl_memheap_over(pool->memory + (size_t)(number - 1) * SL_HPACK_MEMORY, SL_HPACK_MEMORY);
	d->mem = (nghttp2_mem){ d->heap, get, put, get_cleared, resize };
	d->fields = 0;
	if (nghttp2_hd_inflate_new2(&d->inflater, &d->mem) != 0 ||
	    nghttp2_hd_inflate_change_table_size(d->inflater, UINT32_MAX) != 0)
		return 0;
	pool->free = d->next;
	pool->in_use++;
	return number;
}

void sl_hpack_close(struct sl_hpack_pool *pool, sl_hpack *decoder)
{
	if (*decoder == 0)
		return;
	pool->decoder[*decoder - 1].next = pool->free;
	pool->free = *decoder;
	pool->in_use--;
	*decoder = 0;
}

uint32_t sl_hpack_in_use(const struct sl_hpack_pool *pool)
{
	return pool->in_use;
}

/* ---- decoding ---- */

int sl_hpack_decode(struct sl_hpack_pool *pool, sl_hpack decoder, struct sl_bytes piece, bool last,
                    sl_hpack_field field, void *ctx)
{
	struct decoder *d = &pool->decoder[decoder - 1];
	while (true) {
		nghttp2_nv nv;
		int flags = 0;
		ssize_t n = nghttp2_hd_inflate_hd2(d->inflater, &nv, &flags, piece.p, piece.len, last);
		if (n < 0)
			return n == NGHTTP2_ERR_NOMEM ? SL_ELIMIT : SL_EMALF;
		piece = sl_bytes_skip(piece, (size_t)n);
		if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
			if (++d->fields > SL_HPACK_FIELDS)
				return SL_ELIMIT;
			field(ctx, sl_bytes_of(nv.name, nv.namelen), sl_bytes_of(nv.value, nv.valuelen));
		}
		if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) {
			d->fields = 0;
			return nghttp2_hd_inflate_end_headers(d->inflater) == 0 ? SL_OK : SL_EMALF;
		}
		if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0 && piece.len == 0)
			return last ? SL_EMALF : SL_OK;
	}
}
