/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapshot_impl.h - an open snapshot, and how a key is found in it. Private to policy/: snapshot*.c and decide*.c.
 * Numbers out of sections are never trusted: each is held against the size of the table it points into. */
#ifndef SL_POLICY_SNAPSHOT_IMPL_H
#define SL_POLICY_SNAPSHOT_IMPL_H

#include "base/cur.h"
#include "policy/snapshot.h"
#include "policy/snapshot_format.h"
#include "policy/string_heap.h"

struct sl_snapshot {
	struct sl_snapshot_header h; /* a copy, checked */
	const uint8_t *image;
	union sl_prefilter_mem mem;
	const struct sl_prefilter *prefilter;
	const struct sl_bucket *bucket;
	uint64_t buckets;
	struct sl_bytes strings;
	const uint8_t *blocks, *combo_of;
	const struct sl_combo *combo;
	const struct sl_combo_mask *mask;
	const struct sl_mention *mention;
	const uint32_t *line, *line_base;
	const struct sl_snapshot_list *list;
	const struct sl_snapshot_category *category;
	const char *names;
	uint64_t kind[SL_LIST_KINDS]; /* masks: the categories of each kind */
};

enum { SL_BLOCK_OFFSET = 5 }; /* bytes */

static inline const void *sl_snapshot_at(const struct sl_snapshot *s, enum sl_section section)
{
	return s->image + s->h.section[section].offset;
}

/* The strings from the block of key n on. */
static inline struct sl_cur sl_snapshot_block(const struct sl_snapshot *s, uint64_t n)
{
	uint64_t at = 0;
	memcpy(&at, s->blocks + n / SL_HEAP_BLOCK * SL_BLOCK_OFFSET, SL_BLOCK_OFFSET);
	return sl_cur_whole(sl_bytes_skip(s->strings, at));
}

static inline const struct sl_combo *sl_snapshot_combo(const struct sl_snapshot *s, uint64_t n)
{
	uint32_t number = 0;
	memcpy(&number, s->combo_of + n * s->h.combo_width, s->h.combo_width);
	return number < s->h.combos ? &s->combo[number] : NULL;
}

/* The masks of a combination, *n of them; none where the numbers make no sense. */
static inline const struct sl_combo_mask *sl_snapshot_masks(const struct sl_snapshot *s,
                                                            const struct sl_combo *combo, unsigned *n)
{
	bool ok = combo != NULL && combo->mask <= s->h.masks && combo->masks <= s->h.masks - combo->mask;
	*n = ok ? combo->masks : 0;
	return ok ? &s->mask[combo->mask] : s->mask;
}

static inline const struct sl_mention *sl_snapshot_mentions(const struct sl_snapshot *s,
                                                            const struct sl_combo *combo, unsigned *n)
{
	bool ok = combo != NULL && combo->mention <= s->h.mentions &&
	          combo->mentions <= s->h.mentions - combo->mention;
	*n = ok ? combo->mentions : 0;
	return ok ? &s->mention[combo->mention] : s->mention;
}

/* Which of the bucket's ways hold the tag, a bit each; *full: none is free. */
unsigned sl_bucket_match(const struct sl_bucket *b, uint32_t tag, bool *full);

/* Finds the number of the key whose sort form and hash these are; UINT64_MAX where it is none of ours. */
uint64_t sl_snapshot_find(const struct sl_snapshot *s, uint64_t hash, struct sl_bytes sorted);
/* Would a search for this hash come upon key number n? No string is compared. */
bool sl_snapshot_leads(const struct sl_snapshot *s, uint64_t hash, uint64_t n);
/* Fetches what sl_snapshot_find() will look at first. */
static inline void sl_snapshot_prefetch(const struct sl_snapshot *s, uint64_t hash)
{
	const struct sl_bucket *b = &s->bucket[sl_bucket_of(hash, s->buckets)];
	__builtin_prefetch(b->tag);
	__builtin_prefetch(b->key);
}

/* Lines of key n: line i is that of mention i of its combination. 0 where the numbers make no sense. */
uint32_t sl_snapshot_line(const struct sl_snapshot *s, uint64_t n, unsigned i);

#endif
