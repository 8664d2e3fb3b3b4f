/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/conf_lists.h"

#define SL_OPT(name, type, def, min, max, live, doc) \
	{ #name, def, NULL, doc, min, max, offsetof(struct sl_conf_list_keys, name), SL_CONF_##type, live },
#define SL_CHOICE(name, def, words, live, doc) \
	{ #name, def, words, doc, 0, 0, offsetof(struct sl_conf_list_keys, name), SL_CONF_choice, live },
static const struct sl_conf_opt opts[] = {
#include "daemon/conf_list.def"
};
#undef SL_OPT
#undef SL_CHOICE

const struct sl_conf_opt *sl_conf_list_opt_at(size_t i)
{
	return i < SL_COUNT(opts) ? &opts[i] : NULL;
}

bool sl_conf_list_fetch_only(const struct sl_conf_opt *opt)
{
	return opt->offset == offsetof(struct sl_conf_list_keys, update) ||
	       opt->offset == offsetof(struct sl_conf_list_keys, max_size);
}

struct sl_conf_list_keys sl_conf_list_keys_of(const struct sl_conf_list *list)
{
	return (struct sl_conf_list_keys){
		.file = list->url == NULL ? list->file : NULL,
		.url = list->url,
		.update = list->update,
		.max_size = list->max_size,
		.sha256 = list->sha256,
		.sign_key = list->sign_key,
		.min_entries = list->min_entries,
		.max_growth = list->max_growth,
		.max_shrink = list->max_shrink,
		.max_newly_blocked = list->max_newly_blocked,
		.every = list->every_skip,
		.name = list->name,
		.format = (int)list->format, /* the words of conf_list.def stand in the order of the enums */
		.action = list->kind == SL_LIST_ALLOW,
		.role = list->role == (list->kind == SL_LIST_ALLOW ? SL_ROLE_ON : SL_ROLE_BLOCK)
		                ? 0
		                : (int)list->role + 1,
		.wildcard = list->wildcard_below,
		.subdomains = list->subdomains,
		.max_refused = list->max_refused,
		.max_unpacked = list->max_unpacked,
	};
}
