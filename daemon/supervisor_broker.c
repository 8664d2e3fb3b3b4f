/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor_broker.c - the brokers of engines (broker.h). One stands by, as the spare does; with the queues it becomes the engine's,
 * and is known from then on by its pidfd alone, which the engine keeps for the next supervisor. It ends with its engine. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/broker.h"
#include "daemon/log.h"
#include "daemon/supervisor_state.h"

enum { KILLED_WITHIN_MS = 1000 };

static int set_up(const struct sl_supervisor *s)
{
	const struct sl_conf *c = s->conf;
	const struct sl_broker_setup setup = {
		.limits = { .first = (uint16_t)c->queue_first,
		            .count = sl_conf_queues(c),
		            .mark_mask = c->mark_mask },
		.copy_range = sl_conf_copy_range(c),
		.batch = c->batch,
	};

	return sl_ipc_send(s->broker.ipc, SL_IPC_BROKER, 0, sl_bytes_of(&setup, sizeof(setup)), NULL, 0, 0);
}

void sl_supervisor_want_broker(struct sl_supervisor *s)
{
	if (s->conf->verdicts == 0 || s->broker.pid > 0)
		return;
	int err = sl_child_start(&s->broker, "--broker", &s->user);
	if (err == SL_OK)
		err = set_up(s);
	if (err != SL_OK)
		sl_log(SL_LOG_ERR, "cannot start a broker: %s", strerror(errno));
}

/* Its descriptors are the supervisor's own, but for the ends. */
static int give_queues(struct sl_supervisor *s, struct sl_take *engine)
{
	struct sl_take broker = s->take;
	int err = sl_broker_connect(engine, &broker);

	if (err == SL_OK)
		err = sl_take_send(s->broker.ipc, SL_IPC_TAKE, &broker);
	sl_broker_disconnect(&broker);
	return err;
}

int sl_supervisor_give_broker(struct sl_supervisor *s, struct sl_take *take)
{
	if (s->conf->verdicts == 0)
		return SL_OK;
	sl_supervisor_want_broker(s);
	sl_broker_disconnect(take); /* of an engine before */
	sl_broker_disconnect(&s->take);
	int pidfd = s->broker.pid <= 0 ? -1 : (int)syscall(SYS_pidfd_open, s->broker.pid, 0);
	int err = pidfd < 0 ? SL_ESYS : give_queues(s, take);
	if (err != SL_OK) {
		sl_broker_disconnect(take);
		sl_child_kill(&s->broker);
		if (pidfd >= 0)
			(void)close(pidfd);
		return err;
	}
	take->broker = s->take.broker = pidfd;
	for (unsigned i = 0; i < take->workers; i++) {
		s->take.channel[i] = take->channel[i];
		take->conntrack[i] = -1; /* of no use to it, and the next supervisor opens its own */
	}
	sl_child_forget(&s->broker);
	return SL_OK;
}

void sl_supervisor_broker_event(struct sl_supervisor *s)
{
	pid_t pid = s->broker.pid;
	int status;

	if (sl_child_ended(&s->broker, &status))
		sl_log(SL_LOG_WARN, "the broker that stood by (%d) has ended", (int)pid);
}

static bool has_ended(struct sl_take *take, int wait_ms)
{
	struct pollfd fd = { take->broker, POLLIN, 0 };

	if (take->broker < 0)
		return true;
	if (poll(&fd, 1, wait_ms) != 1)
		return false;
	(void)close(take->broker);
	take->broker = -1;
	return true;
}

bool sl_supervisor_broker_gone(struct sl_supervisor *s)
{
	return has_ended(&s->take, 0);
}

void sl_supervisor_end_broker(const struct sl_take *take)
{
	if (take->broker >= 0)
		(void)syscall(SYS_pidfd_send_signal, take->broker, SIGKILL, NULL, 0);
}

void sl_supervisor_await_broker(struct sl_take *take, int limit_ms)
{
	if (has_ended(take, limit_ms))
		return;
	sl_supervisor_end_broker(take);
	(void)has_ended(take, KILLED_WITHIN_MS);
}
