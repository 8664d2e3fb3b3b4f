/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bloom/gauge.h"

#include <math.h>

/* Sebastiano Vigna's SplitMix64: keys that look random and are the same every time. */
static uint64_t next_key(uint64_t *state)
{
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

uint64_t sl_gauge_ones(struct sl_bytes bits)
{
	uint64_t set = 0, word;
	size_t i = 0;

	for (; i + sizeof(word) <= bits.len; i += sizeof(word)) {
		memcpy(&word, bits.p + i, sizeof(word));
		set += (uint64_t)__builtin_popcountll(word);
	}
	for (; i < bits.len; i++)
		set += (uint64_t)__builtin_popcount(bits.p[i]);
	return set;
}

static double count_passing(const struct sl_prefilter *pf)
{
	uint64_t state = 0, key[SL_PREFILTER_MANY], passing = 0;

	for (unsigned done = 0; done < SL_GAUGE_KEYS; done += SL_PREFILTER_MANY) {
		for (unsigned i = 0; i < SL_PREFILTER_MANY; i++)
			key[i] = next_key(&state);
		passing +=
		        (uint64_t)__builtin_popcountll(sl_prefilter_maybe_many(pf, key, SL_PREFILTER_MANY));
	}
	return (double)passing / SL_GAUGE_KEYS;
}

void sl_gauge(const struct sl_prefilter *pf, struct sl_bytes bits, struct sl_gauge *out)
{
	struct sl_prefilter_shape shape;

	sl_prefilter_shape_of(pf, &shape);
	out->set = sl_gauge_ones(bits);
	out->fill =
	        fmin((double)out->set / (double)shape.bits, 1); /* stray bits behind the last may be set */
	out->per_key = count_passing(pf);
	out->entries = -(double)shape.bits / shape.hashes * log1p(-out->fill);
}

double sl_gauge_per_request(double per_key, unsigned keys)
{
	return -expm1(keys * log1p(-per_key));
}
