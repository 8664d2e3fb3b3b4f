/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/standing.h"

#include "base/hash.h"
#include "daemon/conf_group_value.h"
#include "daemon/json_text.h"

static bool is_on(const struct sl_conf_schedule *s, const struct tm *local)
{
	return local != NULL && sl_schedule_is_on(&s->when, (unsigned)local->tm_wday,
	                                          (unsigned)(local->tm_hour * 60 + local->tm_min));
}

uint64_t sl_standing_moment(const struct sl_conf *c, const struct tm *local)
{
	uint64_t moment = 0;
	for (size_t i = 0; i < c->groups; i++)
		for (size_t k = 0; k < c->group[i].schedules; k++) {
			uint8_t on = is_on(&c->group[i].schedule[k], local);
			moment = sl_hash(&on, 1, moment + 1);
		}
	return moment;
}

/* ---- roles ---- */

static void apply_roles(json_t *roles, const struct sl_conf_roles *r)
{
	for (size_t i = 0; i < r->n; i++)
		(void)json_object_set_new(roles, r->one[i].list, json_string(sl_role_name(r->one[i].role)));
}

/* The list's own role, then the group's, then those of its schedules that are on, in their order; and the operator's arming last,
 * which turns a shadow into a block and nothing else. */
static json_t *roles_of(const struct sl_conf *c, const struct sl_operator *o, const struct sl_conf_group *g,
                        const struct tm *local)
{
	json_t *roles = json_object();
	for (size_t i = 0; i < c->lists; i++)
		if (c->list[i].kind != SL_LIST_NEVER)
			(void)json_object_set_new(roles, c->list[i].name,
			                          json_string(sl_role_name(c->list[i].role)));
	if (g != NULL)
		apply_roles(roles, &g->roles);
	for (size_t k = 0; g != NULL && k < g->schedules; k++)
		if (is_on(&g->schedule[k], local))
			apply_roles(roles, &g->schedule[k].roles);
	for (size_t i = 0; i < c->lists; i++) {
		const char *role = json_string_value(json_object_get(roles, c->list[i].name));
		if (role != NULL && strcmp(role, "shadow") == 0 && sl_operator_is_armed(o, c->list[i].name))
			(void)json_object_set_new(roles, c->list[i].name, json_string("block"));
	}
	return roles;
}

static bool blocks_by_default(const struct sl_conf_group *g, const struct tm *local)
{
	int fallback = g == NULL ? 0 : g->roles.fallback;
	for (size_t k = 0; g != NULL && k < g->schedules; k++)
		if (g->schedule[k].roles.fallback >= 0 && is_on(&g->schedule[k], local))
			fallback = g->schedule[k].roles.fallback;
	return fallback == 1;
}

/* ---- clients ---- */

/* A VLAN or a name may be many interfaces, and none. */
static void add_interfaces(json_t *clients, const struct sl_conf_client *c, const struct sl_interfaces *i)
{
	bool vlan = c->kind == SL_CLIENT_VLAN;
	for (size_t k = 0; k < i->n; k++)
		if (vlan ? i->one[k].vlan == c->vlan : sl_interface_named(&i->one[k], c->inside.ifname))
			(void)json_array_append_new(clients, json_pack("[s, I]", vlan ? "vlan" : "interface",
			                                               (json_int_t)i->one[k].number));
}

static json_t *clients_of(const struct sl_conf_group *g, const struct sl_interfaces *i)
{
	char text[SL_CONF_CLIENT_TEXT];
	json_t *clients = json_array();
	for (size_t k = 0; g != NULL && k < g->clients; k++) {
		const struct sl_conf_client *c = &g->client[k];
		if (c->kind == SL_CLIENT_MAC || c->kind == SL_CLIENT_PREFIX)
			(void)json_array_append_new(
			        clients, json_pack("[s, s]", c->kind == SL_CLIENT_MAC ? "mac" : "prefix",
			                           sl_conf_client_text(c, text)));
		else
			add_interfaces(clients, c, i);
	}
	return clients;
}

static json_t *group_of(const struct sl_conf *c, const struct sl_operator *o, const struct sl_interfaces *i,
                        const struct sl_conf_group *g, const struct tm *local)
{
	const char *schedule = "";
	for (size_t k = 0; g != NULL && k < g->schedules; k++)
		if (is_on(&g->schedule[k], local))
			schedule = g->schedule[k].name;
	return json_pack("{s:s, s:o, s:o, s:b, s:i, s:s}", "name", g == NULL ? "default" : g->name, "clients",
	                 clients_of(g, i), "roles", roles_of(c, o, g, local), "default_block",
	                 blocks_by_default(g, local), "ech", g == NULL ? 0 : (int)g->ech, "schedule",
	                 schedule);
}

static bool is_default(const struct sl_conf_group *g)
{
	return strcmp(g->name, "default") == 0;
}

static json_t *groups_of(const struct sl_conf *c, const struct sl_operator *o, const struct sl_interfaces *i,
                         const struct tm *local)
{
	const struct sl_conf_group *plain = NULL;
	json_t *groups = json_array();
	for (size_t k = 0; k < c->groups; k++)
		if (is_default(&c->group[k]))
			plain = &c->group[k];
	(void)json_array_append_new(groups, group_of(c, o, i, plain, local));
	for (size_t k = 0; k < c->groups; k++)
		if (&c->group[k] != plain)
			(void)json_array_append_new(groups, group_of(c, o, i, &c->group[k], local));
	return groups;
}

/* ---- words ---- */

/* Those of the configuration first: what the operator says at the keyboard is newer than any of them. Of the configuration the last
 * line is the newest. */
static json_t *words_of(const struct sl_conf *c, const struct sl_operator *o)
{
	json_t *words = json_array();
	json_int_t age = 0;
	for (size_t i = 0; i < c->groups; i++)
		for (size_t k = 0; k < c->group[i].words; k++) {
			const struct sl_conf_word *w = &c->group[i].word[k];
			(void)json_array_append_new(words, json_pack("[i, b, s, s, I, i]", 0, w->allow,
			                                             w->name, c->group[i].name, ++age, 0));
		}
	for (size_t i = 0; i < o->n; i++) {
		const struct sl_operator_entry *e = &o->entry[i];
		if (e->what != SL_OPERATOR_ARM)
			(void)json_array_append_new(words, json_pack("[I, b, s, s?, I, I]", (json_int_t)e->id,
			                                             e->what == SL_OPERATOR_ALLOW, e->name,
			                                             e->group, ++age, (json_int_t)e->until));
	}
	return words;
}

json_t *sl_standing_write(const struct sl_conf *c, const struct sl_operator *o, const struct sl_interfaces *i,
                          const struct tm *local)
{
	return json_pack("{s:o, s:o}", "groups", groups_of(c, o, i, local), "words", words_of(c, o));
}

int sl_standing_apply(const struct sl_conf *c, const struct tm *local, struct sl_policy **policy)
{
	const struct sl_interfaces none = { NULL, 0 };
	struct sl_group_numbers numbers = { .name = { "" } };
	struct sl_groups *groups = NULL;
	struct sl_policy *grouped = NULL;
	struct sl_operator nothing;
	sl_operator_init(&nothing);
	json_t *standing = sl_standing_write(c, &nothing, &none, local);
	int err = sl_standing_read(standing, sl_policy_snapshot(*policy), &numbers, &groups);
	if (err == SL_OK)
		err = sl_policy_regroup(*policy, &groups, &grouped);
	if (err == SL_OK) {
		sl_policy_free(policy);
		*policy = grouped;
	}
	sl_groups_free(&groups);
	json_decref(standing);
	return err;
}
