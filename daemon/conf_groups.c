/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_groups.c - reads `groups`. */
#include <stdlib.h>
#include <strings.h>

#include "daemon/conf_group.h"
#include "daemon/conf_group_value.h"
#include "daemon/conf_reader.h"
#include "daemon/conf_value.h"
#include "policy/words.h"

static const char *const role_names[] = { "block", "shadow", "off", "on" };

const char *sl_role_name(enum sl_role role)
{
	return role_names[role];
}

/* Room for one more of an array, zeroed; NULL: no memory, which is noted. */
static void *add_one(struct sl_conf_reader *r, void *array, size_t *n, size_t size)
{
	void **at = array, *more = realloc(*at, (*n + 1) * size);
	if (more == NULL) {
		r->nomem = true;
		return NULL;
	}
	*at = more;
	void *one = (char *)more + (*n)++ * size;
	memset(one, 0, size);
	return one;
}

static const char *text_of(const struct sl_yaml_node *node)
{
	return node->kind == SL_YAML_SCALAR ? node->text : NULL;
}

/* Each entry of a sequence, or the one scalar that stands in its place. */
static void each(struct sl_conf_reader *r, const struct sl_yaml_node *node, const char *key,
                 const char *expected,
                 void (*read)(struct sl_conf_reader *r, const struct sl_yaml_node *node, void *ctx),
                 void *ctx)
{
	if (node->kind == SL_YAML_SCALAR)
		read(r, node, ctx);
	else if (node->kind != SL_YAML_SEQUENCE && node->kind != SL_YAML_NULL)
		sl_conf_reader_refuse(r, node, key, expected, "");
	for (const struct sl_yaml_node *c = node->kind == SL_YAML_SEQUENCE ? node->child : NULL;
	     c != NULL && r->errors.count <= SL_CONF_ERRORS_SHOWN; c = c->next)
		read(r, c, ctx);
}

static void read_choice(struct sl_conf_reader *r, const struct sl_yaml_node *node, const char *key,
                        const char *words, int *to)
{
	const struct sl_conf_opt opt = { .type = SL_CONF_choice, .words = words };
	sl_conf_reader_value(r, node, key, &opt, to);
}

/* ---- clients ---- */

static const char a_client[] =
        "an address, a prefix, a MAC, an interface or a VLAN, such as 192.168.1.7, fd00::/64, "
        "02:00:5e:10:00:01, lan0 or \"vlan 10\"";

static void read_client(struct sl_conf_reader *r, const struct sl_yaml_node *node, void *ctx)
{
	struct sl_conf_group *g = ctx;
	char why[SL_CONF_WHY_MAX] = "";
	struct sl_conf_client one = { .at = node->line };
	if (text_of(node) == NULL || sl_conf_client_read(node->text, &one, why) != SL_OK) {
		sl_conf_reader_refuse(r, node, "groups: clients", a_client, why);
		return;
	}
	if (r->clients++ == SL_CONF_CLIENTS_MAX) {
		sl_conf_error(&r->errors, node->line, "groups: more than %d clients", SL_CONF_CLIENTS_MAX);
		return;
	}
	struct sl_conf_client *place = add_one(r, &g->client, &g->clients, sizeof(one));
	if (place != NULL)
		*place = one;
}

/* ---- roles ---- */

static void read_role(struct sl_conf_reader *r, const struct sl_yaml_node *node, struct sl_conf_roles *roles)
{
	char label[SL_CONF_SHOWN_MAX + 32], shown[SL_CONF_SHOWN_MAX];
	int role = SL_ROLE_BLOCK;
	unsigned before = r->errors.count;
	(void)snprintf(label, sizeof(label), "groups: roles: %s", sl_conf_shown(node->key, shown));
	read_choice(r, node, label, "block|shadow|off|on", &role);
	struct sl_conf_role *one =
	        r->errors.count > before ? NULL : add_one(r, &roles->one, &roles->n, sizeof(*one));
	if (one == NULL)
		return;
	*one = (struct sl_conf_role){ strdup(node->key), (enum sl_role)role, node->key_line };
	r->nomem = r->nomem || one->list == NULL;
}

static void read_roles(struct sl_conf_reader *r, const struct sl_yaml_node *node, struct sl_conf_roles *roles)
{
	if (node->kind != SL_YAML_MAPPING && node->kind != SL_YAML_NULL)
		sl_conf_reader_refuse(
		        r, node, "groups: roles",
		        "a mapping of lists to block, shadow, off or on, such as \"ads: shadow\"", "");
	for (const struct sl_yaml_node *c = node->kind == SL_YAML_MAPPING ? node->child : NULL; c != NULL;
	     c = c->next)
		read_role(r, c, roles);
}

/* ---- rules ---- */

static void read_word(struct sl_conf_reader *r, const struct sl_yaml_node *node, struct sl_conf_group *g,
                      bool allow)
{
	char name[SL_WORD_MAX];
	const char *why = "";
	if (text_of(node) == NULL || sl_word_canon(sl_bytes_str(node->text), name, &why) != SL_OK) {
		sl_conf_reader_refuse(r, node, allow ? "groups: allow" : "groups: block",
		                      "a host, *.HOST, HOST/PATH, an address or a prefix", why);
		return;
	}
	if (g->words == SL_CONF_WORDS_MAX) {
		sl_conf_error(&r->errors, node->line, "groups: more than %d names; make a list of them",
		              SL_CONF_WORDS_MAX);
		return;
	}
	struct sl_conf_word *one = add_one(r, &g->word, &g->words, sizeof(*one));
	if (one == NULL)
		return;
	*one = (struct sl_conf_word){ strdup(name), allow, node->line };
	r->nomem = r->nomem || one->name == NULL;
}

static void read_allow(struct sl_conf_reader *r, const struct sl_yaml_node *node, void *ctx)
{
	read_word(r, node, ctx, true);
}

static void read_block(struct sl_conf_reader *r, const struct sl_yaml_node *node, void *ctx)
{
	read_word(r, node, ctx, false);
}

/* ---- schedules ---- */

static void read_days(struct sl_conf_reader *r, const struct sl_yaml_node *node, void *ctx)
{
	struct sl_conf_schedule *s = ctx;
	if (text_of(node) == NULL || sl_conf_days_read(node->text, &s->when.days) != SL_OK)
		sl_conf_reader_refuse(
		        r, node, "groups: schedules: days",
		        "days or spans of them: sun, mon, tue, wed, thu, fri, sat, such as mon-fri", "");
}

static bool read_time(struct sl_conf_reader *r, const struct sl_yaml_node *node, const char *key,
                      uint16_t *minutes)
{
	if (text_of(node) != NULL && sl_conf_time_read(node->text, minutes) == SL_OK)
		return true;
	sl_conf_reader_refuse(r, node, key, "a time of the day, such as \"07:30\" or \"24:00\"", "");
	return false;
}

static void unknown_key(struct sl_conf_reader *r, const struct sl_yaml_node *node, const char *where,
                        const char *const *known, size_t n)
{
	char shown[SL_CONF_SHOWN_MAX], question[SL_CONF_SHOWN_MAX];
	struct sl_near near = sl_near_to(node->key);
	for (size_t i = 0; i < n; i++)
		sl_near_try(&near, sl_bytes_str(known[i]));
	sl_conf_error(&r->errors, node->key_line, "%s: unknown key %s%s", where,
	              sl_conf_shown(node->key, shown), sl_near_question(&near, "; ", question));
}

/* Names of groups and schedules: what one types behind --group. */
static char *read_name(struct sl_conf_reader *r, const struct sl_yaml_node *node, const char *key)
{
	const char *text = text_of(node);
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
	size_t len = text == NULL ? 0 : strspn(text, allowed);
	if (len == 0 || len > SL_GROUP_NAME_MAX || text[len] != '\0') {
		sl_conf_reader_refuse(r, node, key, "a name of at most 40 letters, digits, - _ and .", "");
		return NULL;
	}
	char *name = strdup(text);
	r->nomem = r->nomem || name == NULL;
	return name;
}

static void read_schedule(struct sl_conf_reader *r, const struct sl_yaml_node *node, void *ctx)
{
	static const char *const keys[] = { "name", "days", "from", "to", "roles", "default" };
	struct sl_conf_group *g = ctx;
	if (node->kind != SL_YAML_MAPPING || g->schedules == SL_CONF_SCHEDULES_MAX) {
		sl_conf_reader_refuse(r, node, "groups: schedules",
		                      "at most 32 of them, each with from, to and roles", "");
		return;
	}
	struct sl_conf_schedule *s = add_one(r, &g->schedule, &g->schedules, sizeof(*s));
	if (s == NULL)
		return;
	s->at = node->line;
	s->roles.fallback = -1;
	s->when = (struct sl_schedule){ 0, 0, SL_DAY_MINUTES };
	bool days = false;
	for (const struct sl_yaml_node *c = node->child; c != NULL; c = c->next) {
		if (strcmp(c->key, "name") == 0)
			s->name = read_name(r, c, "groups: schedules: name");
		else if (strcmp(c->key, "days") == 0)
			days = (each(r, c, "groups: schedules: days", "days, such as mon-fri", read_days, s),
			        true);
		else if (strcmp(c->key, "from") == 0)
			(void)read_time(r, c, "groups: schedules: from", &s->when.from);
		else if (strcmp(c->key, "to") == 0)
			(void)read_time(r, c, "groups: schedules: to", &s->when.to);
		else if (strcmp(c->key, "roles") == 0)
			read_roles(r, c, &s->roles);
		else if (strcmp(c->key, "default") == 0)
			read_choice(r, c, "groups: schedules: default", "allow|block",
			            (s->roles.fallback = 0, &s->roles.fallback));
		else
			unknown_key(r, c, "groups: schedules", keys, SL_COUNT(keys));
	}
	if (!days)
		s->when.days = 127;
	if (s->when.from == SL_DAY_MINUTES)
		sl_conf_error(&r->errors, s->at,
		              "groups: schedules: from: found 24:00, expected at most 23:59");
	if (s->name == NULL && r->errors.count == 0) {
		char name[24];
		(void)snprintf(name, sizeof(name), "schedule-%zu", g->schedules);
		s->name = strdup(name);
		r->nomem = r->nomem || s->name == NULL;
	}
}

/* ---- a group ---- */

static void read_ech(struct sl_conf_reader *r, const struct sl_yaml_node *node, struct sl_conf_group *g)
{
	int word = 0;
	unsigned before = r->errors.count;
	read_choice(r, node, "groups: ech", "allow|block", &word);
	if (r->errors.count == before)
		g->ech = word == 1 ? SL_GROUP_ECH_BLOCK : SL_GROUP_ECH_ALLOW;
}

static void read_key(struct sl_conf_reader *r, const struct sl_yaml_node *c, struct sl_conf_group *g)
{
	static const char *const keys[] = { "name",  "clients", "roles", "default",
		                            "allow", "block",   "ech",   "schedules" };
	if (strcmp(c->key, "name") == 0)
		g->name = read_name(r, c, "groups: name");
	else if (strcmp(c->key, "clients") == 0)
		each(r, c, "groups: clients", a_client, read_client, g);
	else if (strcmp(c->key, "roles") == 0)
		read_roles(r, c, &g->roles);
	else if (strcmp(c->key, "default") == 0)
		read_choice(r, c, "groups: default", "allow|block",
		            (g->roles.fallback = 0, &g->roles.fallback));
	else if (strcmp(c->key, "allow") == 0)
		each(r, c, "groups: allow", "names", read_allow, g);
	else if (strcmp(c->key, "block") == 0)
		each(r, c, "groups: block", "names", read_block, g);
	else if (strcmp(c->key, "ech") == 0)
		read_ech(r, c, g);
	else if (strcmp(c->key, "schedules") == 0)
		each(r, c, "groups: schedules", "a sequence of schedules", read_schedule, g);
	else
		unknown_key(r, c, "groups", keys, SL_COUNT(keys));
}

static void read_group(struct sl_conf_reader *r, const struct sl_yaml_node *node, void *ctx)
{
	struct sl_conf *conf = r->conf;
	unsigned before = r->errors.count;
	(void)ctx;
	if (node->kind != SL_YAML_MAPPING) {
		sl_conf_reader_refuse(r, node, "groups", "the keys of a group, such as \"name: kids\"", "");
		return;
	}
	if (conf->groups == SL_GROUPS_MAX - 1) {
		sl_conf_error(&r->errors, node->line, "more than %d groups", SL_GROUPS_MAX - 1);
		return;
	}
	struct sl_conf_group *g = add_one(r, &conf->group, &conf->groups, sizeof(*g));
	if (g == NULL)
		return;
	g->at = node->line;
	g->roles.fallback = -1;
	for (const struct sl_yaml_node *c = node->child; c != NULL; c = c->next)
		read_key(r, c, g);
	if (g->name == NULL && r->errors.count == before && !r->nomem)
		sl_conf_error(&r->errors, node->line, "groups: the key \"name\" is missing");
}

void sl_conf_groups_read(struct sl_conf_reader *r, const struct sl_yaml_node *node)
{
	if (node->kind == SL_YAML_SCALAR)
		sl_conf_reader_refuse(r, node, "groups", "a sequence of groups: \"- name: kids\"", "");
	else
		each(r, node, "groups", "a sequence of groups: \"- name: kids\"", read_group, NULL);
}

/* ---- what can be said when all is read ---- */

static const struct sl_conf_list *find_list(const struct sl_conf *c, const char *name)
{
	for (size_t i = 0; i < c->lists; i++)
		if (c->list[i].kind != SL_LIST_NEVER && strcmp(c->list[i].name, name) == 0)
			return &c->list[i];
	return NULL;
}

static void check_roles(struct sl_conf_reader *r, const struct sl_conf_roles *roles)
{
	char shown[SL_CONF_SHOWN_MAX], question[SL_CONF_SHOWN_MAX];
	for (size_t i = 0; i < roles->n; i++) {
		const struct sl_conf_role *one = &roles->one[i];
		const struct sl_conf_list *list = find_list(r->conf, one->list);
		struct sl_near near = sl_near_to(one->list);
		for (size_t k = 0; k < r->conf->lists; k++)
			sl_near_try(&near, sl_bytes_str(r->conf->list[k].name));
		if (list == NULL)
			sl_conf_error(&r->errors, one->at, "groups: roles: there is no list %s%s",
			              sl_conf_shown(one->list, shown),
			              sl_near_question(&near, "; ", question));
		else if (!sl_role_fits(one->role, list->kind))
			sl_conf_error(&r->errors, one->at, "groups: roles: %s: found \"%s\", expected %s",
			              sl_conf_shown(one->list, shown), sl_role_name(one->role),
			              list->kind == SL_LIST_ALLOW
			                      ? "on or off, as the list allows"
			                      : "block, shadow or off, as the list blocks");
	}
}

static void refuse_twins(struct sl_conf_reader *r, const struct sl_conf_group *g)
{
	char shown[SL_CONF_SHOWN_MAX];
	for (const struct sl_conf_group *o = r->conf->group; o < g; o++)
		if (strcmp(o->name, g->name) == 0)
			sl_conf_error(&r->errors, g->at,
			              "groups: the name %s is taken by the group in line %u",
			              sl_conf_shown(g->name, shown), o->at);
	if (strcmp(g->name, "all") == 0)
		sl_conf_error(&r->errors, g->at,
		              "groups: the name \"all\" stands for all groups; take another");
	if (strcmp(g->name, "default") == 0 && g->clients > 0)
		sl_conf_error(
		        &r->errors, g->at,
		        "groups: clients: found some, expected none, as in the group default is whoever is "
		        "in no other");
	if (strcmp(g->name, "default") != 0 && g->clients == 0)
		sl_conf_error(&r->errors, g->at, "groups: the group %s has no clients",
		              sl_conf_shown(g->name, shown));
}

/* A client is in one group: who is named by two is an error, and not a riddle. */
static void refuse_shared_clients(struct sl_conf_reader *r, const struct sl_conf_group *g, size_t n)
{
	char text[SL_CONF_CLIENT_TEXT];
	const struct sl_conf_client *c = &g->client[n];
	for (const struct sl_conf_group *o = r->conf->group; o <= g; o++)
		for (size_t i = 0; i < o->clients && (o < g || i < n); i++)
			if (sl_conf_client_equal(&o->client[i], c)) {
				sl_conf_error(
				        &r->errors, c->at,
				        "groups: clients: %s is there twice, in line %u, too; expected it "
				        "in one group",
				        sl_conf_client_text(c, text), o->client[i].at);
				return;
			}
}

void sl_conf_groups_finish(struct sl_conf_reader *r)
{
	struct sl_conf *conf = r->conf;
	if (r->errors.count > 0 || r->nomem)
		return;
	for (size_t i = 0; i < conf->groups; i++) {
		const struct sl_conf_group *g = &conf->group[i];
		refuse_twins(r, g);
		check_roles(r, &g->roles);
		for (size_t k = 0; k < g->schedules; k++)
			check_roles(r, &g->schedule[k].roles);
		for (size_t k = 0; k < g->clients && r->errors.count <= SL_CONF_ERRORS_SHOWN; k++)
			refuse_shared_clients(r, g, k);
	}
}

static void free_roles(struct sl_conf_roles *roles)
{
	for (size_t i = 0; i < roles->n; i++)
		free(roles->one[i].list);
	free(roles->one);
}

void sl_conf_groups_free(struct sl_conf_group **group, size_t n)
{
	struct sl_conf_group *gone = sl_take(group);
	for (size_t i = 0; i < n; i++) {
		struct sl_conf_group *g = &gone[i];
		for (size_t k = 0; k < g->schedules; k++) {
			free(g->schedule[k].name);
			free_roles(&g->schedule[k].roles);
		}
		for (size_t k = 0; k < g->words; k++)
			free(g->word[k].name);
		free_roles(&g->roles);
		free(g->schedule);
		free(g->word);
		free(g->client);
		free(g->name);
	}
	free(gone);
}
