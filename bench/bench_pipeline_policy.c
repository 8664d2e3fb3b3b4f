/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench_pipeline_policy.c - what sl_pipeline judges by. Apart from the rest, since bench_verdict.h and the filter both have a
 * struct sl_report. */
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
	return p;
}
