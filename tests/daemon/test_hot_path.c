/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A verdict on a mapped snapshot takes no lock, no memory and no system call. Locks and memory are counted by functions that
 * stand before those of libc; a system call ends the child that makes it (seccomp, strict). The rows that break the rule
 * show that both would be seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "daemon/policy_slot.h"
#include "tests/daemon/compiled.h"

static volatile unsigned calls; /* of what a verdict must not call, while watching */
static volatile bool watching;

#ifndef SL_SANITIZE /* which have such functions of their own */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
static void seen(void)
{
	if (watching)
		calls++;
}

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void __libc_free(void *p);
__attribute__((visibility("default"))) void *malloc(size_t n)
{
	seen();
	return __libc_malloc(n);
}
__attribute__((visibility("default"))) void *calloc(size_t n, size_t size)
{
	seen();
	return __libc_calloc(n, size);
}
__attribute__((visibility("default"))) void *realloc(void *p, size_t n)
{
	seen();
	return __libc_realloc(p, n);
}
__attribute__((visibility("default"))) void free(void *p)
{
	seen();
	__libc_free(p);
}

/* Each forwards to libc's; looked up once, before anybody watches. */
#define STAND_BEFORE(type, function)                                                      \
	static int (*real_##function)(type *);                                            \
	__attribute__((visibility("default"))) int function(type *lock)                   \
	{                                                                                 \
		seen();                                                                   \
		if (real_##function == NULL)                                              \
			*(void **)(void *)&real_##function = dlsym(RTLD_NEXT, #function); \
		return real_##function(lock);                                             \
	}
STAND_BEFORE(pthread_mutex_t, pthread_mutex_lock)
STAND_BEFORE(pthread_mutex_t, pthread_mutex_trylock)
STAND_BEFORE(pthread_mutex_t, pthread_mutex_unlock)
STAND_BEFORE(pthread_rwlock_t, pthread_rwlock_rdlock)
STAND_BEFORE(pthread_rwlock_t, pthread_rwlock_wrlock)
STAND_BEFORE(pthread_rwlock_t, pthread_rwlock_unlock)
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
#endif

static struct sl_policy_slot slot;

/* A miss and a hit of each kind of key, by name, by path and by address, alone and in a batch. */
static const struct sl_query queries[] = {
	{ .host = SL_BYTES_LIT("Very.Deep.Name.Of.Nobody.Example"), .port = 443 },
	{ .host = SL_BYTES_LIT("x.ads.example"), .port = 443 },
	{ .host = SL_BYTES_LIT("port.example"), .port = 8443 },
	{ .host = SL_BYTES_LIT("news.example"), .port = 80, .path = SL_BYTES_LIT("/a/b/../b/%63/d?q=1") },
	{ .host = SL_BYTES_LIT("news.example"), .port = 80, .path = SL_BYTES_LIT("/none") },
	{ .host = SL_BYTES_LIT("192.0.2.7") },
	{ .host = SL_BYTES_LIT("2001:db8::7") },
	{ .host = SL_BYTES_LIT("no host") },
};
static const bool blocked[] = { false, true, true, true, false, true, false, false };

static bool judge_all(void)
{
	struct sl_decision d, many[SL_COUNT(queries)];
	bool right = true;
	const struct sl_policy *p = sl_policy_slot_enter(&slot);
	for (size_t i = 0; i < SL_COUNT(queries); i++) {
		sl_policy_decide(p, &queries[i], &d);
		right = right && d.block == blocked[i];
	}
	sl_policy_decide_many(p, queries, SL_COUNT(queries), many);
	for (size_t i = 0; i < SL_COUNT(queries); i++)
		right = right && many[i].block == blocked[i];
	sl_policy_slot_leave(&slot);
	return right;
}

static bool ask_the_kernel(void)
{
	return syscall(SYS_getppid) > 0;
}

static bool take_memory(void)
{
	void *volatile p = malloc(16);
	free(p);
	return true;
}

static bool take_a_lock(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	(void)pthread_mutex_lock(&lock);
	return pthread_mutex_unlock(&lock) == 0;
}

static struct path_case {
	const char *name;
	bool (*run)(void);
	unsigned calls;
	bool system_call;
} cases[] = {
	{ "a verdict takes no lock, no memory, no system call", judge_all, 0, false },
	{ "the test sees memory", take_memory, 2, false },
	{ "the test sees a lock", take_a_lock, 2, false },
	{ "the test sees a system call", ask_the_kernel, 0, true },
};

static void test_calls(void **state)
{
	const struct path_case *c = *state;
#ifdef SL_SANITIZE
	skip();
#endif
	assert_true(c->run()); /* symbols are bound now */
	calls = 0;
	watching = true;
	bool right = c->run();
	watching = false;
	assert_true(right);
	assert_int_equal(calls, c->calls);
}

/* exit() is a call that strict mode lets through, exit_group() is not. */
static void in_a_box(bool (*run)(void))
{
	bool right = run(); /* symbols are bound, pages of our own are there */
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
		(void)syscall(SYS_exit, 2);
	for (int i = 0; i < 1000; i++)
		right = run() && right;
	(void)syscall(SYS_exit, right ? 0 : 1);
}

static void test_system_calls(void **state)
{
	const struct path_case *c = *state;
	int status = 0;
#ifdef SL_SANITIZE
	skip();
#endif
	pid_t pid = fork();
	if (pid == 0)
		in_a_box(c->run);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		skip(); /* a kernel, or a box around us, without seccomp */
	assert_int_equal(WIFSIGNALED(status) ? WTERMSIG(status) : 0, c->system_call ? SIGKILL : 0);
	if (!c->system_call)
		assert_int_equal(WEXITSTATUS(status), 0);
}

static int build(void **state)
{
	static struct compiled c = { .text = { "ads.example\n192.0.2.0/24\n", "good.ads.example\n",
		                               "https://port.example:8443/\nnews.example/a/b/c\n" } };
	struct sl_policy *policy = NULL;
	const char *why;
	(void)state;
	compiled_prepare(&c);
	int fd = compiled_fd(&c);
	if (fd < 0 || sl_snapshot_file_map(fd, SL_SNAPSHOT_JUDGE, &why, &policy) != SL_OK)
		return 1;
	(void)close(fd);
	sl_policy_slot_publish(&slot, policy);
	sl_policy_slot_register();
	return 0;
}

static int drop(void **state)
{
	(void)state;
	sl_policy_slot_unregister();
	sl_policy_slot_publish(&slot, NULL);
	return 0;
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(cases) + 2];
	size_t n = 0;
	for (size_t i = 0; i < 3; i++)
		tests[n++] = (struct CMUnitTest){ cases[i].name, test_calls, NULL, NULL, &cases[i] };
	tests[n++] = (struct CMUnitTest){ "and the kernel, which would know, agrees", test_system_calls, NULL,
		                          NULL, &cases[0] };
	tests[n++] = (struct CMUnitTest){ cases[3].name, test_system_calls, NULL, NULL, &cases[3] };
	return cmocka_run_group_tests_name("daemon/hot_path", tests, build, drop);
}
