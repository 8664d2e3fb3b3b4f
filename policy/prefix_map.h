/* SPDX-License-Identifier: GPL-2.0-or-later */
/* prefix_map.h - prefixes of addresses, each with a number; asked for the longest that holds an address. A few hundred or
 * thousand, of few lengths: an open hash table, probed once for each length that occurs. Immutable once it is filled; pure. */
#ifndef SL_POLICY_PREFIX_MAP_H
#define SL_POLICY_PREFIX_MAP_H

#include "policy/address.h"

/* An address as two numbers, so that a length is two masks. */
struct sl_prefix_bits {
	uint64_t high, low;
};

struct sl_prefix_map_slot {
	struct sl_prefix_bits bits; /* those beyond the length are 0 */
	uint32_t number;
	uint8_t len;
	bool v6, used;
};

struct sl_prefix_map {
	struct sl_prefix_map_slot *slot; /* NULL while it is empty */
	uint32_t mask;                   /* slots less one; at least half of them are free */
	uint64_t v4;                     /* bit n: a prefix of n bits occurs */
	uint64_t v6[3];
};

enum { SL_PREFIX_MAP_MAX = 1 << 20, SL_PREFIX_MAP_ANY = 255 };

/* Room for n prefixes. SL_OK, SL_ENOMEM, SL_ELIMIT. */
int sl_prefix_map_init(struct sl_prefix_map *m, size_t n);
void sl_prefix_map_clear(struct sl_prefix_map *m); /* one of zeros, too */
/* No more than there is room for. SL_EEXIST: it is there, and *number is its number; else it gets *number. */
int sl_prefix_map_add(struct sl_prefix_map *m, const struct sl_prefix *p, uint32_t *number);

/* The longest prefix of fewer than `below` bits that holds the address (of full length); NULL: none. SL_PREFIX_MAP_ANY asks
 * for the longest of all; the length of what was found, for the next one. Cost: one probe for each length that occurs. */
const struct sl_prefix_map_slot *sl_prefix_map_find(const struct sl_prefix_map *m,
                                                    const struct sl_prefix *address, unsigned below);

#endif
