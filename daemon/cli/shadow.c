/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shadow.c - sluice shadow: what a list in the shadow would have blocked, of the flow log, in a fixed amount of memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/flow_file.h"

enum {
	KEPT = 4096, /* names, and clients, that are counted at once: a common one is among them, whatever else comes */
	SLOTS = KEPT * 2,
	SHOWN = 10,
	NAME = 256,
};

/* As Space-Saving (Metwally and others, 2005), half a table at a time: where there is no room, the rarer half goes, and what comes
 * next starts from the most that any of it had. So no count is too low, and each says by how much it may be too high. */
struct counter {
	char name[NAME];
	uint64_t n, too_high;
};

struct counters {
	struct counter one[KEPT];
	uint32_t slot[SLOTS]; /* 1 + number of a counter; 0: free */
	size_t used;
	uint64_t floor; /* what a name that is new may have had already */
};

struct shadow {
	const char *list;
	uint64_t records, hits, blocked_anyway;
	struct counters names, clients;
};

static uint32_t *slot_of(struct counters *c, const char *name)
{
	size_t at = sl_hash(name, strlen(name), 0) % SLOTS;
	while (c->slot[at] != 0 && strcmp(c->one[c->slot[at] - 1].name, name) != 0)
		at = (at + 1) % SLOTS;
	return &c->slot[at];
}

static void index_all(struct counters *c)
{
	memset(c->slot, 0, sizeof(c->slot));
	for (size_t i = 0; i < c->used; i++)
		*slot_of(c, c->one[i].name) = (uint32_t)i + 1;
}

static int by_count(const void *a, const void *b)
{
	const struct counter *x = a, *y = b;
	return x->n != y->n ? (x->n < y->n ? 1 : -1) : strcmp(x->name, y->name);
}

static void make_room(struct counters *c)
{
	qsort(c->one, c->used, sizeof(c->one[0]), by_count);
	c->used = KEPT / 2;
	index_all(c);
}

static void count(struct counters *c, const char *text)
{
	char name[NAME];
	(void)snprintf(name, sizeof(name), "%s", text);
	uint32_t *slot = slot_of(c, name);
	if (*slot == 0 && c->used == KEPT) {
		make_room(c);
		c->floor = c->one[c->used].n; /* the most that went */
		slot = slot_of(c, name);
	}
	if (*slot == 0) {
		struct counter *made = &c->one[c->used++];
		(void)memcpy(made->name, name, sizeof(name));
		made->n = made->too_high = c->floor;
		*slot = (uint32_t)c->used;
	}
	c->one[*slot - 1].n++;
}

static bool names_list(const json_t *shadows, const char *list)
{
	const json_t *one;
	size_t i;
	json_array_foreach(shadows, i, one) if (json_is_string(one) &&
	                                        strcmp(json_string_value(one), list) == 0) return true;
	return false;
}

static const char *text(const json_t *o, const char *name)
{
	const char *t = json_string_value(json_object_get(o, name));
	return t == NULL ? "" : t;
}

static bool take(void *ctx, const json_t *record)
{
	struct shadow *s = ctx;
	const char *name = sl_cli_flow_name(record);
	s->records++;
	if (!names_list(json_object_get(json_object_get(record, "sluice"), "shadow"), s->list))
		return true;
	s->hits++;
	s->blocked_anyway += strcmp(text(json_object_get(record, "verdict"), "action"), "drop") == 0;
	count(&s->names, name != NULL ? name : text(record, "dest_ip"));
	count(&s->clients, text(record, "src_ip"));
	return true;
}

static json_t *top_json(struct counters *c)
{
	json_t *out = json_array();
	qsort(c->one, c->used, sizeof(c->one[0]), by_count);
	for (size_t i = 0; i < c->used && i < SHOWN; i++)
		(void)json_array_append_new(out, json_pack("{s:s, s:I, s:I}", "name", c->one[i].name, "count",
		                                           (json_int_t)c->one[i].n, "too_high_by",
		                                           (json_int_t)c->one[i].too_high));
	return out;
}

static void print_top(struct counters *c, const char *what)
{
	qsort(c->one, c->used, sizeof(c->one[0]), by_count);
	(void)printf("%s\n", what);
	for (size_t i = 0; i < c->used && i < SHOWN; i++)
		(void)printf("  %8llu%s  %s\n", (unsigned long long)c->one[i].n,
		             c->one[i].too_high > 0 ? " at most" : "", c->one[i].name);
}

static void print(const struct sl_cli *cli, struct shadow *s, uint64_t unreadable)
{
	double share = s->records == 0 ? 0 : 100.0 * (double)s->hits / (double)s->records;
	if (cli->json != NULL) {
		json_t *out = json_pack("{s:s, s:I, s:I, s:I, s:I, s:o, s:o}", "list", s->list, "records",
		                        (json_int_t)s->records, "would_block", (json_int_t)s->hits,
		                        "blocked_anyway", (json_int_t)s->blocked_anyway, "unreadable",
		                        (json_int_t)unreadable, "names", top_json(&s->names), "clients",
		                        top_json(&s->clients));
		(void)json_dumpf(out, stdout, JSON_COMPACT);
		(void)putchar('\n');
		json_decref(out);
		return;
	}
	(void)printf("list %s would have blocked %llu of %llu flows and requests (%.2f %%)", s->list,
	             (unsigned long long)s->hits, (unsigned long long)s->records, share);
	if (s->blocked_anyway > 0)
		(void)printf(", %llu of which another list blocked", (unsigned long long)s->blocked_anyway);
	(void)putchar('\n');
	if (unreadable > 0)
		(void)printf("%llu lines of the log are no records\n", (unsigned long long)unreadable);
	if (s->hits == 0)
		return;
	print_top(&s->names, "names");
	print_top(&s->clients, "clients");
	(void)printf("let it block: sluice arm %s\n", s->list);
}

static int run(const struct sl_cli *cli)
{
	uint64_t unreadable;
	if (cli->args != 1) {
		sl_cli_error("shadow: name one list; see: sluice shadow --help");
		return SL_EXIT_ERROR;
	}
	struct shadow *s = calloc(1, sizeof(*s));
	if (s == NULL) {
		sl_cli_error("shadow: no memory");
		return SL_EXIT_ERROR;
	}
	s->list = cli->arg[0];
	int status =
	        sl_cli_flow_file(cli, "shadow", take, s, &unreadable) == SL_OK ? SL_EXIT_OK : SL_EXIT_ERROR;
	if (status == SL_EXIT_OK)
		print(cli, s, unreadable);
	free(s);
	return status;
}

const struct sl_cli_command sl_cli_shadow = {
	.name = "shadow",
	.options = SL_CLI_BIT(config) | SL_CLI_BIT(json) | SL_CLI_BIT(log),
	.usage = "LIST [--log FILE] [--json]",
	.summary = "what a list in the shadow would have blocked",
	.help = "Reads the flow log, which says for each flow and request which lists in the shadow would "
	        "have blocked "
	        "it:\n"
	        "how many, their share, the names and the clients that come most often. It takes a few MB of "
	        "memory, "
	        "however\n"
	        "long the log is; a count that may be too high says \"at most\". A log that was rotated away "
	        "is read "
	        "with --log\n"
	        "(- is stdin: zcat flow.log.*.gz | sluice shadow LIST --log -).\n"
	        "Exit status: 0 read, 2 an error.",
	.run = run,
};
