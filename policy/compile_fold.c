/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile_fold.c - policy-resolution lines 10 and 11. Keys come sorted, parents before their children and nothing strange
 * in between, so the parents of a key that speak for a tree are a stack.
 * A host with a port is a parent of its own paths, but not of its subdomains with that port: such lists are not seen, and
 * what is not folded costs memory, never an answer. */
#include "base/util.h"
#include "policy/compile_impl.h"

enum { PLAIN_BLOCK = 0, IMPORTANT_BLOCK = 1 }; /* of sl_fold_level.tree: the slot without its scope */

static bool is_parent(const struct sl_fold_level *l, struct sl_bytes key)
{
	return l->len < key.len && (key.p[l->len] <= SL_SORT_PORT || key.p[l->len] == '/');
}

/* Leaves the parents of key on the stack. All levels are heads of the last key. */
static void pop(struct sl_fold *f, struct sl_bytes key)
{
	size_t shared = sl_sort_shared(sl_bytes_of(f->last, f->last_len), key);
	while (f->n > 0 && (f->level[f->n - 1].len > shared || !is_parent(&f->level[f->n - 1], key)))
		f->n--;
	memcpy(f->last + shared, key.p + shared, key.len - shared);
	f->last_len = key.len;
}

static int push(struct sl_compile *c, struct sl_fold *f, size_t len, const uint64_t tree[4])
{
	void *level = f->level;
	int err = sl_budget_grow(&c->budget, &level, &f->cap, f->n + 1, sizeof(*f->level));
	f->level = (struct sl_fold_level *)level;
	if (err != SL_OK)
		return err;
	f->level[f->n].len = len;
	memcpy(f->level[f->n++].tree, tree, sizeof(f->level->tree));
	return SL_OK;
}

static uint64_t never_mask(const struct sl_compile *c)
{
	uint64_t mask = 0;
	for (unsigned i = 0; i < c->categories; i++)
		mask |= (uint64_t)(c->kind[i] == SL_LIST_NEVER) << i;
	return mask;
}

static bool is_block(const struct sl_compile *c, const struct sl_say *say)
{
	return SL_SLOT_EFFECT(say->slot) == SL_EFFECT_BLOCK &&
	       c->kind[c->list[say->list].category] == SL_LIST_BLOCK;
}

static void warn(struct sl_compile *c, const struct sl_group *g, const struct sl_say *say)
{
	uint8_t text[SL_SORT_MAX];
	char name[SL_KEY_MAX + 1];
	struct sl_key key;
	if (c->stats.never_named++ >= SL_COMPILE_WARNINGS ||
	    sl_sort_read(sl_bytes_of(g->key, g->len), text, &key) != SL_OK)
		return;
	name[sl_key_write(&key, name)] = '\0';
	sl_diag(c->cfg.diag, c->list[say->list].file, say->line,
	        "%s is in the never-block set and stays allowed", name);
}

/* Line 11: what blocks the very name, or something below it. */
static void warn_never(struct sl_compile *c, const struct sl_group *g)
{
	for (size_t i = 0; i < g->n; i++)
		if (is_block(c, &g->say[i]) && SL_SLOT_SCOPE(g->say[i].slot) != SL_SCOPE_ADDRESS)
			warn(c, g, &g->say[i]);
}

static bool is_covered(const struct sl_compile *c, const struct sl_say *say, const uint64_t above[4])
{
	bool foldable = SL_SLOT_SCOPE(say->slot) != SL_SCOPE_ADDRESS &&
	                c->kind[c->list[say->list].category] != SL_LIST_NEVER;
	return foldable && (sl_compile_bits(c, say) & ~above[say->slot & 3]) == 0;
}

static void fold(struct sl_compile *c, struct sl_group *g, const uint64_t above[4])
{
	size_t n = 0;
	for (size_t i = 0; i < g->n; i++)
		if (!is_covered(c, &g->say[i], above))
			g->say[n++] = g->say[i];
	c->stats.folded += g->n - n;
	g->n = n;
}

int sl_fold_group(struct sl_compile *c, struct sl_fold *f, struct sl_group *g)
{
	uint64_t tree[4] = { 0 }, own = 0, never = never_mask(c);
	pop(f, sl_bytes_of(g->key, g->len));
	if (f->n > 0)
		memcpy(tree, f->level[f->n - 1].tree, sizeof(tree));
	for (size_t i = 0; i < g->n; i++)
		c->list[g->say[i].list].entries++;
	if (c->cfg.fold)
		fold(c, g, tree);
	for (size_t i = 0; i < g->n; i++)
		if (SL_SLOT_SCOPE(g->say[i].slot) == SL_SCOPE_TREE) {
			own |= UINT64_C(1) << (g->say[i].slot & 3);
			tree[g->say[i].slot & 3] |= sl_compile_bits(c, &g->say[i]);
		}
	if (((tree[PLAIN_BLOCK] | tree[IMPORTANT_BLOCK]) & never) != 0)
		warn_never(c, g);
	return own != 0 ? push(c, f, g->len, tree) : SL_OK;
}
