/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "base/util.h"
#include "policy/snapshot_impl.h"

struct verify {
	const struct sl_snapshot *s;
	const char *why;
	struct sl_heap_writer at; /* the key just read */
	struct sl_cur c;
	uint64_t lines; /* of the keys read */
};

static bool must(struct verify *v, bool ok, const char *why)
{
	if (!ok && v->why == NULL)
		v->why = why;
	return ok;
}

int sl_snapshot_whole(const struct sl_snapshot *s, const char **why)
{
	for (size_t i = 0; i < SL_SECTIONS; i++) {
		struct sl_bytes b = sl_bytes_of(sl_snapshot_at(s, (enum sl_section)i), s->h.section[i].len);
		if (sl_snapshot_checksum(b, 0) == s->h.section[i].checksum)
			continue;
		if (why != NULL)
			*why = "a section does not have its checksum";
		return SL_EMALF;
	}
	return SL_OK;
}

static bool combos(struct verify *v)
{
	const struct sl_snapshot *s = v->s;
	for (uint32_t i = 0; i < s->h.combos; i++) {
		unsigned masks = 0, mentions = 0;
		const struct sl_combo_mask *mask = sl_snapshot_masks(s, &s->combo[i], &masks);
		const struct sl_mention *m = sl_snapshot_mentions(s, &s->combo[i], &mentions);
		if (!must(v, masks > 0 && mentions > 0, "a combination is empty"))
			return false;
		for (unsigned k = 0; k < masks; k++)
			(void)must(v, mask[k].slot < SL_SLOTS, "a mask has no slot");
		for (unsigned k = 0; k < mentions; k++)
			(void)must(v,
			           m[k].list < s->h.lists && m[k].slot < SL_SLOTS &&
			                   m[k].category == s->list[m[k].list].category,
			           "a combination names no list");
	}
	return v->why == NULL;
}

static bool next_key(struct verify *v, uint64_t n)
{
	uint8_t before[SL_SORT_MAX];
	size_t len = v->at.len;
	memcpy(before, v->at.last, len);
	if (n % SL_HEAP_BLOCK == 0) {
		struct sl_cur block = sl_snapshot_block(v->s, n);
		if (!must(v, n == 0 || block.p == v->c.p, "a block of strings begins elsewhere") ||
		    !must(v, v->s->line_base[n / SL_HEAP_BLOCK] == v->lines,
		          "a block of lines begins elsewhere"))
			return false;
		v->c = block;
		v->at.len = v->at.shared = 0;
	}
	return must(v, sl_heap_read(&v->c, &v->at) == SL_OK, "a string is broken") &&
	       must(v,
	            n == 0 || sl_sort_cmp(sl_bytes_of(before, len), sl_bytes_of(v->at.last, v->at.len)) < 0,
	            "two keys stand in the wrong order");
}

/* The hash of the key just read, and how many lines it has. */
static bool read_key(struct verify *v, uint64_t n, uint64_t *hash)
{
	uint8_t text[SL_SORT_MAX];
	struct sl_key key;
	unsigned mentions = 0;
	if (!next_key(v, n) || !must(v, sl_sort_read(sl_bytes_of(v->at.last, v->at.len), text, &key) == SL_OK,
	                             "a string is no key"))
		return false;
	*hash = sl_key_hash(&key, v->s->h.seed);
	(void)sl_snapshot_mentions(v->s, sl_snapshot_combo(v->s, n), &mentions);
	v->lines += mentions;
	return must(v, mentions > 0, "a key has no combination");
}

/* A block of keys at a time: what index and prefilter say of them is fetched while the next are read. That the index leads
 * to the number is enough: the string of that number was just read, and no other key has it. */
static bool one_block(struct verify *v, uint64_t first)
{
	const struct sl_snapshot *s = v->s;
	uint64_t hash[SL_HEAP_BLOCK];
	size_t n = (size_t)sl_min(s->h.keys - first, SL_HEAP_BLOCK);
	for (size_t i = 0; i < n; i++) {
		if (!read_key(v, first + i, &hash[i]))
			return false;
		sl_snapshot_prefetch(s, hash[i]);
	}
	uint64_t all = (UINT64_C(1) << n) - 1;
	if (!must(v, (sl_prefilter_maybe_many(s->prefilter, hash, n) & all) == all,
	          "the prefilter denies a key"))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!must(v, sl_snapshot_leads(s, hash[i], first + i), "the index does not lead to a key"))
			return false;
	return true;
}

int sl_snapshot_verify(const struct sl_snapshot *s, const char **why)
{
	struct verify *v = (struct verify *)calloc(1, sizeof(*v));
	if (v == NULL)
		return SL_ENOMEM;
	v->s = s;
	bool ok = sl_snapshot_whole(s, &v->why) == SL_OK && combos(v);
	for (uint64_t n = 0; n < s->h.keys && ok; n += SL_HEAP_BLOCK)
		ok = one_block(v, n);
	ok = ok && must(v, v->lines == s->h.lines, "lines are left over") &&
	     must(v, s->h.keys == 0 || v->c.left == 0, "strings are left over");
	if (why != NULL)
		*why = v->why;
	free(v);
	return ok ? SL_OK : SL_EMALF;
}
