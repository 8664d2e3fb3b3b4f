/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/command.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/clock.h"

/* One run. Descriptors are -1 where closed. */
struct run {
	int in;
	int out[2], err[2]; /* pipes: [0] ours, [1] the child's */
	int pidfd;
	pid_t pid;
	size_t cap; /* bytes allocated for the output */
	size_t err_len;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static bool find(const char *name, char *path, size_t size)
{
	static const char *const folders[] = { "/usr/sbin", "/sbin", "/usr/bin", "/bin" };
	if (strchr(name, '/') != NULL)
		return false;
	for (size_t i = 0; i < SL_COUNT(folders); i++) {
		int n = snprintf(path, size, "%s/%s", folders[i], name);
		if (n > 0 && (size_t)n < size && access(path, X_OK) == 0)
			return true;
	}
	return false;
}

bool sl_command_exists(const char *name)
{
	char path[128];
	return find(name, path, sizeof(path));
}

/* A file in memory, so that a child that reads late or never cannot block us, nor kill us with SIGPIPE. */
static int open_input(struct sl_bytes input)
{
	int fd = memfd_create("input", MFD_CLOEXEC);
	while (fd >= 0 && input.len > 0) {
		ssize_t n = write(fd, input.p, input.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			close(fd);
			return -1;
		}
		input = sl_bytes_skip(input, (size_t)n);
	}
	if (fd >= 0)
		lseek(fd, 0, SEEK_SET);
	return fd;
}

static int open_all(struct run *r, struct sl_bytes input)
{
	r->in = open_input(input);
	if (r->in < 0 || pipe2(r->out, O_CLOEXEC) < 0 || pipe2(r->err, O_CLOEXEC) < 0)
		return SL_ESYS;
	fcntl(r->out[0], F_SETFL, O_NONBLOCK);
	fcntl(r->err[0], F_SETFL, O_NONBLOCK);
	return SL_OK;
}

/* dup2 onto a descriptor of the same number would keep close-on-exec; posix_spawn's action clears it in that case too. */
static int spawn(struct run *r, const char *path, const char *const *argv)
{
	static char lang[] = "LC_ALL=C", search[] = "PATH=/usr/sbin:/sbin:/usr/bin:/bin";
	char *env[] = { lang, search, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t all, none;
	sigfillset(&all);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawn_file_actions_adddup2(&files, r->in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&files, r->out[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&files, r->err[1], STDERR_FILENO);
	/* An inherited queue socket would keep its queue bound with nobody to read it. */
	posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
	char *const *args = (char *const *)(uintptr_t)argv; /* posix_spawn changes none of them */
	int failed = posix_spawn(&r->pid, path, &files, &attr, args, env);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	if (failed != 0) {
		r->pid = -1;
		errno = failed;
		return SL_ESYS;
	}
	r->pidfd = pidfd_open(r->pid, 0);
	return r->pidfd < 0 ? SL_ESYS : SL_OK;
}

static int room_for(struct run *r, struct sl_command_reply *reply, size_t max)
{
	if (reply->out_len + 1 < r->cap)
		return SL_OK;
	if (r->cap > max)
		return SL_ELIMIT;
	size_t cap = sl_min(r->cap == 0 ? 4096 : r->cap * 2, max + 2);
	char *more = realloc(reply->out, cap);
	if (more == NULL)
		return SL_ENOMEM;
	reply->out = more;
	r->cap = cap;
	return SL_OK;
}

/* All that is there now. */
static int drain_out(struct run *r, struct sl_command_reply *reply, size_t max)
{
	while (r->out[0] >= 0) {
		int err = room_for(r, reply, max);
		if (err != SL_OK)
			return err;
		ssize_t n = read(r->out[0], reply->out + reply->out_len, r->cap - 1 - reply->out_len);
		if (n > 0)
			reply->out_len += (size_t)n;
		else if (n == 0)
			close_fd(&r->out[0]);
		else if (errno != EINTR)
			return errno == EAGAIN ? SL_OK : SL_ESYS;
		if (reply->out_len > max)
			return SL_ELIMIT;
	}
	return SL_OK;
}

/* Keeps the head of it and reads on, so that the child never waits for us. */
static void drain_err(struct run *r, struct sl_command_reply *reply)
{
	char rest[512];
	while (r->err[0] >= 0) {
		ssize_t n = read(r->err[0], rest, sizeof(rest));
		if (n > 0) {
			size_t keep = sl_min((size_t)n, sizeof(reply->err) - 1 - r->err_len);
			memcpy(reply->err + r->err_len, rest, keep);
			r->err_len += keep;
		} else if (n == 0) {
			close_fd(&r->err[0]);
		} else if (errno != EINTR) {
			return;
		}
	}
}

/* A grandchild may hold the pipes longer than the child lives: the child's end is what counts. */
static int collect(struct run *r, const struct sl_command *cmd, struct sl_command_reply *reply)
{
	int64_t end = sl_clock_now_ms() + cmd->timeout_ms;
	for (bool ended = false; !ended;) {
		struct pollfd p[] = { { r->out[0], POLLIN, 0 },
			              { r->err[0], POLLIN, 0 },
			              { r->pidfd, POLLIN, 0 } };
		int64_t left = end - sl_clock_now_ms();
		if (left <= 0)
			return SL_ETIME;
		if (poll(p, SL_COUNT(p), (int)left) < 0 && errno != EINTR)
			return SL_ESYS;
		ended = p[2].revents != 0;
		drain_err(r, reply);
		int err = drain_out(r, reply, cmd->output_max);
		if (err != SL_OK)
			return err;
	}
	return SL_OK;
}

static int reap(struct run *r, bool kill_it, struct sl_command_reply *reply)
{
	int status = 0;
	if (kill_it)
		kill(r->pid, SIGKILL);
	while (waitpid(r->pid, &status, 0) < 0)
		if (errno != EINTR)
			return SL_ESYS;
	reply->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return reply->status == 0 ? SL_OK : SL_EINVAL;
}

static int start(struct run *r, const struct sl_command *cmd)
{
	char path[128];
	if (!find(cmd->argv[0], path, sizeof(path)))
		return SL_ENOENT;
	int err = open_all(r, cmd->input);
	if (err == SL_OK)
		err = spawn(r, path, cmd->argv);
	close_fd(&r->out[1]);
	close_fd(&r->err[1]);
	return err;
}

static int finish(struct run *r, int err, const struct sl_command *cmd, struct sl_command_reply *reply)
{
	if (err == SL_OK) {
		err = collect(r, cmd, reply);
		if (err == SL_ESYS)
			(void)snprintf(reply->err, sizeof(reply->err), "%s", strerror(errno));
	}
	if (r->pid > 0) {
		int end = reap(r, err != SL_OK, reply);
		err = err != SL_OK ? err : end;
	}
	return err;
}

static void explain(const char *name, int err, struct sl_command_reply *reply)
{
	const char *why = err == SL_ENOENT ? "not installed" : sl_strerror(err);
	if (err == SL_EINVAL)
		(void)snprintf(reply->err, sizeof(reply->err), "%s: exit status %d", name, reply->status);
	else
		(void)snprintf(reply->err, sizeof(reply->err), "%s: %s", name, why);
}

static void close_run(struct run *r)
{
	close_fd(&r->in);
	close_fd(&r->out[0]);
	close_fd(&r->out[1]);
	close_fd(&r->err[0]);
	close_fd(&r->err[1]);
	close_fd(&r->pidfd);
}

/* All are started before the first is waited for. A child whose pipe is full waits until it is its turn. */
void sl_command_run_all(const struct sl_command *cmd, struct sl_command_reply *reply, int *result, size_t n)
{
	struct run run[SL_COMMANDS_MAX];
	assert(n <= SL_COMMANDS_MAX);
	for (size_t i = 0; i < n; i++) {
		run[i] = (struct run){
			.in = -1, .out = { -1, -1 }, .err = { -1, -1 }, .pidfd = -1, .pid = -1
		};
		reply[i] = (struct sl_command_reply){ .status = -1 };
		result[i] = start(&run[i], &cmd[i]);
		if (result[i] == SL_ESYS)
			(void)snprintf(reply[i].err, sizeof(reply[i].err), "%s", strerror(errno));
	}
	for (size_t i = 0; i < n; i++) {
		result[i] = finish(&run[i], result[i], &cmd[i], &reply[i]);
		if (reply[i].out != NULL)
			reply[i].out[reply[i].out_len] = '\0';
		if (result[i] != SL_OK && reply[i].err[0] == '\0')
			explain(cmd[i].argv[0], result[i], &reply[i]);
		close_run(&run[i]);
	}
}

int sl_command_run(const struct sl_command *cmd, struct sl_command_reply *reply)
{
	int result;
	sl_command_run_all(cmd, reply, &result, 1);
	return result;
}

void sl_command_reply_free(struct sl_command_reply *reply)
{
	free(reply->out);
	*reply = (struct sl_command_reply){ 0 };
}
