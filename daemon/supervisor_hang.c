/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor_hang.c - an engine that lives and does not move is ended, so that the next one takes over. Who is to be taken for
 * that is hang.h's affair; here is what it is told, and what the log is told of the thread that hangs. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/nfq_left.h"
#include "daemon/supervisor_state.h"

enum {
	ABORT_MS = 30, /* after SIGABRT, which lets the thread tell its stack, comes SIGKILL */
	KILL_AGAIN_MS = 200,
};

struct thread {
	pid_t id;
	char state; /* as in proc(5), 0: not known */
};

static size_t read_proc(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

	if (fd >= 0)
		(void)close(fd);
	buf[n < 0 ? 0 : n] = '\0';
	return n < 0 ? 0 : (size_t)n;
}

/* The workers' threads are named after their numbers (worker.c). /proc/PID/task is walked by number: threads are started one
 * after the other, but ids of others may lie between them, so the list is read. */
static struct thread find_thread(pid_t pid, int worker)
{
	char path[80], name[32], text[256];
	struct thread t = { 0, 0 };
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	(void)snprintf(name, sizeof(name), "(worker-%d) ", worker);
	dir = opendir(path);
	if (dir == NULL)
		return t;
	for (struct dirent *e = readdir(dir); e != NULL && t.id == 0; e = readdir(dir)) {
		(void)snprintf(path, sizeof(path), "/proc/%d/task/%.16s/stat", (int)pid, e->d_name);
		(void)read_proc(path, text, sizeof(text));
		const char *at = strstr(text, name);
		if (at != NULL)
			t = (struct thread){ (pid_t)strtol(e->d_name, NULL, 10), at[strlen(name)] };
	}
	(void)closedir(dir);
	return t;
}

static const char *state_words(char state)
{
	switch (state) {
	case 'T':
	case 't':
		return "stopped";
	case 'R':
		return "running";
	case 'D':
		return "in uninterruptible sleep";
	case 'S':
		return "asleep";
	default:
		return "in an unknown state";
	}
}

/* A thread that runs, or sleeps, may tell its stack (crash.h); one that is stopped does nothing but end. */
static void end_engine(struct sl_supervisor *s, int worker, struct thread t, struct sl_mono now)
{
	bool may_tell = t.id > 0 && (t.state == 'R' || t.state == 'S');

	s->hung = true;
	s->hung_worker = worker;
	s->engine_hangs++;
	s->kill_at = now;
	if (may_tell && syscall(SYS_tgkill, s->engine.pid, t.id, SIGABRT) == 0)
		s->kill_at = sl_mono_add(now, sl_span_ms(ABORT_MS));
	else
		sl_child_signal(&s->engine, SIGKILL);
}

static void look(struct sl_supervisor *s, struct sl_mono now)
{
	struct sl_hang_sight sight[SL_WORKERS_MAX] = { { 0, false, 0 } };
	struct pollfd fd[SL_WORKERS_MAX];
	uint64_t waiting[SL_WORKERS_MAX] = { 0 };
	struct sl_span quiet;

	for (unsigned i = 0; i < s->take.workers; i++) {
		sight[i].life = sl_life_get(&s->shared->worker[i].life);
		fd[i] = (struct pollfd){ s->take.queue[i], POLLIN, 0 };
	}
	(void)poll(fd, s->take.workers, 0);
	(void)sl_nfq_waiting((uint16_t)s->conf->queue_first, sl_conf_queues(s->conf), s->take.workers,
	                     waiting);
	for (unsigned i = 0; i < s->take.workers; i++) {
		sight[i].unread = (fd[i].revents & POLLIN) != 0;
		sight[i].waiting = waiting[i];
	}
	int who = sl_hang_look(&s->hang, sight, now, &quiet);
	if (who < 0)
		return;
	struct thread t = find_thread(s->engine.pid, who);
	sl_log(SL_LOG_ERR,
	       "worker %d of the engine (%d) hangs: no sign of life for %lld ms, %llu packets wait; the "
	       "thread is %s",
	       who, (int)s->engine.pid, (long long)quiet.us / 1000, (unsigned long long)waiting[who],
	       state_words(t.state));
	end_engine(s, who, t, now);
}

/* Loading is mapping, taking is starting threads: neither takes long, or something is wrong with it. */
static void look_at_beginner(struct sl_supervisor *s, struct sl_mono now)
{
	struct sl_span limit = { s->conf->takeover_limit.us / 2 };

	if (!s->ready || s->engine.state == SL_CHILD_NONE ||
	    !sl_mono_reached(now, sl_mono_add(s->engine_started, limit)))
		return;
	sl_log(SL_LOG_ERR, "the next engine (%d) hangs: not ready after %lld ms", (int)s->engine.pid,
	       (long long)sl_mono_since(now, s->engine_started).us / 1000);
	end_engine(s, -1, (struct thread){ 0, 0 }, now);
}

void sl_supervisor_hang_timers(struct sl_supervisor *s, struct sl_mono now)
{
	if (s->engine.pid <= 0)
		return;
	if (s->hung) {
		if (!sl_mono_reached(now, s->kill_at))
			return;
		sl_child_signal(&s->engine, SIGKILL);
		s->kill_at = sl_mono_add(now, sl_span_ms(KILL_AGAIN_MS));
	} else if (s->engine.state == SL_CHILD_YIELDING) {
		if (sl_mono_reached(now, s->kill_at))
			sl_child_signal(&s->engine, SIGKILL);
	} else if (s->engine.state != SL_CHILD_ACTIVE) {
		look_at_beginner(s, now);
	} else if (sl_mono_reached(now, s->hang.due)) {
		look(s, now);
	}
}
