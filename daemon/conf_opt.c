/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/conf_opt.h"

#include "daemon/conf.h"

#define SL_OPT(name, type, def, min, max, live, doc) \
	{ #name, def, NULL, doc, min, max, offsetof(struct sl_conf, name), SL_CONF_##type, live },
#define SL_CHOICE(name, def, words, live, doc) \
	{ #name, def, words, doc, 0, 0, offsetof(struct sl_conf, name), SL_CONF_choice, live },
static const struct sl_conf_opt opts[] = {
#include "daemon/conf.def"
};
#undef SL_OPT
#undef SL_CHOICE

const struct sl_conf_opt *sl_conf_opt_at(size_t i)
{
	return i < SL_COUNT(opts) ? &opts[i] : NULL;
}

const struct sl_conf_opt *sl_conf_opt_find(const char *name)
{
	for (size_t i = 0; i < SL_COUNT(opts); i++)
		if (strcmp(opts[i].name, name) == 0)
			return &opts[i];
	return NULL;
}

struct sl_bytes sl_conf_word(const char *words, size_t i)
{
	struct sl_bytes rest = sl_bytes_str(words);
	for (; i > 0 && rest.len > 0; i--)
		rest = sl_bytes_skip(rest, sl_bytes_find(rest, '|') + 1);
	if (rest.len == 0)
		return (struct sl_bytes){ NULL, 0 };
	return sl_bytes_first(rest, sl_bytes_find(rest, '|'));
}

int sl_conf_word_find(const char *words, const char *text)
{
	for (size_t i = 0; sl_conf_word(words, i).p != NULL; i++)
		if (sl_bytes_equal(sl_conf_word(words, i), sl_bytes_str(text)))
			return (int)i;
	return -1;
}
