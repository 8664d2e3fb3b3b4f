/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The queue socket with a socket pair in the place of the kernel: what happens to verdicts that nobody takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/nfq.h"

enum { QUEUE = 7, MASK = 0x70000000, ANSWERS = 8 };

struct bench {
	int ours, kernel;
	struct sl_nfq_batch *batch;
};

static int setup(void **state)
{
	static struct bench t;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0);
	t = (struct bench){ pair[0], pair[1], NULL };
	assert_int_equal(sl_nfq_batch_new(ANSWERS, 256, &t.batch), SL_OK);
	*state = &t;
	return 0;
}

static int teardown(void **state)
{
	struct bench *t = *state;

	sl_nfq_batch_free(&t->batch);
	(void)close(t->ours);
	(void)close(t->kernel);
	return 0;
}

/* Until the socket says EAGAIN. */
static unsigned fill(int fd)
{
	unsigned n = 0;

	while (send(fd, "x", 1, MSG_DONTWAIT) == 1)
		n++;
	assert_true(n > 0);
	return n;
}

static int answer(struct bench *t, struct sl_nfq_counts *counts)
{
	struct sl_answer a[ANSWERS];

	for (uint32_t i = 0; i < ANSWERS; i++)
		a[i] = (struct sl_answer){ .ticket = { i, 0, QUEUE }, .action = SL_ACTION_ALLOW };
	return sl_nfq_answer(t->ours, t->batch, a, ANSWERS, MASK, counts);
}

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void test_at_once(void **state)
{
	struct bench *t = *state;
	struct sl_nfq_counts counts = { 0 };
	char buf[4096];

	assert_int_equal(answer(t, &counts), SL_OK);
	assert_int_equal(counts.send_retries, 0);
	assert_true(recv(t->kernel, buf, sizeof(buf), 0) > (ssize_t)ANSWERS * 16);
	assert_int_equal(recv(t->kernel, buf, sizeof(buf), 0), -1);
}

static void test_never(void **state)
{
	struct bench *t = *state;
	struct sl_nfq_counts counts = { 0 };
	int64_t began = now_ms();

	(void)fill(t->ours);
	assert_int_equal(answer(t, &counts), SL_ESYS);
	assert_true(now_ms() - began < 5000);
	assert_in_range(counts.send_retries, 2, 100);
}

static void *drain_later(void *arg)
{
	struct timespec pause = { 0, 20000000 };
	char byte;

	(void)nanosleep(&pause, NULL);
	while (recv(*(int *)arg, &byte, 1, 0) >= 0)
		;
	return NULL;
}

static void test_later(void **state)
{
	struct bench *t = *state;
	struct sl_nfq_counts counts = { 0 };
	pthread_t thread;

	(void)fill(t->ours);
	assert_int_equal(pthread_create(&thread, NULL, drain_later, &t->kernel), 0);
	assert_int_equal(answer(t, &counts), SL_OK);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_in_range(counts.send_retries, 1, 100);
}

static void test_gone(void **state)
{
	struct bench *t = *state;
	struct sl_nfq_counts counts = { 0 };

	(void)close(t->kernel);
	t->kernel = -1;
	assert_int_equal(answer(t, &counts), SL_ESYS);
	assert_int_equal(counts.send_retries, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "all verdicts of a batch go out in one send", test_at_once, setup, teardown, NULL },
		{ "a kernel that takes no verdict is given up after a while, and that is counted", test_never,
		  setup, teardown, NULL },
		{ "a kernel short of memory for a moment gets its verdicts all the same", test_later, setup,
		  teardown, NULL },
		{ "a socket that is of no use fails at once", test_gone, setup, teardown, NULL },
	};
	return _cmocka_run_group_tests("nfq", tests, SL_COUNT(tests), NULL, NULL);
}
