/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor_upgrade.c - another program takes this one's place, and nobody notices: docs/upgrade.md.
 *
 * The new program is tried first, as a process beside this one that reads all that it would take over, starts an engine of its own
 * and has it map the policy. Until it has said that this engine is ready, nothing has changed here, whatever becomes of it. Then
 * this process becomes the new program (execveat), with the same descriptors; there the old engine makes room for the new one
 * between two batches, and what was in the queues waited there. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "daemon/fd_store.h"
#include "daemon/handover.h"
#include "daemon/log.h"
#include "daemon/supervisor_events.h"
#include "daemon/supervisor_requests.h"
#include "daemon/version.h"

enum { COMPILE_LIMIT_MS = 300000, KEEPER_LIMIT_MS = 500 };

void sl_supervisor_upgrade_init(struct sl_supervisor *s)
{
	struct sl_upgrade *u = &s->upgrade;
	static const char deleted[] = " (deleted)";
	ssize_t n = readlink("/proc/self/exe", u->program, sizeof(u->program) - 1);
	size_t len = n < 0 ? 0 : (size_t)n;

	if (len > sizeof(deleted) &&
	    memcmp(u->program + len - (sizeof(deleted) - 1), deleted, sizeof(deleted) - 1) == 0)
		len -= sizeof(deleted) - 1;
	u->program[len] = '\0';
	u->fd = u->snapshot = u->conf = -1;
	u->trial.ipc = u->engine.ipc = -1;
	/* The engine that a trial leaves behind becomes this process's child. */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

bool sl_supervisor_upgrading(const struct sl_supervisor *s)
{
	return s->upgrade.fd >= 0 || s->upgrade.finishing;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static bool is_child(pid_t pid)
{
	siginfo_t info;

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* What belongs to the attempt; nothing of what is in force. */
static void clear(struct sl_supervisor *s)
{
	struct sl_upgrade *u = &s->upgrade;

	sl_child_kill(&u->trial);
	if (u->engine.pid > 0 &&
	    is_child(u->engine.pid)) /* the trial's before, and now ours; if it told the truth */
		sl_child_kill(&u->engine);
	else
		sl_child_forget(&u->engine);
	close_fd(&u->fd);
	close_fd(&u->snapshot);
	close_fd(&u->conf);
	json_decref(sl_take(&u->about));
	u->limit_at.us = 0;
	u->then_reload = false;
}

void sl_supervisor_upgrade_cancel(struct sl_supervisor *s)
{
	clear(s);
}

static void fail(struct sl_supervisor *s, const char *why)
{
	struct sl_upgrade *u = &s->upgrade;
	bool reload = u->then_reload;
	char text[SL_PROGRAM_PATH_MAX + sizeof(s->last_error.text) + 64];

	(void)snprintf(text, sizeof(text), "%s: %s", u->path, why);
	sl_log(SL_LOG_ERR, "upgrade failed, sluiced " SL_VERSION " goes on: %s", text);
	(void)snprintf(s->last_error.text, sizeof(s->last_error.text), "upgrade: %.*s",
	               (int)sizeof(s->last_error.text) - 16, text);
	s->last_error.len = strlen(s->last_error.text);
	clear(s);
	if (u->waiting)
		sl_ctl_reply_error(s->ctl, u->client, text);
	u->waiting = false;
	s->reload_again |= reload;
	sl_supervisor_reload_again(s);
}

/* ---- the trial ---- */

/* In the child: the new program, or why it cannot be run. */
static void become_trial(const struct sl_upgrade *u, json_t *state, int state_fd, int report)
{
	char name[] = "sluiced", option[] = "--try-upgrade", state_text[16], report_text[16], why[128];
	char *argv[] = { name, option, state_text, report_text, NULL };

	(void)snprintf(state_text, sizeof(state_text), "%d", state_fd);
	(void)snprintf(report_text, sizeof(report_text), "%d", report);
	sl_handover_inherit(state, true);
	(void)fcntl(report, F_SETFD, 0);
	(void)execveat(u->fd, "", argv, environ, AT_EMPTY_PATH);
	(void)snprintf(why, sizeof(why), "cannot be run: %s", strerror(errno));
	(void)sl_ipc_send(report, SL_IPC_TRIAL_FAILED, 0, sl_bytes_str(why), NULL, 0, 0);
	_exit(127);
}

static int fork_trial(struct sl_upgrade *u, json_t *state, int state_fd)
{
	int end[2];

	if (sl_ipc_pair(end) != SL_OK)
		return SL_ESYS;
	pid_t pid = fork();
	if (pid == 0)
		become_trial(u, state, state_fd, end[1]);
	(void)close(end[1]);
	if (pid < 0) {
		(void)close(end[0]);
		return SL_ESYS;
	}
	(void)fcntl(end[0], F_SETFL, O_NONBLOCK);
	u->trial = (struct sl_child){ .pid = pid, .ipc = end[0] };
	return SL_OK;
}

static int start_trial(struct sl_supervisor *s)
{
	json_t *state = sl_supervisor_state(s);
	int fd = -1, err = state == NULL ? SL_ENOMEM : sl_handover_write(state, &fd);

	if (err == SL_OK)
		err = fork_trial(&s->upgrade, state, fd);
	close_fd(&fd);
	json_decref(state);
	return err;
}

/* Why path can be no program; NULL: it is tried. */
static const char *open_program(struct sl_upgrade *u, const char *path)
{
	struct stat st;

	(void)snprintf(u->path, sizeof(u->path), "%s", path);
	u->fd = open(path, O_PATH | O_CLOEXEC);
	if (u->fd < 0 || fstat(u->fd, &st) != 0)
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "is no file that could be run";
	if ((st.st_mode & 0111) == 0)
		return "is not executable";
	return NULL;
}

static void start(struct sl_supervisor *s, const char *path)
{
	const char *why = open_program(&s->upgrade, path);

	s->upgrade.limit_at = sl_mono_add(sl_clock_now(), s->conf->start_limit);
	if (why == NULL && start_trial(s) != SL_OK)
		why = strerror(errno);
	if (why != NULL) {
		fail(s, why);
		return;
	}
	sl_log(SL_LOG_NOTICE, "upgrade: %s is tried (%d)", path, (int)s->upgrade.trial.pid);
}

static const char *busy(const struct sl_supervisor *s)
{
	if (!s->ready)
		return "sluiced is still starting; try again";
	if (sl_supervisor_upgrading(s))
		return "an upgrade is under way; try again";
	if (s->next != NULL)
		return "a reload is under way; try again";
	return s->engine.state != SL_CHILD_ACTIVE ? "no engine judges at the moment; try again" : NULL;
}

/* Is what stands at our path another file than what runs? */
static bool has_changed(const struct sl_supervisor *s)
{
	struct stat now, running;

	return stat(s->upgrade.program, &now) == 0 && stat("/proc/self/exe", &running) == 0 &&
	       (now.st_dev != running.st_dev || now.st_ino != running.st_ino ||
	        now.st_mtim.tv_sec != running.st_mtim.tv_sec ||
	        now.st_mtim.tv_nsec != running.st_mtim.tv_nsec);
}

bool sl_supervisor_upgrade_if_changed(struct sl_supervisor *s)
{
	if (busy(s) != NULL || !has_changed(s))
		return false;
	s->upgrade.then_reload = true;
	start(s, s->upgrade.program);
	return true;
}

void sl_supervisor_ctl_upgrade(struct sl_supervisor *s, uint64_t client, json_t *args)
{
	const json_t *given = json_object_get(args, "path");
	const char *path = json_string_value(given);
	const char *why =
	        given != NULL && (path == NULL || path[0] != '/' || strlen(path) >= SL_PROGRAM_PATH_MAX)
	                ? "upgrade: \"path\" is a path from the root on"
	                : busy(s);

	if (why != NULL) {
		sl_ctl_reply_error(s->ctl, client, why);
		return;
	}
	if (json_is_true(json_object_get(args, "if_changed")) && path == NULL && !has_changed(s)) {
		sl_ctl_reply(s->ctl, client,
		             json_pack("{s:b, s:b, s:s, s:s}", "ok", 1, "changed", 0, "version", SL_VERSION,
		                       "program", s->upgrade.program));
		return;
	}
	s->upgrade.client = client;
	s->upgrade.waiting = true;
	start(s, path == NULL ? s->upgrade.program : path);
}

static void on_ready(struct sl_supervisor *s)
{
	struct sl_upgrade *u = &s->upgrade;

	if (s->msg.fds != 1 && s->msg.fds != 3) {
		fail(s, "what it says of its engine makes no sense");
		return;
	}
	u->engine = (struct sl_child){ .pid = (pid_t)s->msg.number,
		                       .ipc = s->msg.fd[0],
		                       .state = SL_CHILD_READY };
	s->msg.fd[0] = -1;
	(void)fcntl(u->engine.ipc, F_SETFL, O_NONBLOCK);
	if (s->msg.fds == 3) {
		u->snapshot = s->msg.fd[1];
		u->conf = s->msg.fd[2];
		s->msg.fd[1] = s->msg.fd[2] = -1;
	}
	u->about = json_loadb((const char *)s->msg.text.p, s->msg.text.len, 0, NULL);
}

bool sl_supervisor_upgrade_message(struct sl_supervisor *s)
{
	char why[sizeof(s->last_error.text)];

	if (sl_ipc_receive(s->upgrade.trial.ipc, &s->msg) != SL_OK)
		return false; /* it is dying: the signal tells */
	if (s->msg.type == SL_IPC_TRIAL_READY && s->upgrade.engine.pid == 0) {
		on_ready(s);
	} else if (s->msg.type == SL_IPC_TRIAL_COMPILES) {
		sl_log(SL_LOG_NOTICE, "upgrade: %s compiles the lists anew: %.*s", s->upgrade.path,
		       (int)s->msg.text.len, (const char *)s->msg.text.p);
		s->upgrade.limit_at = sl_mono_add(sl_clock_now(), sl_span_ms(COMPILE_LIMIT_MS));
	} else if (s->msg.type == SL_IPC_TRIAL_FAILED) {
		(void)snprintf(why, sizeof(why), "%.*s", (int)s->msg.text.len, (const char *)s->msg.text.p);
		fail(s, why);
	}
	sl_ipc_close_fds(&s->msg);
	return true;
}

/* ---- the change ---- */

/* A policy that the new program compiled takes the place of the one that says nothing to it. */
static int adopt_policy(struct sl_supervisor *s)
{
	struct sl_upgrade *u = &s->upgrade;
	struct sl_bundle *compiled = NULL;

	if (u->snapshot < 0)
		return SL_OK;
	int err = sl_bundle_revive(s->conf_path, u->snapshot, u->conf, u->about, &sl_log_diag, &compiled);
	if (err != SL_OK)
		return err;
	u->snapshot = u->conf = -1;
	sl_bundle_free(&s->good);
	s->good = compiled;
	s->generation = sl_max(s->kept.last, s->generation) + 1;
	return SL_OK;
}

static void tell_upgrading(void)
{
	char text[96];

	(void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=Upgrading",
	               (long long)sl_clock_now().us);
	(void)sd_notify(0, text);
}

/* Does not return where it can be done. */
static void become(struct sl_supervisor *s, const json_t *state, int state_fd)
{
	char name[] = "sluiced", option[] = "--resume", config[] = "--config", fd_text[16];
	char *path = strdup(s->conf_path);
	char *argv[] = { name, config, path, option, fd_text, NULL };

	(void)snprintf(fd_text, sizeof(fd_text), "%d", state_fd);
	tell_upgrading();
	sl_handover_inherit(state, true);
	(void)execveat(s->upgrade.fd, "", argv, environ, AT_EMPTY_PATH);
	int why = errno;
	sl_handover_inherit(state, false);
	(void)sd_notify(0, "READY=1\nSTATUS=");
	free(path);
	errno = why;
}

/* The spare is of this program, and would be a stranger's to the next. */
static void change(struct sl_supervisor *s)
{
	int fd = -1, err = adopt_policy(s);

	sl_child_kill(&s->spare);
	sl_child_kill(&s->broker);
	sl_child_kill(&s->compiler);
	sl_child_kill(&s->fetcher); /* it is asked again */
	sl_supervisor_reporter_stop(s);
	sl_supervisor_keeper_wait(s, KEEPER_LIMIT_MS);
	s->upgrades++;
	json_t *state = err == SL_OK ? sl_supervisor_state(s) : NULL;
	if (state != NULL)
		err = sl_handover_write(state, &fd);
	if (state != NULL && err == SL_OK)
		become(s, state, fd);
	const char *why = strerror(errno);
	close_fd(&fd);
	json_decref(state);
	s->upgrades--;
	fail(s, why);
	sl_supervisor_want_spare(s);
}

/* The new engine is ready, the trial has ended; and nothing else goes on that the change would cut short. */
static void change_when_possible(struct sl_supervisor *s)
{
	const struct sl_upgrade *u = &s->upgrade;
	siginfo_t info = { 0 };

	if (u->fd < 0 || u->engine.pid <= 0 || u->trial.pid > 0 || s->engine.state != SL_CHILD_ACTIVE ||
	    s->failed_at.us != 0 || s->hung)
		return;
	if (waitid(P_PID, (id_t)u->engine.pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0)
		change(s);
	else
		fail(s, "its engine died as soon as it was ready");
}

static void say_how_it_ended(struct sl_supervisor *s, int status)
{
	char why[256];

	if (WIFSIGNALED(status))
		(void)snprintf(why, sizeof(why), "died of signal %d (%s) before its engine was ready",
		               WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		(void)snprintf(
		        why, sizeof(why),
		        "ended with status %d and did not say that its engine is ready: is it a sluiced, of "
		        "this version or a later one?",
		        WEXITSTATUS(status));
	fail(s, why);
}

/* Processes that were left to us, as the engine of a trial that failed. */
static void bury_orphans(const struct sl_supervisor *s)
{
	const pid_t known[] = { s->engine.pid,  s->spare.pid,         s->compiler.pid,       s->keeper.pid,
		                s->fetcher.pid, s->upgrade.trial.pid, s->upgrade.engine.pid, s->broker.pid };
	siginfo_t info = { 0 };

	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid > 0) {
		for (size_t i = 0; i < SL_COUNT(known); i++)
			if (info.si_pid == known[i])
				return; /* whoever knows it asks for it */
		(void)waitpid(info.si_pid, NULL, WNOHANG);
		info.si_pid = 0;
	}
}

void sl_supervisor_upgrade_event(struct sl_supervisor *s)
{
	struct sl_upgrade *u = &s->upgrade;
	struct pollfd said = { u->trial.ipc, POLLIN, 0 };
	int status;

	/* What it said before it ended counts. */
	while (u->trial.pid > 0 && poll(&said, 1, 0) == 1 && sl_supervisor_upgrade_message(s))
		;
	if (sl_child_ended(&u->trial, &status) && u->engine.pid == 0)
		say_how_it_ended(s, status);
	bury_orphans(s);
}

void sl_supervisor_upgrade_timers(struct sl_supervisor *s, struct sl_mono now)
{
	char why[128];

	if (s->upgrade.fd < 0)
		return;
	change_when_possible(s);
	if (s->upgrade.fd < 0 || !sl_mono_reached(now, s->upgrade.limit_at))
		return;
	(void)snprintf(why, sizeof(why),
	               "its engine was not ready within start_limit (%lld s), and it was ended",
	               (long long)s->conf->start_limit.us / 1000000);
	fail(s, why);
}

void sl_supervisor_upgrade_done(struct sl_supervisor *s)
{
	struct sl_upgrade *u = &s->upgrade;

	if (!u->finishing)
		return;
	u->finishing = false;
	sl_log(SL_LOG_NOTICE, "upgraded from %s to " SL_VERSION ": %s, engine %d", u->was, u->program,
	       (int)s->engine.pid);
	sl_supervisor_tell_state(s, "upgraded", "from %s to " SL_VERSION, u->was);
	if (sl_supervisor_rules_install(s) != SL_OK)
		s->verify_at = sl_clock_now(); /* which tries again */
	if (u->waiting)
		sl_ctl_reply(s->ctl, u->client,
		             json_pack("{s:b, s:b, s:s, s:s, s:s}", "ok", 1, "changed", 1, "version",
		                       SL_VERSION, "was", u->was, "program", u->program));
	u->waiting = false;
	(void)sd_notify(0, "READY=1\nSTATUS=");
	sl_fd_store_drop(&s->take); /* counters and the like may be others now */
	sl_fd_store_put(&s->take);
	sl_supervisor_reload_again(s);
}
