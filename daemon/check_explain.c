/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/check_explain.h"

#include "daemon/json_text.h"

struct explain {
	const struct sl_snapshot *s;
	json_t *tried;
};

/* policy-resolution line 6: exact at depth 0, below at depth > 0, tree and path at any; never-block names are trees. */
static bool counts(const struct sl_tried *t, enum sl_scope scope)
{
	switch (scope) {
	case SL_SCOPE_EXACT:
		return !t->below && !t->address;
	case SL_SCOPE_BELOW:
		return t->below && !t->address;
	case SL_SCOPE_ADDRESS:
		return t->address;
	default:
		return !t->address;
	}
}

static json_t *mention_of(const struct sl_snapshot *s, const struct sl_tried *t,
                          const struct sl_snapshot_mention *m)
{
	static const char *const scope[] = { "exact", "below", "tree", "path", "address" };
	const char *list = sl_snapshot_list_name(s, m->list), *file = sl_snapshot_list_file(s, m->list),
	           *category = sl_snapshot_category_name(s, m->category);

	return json_pack("{s:o, s:o, s:o, s:I, s:s, s:s, s:b, s:b}", "list", sl_json_text(sl_bytes_str(list)),
	                 "file", sl_json_text(sl_bytes_str(file)), "category",
	                 sl_json_text(sl_bytes_str(category)), "line", (json_int_t)m->line, "scope",
	                 scope[m->scope], "effect", m->effect == SL_EFFECT_EXCEPT ? "except" : "block",
	                 "important", m->important, "counts", counts(t, m->scope));
}

static int tell(void *ctx, const struct sl_tried *t)
{
	const struct explain *e = (const struct explain *)ctx;
	bool found = t->number != UINT64_MAX;
	struct sl_snapshot_mention m;
	json_t *one = json_pack("{s:o, s:s, s:b}", "key", sl_json_text(t->key), "prefilter",
	                        t->perhaps ? "perhaps" : "absent", "found", found);

	json_t *mentions = found ? json_array() : NULL;
	for (unsigned i = 0; found && sl_snapshot_mention(e->s, t->number, i, &m) == SL_OK; i++)
		(void)json_array_append_new(mentions, mention_of(e->s, t, &m));
	if (mentions != NULL)
		(void)json_object_set_new(one, "mentions", mentions);
	return json_array_append_new(e->tried, one) == 0 ? SL_OK : SL_ENOMEM;
}

json_t *sl_check_explain(const struct sl_policy *p, const struct sl_query *q)
{
	struct explain e = { sl_policy_snapshot(p), json_array() };

	if (e.tried != NULL && sl_explain(e.s, q, tell, &e) != SL_OK) {
		json_decref(e.tried);
		return NULL;
	}
	return e.tried;
}
