/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/compile.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/util.h"
#include "policy/compile_impl.h"

enum { PORTION_MAX = 64 << 20, PORTION_SHARE = 8, RUN_BUFFERS = 2 };

int sl_compile_new(const struct sl_compile_cfg *cfg, struct sl_compile **out)
{
	struct sl_compile *c = (struct sl_compile *)calloc(1, sizeof(*c));
	if (c == NULL)
		return SL_ENOMEM;
	c->cfg = *cfg;
	c->cfg.fold = cfg->fold && cfg->profile == SL_PROFILE_NATIVE;
	if (cfg->spill != NULL)
		c->spill = *cfg->spill;
	c->budget.limit = cfg->memory == 0 ? UINT64_MAX : sl_max(cfg->memory, SL_COMPILE_MEMORY_MIN);
	c->portion.max = sl_min(PORTION_MAX, c->budget.limit / PORTION_SHARE);
	*out = c;
	return SL_OK;
}

void sl_compile_free(struct sl_compile **c)
{
	struct sl_compile *gone = sl_take(c);
	if (gone == NULL)
		return;
	sl_portion_free(&gone->portion, &gone->budget);
	for (size_t i = 0; i < gone->runs; i++)
		sl_run_free(&gone->budget, &gone->run[i]);
	free(gone->run);
	for (size_t i = 0; i < gone->lists; i++) {
		free(gone->list[i].name);
		free(gone->list[i].file);
	}
	free(gone->list);
	for (size_t i = 0; i < gone->categories; i++)
		free(gone->category[i]);
	free(gone);
}

int sl_compile_category(struct sl_compile *c, const char *name, enum sl_list_kind kind, uint16_t *number)
{
	if (name == NULL || (unsigned)kind >= SL_LIST_KINDS)
		return SL_EINVAL;
	for (uint16_t i = 0; i < c->categories; i++)
		if (strcmp(c->category[i], name) == 0)
			return SL_EEXIST;
	if (c->categories == SL_CATEGORIES)
		return SL_ELIMIT;
	c->category[c->categories] = strdup(name);
	if (c->category[c->categories] == NULL)
		return SL_ENOMEM;
	c->kind[c->categories] = kind;
	*number = c->categories++;
	return SL_OK;
}

int sl_compile_begin(struct sl_compile *c, const struct sl_compile_list *list)
{
	if (c->open || list->name == NULL || list->category >= c->categories)
		return SL_EINVAL;
	for (size_t i = 0; i < c->lists; i++)
		if (!c->list[i].dropped && strcmp(c->list[i].name, list->name) == 0)
			return SL_EEXIST;
	if (c->lists == SL_COMPILE_LISTS)
		return SL_ELIMIT;
	void *lists = c->list;
	if (sl_budget_grow(&c->budget, &lists, &c->lists_cap, c->lists + 1, sizeof(*c->list)) != SL_OK)
		return SL_ENOMEM;
	c->list = (struct sl_compile_listed *)lists;
	struct sl_compile_listed made = { .name = strdup(list->name),
		                          .file = strdup(list->file == NULL ? "" : list->file),
		                          .category = list->category,
		                          .exceptions_all = list->exceptions_all };
	if (made.name == NULL || made.file == NULL) {
		free(made.name);
		free(made.file);
		return SL_ENOMEM;
	}
	c->list[c->lists++] = made;
	c->entries_before = c->stats.entries;
	c->open = true;
	return SL_OK;
}

void sl_compile_end(struct sl_compile *c)
{
	c->open = false;
}

static bool is_used(const struct sl_compile *c, uint16_t category)
{
	for (size_t i = 0; i < c->lists; i++)
		if (!c->list[i].dropped && c->list[i].category == category)
			return true;
	return false;
}

/* Its entries are passed over in the merge. */
void sl_compile_drop(struct sl_compile *c)
{
	if (!c->open)
		return;
	struct sl_compile_listed *list = &c->list[c->lists - 1];
	list->dropped = true;
	c->open = false;
	c->stats.entries = c->entries_before;
	if (list->category + 1 == c->categories && !is_used(c, list->category))
		free(c->category[--c->categories]);
}

/* Runs go outside when they would leave no room for what is to come: the buffers of the merge and the tables. */
static bool must_spill(const struct sl_compile *c)
{
	uint64_t keys = c->records + c->portion.n;
	uint64_t later = keys * SL_COMPILE_TABLES + (c->runs + 1) * SL_RUN_BLOCK;
	uint64_t now = c->budget.used + c->portion.n * sizeof(*c->portion.ref) +
	               (uint64_t)RUN_BUFFERS * SL_RUN_BLOCK;
	return sl_max(now + c->portion.used, c->budget.used + later) > c->budget.limit;
}

/* One group's entries, as far as they are not said twice. */
static int put_group(struct sl_compile *c, struct sl_run_writer *w, struct sl_group *g)
{
	int err = SL_OK;
	for (size_t i = 0; i < g->n && err == SL_OK; i++) {
		const struct sl_say *say = &g->say[i];
		err = sl_run_put(
		        w, &(struct sl_item){ sl_bytes_of(g->key, g->len), say->line, say->list, say->slot });
		c->records += err == SL_OK;
	}
	g->n = 0;
	return err;
}

static int write_run(struct sl_compile *c, struct sl_run_writer *w, struct sl_group *g)
{
	int err = sl_run_open(w);
	for (size_t i = 0; i < c->portion.n && err == SL_OK; i++) {
		struct sl_item item;
		bool duplicate = false;
		sl_portion_get(&c->portion, i, &item);
		if (g->n > 0 && !sl_bytes_equal(item.key, sl_bytes_of(g->key, g->len)))
			err = put_group(c, w, g);
		if (err == SL_OK)
			err = sl_group_add(g, &c->budget, &item, &duplicate);
		c->stats.duplicates += duplicate;
	}
	if (err == SL_OK)
		err = put_group(c, w, g);
	int closed = sl_run_close(w);
	return err != SL_OK ? err : closed;
}

static int sort_run(struct sl_compile *c, struct sl_run *run, bool spill)
{
	struct sl_run_writer *w = (struct sl_run_writer *)sl_budget_get(&c->budget, sizeof(*w));
	struct sl_group *g = (struct sl_group *)sl_budget_get(&c->budget, sizeof(*g));
	int err = w == NULL || g == NULL ? SL_ENOMEM : sl_portion_sort(&c->portion, &c->budget, c->digest);
	if (err == SL_OK) {
		*w = (struct sl_run_writer){ .budget = &c->budget,
			                     .spill = spill ? &c->spill : NULL,
			                     .spill_end = &c->spill_end,
			                     .run = run };
		err = write_run(c, w, g);
		sl_budget_put(&c->budget, g->say, g->cap * sizeof(*g->say));
	}
	sl_budget_put(&c->budget, g, sizeof(*g));
	sl_budget_put(&c->budget, w, sizeof(*w));
	return err;
}

int sl_compile_flush(struct sl_compile *c)
{
	void *runs = c->run;
	bool spill = must_spill(c);
	if (c->portion.n == 0)
		return SL_OK;
	if (spill && c->cfg.spill == NULL) {
		c->budget.spent = true;
		return SL_ELIMIT;
	}
	int err = sl_budget_grow(&c->budget, &runs, &c->runs_cap, c->runs + 1, sizeof(*c->run));
	c->run = (struct sl_run *)runs;
	if (err != SL_OK)
		return err;
	err = sort_run(c, &c->run[c->runs++], spill);
	c->stats.runs++;
	c->stats.spilled += spill;
	sl_portion_empty(&c->portion, &c->budget);
	return err;
}

/* The scope that counts: a never-block name is a tree, whatever its file says (policy-resolution line 6d). */
static enum sl_scope scope_of(const struct sl_compile *c, const struct sl_list_entry *e)
{
	enum sl_list_kind kind = c->kind[c->list[c->lists - 1].category];
	bool host = e->scope == SL_SCOPE_EXACT || e->scope == SL_SCOPE_BELOW;
	return kind == SL_LIST_NEVER && host ? SL_SCOPE_TREE : e->scope;
}

static int spent(const struct sl_compile *c, int err)
{
	return err == SL_ENOMEM && c->budget.spent ? SL_ELIMIT : err;
}

int sl_compile_put(struct sl_compile *c, const struct sl_key *key, uint32_t line, unsigned slot)
{
	uint8_t sorted[SL_SORT_MAX];
	struct sl_item item = { sl_bytes_of(sorted, sl_sort_write(key, sorted)), line,
		                (uint16_t)(c->lists - 1), (uint8_t)slot };
	c->digest = sl_hash(item.key.p, item.key.len, c->digest + item.slot);
	int err = sl_portion_add(&c->portion, &c->budget, &item);
	if (err == SL_EBUSY) {
		err = sl_compile_flush(c);
		if (err == SL_OK)
			err = sl_portion_add(&c->portion, &c->budget, &item);
	}
	return spent(c, err);
}

int sl_compile_add(void *compiler, const struct sl_list_entry *e)
{
	struct sl_compile *c = (struct sl_compile *)compiler;
	char text[SL_KEY_PREFIX_MAX + 1];
	if (!c->open)
		return SL_EINVAL;
	c->stats.entries++;
	if (c->cfg.profile != SL_PROFILE_NATIVE)
		return sl_compile_add_suburl(c, e);
	struct sl_key key = e->scope == SL_SCOPE_ADDRESS
	                            ? sl_key_of_prefix(e->prefix.v6, e->prefix.addr, e->prefix.len, text)
	                            : sl_key_of(e->host, e->port, e->path);
	if (e->scope == SL_SCOPE_PATH && sl_key_segments(key.path) > SL_KEY_SEGMENTS) {
		c->stats.too_deep++;
		return SL_OK;
	}
	return sl_compile_put(c, &key, e->line, SL_SLOT(scope_of(c, e), e->effect, e->important));
}

static void number_lists(struct sl_compile *c)
{
	uint16_t n = 0;
	for (size_t i = 0; i < c->lists; i++)
		if (!c->list[i].dropped)
			c->list[i].number = n++;
}

struct finish {
	struct sl_compile *c;
	struct sl_fold fold;
	struct sl_image *image;
	uint64_t done;
};

enum { PROGRESS = 1 << 16 }; /* keys between two reports */

static int take_group(void *ctx, struct sl_group *g)
{
	struct finish *f = (struct finish *)ctx;
	struct sl_compile *c = f->c;
	f->done += g->n;
	c->stats.keys_unfolded++;
	int err = sl_fold_group(c, &f->fold, g);
	if (err == SL_OK && g->n > 0)
		err = sl_image_add(f->image, g);
	if (err == SL_OK && c->cfg.progress != NULL && c->stats.keys_unfolded % PROGRESS == 0)
		err = c->cfg.progress(c->cfg.progress_ctx, f->done, c->records);
	return err;
}

static int merge(struct sl_compile *c, const struct sl_image_sink *sink)
{
	struct finish *f = (struct finish *)sl_budget_get(&c->budget, sizeof(*f));
	if (f == NULL)
		return SL_ENOMEM;
	f->c = c;
	int err = sl_image_new(c, sink, &f->image);
	if (err == SL_OK)
		err = sl_compile_merge(c, take_group, f);
	if (err == SL_OK)
		err = sl_image_end(f->image);
	sl_image_free(&f->image);
	sl_budget_put(&c->budget, f->fold.level, f->fold.cap * sizeof(*f->fold.level));
	sl_budget_put(&c->budget, f, sizeof(*f));
	return err;
}

int sl_compile_finish(struct sl_compile *c, const struct sl_image_sink *sink, struct sl_compile_stats *stats)
{
	int err = c->open ? SL_EINVAL : sl_compile_flush(c);
	sl_portion_free(&c->portion, &c->budget);
	number_lists(c);
	if (c->cfg.seed == 0)
		c->cfg.seed = c->digest == 0 ? 1 : c->digest;
	if (err == SL_OK)
		err = merge(c, sink);
	c->stats.memory_peak = c->budget.peak;
	c->stats.spilled_bytes = c->spill_end;
	if (stats != NULL)
		*stats = c->stats;
	return spent(c, err);
}
