/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/ipc.h"

enum { IPC_FD = 3 };

/* A helper stands beside this program where both were built, else where helpers are installed. */
static void helper_path(const char *helper, char path[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 64);
	char *slash;

	path[n < 0 ? 0 : n] = '\0';
	slash = strrchr(path, '/');
	if (slash != NULL)
		(void)snprintf(slash + 1, 64, "%s", helper);
	if (slash == NULL || access(path, X_OK) != 0)
		(void)snprintf(path, PATH_MAX, "%s/%s", SLUICE_HELPERS, helper);
}

static void become(int ipc, const char *helper, const char *role, const struct sl_priv_user *user)
{
	char uid[16] = "-", gid[16] = "-";
	char name[] = "sluiced", option[24], path[PATH_MAX] = "/proc/self/exe";
	char *argv[] = { name, option, uid, gid, NULL };

	(void)snprintf(option, sizeof(option), "%s", role);
	if (user->found) {
		(void)snprintf(uid, sizeof(uid), "%u", user->uid);
		(void)snprintf(gid, sizeof(gid), "%u", user->gid);
	}
	if (helper != NULL)
		helper_path(helper, path);
	if (dup2(ipc, IPC_FD) < 0 || close_range(IPC_FD + 1, ~0U, 0) != 0)
		_exit(126);
	execv(path, argv);
	_exit(127);
}

int sl_child_start_helper(struct sl_child *c, const char *helper, const char *role,
                          const struct sl_priv_user *user)
{
	int end[2];
	int err = sl_ipc_pair(end);

	if (err != SL_OK)
		return err;
	pid_t pid = fork();
	if (pid == 0) {
		/* An end that is descriptor 3 already would keep its close-on-exec flag through dup2(). */
		int moved = end[1] == IPC_FD ? dup(end[1]) : end[1];
		become(moved, helper, role, user);
	}
	(void)close(end[1]);
	if (pid < 0) {
		(void)close(end[0]);
		return SL_ESYS;
	}
	/* Who hangs does not read; the supervisor must not wait for it. */
	(void)fcntl(end[0], F_SETFL, O_NONBLOCK);
	*c = (struct sl_child){ .pid = pid, .ipc = end[0] };
	return SL_OK;
}

int sl_child_start(struct sl_child *c, const char *role, const struct sl_priv_user *user)
{
	return sl_child_start_helper(c, NULL, role, user);
}

struct sl_priv_user sl_child_user(const char *uid, const char *gid)
{
	if (strcmp(uid, "-") == 0)
		return (struct sl_priv_user){ 0, 0, false };
	return (struct sl_priv_user){ (uid_t)strtoul(uid, NULL, 10), (gid_t)strtoul(gid, NULL, 10), true };
}

bool sl_child_loaded(struct sl_child *c)
{
	if (c->loads > 0)
		c->loads--;
	return c->loads == 0;
}

int sl_child_adopt(struct sl_child *c, pid_t pid, int ipc)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0)
		return SL_ESYS;
	*c = (struct sl_child){
		.pid = pid, .ipc = ipc, .state = SL_CHILD_ACTIVE, .adopted = true, .pidfd = fd
	};
	return SL_OK;
}

void sl_child_forget(struct sl_child *c)
{
	if (c->ipc >= 0)
		(void)close(c->ipc);
	if (c->adopted)
		(void)close(c->pidfd);
	*c = (struct sl_child){ .ipc = -1 };
}

void sl_child_signal(const struct sl_child *c, int number)
{
	if (c->adopted)
		(void)syscall(SYS_pidfd_send_signal, c->pidfd, number, NULL, 0);
	else
		(void)kill(c->pid, number);
}

static bool has_ended(const struct sl_child *c, int *status)
{
	struct pollfd fd = { c->pidfd, POLLIN, 0 };

	if (!c->adopted)
		return waitpid(c->pid, status, WNOHANG) == c->pid;
	*status = 0;
	return poll(&fd, 1, 0) == 1;
}

bool sl_child_ended(struct sl_child *c, int *status)
{
	if (c->pid <= 0 || !has_ended(c, status))
		return false;
	sl_child_forget(c);
	return true;
}

void sl_child_kill(struct sl_child *c)
{
	struct timespec pause = { 0, 1000000 };
	int status;

	if (c->pid <= 0)
		return;
	sl_child_signal(c, SIGKILL);
	while (!sl_child_ended(c, &status))
		(void)nanosleep(&pause, NULL);
}

void sl_child_stop(struct sl_child *c, int limit_ms)
{
	struct timespec pause = { 0, 5000000 };
	int status;

	if (c->pid <= 0)
		return;
	(void)sl_ipc_send(c->ipc, SL_IPC_STOP, 0, (struct sl_bytes){ NULL, 0 }, NULL, 0, 0);
	for (int waited = 0; waited < limit_ms; waited += 5) {
		if (sl_child_ended(c, &status))
			return;
		(void)nanosleep(&pause, NULL);
	}
	sl_child_kill(c);
}
