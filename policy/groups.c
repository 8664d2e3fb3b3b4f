/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/groups.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/util.h"

/* MAC, VLAN and interface as one number each: the kind stands in the top byte, so that 0 is none. */
struct exact {
	uint64_t key;
	uint8_t group;
};

struct sl_groups {
	struct sl_group group[SL_GROUPS_MAX];
	struct sl_prefix_map prefixes;
	struct exact *exact; /* NULL where there are none */
	uint32_t exact_mask;
	bool has[SL_CLIENT_INTERFACE + 1];
	struct sl_words *words;
};

static uint64_t key_of(enum sl_client_kind kind, uint64_t value)
{
	return (uint64_t)(kind + 1) << 56 | value;
}

static uint64_t mac_value(const uint8_t mac[6])
{
	uint64_t v = 0;
	for (int i = 0; i < 6; i++)
		v = v << 8 | mac[i];
	return v;
}

static struct exact *place(const struct sl_groups *g, uint64_t key)
{
	uint32_t at = (uint32_t)sl_hash(&key, sizeof(key), 0) & g->exact_mask;
	while (g->exact[at].key != 0 && g->exact[at].key != key)
		at = (at + 1) & g->exact_mask;
	return &g->exact[at];
}

static int add_client(struct sl_groups *g, const struct sl_group_client *c)
{
	if (c->group >= SL_GROUPS_MAX)
		return SL_EINVAL;
	g->has[c->kind] = true;
	if (c->kind == SL_CLIENT_PREFIX) {
		uint32_t number = c->group;
		(void)sl_prefix_map_add(&g->prefixes, &c->prefix, &number);
		return SL_OK;
	}
	uint64_t value = c->kind == SL_CLIENT_MAC ? mac_value(c->mac) : c->number;
	struct exact *e = place(g, key_of(c->kind, value));
	if (e->key == 0)
		*e = (struct exact){ key_of(c->kind, value), c->group };
	return SL_OK;
}

static int make_room(struct sl_groups *g, const struct sl_groups_cfg *cfg)
{
	size_t prefixes = 0, slots = 4;
	for (size_t i = 0; i < cfg->clients; i++)
		prefixes += cfg->client[i].kind == SL_CLIENT_PREFIX;
	size_t exact = cfg->clients - prefixes;
	while (slots < exact * 2)
		slots *= 2;
	if (exact > 0) {
		g->exact = (struct exact *)calloc(slots, sizeof(*g->exact));
		g->exact_mask = (uint32_t)slots - 1;
		if (g->exact == NULL)
			return SL_ENOMEM;
	}
	return sl_prefix_map_init(&g->prefixes, prefixes);
}

int sl_groups_new(const struct sl_groups_cfg *cfg, struct sl_groups **out)
{
	struct sl_groups *g = (struct sl_groups *)calloc(1, sizeof(*g));
	if (g == NULL)
		return SL_ENOMEM;
	memcpy(g->group, cfg->group, sizeof(g->group));
	int err = cfg->clients > SL_PREFIX_MAP_MAX ? SL_ELIMIT : make_room(g, cfg);
	for (size_t i = 0; i < cfg->clients && err == SL_OK; i++)
		err = add_client(g, &cfg->client[i]);
	if (err == SL_OK)
		err = sl_words_new(cfg->word, cfg->words, &g->words);
	if (err == SL_OK)
		*out = sl_take(&g);
	sl_groups_free(&g);
	return err;
}

void sl_groups_free(struct sl_groups **g)
{
	struct sl_groups *gone = sl_take(g);
	if (gone == NULL)
		return;
	sl_prefix_map_clear(&gone->prefixes);
	sl_words_free(&gone->words);
	free(gone->exact);
	free(gone);
}

static bool find_exact(const struct sl_groups *g, enum sl_client_kind kind, uint64_t value, uint8_t *group)
{
	if (!g->has[kind] || value == 0)
		return false;
	const struct exact *e = place(g, key_of(kind, value));
	*group = e->group;
	return e->key != 0;
}

uint8_t sl_groups_find(const struct sl_groups *g, const struct sl_client *c, enum sl_client_kind *by)
{
	uint8_t group = SL_GROUP_DEFAULT;
	*by = SL_CLIENT_MAC;
	if (c->has_mac && find_exact(g, SL_CLIENT_MAC, mac_value(c->mac), &group))
		return group;
	*by = SL_CLIENT_PREFIX;
	const struct sl_prefix_map_slot *s = sl_prefix_map_find(&g->prefixes, &c->address, SL_PREFIX_MAP_ANY);
	if (s != NULL)
		return (uint8_t)s->number;
	*by = SL_CLIENT_VLAN;
	if (find_exact(g, SL_CLIENT_VLAN, c->ifindex, &group))
		return group;
	*by = SL_CLIENT_INTERFACE;
	return find_exact(g, SL_CLIENT_INTERFACE, c->ifindex, &group) ? group : (uint8_t)SL_GROUP_DEFAULT;
}

const struct sl_group *sl_groups_group(const struct sl_groups *g, uint8_t number)
{
	bool known = number < SL_GROUPS_MAX && g->group[number].name[0] != '\0';
	return &g->group[known ? number : SL_GROUP_DEFAULT];
}

const struct sl_words *sl_groups_words(const struct sl_groups *g)
{
	return g->words;
}

uint8_t sl_groups_number(const struct sl_groups *g, const char *name)
{
	for (size_t i = 0; i < SL_GROUPS_MAX; i++)
		if (g->group[i].name[0] != '\0' && strcmp(g->group[i].name, name) == 0)
			return (uint8_t)i;
	return SL_GROUPS_MAX;
}
