/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapshot_format.h - the bytes of a snapshot: one header, then sections that it names by offset. Private to policy/.
 * Numbers are little endian as in memory; sections begin at multiples of 64. Any change here, in sort_key.h,
 * string_heap.h or keys_hash.h is a new SL_SNAPSHOT_VERSION.
 *
 * Keys are sorted (sort_key.h) and numbered from 0. What lists say of key n is a combination, and most keys have one of
 * few: which lists name it, in which slots. The lines in those lists' files differ from key to key and stand alone. */
#ifndef SL_POLICY_SNAPSHOT_FORMAT_H
#define SL_POLICY_SNAPSHOT_FORMAT_H

#include "bloom/prefilter.h"
#include "policy/keys.h"
#include "policy/list.h"

#define SL_SNAPSHOT_MAGIC "sluice\x1a\n" /* 8 bytes; text tools that mend line ends break it */

enum {
	SL_SNAPSHOT_VERSION = 2,
	SL_SNAPSHOT_ALIGN = 64,
	SL_SNAPSHOT_PIECE =
	        1
	        << 20, /* checksums run over pieces of so many bytes, each seeded with that of the one before */
};

enum sl_section {
	SL_SECTION_PREFILTER, /* bloom/, native */
	SL_SECTION_INDEX,     /* struct sl_bucket: from hash to key number */
	SL_SECTION_STRINGS,   /* string_heap.h */
	SL_SECTION_BLOCKS,    /* 5 bytes a block of 16 keys: where in STRINGS it begins */
	SL_SECTION_COMBO_OF,  /* 1, 2 or 4 bytes a key: its combination */
	SL_SECTION_COMBOS,    /* struct sl_combo */
	SL_SECTION_MASKS,     /* struct sl_combo_mask */
	SL_SECTION_MENTIONS,  /* struct sl_mention */
	SL_SECTION_LINES, /* 4 bytes a mention of a key, keys in order, mentions in the order of their combination */
	SL_SECTION_LINE_BASE,  /* 4 bytes a block of 16 keys: its first line */
	SL_SECTION_LISTS,      /* struct sl_snapshot_list */
	SL_SECTION_CATEGORIES, /* struct sl_snapshot_category */
	SL_SECTION_NAMES,      /* NUL-terminated strings */
	SL_SECTIONS
};

/* Where and how an entry speaks: a slot is scope, effect and importance in one small number. */
enum { SL_SLOTS = 20 };
#define SL_SLOT(scope, effect, important) \
	((unsigned)(scope) << 2 | (unsigned)(effect) << 1 | (unsigned)(important))
#define SL_SLOT_SCOPE(slot)     ((enum sl_scope)((slot) >> 2))
#define SL_SLOT_EFFECT(slot)    ((enum sl_effect)((slot) >> 1 & 1))
#define SL_SLOT_IMPORTANT(slot) (((slot)&1) != 0)

enum { SL_BUCKET_WAYS = 16 };

/* A key is in the bucket that the high half of its hash names, or, where that is full, in the next one that is not. */
struct sl_bucket {
	uint32_t tag[SL_BUCKET_WAYS]; /* low half of the hash, 1 for 0; 0: free */
	uint32_t key[SL_BUCKET_WAYS]; /* number */
};

struct sl_combo {
	uint32_t mask, mention; /* the first of each */
	uint16_t masks, mentions;
};

struct sl_combo_mask {
	uint64_t categories;
	uint32_t slot, pad;
};

struct sl_mention {
	uint16_t list;
	uint8_t category, slot;
};

struct sl_snapshot_list {
	uint32_t name, file; /* offsets in NAMES */
	uint64_t entries;    /* distinct ones, before folding */
	uint32_t category, flags;
};

enum {
	SL_SNAPSHOT_LIST_ALL = 1
}; /* flag: its exceptions count for all categories (policy-resolution line 3) */

struct sl_snapshot_category {
	uint32_t name;
	uint32_t kind; /* enum sl_list_kind */
};

struct sl_snapshot_section {
	uint64_t offset, len, checksum;
};

struct sl_snapshot_header {
	char magic[8];
	uint32_t version, size; /* size: of this header */
	uint64_t checksum;      /* of the header, this member 0 */
	uint64_t file_len;
	uint64_t generation, seed;
	uint32_t profile, flags;
	uint64_t keys, lines, entries; /* entries: distinct (key, slot, list), before folding */
	uint64_t paths, addresses;     /* keys that need a path; address prefixes */
	uint32_t combos, masks, mentions, lists, categories;
	uint32_t combo_width; /* bytes: 1, 2 or 4 */
	uint64_t probes;      /* buckets that a search looks into, at most */
	uint8_t labels_min, labels_max, segments_min, segments_max;
	uint32_t pad;
	struct sl_key_shape shape;
	struct sl_prefilter_shape prefilter;
	struct sl_snapshot_section section[SL_SECTIONS];
};

enum { SL_SNAPSHOT_FOLDED = 1 }; /* header flag */

uint64_t sl_snapshot_checksum(struct sl_bytes b, uint64_t seed);

static inline uint32_t sl_bucket_tag(uint64_t hash)
{
	return (uint32_t)hash == 0 ? 1 : (uint32_t)hash;
}

static inline uint64_t sl_bucket_of(uint64_t hash, uint64_t buckets)
{
	return (hash >> 32) * buckets >> 32;
}

#endif
