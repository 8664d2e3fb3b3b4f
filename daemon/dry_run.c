/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/dry_run.h"

#include "daemon/json_text.h"

struct count {
	json_int_t names, blocked, newly_blocked, newly_allowed;
	json_t *lists, *examples;
	int failed;
};

static const char *list_of(const struct sl_policy *p, const struct sl_decision *d)
{
	const char *list = sl_policy_list_name(p, d->list);
	return list == NULL ? "" : list;
}

static void show(struct count *c, struct sl_bytes name, const char *verdict, const char *list)
{
	json_t *one = json_object();
	int rc = json_object_set_new(one, "name", sl_json_text(name));

	rc |= json_object_set_new(one, "verdict", json_string(verdict));
	rc |= json_object_set_new(one, "list", sl_json_text(sl_bytes_str(list)));
	c->failed |= rc | json_array_append_new(c->examples, one);
}

/* Of the group default; NULL: the policy knows of no groups, and every list is on. */
static const struct sl_roles *roles_of(const struct sl_policy *p)
{
	const struct sl_groups *groups = sl_policy_groups(p);
	return groups == NULL ? NULL : &sl_groups_group(groups, SL_GROUP_DEFAULT)->roles;
}

static void note(struct count *c, struct sl_bytes name, const struct sl_policy *before,
                 const struct sl_policy *after)
{
	struct sl_query q = { .host = name, .roles = roles_of(before) };
	struct sl_decision was, is;

	sl_policy_decide(before, &q, &was);
	q.roles = roles_of(after);
	sl_policy_decide(after, &q, &is);
	if (is.bad_host)
		return;
	c->names++;
	c->blocked += was.block;
	if (was.block == is.block)
		return;
	json_int_t *changed = is.block ? &c->newly_blocked : &c->newly_allowed;
	const char *list = is.block ? list_of(after, &is) : list_of(before, &was);
	if ((*changed)++ < SL_DRY_RUN_EXAMPLES)
		show(c, name, is.block ? "block" : "allow", list);
	if (is.block)
		c->failed |= json_object_set_new(
		        c->lists, list,
		        json_integer(json_integer_value(json_object_get(c->lists, list)) + 1));
}

json_t *sl_dry_run(const struct sl_policy *before, const struct sl_policy *after,
                   const struct sl_seen_names *names, int64_t since_us)
{
	struct count c = { .lists = json_object(), .examples = json_array() };
	char name[SL_SEEN_NAME_MAX];
	size_t at = 0, len;

	while ((len = sl_seen_names_next(names, &at, since_us, name)) > 0)
		note(&c, sl_bytes_of(name, len), before, after);
	json_t *out = json_pack("{s:I, s:I, s:I, s:I, s:o, s:o}", "names", c.names, "blocked", c.blocked,
	                        "newly_blocked", c.newly_blocked, "newly_allowed", c.newly_allowed, "lists",
	                        c.lists, "examples", c.examples);
	if (out != NULL && c.failed == 0)
		return out;
	json_decref(out);
	return NULL;
}
