/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fmt_native.c - split-block: the high half of a key picks a block, the low half a bit in each of its eight words. */
#include <endian.h>

#include "bloom/prefilter_impl.h"

enum { WORDS = 8 };

/* Odd factors that make eight 5-bit numbers of one 32-bit number: those of Parquet's BloomFilter.md. */
static const uint32_t salt[WORDS] = { 0x47b6137bU, 0x44974d91U, 0x8824ad5bU, 0xa2b7289dU,
	                              0x705495c7U, 0x2df1424bU, 0x9efc4947U, 0x5c6bfb31U };

/* Scaled by a multiplication instead of a remainder: even, and without a division. */
static inline uint8_t *block_of(const struct sl_prefilter *pf, uint64_t key)
{
	return pf->bits + ((key >> 32) * pf->modulus >> 32) * SL_PREFILTER_BLOCK;
}

static inline uint32_t word_mask(uint64_t key, unsigned i)
{
	return htole32(UINT32_C(1) << ((uint32_t)key * salt[i] >> 27));
}

static void native_add(const struct sl_prefilter *pf, const uint64_t *key, size_t n)
{
	for (size_t i = 0; i < n; i++)
		__builtin_prefetch(block_of(pf, key[i]), 1);
	for (size_t i = 0; i < n; i++) {
		uint32_t block[WORDS];
		uint8_t *at = block_of(pf, key[i]);
		memcpy(block, at, sizeof(block));
		for (unsigned w = 0; w < WORDS; w++)
			block[w] |= word_mask(key[i], w);
		memcpy(at, block, sizeof(block));
	}
}

static bool native_maybe(const struct sl_prefilter *pf, uint64_t key)
{
	uint32_t block[WORDS], missing = 0;

	memcpy(block, block_of(pf, key), sizeof(block));
	for (unsigned w = 0; w < WORDS; w++)
		missing |= ~block[w] & word_mask(key, w);
	return missing == 0;
}

static uint64_t native_maybe_many(const struct sl_prefilter *pf, const uint64_t *key, size_t n)
{
	uint64_t answer = 0;

	for (size_t i = 0; i < n; i++)
		__builtin_prefetch(block_of(pf, key[i]));
	for (size_t i = 0; i < n; i++)
		answer |= (uint64_t)native_maybe(pf, key[i]) << i;
	return answer;
}

const struct sl_prefilter_ops sl_fmt_native = { native_add, native_maybe, native_maybe_many };

#ifdef __x86_64__
#include <immintrin.h>

enum { FEW = 8 };

#define AVX2 __attribute__((target("avx2")))

AVX2 static inline __m256i mask_avx2(uint64_t key)
{
	__m256i factors = _mm256_loadu_si256((const __m256i *)(const void *)salt);
	__m256i product = _mm256_mullo_epi32(_mm256_set1_epi32((int)(uint32_t)key), factors);
	return _mm256_sllv_epi32(_mm256_set1_epi32(1), _mm256_srli_epi32(product, 27));
}

AVX2 static inline bool test_avx2(const struct sl_prefilter *pf, uint64_t key)
{
	__m256i block = _mm256_load_si256((const __m256i *)(const void *)block_of(pf, key));
	return _mm256_testc_si256(block, mask_avx2(key)) != 0;
}

AVX2 static void avx2_add(const struct sl_prefilter *pf, const uint64_t *key, size_t n)
{
	for (size_t i = 0; i < n; i++)
		__builtin_prefetch(block_of(pf, key[i]), 1);
	for (size_t i = 0; i < n; i++) {
		__m256i *at = (__m256i *)(void *)block_of(pf, key[i]);
		_mm256_store_si256(at, _mm256_or_si256(_mm256_load_si256(at), mask_avx2(key[i])));
	}
}

AVX2 static bool avx2_maybe(const struct sl_prefilter *pf, uint64_t key)
{
	return test_avx2(pf, key);
}

/* Few keys are all under way before the first is there, without being told. */
AVX2 static uint64_t avx2_maybe_many(const struct sl_prefilter *pf, const uint64_t *key, size_t n)
{
	uint64_t answer = 0;

	for (size_t i = 0; i < n && n > FEW; i++)
		__builtin_prefetch(block_of(pf, key[i]));
	for (size_t i = 0; i < n; i++)
		answer |= (uint64_t)test_avx2(pf, key[i]) << i;
	return answer;
}

static const struct sl_prefilter_ops native_avx2 = { avx2_add, avx2_maybe, avx2_maybe_many };

const struct sl_prefilter_ops *sl_fmt_native_best(void)
{
	__builtin_cpu_init();
	return __builtin_cpu_supports("avx2") ? &native_avx2 : &sl_fmt_native;
}
#else
const struct sl_prefilter_ops *sl_fmt_native_best(void)
{
	return &sl_fmt_native;
}
#endif
