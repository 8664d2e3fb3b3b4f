/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reporter_main.c - sluice-reporter --report UID GID, from the supervisor only: descriptor 3 leads to it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "daemon/child.h"
#include "daemon/ipc.h"
#include "daemon/log.h"
#include "daemon/reporter.h"

enum { IPC_FD = 3, USAGE_ERROR = 2, NICE = 5, DESCRIPTORS = 64 };

static int begun(void)
{
	if (sl_reporter_box() != SL_OK)
		sl_log(SL_LOG_WARN,
		       "reporter: no Landlock or no seccomp (%s): metrics are told without it, and without "
		       "privileges",
		       strerror(errno));
	return SL_OK;
}

static int run(const struct sl_priv_user *user)
{
	const struct rlimit descriptors = { DESCRIPTORS, DESCRIPTORS };
	struct sl_ipc_msg *msg = calloc(1, sizeof(*msg));
	int err = msg == NULL ? SL_ENOMEM : sl_ipc_receive(IPC_FD, msg);
	int listener = -1;

	if (err == SL_OK)
		err = msg->type == SL_IPC_REPORT && msg->fds == 1 ? SL_OK : SL_EMALF;
	if (err == SL_OK)
		listener = msg->fd[0];
	(void)setrlimit(RLIMIT_NOFILE, &descriptors);
	if (err == SL_OK)
		err = sl_priv_drop_all(user);
	if (err == SL_OK)
		err = sl_reporter_run(IPC_FD, listener, begun);
	if (err != SL_OK)
		sl_log(SL_LOG_ERR, "reporter: %s", sl_strerror(err));
	free(msg);
	return err == SL_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	if (argc != 4 || strcmp(argv[1], "--report") != 0) {
		(void)fputs("sluice-reporter: it is for sluiced only, which starts it to serve metrics\n",
		            stderr);
		return USAGE_ERROR;
	}
	const struct sl_priv_user user = sl_child_user(argv[2], argv[3]);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)setpriority(PRIO_PROCESS, 0, NICE);
	return run(&user);
}
