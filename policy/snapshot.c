/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/snapshot.h"

#include <stdlib.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/hash.h"
#include "base/util.h"
#include "policy/snapshot_impl.h"
#include "policy/suburl_key.h"

/* A file is not moved between machines of different byte order: it would be refused, by its version. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "snapshots are little endian");
_Static_assert(sizeof(struct sl_bucket) == 128 && sizeof(struct sl_combo_mask) == 16, "no padding");
_Static_assert(SL_SNAPSHOT_PARTS == (int)SL_SECTIONS, "a name for each");

static const char *const profiles[] = { "native", "ne26", "ne27", "both" };

const char *sl_profile_name(enum sl_profile profile)
{
	return (size_t)profile < SL_COUNT(profiles) ? profiles[profile] : "unknown";
}

uint64_t sl_snapshot_checksum(struct sl_bytes b, uint64_t seed)
{
	while (b.len > 0) {
		seed = sl_hash(b.p, sl_min(b.len, SL_SNAPSHOT_PIECE), seed);
		b = sl_bytes_skip(b, SL_SNAPSHOT_PIECE);
	}
	return seed;
}

unsigned sl_bucket_match(const struct sl_bucket *b, uint32_t tag, bool *full)
{
#if defined(__SSE2__)
	const __m128i *at = (const __m128i *)(const void *)b->tag, zero = _mm_setzero_si128();
	__m128i want = _mm_set1_epi32((int)tag), hit[4], free[4];
	for (int i = 0; i < 4; i++) {
		__m128i tags = _mm_load_si128(at + i);
		hit[i] = _mm_cmpeq_epi32(tags, want);
		free[i] = _mm_cmpeq_epi32(tags, zero);
	}
	*full = _mm_movemask_epi8(
	                _mm_or_si128(_mm_or_si128(free[0], free[1]), _mm_or_si128(free[2], free[3]))) == 0;
	return (unsigned)_mm_movemask_epi8(
	        _mm_packs_epi16(_mm_packs_epi32(hit[0], hit[1]), _mm_packs_epi32(hit[2], hit[3])));
#else
	unsigned ways = 0;
	*full = true;
	for (unsigned i = 0; i < SL_BUCKET_WAYS; i++) {
		ways |= (unsigned)(b->tag[i] == tag) << i;
		*full = *full && b->tag[i] != 0;
	}
	return ways;
#endif
}

/* A tag that matches is nearly always the key: all that will be asked of it is fetched while its string is. */
static bool is_key(const struct sl_snapshot *s, uint64_t n, struct sl_bytes sorted)
{
	if (n >= s->h.keys)
		return false;
	__builtin_prefetch(s->combo_of + n * s->h.combo_width);
	__builtin_prefetch(&s->line_base[n / SL_HEAP_BLOCK]);
	__builtin_prefetch(&s->line[n]); /* right where each key has one line, near by where most have */
	return sl_heap_is(sl_snapshot_block(s, n), n % SL_HEAP_BLOCK, sorted);
}

uint64_t sl_snapshot_find(const struct sl_snapshot *s, uint64_t hash, struct sl_bytes sorted)
{
	uint32_t tag = sl_bucket_tag(hash);
	uint64_t at = sl_bucket_of(hash, s->buckets);
	bool full = true;
	for (uint64_t probe = 0; probe < s->h.probes && full; probe++) {
		const struct sl_bucket *b = &s->bucket[at];
		for (unsigned ways = sl_bucket_match(b, tag, &full); ways != 0; ways &= ways - 1) {
			uint64_t n = b->key[__builtin_ctz(ways)];
			if (is_key(s, n, sorted))
				return n;
		}
		at = at + 1 == s->buckets ? 0 : at + 1;
	}
	return UINT64_MAX;
}

bool sl_snapshot_leads(const struct sl_snapshot *s, uint64_t hash, uint64_t n)
{
	uint32_t tag = sl_bucket_tag(hash);
	uint64_t at = sl_bucket_of(hash, s->buckets);
	bool full = true;
	for (uint64_t probe = 0; probe < s->h.probes && full; probe++) {
		const struct sl_bucket *b = &s->bucket[at];
		for (unsigned ways = sl_bucket_match(b, tag, &full); ways != 0; ways &= ways - 1)
			if (b->key[__builtin_ctz(ways)] == n)
				return true;
		at = at + 1 == s->buckets ? 0 : at + 1;
	}
	return false;
}

uint32_t sl_snapshot_line(const struct sl_snapshot *s, uint64_t n, unsigned i)
{
	uint64_t at = s->line_base[n / SL_HEAP_BLOCK] + (uint64_t)i;
	unsigned count = 0;
	if (s->h.lines == s->h.keys) /* each has one */
		return i == 0 ? s->line[n] : 0;
	for (uint64_t k = n - n % SL_HEAP_BLOCK; k < n; k++) {
		(void)sl_snapshot_mentions(s, sl_snapshot_combo(s, k), &count);
		at += count;
	}
	return at < s->h.lines ? s->line[at] : 0;
}

void sl_snapshot_free(struct sl_snapshot **s)
{
	free(sl_take(s));
}

int sl_snapshot_key(const struct sl_snapshot *s, uint64_t n, char out[SL_SNAPSHOT_KEY + 1], size_t *len)
{
	struct sl_heap_writer at = { .len = 0 };
	uint8_t text[SL_SORT_MAX];
	struct sl_key key;
	if (n >= s->h.keys)
		return SL_ENOENT;
	struct sl_cur c = sl_snapshot_block(s, n);
	int err = SL_OK;
	for (unsigned i = 0; i <= n % SL_HEAP_BLOCK && err == SL_OK; i++)
		err = sl_heap_read(&c, &at);
	if (err == SL_OK)
		err = sl_sort_read(sl_bytes_of(at.last, at.len), text, &key);
	if (err == SL_OK) {
		*len = s->h.profile == SL_PROFILE_NATIVE ? sl_key_write(&key, out)
		                                         : sl_suburl_key_write(&key, out);
		out[*len] = '\0';
	}
	return err;
}

int sl_snapshot_mention(const struct sl_snapshot *s, uint64_t n, unsigned i, struct sl_snapshot_mention *out)
{
	unsigned count = 0;
	if (n >= s->h.keys)
		return SL_ENOENT;
	const struct sl_combo *combo = sl_snapshot_combo(s, n);
	const struct sl_mention *m = sl_snapshot_mentions(s, combo, &count);
	if (i >= count)
		return combo == NULL ? SL_EMALF : SL_ENOENT;
	if (m[i].list >= s->h.lists || m[i].slot >= SL_SLOTS)
		return SL_EMALF;
	*out = (struct sl_snapshot_mention){ .list = m[i].list,
		                             .category = m[i].category,
		                             .scope = SL_SLOT_SCOPE(m[i].slot),
		                             .effect = SL_SLOT_EFFECT(m[i].slot),
		                             .important = SL_SLOT_IMPORTANT(m[i].slot),
		                             .line = sl_snapshot_line(s, n, i) };
	return SL_OK;
}

const char *sl_snapshot_list_name(const struct sl_snapshot *s, uint16_t list)
{
	return list < s->h.lists ? s->names + s->list[list].name : NULL;
}

const char *sl_snapshot_list_file(const struct sl_snapshot *s, uint16_t list)
{
	return list < s->h.lists ? s->names + s->list[list].file : NULL;
}

uint16_t sl_snapshot_list_category(const struct sl_snapshot *s, uint16_t list)
{
	return list < s->h.lists ? (uint16_t)s->list[list].category : UINT16_MAX;
}

const char *sl_snapshot_category_name(const struct sl_snapshot *s, uint16_t category)
{
	return category < s->h.categories ? s->names + s->category[category].name : NULL;
}

enum sl_list_kind sl_snapshot_category_kind(const struct sl_snapshot *s, uint16_t category)
{
	return category < s->h.categories ? (enum sl_list_kind)s->category[category].kind : SL_LIST_BLOCK;
}

struct sl_bytes sl_snapshot_prefilter(const struct sl_snapshot *s)
{
	return sl_bytes_of(sl_snapshot_at(s, SL_SECTION_PREFILTER), s->h.section[SL_SECTION_PREFILTER].len);
}

void sl_snapshot_touch(const struct sl_snapshot *s)
{
	enum { STRIDE = 2 << 20 }; /* a huge page */
	for (uint64_t at = 0; at < s->h.file_len; at += STRIDE)
		(void)*((const volatile uint8_t *)s->image + at);
}

int sl_snapshot_move_prefilter(struct sl_snapshot *s, struct sl_bytes copy)
{
	if (copy.len != s->h.section[SL_SECTION_PREFILTER].len)
		return SL_EINVAL;
	return sl_prefilter_open(&s->mem, &s->h.prefilter, copy, &s->prefilter) == SL_OK ? SL_OK : SL_EINVAL;
}

void sl_snapshot_info(const struct sl_snapshot *s, struct sl_snapshot_info *out)
{
	static const char *const part[SL_SECTIONS] = {
		"prefilter",    "index",      "strings",  "string blocks", "combination of keys",
		"combinations", "masks",      "mentions", "lines",         "line blocks",
		"lists",        "categories", "names",
	};
	const struct sl_snapshot_header *h = &s->h;
	*out = (struct sl_snapshot_info){ .checksum = h->checksum,
		                          .version = h->version,
		                          .profile = (enum sl_profile)h->profile,
		                          .generation = h->generation,
		                          .seed = h->seed,
		                          .bytes = h->file_len,
		                          .keys = h->keys,
		                          .entries = h->entries,
		                          .paths = h->paths,
		                          .addresses = h->addresses,
		                          .combinations = h->combos,
		                          .lists = h->lists,
		                          .categories = h->categories,
		                          .labels_min = h->labels_min,
		                          .labels_max = h->labels_max,
		                          .segments_min = h->segments_min,
		                          .segments_max = h->segments_max,
		                          .folded = (h->flags & SL_SNAPSHOT_FOLDED) != 0,
		                          .shape = h->shape };
	for (size_t i = 0; i < SL_SECTIONS; i++) {
		out->part[i].name = part[i];
		out->part[i].bytes = h->section[i].len;
	}
}
