/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench_prefilter.c - a key's hash in hand, is it on the list? 2^20 keys in turn, so that nothing stays in the caches but
 * what fits. Hashing is not in it. */
#include <stdlib.h>

#include "base/util.h"
#include "bench/bench.h"
#include "bloom/apple_size.h"

enum { ASKED = 1 << 20, ABSENT_BIT = 50 };

struct state {
	union sl_prefilter_mem mem;
	struct sl_prefilter *pf;
	void *bits;
	unsigned users;
	uint64_t absent[ASKED], present[ASKED];
};

static void add_all(struct state *st, uint64_t entries)
{
	uint64_t key[1024];

	for (uint64_t i = 0; i < entries;) {
		size_t n = 0;
		while (n < SL_COUNT(key) && i < entries)
			key[n++] = sl_bench_key(i++);
		sl_prefilter_add(st->pf, key, n);
	}
}

static struct state *make(const struct sl_prefilter_shape *shape, uint64_t entries)
{
	struct state *st = (struct state *)calloc(1, sizeof(*st));
	if (st == NULL)
		return NULL;
	st->bits = sl_bench_memory(sl_prefilter_bytes(shape));
	if (st->bits == NULL ||
	    sl_prefilter_build(&st->mem, shape, st->bits, sl_prefilter_bytes(shape), &st->pf) != SL_OK) {
		free(st->bits);
		free(st);
		return NULL;
	}
	add_all(st, entries);
	for (uint64_t i = 0; i < ASKED; i++) {
		st->absent[i] = sl_bench_key(i | UINT64_C(1) << ABSENT_BIT);
		st->present[i] = sl_bench_key(sl_bench_key(i) % entries);
	}
	return st;
}

/* The rows of one format share its filter; the last one gives it back. */
static struct state *native, *apple;

static void *setup_native(uint64_t entries)
{
	struct sl_prefilter_shape shape;
	if (native == NULL && sl_prefilter_shape_native(entries, SL_PREFILTER_BITS_PER_KEY, &shape) == SL_OK)
		native = make(&shape, entries);
	if (native != NULL)
		native->users++;
	return native;
}

static void *setup_apple(uint64_t entries)
{
	struct sl_apple_want want = { entries, entries, SL_APPLE_TOLERANCE, 0x4b8ed919, true };
	struct sl_prefilter_shape shape;
	if (apple == NULL && sl_apple_size(&want, &shape) == SL_OK)
		apple = make(&shape, entries);
	if (apple != NULL)
		apple->users++;
	return apple;
}

static void teardown(void *arg)
{
	struct state *st = (struct state *)arg;
	if (st == NULL || --st->users > 0)
		return;
	if (st == native)
		native = NULL;
	else
		apple = NULL;
	free(st->bits);
	free(st);
}

static void miss(void *arg, uint64_t n)
{
	const struct state *st = (const struct state *)arg;
	for (uint64_t i = 0; i < n; i++)
		sl_keep(sl_prefilter_maybe(st->pf, st->absent[i % ASKED]));
}

static void hit(void *arg, uint64_t n)
{
	const struct state *st = (const struct state *)arg;
	for (uint64_t i = 0; i < n; i++)
		sl_keep(sl_prefilter_maybe(st->pf, st->present[i % ASKED]));
}

/* Per key, 32 at a time: about what one URL has. */
static void many(void *arg, uint64_t n)
{
	const struct state *st = (const struct state *)arg;
	for (uint64_t i = 0; i < n; i += 32)
		sl_keep(sl_prefilter_maybe_many(st->pf, &st->absent[i % ASKED], 32));
}

const struct sl_bench sl_bench_prefilter[] = {
	{ "prefilter/apple/miss", setup_apple, miss, teardown },
	{ "prefilter/apple/hit", setup_apple, hit, teardown },
	{ "prefilter/apple/many", setup_apple, many, teardown },
	{ "prefilter/native/miss", setup_native, miss, teardown },
	{ "prefilter/native/hit", setup_native, hit, teardown },
	{ "prefilter/native/many", setup_native, many, teardown },
	{ 0 },
};
