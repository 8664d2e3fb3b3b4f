/* SPDX-License-Identifier: GPL-2.0-or-later */
/* seqlock.h - words that several threads write and read without a lock, behind a number that is odd while somebody writes. Every
 * word is atomic; a reader believes what it copied if the number has not changed meanwhile. Stores with release and loads with
 * acquire order the words against the number (Boehm, Can Seqlocks Get Along with Programming Language Memory Models?, 2012), and
 * thread sanitizers follow them. Nobody waits: who finds another at work tries a few times, and does without. */
#ifndef SL_BASE_SEQLOCK_H
#define SL_BASE_SEQLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { SL_SEQLOCK_TRIES = 16 };

/* Begins to write; false: another thread is at it. *number goes to sl_seqlock_written(). */
static inline bool sl_seqlock_write(_Atomic uint64_t *lock, uint64_t *number)
{
	for (int i = 0; i < SL_SEQLOCK_TRIES; i++) {
		*number = atomic_load_explicit(lock, memory_order_relaxed) & ~UINT64_C(1);
		if (atomic_compare_exchange_weak_explicit(lock, number, *number + 1, memory_order_acquire,
		                                          memory_order_relaxed))
			return true;
	}
	return false;
}

static inline void sl_seqlock_written(_Atomic uint64_t *lock, uint64_t number)
{
	atomic_store_explicit(lock, number + 2, memory_order_release);
}

/* Before and after a reader's copy: was it whole? */
static inline uint64_t sl_seqlock_read(const _Atomic uint64_t *lock)
{
	return atomic_load_explicit(lock, memory_order_acquire);
}

static inline bool sl_seqlock_was_whole(const _Atomic uint64_t *lock, uint64_t number)
{
	return (number & 1) == 0 && atomic_load_explicit(lock, memory_order_relaxed) == number;
}

static inline void sl_seqlock_load(const _Atomic uint64_t *word, size_t words, void *out)
{
	for (size_t i = 0; i < words; i++) {
		uint64_t copy = atomic_load_explicit(&word[i], memory_order_acquire);
		memcpy((uint8_t *)out + i * sizeof(copy), &copy, sizeof(copy));
	}
}

static inline void sl_seqlock_store(_Atomic uint64_t *word, size_t words, const void *from)
{
	for (size_t i = 0; i < words; i++) {
		uint64_t copy;
		memcpy(&copy, (const uint8_t *)from + i * sizeof(copy), sizeof(copy));
		atomic_store_explicit(&word[i], copy, memory_order_release);
	}
}

#endif
