/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the next supervisor finds an engine: by a socket, of which the kernel says who listens on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/adopt.h"
#include "daemon/child.h"
#include "daemon/ipc.h"
#include "daemon/take.h"

enum { NOBODY = 65534, STATUS = 7 };

static char folder[] = "/tmp/sluice-adopt-XXXXXX", control[sizeof(folder) + 16];

static int make(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(control, sizeof(control), "%s/control.sock", folder);
	return 0;
}

static int clean(void **state)
{
	(void)state;
	sl_adopt_unlink(control);
	return rmdir(folder);
}

/* The engine: says what it has to whoever takes it, and ends when it is told to. */
static void be_engine(int fd)
{
	static struct sl_ipc_msg msg;
	struct sl_take take;
	int conn;

	sl_take_none(&take);
	take.workers = 1;
	take.shared = take.conf = take.syns = take.queue[0] = STDIN_FILENO;
	take.adopt = fd;
	if (sl_adopt_listen(fd) != SL_OK || sl_adopt_accept(fd, &conn) != SL_OK ||
	    sl_take_send(conn, SL_IPC_ADOPTED, &take) != SL_OK)
		_exit(1);
	while (sl_ipc_receive(conn, &msg) == SL_OK)
		if (msg.type == SL_IPC_STOP)
			_exit(STATUS);
	_exit(2);
}

static int connect_when_it_listens(int *conn, pid_t *pid)
{
	int err = SL_ENOENT;

	for (int i = 0; i < 2000 && (err = sl_adopt_connect(control, conn, pid)) == SL_ENOENT; i++)
		(void)usleep(1000);
	return err;
}

static void nobody_is_found_where_nobody_listens(void **state)
{
	int fd = -1, conn;
	pid_t pid;
	struct stat st;
	char path[128];
	(void)state;

	assert_int_equal(sl_adopt_connect(control, &conn, &pid), SL_ENOENT);
	assert_int_equal(sl_adopt_open(control, NULL, &fd), SL_OK);
	assert_int_equal(sl_adopt_connect(control, &conn, &pid),
	                 SL_ENOENT); /* its supervisor has not given it away */
	(void)snprintf(path, sizeof(path), "%s.engine", control);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(sl_adopt_listen(fd), SL_OK);
	(void)close(fd); /* it has died: the path is stale */
	assert_int_equal(sl_adopt_connect(control, &conn, &pid), SL_ENOENT);
	assert_int_equal(sl_adopt_open(control, NULL, &fd), SL_OK);
	(void)close(fd);
}

static void a_path_that_is_too_long_is_said(void **state)
{
	char path[120];
	int fd = -1;
	(void)state;

	memset(path, 'a', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(sl_adopt_open(path, NULL, &fd), SL_ELIMIT);
	assert_int_equal(fd, -1);
}

/* Not the one that made the socket: its pid, its descriptors, its end. */
static void the_engine_that_listens_is_found(void **state)
{
	static struct sl_ipc_msg msg;
	struct sl_child engine = { .ipc = -1 };
	struct sl_take take;
	int fd = -1, conn = -1, status;
	pid_t pid = 0;
	(void)state;

	if (geteuid() != 0)
		skip(); /* only root is a supervisor */
	assert_int_equal(sl_adopt_open(control, NULL, &fd), SL_OK);
	assert_int_equal(sl_adopt_listen(fd), SL_OK);
	assert_int_equal(sl_adopt_connect(control, &conn, &pid), SL_OK);
	assert_int_equal(pid, getpid());
	(void)close(conn);
	(void)close(fd);
	assert_int_equal(sl_adopt_open(control, NULL, &fd), SL_OK);
	pid_t child = fork();
	if (child == 0)
		be_engine(fd);
	(void)close(fd);
	assert_int_equal(connect_when_it_listens(&conn, &pid), SL_OK);
	assert_int_equal(pid, child);
	assert_int_equal(sl_child_adopt(&engine, pid, conn), SL_OK);
	struct pollfd wait = { engine.ipc, POLLIN, 0 };
	assert_int_equal(poll(&wait, 1, 5000), 1);
	assert_int_equal(sl_ipc_receive(engine.ipc, &msg), SL_OK);
	assert_int_equal(msg.type, SL_IPC_ADOPTED);
	assert_int_equal(sl_take_read(&msg, &take), SL_OK);
	assert_int_equal(take.workers, 1);
	assert_true(take.adopt >= 0 && take.conf >= 0 && take.shared >= 0 && take.queue[0] >= 0);
	assert_true(take.syns >= 0);
	assert_int_equal(take.flow_log, -1);
	sl_take_close(&take);
	assert_false(sl_child_ended(&engine, &status));
	sl_child_stop(&engine, 5000);
	assert_int_equal(engine.pid, 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), STATUS); /* it was told, not killed */
}

static void others_are_no_supervisor(void **state)
{
	int fd = -1, conn, status;
	pid_t pid;
	char path[128];
	(void)state;

	if (geteuid() != 0)
		skip();
	assert_int_equal(sl_adopt_open(control, NULL, &fd), SL_OK);
	(void)snprintf(path, sizeof(path), "%s.engine", control);
	assert_int_equal(chmod(path, 0666), 0); /* as if the mode did not keep them away */
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(sl_adopt_listen(fd), SL_OK);
	pid_t child = fork();
	if (child == 0)
		be_engine(fd);
	(void)close(fd);
	pid_t stranger = fork();
	if (stranger == 0) {
		static struct sl_ipc_msg msg;
		struct pollfd wait;
		if (setuid(NOBODY) != 0 || sl_adopt_connect(control, &conn, &pid) != SL_OK)
			_exit(1);
		wait = (struct pollfd){ conn, POLLIN, 0 };
		_exit(poll(&wait, 1, 5000) == 1 && sl_ipc_receive(conn, &msg) == SL_ENOENT ? 0 : 2);
	}
	assert_int_equal(waitpid(stranger, &status, 0), stranger);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	(void)kill(child, SIGKILL);
	(void)waitpid(child, &status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_is_found_where_nobody_listens),
		cmocka_unit_test(a_path_that_is_too_long_is_said),
		cmocka_unit_test(the_engine_that_listens_is_found),
		cmocka_unit_test(others_are_no_supervisor),
	};

	return cmocka_run_group_tests_name("daemon/adopt", tests, make, clean);
}
