/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile_merge.c - all runs into one order: a tree of losers, so that one step costs log2(runs) comparisons. */
#include "base/util.h"
#include "policy/compile_impl.h"

int sl_group_add(struct sl_group *g, struct sl_budget *b, const struct sl_item *item, bool *duplicate)
{
	size_t at = g->n;
	void *say = g->say;
	*duplicate = false;
	if (g->n == 0) {
		memcpy(g->key, item->key.p, item->key.len);
		g->len = item->key.len;
	}
	/* Lists come in order, so the place is near the end. */
	while (at > 0 && (g->say[at - 1].list > item->list ||
	                  (g->say[at - 1].list == item->list && g->say[at - 1].slot > item->slot)))
		at--;
	if (at > 0 && g->say[at - 1].list == item->list && g->say[at - 1].slot == item->slot) {
		struct sl_say *same = &g->say[at - 1];
		same->line = item->line < same->line ? item->line : same->line;
		*duplicate = true;
		return SL_OK;
	}
	int err = sl_budget_grow(b, &say, &g->cap, g->n + 1, sizeof(*g->say));
	g->say = (struct sl_say *)say;
	if (err != SL_OK)
		return err;
	memmove(&g->say[at + 1], &g->say[at], (g->n - at) * sizeof(*g->say));
	g->say[at] = (struct sl_say){ item->line, item->list, item->slot };
	g->n++;
	return SL_OK;
}

struct merge {
	struct sl_compile *c;
	struct sl_run_reader *run;
	uint32_t *loser; /* [0]: the winner */
	uint32_t n;
	struct sl_group group;
};

enum { NOBODY = UINT32_MAX }; /* before the first round: beats everyone */

static bool beats(const struct merge *m, uint32_t a, uint32_t b)
{
	if (a == NOBODY || b == NOBODY)
		return a == NOBODY;
	const struct sl_run_reader *x = &m->run[a], *y = &m->run[b];
	if (x->end || y->end)
		return !x->end;
	int diff = sl_sort_cmp(x->item.key, y->item.key);
	return diff != 0 ? diff < 0 : a < b; /* the older run first: it has the earlier list */
}

static void play(struct merge *m, uint32_t who)
{
	for (uint32_t node = (who + m->n) / 2; node > 0; node /= 2) {
		if (!beats(m, m->loser[node], who))
			continue;
		uint32_t other = m->loser[node];
		m->loser[node] = who;
		who = other;
	}
	m->loser[0] = who;
}

static int start(struct merge *m)
{
	int err = SL_OK;
	for (uint32_t i = 0; i < m->n; i++)
		m->loser[i] = NOBODY;
	for (uint32_t i = 0; i < m->n && err == SL_OK; i++)
		err = sl_run_start(&m->run[i], &m->c->budget, &m->c->run[i], &m->c->spill);
	for (uint32_t i = m->n; i-- > 0 && err == SL_OK;)
		play(m, i);
	return err;
}

static int flush(struct merge *m, int (*take)(void *ctx, struct sl_group *g), void *ctx)
{
	int err = m->group.n > 0 ? take(ctx, &m->group) : SL_OK;
	m->group.n = 0;
	return err;
}

static int step(struct merge *m, int (*take)(void *ctx, struct sl_group *g), void *ctx)
{
	struct sl_run_reader *r = &m->run[m->loser[0]];
	bool duplicate = false;
	int err = SL_OK;
	if (!m->c->list[r->item.list].dropped) {
		if (m->group.n > 0 && !sl_bytes_equal(r->item.key, sl_bytes_of(m->group.key, m->group.len)))
			err = flush(m, take, ctx);
		if (err == SL_OK)
			err = sl_group_add(&m->group, &m->c->budget, &r->item, &duplicate);
		m->c->stats.duplicates += duplicate;
	}
	if (err == SL_OK)
		err = sl_run_next(r, &m->c->spill);
	play(m, m->loser[0]);
	return err;
}

static int run_all(struct merge *m, int (*take)(void *ctx, struct sl_group *g), void *ctx)
{
	int err = start(m);
	while (err == SL_OK && !m->run[m->loser[0]].end)
		err = step(m, take, ctx);
	return err == SL_OK ? flush(m, take, ctx) : err;
}

int sl_compile_merge(struct sl_compile *c, int (*take)(void *ctx, struct sl_group *g), void *ctx)
{
	size_t n = c->runs;
	struct merge *m = n == 0 ? NULL : (struct merge *)sl_budget_get(&c->budget, sizeof(*m));
	if (n == 0)
		return SL_OK;
	int err = m == NULL ? SL_ENOMEM : SL_OK;
	if (err == SL_OK) {
		m->c = c;
		m->n = (uint32_t)n;
		m->run = (struct sl_run_reader *)sl_budget_get(&c->budget, n * sizeof(*m->run));
		m->loser = (uint32_t *)sl_budget_get(&c->budget, n * sizeof(*m->loser));
		err = m->run == NULL || m->loser == NULL ? SL_ENOMEM : run_all(m, take, ctx);
		for (size_t i = 0; i < n && m->run != NULL; i++)
			sl_run_stop(&m->run[i], &c->budget);
		sl_budget_put(&c->budget, m->run, n * sizeof(*m->run));
		sl_budget_put(&c->budget, m->loser, n * sizeof(*m->loser));
		sl_budget_put(&c->budget, m->group.say, m->group.cap * sizeof(*m->group.say));
	}
	sl_budget_put(&c->budget, m, sizeof(*m));
	return err;
}
