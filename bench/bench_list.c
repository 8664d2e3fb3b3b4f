/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench_list.c - a line of a list, from its bytes to an entry in a sink that does nothing. The names have the lengths of
 * real ones (6 to 40 bytes, two to four labels); hosts files are the row that the others are compared with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "bench/bench.h"
#include "policy/list.h"

enum { LINE = 96, NAME = 48 };

struct state {
	struct sl_list_reader *reader;
	uint8_t *text;
	uint32_t *at; /* where line i begins; one more than there are lines */
	uint64_t lines, next, entries;
};

static int count(void *ctx, const struct sl_list_entry *e)
{
	struct state *st = (struct state *)ctx;
	st->entries += e->scope != SL_SCOPE_PATH || e->path.len > 0;
	return SL_OK;
}

static void put_label(char **to, uint64_t *bits, unsigned n)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz012345";
	for (unsigned i = 0; i < n; i++, *bits = *bits >> 5 | *bits << 59)
		*(*to)++ = digits[*bits & 31];
}

static void make_name(uint64_t i, char out[NAME])
{
	static const char *const tlds[] = { "com", "net", "org", "xyz", "co.uk", "info", "top", "casino" };
	uint64_t bits = sl_bench_key(i);
	unsigned sub = (bits >> 8) % 3, label = 4 + (bits >> 16) % 13;
	char *to = out;
	for (unsigned k = 0; k < sub; k++) {
		put_label(&to, &bits, 2 + (bits >> 3) % 7);
		*to++ = '.';
	}
	put_label(&to, &bits, label);
	*to++ = '.';
	(void)strcpy(to, tlds[bits >> 61]);
}

/* One line of each format: what stands before the name, and behind it. */
static const struct form {
	const char *before, *behind;
} forms[SL_FORMAT_COUNT] = {
	[SL_FORMAT_DOMAINS] = { "", "\n" },
	[SL_FORMAT_HOSTS] = { "0.0.0.0 ", "\n" },
	[SL_FORMAT_URLS] = { "http://", "/some/path/index.html\n" },
	[SL_FORMAT_ADBLOCK] = { "||", "^\n" },
	[SL_FORMAT_RPZ] = { "", " CNAME .\n" },
	[SL_FORMAT_DNSMASQ] = { "address=/", "/#\n" },
	[SL_FORMAT_UNBOUND] = { "local-zone: \"", ".\" always_null\n" },
};

static bool fill(struct state *st, enum sl_list_format format)
{
	size_t used = 0;
	for (uint64_t i = 0; i < st->lines; i++) {
		char name[NAME];
		make_name(i, name);
		st->at[i] = (uint32_t)used;
		used += (size_t)snprintf((char *)&st->text[used], LINE, "%s%s%s", forms[format].before, name,
		                         forms[format].behind);
	}
	st->at[st->lines] = (uint32_t)used;
	return true;
}

static void teardown(void *state)
{
	struct state *st = (struct state *)state;
	sl_list_reader_free(&st->reader);
	free(st->text);
	free(st->at);
	free(st);
}

static void *setup(uint64_t entries, enum sl_list_format format)
{
	struct sl_list_cfg cfg = { .file = "bench", .format = format, .max_refused_percent = 100 };
	struct state *st = (struct state *)calloc(1, sizeof(*st));
	if (st == NULL)
		return NULL;
	st->lines = sl_min(entries, UINT32_MAX / LINE);
	st->text = (uint8_t *)malloc(st->lines * LINE);
	st->at = (uint32_t *)malloc((st->lines + 1) * sizeof(*st->at));
	if (st->text == NULL || st->at == NULL || !fill(st, format) ||
	    sl_list_reader_new(&cfg, count, st, NULL, &st->reader) != SL_OK) {
		teardown(st);
		return NULL;
	}
	return st;
}

/* Pieces of a few thousand lines, as a file is read. */
static void run(void *state, uint64_t n)
{
	struct state *st = (struct state *)state;
	while (n > 0) {
		uint64_t lines = sl_min(sl_min(n, st->lines - st->next), 2048);
		uint32_t from = st->at[st->next], to = st->at[st->next + lines];
		(void)sl_list_reader_feed(st->reader, sl_bytes_of(&st->text[from], to - from));
		st->next = (st->next + lines) % st->lines;
		n -= lines;
	}
	sl_keep(st->entries);
}

#define SETUP(name, format)                         \
	static void *setup_##name(uint64_t entries) \
	{                                           \
		return setup(entries, format);      \
	}
SETUP(hosts, SL_FORMAT_HOSTS)
SETUP(domains, SL_FORMAT_DOMAINS)
SETUP(urls, SL_FORMAT_URLS)
SETUP(adblock, SL_FORMAT_ADBLOCK)
SETUP(rpz, SL_FORMAT_RPZ)
SETUP(dnsmasq, SL_FORMAT_DNSMASQ)
SETUP(unbound, SL_FORMAT_UNBOUND)

const struct sl_bench sl_bench_list[] = {
	{ "list/hosts/line", setup_hosts, run, teardown },
	{ "list/domains/line", setup_domains, run, teardown },
	{ "list/urls/line", setup_urls, run, teardown },
	{ "list/adblock/line", setup_adblock, run, teardown },
	{ "list/rpz/line", setup_rpz, run, teardown },
	{ "list/dnsmasq/line", setup_dnsmasq, run, teardown },
	{ "list/unbound/line", setup_unbound, run, teardown },
	{ 0 },
};
