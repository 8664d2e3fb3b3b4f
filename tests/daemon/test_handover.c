/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state that one program leaves to the next, which may be older or newer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/handover.h"
#include "daemon/shared.h"

static char said[512];

static void hear(void *ctx, const char *file, unsigned line, const char *text)
{
	(void)ctx;
	(void)file;
	(void)line;
	(void)snprintf(said, sizeof(said), "%s", text);
}

static const struct sl_diag diag = { hear, NULL };

static int written(const char *text)
{
	int fd = memfd_create("state", 0);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static void what_was_put_is_taken(void **state)
{
	int pipe_fd[2], fd = -1;
	json_t *out = sl_handover_new(), *in = NULL;
	(void)state;

	assert_int_equal(pipe2(pipe_fd, O_CLOEXEC), 0);
	sl_handover_put_fd(out, "control", pipe_fd[0]);
	sl_handover_put_fd(out, "engine", pipe_fd[1]);
	sl_handover_put_fd(out, "raw-4", -1);
	assert_int_equal(json_object_set_new(out, "generation", json_integer(7)), 0);
	assert_int_equal(sl_handover_write(out, &fd), SL_OK);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0); /* it has to survive execve() */
	assert_true(write(fd, "x", 1) < 0);                   /* nobody changes it any more */
	sl_handover_inherit(out, true);
	assert_int_equal(fcntl(pipe_fd[0], F_GETFD) & FD_CLOEXEC, 0);
	sl_handover_inherit(out, false);
	assert_int_equal(fcntl(pipe_fd[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	json_decref(out);

	assert_int_equal(sl_handover_read(fd, &diag, &in), SL_OK);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(json_integer_value(json_object_get(in, "generation")), 7);
	assert_int_equal(sl_handover_fd(in, "raw-4"), -1);
	assert_int_equal(sl_handover_fd(in, "telepathy"), -1);
	assert_int_equal(sl_handover_take_fd(in, "control"), pipe_fd[0]);
	assert_int_equal(fcntl(pipe_fd[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(sl_handover_take_fd(in, "control"), -1); /* it is somebody's */
	sl_handover_close(in);
	assert_int_equal(fcntl(pipe_fd[1], F_GETFD), -1); /* nobody took it */
	assert_int_equal(close(pipe_fd[0]), 0);
	json_decref(in);
}

static const struct row {
	const char *what, *text;
	int want;
	const char *words;
} rows[] = {
	{ "an older layout", "{\"layout\":0,\"readable_by\":0,\"version\":\"0.0.9\",\"fds\":{}}", SL_OK, "" },
	{ "a newer one that we understand",
	  "{\"layout\":9,\"readable_by\":1,\"version\":\"9.0\",\"fds\":{},\"telepathy\":[1]}", SL_OK, "" },
	{ "a newer one", "{\"layout\":9,\"readable_by\":2,\"version\":\"9.0\",\"fds\":{}}", SL_EUNSUP,
	  "sluiced 9.0 hands over in layout 9" },
	{ "no JSON", "layout=1", SL_EMALF, "no state of a sluiced" },
	{ "nothing", "", SL_EMALF, "no state of a sluiced" },
	{ "an array", "[1]", SL_EMALF, "no state of a sluiced" },
	{ "no layout", "{\"readable_by\":1,\"version\":\"1\",\"fds\":{}}", SL_EMALF,
	  "no state of a sluiced" },
	{ "no reader", "{\"layout\":1,\"version\":\"1\",\"fds\":{}}", SL_EMALF, "no state of a sluiced" },
	{ "no version", "{\"layout\":1,\"readable_by\":1,\"fds\":{}}", SL_EMALF, "no state of a sluiced" },
	{ "no descriptors", "{\"layout\":1,\"readable_by\":1,\"version\":\"1\"}", SL_EMALF,
	  "no state of a sluiced" },
};

static void a_layout_is_understood_or_refused_with_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < SL_COUNT(rows); i++) {
		json_t *in = NULL;
		said[0] = '\0';
		if (sl_handover_read(written(rows[i].text), &diag, &in) != rows[i].want)
			fail_msg("%s", rows[i].what);
		if (strstr(said, rows[i].words) == NULL)
			fail_msg("%s: said \"%s\"", rows[i].what, said);
		json_decref(in);
	}
}

static void numbers_that_are_no_descriptors_are_none(void **state)
{
	json_t *in = NULL;
	(void)state;

	assert_int_equal(
	        sl_handover_read(written("{\"layout\":1,\"readable_by\":1,\"version\":\"1\",\"fds\":"
	                                 "{\"a\":-1,\"b\":99999999999,\"c\":\"0\",\"d\":900,\"e\":0.5}}"),
	                         &diag, &in),
	        SL_OK);
	assert_int_equal(sl_handover_fd(in, "a"), -1);
	assert_int_equal(sl_handover_fd(in, "b"), -1);
	assert_int_equal(sl_handover_fd(in, "c"), -1);
	assert_int_equal(sl_handover_fd(in, "d"), -1);
	assert_int_equal(sl_handover_fd(in, "e"), -1);
	sl_handover_close(in);
	json_decref(in);
	assert_int_equal(sl_handover_read(900, &diag, &in), SL_ESYS);
}

/* Counters of another version have the same size by chance, and other names. */
static void counters_of_another_layout_are_not_mapped(void **state)
{
	struct sl_shared *shared = NULL, *again = NULL;
	int fd = -1;
	(void)state;

	assert_int_equal(sl_shared_new(2, &fd, &shared), SL_OK);
	assert_int_equal(sl_shared_map(fd, &again), SL_OK);
	sl_shared_unmap(&again);
	shared->layout ^= 1;
	assert_int_equal(sl_shared_map(fd, &again), SL_EMALF);
	assert_null(again);
	sl_shared_unmap(&shared);
	assert_int_equal(close(fd), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_is_taken),
		cmocka_unit_test(a_layout_is_understood_or_refused_with_words),
		cmocka_unit_test(numbers_that_are_no_descriptors_are_none),
		cmocka_unit_test(counters_of_another_layout_are_not_mapped),
	};

	return cmocka_run_group_tests_name("daemon/handover", tests, NULL, NULL);
}
