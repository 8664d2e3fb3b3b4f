/* SPDX-License-Identifier: GPL-2.0-or-later */
/* prefilter_impl.h - what the formats share; for bloom/ alone. */
#ifndef SL_BLOOM_PREFILTER_IMPL_H
#define SL_BLOOM_PREFILTER_IMPL_H

#include "bloom/prefilter.h"

/* What one format does, in one way of doing it. */
struct sl_prefilter_ops {
	void (*add)(const struct sl_prefilter *pf, const uint64_t *key, size_t n);
	bool (*maybe)(const struct sl_prefilter *pf, uint64_t key);
	uint64_t (*maybe_many)(const struct sl_prefilter *pf, const uint64_t *key, size_t n);
};

struct sl_prefilter {
	uint8_t *bits; /* written only by add, which only a builder has */
	const struct sl_prefilter_ops
	        *ops;     /* chosen at opening, so that the hot path asks the processor nothing */
	uint64_t modulus; /* native: number of blocks; apple: bitCount */
	uint64_t inverse; /* apple: see sl_apple_index() */
	uint32_t hashes, seed, format;
};

extern const struct sl_prefilter_ops sl_fmt_native, sl_fmt_apple;
/* The fastest that this processor can do. */
const struct sl_prefilter_ops *sl_fmt_native_best(void);

enum { SL_PREFILTER_AHEAD = 16 }; /* keys whose lines are on their way while building */

#endif
