/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/conf_man.h"

#include "daemon/conf.h"
#include "daemon/conf_lists.h"
#include "daemon/conf_value.h"

/* mdoc wants each sentence on a line of its own. Ours hold no backslash, and begin with a letter or digit. */
static void print_sentences(const char *text, FILE *to)
{
	for (const char *p = text; *p != '\0'; p++) {
		bool end = p[0] == '.' && p[1] == ' ';
		(void)fputc(*p, to);
		if (end) {
			(void)fputc('\n', to);
			p++;
		}
	}
	(void)fputc('\n', to);
}

static void print_option(const struct sl_conf_opt *opt, bool with_live, FILE *to)
{
	char expected[256], amount[64];
	struct sl_out o = sl_out_of(expected, sizeof(expected));
	sl_conf_expected(opt, &o);
	(void)fprintf(to, ".It Cm %s\n", opt->name);
	print_sentences(opt->doc, to);
	(void)fprintf(to, "It takes %.*s", (int)o.len, expected);
	(void)snprintf(amount, sizeof(amount), "%s", opt->def);
	if (amount[0] == '\0')
		(void)fputs(".\n", to);
	else
		(void)fprintf(to, "; the default is\n.Ql %s .\n", amount);
	if (with_live)
		(void)fprintf(to, "A change takes effect on %s.\n", opt->live ? "reload" : "restart");
}

int sl_conf_print_manual(FILE *to)
{
	for (size_t i = 0; sl_conf_opt_at(i) != NULL; i++)
		print_option(sl_conf_opt_at(i), true, to);
	return ferror(to) ? SL_ESYS : SL_OK;
}

static void print_list_keys(FILE *to)
{
	for (size_t i = 0; sl_conf_list_opt_at(i) != NULL; i++)
		print_option(sl_conf_list_opt_at(i), false, to);
}

static void print_causes(FILE *to)
{
	static const struct {
		const char *name, *action, *doc;
	} causes[] = {
#define SL_CAUSE(name, action, doc) { #name, #action, doc },
#include "filter/cause.def"
#undef SL_CAUSE
	};
	for (size_t i = 0; i < SL_COUNT(causes); i++) {
		(void)fprintf(to, ".It Cm %s\n", causes[i].name);
		print_sentences(causes[i].doc, to);
		(void)fprintf(to, "The default is\n.Ql %s .\n", causes[i].action);
	}
}

int sl_conf_manual_fill(FILE *template, FILE *to)
{
	char line[1024];
	while (fgets(line, sizeof(line), template) != NULL) {
		if (strcmp(line, "@OPTIONS@\n") == 0)
			(void)sl_conf_print_manual(to);
		else if (strcmp(line, "@LIST_KEYS@\n") == 0)
			print_list_keys(to);
		else if (strcmp(line, "@CAUSES@\n") == 0)
			print_causes(to);
		else
			(void)fputs(line, to);
	}
	return ferror(template) || ferror(to) ? SL_ESYS : SL_OK;
}
