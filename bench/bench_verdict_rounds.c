/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench_verdict_rounds.c - engines take turns at the same questions: first many in a row, in time of the
 * processor, then each verdict by itself
 * between two readings of the time-stamp counter, of which the cost of reading is taken off. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/util.h"
#include "bench/bench.h"
#include "bench/bench_verdict.h"

enum { ROUNDS_MAX = 101, JUDGES_MAX = 16, TURN_MS = 30, STEP = 64, TIMED = 1 << 16, AHEAD = 8 };

double sl_verdict_seconds(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double sl_verdict_cpu(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double sl_ticks_ns(void)
{
	static double ns; /* asked for the first time before there are threads */
	if (ns <= 0) {
		double start = sl_verdict_seconds(), now = start;
		uint64_t from = sl_ticks();
		while (now - start < 0.05)
			now = sl_verdict_seconds();
		ns = (now - start) * 1e9 / (double)(sl_ticks() - from);
	}
	return ns;
}

uint64_t sl_ticks_overhead(void)
{
	static uint64_t least;
	if (least == 0) {
		least = UINT64_MAX;
		for (unsigned i = 0; i < 100000; i++) {
			uint64_t from = sl_ticks();
			least = sl_min(least, sl_ticks() - from);
		}
	}
	return least;
}

double sl_hist_ns(const struct sl_hist *h, double share)
{
	uint64_t all = 0, so_far = 0;
	unsigned at = 0;
	for (unsigned i = 0; i < SL_HIST; i++)
		all += h->n[i];
	for (; at + 1 < SL_HIST; at++) {
		so_far += h->n[at];
		if ((double)so_far >= share * (double)all)
			break;
	}
	double ticks = at < 128 ? at : (double)((uint64_t)(64 + at % 64) << (at / 64 - 1));
	return ticks * sl_ticks_ns();
}

struct turn {
	double ns[ROUNDS_MAX], ratio[ROUNDS_MAX];
	struct sl_hist *hist;
	size_t at; /* the next question */
	uint64_t per_turn;
};

/* The name that is asked for was just read from a packet, and is in the cache; the lists are not. */
static void fetch(const struct sl_asks *a, size_t from, size_t n)
{
	for (size_t i = from; i < from + n && i < a->n; i++) {
		__builtin_prefetch(&a->query[i]);
		__builtin_prefetch(&a->host[i]);
		__builtin_prefetch(a->text[i]);
	}
}

/* n questions from where the turn before ended. */
static double take_turn(const struct sl_judge *j, struct turn *t, const struct sl_asks *a, uint64_t n)
{
	double start = sl_verdict_cpu();
	uint64_t blocked = 0;
	for (uint64_t done = 0; done < n; done += STEP) {
		if (t->at + STEP > a->n)
			t->at = 0;
		fetch(a, t->at + STEP, STEP);
		blocked += j->judge(j->state, a, t->at, STEP);
		t->at += STEP;
	}
	sl_keep(blocked);
	return (sl_verdict_cpu() - start) * 1e9 / (double)n;
}

static void calibrate(const struct sl_judge *j, struct turn *t, const struct sl_asks *a)
{
	t->per_turn = 4096;
	for (;;) {
		double ns = take_turn(j, t, a, t->per_turn) * (double)t->per_turn;
		if (ns > TURN_MS * 1e6 / 2)
			return;
		t->per_turn *= ns < TURN_MS * 1e6 / 8 ? 4 : 2;
	}
}

static void time_each(const struct sl_judge *j, struct turn *t, const struct sl_asks *a)
{
	uint64_t over = sl_ticks_overhead();
	for (size_t i = 0; i < TIMED; i++) {
		if (t->at >= a->n)
			t->at = 0;
		fetch(a, t->at + AHEAD, 1);
		uint64_t from = sl_ticks();
		sl_keep(j->judge(j->state, a, t->at, 1));
		uint64_t took = sl_ticks() - from;
		t->hist->n[sl_hist_at(took > over ? took - over : 0)]++;
		t->at++;
	}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void agree(const struct sl_judge *judge, unsigned judges, const struct sl_asks *a, double *hits)
{
	uint64_t blocked = judge[0].judge(judge[0].state, a, 0, a->n);
	for (unsigned i = 1; i < judges; i++)
		if (judge[i].judge(judge[i].state, a, 0, a->n) != blocked)
			sl_verdict_die(judge[i].name);
	*hits = (double)blocked / (double)a->n;
}

static void tell(struct sl_report *report, const struct sl_row *common, const struct sl_judge *j,
                 struct turn *t)
{
	struct sl_row row = *common;
	qsort(t->ns, row.rounds, sizeof(t->ns[0]), by_value);
	qsort(t->ratio, row.rounds, sizeof(t->ratio[0]), by_value);
	row.engine = j->name;
	row.threads = 1;
	row.reload = "none";
	row.ns = t->ns[row.rounds / 2];
	row.ns_low = t->ns[0];
	row.ns_high = t->ns[row.rounds - 1];
	row.ratio = t->ratio[row.rounds / 2];
	row.per_second = 1e9 / row.ns;
	row.p50 = sl_hist_ns(t->hist, 0.5);
	row.p90 = sl_hist_ns(t->hist, 0.9);
	row.p99 = sl_hist_ns(t->hist, 0.99);
	row.p999 = sl_hist_ns(t->hist, 0.999);
	sl_report_row(report, &row);
}

void sl_rounds(struct sl_report *report, const struct sl_row *common, const struct sl_judge *judge,
               unsigned judges, const struct sl_asks *a)
{
	struct turn *turn = (struct turn *)calloc(JUDGES_MAX, sizeof(*turn));
	struct sl_row row = *common;
	if (turn == NULL || judges > JUDGES_MAX || row.rounds > ROUNDS_MAX)
		sl_verdict_die("rounds");
	agree(judge, judges, a, &row.hits);
	row.keys = (double)a->first_key[a->n] / (double)a->n;
	for (unsigned i = 0; i < judges; i++) {
		turn[i].hist = (struct sl_hist *)calloc(1, sizeof(*turn[i].hist));
		if (turn[i].hist == NULL)
			sl_verdict_die("memory");
		calibrate(&judge[i], &turn[i], a);
	}
	for (unsigned round = 0; round < row.rounds; round++)
		for (unsigned i = 0; i < judges; i++) {
			turn[i].ns[round] = take_turn(&judge[i], &turn[i], a, turn[i].per_turn);
			turn[i].ratio[round] = turn[i].ns[round] / turn[0].ns[round];
			time_each(&judge[i], &turn[i], a);
		}
	for (unsigned i = 0; i < judges; i++) {
		tell(report, &row, &judge[i], &turn[i]);
		free(turn[i].hist);
	}
	free(turn);
}
