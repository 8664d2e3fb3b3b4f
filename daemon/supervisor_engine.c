/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor_engine.c - the engine's life: started, given a policy, given the queues. How it ends: supervisor_death.c. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "daemon/broker.h"
#include "daemon/engine.h"
#include "daemon/fd_store.h"
#include "daemon/log.h"
#include "daemon/supervisor_events.h"

void sl_supervisor_fail(struct sl_supervisor *s)
{
	s->exit_status = EXIT_FAILURE;
	s->stopping = true;
}

/* What is not live stays as it was at the start, for the next engine, too: rules and queues are of that time. */
int sl_supervisor_load_child(struct sl_supervisor *s, struct sl_child *c)
{
	sl_supervisor_send_standing(s, sl_bundle_conf(s->good), c->ipc, true);
	int err = sl_bundle_send(s->good, s->take.conf, c->ipc, s->ready ? s->generation : s->next_number);

	c->state = SL_CHILD_LOADING;
	c->loads++;
	return err;
}

int sl_supervisor_start_engine(struct sl_supervisor *s)
{
	sl_supervisor_want_broker(s);
	int err = sl_child_start(&s->engine, sl_engine_role(s->conf), &s->user);

	s->restart_at.us = 0;
	s->engine_started = sl_clock_now();
	if (err == SL_OK)
		err = sl_supervisor_load_child(s, &s->engine);
	if (err != SL_OK)
		sl_log(SL_LOG_ERR, "cannot start the engine: %s", strerror(errno));
	return err;
}

void sl_supervisor_hand_over(struct sl_supervisor *s)
{
	struct sl_take take = s->take;
	int err = sl_supervisor_give_broker(s, &take);

	/* A spare was given its policy long ago. */
	sl_supervisor_send_standing(s, sl_bundle_conf(s->good), s->engine.ipc, false);
	if (err == SL_OK)
		err = sl_take_send(s->engine.ipc, SL_IPC_TAKE, &take);
	sl_broker_close_lookups(&take);
	if (err != SL_OK) {
		sl_log(SL_LOG_ERR, "the engine does not take the queues: %s", strerror(errno));
		sl_child_signal(&s->engine, SIGKILL);
		return;
	}
	s->engine.state = SL_CHILD_TAKING;
}

static void on_loaded(struct sl_supervisor *s)
{
	if (s->engine.state == SL_CHILD_ACTIVE)
		sl_supervisor_reload_done(s, true);
	else if (sl_child_loaded(&s->engine))
		sl_supervisor_hand_over(s);
}

static void on_load_failed(struct sl_supervisor *s)
{
	s->last_error.len = sl_min(s->msg.text.len, sizeof(s->last_error.text) - 1);
	memcpy(s->last_error.text, s->msg.text.p, s->last_error.len);
	s->last_error.text[s->last_error.len] = '\0';
	if (s->engine.state == SL_CHILD_ACTIVE) {
		sl_supervisor_reload_done(s, false);
	} else if (!s->ready) {
		sl_log(SL_LOG_ERR, "no policy could be loaded: not started, no rule installed");
		sl_supervisor_fail(s);
	} else {
		sl_log(SL_LOG_ERR, "the next engine could not load the policy that was in force");
		sl_child_signal(&s->engine, SIGKILL);
	}
}

/* The first time: now that somebody answers, packets may be queued. */
static void on_taken(struct sl_supervisor *s)
{
	s->engine.state = SL_CHILD_ACTIVE;
	s->engine_started = sl_clock_now();
	if (s->failed_at.us != 0) {
		struct sl_span without = sl_mono_since(s->engine_started, s->failed_at);
		s->unmanned.us += without.us;
		s->takeover_us += (uint64_t)without.us;
		s->takeovers++;
		sl_log(SL_LOG_NOTICE, "a new engine (%d) judges, after %lld ms without one",
		       (int)s->engine.pid, (long long)without.us / 1000);
	}
	s->failed_at.us = 0;
	sl_hang_begin(&s->hang, s->take.workers, s->conf->hang_limit, s->engine_started);
	s->relieve = s->shared_anew = false;
	sl_supervisor_tap_engine(s);
	sl_supervisor_tell_state(s, "running", "engine %d judges", (int)s->engine.pid);
	sl_supervisor_want_spare(s);
	sl_supervisor_upgrade_done(s);
	if (s->ready) {
		sl_supervisor_offer(s);
		return;
	}
	if (sl_supervisor_rules_install(s) != SL_OK) {
		sl_supervisor_fail(s);
		return;
	}
	s->generation = s->next_number;
	s->ready = true;
	sl_log(SL_LOG_INFO, "ready: %s, queues %u-%u, %u workers", sl_rules_backend(s->rules),
	       s->conf->queue_first, s->conf->queue_first + sl_conf_queues(s->conf) - 1, s->take.workers);
	(void)sd_notify(0, "READY=1");
	sl_supervisor_published(s);
	sl_fd_store_put(&s->take);
	sl_supervisor_reload_again(s);
}

static void on_checked(struct sl_supervisor *s)
{
	json_t *results = json_loadb((const char *)s->msg.text.p, s->msg.text.len, 0, NULL);

	if (results == NULL)
		sl_ctl_reply_error(s->ctl, s->msg.number,
		                   "too many items for one answer; ask in smaller portions");
	else
		sl_ctl_reply(s->ctl, s->msg.number,
		             json_pack("{s:b, s:I, s:o}", "ok", 1, "generation", (json_int_t)s->generation,
		                       "results", results));
}

void sl_supervisor_engine_message(struct sl_supervisor *s)
{
	if (sl_ipc_receive(s->engine.ipc, &s->msg) != SL_OK)
		return; /* it is dying: the signal tells */
	if (s->msg.type == SL_IPC_LOADED)
		on_loaded(s);
	else if (s->msg.type == SL_IPC_LOAD_FAILED)
		on_load_failed(s);
	else if (s->msg.type == SL_IPC_TAKEN)
		on_taken(s);
	else if (s->msg.type == SL_IPC_CHECKED)
		on_checked(s);
	else if (s->msg.type == SL_IPC_FLOWS_ARE)
		sl_supervisor_flows_are(s);
	else if (s->msg.type == SL_IPC_STANDS || s->msg.type == SL_IPC_STANDING_FAILED)
		sl_supervisor_stands(s);
	sl_ipc_close_fds(&s->msg);
}
