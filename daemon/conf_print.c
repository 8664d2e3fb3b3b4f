/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/conf_groups_print.h"
#include "daemon/conf_inside.h"
#include "daemon/conf_lists.h"
#include "daemon/conf_value.h"

static void print_inside(const struct sl_conf *c, FILE *to)
{
	char text[SL_INSIDE_TEXT_MAX];
	(void)fputs("inside:\n", to);
	for (size_t i = 0; i < c->insides; i++)
		(void)fprintf(to, "  - \"%s\"\n", sl_conf_inside_text(&c->inside[i], text));
}

static void print_list(const struct sl_conf_list *list, FILE *to)
{
	struct sl_conf_list_keys keys = sl_conf_list_keys_of(list);
	const char *mark = "-";
	const struct sl_conf_opt *opt;
	for (size_t i = 0; (opt = sl_conf_list_opt_at(i)) != NULL; i++) {
		const char *value = (const char *)&keys + opt->offset;
		bool text = opt->type == SL_CONF_path || opt->type == SL_CONF_text;
		if (text && *(char *const *)(const void *)value == NULL)
			continue; /* file or url, and what has no default */
		if (list->url == NULL && sl_conf_list_fetch_only(opt))
			continue;
		(void)fprintf(to, "  %s %s: ", mark, opt->name);
		mark = " ";
		sl_conf_value_print(opt, value, to);
		(void)fputc('\n', to);
	}
}

static void print_lists(const struct sl_conf *c, FILE *to)
{
	size_t never = 0;
	while (never < c->lists && c->list[never].kind != SL_LIST_NEVER)
		never++; /* they stand behind the others */
	(void)fprintf(to, "lists:%s\n", never == 0 ? " []" : "");
	for (size_t i = 0; i < never; i++)
		print_list(&c->list[i], to);
	(void)fprintf(to, "never_block:%s\n", never == c->lists ? " []" : "");
	for (size_t i = never; i < c->lists; i++) {
		(void)fputs("  - ", to);
		sl_conf_string_print(c->list[i].file, to);
		(void)fputc('\n', to);
	}
}

static void print_unjudged(const struct sl_conf *c, FILE *to)
{
	static const char *const names[] = {
#define SL_CAUSE(name, action, doc) #name,
#include "filter/cause.def"
#undef SL_CAUSE
	};
	(void)fputs("unjudged:\n", to);
	for (size_t i = 0; i < SL_COUNT(names); i++)
		(void)fprintf(to, "  %s: %s\n", names[i], c->unjudged_block[i] ? "block" : "allow");
}

int sl_conf_print(const struct sl_conf *conf, FILE *to)
{
	const struct sl_conf_opt *opt;
	for (size_t i = 0; (opt = sl_conf_opt_at(i)) != NULL; i++) {
		(void)fprintf(to, "%s: ", opt->name);
		sl_conf_value_print(opt, (const char *)conf + opt->offset, to);
		(void)fputc('\n', to);
	}
	print_inside(conf, to);
	print_lists(conf, to);
	sl_conf_groups_print(conf, to);
	print_unjudged(conf, to);
	return ferror(to) ? SL_ESYS : SL_OK;
}
