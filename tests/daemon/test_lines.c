/* SPDX-License-Identifier: GPL-2.0-or-later */
/* No cache line that a worker writes is another's: all memory that workers are made of is noted, by functions that stand before
 * those of libc; so are the counters that they share with the supervisor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <stdlib.h>
#include <unistd.h>

#include "base/lines.h"
#include "daemon/judging.h"
#include "daemon/nfq.h"
#include "daemon/shared.h"

enum { WORKERS = 2, BLOCKS_MAX = 256 };

struct block {
	uintptr_t at;
	size_t len;
};
static struct {
	struct block block[BLOCKS_MAX];
	size_t n;
} of[WORKERS];
static int noting = -1; /* whose memory it is; -1: nobody's */

#ifndef SL_SANITIZE /* which have such functions of their own */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
static void *note(void *p, size_t len)
{
	if (noting >= 0 && of[noting].n < BLOCKS_MAX)
		of[noting].block[of[noting].n++] = (struct block){ (uintptr_t)p, len };
	return p;
}

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_memalign(size_t align, size_t n);
__attribute__((visibility("default"))) void *malloc(size_t n)
{
	return note(__libc_malloc(n), n);
}
__attribute__((visibility("default"))) void *calloc(size_t n, size_t size)
{
	return note(__libc_calloc(n, size), n * size);
}
__attribute__((visibility("default"))) void *aligned_alloc(size_t align, size_t n)
{
	return note(__libc_memalign(align, n), n);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
#endif

static int flush(void *ctx)
{
	(void)ctx;
	return SL_OK;
}

struct parts {
	struct sl_judging judging;
	struct sl_nfq_batch *batch;
	struct sl_syn_reader *syns;
};

static void make(int number, const struct sl_conf *conf, struct sl_policy_slot *slot, struct sl_syn_log *log,
                 struct sl_shared *shared, struct parts *p)
{
	noting = number;
	assert_int_equal(sl_syn_reader_new(log, dup(0), (unsigned)number, &shared->worker[number], &p->syns),
	                 SL_OK);
	const struct sl_judging_cfg cfg = { .conf = conf,
		                            .slot = slot,
		                            .stats = &shared->worker[number].filter,
		                            .syns = p->syns,
		                            .worker = (unsigned)number,
		                            .flush = flush };
	assert_int_equal(sl_judging_new(&cfg, &p->judging), SL_OK);
	assert_int_equal(sl_nfq_batch_new(conf->batch, sl_conf_copy_range(conf), &p->batch), SL_OK);
	noting = -1;
}

/* Of its own are whole lines, or, where much is asked for, whole pages: then no other allocator puts another's beside them either. */
static bool is_apart(const struct block *b)
{
	return b->len >= SL_LINES_PAGES || (b->at % SL_CACHE_LINE == 0 && b->len % SL_CACHE_LINE == 0);
}

static void test_memory(void **state)
{
	static struct sl_policy_slot slot;
	static struct parts part[WORKERS];
	struct sl_conf *conf = NULL;
	struct sl_shared *shared = NULL;
	struct sl_syn_log *log = NULL;
	int fd;
	(void)state;
#ifdef SL_SANITIZE
	skip(); /* memory cannot be noted, and lies elsewhere */
#endif
	assert_int_equal(
	        sl_conf_read("test", SL_BYTES_LIT("inside: lan0\nlists: []\nhold: all\n"), NULL, &conf),
	        SL_OK);
	assert_int_equal(sl_shared_new(WORKERS, &fd, &shared), SL_OK);
	assert_int_equal(sl_syn_log_new(WORKERS, conf->mark_mask, 1, &log), SL_OK);
	for (int i = 0; i < WORKERS; i++)
		make(i, conf, &slot, log, shared, &part[i]);
	for (int i = 0; i < WORKERS; i++) {
		assert_true(of[i].n > 10 && of[i].n < BLOCKS_MAX);
		for (size_t k = 0; k < of[i].n; k++)
			if (!is_apart(&of[i].block[k]))
				fail_msg("block %zu of worker %d, %zu bytes, has no lines of its own", k, i,
				         of[i].block[k].len);
	}
	for (int i = 0; i < WORKERS; i++) {
		sl_judging_free(&part[i].judging);
		sl_nfq_batch_free(&part[i].batch);
		sl_syn_reader_free(&part[i].syns);
	}
	sl_syn_log_free(&log);
	sl_shared_unmap(&shared);
	(void)close(fd);
	sl_conf_free(&conf);
}

static void test_counters(void **state)
{
	struct sl_shared *shared = NULL;
	int fd;
	(void)state;
	assert_int_equal(sl_shared_new(WORKERS, &fd, &shared), SL_OK);
	for (int i = 0; i < WORKERS; i++) {
		assert_int_equal((uintptr_t)&shared->worker[i] % SL_CACHE_LINE, 0);
		assert_int_equal((uintptr_t)&shared->worker[i].life % SL_CACHE_LINE, 0);
		assert_int_equal((uintptr_t)&shared->worker[i].filter % SL_CACHE_LINE, 0);
	}
	assert_int_equal(sizeof(shared->worker[0]) % SL_CACHE_LINE, 0);
	sl_shared_unmap(&shared);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "what a worker is made of has cache lines of its own", test_memory, NULL, NULL, NULL },
		{ "nor do their counters, nor a worker's sign of life with them", test_counters, NULL, NULL,
		  NULL },
	};
	return cmocka_run_group_tests_name("daemon/lines", tests, NULL, NULL);
}
