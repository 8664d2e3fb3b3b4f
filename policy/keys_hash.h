/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keys_hash.h - how the hashes of a key's parts become the hash of the key. Private to policy/keys*.c: the arithmetic is
 * part of the snapshot's format, and a change of it is a new version of that. */
#ifndef SL_POLICY_KEYS_HASH_H
#define SL_POLICY_KEYS_HASH_H

#include "base/bytes.h"
#include "base/hash_inline.h"

/* Odd constants without pattern (fractional digits of the square roots of 2, 3 and 5): they keep the parts apart, so that a
 * host and a path of the same bytes hash differently, and no part is a factor zero. */
#define SL_KEYS_ADDRESS UINT64_C(0x6a09e667f3bcc909)
#define SL_KEYS_PATH    UINT64_C(0xbb67ae8584caa73b)
#define SL_KEYS_SWEEP   UINT64_C(0x3c6ef372fe94f82b)

__extension__ typedef unsigned __int128 sl_keys_wide;

/* The two halves of the product folded (as in wyhash and XXH3): one multiplication, every bit depends on all. */
static inline uint64_t sl_keys_mix(uint64_t a, uint64_t b)
{
	sl_keys_wide product = (sl_keys_wide)(a ^ SL_KEYS_PATH) * (b ^ SL_KEYS_SWEEP);
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t sl_keys_hash_host(struct sl_bytes name, uint64_t seed)
{
	return sl_hash_inline(name.p, name.len, seed);
}

/* 4 or 16 bytes: text would have to be written for every length of a prefix. */
static inline uint64_t sl_keys_hash_address(bool v6, const uint8_t *addr, uint64_t seed)
{
	return sl_hash_inline(addr, v6 ? 16 : 4, seed ^ SL_KEYS_ADDRESS);
}

static inline uint64_t sl_keys_hash_path(struct sl_bytes path, uint64_t seed)
{
	return sl_hash_inline(path.p, path.len, seed ^ SL_KEYS_PATH);
}

/* The product of a few low bits would leave neighbouring ports in neighbouring places, so they are spread first. */
static inline uint64_t sl_keys_with_port(uint64_t host, uint16_t port)
{
	uint64_t spread = port * SL_KEYS_SWEEP;
	return sl_keys_mix(host, spread ^ spread >> 32);
}

static inline uint64_t sl_keys_with_path(uint64_t host, uint64_t path)
{
	return sl_keys_mix(host, path);
}

#endif
