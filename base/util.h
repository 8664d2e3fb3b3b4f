/* SPDX-License-Identifier: GPL-2.0-or-later */
/* util.h - the few idioms that every file needs. */
#ifndef SL_BASE_UTIL_H
#define SL_BASE_UTIL_H

#include <stddef.h>
#include <stdint.h>

#define SL_COUNT(array)      (sizeof(array) / sizeof((array)[0]))
#define SL_CACHE_LINE        64
#define SL_ALIGNED           __attribute__((aligned(SL_CACHE_LINE)))
#define SL_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define SL_LIKELY(x)         __builtin_expect(!!(x), 1)
#define SL_UNLIKELY(x)       __builtin_expect(!!(x), 0)

/* Marks where ownership moves: yields the pointer and leaves NULL behind. */
#define sl_take(pp)                                  \
	__extension__({                              \
		__typeof__(*(pp)) sl_taken_ = *(pp); \
		*(pp) = NULL;                        \
		sl_taken_;                           \
	})

static inline size_t sl_min(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline size_t sl_max(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* Sequence numbers compare modulo 2^32 (RFC 9293 §3.4): the signed distance from b to a. */
static inline int32_t sl_seq_diff(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

#endif
