/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile.h - lists in, a snapshot out.
 *
 * Entries stream in, list by list; they are sorted in portions that fit the budget and kept as sorted runs, front-coded,
 * in memory or, where the budget is spent, wherever the caller puts them; at the end the runs are merged, folded, numbered
 * and written. The same categories, lists and entries in the same order give the same bytes, whatever the budget.
 * A compiler belongs to one thread. It opens no files: bytes leave through functions of the caller. */
#ifndef SL_POLICY_COMPILE_H
#define SL_POLICY_COMPILE_H

#include "base/diag.h"
#include "policy/category.h"
#include "policy/list.h"
#include "policy/snapshot.h"
#include "policy/suburl.h"

enum {
	SL_COMPILE_LISTS = 4096,         /* at most */
	SL_COMPILE_MEMORY_MIN = 4 << 20, /* bytes: a smaller budget counts as this */
	SL_COMPILE_TABLES = 32,   /* bytes a key that the tables of a snapshot take while they are made */
	SL_COMPILE_WARNINGS = 10, /* of a kind, told to diag */
};

/* A place for runs that do not fit; both return SL_OK or a failure, which ends the compiling. Offsets count from 0, are
 * written once and without gaps, and read later, several times. */
struct sl_spill {
	void *ctx;
	int (*write)(void *ctx, uint64_t offset, struct sl_bytes b);
	int (*read)(void *ctx, uint64_t offset, void *out, size_t len);
};

/* Where the snapshot goes. Every byte is written once, not in order; the header comes last. */
struct sl_image_sink {
	void *ctx;
	int (*write)(void *ctx, uint64_t offset, struct sl_bytes b);
};

struct sl_compile_cfg {
	uint64_t
	        memory; /* bytes, of all that the compiler holds; 0: no limit. The tables of the snapshot must fit
	                  * (SL_COMPILE_TABLES), runs are spilled */
	uint64_t generation;
	uint64_t
	        seed; /* of all hashes; 0: made from the entries, so that their author cannot plan collisions */
	bool fold;    /* policy-resolution line 10; only where the profile is native */
	/* Keys and answers as NEURLFilter's, where it is not native: entries are those of a data set (suburl.h), to the letter,
	 * and whatever blocks counts (NE-URL-10). */
	enum sl_profile profile;
	enum sl_suburl_www www; /* what becomes of entries with www. then */
	const struct sl_suburl_regex
	        *regex; /* NULL: none. Of ne27 only: keys are what it makes of entries (NE-URL-39) */
	const struct sl_spill *spill; /* NULL: none; then SL_ELIMIT where the budget is spent */
	const struct sl_diag *diag;   /* NULL: none */
	/* NULL: none. Now and then, with done of total, while the snapshot is made; another answer than SL_OK ends it. */
	int (*progress)(void *ctx, uint64_t done, uint64_t total);
	void *progress_ctx;
};

struct sl_compile_stats {
	uint64_t entries;       /* as they came */
	uint64_t duplicates;    /* of them, said before by the same list in the same scope */
	uint64_t keys_unfolded; /* distinct keys before folding */
	uint64_t keys;          /* and after */
	uint64_t folded;        /* entries that a parent of the same category made needless */
	uint64_t paths;         /* keys with a path, which TLS can never match */
	uint64_t addresses;     /* keys that are destination addresses */
	uint64_t too_deep;      /* entries refused: more segments than any request is asked with */
	uint64_t never_named;   /* entries that block what the never-block set frees: they never count */
	/* Of another profile than native: entries that such a data set cannot hold (exceptions, allow and never lists, subdomains
	 * only, prefixes of addresses, too long); of the others, those that meant one host and count for all below it; and those
	 * that start with www., which ne27 never asks for. */
	uint64_t unfit, widened, www_unreachable;
	uint32_t combinations;                      /* of what lists say of a key */
	uint32_t runs, spilled;                     /* sorted runs; of them, put outside */
	uint64_t spilled_bytes, memory_peak, bytes; /* bytes: of the snapshot */
};

struct sl_compile_list {
	const char *name, *file; /* copied */
	uint16_t category;
	bool exceptions_all; /* its exceptions count for all categories (policy-resolution line 3) */
};

struct sl_compile;

int sl_compile_new(const struct sl_compile_cfg *cfg, struct sl_compile **out);
void sl_compile_free(struct sl_compile **c);

/* Categories in the order of the configuration; names are unique. *number gets its bit in masks.
 * SL_OK, SL_EEXIST, SL_ELIMIT beyond SL_CATEGORIES, SL_ENOMEM. */
int sl_compile_category(struct sl_compile *c, const char *name, enum sl_list_kind kind, uint16_t *number);

/* Between begin and end, entries are of this list; after drop, none of them ever was, nor the list, nor
 * its category where that is the newest and has no other list. Names of lists are
 * unique (SL_EEXIST). SL_OK, SL_EINVAL, SL_ELIMIT, SL_ENOMEM. */
int sl_compile_begin(struct sl_compile *c, const struct sl_compile_list *list);
void sl_compile_end(struct sl_compile *c);
void sl_compile_drop(struct sl_compile *c);

/* A sink for readers (list.h): compiler is the struct sl_compile.
 * SL_OK; SL_ELIMIT: the budget is spent; SL_ENOMEM; what spill answered. After a failure only drop and free make sense. */
int sl_compile_add(void *compiler, const struct sl_list_entry *e);

/* Merges and writes. Once; then only sl_compile_free(). stats may be NULL; it is set in any case.
 * SL_OK; SL_ELIMIT: too many keys, lines or combinations, or the tables do not fit the budget; SL_ENOMEM; SL_EMALF: what
 * was spilled came back otherwise; what sink, spill or progress answered. */
int sl_compile_finish(struct sl_compile *c, const struct sl_image_sink *sink, struct sl_compile_stats *stats);

#endif
