/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench_verdict_hs.c - Hyperscan with one pattern an entry, anchored as a list means it, at the sizes that it compiles in
 * seconds. It reads the whole host or URL once and needs no keys. */
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench_verdict.h"

#ifdef SL_HAVE_HYPERSCAN
#include <hs.h>

enum { ENTRIES_MAX = 10000, PATTERN = SL_NAME_MAX * 2 + 64 };

struct hyperscan {
	hs_database_t *db;
	hs_scratch_t *scratch;
};

static char *escape(char *to, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (strchr(".?+*()[]{}|^$\\/", text[i]) != NULL)
			*to++ = '\\';
		*to++ = text[i];
	}
	*to = '\0';
	return to;
}

static char *make_pattern(const struct sl_names *n, uint64_t i)
{
	char name[SL_NAME_MAX], escaped[SL_NAME_MAX * 2], *pattern = (char *)malloc(PATTERN);
	size_t len = sl_names_entry(n, i, name);
	if (pattern == NULL)
		sl_verdict_die("memory");
	(void)escape(escaped, name, len);
	const char *end = strchr(name, '?') != NULL ? "$" : strchr(name, '/') != NULL ? "([/?]|$)" : "(/|$)";
	(void)snprintf(pattern, PATTERN, "^([^/]*\\.)?%s%s", escaped, end);
	return pattern;
}

static int matched(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *ctx)
{
	(void)id, (void)from, (void)to, (void)flags;
	*(bool *)ctx = true;
	return 1; /* one is enough */
}

static uint64_t judge(void *state, const struct sl_asks *a, size_t from, size_t n)
{
	const struct hyperscan *h = (const struct hyperscan *)state;
	uint64_t blocked = 0;
	for (size_t i = from; i < from + n; i++) {
		bool hit = false;
		(void)hs_scan(h->db, a->text[i], (unsigned)strlen(a->text[i]), 0, h->scratch, matched, &hit);
		blocked += hit;
	}
	return blocked;
}

bool sl_hyperscan_make(const struct sl_names *n, uint64_t entries, struct sl_judge *out)
{
	hs_compile_error_t *error = NULL;
	size_t bytes = 0, scratch = 0;
	if (entries > ENTRIES_MAX)
		return false;
	struct hyperscan *h = (struct hyperscan *)calloc(1, sizeof(*h));
	char **pattern = (char **)calloc(entries, sizeof(*pattern));
	unsigned *flags = (unsigned *)calloc(entries, sizeof(*flags));
	if (h == NULL || pattern == NULL || flags == NULL)
		sl_verdict_die("memory");
	for (uint64_t i = 0; i < entries; i++) {
		pattern[i] = make_pattern(n, i);
		flags[i] = HS_FLAG_SINGLEMATCH;
	}
	double start = sl_verdict_seconds();
	if (hs_compile_multi((const char *const *)pattern, flags, NULL, (unsigned)entries, HS_MODE_BLOCK,
	                     NULL, &h->db, &error) != HS_SUCCESS)
		sl_verdict_die(error->message);
	if (hs_alloc_scratch(h->db, &h->scratch) != HS_SUCCESS)
		sl_verdict_die("memory");
	(void)hs_database_size(h->db, &bytes);
	(void)hs_scratch_size(h->scratch, &scratch);
	*out = (struct sl_judge){ "Hyperscan", h, judge, bytes + scratch, sl_verdict_seconds() - start };
	for (uint64_t i = 0; i < entries; i++)
		free(pattern[i]);
	free(pattern);
	free(flags);
	return true;
}

void sl_hyperscan_free(struct sl_judge *j)
{
	struct hyperscan *h = (struct hyperscan *)j->state;
	(void)hs_free_scratch(h->scratch);
	(void)hs_free_database(h->db);
	free(h);
}
#else
bool sl_hyperscan_make(const struct sl_names *n, uint64_t entries, struct sl_judge *out)
{
	(void)n, (void)entries, (void)out;
	return false;
}

void sl_hyperscan_free(struct sl_judge *j)
{
	(void)j;
}
#endif
