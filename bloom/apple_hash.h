/* SPDX-License-Identifier: GPL-2.0-or-later */
/* apple_hash.h - the two hashes of Apple's prefilter: FNV-1a 32 (NE-BLOOM-06) and MurmurHash3 x86_32 (NE-BLOOM-07).
 *
 * Both are carried along the bytes as one small state. A copy of it taken at any place is the state of that prefix, so
 * all sub-URLs that share a prefix (NE-URL-35) cost one pass over it (subkeys/apple/carried):
 *     start; feed "example.com"; key: the bare host; fork = state; feed fork "/a"; key; feed fork "/"; key ...
 * Pure; any thread. */
#ifndef SL_BLOOM_APPLE_HASH_H
#define SL_BLOOM_APPLE_HASH_H

#include "base/bytes.h"

struct sl_apple_hash {
	uint32_t fnv;
	uint32_t murmur; /* over the whole blocks of four bytes so far */
	uint32_t tail;   /* the len % 4 bytes after them, little endian */
	uint32_t len;    /* bytes so far, modulo 2^32 */
};

struct sl_apple_hash sl_apple_hash_start(uint32_t murmur_seed);
void sl_apple_hash_feed(struct sl_apple_hash *h, struct sl_bytes more);

/* The key of what was fed so far, for bloom/prefilter.h: FNV-1a in the low half, MurmurHash3 in the high half. */
uint64_t sl_apple_hash_key(const struct sl_apple_hash *h);

/* start, feed, key in one. */
uint64_t sl_apple_key(struct sl_bytes text, uint32_t murmur_seed);

/* The keys of n prefixes of text in one pass. end[] ascends; an end beyond the text counts as its length. */
void sl_apple_keys(struct sl_bytes text, uint32_t murmur_seed, const size_t *end, size_t n, uint64_t *key);

#define SL_APPLE_KEY(fnv, murmur) ((uint64_t)(murmur) << 32 | (uint32_t)(fnv))
#define SL_APPLE_KEY_FNV(key)     ((uint32_t)(key))
#define SL_APPLE_KEY_MURMUR(key)  ((uint32_t)((key) >> 32))

#endif
