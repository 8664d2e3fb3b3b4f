/* SPDX-License-Identifier: GPL-2.0-or-later */
/* apple_size.h - how many bits and hashes a prefilter of Apple's format has (NE-BLOOM-01), and its tag. */
#ifndef SL_BLOOM_APPLE_SIZE_H
#define SL_BLOOM_APPLE_SIZE_H

#include "bloom/prefilter.h"

enum {
	SL_APPLE_BITS_MIN =
	        1024, /* NE-CHOICE-42; below it a short list asks PIR for nearly every page (NE-BLOOM-12) */
	SL_APPLE_HASHES_CAP = 16, /* NE-CHOICE-42 */
	SL_APPLE_ITEMS_FEW = 100, /* NE-CHOICE-42: a list below this deserves a warning */
	SL_APPLE_TAG = 65,        /* bytes of a tag with its NUL */
};
#define SL_APPLE_TOLERANCE 0.001 /* NE-CHOICE-43 */

struct sl_apple_want {
	uint64_t lines;    /* as given, duplicates included: what Apple's tool counts */
	uint64_t distinct; /* canonical entries: what is counted unless strict (NE-CHOICE-44) */
	double tolerance;  /* p, 0 < p < 1 */
	uint32_t seed;     /* murmurSeed */
	/* true: NE-BLOOM-01 to the letter, as Apple's tool does. false: distinct entries, SL_APPLE_BITS_MIN at least, with
	 * the hashes that suit it, SL_APPLE_HASHES_CAP at most (NE-CHOICE-42, -44). */
	bool strict;
};

/* bitCount = ceil(-n ln p / (ln 2)^2), hashCount = ceil(bitCount / n ln 2), in IEEE doubles.
 * Returns SL_OK; SL_EINVAL for n = 0 or p outside (0,1); SL_ELIMIT where the bits cannot be addressed (NE-BLOOM-09). */
int sl_apple_size(const struct sl_apple_want *want, struct sl_prefilter_shape *out);

/* The tag that travels beside the bits: their SHA-256 in lower-case hex (NE-CHOICE-41). */
void sl_apple_tag(struct sl_bytes bits, char tag[SL_APPLE_TAG]);

#endif
