/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile_portion.c - sorting strings: a multikey quicksort whose characters are eight bytes wide, so that most
 * comparisons are of two numbers that lie side by side. compile/sort */
#include "base/util.h"
#include "policy/compile_impl.h"

enum {
	FEW = 12,
	DEPTH_END = SL_SORT_MAX + 8,
	AHEAD = 8
}; /* AHEAD: entries fetched early, as sorted ones lie anywhere */

struct head {
	uint32_t line;
	uint16_t list, len;
	uint8_t slot;
};

enum { HEAD = 9 };

static void put_head(uint8_t *at, const struct sl_item *item)
{
	uint16_t len = (uint16_t)item->key.len;
	memcpy(at, &item->line, 4);
	memcpy(at + 4, &item->list, 2);
	memcpy(at + 6, &len, 2);
	at[8] = item->slot;
}

static struct head get_head(const uint8_t *at)
{
	struct head h = { .slot = at[8] };
	memcpy(&h.line, at, 4);
	memcpy(&h.list, at + 4, 2);
	memcpy(&h.len, at + 6, 2);
	return h;
}

int sl_portion_add(struct sl_portion *p, struct sl_budget *b, const struct sl_item *item)
{
	size_t need = p->used + HEAD + item->key.len;
	if (need + (p->n + 1) * sizeof(*p->ref) > p->max)
		return SL_EBUSY;
	if (need > p->cap) {
		/* Doubles within max, so that a portion never costs more than it says. */
		void *mem = p->mem;
		size_t want = sl_min(sl_max(need, sl_max(p->cap * 2, 16384)), p->max);
		int err = sl_budget_widen(b, &mem, &p->cap, want, 1);
		p->mem = (uint8_t *)mem;
		if (err != SL_OK)
			return p->n > 0 ? SL_EBUSY : err;
	}
	put_head(p->mem + p->used, item);
	memcpy(p->mem + p->used + HEAD, item->key.p, item->key.len);
	p->used = need;
	p->n++;
	return SL_OK;
}

/* Eight bytes from depth on; what is not there is 0, which no key holds. */
static uint64_t word_at(const uint8_t *entry, size_t depth)
{
	size_t len = get_head(entry).len;
	uint64_t word = 0;
	if (depth < len)
		memcpy(&word, entry + HEAD + depth, sl_min(len - depth, 8));
	return __builtin_bswap64(word);
}

static void swap(struct sl_portion_ref *a, struct sl_portion_ref *b)
{
	struct sl_portion_ref t = *a;
	*a = *b;
	*b = t;
}

static struct sl_bytes tail_of(const struct sl_portion *p, const struct sl_portion_ref *r, size_t depth)
{
	const uint8_t *entry = p->mem + r->at;
	return sl_bytes_skip(sl_bytes_of(entry + HEAD, get_head(entry).len), depth);
}

/* Words are those at depth. Equal keys go by where they stand, which is the order of adding. */
static bool is_less(const struct sl_portion *p, const struct sl_portion_ref *a,
                    const struct sl_portion_ref *b, size_t depth)
{
	if (a->word != b->word)
		return a->word < b->word;
	int diff = (a->word & 0xff) == 0 || depth >= DEPTH_END
	                   ? 0
	                   : sl_sort_cmp(tail_of(p, a, depth + 8), tail_of(p, b, depth + 8));
	return diff != 0 ? diff < 0 : a->at < b->at;
}

static void sort_few(const struct sl_portion *p, struct sl_portion_ref *r, size_t n, size_t depth)
{
	for (size_t i = 1; i < n; i++)
		for (size_t j = i; j > 0 && is_less(p, &r[j], &r[j - 1], depth); j--)
			swap(&r[j], &r[j - 1]);
}

static uint64_t median(uint64_t a, uint64_t b, uint64_t c)
{
	return a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
}

static uint64_t pick_pivot(const struct sl_portion_ref *r, size_t n, uint64_t *seed)
{
	uint64_t w[3];
	for (int i = 0; i < 3; i++) {
		*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		w[i] = r[(*seed >> 32) % n].word;
	}
	return median(w[0], w[1], w[2]);
}

/* Of a group of equal words: the next eight bytes, or, where the keys ended, the order of adding. */
static size_t deepen(const struct sl_portion *p, struct sl_portion_ref *r, size_t n, size_t depth)
{
	bool ended = (r[0].word & 0xff) == 0;
	for (size_t i = 0; i < n; i++) {
		if (i + AHEAD < n)
			__builtin_prefetch(p->mem + r[i + AHEAD].at);
		r[i].word = ended ? r[i].at : word_at(p->mem + r[i].at, depth + 8);
	}
	return ended ? DEPTH_END : depth + 8;
}

static void sort(const struct sl_portion *p, struct sl_portion_ref *r, size_t n, size_t depth, uint64_t *seed)
{
	while (n > FEW) {
		uint64_t pivot = pick_pivot(r, n, seed);
		size_t less = 0, more = n;
		for (size_t i = 0; i < more;) {
			if (r[i].word < pivot)
				swap(&r[less++], &r[i++]);
			else if (r[i].word > pivot)
				swap(&r[i], &r[--more]);
			else
				i++;
		}
		sort(p, r, less, depth, seed);
		sort(p, r + more, n - more, depth, seed);
		r += less;
		n = more - less;
		if (depth == DEPTH_END)
			return;
		depth = deepen(p, r, n, depth);
	}
	sort_few(p, r, n, depth);
}

int sl_portion_sort(struct sl_portion *p, struct sl_budget *b, uint64_t seed)
{
	size_t at = 0;
	p->ref = (struct sl_portion_ref *)sl_budget_get(b, p->n * sizeof(*p->ref));
	if (p->ref == NULL)
		return SL_ENOMEM;
	p->refs = p->n;
	for (size_t i = 0; i < p->n; i++) {
		p->ref[i] = (struct sl_portion_ref){ word_at(p->mem + at, 0), (uint32_t)at };
		at += HEAD + get_head(p->mem + at).len;
	}
	sort(p, p->ref, p->n, 0, &seed);
	return SL_OK;
}

void sl_portion_get(const struct sl_portion *p, size_t i, struct sl_item *out)
{
	const uint8_t *entry = p->mem + p->ref[i].at;
	struct head h = get_head(entry);
	if (i + AHEAD < p->n)
		__builtin_prefetch(p->mem + p->ref[i + AHEAD].at);
	*out = (struct sl_item){ sl_bytes_of(entry + HEAD, h.len), h.line, h.list, h.slot };
}

void sl_portion_empty(struct sl_portion *p, struct sl_budget *b)
{
	sl_budget_put(b, p->ref, p->refs * sizeof(*p->ref));
	p->ref = NULL;
	p->used = p->n = p->refs = 0;
}

void sl_portion_free(struct sl_portion *p, struct sl_budget *b)
{
	sl_portion_empty(p, b);
	sl_budget_put(b, p->mem, p->cap);
	p->mem = NULL;
	p->cap = 0;
}
