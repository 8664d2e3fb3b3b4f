/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gauge.h - how full a prefilter of Apple's format is, and how often it will say "perhaps" for nothing. */
#ifndef SL_BLOOM_GAUGE_H
#define SL_BLOOM_GAUGE_H

#include "bloom/prefilter.h"

struct sl_gauge {
	uint64_t set; /* bits that are 1 */
	double fill;  /* their share of the bits */
	double per_key; /* share of absent keys that pass: counted over SL_GAUGE_KEYS random keys, since fill^hashes is far
	                  * too low for a small or composite bitCount (NE-BLOOM-12) */
	double entries; /* how many distinct entries make such a fill, by expectation; infinite when all bits are set */
};

enum { SL_GAUGE_KEYS = 1 << 20 };

/* The keys are the same at every call, so the answer is too. */
void sl_gauge(const struct sl_prefilter *pf, struct sl_bytes bits, struct sl_gauge *out);

/* How many bits are 1. */
uint64_t sl_gauge_ones(struct sl_bytes bits);

/* The share of requests of which at least one of so many keys passes: 24 under ne26, 48 under ne27 (NE-CHOICE-43). */
double sl_gauge_per_request(double per_key, unsigned keys);

#endif
