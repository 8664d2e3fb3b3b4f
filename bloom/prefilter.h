/* SPDX-License-Identifier: GPL-2.0-or-later */
/* prefilter.h - "certainly not" or "perhaps": the test in front of the exact answer.
 *
 * One opaque type, two formats behind it, chosen by a tag. A prefilter is a string of bits without a header
 * (NE-BLOOM-14) and a shape that travels beside it; the bits may lie in a read-only mapping and are used in place.
 * A key is a number of 64 bits:
 *   native  XXH3-64 of the key's bytes (base/hash.h, any seed as long as it is the same at building and asking)
 *   apple   the two 32-bit hashes of Apple's format, from bloom/apple_hash.h
 * Pure: the memory is the caller's, nothing is allocated. Asking: any number of threads at once. Adding: one thread,
 * nobody asking. */
#ifndef SL_BLOOM_PREFILTER_H
#define SL_BLOOM_PREFILTER_H

#include "base/bytes.h"
#include "base/err.h"

/* Numbers that files keep: never changed, never given anew. */
enum sl_prefilter_format {
	/* Split-block: blocks of 32 bytes, aligned to 32; a key sets one bit in each of the eight 32-bit words (little
	 * endian) of one block, so that asking touches one cache line. The bits are those of Apache Parquet's filter
	 * (BloomFilter.md), under XXH3 instead of XXH64. */
	SL_PREFILTER_NATIVE = 1,
	/* Apple's NEURLFilterPrefilter, NE-BLOOM-01..14. */
	SL_PREFILTER_APPLE = 2,
};

enum {
	SL_PREFILTER_BLOCK = 32, /* bytes of a native block, and the alignment that native bits must have */
	SL_PREFILTER_BITS_PER_KEY = 16, /* native: at most 0.15 % of absent keys are "perhaps" */
	SL_PREFILTER_MANY = 64,         /* keys of one call of sl_prefilter_maybe_many() */
	SL_PREFILTER_HASHES_MAX = 2048, /* apple: more than any tolerance that a double can hold asks for */
};

/* What travels beside the bits. */
struct sl_prefilter_shape {
	uint32_t format; /* enum sl_prefilter_format */
	uint32_t hashes; /* apple: hashCount, 1..SL_PREFILTER_HASHES_MAX; native: 8 */
	uint64_t bits;   /* apple: bitCount, 1..2^32-8 (NE-BLOOM-09); native: a multiple of 256 */
	uint32_t seed;   /* apple: murmurSeed; native: 0 */
	uint32_t pad;    /* 0 */
};

struct sl_prefilter;

/* Where a prefilter's few words live; they must outlive it, and move only with it not in use. */
union sl_prefilter_mem {
	uint64_t word[8];
};

/* The native shape for so many keys (0 keys make one empty block). bits_per_key 1..64; see SL_PREFILTER_BITS_PER_KEY.
 * Returns SL_OK, SL_EINVAL, SL_ELIMIT (2^32 blocks or more). For Apple's format see bloom/apple_size.h. */
int sl_prefilter_shape_native(uint64_t keys, unsigned bits_per_key, struct sl_prefilter_shape *out);

/* Bytes that the bits take: (bits + 7) / 8. */
size_t sl_prefilter_bytes(const struct sl_prefilter_shape *shape);

/* Asks bits that are there already, in place; they stay borrowed as long as out is used.
 * Returns SL_OK; SL_EUNSUP for a format that is not known; SL_EMALF when the shape contradicts itself or the length or
 * alignment of bits. No content of bits can do harm. */
int sl_prefilter_open(union sl_prefilter_mem *mem, const struct sl_prefilter_shape *shape,
                      struct sl_bytes bits, const struct sl_prefilter **out);

/* An empty prefilter over len bytes at bits, which are set to zero, to add keys to. Returns as sl_prefilter_open(). */
int sl_prefilter_build(union sl_prefilter_mem *mem, const struct sl_prefilter_shape *shape, void *bits,
                       size_t len, struct sl_prefilter **out);

/* Any number of keys, each as often as it comes. The bits do not depend on their order. */
void sl_prefilter_add(struct sl_prefilter *pf, const uint64_t *key, size_t n);

/* false: the key was certainly not added. One cache line: prefilter/native/miss, prefilter/native/hit. */
bool sl_prefilter_maybe(const struct sl_prefilter *pf, uint64_t key);

/* Up to SL_PREFILTER_MANY keys at once, whose lines are fetched before the first is looked at. Bit i of the answer is
 * sl_prefilter_maybe(key[i]). All keys of a URL, or of a batch of packets: prefilter/native/many. */
uint64_t sl_prefilter_maybe_many(const struct sl_prefilter *pf, const uint64_t *key, size_t n);

void sl_prefilter_shape_of(const struct sl_prefilter *pf, struct sl_prefilter_shape *out);

/* From now on the portable code answers, which does the same without AVX2: for tests that hold both against each other. */
void sl_prefilter_portable(union sl_prefilter_mem *mem);

#endif
