/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/prefix_map.h"

#include <endian.h>
#include <stdlib.h>

/* IPv4 stands in the first four bytes: in the upper half of high. */
static struct sl_prefix_bits bits_of(const struct sl_prefix *p)
{
	struct sl_prefix_bits b;
	memcpy(&b.high, p->addr, sizeof(b.high));
	memcpy(&b.low, p->addr + sizeof(b.high), sizeof(b.low));
	b.high = be64toh(b.high);
	b.low = be64toh(b.low);
	if (!p->v6) {
		b.high &= UINT64_C(0xffffffff00000000);
		b.low = 0;
	}
	return b;
}

static struct sl_prefix_bits cut(struct sl_prefix_bits b, unsigned len)
{
	if (len < 64)
		b.high &= len == 0 ? 0 : UINT64_MAX << (64 - len);
	if (len < 128)
		b.low &= len <= 64 ? 0 : UINT64_MAX << (128 - len);
	return b;
}

/* Each length has a hash of its own: the same bits of another length are another prefix. Nobody outside chooses what is in the table,
 * so nobody outside makes it slow, and it need not be a good hash. */
static uint32_t hash_of(struct sl_prefix_bits b, bool v6, unsigned len)
{
	uint64_t h = (b.high ^ (uint64_t)len << 1 ^ v6) * UINT64_C(0x9e3779b97f4a7c15);
	h = (h ^ h >> 32 ^ b.low) * UINT64_C(0xd6e8feb86659fd93);
	return (uint32_t)(h >> 32);
}

int sl_prefix_map_init(struct sl_prefix_map *m, size_t n)
{
	size_t slots = 4;
	*m = (struct sl_prefix_map){ NULL, 0, 0, { 0 } };
	if (n > SL_PREFIX_MAP_MAX)
		return SL_ELIMIT;
	if (n == 0)
		return SL_OK;
	while (slots < n * 2)
		slots *= 2;
	m->slot = (struct sl_prefix_map_slot *)calloc(slots, sizeof(*m->slot));
	m->mask = (uint32_t)slots - 1;
	return m->slot == NULL ? SL_ENOMEM : SL_OK;
}

void sl_prefix_map_clear(struct sl_prefix_map *m)
{
	free(m->slot);
	*m = (struct sl_prefix_map){ NULL, 0, 0, { 0 } };
}

static struct sl_prefix_map_slot *place(const struct sl_prefix_map *m, struct sl_prefix_bits b, bool v6,
                                        unsigned len)
{
	uint32_t at = hash_of(b, v6, len) & m->mask;
	for (;; at = (at + 1) & m->mask) {
		struct sl_prefix_map_slot *s = &m->slot[at];
		if (!s->used ||
		    (s->bits.high == b.high && s->bits.low == b.low && s->len == len && s->v6 == v6))
			return s;
	}
}

int sl_prefix_map_add(struct sl_prefix_map *m, const struct sl_prefix *p, uint32_t *number)
{
	struct sl_prefix_bits b = cut(bits_of(p), p->len);
	struct sl_prefix_map_slot *s = place(m, b, p->v6, p->len);
	if (s->used) {
		*number = s->number;
		return SL_EEXIST;
	}
	*s = (struct sl_prefix_map_slot){ b, *number, p->len, p->v6, true };
	if (p->v6)
		m->v6[p->len / 64] |= UINT64_C(1) << p->len % 64;
	else
		m->v4 |= UINT64_C(1) << p->len % 64; /* at most 32 */
	return SL_OK;
}

/* The highest bit below `below`; -1: none. */
static int highest(uint64_t bits, unsigned below)
{
	if (below < 64)
		bits &= (UINT64_C(1) << below) - 1;
	return bits == 0 ? -1 : 63 - __builtin_clzll(bits);
}

static int next_length(const struct sl_prefix_map *m, bool v6, unsigned below)
{
	if (!v6)
		return highest(m->v4, below);
	for (unsigned word = 3; word-- > 0;) {
		int bit = below > word * 64 ? highest(m->v6[word], below - word * 64) : -1;
		if (bit >= 0)
			return bit + (int)word * 64;
	}
	return -1;
}

const struct sl_prefix_map_slot *sl_prefix_map_find(const struct sl_prefix_map *m,
                                                    const struct sl_prefix *address, unsigned below)
{
	int len;
	if (m->slot == NULL || (address->v6 ? m->v6[0] | m->v6[1] | m->v6[2] : m->v4) == 0)
		return NULL;
	const struct sl_prefix_bits whole = bits_of(address);
	for (; (len = next_length(m, address->v6, below)) >= 0; below = (unsigned)len) {
		const struct sl_prefix_map_slot *s =
		        place(m, cut(whole, (unsigned)len), address->v6, (unsigned)len);
		if (s->used)
			return s;
	}
	return NULL;
}
