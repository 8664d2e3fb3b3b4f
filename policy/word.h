/* SPDX-License-Identifier: GPL-2.0-or-later */
/* word.h - eight bytes at a time: the top bit of each byte of a mask says whether that byte of the text has a property.
 * The first byte of the text is the lowest of the word. Private to policy/. */
#ifndef SL_POLICY_WORD_H
#define SL_POLICY_WORD_H

#include <stdint.h>
#include <string.h>

enum { SL_WORD = 8 };

#define SL_WORD_TOPS     UINT64_C(0x8080808080808080)
#define SL_WORD_EACH(c)  (UINT64_C(0x0101010101010101) * (uint8_t)(c))
#define SL_WORD_BELOW(n) ((UINT64_C(1) << 8 * (n)) - 1) /* the first n bytes, n < 8 */

static inline uint64_t sl_word_load(const void *p)
{
	uint64_t w = 0;
	memcpy(&w, p, SL_WORD);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	w = __builtin_bswap64(w);
#endif
	return w;
}

static inline void sl_word_store(void *p, uint64_t w)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	w = __builtin_bswap64(w);
#endif
	memcpy(p, &w, SL_WORD);
}

/* n < 8 bytes, the others 0. */
static inline uint64_t sl_word_load_first(const void *p, size_t n)
{
	uint8_t text[SL_WORD] = { 0 };
	memcpy(text, p, n);
	return sl_word_load(text);
}

/* Bytes that are c. */
static inline uint64_t sl_word_equal(uint64_t w, uint8_t c)
{
	uint64_t x = w ^ SL_WORD_EACH(c);
	return ~(((x & ~SL_WORD_TOPS) + ~SL_WORD_TOPS) | x) & SL_WORD_TOPS;
}

/* Bytes from low to high, both ASCII; no byte of w may be above 0x7f. */
static inline uint64_t sl_word_between(uint64_t w, uint8_t low, uint8_t high)
{
	uint64_t from = w + SL_WORD_EACH(0x80 - low), above = w + SL_WORD_EACH(0x7f - high);
	return (from & ~above) & SL_WORD_TOPS;
}

/* Index of the first byte of a mask that is not 0. */
static inline unsigned sl_word_first(uint64_t mask)
{
	return (unsigned)__builtin_ctzll(mask) / 8;
}

#endif
