/* SPDX-License-Identifier: GPL-2.0-or-later */
/* standing_read.c - the engine's side: names become masks and numbers. */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/conf_group_value.h"
#include "daemon/standing.h"

struct made {
	struct sl_group group[SL_GROUPS_MAX];
	struct sl_group_client *client;
	size_t clients;
	struct sl_word *word;
	size_t words;
};

static const char *name_of(const json_t *group)
{
	const char *name = json_string_value(json_object_get(group, "name"));
	return name == NULL || name[0] == '\0' || strlen(name) > SL_GROUP_NAME_MAX ? NULL : name;
}

static int number_of(const struct sl_group_numbers *numbers, const char *name)
{
	for (int i = 0; i < SL_GROUPS_MAX; i++)
		if (strcmp(numbers->name[i], name) == 0)
			return i;
	return -1;
}

static bool is_named(const json_t *groups, const char *name)
{
	size_t i;
	json_t *g;
	json_array_foreach(groups, i, g) if (name_of(g) != NULL && strcmp(name_of(g), name) == 0) return true;
	return false;
}

/* One that nobody ever had, else one whose group is gone: its last flows are then taken for the new group's. */
static int free_number(const struct sl_group_numbers *numbers, const json_t *groups)
{
	for (int i = 1; i < SL_GROUPS_MAX; i++)
		if (numbers->name[i][0] == '\0')
			return i;
	for (int i = 1; i < SL_GROUPS_MAX; i++)
		if (!is_named(groups, numbers->name[i]))
			return i;
	return -1;
}

static int give_numbers(const json_t *groups, struct sl_group_numbers *numbers)
{
	size_t i;
	json_t *g;
	json_array_foreach(groups, i, g)
	{
		const char *name = name_of(g);
		if (name == NULL)
			return SL_EMALF;
		int n = i == 0 ? SL_GROUP_DEFAULT : number_of(numbers, name);
		if (n < 0)
			n = free_number(numbers, groups);
		if (n < 0)
			return SL_ELIMIT;
		(void)snprintf(numbers->name[n], sizeof(numbers->name[n]), "%s", name);
	}
	return SL_OK;
}

/* ---- masks ---- */

static void read_roles(const json_t *roles, const struct sl_snapshot *s, struct sl_roles *out)
{
	struct sl_snapshot_info info;
	sl_snapshot_info(s, &info);
	for (uint16_t c = 0; c < info.categories && c < SL_CATEGORIES; c++) {
		enum sl_list_kind kind = sl_snapshot_category_kind(s, c);
		const char *list = sl_snapshot_category_name(s, c);
		const char *role = list == NULL ? NULL : json_string_value(json_object_get(roles, list));
		uint64_t bit = UINT64_C(1) << c;
		if (kind == SL_LIST_BLOCK && (role == NULL || strcmp(role, "block") == 0))
			out->block |= bit;
		else if (kind == SL_LIST_BLOCK && strcmp(role, "shadow") == 0)
			out->shadow |= bit;
		else if (kind == SL_LIST_ALLOW && (role == NULL || strcmp(role, "on") == 0))
			out->allow |= bit;
	}
}

/* ---- clients ---- */

static int read_client(const json_t *client, uint8_t group, struct sl_group_client *out)
{
	const char *kind = json_string_value(json_array_get(client, 0));
	const json_t *value = json_array_get(client, 1);
	const char *text = json_string_value(value);
	struct sl_conf_client typed;
	char why[SL_CONF_WHY_MAX];
	json_int_t number = json_integer_value(value);
	*out = (struct sl_group_client){ .group = group };
	if (kind == NULL)
		return SL_EMALF;
	if (strcmp(kind, "prefix") == 0) {
		out->kind = SL_CLIENT_PREFIX;
		return text == NULL || sl_prefix_read(sl_bytes_str(text), &out->prefix) != SL_OK ? SL_EMALF
		                                                                                 : SL_OK;
	}
	if (strcmp(kind, "mac") == 0) {
		out->kind = SL_CLIENT_MAC;
		if (text == NULL || sl_conf_client_read(text, &typed, why) != SL_OK ||
		    typed.kind != SL_CLIENT_MAC)
			return SL_EMALF;
		memcpy(out->mac, typed.mac, sizeof(out->mac));
		return SL_OK;
	}
	out->kind = strcmp(kind, "vlan") == 0 ? SL_CLIENT_VLAN : SL_CLIENT_INTERFACE;
	out->number = (uint32_t)number;
	return number > 0 && number <= UINT32_MAX ? SL_OK : SL_EMALF;
}

static int read_clients(const json_t *clients, uint8_t group, struct made *m)
{
	size_t n = json_array_size(clients);
	struct sl_group_client *more = realloc(m->client, (m->clients + n + 1) * sizeof(*more));
	int err = more == NULL ? SL_ENOMEM : SL_OK;
	if (more != NULL)
		m->client = more;
	for (size_t i = 0; i < n && err == SL_OK; i++)
		err = read_client(json_array_get(clients, i), group, &m->client[m->clients++]);
	return err;
}

static int read_group(const json_t *g, const struct sl_snapshot *s, const struct sl_group_numbers *numbers,
                      bool first, struct made *m)
{
	int n = first ? SL_GROUP_DEFAULT : number_of(numbers, name_of(g));
	struct sl_group *out = &m->group[n];
	const char *schedule = json_string_value(json_object_get(g, "schedule"));
	json_int_t ech = json_integer_value(json_object_get(g, "ech"));
	(void)snprintf(out->name, sizeof(out->name), "%s", name_of(g));
	(void)snprintf(out->schedule, sizeof(out->schedule), "%s", schedule == NULL ? "" : schedule);
	read_roles(json_object_get(g, "roles"), s, &out->roles);
	out->roles.default_block = json_is_true(json_object_get(g, "default_block"));
	if (ech < SL_GROUP_ECH_AS_IS || ech > SL_GROUP_ECH_BLOCK)
		return SL_EMALF;
	out->ech = (enum sl_group_ech)ech;
	return read_clients(json_object_get(g, "clients"), (uint8_t)n, m);
}

/* ---- words ---- */

/* One for a group that is no more speaks to nobody: it is left out. */
static int read_word(const json_t *w, const struct made *m, struct sl_word *out, bool *left_out)
{
	const char *name = json_string_value(json_array_get(w, 2));
	const char *group = json_string_value(json_array_get(w, 3));
	json_int_t until = json_integer_value(json_array_get(w, 5));
	*out = (struct sl_word){ .name = name,
		                 .allow = json_is_true(json_array_get(w, 1)),
		                 .group = SL_WORD_ALL_GROUPS,
		                 .age = (uint64_t)json_integer_value(json_array_get(w, 4)),
		                 .until_us = until * 1000000,
		                 .id = (uint32_t)json_integer_value(json_array_get(w, 0)) };
	*left_out = group != NULL;
	for (unsigned i = 0; group != NULL && i < SL_GROUPS_MAX; i++)
		if (m->group[i].name[0] != '\0' && strcmp(m->group[i].name, group) == 0) {
			out->group = (uint8_t)i;
			*left_out = false;
		}
	return name == NULL || until < 0 || until > INT64_MAX / 1000000 ? SL_EMALF : SL_OK;
}

static int read_words(const json_t *words, struct made *m)
{
	size_t n = json_array_size(words);
	bool left_out;
	m->word = calloc(n + 1, sizeof(*m->word));
	int err = m->word == NULL ? SL_ENOMEM : SL_OK;
	for (size_t i = 0; i < n && err == SL_OK; i++) {
		err = read_word(json_array_get(words, i), m, &m->word[m->words], &left_out);
		m->words += !left_out;
	}
	return err;
}

int sl_standing_read(const json_t *standing, const struct sl_snapshot *s, struct sl_group_numbers *numbers,
                     struct sl_groups **out)
{
	const json_t *groups = json_object_get(standing, "groups");
	struct made *m = calloc(1, sizeof(*m));
	struct sl_group_numbers next = *numbers;
	int err = m == NULL                      ? SL_ENOMEM
	          : json_array_size(groups) == 0 ? SL_EMALF
	                                         : give_numbers(groups, &next);
	for (size_t i = 0; i < json_array_size(groups) && err == SL_OK; i++)
		err = read_group(json_array_get(groups, i), s, &next, i == 0, m);
	if (err == SL_OK)
		err = read_words(json_object_get(standing, "words"), m);
	if (err == SL_OK) {
		const struct sl_groups_cfg cfg = { m->group, m->client, m->clients, m->word, m->words };
		err = sl_groups_new(&cfg, out);
	}
	if (err == SL_OK)
		*numbers = next;
	if (m != NULL) {
		free(m->client);
		free(m->word);
	}
	free(m);
	return err;
}
