/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diagnosis.h - what is wrong with a prefilter of Apple's format, told from its bits and the entries it should hold. */
#ifndef SL_BLOOM_DIAGNOSIS_H
#define SL_BLOOM_DIAGNOSIS_H

#include "bloom/convention.h"

enum sl_diagnosis_kind {
	SL_DIAGNOSIS_SAME, /* the convention makes these very bits of these very entries */
	SL_DIAGNOSIS_MORE, /* all entries are there, and the bits hold more than them */
	SL_DIAGNOSIS_SOME, /* most are there, too many for chance: the filter was built from another list */
	SL_DIAGNOSIS_FEW, /* a convention fits, but so few entries or bits fit one of so many by chance too often */
	SL_DIAGNOSIS_UNKNOWN, /* no convention known here */
};

struct sl_diagnosis {
	enum sl_diagnosis_kind kind;
	struct sl_convention convention; /* the one with the fewest faults; { 0 } where the kind is UNKNOWN */
	size_t sampled,
	        found; /* entries that were looked for, and found: FEW, UNKNOWN: by the right convention */
	unsigned
	        others; /* further conventions with as few faults that fit as well: entries too few to tell */
};

enum { SL_DIAGNOSIS_SAMPLE = 1000 }; /* entries that every convention is tried on */

/* shape, bits  as sl_prefilter_open() takes them      entry  n of them, 1 at least
 * scratch      as many bytes as bits; holds anything afterwards
 * Returns SL_OK, or SL_EINVAL for no entry; and as sl_prefilter_open(). */
int sl_diagnose(const struct sl_prefilter_shape *shape, struct sl_bytes bits, const struct sl_bytes *entry,
                size_t n, uint8_t *scratch, struct sl_diagnosis *out);

#endif
