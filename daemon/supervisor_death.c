/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor_death.c - an engine has died, whatever it died of: what it had in hand comes again, another one takes its place.
 *
 * Unread and unanswered packets wait in the kernel while no engine runs, and are queued anew, in order, for the next one.
 * on_failure answers instead what two engines had in hand when they died, since that may be what kills them; and all that waits
 * when no engine has been there for takeover_limit. In a series of deaths, each soon after a takeover, the times without an
 * engine add up: else a packet would wait for ever for the end of a series. */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "daemon/broker.h"
#include "daemon/log.h"
#include "daemon/supervisor_events.h"

enum { QUICK_DEATH_MS = 2000, ANSWER_EVERY_MS = 100, BROKER_MS = 50 };

static enum sl_nfq_final final_of(const struct sl_supervisor *s)
{
	return s->conf->on_failure == 0 || sl_supervisor_is_paused(s) ? SL_NFQ_ACCEPT : SL_NFQ_DROP;
}

static void say_answered(const struct sl_supervisor *s, uint64_t n, const char *why)
{
	if (n > 0)
		sl_log(SL_LOG_WARN, "%llu packets %s (on_failure), %s", (unsigned long long)n,
		       final_of(s) == SL_NFQ_ACCEPT ? "passed unjudged" : "dropped", why);
}

static void on_failure(struct sl_supervisor *s)
{
	const struct sl_conf *c = s->conf;
	uint64_t n = 0;

	for (unsigned i = 0; i < s->take.workers; i++)
		if (sl_nfq_answer_all(s->take.queue[i], (uint16_t)c->queue_first, sl_conf_queues(c), i,
		                      s->take.workers, final_of(s), &n) != SL_OK)
			sl_log(SL_LOG_ERR, "waiting packets cannot be answered: %s", strerror(errno));
	s->answered_on_failure += n;
	say_answered(s, n, "since no engine is ready");
}

void sl_supervisor_answer_parked(struct sl_supervisor *s, enum sl_nfq_final how)
{
	const struct sl_conf *c = s->conf;
	uint64_t n = 0;

	if (c->provider == SL_PROVIDER_POLICY || s->take.workers == 0)
		return;
	if (sl_nfq_answer_all(s->take.queue[0], sl_conf_parking_queue(c), 1, 0, 1, how, &n) != SL_OK)
		sl_log(SL_LOG_ERR, "parked packets cannot be answered: %s", strerror(errno));
	if (how == SL_NFQ_REPEAT)
		s->answered_repeat += n;
}

/* hung: the worker because of which the engine was ended; -1: nobody knows which one it was. */
static void recover(struct sl_supervisor *s, int hung)
{
	struct sl_nfq_recovered sum = { 0, 0 };
	struct sl_nfq_recover r = {
		.first = (uint16_t)s->conf->queue_first,
		.count = sl_conf_queues(s->conf),
		.shares = s->take.workers,
		.how = final_of(s),
		.suspects = s->suspects,
	};

	for (unsigned i = 0; i < s->take.workers; i++) {
		r.fd = s->take.queue[i];
		r.channel = s->take.channel[i];
		r.share = i;
		r.blamed = hung < 0 || hung == (int)i;
		if (sl_nfq_recover(&r, &sum) != SL_OK)
			sl_log(SL_LOG_ERR, "waiting packets cannot be queued anew: %s", strerror(errno));
	}
	sl_broker_disconnect(&s->take);
	/* What a content filter knew of them died with the engine: the next one takes their flows for older ones. */
	sl_supervisor_answer_parked(s, SL_NFQ_REPEAT);
	s->answered_repeat += sum.repeated;
	s->answered_on_failure += sum.answered;
	if (sum.repeated > 0)
		sl_log(SL_LOG_NOTICE, "%llu waiting packets are judged again by the next engine",
		       (unsigned long long)sum.repeated);
	say_answered(s, sum.answered, "since two engines had them in hand when they died");
}

struct sl_span sl_supervisor_back_off(unsigned failures)
{
	static const int64_t wait_ms[] = { 0, 0, 100, 500, 1000, 2000, 5000 };

	return sl_span_ms(wait_ms[sl_min(failures, SL_COUNT(wait_ms) - 1)]);
}

static void plan_restart(struct sl_supervisor *s, struct sl_mono now)
{
	s->restart_at = sl_mono_add(now, sl_supervisor_back_off(s->quick_deaths));
}

static void say_how(const struct sl_child *was, int status, bool hung)
{
	int pid = (int)was->pid;

	if (hung)
		sl_log(SL_LOG_ERR, "the engine (%d), which hung, was ended", pid);
	else if (was->adopted)
		sl_log(SL_LOG_ERR, "the engine (%d) of an earlier supervisor has died", pid);
	else if (WIFSIGNALED(status))
		sl_log(SL_LOG_ERR, "the engine (%d) died of signal %d (%s)", pid, WTERMSIG(status),
		       strsignal(WTERMSIG(status)));
	else
		sl_log(SL_LOG_ERR, "the engine (%d) ended with status %d", pid, WEXITSTATUS(status));
}

/* A death soon after a takeover goes on with a series, any other begins one. */
static void count_death(struct sl_supervisor *s, enum sl_child_state was, struct sl_mono now)
{
	bool quick = was != SL_CHILD_ACTIVE ||
	             sl_mono_since(now, s->engine_started).us < sl_span_ms(QUICK_DEATH_MS).us;

	s->engine_restarts++;
	s->quick_deaths = quick ? s->quick_deaths + 1 : 0;
	if (!quick)
		s->unmanned.us = 0;
	if (s->failed_at.us != 0)
		return;
	int64_t left_us = s->conf->takeover_limit.us - s->unmanned.us;
	s->failed_at = now;
	s->answer_at = sl_mono_add(now, (struct sl_span){ left_us > 0 ? left_us : 0 });
}

static void engine_died(struct sl_supervisor *s, const struct sl_child *was, int status)
{
	struct sl_mono now = sl_clock_now();

	say_how(was, status, s->hung);
	sl_supervisor_tell_state(s, "takeover", "engine %d has %s", (int)was->pid, s->hung ? "hung" : "died");
	if (!s->ready && !was->adopted) {
		sl_supervisor_fail(s);
		return;
	}
	/* It may be what killed it. One that is still being compiled waits for the next engine. */
	if (s->next != NULL && s->next_sent)
		sl_supervisor_reload_done(s, false);
	count_death(s, was->state, now);
	/* An engine that had no queues yet had nothing in hand. */
	if (was->state == SL_CHILD_ACTIVE || was->state == SL_CHILD_TAKING)
		recover(s, s->hung ? s->hung_worker : -1);
	s->hung = false;
	/* At the start there may be no policy yet: the compiler's word begins the next engine. */
	if (!sl_supervisor_promote_spare(s) && s->good != NULL)
		plan_restart(s, now);
}

void sl_supervisor_unmanned(struct sl_supervisor *s)
{
	s->failed_at = sl_clock_now();
	s->answer_at = sl_mono_add(s->failed_at, s->conf->takeover_limit);
	recover(s, SL_WORKERS_MAX); /* nobody is to blame */
}

/* As it was told to. Between two batches nothing is in hand but what it held; that comes again, with what it had not read. */
static void engine_yielded(struct sl_supervisor *s)
{
	sl_supervisor_unmanned(s);
	if (!sl_supervisor_promote_spare(s))
		plan_restart(s, s->failed_at);
}

/* While its broker lives, packets of a dead engine may still be answered: nothing is queued anew before. */
static bool has_ended(struct sl_supervisor *s)
{
	struct sl_child was = s->engine;

	if (s->dead.pid <= 0) {
		if (!sl_child_ended(&s->engine, &s->dead_status))
			return false;
		s->dead = was;
		s->dead_by = sl_clock_now();
		if (was.state ==
		    SL_CHILD_YIELDING) { /* then its broker has something left to say, and ends with it */
			sl_broker_disconnect(&s->take);
			s->dead_by = sl_mono_add(s->dead_by, sl_span_ms(BROKER_MS));
		} else {
			sl_supervisor_end_broker(&s->take);
		}
	}
	return sl_supervisor_broker_gone(s);
}

void sl_supervisor_child_event(struct sl_supervisor *s)
{
	sl_supervisor_compiler_event(s);
	sl_supervisor_keeper_event(s);
	sl_supervisor_fetcher_event(s);
	sl_supervisor_reporter_event(s);
	sl_supervisor_operator_event(s);
	sl_supervisor_spare_event(s);
	sl_supervisor_upgrade_event(s);
	sl_supervisor_broker_event(s);
	if (!has_ended(s))
		return;
	struct sl_child was = s->dead;
	s->dead.pid = 0;
	if (was.state == SL_CHILD_YIELDING)
		engine_yielded(s);
	else
		engine_died(s, &was, s->dead_status);
}

void sl_supervisor_engine_timers(struct sl_supervisor *s, struct sl_mono now)
{
	if (s->dead.pid > 0 && sl_mono_reached(now, s->dead_by)) {
		sl_supervisor_end_broker(&s->take);
		sl_supervisor_child_event(s);
	}
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
