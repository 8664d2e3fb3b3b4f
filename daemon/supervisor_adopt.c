/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor_adopt.c - an earlier supervisor has died, and its engine goes on judging. This one takes the sockets from it, has an
 * eye on it while the lists are compiled, and then has a new engine, with the new policy, take its place between two batches.
 * Where an engine does not answer, or was opened by options that are no longer those of the configuration, it is ended first. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/adopt.h"
#include "daemon/broker.h"
#include "daemon/conf_fd.h"
#include "daemon/fd_store.h"
#include "daemon/log.h"
#include "daemon/supervisor_state.h"

enum { ANSWER_LIMIT_MS = 2000, YIELD_LIMIT_MS = 1000 };

/* What the engine was opened by, where it can still be read. */
static struct sl_conf *conf_of(const struct sl_supervisor *s, const struct sl_take *take)
{
	struct sl_conf *conf = NULL;

	return sl_conf_read_fd(take->conf, s->conf_path, NULL, &conf) == SL_OK ? conf : NULL;
}

/* Why its sockets are of no use to us; empty: they are. */
static void look_for_change(struct sl_supervisor *s, const struct sl_take *take, char *why, size_t size)
{
	struct sl_conf *old = conf_of(s, take);
	struct sl_shared *shared = NULL;

	why[0] = '\0';
	if (old == NULL)
		(void)snprintf(why, size, "its configuration cannot be read");
	else
		sl_conf_restart_needed(old, s->conf, why, size);
	if (why[0] == '\0' && take->workers != sl_supervisor_workers(s->conf))
		(void)snprintf(why, size, "the number of processors");
	if (why[0] == '\0' && sl_shared_map(take->shared, &shared) != SL_OK)
		(void)snprintf(why, size, "another version's counters");
	sl_conf_free(&old);
	if (why[0] == '\0')
		s->shared = shared;
}

/* What it gives us replaces what we have; its log and configuration are opened anew. */
static void take_over(struct sl_supervisor *s, struct sl_take *take)
{
	(void)close(take->conf);
	take->conf = s->take.conf;
	if (take->flow_log >= 0)
		(void)close(take->flow_log);
	take->flow_log = -1;
	sl_broker_close_lookups(take); /* they lead from that engine to its broker */
	s->take = *take;
}

static void take_from_it(struct sl_supervisor *s, struct sl_take *take)
{
	take_over(s, take);
	sl_hang_begin(&s->hang, s->take.workers, s->conf->hang_limit, sl_clock_now());
	sl_log(SL_LOG_NOTICE,
	       "the engine (%d) of an earlier supervisor judges on, until one with the new policy is ready",
	       (int)s->engine.pid);
}

/* Its message comes at once, unless it hangs. */
static int receive(struct sl_supervisor *s, struct sl_take *take)
{
	struct pollfd fd = { s->engine.ipc, POLLIN, 0 };

	sl_take_none(take);
	if (poll(&fd, 1, ANSWER_LIMIT_MS) != 1 || sl_ipc_receive(s->engine.ipc, &s->msg) != SL_OK)
		return SL_ENOENT;
	int err = s->msg.type == SL_IPC_ADOPTED ? sl_take_read(&s->msg, take) : SL_EMALF;
	sl_ipc_close_fds(&s->msg);
	return err;
}

static void adopt(struct sl_supervisor *s)
{
	struct sl_take take;
	char why[512];

	if (receive(s, &take) != SL_OK) {
		sl_log(SL_LOG_ERR, "the engine (%d) of an earlier supervisor does not answer, and is ended",
		       (int)s->engine.pid);
		sl_child_kill(&s->engine);
	} else {
		look_for_change(s, &take, why, sizeof(why));
		if (why[0] == '\0') {
			take_from_it(s, &take);
			return;
		}
		sl_log(SL_LOG_WARN,
		       "the engine (%d) of an earlier supervisor is ended before another is ready: other "
		       "options: %s",
		       (int)s->engine.pid, why);
		sl_child_stop(&s->engine, YIELD_LIMIT_MS);
		sl_broker_disconnect(&take);
		sl_supervisor_await_broker(&take, YIELD_LIMIT_MS);
	}
	sl_take_close(&take);
}

/* Neither supervisor nor engine has lived, but the queues have: what waits in them is judged by the next engine. */
static void take_from_store(struct sl_supervisor *s)
{
	struct sl_take take;
	char why[512];

	if (!sl_fd_store_take(&take))
		return;
	if (s->take.workers > 0) {
		sl_take_close(&take); /* the same that an engine has given us */
		return;
	}
	look_for_change(s, &take, why, sizeof(why));
	if (why[0] != '\0') {
		sl_log(SL_LOG_WARN, "the queues of an earlier sluiced are closed: other options: %s", why);
		sl_fd_store_drop(&take);
		sl_take_close(&take);
		return;
	}
	take_over(s, &take);
	sl_log(SL_LOG_NOTICE, "the queues of an earlier sluiced go on");
	sl_supervisor_unmanned(s);
}

void sl_supervisor_adopt(struct sl_supervisor *s)
{
	int conn;
	pid_t pid;

	if (sl_adopt_connect(s->conf->control, &conn, &pid) == SL_OK) {
		if (sl_child_adopt(&s->engine, pid, conn) == SL_OK)
			adopt(s);
		else
			(void)close(conn);
	}
	take_from_store(s);
	if (s->take.adopt < 0)
		(void)sl_adopt_open(s->conf->control, &sl_log_diag, &s->take.adopt);
}

bool sl_supervisor_succeed(struct sl_supervisor *s)
{
	if ((!s->engine.adopted && !s->relieve) || s->engine.state != SL_CHILD_ACTIVE)
		return false;
	sl_supervisor_want_broker(s);
	s->engine.state = SL_CHILD_YIELDING;
	s->kill_at = sl_mono_add(sl_clock_now(), sl_span_ms(YIELD_LIMIT_MS));
	(void)sl_ipc_send(s->engine.ipc, SL_IPC_YIELD, 0, (struct sl_bytes){ NULL, 0 }, NULL, 0, 0);
	return true;
}

bool sl_supervisor_leave_adopted(struct sl_supervisor *s)
{
	if (!s->engine.adopted || s->engine.state != SL_CHILD_ACTIVE || s->exit_status == EXIT_SUCCESS)
		return false;
	sl_log(SL_LOG_ERR, "the engine (%d) of an earlier supervisor goes on judging, by its old policy",
	       (int)s->engine.pid);
	sl_child_forget(&s->engine);
	return true;
}
