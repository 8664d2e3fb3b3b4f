/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench_pipeline_policy.c - what sl_pipeline judges by. Apart from the rest, since bench_verdict.h and the filter both have a
 * struct sl_report. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench_pipeline_policy.h"
#include "bench/bench_verdict.h"

void sl_verdict_die(const char *what)
{
	sl_pipe_die(what);
}

static int add_list(struct sl_policy_builder *b, const struct sl_names *n, unsigned names)
{
	const struct sl_policy_list list = { "bench",
		                             SL_LIST_BLOCK,
		                             { .file = "bench", .format = SL_FORMAT_DOMAINS } };
	char text[SL_NAME_MAX];
	int err = sl_policy_builder_begin(b, &list, NULL);
	for (unsigned i = 0; i < names && err == SL_OK; i++) {
		size_t len = sl_names_entry(n, i, text);
		text[len++] = '\n';
		err = sl_policy_builder_feed(b, sl_bytes_of(text, len));
	}
	return err == SL_OK ? sl_policy_builder_end(b, NULL) : err;
}

static char *copy(const char *text)
{
	char *s = strdup(text);
	if (s == NULL)
		sl_pipe_die("memory");
	return s;
}

struct sl_policy *sl_pipe_policy(unsigned names, char *clean[SL_PIPE_NAMES], char *blocked[SL_PIPE_NAMES])
{
	const struct sl_names_want want = { .labels = 4 };
	struct sl_policy_builder *b = NULL;
	struct sl_policy *p = NULL;
	struct sl_names n;
	char text[SL_NAME_MAX];
	sl_names_open(&n, "", 1, 0);
	int err = sl_policy_builder_new(&b);
	if (err == SL_OK && names > 0)
		err = add_list(b, &n, names);
	if (err == SL_OK)
		err = sl_policy_builder_finish(b, &p);
	sl_policy_builder_free(&b);
	if (err != SL_OK)
		sl_pipe_die("policy");
	for (unsigned i = 0; i < SL_PIPE_NAMES && names > 0; i++) {
		(void)sl_names_ask(&n, i, &want, names, text);
		clean[i] = copy(text);
		(void)sl_names_entry(&n, (uint64_t)i * names / SL_PIPE_NAMES, text);
		blocked[i] = copy(text);
	}
	sl_names_close(&n);
	return p;
}

enum { GROUPS = 63, CLIENTS = 1000, WORDS = 100 };

static void make_clients(struct sl_group_client client[CLIENTS])
{
	static const uint8_t lens[] = { 16, 24, 28, 32 };
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct sl_group_client *c = &client[i];
		*c = (struct sl_group_client){ .kind = i % 2 == 0 ? SL_CLIENT_MAC : SL_CLIENT_PREFIX,
			                       .group = (uint8_t)(1 + i % GROUPS),
			                       .mac = { 2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i },
			                       .prefix = { .len = lens[i / 2 % 4],
			                                   .addr = { 172, (uint8_t)(16 + i % 16) } } };
		if (c->prefix.len > 16)
			c->prefix.addr[2] = (uint8_t)(i / 4);
	}
}

/* What a large house has: many groups, of which the clients of this bench are in none; lists in the shadow for some; and exceptions,
 * of other names than are asked for. */
struct sl_policy *sl_pipe_grouped(const struct sl_policy *lists)
{
	static struct sl_group group[SL_GROUPS_MAX];
	static struct sl_group_client client[CLIENTS];
	static char name[WORDS][32];
	struct sl_word word[WORDS];
	struct sl_groups *groups = NULL;
	struct sl_policy *p = NULL;
	for (unsigned i = 0; i < SL_GROUPS_MAX; i++) {
		(void)snprintf(group[i].name, sizeof(group[i].name), i == 0 ? "default" : "group-%u", i);
		group[i].roles.block = i % 2 == 0 ? UINT64_MAX : 0;
		group[i].roles.shadow = ~group[i].roles.block;
	}
	make_clients(client);
	for (unsigned i = 0; i < WORDS; i++) {
		(void)snprintf(name[i], sizeof(name[i]), "exception-%u.example", i);
		word[i] = (struct sl_word){ name[i], true, SL_WORD_ALL_GROUPS, i + 1, INT64_MAX, i + 1 };
	}
	const struct sl_groups_cfg cfg = { group, client, CLIENTS, word, WORDS };
	if (sl_groups_new(&cfg, &groups) != SL_OK || sl_policy_regroup(lists, &groups, &p) != SL_OK)
		sl_pipe_die("groups");
	return p;
}
