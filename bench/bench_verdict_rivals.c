/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench_verdict_rivals.c - what one would use instead, each at its leanest: the text of all entries once, NUL-terminated,
 * and over it GLib's hash set of pointers, or an array of offsets in order of text; and a prefilter of Apple's format in
 * front of the hash set, each key hashed by itself, as Apple's documentation has it. They are told which keys to ask for
 * (bench_verdict_asks.c), and answer yes or no, not which list and line. */
#include <stdlib.h>

#include "bench/bench_verdict.h"
#include "bloom/apple_hash.h"
#include "bloom/apple_size.h"
#ifdef SL_HAVE_GLIB
#include <glib.h>
#endif

enum { SEED = 1267652889, ABSENT = 1000000 };

struct sl_rivals {
	char *text;
	uint64_t entries, used;
	uint32_t *sorted;
	union sl_prefilter_mem mem;
	struct sl_prefilter *apple;
	struct sl_prefilter_shape shape;
	void *bits;
	double text_s, sort_s, apple_s, set_s, pass;
#ifdef SL_HAVE_GLIB
	GHashTable *set;
#endif
};

static void make_text(struct sl_rivals *r, const struct sl_names *n)
{
	char name[SL_NAME_MAX];
	double start = sl_verdict_seconds();
	for (uint64_t i = 0; i < r->entries; i++)
		r->used += sl_names_entry(n, i, name) + 1;
	if (r->used > UINT32_MAX)
		sl_verdict_die("too much text for offsets of 32 bits");
	r->text = (char *)sl_verdict_memory(r->used + SL_NAME_MAX);
	char *to = r->text;
	for (uint64_t i = 0; i < r->entries; i++)
		to += sl_names_entry(n, i, to) + 1;
	r->text_s = sl_verdict_seconds() - start;
}

struct head { /* the first bytes, so that most comparisons stay in the array */
	uint64_t word;
	uint32_t at;
};

static const char *base; /* of what is being sorted: qsort() has no place for it */

static int by_text(const void *a, const void *b)
{
	const struct head *x = (const struct head *)a, *y = (const struct head *)b;
	if (x->word != y->word)
		return x->word < y->word ? -1 : 1;
	return strcmp(base + x->at, base + y->at);
}

static void sort(struct sl_rivals *r)
{
	double start = sl_verdict_seconds();
	struct head *head = (struct head *)sl_verdict_memory(r->entries * sizeof(*head));
	uint64_t at = 0;
	for (uint64_t i = 0; i < r->entries; i++) {
		size_t len = strlen(r->text + at);
		uint64_t word = 0;
		memcpy(&word, r->text + at, len < 8 ? len : 8);
		head[i] = (struct head){ __builtin_bswap64(word), (uint32_t)at };
		at += len + 1;
	}
	base = r->text;
	qsort(head, r->entries, sizeof(*head), by_text);
	r->sorted = (uint32_t *)sl_verdict_memory(r->entries * sizeof(*r->sorted));
	for (uint64_t i = 0; i < r->entries; i++)
		r->sorted[i] = head[i].at;
	free(head);
	r->sort_s = sl_verdict_seconds() - start;
}

static void make_apple(struct sl_rivals *r)
{
	const struct sl_apple_want want = { r->entries, r->entries, SL_APPLE_TOLERANCE, SEED, true };
	double start = sl_verdict_seconds();
	if (sl_apple_size(&want, &r->shape) != SL_OK)
		sl_verdict_die("too many entries for Apple's format");
	size_t len = sl_prefilter_bytes(&r->shape);
	r->bits = sl_verdict_memory(len);
	if (sl_prefilter_build(&r->mem, &r->shape, r->bits, len, &r->apple) != SL_OK)
		sl_verdict_die("Apple's prefilter");
	const char *at = r->text;
	uint64_t key[64];
	for (uint64_t i = 0, n = 0; i < r->entries; i++) {
		struct sl_bytes text = sl_bytes_str(at);
		key[n++] = sl_apple_key(text, SEED);
		at += text.len + 1;
		if (n == 64 || i + 1 == r->entries) {
			sl_prefilter_add(r->apple, key, n);
			n = 0;
		}
	}
	r->apple_s = sl_verdict_seconds() - start;
}

static void count_passes(struct sl_rivals *r)
{
	char text[] = "0000000.absent.invalid";
	uint64_t pass = 0;
	for (unsigned i = 0; i < ABSENT; i++) {
		for (unsigned k = 0, rest = i; k < 7; k++, rest /= 10)
			text[k] = (char)('0' + rest % 10);
		pass += sl_prefilter_maybe(r->apple, sl_apple_key(sl_bytes_of(text, sizeof(text) - 1), SEED));
	}
	r->pass = (double)pass / ABSENT;
}

static void make_set(struct sl_rivals *r)
{
#ifdef SL_HAVE_GLIB
	double start = sl_verdict_seconds();
	char *at = r->text;
	r->set = g_hash_table_new(g_str_hash, g_str_equal);
	for (uint64_t i = 0; i < r->entries; i++, at += strlen(at) + 1)
		(void)g_hash_table_add(r->set, at);
	r->set_s = sl_verdict_seconds() - start;
#else
	(void)r;
#endif
}

struct sl_rivals *sl_rivals_make(const struct sl_names *n, uint64_t entries)
{
	struct sl_rivals *r = (struct sl_rivals *)calloc(1, sizeof(*r));
	if (r == NULL)
		sl_verdict_die("memory");
	r->entries = entries;
	make_text(r, n);
	sort(r);
	make_apple(r);
	count_passes(r);
	make_set(r);
	return r;
}

void sl_rivals_free(struct sl_rivals *r)
{
#ifdef SL_HAVE_GLIB
	g_hash_table_destroy(r->set);
#endif
	free(r->text);
	free(r->sorted);
	free(r->bits);
	free(r);
}

void sl_rivals_apple(const struct sl_rivals *r, struct sl_prefilter_shape *shape, double *build, double *pass)
{
	*shape = r->shape;
	*build = r->apple_s;
	*pass = r->pass;
}

static bool is_listed(const struct sl_rivals *r, const char *key)
{
	uint64_t low = 0, high = r->entries;
	while (low < high) {
		uint64_t mid = low + (high - low) / 2;
		int order = strcmp(key, r->text + r->sorted[mid]);
		if (order == 0)
			return true;
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return false;
}

static const char *cut(const char *text, const struct sl_ask_key *k, char key[SL_NAME_MAX])
{
	memcpy(key, text + k->off, (size_t)(k->end - k->off));
	key[k->end - k->off] = '\0';
	return key;
}

static uint64_t judge_sorted(void *state, const struct sl_asks *a, size_t from, size_t n)
{
	const struct sl_rivals *r = (const struct sl_rivals *)state;
	char key[SL_NAME_MAX];
	uint64_t blocked = 0;
	for (size_t i = from; i < from + n; i++) {
		bool hit = false;
		for (uint32_t k = a->first_key[i]; k < a->first_key[i + 1] && !hit; k++)
			hit = is_listed(r, cut(a->text[i], &a->key[k], key));
		blocked += hit;
	}
	return blocked;
}

#ifdef SL_HAVE_GLIB
static uint64_t judge_set(void *state, const struct sl_asks *a, size_t from, size_t n)
{
	const struct sl_rivals *r = (const struct sl_rivals *)state;
	char key[SL_NAME_MAX];
	uint64_t blocked = 0;
	for (size_t i = from; i < from + n; i++) {
		bool hit = false;
		for (uint32_t k = a->first_key[i]; k < a->first_key[i + 1] && !hit; k++)
			hit = g_hash_table_contains(r->set, cut(a->text[i], &a->key[k], key));
		blocked += hit;
	}
	return blocked;
}

static uint64_t judge_apple(void *state, const struct sl_asks *a, size_t from, size_t n)
{
	const struct sl_rivals *r = (const struct sl_rivals *)state;
	char key[SL_NAME_MAX];
	uint64_t blocked = 0;
	for (size_t i = from; i < from + n; i++) {
		bool hit = false;
		for (uint32_t k = a->first_key[i]; k < a->first_key[i + 1] && !hit; k++) {
			struct sl_bytes text = sl_bytes_of(a->text[i] + a->key[k].off,
			                                   (size_t)(a->key[k].end - a->key[k].off));
			hit = sl_prefilter_maybe(r->apple, sl_apple_key(text, SEED)) &&
			      g_hash_table_contains(r->set, cut(a->text[i], &a->key[k], key));
		}
		blocked += hit;
	}
	return blocked;
}

/* GLib's set: per place a pointer and a hash; places are a power of two, more than 15/16 full are never. */
static uint64_t set_bytes(uint64_t entries)
{
	uint64_t places = 8;
	while (places * 15 / 16 < entries)
		places *= 2;
	return places * (sizeof(void *) + sizeof(guint));
}
#endif

unsigned sl_rivals_judges(struct sl_rivals *r, struct sl_judge out[4])
{
	unsigned n = 0;
#ifdef SL_HAVE_GLIB
	uint64_t set = r->used + set_bytes(r->entries);
	out[n++] = (struct sl_judge){ "Apple Bloom + GLib hash set", r, judge_apple,
		                      set + sl_prefilter_bytes(&r->shape), r->apple_s + r->set_s };
	out[n++] = (struct sl_judge){ "GLib hash set", r, judge_set, set, r->set_s };
#endif
	out[n++] = (struct sl_judge){ "sorted array, binary search", r, judge_sorted,
		                      r->used + r->entries * sizeof(*r->sorted), r->sort_s };
	return n;
}
