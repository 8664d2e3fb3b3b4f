/* SPDX-License-Identifier: GPL-2.0-or-later */
/* string_heap.h - sorted strings, front-coded in blocks of 16: each holds only what differs from the one before it, packed
 * in half bytes. Private to policy/.
 *
 * A string is one byte, whose halves say how many characters it shares with the one before and how many bytes follow:
 *   high half  the change of the number shared, 0, -1, 1, -2, 2 ... 7 as 0..14; 15: a length follows
 *   low half   bytes that follow, 0..14; 15: a length follows
 *   a length   one byte below 255; or 255 and two bytes, big endian
 * The first of a block shares nothing. Neighbours of a long list share nearly as much as their neighbours did, so the
 * half byte almost always does.
 * A character is one half byte where it is one of the twelve that names use most, two (12..14, any) for 48 others, three
 * (15, its value) for the rest; a last half byte that is left over is 15. Names take two thirds of their bytes so. */
#ifndef SL_POLICY_STRING_HEAP_H
#define SL_POLICY_STRING_HEAP_H

#include "base/cur.h"
#include "policy/sort_key.h"

enum { SL_HEAP_BLOCK = 16 };                          /* strings */
enum { SL_HEAP_MAX = 7 + (SL_SORT_MAX * 3 + 1) / 2 }; /* bytes of one, at most */

struct sl_heap_writer { /* all zero: at the start */
	uint8_t last[SL_SORT_MAX];
	uint16_t len, shared;
};

/* Codes the next string into out, which has room for SL_HEAP_MAX bytes; returns how many it took. key has at most
 * SL_SORT_MAX bytes. */
size_t sl_heap_put(struct sl_heap_writer *w, struct sl_bytes key, bool restart, uint8_t *out);

/* Is string number n of the block at c this key? Nothing is copied. */
bool sl_heap_is(struct sl_cur c, unsigned n, struct sl_bytes key);
/* Reads the next string of a block over the one before it. SL_OK, or SL_EMALF. */
int sl_heap_read(struct sl_cur *c, struct sl_heap_writer *at);

#endif
