/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bloom/apple_hash.h"

#include "base/util.h"

static inline uint32_t rotl(uint32_t x, unsigned n)
{
	return x << n | x >> (32 - n);
}

static inline uint32_t murmur_scramble(uint32_t block)
{
	return rotl(block * 0xcc9e2d51U, 15) * 0x1b873593U;
}

struct sl_apple_hash sl_apple_hash_start(uint32_t murmur_seed)
{
	return (struct sl_apple_hash){ .fnv = 0x811c9dc5U, .murmur = murmur_seed };
}

static inline void feed_byte(struct sl_apple_hash *s, uint8_t byte)
{
	s->fnv = (s->fnv ^ byte) * 0x01000193U;
	s->tail |= (uint32_t)byte << 8 * (s->len & 3);
	if ((++s->len & 3) == 0) {
		s->murmur = rotl(s->murmur ^ murmur_scramble(s->tail), 13) * 5 + 0xe6546b64U;
		s->tail = 0;
	}
}

/* Four bytes while there is no tail: FNV-1a goes on byte by byte, a multiplication each, and MurmurHash3 beside it. */
static inline void feed_block(struct sl_apple_hash *s, const uint8_t *p)
{
	uint32_t block = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;

	for (unsigned i = 0; i < 4; i++)
		s->fnv = (s->fnv ^ p[i]) * 0x01000193U;
	s->murmur = rotl(s->murmur ^ murmur_scramble(block), 13) * 5 + 0xe6546b64U;
	s->len += 4;
}

void sl_apple_hash_feed(struct sl_apple_hash *h, struct sl_bytes more)
{
	struct sl_apple_hash s = *h; /* in registers meanwhile */
	size_t i = 0;

	if (more.p == NULL)
		return;
	while (i < more.len && (s.len & 3) != 0)
		feed_byte(&s, more.p[i++]);
	for (; more.len - i >= 4; i += 4)
		feed_block(&s, more.p + i);
	while (i < more.len)
		feed_byte(&s, more.p[i++]);
	*h = s;
}

/* An empty tail scrambles to 0, so it needs no case of its own. */
static uint32_t murmur_end(const struct sl_apple_hash *h)
{
	uint32_t x = (h->murmur ^ murmur_scramble(h->tail)) ^ h->len;
	x = (x ^ x >> 16) * 0x85ebca6bU;
	x = (x ^ x >> 13) * 0xc2b2ae35U;
	return x ^ x >> 16;
}

uint64_t sl_apple_hash_key(const struct sl_apple_hash *h)
{
	return SL_APPLE_KEY(h->fnv, murmur_end(h));
}

uint64_t sl_apple_key(struct sl_bytes text, uint32_t murmur_seed)
{
	struct sl_apple_hash h = sl_apple_hash_start(murmur_seed);
	sl_apple_hash_feed(&h, text);
	return sl_apple_hash_key(&h);
}

void sl_apple_keys(struct sl_bytes text, uint32_t murmur_seed, const size_t *end, size_t n, uint64_t *key)
{
	struct sl_apple_hash h = sl_apple_hash_start(murmur_seed);
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		size_t to = sl_max(at, sl_min(end[i], text.len));
		sl_apple_hash_feed(&h, sl_bytes_first(sl_bytes_skip(text, at), to - at));
		key[i] = sl_apple_hash_key(&h);
		at = to;
	}
}
