/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench.c - sl_bench [--entries N,N...] [--rounds N] [--json] [NAME...]: runs the rows whose name has one of the words in it. */
#include "bench/bench.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/util.h"

enum { ROWS = 64, ROUNDS_MAX = 1001, SIZES = 16, HUGE = 2 << 20, ROUND_NS = 20 * 1000 * 1000 };

struct row {
	const struct sl_bench *bench;
	void *state;
	uint64_t n;            /* operations of a round */
	double ns[ROUNDS_MAX]; /* per operation, sorted at the end */
};

struct options {
	uint64_t entries[SIZES];
	unsigned sizes, rounds;
	bool json;
	char **word;
	int words;
};

static const struct sl_bench *const tables[] = { sl_bench_prefilter, sl_bench_subkeys,  sl_bench_list,
	                                         sl_bench_host_keys, sl_bench_url_keys, sl_bench_quic,
	                                         sl_bench_flows };

void *sl_bench_memory(size_t bytes)
{
	size_t len = (bytes + HUGE - 1) / HUGE * HUGE;
	void *p = aligned_alloc(HUGE, len);

	if (p != NULL) {
		(void)madvise(p, len, MADV_HUGEPAGE); /* a kernel without them measures without them */
		memset(p, 0, len);
	}
	return p;
}

static double now_ns(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double time_of(const struct row *r, uint64_t n)
{
	double start = now_ns();
	r->bench->run(r->state, n);
	return now_ns() - start;
}

/* As many operations as take about ROUND_NS. */
static void calibrate(struct row *r)
{
	r->n = 1024;
	for (double ns = time_of(r, r->n); ns < ROUND_NS && r->n < UINT64_C(1) << 40; ns = time_of(r, r->n))
		r->n = ns < ROUND_NS / 8.0 ? r->n * 8 : r->n * 2;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static bool wanted(const struct options *o, const char *name)
{
	for (int i = 0; i < o->words; i++)
		if (strstr(name, o->word[i]) != NULL)
			return true;
	return o->words == 0;
}

static void print(const struct options *o, const struct row *row, size_t rows, uint64_t entries)
{
	double first = row[0].ns[o->rounds / 2];

	for (size_t i = 0; i < rows; i++) {
		const double *ns = row[i].ns;
		double median = ns[o->rounds / 2];
		(void)printf(o->json ? "{\"bench\":\"%s\",\"entries\":%llu,\"ns\":%.3f,\"ns_p10\":%.3f,"
		                       "\"ns_p90\":%.3f,\"ratio\":%.4f}\n"
		                     : "%-28s %11llu  %8.2f ns  [%.2f .. %.2f]  x%.3f\n",
		             row[i].bench->name, (unsigned long long)entries, median, ns[o->rounds / 10],
		             ns[o->rounds - 1 - o->rounds / 10], median / first);
	}
	(void)fflush(stdout);
}

static int run_table(const struct sl_bench *table, const struct options *o, uint64_t entries)
{
	static struct row row[ROWS];
	size_t rows = 0;
	int status = 0;

	for (const struct sl_bench *b = table; b->name != NULL && rows < ROWS; b++)
		if (wanted(o, b->name))
			row[rows++] = (struct row){ .bench = b, .state = b->setup(entries) };
	for (size_t i = 0; i < rows; i++)
		status |= row[i].state == NULL;
	for (size_t i = 0; i < rows && status == 0; i++)
		calibrate(&row[i]);
	for (unsigned round = 0; round < o->rounds && status == 0; round++)
		for (size_t i = 0; i < rows; i++)
			row[i].ns[round] = time_of(&row[i], row[i].n) / (double)row[i].n;
	for (size_t i = 0; i < rows; i++)
		qsort(row[i].ns, o->rounds, sizeof(row[i].ns[0]), by_value);
	if (status != 0)
		(void)fputs("sl_bench: no memory\n", stderr);
	else if (rows > 0)
		print(o, row, rows, entries);
	for (size_t i = 0; i < rows; i++)
		row[i].bench->teardown(row[i].state);
	return status;
}

static bool read_sizes(struct options *o, char *text)
{
	o->sizes = 0;
	for (char *part = strtok(text, ","); part != NULL && o->sizes < SIZES; part = strtok(NULL, ",")) {
		char *end;
		o->entries[o->sizes] = strtoull(part, &end, 10);
		if (*end == 'k' || *end == 'M')
			o->entries[o->sizes] *= *end++ == 'k' ? 1000 : 1000000;
		if (*end != '\0' || o->entries[o->sizes] == 0)
			return false;
		o->sizes++;
	}
	return o->sizes > 0;
}

static bool read_options(int argc, char **argv, struct options *o)
{
	static const struct option options[] = { { "entries", required_argument, NULL, 'e' },
		                                 { "rounds", required_argument, NULL, 'r' },
		                                 { "json", no_argument, NULL, 'j' },
		                                 { NULL, 0, NULL, 0 } };
	bool fine = true;

	for (int letter; (letter = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (letter == 'e')
			fine &= read_sizes(o, optarg);
		else if (letter == 'r')
			o->rounds = (unsigned)strtoul(optarg, NULL, 10);
		else if (letter == 'j')
			o->json = true;
		else
			fine = false;
	}
	o->word = argv + optind;
	o->words = argc - optind;
	return fine && o->rounds > 0 && o->rounds <= ROUNDS_MAX;
}

int main(int argc, char **argv)
{
	struct options o = { .entries = { 1000000 }, .sizes = 1, .rounds = 21 };
	int status = 0;

	if (!read_options(argc, argv, &o)) {
		(void)fprintf(stderr,
		              "usage: sl_bench [--entries N,N...] [--rounds 1..%d] [--json] [NAME...]\n",
		              ROUNDS_MAX);
		return 2;
	}
	for (size_t t = 0; t < SL_COUNT(tables); t++)
		for (unsigned s = 0; s < o.sizes; s++)
			status |= run_table(tables[t], &o, o.entries[s]);
	return status;
}
