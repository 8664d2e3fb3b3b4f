/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor_engine.c - the engine's life: started, given a policy, given the queues; and what happens when it dies.
 *
 * Unread and unanswered packets wait in the kernel while no engine runs. One batch verdict NF_REPEAT queues anew all that
 * the dead engine had read, in order, so that the next engine judges it; on_failure answers only when no engine is ready
 * within takeover_limit, or when engine after engine dies at once (the waiting packets may be what kills them). */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>

#include "daemon/log.h"
#include "daemon/nfq_left.h"
#include "daemon/supervisor_state.h"

enum { QUICK_DEATH_MS = 2000, ANSWER_EVERY_MS = 100, DEATHS_BEFORE_ANSWER = 2 };

void sl_supervisor_fail(struct sl_supervisor *s)
{
	s->exit_status = EXIT_FAILURE;
	s->stopping = true;
}

int sl_supervisor_start_engine(struct sl_supervisor *s)
{
	int err = sl_child_start(&s->engine, "--engine", &s->user);

	s->restart_at.us = 0;
	s->engine_started = sl_clock_now();
	if (err == SL_OK)
		err = sl_bundle_send(s->good, s->engine.ipc, s->generation);
	if (err != SL_OK)
		sl_log(SL_LOG_ERR, "cannot start the engine: %s", strerror(errno));
	s->engine.state = SL_CHILD_LOADING;
	return err;
}

static void answer_waiting(struct sl_supervisor *s, enum sl_nfq_final how)
{
	const struct sl_conf *c = s->conf;
	uint64_t n = 0;

	for (unsigned i = 0; i < s->take.workers; i++)
		if (sl_nfq_answer_all(s->take.queue[i], (uint16_t)c->queue_first, (uint16_t)c->queue_count, i,
		                      s->take.workers, how, &n) != SL_OK)
			sl_log(SL_LOG_ERR, "waiting packets cannot be answered: %s", strerror(errno));
	if (how == SL_NFQ_REPEAT)
		s->answered_repeat += n;
	else
		s->answered_on_failure += n;
	if (n > 0)
		sl_log(SL_LOG_NOTICE, "%llu waiting packets %s", (unsigned long long)n,
		       how == SL_NFQ_REPEAT   ? "are judged again by the next engine"
		       : how == SL_NFQ_ACCEPT ? "passed unjudged (on_failure: allow)"
		                              : "dropped (on_failure: drop)");
}

static void on_failure(struct sl_supervisor *s)
{
	answer_waiting(s, s->conf->on_failure == 0 ? SL_NFQ_ACCEPT : SL_NFQ_DROP);
}

static void on_loaded(struct sl_supervisor *s)
{
	if (s->engine.state == SL_CHILD_ACTIVE) {
		sl_supervisor_reload_done(s, true);
		return;
	}
	if (sl_take_send(s->engine.ipc, &s->take) != SL_OK) {
		sl_log(SL_LOG_ERR, "the engine does not take the queues: %s", strerror(errno));
		(void)kill(s->engine.pid, SIGKILL);
		return;
	}
	s->engine.state = SL_CHILD_TAKING;
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
		(void)kill(s->engine.pid, SIGKILL);
	}
}

/* The first time: now that somebody answers, packets may be queued. */
static void on_taken(struct sl_supervisor *s)
{
	s->engine.state = SL_CHILD_ACTIVE;
	if (s->failed_at.us != 0)
		sl_log(SL_LOG_NOTICE, "a new engine (%d) judges, %lld ms after the failure",
		       (int)s->engine.pid, (long long)sl_mono_since(sl_clock_now(), s->failed_at).us / 1000);
	s->failed_at.us = 0;
	s->engine_started = sl_clock_now();
	if (s->ready) {
		sl_supervisor_offer(s);
		return;
	}
	if (sl_rules_install(s->rules, &sl_log_diag) != SL_OK) {
		sl_supervisor_fail(s);
		return;
	}
	s->generation = 1;
	s->ready = true;
	sl_log(SL_LOG_INFO, "ready: %s, queues %u-%u, %u workers", sl_rules_backend(s->rules),
	       s->conf->queue_first, s->conf->queue_first + s->conf->queue_count - 1, s->take.workers);
	(void)sd_notify(0, "READY=1");
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
	sl_ipc_close_fds(&s->msg);
}

static void plan_restart(struct sl_supervisor *s, struct sl_mono now)
{
	static const int64_t wait_ms[] = { 0, 0, 100, 500, 1000, 2000, 5000 };
	size_t step = sl_min(s->quick_deaths, SL_COUNT(wait_ms) - 1);

	s->restart_at = sl_mono_add(now, sl_span_ms(wait_ms[step]));
}

static void say_how(pid_t pid, int status)
{
	if (WIFSIGNALED(status))
		sl_log(SL_LOG_ERR, "the engine (%d) died of signal %d (%s)", (int)pid, WTERMSIG(status),
		       strsignal(WTERMSIG(status)));
	else
		sl_log(SL_LOG_ERR, "the engine (%d) ended with status %d", (int)pid, WEXITSTATUS(status));
}

void sl_supervisor_child_event(struct sl_supervisor *s)
{
	struct sl_mono now = sl_clock_now();
	enum sl_child_state was = s->engine.state;
	pid_t pid = s->engine.pid;
	int status;

	sl_supervisor_compiler_event(s);
	if (!sl_child_ended(&s->engine, &status))
		return;
	say_how(pid, status);
	if (!s->ready) {
		sl_supervisor_fail(s);
		return;
	}
	/* It may be what killed it. One that is still being compiled waits for the next engine. */
	if (s->next != NULL && s->next_sent)
		sl_supervisor_reload_done(s, false);
	s->engine_restarts++;
	bool quick = was != SL_CHILD_ACTIVE ||
	             sl_mono_since(now, s->engine_started).us < sl_span_ms(QUICK_DEATH_MS).us;
	s->quick_deaths = quick ? s->quick_deaths + 1 : 0;
	if (s->failed_at.us == 0)
		s->failed_at = now;
	s->answer_at = sl_mono_add(s->failed_at, s->conf->takeover_limit);
	if (s->quick_deaths >= DEATHS_BEFORE_ANSWER)
		on_failure(s);
	else
		answer_waiting(s, SL_NFQ_REPEAT);
	plan_restart(s, now);
}

void sl_supervisor_engine_timers(struct sl_supervisor *s, struct sl_mono now)
{
	if (s->restart_at.us != 0 && sl_mono_reached(now, s->restart_at) &&
	    sl_supervisor_start_engine(s) != SL_OK) {
		s->quick_deaths++;
		plan_restart(s, now);
	}
	if (s->failed_at.us != 0 && sl_mono_reached(now, s->answer_at)) {
		on_failure(s);
		s->answer_at = sl_mono_add(now, sl_span_ms(ANSWER_EVERY_MS));
	}
}
