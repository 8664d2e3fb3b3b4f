/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reload after reload while two threads judge: every batch is judged by one whole snapshot, and none that is still asked is
 * unmapped. Runs under ThreadSanitizer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "daemon/policy_slot.h"
#include "tests/daemon/compiled.h"

enum { JUDGES = 2, RELOADS = 200, BATCH = 8 };

struct judge {
	struct sl_policy_slot *slot;
	atomic_bool *stop;
	_Atomic uint64_t batches;
	uint64_t wrong;
	pthread_t thread;
};

/* Of an odd generation odd.example is blocked and even.example is not; of an even one the other way round. */
static const char *text_of(uint64_t generation)
{
	return generation % 2 == 1 ? "odd.example\nboth.example\n" : "both.example\neven.example\n";
}

static bool is_blocked(const struct sl_policy *p, const char *host)
{
	const struct sl_query q = { .host = sl_bytes_str(host) };
	struct sl_decision d;
	sl_policy_decide(p, &q, &d);
	return d.block;
}

static uint64_t count_wrong(const struct sl_policy *p)
{
	struct sl_snapshot_info info;
	uint64_t wrong = 0;
	sl_snapshot_info(sl_policy_snapshot(p), &info);
	for (int i = 0; i < BATCH; i++) {
		bool odd = info.generation % 2 == 1;
		wrong += is_blocked(p, "x.odd.example") != odd;
		wrong += is_blocked(p, "x.even.example") == odd;
		wrong += !is_blocked(p, "both.example");
	}
	return wrong;
}

static void *run(void *arg)
{
	struct judge *j = (struct judge *)arg;
	sl_policy_slot_register();
	while (!atomic_load_explicit(j->stop, memory_order_relaxed)) {
		const struct sl_policy *p = sl_policy_slot_enter(j->slot);
		j->wrong += count_wrong(p);
		sl_policy_slot_leave(j->slot);
		atomic_fetch_add_explicit(&j->batches, 1, memory_order_relaxed);
	}
	sl_policy_slot_unregister();
	return NULL;
}

/* Both have judged since: no reload goes by unused. */
static void wait_for_judges(struct judge *judge, const uint64_t *before)
{
	for (int i = 0; i < JUDGES; i++)
		while (atomic_load_explicit(&judge[i].batches, memory_order_relaxed) == before[i])
			(void)sched_yield();
}

static void test_reloads(void **state)
{
	struct sl_policy_slot slot = { .current = NULL };
	struct judge judge[JUDGES];
	atomic_bool stop = false;
	(void)state;
	sl_policy_slot_publish(&slot, compiled_policy(text_of(0), 0));
	for (int i = 0; i < JUDGES; i++) {
		judge[i] = (struct judge){ .slot = &slot, .stop = &stop };
		assert_int_equal(pthread_create(&judge[i].thread, NULL, run, &judge[i]), 0);
	}
	for (uint64_t g = 1; g <= RELOADS; g++) {
		uint64_t before[JUDGES];
		struct sl_policy *next = compiled_policy(text_of(g), g);
		assert_non_null(next);
		for (int i = 0; i < JUDGES; i++)
			before[i] = atomic_load_explicit(&judge[i].batches, memory_order_relaxed);
		sl_policy_slot_publish(&slot, next);
		wait_for_judges(judge, before);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < JUDGES; i++) {
		(void)pthread_join(judge[i].thread, NULL);
		assert_int_equal(judge[i].wrong, 0);
		assert_true(judge[i].batches >= RELOADS);
	}
	sl_policy_slot_publish(&slot, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "200 reloads while two threads judge: each batch by one whole snapshot", test_reloads, NULL,
		  NULL, NULL },
	};
	return cmocka_run_group_tests_name("daemon/policy_slot", tests, NULL, NULL);
}
