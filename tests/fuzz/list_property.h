/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list_property.h - what holds for every reader of lists, whatever the text:
 * - each entry has a valid host, port and path in canonical form, or a prefix without bits beyond its length;
 * - how the text is cut into pieces changes neither entries nor counts, nor does CRLF for LF;
 * - counts add up;
 * - a policy of that list blocks what an entry names, and lets pass what an exception names (policy-resolution line 6e, g). */
#ifndef SL_TESTS_FUZZ_LIST_PROPERTY_H
#define SL_TESTS_FUZZ_LIST_PROPERTY_H

#include <stdlib.h>

#include "base/hash.h"
#include "policy/policy.h"

struct list_seen {
	const struct sl_policy *p; /* NULL while only counting */
	uint64_t n, excepts, hash;
	uint32_t line;
	bool freed; /* an exception is there: what is blocked is not asked */
};

static void must(bool ok)
{
	if (!ok)
		abort();
}

static bool is_clean(const struct sl_prefix *p)
{
	for (unsigned bit = p->len; bit < 128; bit++)
		if ((p->addr[bit / 8] >> (7 - bit % 8) & 1) != 0)
			return false;
	return p->len > 0 && p->len <= (p->v6 ? 128 : 32);
}

static void check_prefix(const struct sl_list_entry *e)
{
	char text[SL_PREFIX_MAX + 1];
	struct sl_prefix again;
	size_t n = sl_prefix_write(&e->prefix, text);
	must(e->scope == SL_SCOPE_ADDRESS && e->port == 0 && e->path.p == NULL && is_clean(&e->prefix));
	must(sl_prefix_read(sl_bytes_of(text, n), &again) == SL_OK);
	must(again.v6 == e->prefix.v6 && again.len == e->prefix.len &&
	     memcmp(again.addr, e->prefix.addr, 16) == 0);
}

static void check_host(const struct sl_list_entry *e)
{
	struct sl_host again;
	must(e->scope != SL_SCOPE_ADDRESS && e->host->len > 0);
	must(sl_host_canon(sl_bytes_of(e->host->name, e->host->len), &again) == SL_OK);
	must(strcmp(again.name, e->host->name) == 0);
	must((e->scope == SL_SCOPE_PATH) == (e->path.p != NULL));
	must(!e->host->address || e->port != 0 || e->path.p != NULL);
	if (e->path.p == NULL)
		return;
	char path[SL_PATH_MAX + 1];
	uint16_t len = 0;
	sl_path_canon(e->path, path, &len);
	must(e->path.p[0] == '/' && sl_bytes_equal(e->path, sl_bytes_of(path, len)));
}

static uint64_t mix(uint64_t hash, const void *p, size_t n)
{
	return sl_hash(p, n, hash);
}

static void note(struct list_seen *seen, const struct sl_list_entry *e)
{
	uint32_t words[] = { (uint32_t)e->scope, (uint32_t)e->effect, e->important, e->line, e->port,
		             e->prefix.len,      e->prefix.v6 };
	seen->hash = mix(seen->hash, words, sizeof(words));
	seen->hash = mix(seen->hash, e->prefix.addr, sizeof(e->prefix.addr));
	if (e->host != NULL)
		seen->hash = mix(seen->hash, e->host->name, e->host->len);
	if (e->path.p != NULL)
		seen->hash = mix(seen->hash, e->path.p, e->path.len);
	must(e->line >= seen->line);
	seen->line = e->line;
	seen->n++;
	seen->excepts += e->effect == SL_EFFECT_EXCEPT;
}

static void ask_policy(const struct list_seen *seen, const struct sl_list_entry *e)
{
	struct sl_decision d;
	char below[SL_HOST_MAX + 3] = "x.", address[SL_PREFIX_MAX + 1];
	struct sl_bytes host = { NULL, 0 };
	if (e->host == NULL)
		host = sl_bytes_of(address, sl_prefix_write(&e->prefix, address));
	else
		host = sl_bytes_of(e->host->name, e->host->len);
	if (e->scope == SL_SCOPE_BELOW) {
		memcpy(below + 2, e->host->name, (size_t)e->host->len + 1);
		host = sl_bytes_str(below);
	}
	if (host.len > SL_HOST_MAX || (e->host == NULL && !sl_prefix_whole(&e->prefix)))
		return;
	const struct sl_query q = {
		.host = host, .port = e->port == 0 ? 443 : e->port, .path = e->path, .address = NULL
	};
	sl_policy_decide(seen->p, &q, &d);
	if (e->effect == SL_EFFECT_EXCEPT)
		must(!d.block || d.letter == 'e');
	else if (!seen->freed)
		must(d.block && (d.letter == 'g' || d.letter == 'e') && d.list == 0);
}

static int see(void *ctx, const struct sl_list_entry *e)
{
	struct list_seen *seen = (struct list_seen *)ctx;
	if (e->host == NULL)
		check_prefix(e);
	else
		check_host(e);
	note(seen, e);
	if (seen->p != NULL)
		ask_policy(seen, e);
	return SL_OK;
}

static struct sl_policy *make_policy(const struct sl_policy_list *list, struct sl_bytes text)
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

/* Pieces whose sizes come from the seed. */
static void check_pieces(const struct sl_list_cfg *cfg, struct sl_bytes text, uint64_t seed, int err,
                         const struct list_seen *want, const struct sl_list_stats *stats)
{
	struct list_seen seen = { 0 };
	struct sl_list_stats again;
	struct sl_list_reader *r = NULL;
	must(sl_list_reader_new(cfg, see, &seen, NULL, &r) == SL_OK);
	while (text.len > 0) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		size_t n = (size_t)(seed >> 33) % ((seed >> 60) < 8 ? 4 : 40);
		uint8_t *copy = malloc(n < text.len ? n + 1 : text.len + 1); /* a piece does not live on */
		must(copy != NULL);
		struct sl_bytes piece = sl_bytes_first(text, n);
		memcpy(copy, piece.p, piece.len);
		(void)sl_list_reader_feed(r, sl_bytes_of(copy, piece.len));
		free(copy);
		text = sl_bytes_skip(text, n);
	}
	must(sl_list_reader_end(r, &again) == err);
	sl_list_reader_free(&r);
	must(seen.n == want->n && seen.hash == want->hash && memcmp(&again, stats, sizeof(again)) == 0);
}

/* Bytes beyond ASCII may make it binary by their share, which a CR changes. */
static bool is_plain(struct sl_bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] >= 0x80 || text.p[i] == '\r')
			return false;
	return true;
}

static void check_crlf(const struct sl_list_cfg *cfg, struct sl_bytes text, const struct list_seen *want)
{
	struct list_seen seen = { 0 };
	struct sl_list_stats stats;
	uint8_t *twin = malloc(text.len * 2 + 1);
	size_t n = 0;
	must(twin != NULL);
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] == '\n')
			twin[n++] = '\r';
		twin[n++] = text.p[i];
	}
	(void)sl_list_read(cfg, sl_bytes_of(twin, n), see, &seen, NULL, &stats);
	must(seen.n == want->n && seen.hash == want->hash);
	free(twin);
}

static void check_stats(const struct sl_list_stats *s, const struct list_seen *seen)
{
	uint32_t sum = 0;
	for (size_t i = 0; i < SL_REFUSED_COUNT; i++) {
		sum += s->by_reason[i];
		must((s->by_reason[i] == 0) == (s->first_line[i] == 0) && s->first_line[i] <= s->lines);
	}
	must(sum == s->refused && s->errors <= s->refused && s->exceptions_lost <= s->refused);
	must(s->entries == seen->n && seen->line <= s->lines);
	must(s->refused <= s->lines && s->comments <= s->lines);
}

/* text is on the heap, and exactly as long as it says. */
static void check_list(enum sl_list_format format, uint8_t options, struct sl_bytes text)
{
	struct sl_policy_list list = { .name = "l", .kind = SL_LIST_BLOCK };
	struct list_seen seen = { 0 }, asked = { 0 };
	struct sl_list_stats stats;
	list.cfg = (struct sl_list_cfg){ "f", format, (options & 1) != 0, (options & 2) != 0, 100 };
	int err = sl_list_read(&list.cfg, text, see, &seen, NULL, &stats);
	check_stats(&stats, &seen);
	check_pieces(&list.cfg, text, options, err, &seen, &stats);
	if (is_plain(text))
		check_crlf(&list.cfg, text, &seen);
	if (err != SL_OK)
		return;
	struct sl_policy *p = make_policy(&list, text);
	must(sl_policy_entries(p) <= seen.n);
	asked.p = p;
	asked.freed = seen.excepts > 0;
	(void)sl_list_read(&list.cfg, text, see, &asked, NULL, &stats);
	sl_policy_free(&p);
}

#endif
