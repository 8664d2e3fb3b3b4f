/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports and statistics of flows (NE-REP). */
#include "filter/ne_flow.h"

static void send(struct sl_ne_flow *flow, const struct sl_ne_report *report, struct sl_mono now)
{
	struct sl_ne_env *env = flow->env;
	struct sl_ne_trace_event event = { .event = SL_NE_EVENT_REPORT, .report = report };
	sl_ne_flow_trace(flow, &event, now);
	/* NE-REP-05 */
	if (report->event == SL_NE_REPORT_STATISTICS) {
		if (env->provider.handle_report != NULL)
			env->provider.handle_report(env->provider.ctx, flow, report, now);
	} else if (env->control.handle_report != NULL) {
		env->control.handle_report(env->control.ctx, flow, report, now);
	}
}

static uint64_t received(struct sl_ne_flow *flow, enum sl_ne_direction direction)
{
	return sl_ne_flow_side(flow, direction)->received;
}

static void stat_remove(struct sl_ne_flow *flow)
{
	struct sl_ne_env *env = flow->env;
	if (env->stat_at == flow)
		env->stat_at = flow->stat_next == flow ? NULL : flow->stat_next;
	flow->stat_prev->stat_next = flow->stat_next;
	flow->stat_next->stat_prev = flow->stat_prev;
	flow->stat_next = flow->stat_prev = NULL;
	env->stat_flows--;
}

/* Its turn comes after that of all others. */
static void stat_add(struct sl_ne_flow *flow, struct sl_mono now)
{
	struct sl_ne_env *env = flow->env;
	struct sl_ne_flow *at = env->stat_at;
	if (at == NULL) {
		env->ticked = now;
		env->stat_at = flow->stat_next = flow->stat_prev = flow;
	} else {
		flow->stat_next = at;
		flow->stat_prev = at->stat_prev;
		at->stat_prev->stat_next = flow;
		at->stat_prev = flow;
	}
	env->stat_flows++;
}

void sl_ne_flow_set_frequency(struct sl_ne_flow *flow, enum sl_ne_frequency frequency, struct sl_mono now)
{
	if (frequency == flow->frequency)
		return;
	if (frequency == SL_NE_FREQUENCY_NONE)
		stat_remove(flow);
	else if (flow->frequency == SL_NE_FREQUENCY_NONE)
		stat_add(flow, now);
	flow->frequency = frequency;
	flow->stat_since = now;
}

void sl_ne_flow_note_verdict(struct sl_ne_flow *flow, const struct sl_ne_verdict *v, struct sl_mono now)
{
	enum sl_ne_action action = sl_ne_verdict_action(v);
	if (action != SL_NE_ACTION_INVALID)
		flow->action = action;
	flow->reportable = flow->reportable || v->should_report;
	sl_ne_flow_set_frequency(flow, v->statistics_report_frequency, now);
	if (!sl_ne_verdict_reports(v))
		return;
	/* Byte counts are for the end (NE-CHOICE-12). */
	struct sl_ne_report report = { v->of == SL_NE_NEW_FLOW_VERDICT ? SL_NE_REPORT_NEW_FLOW
		                                                       : SL_NE_REPORT_DATA_DECISION,
		                       action, 0, 0 };
	send(flow, &report, now);
}

void sl_ne_flow_report_closed(struct sl_ne_flow *flow, struct sl_mono now)
{
	if (!flow->reportable)
		return;
	flow->reportable = false;
	struct sl_ne_report report = { SL_NE_REPORT_FLOW_CLOSED, flow->action, received(flow, SL_NE_INBOUND),
		                       received(flow, SL_NE_OUTBOUND) };
	send(flow, &report, now);
}

/* Its period is over, and a count has grown since the last one (NE-REP-07). */
static bool report_statistics(struct sl_ne_flow *flow, struct sl_mono now)
{
	uint64_t in = received(flow, SL_NE_INBOUND), out = received(flow, SL_NE_OUTBOUND);
	bool strict = flow->env->options.strict_report_counts;
	int64_t period = sl_ne_frequency_period(flow->frequency).us, tick = flow->env->options.tick.us;
	if (sl_mono_since(now, flow->stat_since).us < (period > tick ? period : tick) ||
	    (in == flow->stat_counts[0] && out == flow->stat_counts[1]))
		return false;
	flow->stat_since = now;
	flow->stat_counts[0] = in;
	flow->stat_counts[1] = out;
	struct sl_ne_report report = { SL_NE_REPORT_STATISTICS, flow->action, strict ? 0 : in,
		                       strict ? 0 : out };
	send(flow, &report, now);
	return true;
}

/* The clock of statistics ticks at multiples from the epoch on. */
static struct sl_mono next_tick(const struct sl_ne_env *env)
{
	int64_t tick = env->options.tick.us, since = sl_mono_since(env->ticked, env->epoch).us;
	return (struct sl_mono){ env->ticked.us - since % tick + tick };
}

void sl_ne_env_statistics(struct sl_ne_env *env, struct sl_mono now)
{
	unsigned sent = 0;
	/* A provider may switch off those of any flow meanwhile: stat_at is always one that has them. */
	for (uint32_t left = env->stat_flows; left > 0 && env->stat_at != NULL && sent < SL_NE_STATISTICS_MAX;
	     left--) {
		struct sl_ne_flow *flow = env->stat_at;
		env->stat_at = flow->stat_next;
		sl_ne_flow_enter(flow);
		sent += report_statistics(flow, now);
		sl_ne_flow_leave(flow, now);
	}
}

bool sl_ne_env_due(const struct sl_ne_env *env, struct sl_mono *due)
{
	const struct sl_ne_timer_entry *first = sl_ne_timers_first(&env->timers);
	if (env->stat_flows > 0)
		*due = next_tick(env);
	if (first != NULL && (env->stat_flows == 0 || first->due.us < due->us))
		*due = first->due;
	return first != NULL || env->stat_flows > 0;
}

static struct sl_ne_flow *flow_of(struct sl_ne_timer_entry *entry)
{
	return (struct sl_ne_flow *)(void *)((char *)entry - offsetof(struct sl_ne_flow, timer));
}

void sl_ne_env_tick(struct sl_ne_env *env, struct sl_mono now)
{
	struct sl_ne_timer_entry *first;
	while ((first = sl_ne_timers_first(&env->timers)) != NULL && sl_mono_reached(now, first->due))
		sl_ne_flow_timeout(flow_of(first), now);
	if (env->stat_flows > 0 && sl_mono_reached(now, next_tick(env))) {
		env->ticked = now;
		sl_ne_env_statistics(env, now);
	}
}
