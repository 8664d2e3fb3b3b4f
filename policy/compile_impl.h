/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile_impl.h - the parts of the compiler: portion -> run -> merge -> fold -> image. Private to policy/compile*.c. */
#ifndef SL_POLICY_COMPILE_IMPL_H
#define SL_POLICY_COMPILE_IMPL_H

#include "policy/compile.h"
#include "policy/snapshot_format.h"
#include "policy/string_heap.h"

/* ---- memory, counted ---- */

struct sl_budget {
	uint64_t limit, used, peak;
	bool spent; /* it was the budget that refused, not the machine */
};

/* Cleared memory; NULL where there is none or the budget is spent. */
void *sl_budget_get(struct sl_budget *b, size_t size);
void sl_budget_put(struct sl_budget *b, void *mem, size_t size);
/* Room for need elements behind *cap of them; grows by half, and leaves what is new cleared. SL_OK or SL_ENOMEM. */
int sl_budget_grow(struct sl_budget *b, void **mem, size_t *cap, size_t need, size_t size);
/* The same, but to just need elements, and leaves what is new as it is. */
int sl_budget_widen(struct sl_budget *b, void **mem, size_t *cap, size_t need, size_t size);

/* ---- one entry on its way ---- */

struct sl_item {
	struct sl_bytes key; /* sort form */
	uint32_t line;
	uint16_t list;
	uint8_t slot;
};

/* ---- portion: entries as they came, until there are enough to sort ---- */

struct sl_portion_ref {
	uint64_t word; /* eight bytes of the key, the first highest */
	uint32_t at;   /* in mem: also the order of adding */
};

struct sl_portion {
	uint8_t *mem;               /* entries, packed */
	struct sl_portion_ref *ref; /* once sorted */
	size_t cap, used, n, refs;
	size_t max; /* bytes, with the refs that sorting needs; below 2^32 */
};

/* SL_OK; SL_EBUSY: full, sort and empty it first; SL_ENOMEM. */
int sl_portion_add(struct sl_portion *p, struct sl_budget *b, const struct sl_item *item);
/* Sorts by key, equal keys in the order of adding. seed: of pivots that nobody can plan. SL_OK, SL_ENOMEM. */
int sl_portion_sort(struct sl_portion *p, struct sl_budget *b, uint64_t seed);
void sl_portion_get(const struct sl_portion *p, size_t i, struct sl_item *out);
/* Forgets its entries, keeps its memory. */
void sl_portion_empty(struct sl_portion *p, struct sl_budget *b);
void sl_portion_free(struct sl_portion *p, struct sl_budget *b);

/* ---- run: sorted entries, coded in blocks ---- */

enum { SL_RUN_BLOCK = 64 << 10, SL_RUN_ITEM = SL_HEAP_MAX + 16 };

struct sl_run_block {
	uint8_t *mem;    /* NULL: spilled */
	uint64_t offset; /* where to */
	size_t len, cap;
};

struct sl_run {
	struct sl_run_block *block;
	size_t n, cap;
};

struct sl_run_writer {
	struct sl_budget *budget;
	const struct sl_spill *spill; /* NULL: keep in memory */
	uint64_t *spill_end;
	struct sl_run *run;
	uint8_t *buf; /* of the open block */
	size_t len;
	struct sl_heap_writer heap;
};

int sl_run_open(struct sl_run_writer *w);
int sl_run_put(struct sl_run_writer *w, const struct sl_item *item);
int sl_run_close(struct sl_run_writer *w);
void sl_run_free(struct sl_budget *b, struct sl_run *run);

struct sl_run_reader {
	const struct sl_run *run;
	uint8_t *buf; /* for spilled blocks */
	size_t block;
	struct sl_cur c;
	struct sl_heap_writer heap;
	struct sl_item item; /* the current one */
	bool end;
};

int sl_run_start(struct sl_run_reader *r, struct sl_budget *b, const struct sl_run *run,
                 const struct sl_spill *spill);
int sl_run_next(struct sl_run_reader *r, const struct sl_spill *spill);
void sl_run_stop(struct sl_run_reader *r, struct sl_budget *b);

/* ---- group: what all lists say of one key ---- */

struct sl_say {
	uint32_t line;
	uint16_t list;
	uint8_t slot;
};

struct sl_group {
	uint8_t key[SL_SORT_MAX];
	size_t len;
	struct sl_say *say; /* sorted by list and slot, each once */
	size_t n, cap;
};

/* Adds; a pair of list and slot that is there keeps its first line and counts as *duplicate. SL_OK, SL_ENOMEM. */
int sl_group_add(struct sl_group *g, struct sl_budget *b, const struct sl_item *item, bool *duplicate);

/* ---- the compiler ---- */

struct sl_compile_listed {
	char *name, *file;
	uint64_t entries;
	uint16_t category;
	uint16_t number; /* among those that were not dropped */
	bool exceptions_all, dropped;
};

struct sl_compile {
	struct sl_compile_cfg cfg;
	struct sl_spill spill;
	struct sl_budget budget;
	struct sl_portion portion;
	struct sl_run *run;
	size_t runs, runs_cap;
	uint64_t records; /* in runs */
	uint64_t spill_end;
	uint64_t digest;
	struct sl_compile_listed *list;
	size_t lists, lists_cap;
	char *category[SL_CATEGORIES];
	enum sl_list_kind kind[SL_CATEGORIES];
	uint16_t categories;
	bool open;               /* a list */
	uint64_t entries_before; /* the open list */
	struct sl_compile_stats stats;
};

/* Bits of an entry in the masks of its slot. An exception never takes from the never-block set or from an allow list of
 * others. */
static inline uint64_t sl_compile_bits(const struct sl_compile *c, const struct sl_say *say)
{
	const struct sl_compile_listed *list = &c->list[say->list];
	uint64_t bits = UINT64_C(1) << list->category;
	if (list->exceptions_all && SL_SLOT_EFFECT(say->slot) == SL_EFFECT_EXCEPT)
		for (unsigned i = 0; i < c->categories; i++)
			bits |= (uint64_t)(c->kind[i] == SL_LIST_BLOCK) << i;
	return bits;
}

/* compile_suburl.c: an entry under the keys that NE's profiles look for. As sl_compile_add(). */
int sl_compile_add_suburl(struct sl_compile *c, const struct sl_list_entry *e);
/* Puts one entry into the portion, which is made into a run where it is full. */
int sl_compile_put(struct sl_compile *c, const struct sl_key *key, uint32_t line, unsigned slot);

/* Sorts the portion into a run and empties it. */
int sl_compile_flush(struct sl_compile *c);

/* ---- merge ---- */

/* Hands each group to take(), in order. */
int sl_compile_merge(struct sl_compile *c, int (*take)(void *ctx, struct sl_group *g), void *ctx);

/* ---- fold ---- */

struct sl_fold_level {
	uint64_t tree[4]; /* by effect and importance: what this key and those above say with tree scope */
	size_t len;       /* of its key, which is the head of the last one */
};

struct sl_fold {
	uint8_t last[SL_SORT_MAX];
	size_t last_len;
	struct sl_fold_level *level;
	size_t n, cap;
};

/* Clears what a parent says already, where on; counts and warns. The group may be left empty. */
int sl_fold_group(struct sl_compile *c, struct sl_fold *f, struct sl_group *g);

/* ---- combinations ---- */

struct sl_combos {
	struct sl_combo *combo;
	struct sl_combo_mask *mask;
	struct sl_mention *mention;
	uint32_t *slot; /* hash table: number + 1 */
	size_t n, masks, mentions, combo_cap, mask_cap, mention_cap, slots;
};

/* The number of what a group says. SL_OK, SL_ENOMEM, SL_ELIMIT. */
int sl_combos_number(struct sl_compile *c, struct sl_combos *t, const struct sl_group *g, uint32_t *number);
void sl_combos_free(struct sl_compile *c, struct sl_combos *t);

/* ---- image ---- */

struct sl_image;
int sl_image_new(struct sl_compile *c, const struct sl_image_sink *sink, struct sl_image **out);
int sl_image_add(struct sl_image *i, const struct sl_group *g);
int sl_image_end(struct sl_image *i);
void sl_image_free(struct sl_image **i);

/* Places every hash into buckets, in order. *probes gets the longest search. */
void sl_index_fill(struct sl_bucket *bucket, uint64_t buckets, const uint64_t *hash, uint64_t n,
                   uint64_t *probes);

#endif
