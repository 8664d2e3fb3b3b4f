/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor_spare.c - the warm spare: a second engine that has mapped the policy and shed its privileges, and has no sockets. When
 * the engine dies it needs a message, and not a start. */
#include <signal.h>
#include <sys/wait.h>

#include "daemon/engine.h"
#include "daemon/log.h"
#include "daemon/supervisor_state.h"

enum { SPARE_AFTER_MS = 300 }; /* an engine that has just taken over has other things to do */

static void plan(struct sl_supervisor *s, struct sl_mono now)
{
	unsigned failures = (unsigned)sl_max(s->spare_failures, s->quick_deaths);

	s->spare_at =
	        sl_mono_add(sl_mono_add(now, sl_span_ms(SPARE_AFTER_MS)), sl_supervisor_back_off(failures));
}

void sl_supervisor_want_spare(struct sl_supervisor *s)
{
	if (s->spare.pid <= 0)
		plan(s, sl_clock_now());
}

void sl_supervisor_load_spare(struct sl_supervisor *s)
{
	if (s->spare.pid > 0 && sl_supervisor_load_child(s, &s->spare) != SL_OK)
		sl_child_signal(&s->spare, SIGKILL); /* it does not read */
}

void sl_supervisor_spare_timers(struct sl_supervisor *s, struct sl_mono now)
{
	if (s->spare_at.us == 0 || !sl_mono_reached(now, s->spare_at) || s->engine.state != SL_CHILD_ACTIVE)
		return;
	s->spare_at.us = 0;
	sl_supervisor_want_broker(s);
	if (sl_child_start(&s->spare, sl_engine_role(s->conf), &s->user) == SL_OK) {
		sl_supervisor_load_spare(s);
		return;
	}
	s->spare_failures++;
	plan(s, now);
}

void sl_supervisor_spare_message(struct sl_supervisor *s)
{
	if (sl_ipc_receive(s->spare.ipc, &s->msg) != SL_OK)
		return; /* it is dying: the signal tells */
	if (s->msg.type == SL_IPC_LOADED && sl_child_loaded(&s->spare)) {
		s->spare.state = SL_CHILD_READY;
		s->spare_failures = 0;
		(void)sl_supervisor_succeed(s);
	} else if (s->msg.type == SL_IPC_LOAD_FAILED) {
		sl_log(SL_LOG_ERR, "the spare engine could not load the policy: %.*s", (int)s->msg.text.len,
		       (const char *)s->msg.text.p);
		sl_child_signal(&s->spare, SIGKILL);
	}
	sl_ipc_close_fds(&s->msg);
}

void sl_supervisor_spare_event(struct sl_supervisor *s)
{
	pid_t pid = s->spare.pid;
	int status;

	if (!sl_child_ended(&s->spare, &status))
		return;
	s->spare_failures++;
	if (WIFSIGNALED(status))
		sl_log(SL_LOG_WARN, "the spare engine (%d) died of signal %d", (int)pid, WTERMSIG(status));
	else
		sl_log(SL_LOG_WARN, "the spare engine (%d) ended with status %d", (int)pid,
		       WEXITSTATUS(status));
	plan(s, sl_clock_now());
}

bool sl_supervisor_promote_spare(struct sl_supervisor *s)
{
	if (s->spare.pid <= 0)
		return false;
	s->engine = s->spare;
	s->spare = (struct sl_child){ .ipc = -1 };
	s->engine_started = sl_clock_now();
	if (s->engine.state == SL_CHILD_READY)
		sl_supervisor_hand_over(s);
	return true;
}
