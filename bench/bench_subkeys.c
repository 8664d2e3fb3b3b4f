/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench_subkeys.c - Apple's two hashes of all 30 probes of one URL: three hosts, each with ten tails of its path. Each by itself
 * hashes the common prefixes over and over; carried along, they are hashed once. The measure is one URL. */
#include "base/util.h"
#include "bench/bench.h"
#include "bloom/apple_hash.h"

enum { SEED = 1267652889, ENDS = 10 };

static const char url[] = "www.shop.example.com/catalogue/2026/spring/shoes/running/index.html?colour=blue";
static const size_t host[] = { 0, 4, 9 };
static const size_t end[ENDS] = { 20, 21, 30, 31, 35, 36, 42, 43, 48, 79 };

static void *setup(uint64_t entries)
{
	(void)entries; /* there is nothing but the URL */
	return (void *)(uintptr_t)url;
}

static void teardown(void *state)
{
	(void)state;
}

static void each(void *state, uint64_t n)
{
	const char *text = (const char *)state;

	for (uint64_t i = 0; i < n; i++)
		for (size_t h = 0; h < SL_COUNT(host); h++)
			for (size_t e = 0; e < ENDS; e++)
				sl_keep(sl_apple_key(sl_bytes_of(text + host[h], end[e] - host[h]), SEED));
}

static void carried(void *state, uint64_t n)
{
	const char *text = (const char *)state;
	uint64_t key[ENDS];
	size_t to[ENDS];

	for (uint64_t i = 0; i < n; i++) {
		for (size_t h = 0; h < SL_COUNT(host); h++) {
			for (size_t e = 0; e < ENDS; e++)
				to[e] = end[e] - host[h];
			sl_apple_keys(sl_bytes_of(text + host[h], sizeof(url) - 1 - host[h]), SEED, to, ENDS,
			              key);
			sl_keep(key[ENDS - 1]);
		}
	}
}

const struct sl_bench sl_bench_subkeys[] = {
	{ "subkeys/apple/each", setup, each, teardown },
	{ "subkeys/apple/carried", setup, carried, teardown },
	{ 0 },
};
