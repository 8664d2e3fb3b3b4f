/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/prefix_map.h"

#include <stdlib.h>

#include "base/hash.h"

/* Each length has a hash of its own: the same bits of another length are another prefix. */
static uint64_t hash_of(const struct sl_prefix *p)
{
	uint64_t seed = (uint64_t)p->len << 1 | p->v6;
	return sl_hash(p->addr, p->v6 ? 16 : 4, seed);
}

static bool is_same(const struct sl_prefix *a, const struct sl_prefix *b)
{
	return a->v6 == b->v6 && a->len == b->len && memcmp(a->addr, b->addr, a->v6 ? 16 : 4) == 0;
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

static struct sl_prefix_map_slot *place(const struct sl_prefix_map *m, const struct sl_prefix *p)
{
	uint32_t at = (uint32_t)hash_of(p) & m->mask;
	while (m->slot[at].used && !is_same(&m->slot[at].prefix, p))
		at = (at + 1) & m->mask;
	return &m->slot[at];
}

int sl_prefix_map_add(struct sl_prefix_map *m, const struct sl_prefix *p, uint32_t *number)
{
	struct sl_prefix_map_slot *s = place(m, p);
	if (s->used) {
		*number = s->number;
		return SL_EEXIST;
	}
	*s = (struct sl_prefix_map_slot){ *p, true, *number };
	if (p->v6)
		m->v6[p->len / 64] |= UINT64_C(1) << p->len % 64;
	else
		m->v4 |= UINT64_C(1) << p->len;
	return SL_OK;
}

static void cut(struct sl_prefix *p, unsigned len)
{
	p->len = (uint8_t)len;
	for (unsigned i = len / 8 + (len % 8 != 0); i < 16; i++)
		p->addr[i] = 0;
	if (len % 8 != 0)
		p->addr[len / 8] &= (uint8_t)(0xff00 >> len % 8);
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
	struct sl_prefix p = *address;
	int len;
	if (m->slot == NULL)
		return NULL;
	for (; (len = next_length(m, p.v6, below)) >= 0; below = (unsigned)len) {
		cut(&p, (unsigned)len);
		const struct sl_prefix_map_slot *s = place(m, &p);
		if (s->used)
			return s;
	}
	return NULL;
}
