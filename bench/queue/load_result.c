/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>

#include "bench/queue/load.h"

enum { TIMES_MAX = 1 << 22 };

void sl_load_result_begin(struct sl_load_result *r, double warm, double seconds)
{
	*r = (struct sl_load_result){ .cap = TIMES_MAX };
	r->ns = (uint32_t *)malloc(r->cap * sizeof(*r->ns));
	if (r->ns == NULL)
		sl_load_die("memory");
	r->start = sl_load_ns() + (uint64_t)(warm * 1e9);
	r->end = r->start + (uint64_t)(seconds * 1e9);
}

void sl_load_result_done(struct sl_load_result *r, uint64_t begun_at, uint64_t now)
{
	r->all++;
	if (now < r->start || now >= r->end)
		return;
	uint64_t ns = now - begun_at;
	r->connections++;
	if (r->times < r->cap)
		r->ns[r->times++] = ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static double at(const struct sl_load_result *r, double share)
{
	return r->times == 0 ? 0 : r->ns[(size_t)(share * (double)(r->times - 1))] / 1e3;
}

void sl_load_result_print(struct sl_load_result *r)
{
	double seconds = (double)(r->end - r->start) / 1e9;
	qsort(r->ns, r->times, sizeof(*r->ns), by_value);
	(void)printf("{\"all\": %llu, \"connections\": %llu, \"per_second\": %.1f, \"lost\": %llu, "
	             "\"refused\": %llu, "
	             "\"p50_us\": %.2f, \"p99_us\": %.2f, \"p999_us\": %.2f}\n",
	             (unsigned long long)r->all, (unsigned long long)r->connections,
	             (double)r->connections / seconds, (unsigned long long)r->lost,
	             (unsigned long long)r->refused, at(r, 0.5), at(r, 0.99), at(r, 0.999));
	free(r->ns);
}
