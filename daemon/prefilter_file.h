/* SPDX-License-Identifier: GPL-2.0-or-later */
/* prefilter_file.h - a prefilter of Apple's format as a file, by whomever it was made.
 *   property list  XML or binary, with the keys of Apple's BloomFilterTool (NE-BLOOM-08)
 *   JSON           the same keys, or the short ones that people use (bits, hashes, seed, content); content in base64
 *   raw            the bits alone (NE-BLOOM-14); the numbers are given beside it */
#ifndef SL_DAEMON_PREFILTER_FILE_H
#define SL_DAEMON_PREFILTER_FILE_H

#include "base/diag.h"
#include "bloom/prefilter.h"

enum sl_prefilter_kind {
	SL_PREFILTER_PLIST_XML,
	SL_PREFILTER_PLIST_BINARY,
	SL_PREFILTER_JSON,
	SL_PREFILTER_RAW
};
const char *sl_prefilter_kind_name(enum sl_prefilter_kind kind);

/* A number that may not be there. */
struct sl_maybe_u64 {
	bool given;
	uint64_t value;
};

/* Numbers that were given beside a file, and count instead of its own. */
struct sl_prefilter_beside {
	struct sl_maybe_u64 bits, hashes, seed;
};

struct sl_prefilter_file {
	enum sl_prefilter_kind kind;
	struct sl_prefilter_shape
	        shape;    /* what sl_prefilter_open() takes, if data is as long as shape asks for */
	bool signed_seed; /* the file has the seed as a negative number; shape has it modulo 2^32 */
	struct sl_maybe_u64 items, bytes; /* itemCount, byteCount */
	double tolerance;                 /* falsePositiveTolerance; 0 where the file says nothing */
	struct sl_bytes tag;              /* owned; absent where the file says nothing */
	struct sl_bytes data;             /* owned */
};

/* name   for messages: what is wrong goes to diag (which may be NULL) as "name: what, and what to do"
 * out    written only on SL_OK; given back with sl_prefilter_file_free()
 * Returns SL_OK; SL_EMALF: no such file, a number missing or out of range (bits 1..2^32-8, hashes 1..2048, seed 32 bits);
 * SL_ENOMEM. The length of data is not judged. */
int sl_prefilter_file_read(const char *name, struct sl_bytes text, const struct sl_prefilter_beside *beside,
                           const struct sl_diag *diag, struct sl_prefilter_file *out);
void sl_prefilter_file_free(struct sl_prefilter_file *file);

/* Takes the next n bytes of a file that is being written. SL_OK, or what ends the writing. */
typedef int sl_prefilter_put(void *ctx, const void *p, size_t n);

/* Writes the file as XML property list, as JSON or raw (binary property lists are read only: SL_EUNSUP), with those members
 * that the file has. The tag is in JSON only; Apple's tool does not write one. Returns what sink returned, if not SL_OK. */
int sl_prefilter_file_write(const struct sl_prefilter_file *file, enum sl_prefilter_kind kind,
                            sl_prefilter_put *sink, void *ctx);

#endif
