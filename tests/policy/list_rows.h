/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list_rows.h - rows of lists: a text, the entries that it gives, and what is told. Each row is read whole and in pieces of
 * one, two, three and seven bytes, which must say the same. */
#ifndef SL_TESTS_POLICY_LIST_ROWS_H
#define SL_TESTS_POLICY_LIST_ROWS_H

#include <stdio.h>
#include <stdlib.h>

#include "policy/list.h"
#include "tests/policy/rows.h"

/* What a reading said: entries as "line name scope", "@@" for exceptions and "!" for important ones, and all messages, one a line. */
struct heard {
	char entries[4096], told[4096];
	int answer; /* of the sink, after so many entries */
	unsigned stop_after, n;
};

static const char *const scope_words[] = { [SL_SCOPE_EXACT] = "exact",
	                                   [SL_SCOPE_BELOW] = "below",
	                                   [SL_SCOPE_TREE] = "tree",
	                                   [SL_SCOPE_PATH] = "path",
	                                   [SL_SCOPE_ADDRESS] = "address" };

/* A row of a table of lists. told is a part of what is told; NULL: nothing is. why: of the first refused line. */
struct list_case {
	const char *name;
	enum sl_list_format format;
	int options;
	const char *text;
	const char *entries;
	const char *told;
	uint32_t refused;
};

enum { BELOW = 1, TREE = 2 };

static inline int hear_entry(void *ctx, const struct sl_list_entry *e)
{
	struct heard *h = ctx;
	size_t at = strlen(h->entries);
	const char *at_at = e->effect == SL_EFFECT_EXCEPT ? "@@" : "";
	char port[8] = "", prefix[SL_PREFIX_MAX + 1] = "";
	if (e->host == NULL)
		(void)sl_prefix_write(&e->prefix, prefix);
	if (e->port != 0)
		(void)snprintf(port, sizeof(port), ":%u", e->port);
	(void)snprintf(h->entries + at, sizeof(h->entries) - at, "%s%u %s%s%s%.*s %s%s", at == 0 ? "" : ", ",
	               e->line, at_at, e->host == NULL ? prefix : e->host->name, port, (int)e->path.len,
	               e->path.p == NULL ? "" : (const char *)e->path.p, scope_words[e->scope],
	               e->important ? "!" : "");
	return ++h->n == h->stop_after ? h->answer : SL_OK;
}

static inline void hear_told(void *ctx, const char *file, unsigned line, const char *text)
{
	struct heard *h = ctx;
	size_t at = strlen(h->told);
	(void)snprintf(h->told + at, sizeof(h->told) - at, "%s:%u: %s\n", file, line, text);
}

static inline int listen_to(struct heard *h, const struct sl_list_cfg *cfg, struct sl_bytes text,
                            struct sl_list_stats *stats)
{
	struct sl_diag diag = { hear_told, h };
	return sl_list_read(cfg, text, hear_entry, h, &diag, stats);
}

/* The same text in pieces. */
static inline int listen_to_pieces(struct heard *h, const struct sl_list_cfg *cfg, struct sl_bytes text,
                                   size_t size, struct sl_list_stats *stats)
{
	struct sl_diag diag = { hear_told, h };
	struct sl_list_reader *r = NULL;
	assert_int_equal(sl_list_reader_new(cfg, hear_entry, h, &diag, &r), SL_OK);
	for (; text.len > 0; text = sl_bytes_skip(text, size))
		(void)sl_list_reader_feed(r, sl_bytes_first(text, size));
	int err = sl_list_reader_end(r, stats);
	sl_list_reader_free(&r);
	assert_null(r);
	return err;
}

static inline void check_pieces(const struct sl_list_cfg *cfg, struct sl_bytes text, int err,
                                const struct heard *want, const struct sl_list_stats *stats)
{
	static const size_t sizes[] = { 1, 2, 3, 7 };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct heard h = { .n = 0 };
		struct sl_list_stats again;
		assert_int_equal(listen_to_pieces(&h, cfg, text, sizes[i], &again), err);
		assert_string_equal(h.entries, want->entries);
		assert_string_equal(h.told, want->told);
		assert_memory_equal(&again, stats, sizeof(again));
	}
}

static inline void test_list(void **state)
{
	const struct list_case *c = *state;
	struct sl_list_cfg cfg = { "l", c->format, (c->options & BELOW) != 0, (c->options & TREE) != 0, 100 };
	struct heard h = { .n = 0 };
	struct sl_list_stats stats;
	assert_int_equal(listen_to(&h, &cfg, sl_bytes_str(c->text), &stats), SL_OK);
	assert_string_equal(h.entries, c->entries);
	if (c->told == NULL)
		assert_string_equal(h.told, "");
	else if (strstr(h.told, c->told) == NULL)
		assert_string_equal(h.told, c->told);
	assert_int_equal(stats.refused, c->refused);
	assert_int_equal(stats.entries, h.n);
	check_pieces(&cfg, sl_bytes_str(c->text), SL_OK, &h, &stats);
}

#endif
