/* SPDX-License-Identifier: GPL-2.0-or-later */
/* convention.h - which arithmetic made this filter? Apple's documentation does not say that sums wrap, nor which end of a
 * byte comes first, and people who write their own generator get it wrong in ways that can be told apart: each way is a
 * convention, and the bits that it makes of the entries are compared with the bits that are there.
 * The right one is NE-BLOOM-02..05; all members 0. Pure; any thread. */
#ifndef SL_BLOOM_CONVENTION_H
#define SL_BLOOM_CONVENTION_H

#include "base/out.h"
#include "bloom/prefilter.h"

enum sl_conv_hash { SL_CONV_FNV1A, SL_CONV_FNV1 };
enum sl_conv_role { SL_CONV_FNV_FIRST, SL_CONV_MURMUR_FIRST };
enum sl_conv_sum {
	SL_CONV_WRAP,         /* (h1 + i*h2) mod 2^32, unsigned: right */
	SL_CONV_WIDE,         /* unsigned, never reduced modulo 2^32 */
	SL_CONV_SIGNED_ABS,   /* a signed 32-bit sum, its magnitude taken */
	SL_CONV_SIGNED_FLOOR, /* a signed 32-bit sum, remainder taken upwards to 0..bitCount-1 */
	SL_CONV_SIGNED_FLIP,  /* a signed 32-bit sum, complemented when negative */
	SL_CONV_WIDE_SIGNED,  /* signed 32-bit hashes, summed wide, magnitude taken */
	SL_CONV_SUMS
};
enum sl_conv_order { SL_CONV_LSB_FIRST, SL_CONV_MSB_FIRST };
enum sl_conv_start { SL_CONV_FROM_ZERO, SL_CONV_FROM_ONE };
enum sl_conv_seed { SL_CONV_SEED_GIVEN, SL_CONV_SEED_ZERO, SL_CONV_SEED_SWAPPED, SL_CONV_SEEDS };
enum sl_conv_text {
	SL_CONV_AS_GIVEN,
	SL_CONV_NO_SCHEME, /* the entries name a scheme, the filter was built without */
	SL_CONV_HTTPS,     /* the entries name none, the filter was built from https://entry */
	SL_CONV_HTTP,
	SL_CONV_NEWLINE, /* the end of the line was hashed too */
	SL_CONV_CRLF,
	SL_CONV_CR,
	SL_CONV_NUL,   /* the terminator was hashed too */
	SL_CONV_SLASH, /* "/" behind each entry */
	SL_CONV_TEXTS
};

struct sl_convention {
	uint8_t hash, role, sum, order, start, seed, text; /* the enums above */
};

enum { SL_CONV_TEXT_MAX = 4096, SL_CONV_SAYING = 512 /* bytes that sl_convention_say() needs at most */ };

/* What the entry was turned into before hashing: a view of the entry or of buf. Absent where the entry is too long to be
 * meant (SL_CONV_TEXT_MAX - 16). */
struct sl_bytes sl_convention_text(const struct sl_convention *c, struct sl_bytes entry,
                                   char buf[SL_CONV_TEXT_MAX]);

/* The entry behind "http://", "https://" or another scheme; the entry itself where there is none. */
struct sl_bytes sl_convention_no_scheme(struct sl_bytes entry);

/* Would the bits hold this entry, had they been made so? shape must be one that sl_prefilter_open() takes. */
bool sl_convention_has(const struct sl_convention *c, const struct sl_prefilter_shape *shape,
                       const uint8_t *bits, struct sl_bytes entry);

/* Sets the entry's bits. */
void sl_convention_add(const struct sl_convention *c, const struct sl_prefilter_shape *shape, uint8_t *bits,
                       struct sl_bytes entry);

/* How many members differ from the right convention. */
unsigned sl_convention_faults(const struct sl_convention *c);

/* From one convention to the next: all with one fault, then with two, ... Begins with { 0 }. false behind the last. */
bool sl_convention_next(struct sl_convention *c);

/* In words, one clause a fault, joined by "; ". "correct" for the right one. */
void sl_convention_say(const struct sl_convention *c, struct sl_out *out);

#endif
