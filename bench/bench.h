/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench.h - the harness of sl_bench: cases take turns, so that what disturbs the machine disturbs all alike, and ratios
 * within one run mean more than nanoseconds. */
#ifndef SL_BENCH_BENCH_H
#define SL_BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>

struct sl_bench {
	const char *
	        name; /* "module/implementation/what"; the first row of a table is what the others are compared with */
	/* Everything that is made once for so many entries; NULL when there is no memory. May be shared between rows. */
	void *(*setup)(uint64_t entries);
	/* The thing measured, n times. */
	void (*run)(void *state, uint64_t n);
	void (*teardown)(void *state);
};

/* The compiler must have made the value. */
static inline void sl_keep(uint64_t value)
{
	__asm__ volatile("" : : "r"(value) : "memory");
}

/* Zeroed, aligned to a huge page, with huge pages asked for. NULL when there is none. Given back with free(). */
void *sl_bench_memory(size_t bytes);

/* SplitMix64 of a counter: different for different counters, the same in every run. */
static inline uint64_t sl_bench_key(uint64_t i)
{
	uint64_t x = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* Each table ends with { 0 }. */
extern const struct sl_bench sl_bench_prefilter[], sl_bench_subkeys[], sl_bench_list[], sl_bench_host_keys[],
        sl_bench_url_keys[], sl_bench_quic[], sl_bench_flows[];

#endif
