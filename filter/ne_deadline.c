/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits of time: of a flow that is not decided, is idle, is closing, or waits for an answer (NE-PAUSE, NE-TIME). */
#include "filter/ne_flow_priv.h"

bool sl_ne_flow_waits(const struct sl_ne_flow *flow)
{
	return flow->state == SL_NE_FLOW_NEW ||
	       (flow->state == SL_NE_FLOW_FILTERED &&
	        (flow->wait != SL_NE_WAIT_NONE ||
	         flow->side[0].held.packets + flow->side[1].held.packets > 0));
}

struct sl_mono sl_ne_env_collected_at(const struct sl_ne_env *env, struct sl_mono t)
{
	int64_t run = env->options.collector.us;
	if (run <= 0 || t.us <= env->epoch.us)
		return t;
	return (struct sl_mono){ env->epoch.us + (t.us - env->epoch.us + run - 1) / run * run };
}

/* A paused datagram flow ends 10 s after its pause whatever is done to it; one that is undecided, 10 s after the provider last did
 * something about it, or its bytes began to wait. */
static struct sl_mono undecided_due(const struct sl_ne_flow *flow)
{
	struct sl_mono since = flow->undecided.us > flow->acted.us ? flow->undecided : flow->acted;
	if (flow->wait == SL_NE_WAIT_PAUSE)
		since = flow->waiting;
	return sl_ne_env_collected_at(flow->env, sl_mono_add(since, flow->env->options.undecided));
}

static struct sl_mono idle_due(const struct sl_ne_flow *flow)
{
	struct sl_mono due =
	        sl_ne_env_collected_at(flow->env, sl_mono_add(flow->seen, flow->env->options.idle));
	return due.us > flow->collect_after.us ? due : flow->collect_after;
}

static bool answer_is_limited(const struct sl_ne_flow *flow)
{
	return flow->wait == SL_NE_WAIT_ANSWER && flow->env->options.answer.us > 0;
}

static struct sl_mono answer_due(const struct sl_ne_flow *flow)
{
	return sl_mono_add(flow->waiting, flow->env->options.answer);
}

static void earlier(struct sl_mono *due, bool *any, struct sl_mono t)
{
	if (!*any || t.us < due->us)
		*due = t;
	*any = true;
}

bool sl_ne_flow_due(const struct sl_ne_flow *flow, struct sl_mono *due)
{
	bool any = false;
	if (flow->closing)
		earlier(due, &any, flow->close_due);
	if (answer_is_limited(flow))
		earlier(due, &any, answer_due(flow));
	if (flow->stream)
		return any; /* TCP waits for ever (NE-PAUSE-02) */
	if (flow->is_undecided)
		earlier(due, &any, undecided_due(flow));
	if (flow->overflowed)
		earlier(due, &any, flow->overflow_due);
	earlier(due, &any, idle_due(flow));
	return any;
}

static void trace_timer(struct sl_ne_flow *flow, enum sl_ne_timer timer, struct sl_mono now)
{
	struct sl_ne_trace_event event = { .event = SL_NE_EVENT_TIMER, .timer = timer };
	sl_ne_flow_trace(flow, &event, now);
}

static void answer_late(struct sl_ne_flow *flow, struct sl_mono now)
{
	struct sl_ne_verdict v = { .of = flow->question.callback == SL_NE_EVENT_NEW_FLOW
		                                 ? SL_NE_NEW_FLOW_VERDICT
		                                 : SL_NE_DATA_VERDICT,
		                   .kind = flow->env->options.late == SL_NE_LATE_ALLOW ? SL_NE_VERDICT_ALLOW
		                                                                       : SL_NE_VERDICT_DROP };
	flow->env->counters.answers_late++;
	trace_timer(flow, SL_NE_TIMER_ANSWER, now);
	sl_ne_flow_accept(flow, &v, SL_NE_EVENT_ANSWER, now);
	sl_ne_flow_settle(flow, now);
}

/* The collector ends no more than so many in a run (NE-TIME-03). */
static bool collector_has_time(struct sl_ne_flow *flow, struct sl_mono now)
{
	struct sl_ne_env *env = flow->env;
	if (env->options.collector.us <= 0)
		return true;
	struct sl_mono run = sl_ne_env_collected_at(env, now);
	if (run.us != env->collected.us)
		env->collected_idle = 0;
	env->collected = run;
	if (env->collected_idle++ < SL_NE_COLLECT_MAX)
		return true;
	flow->collect_after = sl_ne_env_collected_at(env, (struct sl_mono){ now.us + 1 });
	return false;
}

static void end_by(struct sl_ne_flow *flow, enum sl_ne_timer timer, uint64_t *counter, struct sl_mono now)
{
	++*counter;
	trace_timer(flow, timer, now);
	sl_ne_flow_end(flow, now);
}

void sl_ne_flow_timeout(struct sl_ne_flow *flow, struct sl_mono now)
{
	struct sl_ne_counters *c = &flow->env->counters;
	sl_ne_flow_enter(flow);
	if (flow->closing && sl_mono_reached(now, flow->close_due))
		end_by(flow, SL_NE_TIMER_CLOSE_WAIT, &c->close_wait_ended, now);
	else if (answer_is_limited(flow) && sl_mono_reached(now, answer_due(flow)))
		answer_late(flow, now);
	else if (!flow->stream && ((flow->is_undecided && sl_mono_reached(now, undecided_due(flow))) ||
	                           (flow->overflowed && sl_mono_reached(now, flow->overflow_due))))
		end_by(flow, SL_NE_TIMER_UNDECIDED, &c->undecided_ended, now);
	else if (!flow->stream && sl_mono_reached(now, idle_due(flow)) && collector_has_time(flow, now))
		end_by(flow, SL_NE_TIMER_IDLE, &c->idle_ended, now);
	sl_ne_flow_leave(flow, now);
}
