/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/command.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"

static const struct run_case {
	const char *name;
	const char *argv[4];
	const char *input;
	size_t output_max;
	int timeout_ms;
	int want, status;
	const char *out, *err;
} cases[] = {
	{ "gives what it reads to the program",
	  { "cat" },
	  "one\ntwo\n",
	  100,
	  5000,
	  SL_OK,
	  0,
	  "one\ntwo\n",
	  "" },
	{ "no input is an empty one", { "cat" }, "", 100, 5000, SL_OK, 0, "", "" },
	{ "reports the exit status",
	  { "sh", "-c", "exit 3" },
	  "",
	  100,
	  5000,
	  SL_EINVAL,
	  3,
	  "",
	  "sh: exit status 3" },
	{ "keeps the complaint",
	  { "sh", "-c", "echo no >&2; exit 1" },
	  "",
	  100,
	  5000,
	  SL_EINVAL,
	  1,
	  "",
	  "no\n" },
	{ "keeps output and complaint apart",
	  { "sh", "-c", "echo a; echo b >&2" },
	  "",
	  9,
	  5000,
	  SL_OK,
	  0,
	  "a\n",
	  "b\n" },
	{ "output of exactly the limit is fine", { "printf", "12345" }, "", 5, 5000, SL_OK, 0, "12345", "" },
	{ "a byte more is not", { "printf", "123456" }, "", 5, 5000, SL_ELIMIT, -1, NULL, NULL },
	{ "endless output is cut off", { "yes" }, "", 100000, 5000, SL_ELIMIT, -1, NULL, NULL },
	{ "what takes too long is killed",
	  { "sleep", "30" },
	  "",
	  10,
	  100,
	  SL_ETIME,
	  128 + SIGKILL,
	  "",
	  "sleep: timed out" },
	{ "a program that is not there",
	  { "no-such-program" },
	  "",
	  10,
	  100,
	  SL_ENOENT,
	  -1,
	  NULL,
	  "no-such-program: not installed" },
	{ "a path is no name", { "/bin/cat" }, "x", 10, 1000, SL_ENOENT, -1, NULL, NULL },
	{ "a program that does not read its input", { "true" }, "unread", 10, 5000, SL_OK, 0, "", "" },
	{ "the locale is C", { "sh", "-c", "echo $LC_ALL$HOME" }, "", 10, 5000, SL_OK, 0, "C\n", "" },
	{ "signals are as new",
	  { "sh", "-c", "kill -TERM $$" },
	  "",
	  10,
	  5000,
	  SL_EINVAL,
	  128 + SIGTERM,
	  "",
	  NULL },
	{ "a grandchild that holds the pipes delays nobody",
	  { "sh", "-c", "sleep 3 & echo ok" },
	  "",
	  10,
	  1500,
	  SL_OK,
	  0,
	  "ok\n",
	  "" },
};

static void test_run(void **state)
{
	const struct run_case *c = *state;
	struct sl_command cmd = { c->argv, sl_bytes_str(c->input), c->output_max, c->timeout_ms };
	struct sl_command_reply reply;
	sigset_t term;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term,
	            NULL); /* as the supervisor, which reads its signals from a descriptor */
	assert_int_equal(sl_command_run(&cmd, &reply), c->want);
	if (c->status != -1)
		assert_int_equal(reply.status, c->status);
	if (c->out != NULL)
		assert_string_equal(reply.out == NULL ? "" : reply.out, c->out);
	if (c->err != NULL)
		assert_string_equal(reply.err, c->err);
	sl_command_reply_free(&reply);
}

static void test_large_input(void **state)
{
	static const char *const argv[] = { "cat", NULL };
	size_t len = 3 << 20;
	char *text = malloc(len);
	struct sl_command_reply reply;
	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < len; i++)
		text[i] = (char)('a' + i % 26);
	struct sl_command cmd = { argv, sl_bytes_of(text, len), len, 10000 };
	assert_int_equal(sl_command_run(&cmd, &reply), SL_OK);
	assert_int_equal(reply.out_len, len);
	assert_memory_equal(reply.out, text, len);
	sl_command_reply_free(&reply);
	free(text);
}

static void test_descriptors(void **state)
{
	static const char *const argv[] = { "sh", "-c", "test ! -e /proc/self/fd/77", NULL };
	struct sl_command cmd = { argv, { NULL, 0 }, 100, 5000 };
	struct sl_command_reply reply;
	(void)state;
	assert_int_equal(dup2(1, 77), 77);
	assert_int_equal(sl_command_run(&cmd, &reply), SL_OK);
	sl_command_reply_free(&reply);
	close(77);
}

/* The first waits for the second; those that fail do not disturb the others. */
static void test_at_the_same_time(void **state)
{
	static const char *const reader[] = { "sh", "-c", "cat /tmp/sluice-test-command-$PPID", NULL };
	static const char *const writer[] = { "sh", "-c", "echo a >/tmp/sluice-test-command-$PPID; exit 3",
		                              NULL };
	static const char *const absent[] = { "no-such-program", NULL };
	static const char *const filler[] = { "head", "-c", "300000", "/dev/zero", NULL };
	const struct sl_command cmd[] = { { reader, { NULL, 0 }, 100, 5000 },
		                          { writer, { NULL, 0 }, 100, 5000 },
		                          { absent, { NULL, 0 }, 100, 5000 },
		                          { filler, { NULL, 0 }, 300000, 5000 } };
	static const int want[] = { SL_OK, SL_EINVAL, SL_ENOENT, SL_OK };
	struct sl_command_reply reply[SL_COUNT(cmd)];
	int result[SL_COUNT(cmd)];
	char fifo[64];
	(void)state;
	(void)snprintf(fifo, sizeof(fifo), "/tmp/sluice-test-command-%d", getpid());
	assert_int_equal(mkfifo(fifo, 0600), 0);
	sl_command_run_all(cmd, reply, result, SL_COUNT(cmd));
	assert_int_equal(unlink(fifo), 0);
	for (size_t i = 0; i < SL_COUNT(cmd); i++)
		assert_int_equal(result[i], want[i]);
	assert_string_equal(reply[0].out, "a\n");
	assert_int_equal(reply[1].status, 3);
	assert_string_equal(reply[2].err, "no-such-program: not installed");
	assert_int_equal(reply[3].out_len, 300000);
	for (size_t i = 0; i < SL_COUNT(cmd); i++)
		sl_command_reply_free(&reply[i]);
}

static void test_exists(void **state)
{
	(void)state;
	assert_true(sl_command_exists("cat"));
	assert_false(sl_command_exists("no-such-program"));
}

int main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(test_large_input),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_at_the_same_time),
		cmocka_unit_test(test_exists),
	};
	struct CMUnitTest tests[SL_COUNT(cases) + SL_COUNT(others)];
	for (size_t i = 0; i < SL_COUNT(cases); i++)
		tests[i] = (struct CMUnitTest){ cases[i].name, test_run, NULL, NULL,
			                        (void *)(uintptr_t)&cases[i] };
	memcpy(&tests[SL_COUNT(cases)], others, sizeof(others));
	return _cmocka_run_group_tests("command", tests, SL_COUNT(tests), NULL, NULL);
}
