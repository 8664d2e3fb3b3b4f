/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench_verdict_threads.c - threads judge batches of 64 through the daemon's slot, each verdict timed, while the main thread
 * publishes: nothing; another snapshot that lies ready, every 100 ms; or one that it maps, prefaults and copies first, and
 * unmaps afterwards, which is all that a reload costs once its file is there. The three take turns. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/util.h"
#include "bench/bench.h"
#include "bench/bench_verdict.h"
#include "daemon/policy_slot.h"

enum { THREADS_MAX = 2, PERIOD_US = 100000, ROUNDS_MAX = 101, ARMS = 3 };
static const char *const arms[ARMS] = { "none", "publish every 100 ms", "load and publish every 100 ms" };

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

static struct sl_policy *policy_of(struct sl_loaded *l)
{
	struct sl_policy *p = NULL;
	if (sl_policy_of(&l->s, &p) != SL_OK)
		sl_verdict_die("memory");
	return p;
}

/* As a loader that keeps its mappings would: opened anew, the same bytes. */
static void reopen(struct sl_loaded *l)
{
	if (sl_snapshot_open(sl_bytes_of(l->map, l->len), NULL, &l->s) != SL_OK)
		sl_verdict_die("the snapshot");
	struct sl_bytes bits = sl_snapshot_prefilter(l->s);
	if (sl_snapshot_move_prefilter(l->s, sl_bytes_of(l->copy, bits.len)) != SL_OK)
		sl_verdict_die("the snapshot");
}

/* Publishes as the arm says until the time is over; returns how often. */
static unsigned publish(struct shared *s, unsigned arm, const struct sl_image *image, struct sl_loaded two[2],
                        double until)
{
	unsigned n = 0;
	double next = sl_verdict_seconds();
	for (double now = next; now < until; now = sl_verdict_seconds()) {
		next = next + PERIOD_US * 1e-6 > now ? next + PERIOD_US * 1e-6 : now;
		if (now < next)
			(void)usleep((useconds_t)((next < until ? next - now : until - now) * 1e6) + 1);
		if (arm == 0 || sl_verdict_seconds() >= until)
			continue;
		struct sl_loaded *l = &two[n % 2];
		if (arm == 1) {
			reopen(l);
		} else {
			if (l->map != NULL)
				sl_image_unload(l);
			sl_image_load(image, false, l);
		}
		sl_policy_slot_publish(&s->slot, policy_of(l));
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
	struct sl_loaded first, two[2] = { { 0 } };
	struct judging *j = (struct judging *)calloc(threads, sizeof(*j));
	struct shared s = { .asks = a };
	double verdicts = 0;
	sl_image_load(image, false, &first);
	for (unsigned i = 0; i < 2 && which == 1; i++) {
		sl_image_load(image, false, &two[i]);
		sl_snapshot_free(&two[i].s);
	}
	s.slot.current = policy_of(&first);
	double start = sl_verdict_seconds();
	for (unsigned i = 0; i < threads && j != NULL; i++) {
		j[i].shared = &s;
		j[i].at = a->n / threads * i;
		if (pthread_create(&j[i].thread, NULL, judging_main, &j[i]) != 0)
			sl_verdict_die("threads");
	}
	arm->published += publish(&s, which, image, two, start + seconds);
	__atomic_store_n(&s.stop, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < threads && j != NULL; i++) {
		(void)pthread_join(j[i].thread, NULL);
		verdicts += (double)j[i].verdicts;
		for (unsigned k = 0; k < SL_HIST; k++)
			arm->hist.n[k] += j[i].hist.n[k];
	}
	double took = sl_verdict_seconds() - start;
	sl_policy_free(&s.slot.current);
	for (unsigned i = 0; i < 2; i++)
		if (two[i].map != NULL)
			sl_image_unload(&two[i]);
	sl_image_unload(&first);
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
