/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/exact_set.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/util.h"

enum { RAW_MAX = 1 << 30, FIRST = 1024 }; /* entries: three keys each must be countable in 32 bits */

struct sl_set_raw {
	uint32_t at, line;
	uint16_t len, path_len;
	uint8_t host_len, list, scope, labels;
	bool port;
};

/* Room for one more of size bytes behind used; grows by half. */
static int grow(void **mem, size_t *cap, size_t need, size_t size)
{
	if (need <= *cap)
		return SL_OK;
	size_t next = sl_max(sl_max(need, FIRST), *cap + *cap / 2);
	void *more = next > SIZE_MAX / size ? NULL : realloc(*mem, next * size);
	if (more == NULL)
		return SL_ENOMEM;
	*mem = more;
	*cap = next;
	return SL_OK;
}

unsigned sl_set_labels(const struct sl_host *host)
{
	unsigned n = host->address ? 0 : 1;
	for (size_t i = 0; i < host->len && n > 0; i++)
		n += host->name[i] == '.';
	return n;
}

static void put(struct sl_set_builder *b, const void *p, size_t n)
{
	if (n > 0)
		memcpy(&b->pool[b->used], p, n);
	b->used += n;
}

int sl_set_add(struct sl_set_builder *b, const struct sl_list_entry *e, uint8_t list)
{
	uint8_t port[SL_SET_PORT];
	size_t port_len = e->port == 0 ? 0 : sl_set_put_port(port, e->port);
	size_t len = e->host->len + port_len + e->path.len;
	void *raw = b->raw, *pool = b->pool;

	if (b->n >= RAW_MAX || len > SL_SET_KEY_MAX || b->used + len > UINT32_MAX)
		return SL_ELIMIT;
	int err = grow(&raw, &b->cap, b->n + 1, sizeof(*b->raw));
	b->raw = (struct sl_set_raw *)raw;
	if (err == SL_OK)
		err = grow(&pool, &b->pool_cap, b->used + len, 1);
	b->pool = (uint8_t *)pool;
	if (err != SL_OK)
		return err;
	b->raw[b->n++] = (struct sl_set_raw){ .at = (uint32_t)b->used,
		                              .line = e->line,
		                              .len = (uint16_t)len,
		                              .path_len = (uint16_t)e->path.len,
		                              .host_len = e->host->len,
		                              .list = list,
		                              .scope = (uint8_t)e->scope,
		                              .labels = (uint8_t)sl_set_labels(e->host),
		                              .port = e->port != 0 };
	put(b, e->host->name, e->host->len);
	put(b, port, port_len);
	put(b, e->path.p, e->path.len);
	return SL_OK;
}

void sl_set_rewind(struct sl_set_builder *b, size_t n, size_t used)
{
	b->n = n;
	b->used = used;
}

void sl_set_builder_clear(struct sl_set_builder *b)
{
	free(b->raw);
	free(b->pool);
	*b = (struct sl_set_builder){ 0 };
}

void sl_set_clear(struct sl_set *s)
{
	free(s->keys);
	free(s->entries);
	free(s->slots);
	free(s->pool);
	*s = (struct sl_set){ 0 };
}

/* The slot that holds the key, or the free one where it would go. Half of the slots are free at least. */
static struct sl_set_slot *find(const struct sl_set *s, struct sl_bytes key, uint32_t *tag)
{
	uint64_t hash = sl_hash(key.p, key.len, s->seed);
	*tag = (uint32_t)(hash >> 32);
	for (size_t i = (size_t)hash & s->slot_mask;; i = (i + 1) & s->slot_mask) {
		struct sl_set_slot *slot = &s->slots[i];
		if (slot->key == 0)
			return slot;
		const struct sl_set_key *at = &s->keys[slot->key - 1];
		if (slot->tag == *tag && at->len == key.len && memcmp(&s->pool[at->at], key.p, key.len) == 0)
			return slot;
	}
}

const struct sl_set_key *sl_set_get(const struct sl_set *s, struct sl_bytes key)
{
	uint32_t tag = 0;
	if (s->n_keys == 0)
		return NULL;
	const struct sl_set_slot *slot = find(s, key, &tag);
	return slot->key == 0 ? NULL : &s->keys[slot->key - 1];
}

static struct sl_set_key *fill(struct sl_set *s, struct sl_set_slot *slot, uint32_t tag, uint32_t at,
                               uint16_t len)
{
	s->keys[s->n_keys] = (struct sl_set_key){ .at = at, .len = len };
	*slot = (struct sl_set_slot){ tag, ++s->n_keys };
	return &s->keys[slot->key - 1];
}

/* The key of the len bytes that stand at a place that stays. */
static struct sl_set_key *key_at(struct sl_set *s, uint32_t at, uint16_t len)
{
	uint32_t tag = 0;
	struct sl_set_slot *slot = find(s, sl_bytes_of(&s->pool[at], len), &tag);
	return slot->key == 0 ? fill(s, slot, tag, at, len) : &s->keys[slot->key - 1];
}

/* The key of an entry. Bytes of a new one move down over those that were there already. */
static struct sl_set_key *own_key(struct sl_set *s, const struct sl_set_raw *raw, uint32_t *used)
{
	uint32_t tag = 0, at = *used;
	struct sl_set_slot *slot = find(s, sl_bytes_of(&s->pool[raw->at], raw->len), &tag);
	if (slot->key != 0)
		return &s->keys[slot->key - 1];
	memmove(&s->pool[at], &s->pool[raw->at], raw->len);
	*used += raw->len;
	return fill(s, slot, tag, at, raw->len);
}

/* Appends to the key's chain, which holds a list and a scope once: 256 entries at most. */
static void chain(struct sl_set *s, struct sl_set_key *key, const struct sl_set_raw *raw)
{
	uint32_t *link = &key->entries;
	for (; *link != 0; link = &s->entries[*link - 1].next)
		if (s->entries[*link - 1].list == raw->list && s->entries[*link - 1].scope == raw->scope)
			return;
	s->entries[s->n_entries] = (struct sl_set_entry){ 0, raw->line, raw->list, raw->scope };
	*link = ++s->n_entries;
}

static void note_path(struct sl_set_key *head, uint16_t len)
{
	if (head->path_max == 0 || len < head->path_min)
		head->path_min = len;
	if (len > head->path_max)
		head->path_max = len;
}

static void enter(struct sl_set *s, const struct sl_set_raw *raw, uint32_t *used)
{
	struct sl_set_key *key = own_key(s, raw, used);
	uint32_t at = key->at;
	chain(s, key, raw);
	if (raw->port)
		key_at(s, at, raw->host_len)->ports = true;
	if (raw->path_len > 0)
		note_path(key_at(s, at, (uint16_t)(raw->len - raw->path_len)), raw->path_len);
	s->paths = s->paths || raw->path_len > 0;
	s->labels |= UINT64_C(1) << sl_min(raw->labels, 63);
}

static size_t count_keys(const struct sl_set_builder *b)
{
	size_t n = b->n;
	for (size_t i = 0; i < b->n; i++)
		n += (b->raw[i].port ? 1u : 0u) + (b->raw[i].path_len > 0 ? 1u : 0u);
	return n;
}

static int allocate(struct sl_set *s, size_t keys, size_t entries)
{
	size_t slots = 2;
	while (slots < keys * 2)
		slots *= 2;
	s->keys = (struct sl_set_key *)calloc(keys + 1, sizeof(*s->keys));
	s->entries = (struct sl_set_entry *)calloc(entries + 1, sizeof(*s->entries));
	s->slots = (struct sl_set_slot *)calloc(slots, sizeof(*s->slots));
	s->slot_mask = slots - 1;
	return s->keys == NULL || s->entries == NULL || s->slots == NULL ? SL_ENOMEM : SL_OK;
}

/* Gives back what was reserved and not needed; where that fails, the larger block stays. */
static void *shrink(void *mem, size_t bytes)
{
	void *less = realloc(mem, sl_max(bytes, 1));
	if (less != NULL)
		mem = less;
	return mem;
}

int sl_set_freeze(struct sl_set_builder *b, uint64_t seed, struct sl_set *out)
{
	struct sl_set s = { .seed = seed };
	uint32_t used = 0;
	if (allocate(&s, count_keys(b), b->n) != SL_OK) {
		sl_set_clear(&s);
		return SL_ENOMEM;
	}
	s.pool = sl_take(&b->pool);
	for (size_t i = 0; i < b->n; i++)
		enter(&s, &b->raw[i], &used);
	sl_set_builder_clear(b);
	s.keys = (struct sl_set_key *)shrink(s.keys, s.n_keys * sizeof(*s.keys));
	s.entries = (struct sl_set_entry *)shrink(s.entries, s.n_entries * sizeof(*s.entries));
	s.pool = (uint8_t *)shrink(s.pool, used);
	*out = s;
	return SL_OK;
}
