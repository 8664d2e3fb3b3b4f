/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exact_set.h - entries by key, in memory: collected by a builder, then frozen into an open-addressing table whose answers
 * are confirmed by the bytes. Private to policy/.
 *
 * A key is the canonical host; then, where the entry names a port, a zero byte and the port in network order; then its
 * path. No host holds a zero byte or "/", so no two keys collide. The key of a host knows whether longer ones with ports
 * or paths exist and how long those paths are: a host without any costs one probe, whatever path it is asked with. */
#ifndef SL_POLICY_EXACT_SET_H
#define SL_POLICY_EXACT_SET_H

#include "policy/list.h"

enum {
	SL_SET_PORT = 3,
	SL_SET_KEY_MAX = SL_HOST_MAX + SL_SET_PORT + SL_PATH_MAX
}; /* bytes of a port; of a key */

struct sl_set_entry {
	uint32_t next; /* of the same key, in the order of adding: index + 1, 0 at the end */
	uint32_t line;
	uint8_t list;
	uint8_t scope; /* enum sl_scope */
};

struct sl_set_key {
	uint32_t at;      /* its bytes */
	uint32_t entries; /* the first: index + 1, 0 where it is only the head of longer keys */
	uint16_t len;
	uint16_t path_min, path_max; /* bytes of the paths behind it; 0 where there are none */
	bool ports;                  /* keys with a port exist */
};

struct sl_set_slot {
	uint32_t tag; /* of the hash */
	uint32_t key; /* index + 1, 0 = free */
};

struct sl_set {
	struct sl_set_key *keys;
	struct sl_set_entry *entries;
	struct sl_set_slot *slots;
	uint8_t *pool; /* the bytes of all keys */
	uint64_t seed;
	uint64_t
	        labels; /* bit n: a host with n labels is a key (bit 0: an address); the last bit stands for more */
	size_t slot_mask;
	uint32_t n_keys, n_entries;
	bool paths; /* some key has a path */
};

struct sl_set_raw; /* an entry as it was added */

struct sl_set_builder {
	struct sl_set_raw *raw;
	uint8_t *pool;
	size_t n, cap;         /* entries */
	size_t used, pool_cap; /* bytes of pool */
};

/* SL_OK, SL_ENOMEM, or SL_ELIMIT. On failure nothing was added. */
int sl_set_add(struct sl_set_builder *b, const struct sl_list_entry *e, uint8_t list);
/* Forgets what came after the first n entries, which used the first bytes of the pool. */
void sl_set_rewind(struct sl_set_builder *b, size_t n, size_t used);
void sl_set_builder_clear(struct sl_set_builder *b);
/* Moves all into a set and leaves the builder empty; entries that say the same as an earlier one of their list go.
 * On failure (SL_ENOMEM) the builder is as it was. */
int sl_set_freeze(struct sl_set_builder *b, uint64_t seed, struct sl_set *out);
void sl_set_clear(struct sl_set *s);

/* NULL where there is no such key. Takes no lock and no allocation; any thread. */
const struct sl_set_key *sl_set_get(const struct sl_set *s, struct sl_bytes key);

/* Bytes of the port behind a host in a key; writes them. */
static inline size_t sl_set_put_port(uint8_t out[SL_SET_PORT], uint16_t port)
{
	out[0] = '\0';
	out[1] = (uint8_t)(port >> 8);
	out[2] = (uint8_t)port;
	return SL_SET_PORT;
}

/* Number of labels, as the mask counts them. */
unsigned sl_set_labels(const struct sl_host *host);
static inline bool sl_set_has_labels(const struct sl_set *s, unsigned labels)
{
	return (s->labels >> (labels > 63 ? 63 : labels) & 1) != 0;
}

#endif
