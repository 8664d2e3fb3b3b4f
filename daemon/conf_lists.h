/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_lists.h - one entry of `lists` as its keys spell it, and the table of these keys (conf_list.def). */
#ifndef SL_DAEMON_CONF_LISTS_H
#define SL_DAEMON_CONF_LISTS_H

#include "daemon/conf.h"
#include "daemon/conf_opt.h"

enum { SL_CONF_LISTS_MAX = 64 }; /* of the policy (policy/policy.h) */

/* One member a key, as conf.h has it for the options. */
struct sl_conf_list_keys {
#define SL_OPT(name, type, def, min, max, live, doc) SL_OPT_##type name;
#define SL_CHOICE(name, def, words, live, doc)       int name;
#include "daemon/conf_list.def"
#undef SL_OPT
#undef SL_CHOICE
};

/* In the order of conf_list.def; NULL beyond the last. Offsets are in struct sl_conf_list_keys. */
const struct sl_conf_opt *sl_conf_list_opt_at(size_t i);
/* Does this key mean something for a list with url only? */
bool sl_conf_list_fetch_only(const struct sl_conf_opt *opt);
/* The keys that say what list says; its strings are borrowed. */
struct sl_conf_list_keys sl_conf_list_keys_of(const struct sl_conf_list *list);

#endif
