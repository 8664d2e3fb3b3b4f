/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/words.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash_inline.h"
#include "base/util.h"
#include "policy/prefix_map.h"
#include "policy/url.h"

enum { NONE = UINT32_MAX };

/* One word, taken apart. Those of one host, or of one prefix, are chained. */
struct entry {
	struct sl_word word;
	struct sl_bytes host, path; /* in word.name; path empty: the host alone */
	bool below;
	uint32_t next;
};

struct sl_words {
	struct entry *entry;
	size_t n;
	uint32_t *slot; /* of hosts: the first of a chain, or NONE */
	uint32_t mask;
	uint64_t lengths; /* bit n: a host of n bytes, modulo 64, occurs */
	struct sl_prefix_map prefixes;
};

/* ---- what may be typed ---- */

static int refuse(const char **why, const char *text)
{
	*why = text;
	return SL_EMALF;
}

static int canon_prefix(const struct sl_prefix *p, char out[SL_WORD_MAX])
{
	char text[SL_PREFIX_MAX + 1];
	size_t n = sl_prefix_write(p, text);
	(void)snprintf(out, SL_WORD_MAX, "%.*s", (int)n, text);
	return SL_OK;
}

static int canon_below(struct sl_bytes text, char out[SL_WORD_MAX], const char **why)
{
	struct sl_host host;
	if (sl_host_canon(text, &host) != SL_OK || host.address)
		return refuse(why, "behind *. stands a host name, and nothing else");
	(void)snprintf(out, SL_WORD_MAX, "*.%s", host.name);
	return SL_OK;
}

static int canon_url(struct sl_bytes text, char out[SL_WORD_MAX], const char **why)
{
	struct sl_url url;
	if (sl_url_canon(text, &url) != SL_OK)
		return refuse(why, "it is no host name, URL, address or prefix");
	if (url.port != 0)
		return refuse(why, "a port makes no difference here; leave it out");
	if (url.cut)
		return refuse(why, "the path is too long");
	if (url.host.address && !url.has_path) {
		struct sl_prefix p;
		if (sl_prefix_read(sl_bytes_of(url.host.name, url.host.len), &p) == SL_OK)
			return canon_prefix(&p, out);
	}
	size_t path = url.has_path ? url.path_len : 0;
	while (path > 0 && url.path[path - 1] == '/')
		path--;
	(void)snprintf(out, SL_WORD_MAX, "%s%.*s", url.host.name, (int)path, url.path);
	return SL_OK;
}

int sl_word_canon(struct sl_bytes text, char out[SL_WORD_MAX], const char **why)
{
	struct sl_prefix p;
	text = sl_bytes_trim(text);
	int err = sl_prefix_read(text, &p);
	if (err == SL_OK)
		return canon_prefix(&p, out);
	if (err == SL_EINVAL)
		return refuse(why, "the address has bits beyond its prefix");
	if (text.len > 2 && text.p[0] == '*' && text.p[1] == '.')
		return canon_below(sl_bytes_skip(text, 2), out, why);
	return canon_url(text, out, why);
}

/* ---- the table ---- */

static struct sl_bytes host_part(struct sl_bytes name, bool *below)
{
	*below = name.len > 2 && name.p[0] == '*';
	name = sl_bytes_skip(name, *below ? 2 : 0);
	return sl_bytes_first(name, sl_bytes_find(name, '/'));
}

static uint32_t slot_of(const struct sl_words *w, struct sl_bytes host)
{
	uint32_t at = (uint32_t)sl_hash_inline(host.p, host.len, 0) & w->mask;
	while (w->slot[at] != NONE && !sl_bytes_equal(w->entry[w->slot[at]].host, host))
		at = (at + 1) & w->mask;
	return at;
}

static void add_host(struct sl_words *w, uint32_t number)
{
	struct entry *e = &w->entry[number];
	struct sl_bytes name = sl_bytes_str(e->word.name);
	e->host = host_part(name, &e->below);
	e->path = sl_bytes_skip(name, e->host.len + (e->below ? 2 : 0));
	w->lengths |= UINT64_C(1) << e->host.len % 64;
	uint32_t at = slot_of(w, e->host);
	e->next = w->slot[at];
	w->slot[at] = number;
}

static void add_prefix(struct sl_words *w, uint32_t number, const struct sl_prefix *p)
{
	uint32_t first = number;
	if (sl_prefix_map_add(&w->prefixes, p, &first) != SL_EEXIST)
		return;
	w->entry[number].next =
	        w->entry[first].next; /* the number of a prefix stays: the new one stands behind it */
	w->entry[first].next = number;
}

static int add(struct sl_words *w, const struct sl_word *word)
{
	char canon[SL_WORD_MAX];
	const char *why;
	struct sl_prefix p;
	struct sl_bytes name = sl_bytes_str(word->name);
	if (sl_word_canon(name, canon, &why) != SL_OK || strcmp(canon, word->name) != 0)
		return SL_EMALF;
	uint32_t number = (uint32_t)w->n;
	w->entry[number] = (struct entry){ .word = *word, .next = NONE };
	w->entry[number].word.name = strdup(word->name);
	if (w->entry[number].word.name == NULL)
		return SL_ENOMEM;
	w->n++;
	if (sl_prefix_read(name, &p) == SL_OK)
		add_prefix(w, number, &p);
	else
		add_host(w, number);
	return SL_OK;
}

static int make_room(struct sl_words *w, size_t n)
{
	size_t slots = 4;
	if (n > SL_WORDS_MAX)
		return SL_ELIMIT;
	if (n == 0)
		return SL_OK;
	while (slots < n * 2)
		slots *= 2;
	w->entry = (struct entry *)calloc(n, sizeof(*w->entry));
	w->slot = (uint32_t *)malloc(slots * sizeof(*w->slot));
	w->mask = (uint32_t)slots - 1;
	if (w->entry == NULL || w->slot == NULL)
		return SL_ENOMEM;
	memset(w->slot, 0xff, slots * sizeof(*w->slot)); /* NONE */
	return sl_prefix_map_init(&w->prefixes, n);
}

int sl_words_new(const struct sl_word *word, size_t n, struct sl_words **out)
{
	struct sl_words *w = (struct sl_words *)calloc(1, sizeof(*w));
	int err = w == NULL ? SL_ENOMEM : make_room(w, n);
	for (size_t i = 0; i < n && err == SL_OK; i++)
		err = add(w, &word[i]);
	if (err == SL_OK)
		*out = sl_take(&w);
	sl_words_free(&w);
	return err;
}

void sl_words_free(struct sl_words **w)
{
	struct sl_words *gone = sl_take(w);
	if (gone == NULL)
		return;
	for (size_t i = 0; i < gone->n; i++)
		free((char *)(uintptr_t)gone->entry[i].word.name);
	sl_prefix_map_clear(&gone->prefixes);
	free(gone->entry);
	free(gone->slot);
	free(gone);
}

size_t sl_words_count(const struct sl_words *w)
{
	return w->n;
}

/* ---- the question ---- */

/* As of an entry's path: a prefix at a segment's end; with a query, the whole. */
static bool has_path(struct sl_bytes want, struct sl_bytes path)
{
	if (want.len == 0)
		return true;
	if (path.p == NULL || path.len < want.len || memcmp(path.p, want.p, want.len) != 0)
		return false;
	if (path.len == want.len)
		return true;
	uint8_t next = path.p[want.len];
	return sl_bytes_find(want, '?') == want.len && (next == '/' || next == '?');
}

static bool counts(const struct entry *e, const struct sl_words_query *q)
{
	return (e->word.group == SL_WORD_ALL_GROUPS || e->word.group == q->group) &&
	       (e->word.until_us == 0 || q->now_us < e->word.until_us);
}

/* Of words of the same length. */
static bool is_nearer(const struct entry *a, const struct entry *b)
{
	bool own_a = a->word.group != SL_WORD_ALL_GROUPS, own_b = b->word.group != SL_WORD_ALL_GROUPS;
	return own_a != own_b ? own_a : a->word.age > b->word.age;
}

/* *.x and x are keys of one length. */
static const struct entry *better(const struct entry *best, const struct entry *e)
{
	if (best == NULL || e->host.len + e->path.len > best->host.len + best->path.len)
		return e;
	if (e->host.len + e->path.len < best->host.len + best->path.len)
		return best;
	return is_nearer(e, best) ? e : best;
}

static const struct entry *ask_host(const struct sl_words *w, const struct sl_words_query *q)
{
	const struct entry *best = NULL;
	struct sl_bytes host = sl_bytes_of(q->host->name, q->host->len);
	for (struct sl_bytes at = host; at.p != NULL;
	     at = q->host->address ? (struct sl_bytes){ NULL, 0 } : sl_host_parent(at)) {
		if ((w->lengths >> at.len % 64 & 1) == 0)
			continue;
		for (uint32_t i = w->slot[slot_of(w, at)]; i != NONE; i = w->entry[i].next) {
			const struct entry *e = &w->entry[i];
			if (counts(e, q) && !(e->below && at.len == host.len) && has_path(e->path, q->path))
				best = better(best, e);
		}
	}
	return best;
}

static const struct entry *ask_address(const struct sl_words *w, const struct sl_words_query *q)
{
	unsigned below = SL_PREFIX_MAP_ANY;
	const struct sl_prefix_map_slot *s;
	for (; (s = sl_prefix_map_find(&w->prefixes, q->address, below)) != NULL; below = s->len) {
		const struct entry *best = NULL;
		for (uint32_t i = s->number; i != NONE; i = w->entry[i].next)
			if (counts(&w->entry[i], q) && (best == NULL || is_nearer(&w->entry[i], best)))
				best = &w->entry[i];
		if (best != NULL)
			return best;
	}
	return NULL;
}

/* A name is a longer key than an address, as everywhere. */
const struct sl_word *sl_words_ask(const struct sl_words *w, const struct sl_words_query *q)
{
	const struct entry *best = NULL;
	if (w->n == 0)
		return NULL;
	if (q->host != NULL && q->host->len > 0)
		best = ask_host(w, q);
	if (best == NULL && q->address != NULL)
		best = ask_address(w, q);
	return best == NULL ? NULL : &best->word;
}
