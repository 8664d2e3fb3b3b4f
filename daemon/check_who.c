/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/check_who.h"

#include <stdio.h>

#include "base/util.h"
#include "daemon/conf_group_value.h"
#include "daemon/json_text.h"

enum { CLIENT_MAX = 80 };

static int read_part(struct sl_bytes part, struct sl_client *out, bool *has_address)
{
	char text[CLIENT_MAX], why[SL_CONF_WHY_MAX];
	struct sl_conf_client c;
	part = sl_bytes_trim(part);
	if (part.len == 0 || part.len >= sizeof(text))
		return SL_EMALF;
	(void)snprintf(text, sizeof(text), "%.*s", (int)part.len, (const char *)part.p);
	if (sl_prefix_read(part, &out->address) == SL_OK && sl_prefix_whole(&out->address)) {
		*has_address = true;
		return SL_OK;
	}
	if (sl_conf_client_read(text, &c, why) != SL_OK || c.kind != SL_CLIENT_MAC)
		return SL_EMALF;
	out->has_mac = true;
	memcpy(out->mac, c.mac, sizeof(out->mac));
	return SL_OK;
}

static int read_client(const char *text, struct sl_client *out)
{
	struct sl_bytes rest = sl_bytes_str(text);
	bool has_address = false;
	*out = (struct sl_client){ .has_mac = false };
	while (rest.len > 0) {
		struct sl_bytes part = sl_bytes_first(rest, sl_bytes_find(rest, ','));
		if (read_part(part, out, &has_address) != SL_OK)
			return SL_EMALF;
		rest = sl_bytes_skip(rest, part.len + 1);
	}
	if (!has_address) /* one that no prefix but ::/0 holds */
		out->address = (struct sl_prefix){ .v6 = true, .len = SL_PREFIX_V6 };
	return has_address || out->has_mac ? SL_OK : SL_EMALF;
}

int sl_check_who(const struct sl_policy *p, const char *client, const char *group, int64_t now_us,
                 struct sl_check_who *out, const char **why)
{
	static const char *const kinds[] = { "its MAC", "the longest prefix", "its VLAN", "its interface" };
	struct sl_client c;
	enum sl_client_kind by;
	*out = (struct sl_check_who){ sl_policy_groups(p), SL_GROUP_DEFAULT, "no client was named", now_us };
	if (client == NULL && group == NULL)
		return SL_OK;
	*why = "the policy has no groups";
	if (out->groups == NULL)
		return SL_EMALF;
	*why = "a client is an address, a MAC, or both with a comma between; for whoever comes in by an "
	       "interface or "
	       "VLAN, name the group";
	if (client != NULL) {
		if (read_client(client, &c) != SL_OK)
			return SL_EMALF;
		out->group = sl_groups_find(out->groups, &c, &by);
		out->by = out->group == SL_GROUP_DEFAULT ? "it is in no other group" : kinds[by];
	}
	if (group == NULL)
		return SL_OK;
	*why = "there is no such group";
	out->group = sl_groups_number(out->groups, group);
	out->by = "it was named";
	return out->group == SL_GROUPS_MAX ? SL_EMALF : SL_OK;
}

const struct sl_word *sl_check_who_ask(const struct sl_check_who *who, struct sl_query *q)
{
	struct sl_host host;
	struct sl_prefix literal;
	if (who == NULL || who->groups == NULL)
		return NULL;
	q->roles = &sl_groups_group(who->groups, who->group)->roles;
	struct sl_words_query w = { .path = q->path, .group = who->group, .now_us = who->now_us };
	if (sl_host_canon(q->host, &host) == SL_OK)
		w.host = &host;
	if (w.host != NULL && host.address &&
	    sl_prefix_read(sl_bytes_of(host.name, host.len), &literal) == SL_OK)
		w.address = &literal;
	return sl_words_ask(sl_groups_words(who->groups), &w);
}

static json_t *names_of(const struct sl_snapshot *s, uint64_t mask)
{
	json_t *names = json_array();
	for (; mask != 0; mask &= mask - 1) {
		const char *name = sl_snapshot_category_name(s, (uint16_t)__builtin_ctzll(mask));
		(void)json_array_append_new(names, sl_json_text(sl_bytes_str(name)));
	}
	return names;
}

json_t *sl_check_who_json(const struct sl_check_who *who, const struct sl_snapshot *s)
{
	const struct sl_group *g = sl_groups_group(who->groups, who->group);
	const struct sl_roles *r = &g->roles;
	struct sl_snapshot_info info;
	uint64_t off = 0;
	sl_snapshot_info(s, &info);
	for (uint16_t c = 0; c < info.categories && c < SL_CATEGORIES; c++)
		if (sl_snapshot_category_kind(s, c) != SL_LIST_NEVER)
			off |= UINT64_C(1) << c;
	off &= ~(r->block | r->shadow | r->allow);
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "group", g->name, "by", who->by,
	                 "schedule", g->schedule, "default", r->default_block ? "block" : "allow", "block",
	                 names_of(s, r->block), "shadow", names_of(s, r->shadow), "allow",
	                 names_of(s, r->allow), "off", names_of(s, off));
}
