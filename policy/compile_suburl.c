/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile_suburl.c - lists into a data set as NEURLFilter has it: one category of blocks, no exceptions (NE-URL-10), and
 * entries that cover what is below them, as sub-URLs do (NE-URL-36). */
#include "policy/compile_impl.h"
#include "policy/suburl_key.h"

enum { SLOT = SL_SLOT(SL_SCOPE_TREE, SL_EFFECT_BLOCK, 0) };

int sl_compile_add_suburl(struct sl_compile *c, const struct sl_list_entry *e)
{
	struct sl_suburl_key_text text;
	struct sl_key key[2];
	unsigned n = 0;
	char made[SL_PATH_MAX];
	bool blocks = c->kind[c->list[c->lists - 1].category] == SL_LIST_BLOCK;
	int err = SL_OK;
	if (!blocks || !sl_suburl_keys_of(e, c->cfg.www, &text, key, &n)) {
		c->stats.unfit++;
		return SL_OK;
	}
	c->stats.widened += e->scope == SL_SCOPE_EXACT && !text.entry.host.address;
	c->stats.www_unreachable += text.entry.www && c->cfg.www == SL_WWW_KEEP;
	for (unsigned i = 0; i < n && err == SL_OK; i++) {
		if (c->cfg.regex != NULL && !sl_suburl_key_made(c->cfg.regex, &key[i], made))
			c->stats.unfit++;
		else
			err = sl_compile_put(c, &key[i], e->line, SLOT);
	}
	return err;
}
