/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/conf_groups_print.h"
#include "daemon/conf_group_value.h"
#include "daemon/conf_value.h"

static void print_roles(const struct sl_conf_roles *roles, const char *indent, FILE *to)
{
	if (roles->fallback >= 0)
		(void)fprintf(to, "%sdefault: %s\n", indent, roles->fallback == 1 ? "block" : "allow");
	if (roles->n > 0)
		(void)fprintf(to, "%sroles:\n", indent);
	for (size_t i = 0; i < roles->n; i++) {
		(void)fprintf(to, "%s  ", indent);
		sl_conf_string_print(roles->one[i].list, to);
		(void)fprintf(to, ": \"%s\"\n", sl_role_name(roles->one[i].role));
	}
}

static void print_words(const struct sl_conf_group *g, bool allow, FILE *to)
{
	bool first = true;
	for (size_t i = 0; i < g->words; i++) {
		if (g->word[i].allow != allow)
			continue;
		if (first)
			(void)fprintf(to, "    %s:\n", allow ? "allow" : "block");
		first = false;
		(void)fputs("      - ", to);
		sl_conf_string_print(g->word[i].name, to);
		(void)fputc('\n', to);
	}
}

static void print_schedule(const struct sl_conf_schedule *s, FILE *to)
{
	char days[SL_CONF_DAYS_TEXT], from[SL_CONF_TIME_TEXT], till[SL_CONF_TIME_TEXT];
	(void)fputs("      - name: ", to);
	sl_conf_string_print(s->name, to);
	(void)fprintf(to, "\n        days: %s\n        from: \"%s\"\n        to: \"%s\"\n",
	              sl_conf_days_text(s->when.days, days), sl_conf_time_text(s->when.from, from),
	              sl_conf_time_text(s->when.to, till));
	print_roles(&s->roles, "        ", to);
}

static void print_group(const struct sl_conf_group *g, FILE *to)
{
	char text[SL_CONF_CLIENT_TEXT];
	(void)fputs("  - name: ", to);
	sl_conf_string_print(g->name, to);
	(void)fputc('\n', to);
	if (g->clients > 0)
		(void)fputs("    clients:\n", to);
	for (size_t i = 0; i < g->clients; i++)
		(void)fprintf(to, "      - \"%s\"\n", sl_conf_client_text(&g->client[i], text));
	if (g->ech != SL_GROUP_ECH_AS_IS)
		(void)fprintf(to, "    ech: %s\n", g->ech == SL_GROUP_ECH_BLOCK ? "block" : "allow");
	print_roles(&g->roles, "    ", to);
	print_words(g, true, to);
	print_words(g, false, to);
	if (g->schedules > 0)
		(void)fputs("    schedules:\n", to);
	for (size_t i = 0; i < g->schedules; i++)
		print_schedule(&g->schedule[i], to);
}

void sl_conf_groups_print(const struct sl_conf *c, FILE *to)
{
	(void)fprintf(to, "groups:%s\n", c->groups == 0 ? " []" : "");
	for (size_t i = 0; i < c->groups; i++)
		print_group(&c->group[i], to);
}
