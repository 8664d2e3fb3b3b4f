/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile_combo.c - most keys are named by one list in one way, and nearly all by one of a few hundred combinations of
 * lists and ways: each is written once, and a key holds its number. */
#include "base/hash.h"
#include "base/util.h"
#include "policy/compile_impl.h"

enum { MENTIONS_MAX = UINT16_MAX };

static struct sl_mention mention_of(const struct sl_compile *c, const struct sl_say *say)
{
	const struct sl_compile_listed *list = &c->list[say->list];
	return (struct sl_mention){ list->number, (uint8_t)list->category, say->slot };
}

static uint64_t hash_say(const struct sl_compile *c, const struct sl_group *g)
{
	uint64_t hash = g->n;
	for (size_t i = 0; i < g->n; i++) {
		struct sl_mention m = mention_of(c, &g->say[i]);
		hash = sl_hash(&m, sizeof(m), hash);
	}
	return hash;
}

static bool is_same(const struct sl_compile *c, const struct sl_combos *t, const struct sl_combo *combo,
                    const struct sl_group *g)
{
	bool same = combo->mentions == g->n;
	for (size_t i = 0; i < g->n && same; i++) {
		struct sl_mention m = mention_of(c, &g->say[i]);
		same = memcmp(&m, &t->mention[combo->mention + i], sizeof(m)) == 0;
	}
	return same;
}

static uint64_t hash_combo(const struct sl_combos *t, const struct sl_combo *combo)
{
	uint64_t hash = combo->mentions;
	for (size_t i = 0; i < combo->mentions; i++)
		hash = sl_hash(&t->mention[combo->mention + i], sizeof(*t->mention), hash);
	return hash;
}

/* Twice the slots, at most half of them full. */
static int rehash(struct sl_compile *c, struct sl_combos *t)
{
	size_t slots = sl_max(t->slots * 2, 256);
	uint32_t *slot = (uint32_t *)sl_budget_get(&c->budget, slots * sizeof(*slot));
	if (slot == NULL)
		return SL_ENOMEM;
	for (size_t i = 0; i < t->n; i++) {
		size_t at = hash_combo(t, &t->combo[i]) & (slots - 1);
		while (slot[at] != 0)
			at = (at + 1) & (slots - 1);
		slot[at] = (uint32_t)i + 1;
	}
	sl_budget_put(&c->budget, t->slot, t->slots * sizeof(*slot));
	t->slot = slot;
	t->slots = slots;
	return SL_OK;
}

static int reserve(struct sl_compile *c, struct sl_combos *t, size_t say)
{
	void *combo = t->combo, *mask = t->mask, *mention = t->mention;
	if (say > MENTIONS_MAX || t->mentions + say > UINT32_MAX || t->masks + say > UINT32_MAX)
		return SL_ELIMIT;
	int err = sl_budget_grow(&c->budget, &combo, &t->combo_cap, t->n + 1, sizeof(*t->combo));
	t->combo = (struct sl_combo *)combo;
	if (err == SL_OK)
		err = sl_budget_grow(&c->budget, &mask, &t->mask_cap, t->masks + SL_SLOTS, sizeof(*t->mask));
	t->mask = (struct sl_combo_mask *)mask;
	if (err == SL_OK)
		err = sl_budget_grow(&c->budget, &mention, &t->mention_cap, t->mentions + say,
		                     sizeof(*t->mention));
	t->mention = (struct sl_mention *)mention;
	return err;
}

static void add_bits(struct sl_combos *t, struct sl_combo *combo, uint32_t slot, uint64_t bits)
{
	for (size_t i = 0; i < combo->masks; i++)
		if (t->mask[combo->mask + i].slot == slot) {
			t->mask[combo->mask + i].categories |= bits;
			return;
		}
	t->mask[t->masks++] = (struct sl_combo_mask){ bits, slot, 0 };
	combo->masks++;
}

static int add_combo(struct sl_compile *c, struct sl_combos *t, const struct sl_group *g)
{
	int err = reserve(c, t, g->n);
	if (err != SL_OK)
		return err;
	struct sl_combo *combo = &t->combo[t->n++];
	*combo = (struct sl_combo){ (uint32_t)t->masks, (uint32_t)t->mentions, 0, (uint16_t)g->n };
	for (size_t i = 0; i < g->n; i++) {
		t->mention[t->mentions++] = mention_of(c, &g->say[i]);
		add_bits(t, combo, g->say[i].slot, sl_compile_bits(c, &g->say[i]));
	}
	return SL_OK;
}

int sl_combos_number(struct sl_compile *c, struct sl_combos *t, const struct sl_group *g, uint32_t *number)
{
	int err = t->n * 2 >= t->slots ? rehash(c, t) : SL_OK;
	if (err != SL_OK)
		return err;
	size_t at = hash_say(c, g) & (t->slots - 1);
	for (; t->slot[at] != 0; at = (at + 1) & (t->slots - 1)) {
		*number = t->slot[at] - 1;
		if (is_same(c, t, &t->combo[*number], g))
			return SL_OK;
	}
	err = add_combo(c, t, g);
	if (err == SL_OK) {
		*number = (uint32_t)t->n - 1;
		t->slot[at] = (uint32_t)t->n;
	}
	return err;
}

void sl_combos_free(struct sl_compile *c, struct sl_combos *t)
{
	sl_budget_put(&c->budget, t->combo, t->combo_cap * sizeof(*t->combo));
	sl_budget_put(&c->budget, t->mask, t->mask_cap * sizeof(*t->mask));
	sl_budget_put(&c->budget, t->mention, t->mention_cap * sizeof(*t->mention));
	sl_budget_put(&c->budget, t->slot, t->slots * sizeof(*t->slot));
	*t = (struct sl_combos){ .n = 0 };
}
