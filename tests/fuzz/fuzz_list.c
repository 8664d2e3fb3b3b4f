/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_list.c - what a list names is judged as it names it: every entry that the reader yields, made into a question, is
 * blocked by the policy of that list, and is its canonical form. Lines that end in CRLF say the same.
 * The first byte picks format and options. */
#include <stdlib.h>

#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	const struct sl_policy *p; /* NULL while only counting */
	uint64_t n;
	uint32_t line;
};

static void must(bool ok)
{
	if (!ok)
		abort();
}

static int ask(void *ctx, const struct sl_list_entry *e)
{
	struct seen *seen = ctx;
	struct sl_decision d;
	struct sl_host again;
	char below[SL_HOST_MAX + 3] = "x.";
	char address[SL_PREFIX_MAX + 1];
	struct sl_bytes host = e->host == NULL ? sl_bytes_of(address, sl_prefix_write(&e->prefix, address))
	                                       : sl_bytes_of(e->host->name, e->host->len);
	must((e->host == NULL) == (e->scope == SL_SCOPE_ADDRESS));
	must(e->host == NULL ||
	     (sl_host_canon(host, &again) == SL_OK && strcmp(again.name, e->host->name) == 0));
	must(e->line >= seen->line && (e->scope == SL_SCOPE_PATH) == (e->path.p != NULL));
	seen->line = e->line;
	seen->n++;
	if (e->scope == SL_SCOPE_BELOW) {
		memcpy(below + 2, e->host->name, (size_t)e->host->len + 1);
		host = sl_bytes_str(below);
	}
	if (seen->p == NULL || host.len > SL_HOST_MAX || (e->host == NULL && !sl_prefix_whole(&e->prefix)))
		return SL_OK;
	struct sl_query q = { .host = host, .port = e->port == 0 ? 443 : e->port, .path = e->path };
	sl_policy_decide(seen->p, &q, &d);
	must(d.block && d.letter == 'g' && d.list == 0 && d.line <= e->line);
	return SL_OK;
}

static struct sl_policy *make(const struct sl_policy_list *list, struct sl_bytes text)
{
	struct sl_policy_builder *b = NULL;
	struct sl_policy *p = NULL;
	must(sl_policy_builder_new(&b) == SL_OK);
	int err = sl_policy_builder_add(b, list, text, NULL, NULL);
	must(sl_policy_builder_finish(b, &p) == SL_OK);
	must((err == SL_OK) == (sl_policy_lists(p) == 1) && (err == SL_OK || sl_policy_entries(p) == 0));
	sl_policy_builder_free(&b);
	return p;
}

/* Bytes beyond ASCII may make it binary by their share, which a CR changes. */
static bool is_plain(struct sl_bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] >= 0x80 || text.p[i] == '\r')
			return false;
	return true;
}

static void check_crlf(const struct sl_list_cfg *cfg, struct sl_bytes text, uint64_t want)
{
	struct seen seen = { NULL, 0, 0 };
	struct sl_list_stats stats;
	uint8_t *twin = malloc(text.len * 2 + 1);
	size_t n = 0;
	must(twin != NULL);
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] == '\n')
			twin[n++] = '\r';
		twin[n++] = text.p[i];
	}
	(void)sl_list_read(cfg, sl_bytes_of(twin, n), ask, &seen, NULL, &stats);
	must(seen.n == want);
	free(twin);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_policy_list list = { .name = "l", .kind = SL_LIST_BLOCK };
	struct sl_list_stats stats;
	if (size == 0)
		return 0;
	uint8_t *copy = malloc(size);
	must(copy != NULL);
	memcpy(copy, data, size);
	struct sl_bytes text = sl_bytes_of(&copy[1], size - 1);
	list.cfg = (struct sl_list_cfg){ "f", (enum sl_list_format)(copy[0] & 3), (copy[0] & 4) != 0,
		                         (copy[0] & 8) != 0, 100 };
	struct sl_policy *p = make(&list, text);
	struct seen seen = { p, 0, 0 };
	(void)sl_list_read(&list.cfg, text, ask, &seen, NULL, &stats);
	must(stats.entries == seen.n && sl_policy_entries(p) <= seen.n && seen.line <= stats.lines);
	must(stats.refused <= stats.lines && stats.comments <= stats.lines);
	if (is_plain(text))
		check_crlf(&list.cfg, text, seen.n);
	sl_policy_free(&p);
	free(copy);
	return 0;
}
