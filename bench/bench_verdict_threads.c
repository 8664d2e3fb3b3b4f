/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench_verdict_threads.c - threads judge batches of 64 through the daemon's slot, each verdict timed, while the main thread
 * publishes nothing, or, every 100 ms, a snapshot that it maps anew as an engine does, and unmaps the one before once nobody
 * can see it: all that a reload costs an engine. The two take turns. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/util.h"
#include "bench/bench.h"
#include "bench/bench_verdict.h"
#include "daemon/policy_slot.h"

enum { THREADS_MAX = 2, PERIOD_US = 100000, ROUNDS_MAX = 101, ARMS = 2 };
static const char *const arms[ARMS] = { "none", "every 100 ms" };

struct shared {
	struct sl_policy_slot slot;
	const struct sl_asks *asks;
	bool stop; /* atomic */
};

struct judging {
	struct shared *shared;
	pthread_t thread;
	size_t at;
	uint64_t verdicts;
	struct sl_hist hist;
};

static void judge_batch(struct judging *j, const struct sl_policy *p, uint64_t over)
{
	const struct sl_asks *a = j->shared->asks;
	struct sl_decision d;
	for (unsigned i = 0; i < SL_DECIDE_MANY; i++, j->at = j->at + 1 == a->n ? 0 : j->at + 1) {
		uint64_t from = sl_ticks();
		sl_policy_decide(p, &a->query[j->at], &d);
		sl_keep(d.block);
		uint64_t took = sl_ticks() - from;
		j->hist.n[sl_hist_at(took > over ? took - over : 0)]++;
	}
	j->verdicts += SL_DECIDE_MANY;
}

static void *judging_main(void *arg)
{
	struct judging *j = (struct judging *)arg;
	uint64_t over = sl_ticks_overhead();
	sl_policy_slot_register();
	while (!__atomic_load_n(&j->shared->stop, __ATOMIC_RELAXED)) {
		const struct sl_policy *p = sl_policy_slot_enter(&j->shared->slot);
		judge_batch(j, p, over);
		sl_policy_slot_leave(&j->shared->slot);
	}
	sl_policy_slot_unregister();
	return NULL;
}

/* Reloads as the arm says until the time is over; returns how often. */
static unsigned publish(struct shared *s, unsigned arm, const struct sl_image *image, double until)
{
	unsigned n = 0;
	double next = sl_verdict_seconds();
	for (double now = next; now < until; now = sl_verdict_seconds()) {
		next = next + PERIOD_US * 1e-6 > now ? next + PERIOD_US * 1e-6 : now;
		if (now < next)
			(void)usleep((useconds_t)((next < until ? next - now : until - now) * 1e6) + 1);
		if (arm == 0 || sl_verdict_seconds() >= until)
			continue;
		sl_policy_slot_publish(&s->slot, sl_image_load(image, false));
		n++;
	}
	return n;
}

struct arm {
	struct sl_hist hist;
	double per_second[ROUNDS_MAX], loss[ROUNDS_MAX];
	unsigned published;
};

static double run(struct arm *arm, unsigned which, unsigned threads, const struct sl_image *image,
                  const struct sl_asks *a, double seconds)
{
	struct judging *j = (struct judging *)calloc(threads, sizeof(*j));
	struct shared s = { .asks = a };
	double verdicts = 0;
	s.slot.current = sl_image_load(image, false);
	double start = sl_verdict_seconds();
	for (unsigned i = 0; i < threads && j != NULL; i++) {
		j[i].shared = &s;
		j[i].at = a->n / threads * i;
		if (pthread_create(&j[i].thread, NULL, judging_main, &j[i]) != 0)
			sl_verdict_die("threads");
	}
	arm->published += publish(&s, which, image, start + seconds);
	__atomic_store_n(&s.stop, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < threads && j != NULL; i++) {
		(void)pthread_join(j[i].thread, NULL);
		verdicts += (double)j[i].verdicts;
		for (unsigned k = 0; k < SL_HIST; k++)
			arm->hist.n[k] += j[i].hist.n[k];
	}
	double took = sl_verdict_seconds() - start;
	sl_policy_free(&s.slot.current);
	free(j);
	return verdicts / took;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void tell(struct sl_report *report, const struct sl_row *common, unsigned which, unsigned threads,
                 struct arm *arm)
{
	struct sl_row row = *common;
	qsort(arm->per_second, row.rounds, sizeof(double), by_value);
	qsort(arm->loss, row.rounds, sizeof(double), by_value);
	row.engine = "sluice, through the slot";
	row.threads = threads;
	row.reload = arms[which];
	row.per_second = arm->per_second[row.rounds / 2];
	row.ns = 1e9 / row.per_second * threads;
	row.ns_low = 1e9 / arm->per_second[row.rounds - 1] * threads;
	row.ns_high = 1e9 / arm->per_second[0] * threads;
	row.ratio = arm->loss[row.rounds / 2];
	row.p50 = sl_hist_ns(&arm->hist, 0.5);
	row.p90 = sl_hist_ns(&arm->hist, 0.9);
	row.p99 = sl_hist_ns(&arm->hist, 0.99);
	row.p999 = sl_hist_ns(&arm->hist, 0.999);
	sl_report_row(report, &row);
}

void sl_threads(struct sl_report *report, const struct sl_row *common, const struct sl_image *image,
                const struct sl_asks *a, double seconds)
{
	for (unsigned threads = 1; threads <= THREADS_MAX; threads++) {
		struct arm *arm = (struct arm *)calloc(ARMS, sizeof(*arm));
		if (arm == NULL)
			sl_verdict_die("memory");
		for (unsigned round = 0; round < common->rounds; round++)
			for (unsigned k = 0; k < ARMS; k++) {
				arm[k].per_second[round] = run(&arm[k], k, threads, image, a, seconds);
				arm[k].loss[round] = arm[0].per_second[round] / arm[k].per_second[round];
			}
		for (unsigned k = 0; k < ARMS; k++)
			tell(report, common, k, threads, &arm[k]);
		free(arm);
	}
}
