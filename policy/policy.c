/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/policy.h"

#include <stdlib.h>

#include "base/util.h"
#include "policy/compile.h"
#include "policy/snapshot.h"

/* What policies share that differ in their groups only. */
struct shared {
	unsigned users;
	struct sl_snapshot *snapshot;
	uint8_t *image; /* NULL where it is the caller's */
	void (*release)(void *ctx);
	void *release_ctx;
};

struct sl_policy {
	const struct sl_snapshot *snapshot; /* of shared: one look less for who judges */
	struct sl_groups *groups;
	struct shared *shared;
};

struct sl_policy_builder {
	struct sl_compile *compile;
	struct sl_list_reader *reader; /* of the open list; NULL: none */
};

static int renew(struct sl_policy_builder *b)
{
	const struct sl_compile_cfg cfg = { .fold = false };
	sl_compile_free(&b->compile);
	return sl_compile_new(&cfg, &b->compile);
}

int sl_policy_builder_new(struct sl_policy_builder **out)
{
	struct sl_policy_builder *b = (struct sl_policy_builder *)calloc(1, sizeof(*b));
	int err = b == NULL ? SL_ENOMEM : renew(b);
	if (err == SL_OK)
		*out = sl_take(&b);
	free(b);
	return err;
}

void sl_policy_builder_free(struct sl_policy_builder **b)
{
	struct sl_policy_builder *gone = sl_take(b);
	if (gone == NULL)
		return;
	sl_list_reader_free(&gone->reader);
	sl_compile_free(&gone->compile);
	free(gone);
}

void sl_policy_builder_drop(struct sl_policy_builder *b)
{
	if (b->reader != NULL)
		sl_compile_drop(b->compile);
	sl_list_reader_free(&b->reader);
}

int sl_policy_builder_begin(struct sl_policy_builder *b, const struct sl_policy_list *list,
                            const struct sl_diag *diag)
{
	struct sl_compile_list made = { .name = list->name, .file = list->cfg.file };
	if (b->reader != NULL || list->name == NULL)
		return SL_EINVAL;
	int err = sl_compile_category(b->compile, list->name, list->kind, &made.category);
	if (err == SL_OK)
		err = sl_compile_begin(b->compile, &made);
	if (err == SL_OK)
		err = sl_list_reader_new(&list->cfg, sl_compile_add, b->compile, diag, &b->reader);
	if (err != SL_OK)
		sl_compile_drop(b->compile);
	return err;
}

int sl_policy_builder_feed(struct sl_policy_builder *b, struct sl_bytes piece)
{
	return b->reader == NULL ? SL_EINVAL : sl_list_reader_feed(b->reader, piece);
}

int sl_policy_builder_end(struct sl_policy_builder *b, struct sl_list_stats *stats)
{
	struct sl_list_stats ours = { 0 };
	int err = b->reader == NULL ? SL_EINVAL : sl_list_reader_end(b->reader, &ours);
	if (err == SL_OK)
		sl_compile_end(b->compile);
	else
		sl_policy_builder_drop(b);
	sl_list_reader_free(&b->reader);
	if (stats != NULL)
		*stats = ours;
	return err;
}

int sl_policy_builder_add(struct sl_policy_builder *b, const struct sl_policy_list *list,
                          struct sl_bytes text, const struct sl_diag *diag, struct sl_list_stats *stats)
{
	int err = sl_policy_builder_begin(b, list, diag);
	if (err != SL_OK)
		return err;
	(void)sl_policy_builder_feed(b, text); /* a failure sticks, and is told at the end */
	return sl_policy_builder_end(b, stats);
}

/* An image that grows as it is written. */
struct image {
	uint8_t *p;
	size_t len, cap;
};

/* Aligned as a mapping would be. Grows by doubling, so that a byte is moved once or twice. */
static int grow_image(struct image *i, size_t need)
{
	size_t cap = sl_max(i->cap * 2, (need + 4095) / 4096 * 4096);
	uint8_t *more = (uint8_t *)aligned_alloc(4096, cap);
	if (more == NULL)
		return SL_ENOMEM;
	if (i->len > 0)
		memcpy(more, i->p, i->len);
	free(i->p);
	i->p = more;
	i->cap = cap;
	return SL_OK;
}

static int write_image(void *ctx, uint64_t offset, struct sl_bytes b)
{
	struct image *i = (struct image *)ctx;
	size_t end = offset + b.len;
	int err = end > i->cap ? grow_image(i, end) : SL_OK;
	if (err != SL_OK)
		return err;
	if (offset > i->len)
		memset(i->p + i->len, 0, offset - i->len);
	memcpy(i->p + offset, b.p, b.len);
	i->len = sl_max(i->len, end);
	return SL_OK;
}

static int open_image(struct image *image, struct sl_policy **out)
{
	struct sl_snapshot *s = NULL;
	int err = sl_snapshot_open(sl_bytes_of(image->p, image->len), NULL, &s);
	if (err == SL_OK)
		err = sl_policy_of(&s, out);
	if (err == SL_OK)
		(*out)->shared->image = sl_take(&image->p);
	sl_snapshot_free(&s);
	return err;
}

int sl_policy_builder_finish(struct sl_policy_builder *b, struct sl_policy **out)
{
	struct image image = { NULL, 0, 0 };
	const struct sl_image_sink sink = { &image, write_image };
	sl_policy_builder_drop(b);
	int err = sl_compile_finish(b->compile, &sink, NULL);
	if (err == SL_OK)
		err = open_image(&image, out);
	free(image.p);
	int renewed = renew(b);
	return err != SL_OK ? err : renewed;
}

int sl_policy_of(struct sl_snapshot **s, struct sl_policy **out)
{
	struct sl_policy *p = (struct sl_policy *)calloc(1, sizeof(*p));
	struct shared *shared = (struct shared *)calloc(1, sizeof(*shared));
	if (p == NULL || shared == NULL) {
		free(p);
		free(shared);
		return SL_ENOMEM;
	}
	*shared = (struct shared){ .users = 1, .snapshot = sl_take(s) };
	p->snapshot = shared->snapshot;
	p->shared = shared;
	*out = p;
	return SL_OK;
}

int sl_policy_regroup(const struct sl_policy *p, struct sl_groups **groups, struct sl_policy **out)
{
	struct sl_policy *made = (struct sl_policy *)calloc(1, sizeof(*made));
	if (made == NULL)
		return SL_ENOMEM;
	*made = (struct sl_policy){ p->snapshot, sl_take(groups), p->shared };
	made->shared->users++;
	*out = made;
	return SL_OK;
}

const struct sl_groups *sl_policy_groups(const struct sl_policy *p)
{
	return p->groups;
}

void sl_policy_touch(const struct sl_policy *p)
{
	sl_snapshot_touch(p->snapshot);
}

const struct sl_snapshot *sl_policy_snapshot(const struct sl_policy *p)
{
	return p->snapshot;
}

void sl_policy_keep(struct sl_policy *p, void (*release)(void *ctx), void *ctx)
{
	p->shared->release = release;
	p->shared->release_ctx = ctx;
}

void sl_policy_free(struct sl_policy **p)
{
	struct sl_policy *gone = sl_take(p);
	if (gone == NULL)
		return;
	struct shared *shared = gone->shared;
	sl_groups_free(&gone->groups);
	free(gone);
	if (--shared->users > 0)
		return;
	sl_snapshot_free(&shared->snapshot);
	free(shared->image);
	if (shared->release != NULL)
		shared->release(shared->release_ctx);
	free(shared);
}

void sl_policy_decide(const struct sl_policy *p, const struct sl_query *q, struct sl_decision *out)
{
	sl_decide(p->snapshot, q, out);
}

void sl_policy_decide_many(const struct sl_policy *p, const struct sl_query *q, size_t n,
                           struct sl_decision *out)
{
	sl_decide_many(p->snapshot, q, n, out);
}

uint16_t sl_policy_lists(const struct sl_policy *p)
{
	struct sl_snapshot_info info;
	sl_snapshot_info(p->snapshot, &info);
	return (uint16_t)info.lists;
}

const char *sl_policy_list_name(const struct sl_policy *p, uint16_t list)
{
	return sl_snapshot_list_name(p->snapshot, list);
}

const char *sl_policy_list_file(const struct sl_policy *p, uint16_t list)
{
	return sl_snapshot_list_file(p->snapshot, list);
}

enum sl_list_kind sl_policy_list_kind(const struct sl_policy *p, uint16_t list)
{
	return sl_snapshot_category_kind(p->snapshot, sl_snapshot_list_category(p->snapshot, list));
}

uint64_t sl_policy_entries(const struct sl_policy *p)
{
	struct sl_snapshot_info info;
	sl_snapshot_info(p->snapshot, &info);
	return info.entries;
}
