/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fmt_apple.c - Apple's bits: index_i = ((h1 + i * h2) mod 2^32) mod bitCount (NE-BLOOM-03), bit b at mask 1 << (b mod 8)
 * of byte b div 8 (NE-BLOOM-05). */
#include "bloom/apple_hash.h"
#include "bloom/prefilter_impl.h"

/* sum mod bitCount without a division: with inverse = floor((2^64-1) / d) + 1, the low 64 bits of inverse * sum are the
 * fraction of sum / d, and d times that fraction is the remainder, exactly for all 32-bit numbers (Lemire, Kaser, Kurz:
 * Faster remainder by direct computation, 2019). */
static inline uint32_t index_of(const struct sl_prefilter *pf, uint32_t sum)
{
	return (uint32_t)((unsigned __int128)(pf->inverse * sum) * pf->modulus >> 64);
}

static inline bool has(const struct sl_prefilter *pf, uint32_t index)
{
	return (pf->bits[index >> 3] >> (index & 7) & 1) != 0;
}

static void apple_prefetch(const struct sl_prefilter *pf, uint64_t key)
{
	uint32_t sum = SL_APPLE_KEY_FNV(key);

	for (uint32_t i = 0; i < pf->hashes; i++, sum += SL_APPLE_KEY_MURMUR(key))
		__builtin_prefetch(pf->bits + (index_of(pf, sum) >> 3), 1);
}

static void apple_add(const struct sl_prefilter *pf, const uint64_t *key, size_t n)
{
	for (size_t i = 0; i < n; i++)
		apple_prefetch(pf, key[i]);
	for (size_t k = 0; k < n; k++) {
		uint32_t sum = SL_APPLE_KEY_FNV(key[k]);
		for (uint32_t i = 0; i < pf->hashes; i++, sum += SL_APPLE_KEY_MURMUR(key[k])) {
			uint32_t index = index_of(pf, sum);
			pf->bits[index >> 3] |= (uint8_t)(1U << (index & 7));
		}
	}
}

static bool apple_maybe(const struct sl_prefilter *pf, uint64_t key)
{
	uint32_t sum = SL_APPLE_KEY_FNV(key);

	for (uint32_t i = 0; i < pf->hashes; i++, sum += SL_APPLE_KEY_MURMUR(key))
		if (!has(pf, index_of(pf, sum)))
			return false;
	return true;
}

/* Half of the absent keys end at their first bit, so only the first line is fetched for all. */
static uint64_t apple_maybe_many(const struct sl_prefilter *pf, const uint64_t *key, size_t n)
{
	uint64_t answer = 0;

	for (size_t i = 0; i < n; i++)
		__builtin_prefetch(pf->bits + (index_of(pf, SL_APPLE_KEY_FNV(key[i])) >> 3));
	for (size_t i = 0; i < n; i++)
		answer |= (uint64_t)apple_maybe(pf, key[i]) << i;
	return answer;
}

const struct sl_prefilter_ops sl_fmt_apple = { apple_add, apple_maybe, apple_maybe_many };
