/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/util.h"
#include "policy/compile_impl.h"

enum { AHEAD = 24 }; /* keys whose bucket is fetched early: each is a cold line */

static void place(struct sl_bucket *bucket, uint64_t buckets, uint64_t hash, uint32_t n, uint64_t *probes)
{
	uint64_t at = sl_bucket_of(hash, buckets), tried = 1;
	for (;; tried++) {
		struct sl_bucket *b = &bucket[at];
		for (unsigned i = 0; i < SL_BUCKET_WAYS; i++) {
			if (b->tag[i] != 0)
				continue;
			b->tag[i] = sl_bucket_tag(hash);
			b->key[i] = n;
			*probes = sl_max(*probes, tried);
			return;
		}
		at = at + 1 == buckets ? 0 : at + 1;
	}
}

/* There are more ways than keys, so each finds its place. */
void sl_index_fill(struct sl_bucket *bucket, uint64_t buckets, const uint64_t *hash, uint64_t n,
                   uint64_t *probes)
{
	*probes = 0;
	for (uint64_t i = 0; i < n; i++) {
		if (i + AHEAD < n) {
			const struct sl_bucket *next = &bucket[sl_bucket_of(hash[i + AHEAD], buckets)];
			__builtin_prefetch(next->tag, 1);
			__builtin_prefetch(next->key, 1);
		}
		place(bucket, buckets, hash[i], (uint32_t)i, probes);
	}
}
