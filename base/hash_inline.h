/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hash_inline.h - sl_hash() without the call: for loops that hash a few short strings each time, where the call would cost as
 * much as the hash. keys/host4 */
#ifndef SL_BASE_HASH_INLINE_H
#define SL_BASE_HASH_INLINE_H

#define XXH_INLINE_ALL
#include <xxhash.h>

static inline uint64_t sl_hash_inline(const void *p, size_t len, uint64_t seed)
{
	return XXH3_64bits_withSeed(p, len, seed);
}

#endif
