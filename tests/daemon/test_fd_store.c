/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The protocol of systemd's file-descriptor store, with a notify socket of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/fd_store.h"

static char folder[] = "/tmp/sluice-store-XXXXXX";
static int manager = -1;

static int open_manager(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	(void)state;

	if (mkdtemp(folder) == NULL)
		return -1;
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/notify", folder);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	(void)setenv("NOTIFY_SOCKET", addr.sun_path, 1);
	return bind(manager, (const struct sockaddr *)&addr, sizeof(addr));
}

static int close_manager(void **state)
{
	char path[64];
	(void)state;

	(void)snprintf(path, sizeof(path), "%s/notify", folder);
	(void)close(manager);
	(void)unlink(path);
	return rmdir(folder);
}

/* The next message; its descriptor, -1 where there is none. False: there is no message. */
static bool next_message(char text[256], int *fd)
{
	struct iovec iov = { text, 255 };
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr msg = { .msg_iov = &iov,
		              .msg_iovlen = 1,
		              .msg_control = control.space,
		              .msg_controllen = sizeof(control.space) };
	ssize_t n = recvmsg(manager, &msg, MSG_CMSG_CLOEXEC);

	*fd = -1;
	if (n < 0)
		return false;
	text[n] = '\0';
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	return true;
}

static ino_t inode(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

static int a_file(void)
{
	int fd = memfd_create("store", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void fill(struct sl_take *take)
{
	sl_take_none(take);
	take->workers = 2;
	take->shared = a_file();
	take->conf = a_file();
	take->queue[0] = a_file();
	take->queue[1] = a_file();
	take->flow_log = a_file(); /* neither this ... */
	take->adopt = a_file();    /* ... nor this is stored */
}

static void each_descriptor_is_stored_under_its_name_and_not_polled(void **state)
{
	static const char *const want[] = { "shared", "conf", "queue-0", "queue-1" };
	struct sl_take take;
	char text[256], expected[128];
	int fd;
	(void)state;

	fill(&take);
	const int have[] = { take.shared, take.conf, take.queue[0], take.queue[1] };
	sl_fd_store_put(&take);
	for (size_t i = 0; i < SL_COUNT(want); i++) {
		assert_true(next_message(text, &fd));
		(void)snprintf(expected, sizeof(expected), "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", want[i]);
		assert_string_equal(text, expected);
		assert_true(fd >= 0);
		assert_int_equal(inode(fd), inode(have[i]));
		(void)close(fd);
	}
	assert_false(next_message(text, &fd));
	sl_take_close(&take);
}

static void all_names_are_dropped(void **state)
{
	struct sl_take take;
	char text[256];
	int fd, queues = 0, messages = 0;
	(void)state;

	fill(&take);
	sl_fd_store_drop(&take);
	for (; next_message(text, &fd); messages++) {
		assert_int_equal(strncmp(text, "FDSTOREREMOVE=1\nFDNAME=", 23), 0);
		queues += strstr(text, "=queue-") != NULL;
	}
	assert_int_equal(queues, 2);
	assert_int_equal(messages, 4);
	sl_take_close(&take);
}

/* As systemd starts it, in a child: descriptors from 3 on, their names in the environment. Exit status: what was found. */
static int started_with(const char *names, int n)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		char number[16];
		struct sl_take take;
		for (int i = 0; i < n; i++) /* ours end before 3 + n: nothing of them is needed */
			if (dup2(STDERR_FILENO, 3 + i) < 0)
				_exit(99);
		(void)snprintf(number, sizeof(number), "%d", (int)getpid());
		(void)setenv("LISTEN_PID", number, 1);
		(void)snprintf(number, sizeof(number), "%d", n);
		(void)setenv("LISTEN_FDS", number, 1);
		(void)setenv("LISTEN_FDNAMES", names, 1);
		bool whole = sl_fd_store_take(&take);
		if (getenv("LISTEN_FDS") != NULL)
			_exit(98); /* the next program would take them for its own */
		for (int i = 0; !whole && i < n; i++)
			if (fcntl(3 + i, F_GETFD) >= 0)
				_exit(97);
		_exit(whole ? (int)take.workers : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void what_was_stored_is_found_again(void **state)
{
	(void)state;
	assert_int_equal(started_with("shared:conf:queue-0:queue-1", 4), 2);
	assert_int_equal(started_with("queue-1:queue-0:conf:shared:rules:telepathy", 6), 2);
	assert_int_equal(started_with("shared:conf:queue-0:conntrack-0", 4), 1);
	assert_int_equal(started_with("shared:conf:queue-0:queue-2", 4), 0);     /* one is missing */
	assert_int_equal(started_with("shared:conf:queue-0:conntrack-1", 4), 0); /* and here, too */
	assert_int_equal(started_with("shared:queue-0", 2), 0);
	assert_int_equal(started_with("stored:stored:stored", 3), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_descriptor_is_stored_under_its_name_and_not_polled),
		cmocka_unit_test(all_names_are_dropped),
		cmocka_unit_test(what_was_stored_is_found_again),
	};

	return cmocka_run_group_tests_name("daemon/fd_store", tests, open_manager, close_manager);
}
