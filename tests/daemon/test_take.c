/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors by name: what one version does not know does not keep another from understanding the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/take.h"

static int end[2];
static struct sl_ipc_msg msg;

static int open_pair(void **state)
{
	(void)state;
	return sl_ipc_pair(end) == SL_OK ? 0 : -1;
}

static int close_pair(void **state)
{
	(void)state;
	return close(end[0]) | close(end[1]);
}

static int open_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static int a_file(void)
{
	int fd = memfd_create("take", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static ino_t inode(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

static void what_was_sent_arrives_under_its_names(void **state)
{
	struct sl_take out, in;
	int before = open_descriptors();
	(void)state;

	sl_take_none(&out);
	out.workers = 2;
	out.shared = a_file();
	out.conf = a_file();
	out.raw[1] = a_file();
	out.queue[0] = a_file();
	out.queue[1] = a_file();
	out.conntrack[1] = a_file();
	assert_int_equal(sl_take_send(end[0], SL_IPC_TAKE, &out), SL_OK);
	assert_int_equal(sl_ipc_receive(end[1], &msg), SL_OK);
	assert_int_equal(sl_take_read(&msg, &in), SL_OK);
	assert_int_equal(in.workers, 2);
	assert_int_equal(inode(in.shared), inode(out.shared));
	assert_int_equal(inode(in.conf), inode(out.conf));
	assert_int_equal(inode(in.raw[1]), inode(out.raw[1]));
	assert_int_equal(inode(in.queue[0]), inode(out.queue[0]));
	assert_int_equal(inode(in.queue[1]), inode(out.queue[1]));
	assert_int_equal(inode(in.conntrack[1]), inode(out.conntrack[1]));
	assert_int_equal(in.raw[0], -1);
	assert_int_equal(in.conntrack[0], -1);
	assert_int_equal(in.flow_log, -1);
	sl_ipc_close_fds(&msg);
	sl_take_close(&in);
	sl_take_close(&out);
	assert_int_equal(open_descriptors(), before);
}

static const struct row {
	const char *what;
	const char *names; /* each ends with ';' */
	unsigned fds;      /* as many descriptors come along */
	uint64_t workers;
	int want;
} rows[] = {
	{ "all that is needed", "shared;conf;queue-0;", 3, 1, SL_OK },
	{ "in any order", "queue-0;conf;shared;", 3, 1, SL_OK },
	{ "a later version's name is no harm", "shared;conf;queue-0;telepathy;", 4, 1, SL_OK },
	{ "a worker too many is no harm", "shared;conf;queue-0;queue-1;", 4, 1, SL_OK },
	{ "the same name twice: the first counts", "shared;conf;queue-0;queue-0;", 4, 1, SL_OK },
	{ "a queue is missing", "shared;conf;queue-0;", 3, 2, SL_EMALF },
	{ "the counters are missing", "conf;queue-0;", 2, 1, SL_EMALF },
	{ "more names than descriptors", "shared;conf;queue-0;raw-4;", 3, 1, SL_EMALF },
	{ "more descriptors than names", "shared;conf;queue-0;", 4, 1, SL_EMALF },
	{ "no worker", "shared;conf;", 2, 0, SL_EMALF },
	{ "more workers than there can be", "shared;conf;queue-0;", 3, SL_WORKERS_MAX + 1, SL_EMALF },
	{ "no names", "", 3, 1, SL_EMALF },
};

static void names_decide_and_nothing_leaks(void **state)
{
	(void)state;
	for (size_t i = 0; i < SL_COUNT(rows); i++) {
		const struct row *r = &rows[i];
		char names[128];
		int fd[8], before = open_descriptors();
		struct sl_take take;

		(void)snprintf(names, sizeof(names), "%s", r->names);
		size_t len = strlen(names);
		for (size_t c = 0; c < len; c++)
			if (names[c] == ';')
				names[c] = '\0';
		for (unsigned k = 0; k < r->fds; k++)
			fd[k] = a_file();
		assert_int_equal(
		        sl_ipc_send(end[0], SL_IPC_TAKE, r->workers, sl_bytes_of(names, len), fd, r->fds, 0),
		        SL_OK);
		for (unsigned k = 0; k < r->fds; k++)
			(void)close(fd[k]);
		assert_int_equal(sl_ipc_receive(end[1], &msg), SL_OK);
		if (sl_take_read(&msg, &take) != r->want)
			fail_msg("%s", r->what);
		sl_ipc_close_fds(&msg);
		sl_take_close(&take);
		if (open_descriptors() != before)
			fail_msg("%s: a descriptor leaks", r->what);
	}
}

static void a_name_without_its_end_is_refused(void **state)
{
	struct sl_take take;
	int fd[1] = { a_file() };
	(void)state;

	assert_int_equal(sl_ipc_send(end[0], SL_IPC_TAKE, 1, SL_BYTES_LIT("shared"), fd, 1, 0), SL_OK);
	(void)close(fd[0]);
	assert_int_equal(sl_ipc_receive(end[1], &msg), SL_OK);
	assert_int_equal(sl_take_read(&msg, &take), SL_EMALF);
	sl_ipc_close_fds(&msg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_sent_arrives_under_its_names, open_pair, close_pair),
		cmocka_unit_test_setup_teardown(names_decide_and_nothing_leaks, open_pair, close_pair),
		cmocka_unit_test_setup_teardown(a_name_without_its_end_is_refused, open_pair, close_pair),
	};

	return cmocka_run_group_tests_name("daemon/take", tests, NULL, NULL);
}
