/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What verdicts do, wherever they come from: a callback, a resume, an update, the control provider (NE-NFV, NE-DV, NE-CB-09). */
#include "filter/ne_flow_priv.h"

static void first_verdict(struct sl_ne_flow *flow, struct sl_mono now)
{
	struct sl_ne_env *env = flow->env;
	if (flow->state != SL_NE_FLOW_NEW)
		return;
	flow->state = SL_NE_FLOW_FILTERED;
	if (env->sink.decided != NULL)
		env->sink.decided(env->sink.ctx, flow, now);
}

static void unlimit(struct sl_ne_flow *flow, enum sl_ne_direction direction)
{
	sl_ne_window_update(&sl_ne_flow_side(flow, direction)->window, SL_NE_BYTES_MAX, 0);
}

static void filter_side(struct sl_ne_flow *flow, enum sl_ne_direction direction, bool filter, uint64_t peek)
{
	if (filter)
		sl_ne_window_verdict(&sl_ne_flow_side(flow, direction)->window, 0, 0, peek);
	else
		unlimit(flow, direction); /* NE-NFV-10 */
}

/* What the verdict on the question does to the offsets. */
static void move_windows(struct sl_ne_flow *flow, const struct sl_ne_verdict *v)
{
	const struct sl_ne_question *q = &flow->question;
	switch (v->kind) {
	case SL_NE_VERDICT_ALLOW:
	case SL_NE_VERDICT_URL_APPEND_STRING:
		if (v->of == SL_NE_DATA_VERDICT) {
			unlimit(flow, q->direction); /* that one alone (NE-CHOICE-07) */
			break;
		}
		unlimit(flow, SL_NE_INBOUND);
		unlimit(flow, SL_NE_OUTBOUND);
		break;
	case SL_NE_VERDICT_FILTER_DATA:
		filter_side(flow, SL_NE_INBOUND, v->filter_inbound, v->peek_inbound_bytes);
		filter_side(flow, SL_NE_OUTBOUND, v->filter_outbound, v->peek_outbound_bytes);
		break;
	case SL_NE_VERDICT_DATA:
		sl_ne_window_verdict(&sl_ne_flow_side(flow, q->direction)->window, q->offset, v->pass_bytes,
		                     v->peek_bytes);
		break;
	default:
		break;
	}
}

static void ask_control(struct sl_ne_flow *flow, struct sl_mono now)
{
	struct sl_ne_trace_event event = { .event = SL_NE_EVENT_CONTROL };
	const struct sl_ne_control *control = &flow->env->control;
	sl_ne_flow_trace(flow, &event, now);
	control->handle_new_flow(control->ctx, flow, now);
}

/* Everything but the offsets, which have moved. */
static void carry_out(struct sl_ne_flow *flow, const struct sl_ne_verdict *v, struct sl_mono now)
{
	flow->waiting = now;
	switch (v->kind) {
	case SL_NE_VERDICT_DROP:
		sl_ne_flow_drop(flow, 0, now);
		break;
	case SL_NE_VERDICT_REMEDIATE:
		flow->remediated = v->of == SL_NE_DATA_VERDICT && v->remediation_url_map_key == NULL;
		sl_ne_flow_drop(flow, SL_NE_REMEDIATION, now);
		break;
	case SL_NE_VERDICT_PAUSE:
		flow->wait = SL_NE_WAIT_PAUSE;
		break;
	case SL_NE_VERDICT_NEED_RULES:
		flow->wait = SL_NE_WAIT_RULES;
		ask_control(flow, now);
		break;
	case SL_NE_VERDICT_LATER:
		flow->wait = SL_NE_WAIT_ANSWER;
		break;
	default:
		first_verdict(flow, now);
	}
}

void sl_ne_flow_accept(struct sl_ne_flow *flow, const struct sl_ne_verdict *v, enum sl_ne_event event,
                       struct sl_mono now)
{
	flow->wait = SL_NE_WAIT_NONE;
	move_windows(flow, v);
	sl_ne_flow_trace_verdict(flow, event, v, now);
	if (v->kind != SL_NE_VERDICT_LATER) {
		flow->acted = now;
		sl_ne_flow_note_verdict(flow, v, now);
	}
	if (sl_ne_flow_is_live(flow))
		carry_out(flow, v, now);
}

bool sl_ne_flow_answers(const struct sl_ne_flow *flow, const struct sl_ne_verdict *v)
{
	const struct sl_ne_env *env = flow->env;
	bool new_flow = flow->question.callback == SL_NE_EVENT_NEW_FLOW;
	return sl_ne_verdict_is_legal(v, env->options.platform) &&
	       (v->of == SL_NE_NEW_FLOW_VERDICT) == new_flow &&
	       (v->kind != SL_NE_VERDICT_NEED_RULES || env->control.handle_new_flow != NULL);
}

enum sl_ne_illegal sl_ne_flow_past(const struct sl_ne_flow *flow)
{
	if (flow->dropped)
		return SL_NE_ILLEGAL_AFTER_DROP;
	if (flow->ending)
		return SL_NE_ILLEGAL_AFTER_CLOSE;
	if (flow->state == SL_NE_FLOW_OPEN || flow->wait == SL_NE_WAIT_START)
		return SL_NE_ILLEGAL_DETACHED;
	return SL_NE_ILLEGAL_COUNT;
}

void sl_ne_flow_open_up(struct sl_ne_flow *flow, struct sl_mono now)
{
	if (!sl_ne_flow_is_live(flow))
		return;
	flow->wait = SL_NE_WAIT_NONE;
	unlimit(flow, SL_NE_INBOUND);
	unlimit(flow, SL_NE_OUTBOUND);
	first_verdict(flow, now);
	if (flow->state == SL_NE_FLOW_FILTERED)
		flow->state = SL_NE_FLOW_OPEN;
	sl_ne_flow_settle(flow, now);
}

/* ---- what a provider may call ---- */

/* A verdict that stands in for a callback's. */
static bool stand_in(struct sl_ne_flow *flow, const struct sl_ne_verdict *v, enum sl_ne_wait wait,
                     struct sl_mono now)
{
	bool resumes = wait == SL_NE_WAIT_PAUSE;
	enum sl_ne_illegal illegal = sl_ne_flow_past(flow);
	sl_ne_flow_enter(flow);
	if (illegal == SL_NE_ILLEGAL_COUNT && flow->wait != wait)
		illegal = resumes ? SL_NE_ILLEGAL_RESUME_UNPAUSED : SL_NE_ILLEGAL_ANSWER_UNASKED;
	else if (illegal == SL_NE_ILLEGAL_COUNT && resumes && v->kind == SL_NE_VERDICT_PAUSE)
		illegal = SL_NE_ILLEGAL_PAUSE_PAUSED;
	else if (illegal == SL_NE_ILLEGAL_COUNT &&
	         (v->kind == SL_NE_VERDICT_LATER || !sl_ne_flow_answers(flow, v)))
		illegal = SL_NE_ILLEGAL_VERDICT;
	if (illegal == SL_NE_ILLEGAL_COUNT) {
		sl_ne_flow_accept(flow, v, resumes ? SL_NE_EVENT_RESUME : SL_NE_EVENT_ANSWER, now);
		sl_ne_flow_settle(flow, now);
	} else {
		sl_ne_env_illegal(flow->env, flow, illegal, now);
	}
	sl_ne_flow_leave(flow, now);
	return illegal == SL_NE_ILLEGAL_COUNT;
}

bool sl_ne_resume_flow(struct sl_ne_flow *flow, const struct sl_ne_verdict *verdict, struct sl_mono now)
{
	return stand_in(flow, verdict, SL_NE_WAIT_PAUSE, now);
}

bool sl_ne_answer_flow(struct sl_ne_flow *flow, const struct sl_ne_verdict *verdict, struct sl_mono now)
{
	return stand_in(flow, verdict, SL_NE_WAIT_ANSWER, now);
}

/* From where the direction stands. */
static void update_window(struct sl_ne_flow *flow, const struct sl_ne_verdict *v,
                          enum sl_ne_direction direction)
{
	struct sl_ne_window *w = &sl_ne_flow_side(flow, direction)->window;
	if (v->kind == SL_NE_VERDICT_ALLOW)
		unlimit(flow, direction);
	else if (v->kind == SL_NE_VERDICT_DATA)
		sl_ne_window_verdict(w, w->pass, v->pass_bytes, v->peek_bytes);
}

static void update(struct sl_ne_flow *flow, const struct sl_ne_verdict *v, enum sl_ne_direction direction,
                   struct sl_mono now)
{
	struct sl_ne_trace_event event = { .event = SL_NE_EVENT_UPDATE,
		                           .direction = direction,
		                           .verdict = v };
	if (direction != SL_NE_OUTBOUND)
		update_window(flow, v, SL_NE_INBOUND);
	if (direction != SL_NE_INBOUND)
		update_window(flow, v, SL_NE_OUTBOUND);
	flow->acted = now;
	sl_ne_flow_trace(flow, &event, now);
	sl_ne_flow_note_verdict(flow, v, now);
	if (!sl_ne_flow_is_live(flow))
		return;
	if (v->kind == SL_NE_VERDICT_DROP)
		sl_ne_flow_drop(flow, 0, now);
	else
		first_verdict(flow, now);
}

bool sl_ne_update_flow(struct sl_ne_flow *flow, const struct sl_ne_verdict *verdict,
                       enum sl_ne_direction direction, struct sl_mono now)
{
	enum sl_ne_illegal illegal = sl_ne_flow_past(flow);
	sl_ne_flow_enter(flow);
	if (illegal == SL_NE_ILLEGAL_COUNT &&
	    (!sl_ne_verdict_may_update(verdict, flow->env->options.platform) ||
	     (unsigned)direction > SL_NE_OUTBOUND))
		illegal = SL_NE_ILLEGAL_UPDATE_KIND;
	if (illegal == SL_NE_ILLEGAL_COUNT) {
		update(flow, verdict, direction, now);
		sl_ne_flow_settle(flow, now);
	} else {
		sl_ne_env_illegal(flow->env, flow, illegal, now);
	}
	sl_ne_flow_leave(flow, now);
	return illegal == SL_NE_ILLEGAL_COUNT;
}

static void rules_changed(struct sl_ne_env *env, struct sl_mono now)
{
	struct sl_ne_trace_event event = { .event = SL_NE_EVENT_RULES_CHANGED, .time = now };
	if (env->trace.event != NULL)
		env->trace.event(env->trace.ctx, &event);
	if (env->provider.handle_rules_changed != NULL)
		env->provider.handle_rules_changed(env->provider.ctx, env->filter, now);
}

static void decide_by_control(struct sl_ne_flow *flow, enum sl_ne_control_verdict verdict, struct sl_mono now)
{
	if (verdict == SL_NE_CONTROL_ALLOW) {
		flow->action = SL_NE_ACTION_ALLOW;
		sl_ne_flow_open_up(flow, now);
	} else if (verdict == SL_NE_CONTROL_DROP) {
		flow->action = SL_NE_ACTION_DROP;
		sl_ne_flow_drop(flow, 0, now);
	}
}

bool sl_ne_control_verdict(struct sl_ne_flow *flow, enum sl_ne_control_verdict verdict, bool update_rules,
                           struct sl_mono now)
{
	struct sl_ne_trace_event event = { .event = SL_NE_EVENT_CONTROL_VERDICT, .control = verdict };
	bool again = verdict == SL_NE_CONTROL_UPDATE_RULES;
	bool legal = sl_ne_flow_past(flow) == SL_NE_ILLEGAL_COUNT && flow->wait == SL_NE_WAIT_RULES &&
	             (!again || flow->rounds < SL_NE_ROUNDS_MAX);
	sl_ne_flow_enter(flow);
	if (!legal) {
		sl_ne_env_illegal(flow->env, flow, SL_NE_ILLEGAL_CONTROL, now);
	} else {
		flow->wait = SL_NE_WAIT_NONE;
		flow->acted = now;
		flow->again = again;
		flow->rounds = (uint8_t)(flow->rounds + again);
		sl_ne_flow_trace(flow, &event, now);
		if (update_rules || again)
			rules_changed(flow->env, now);
		decide_by_control(flow, verdict, now);
		sl_ne_flow_settle(flow, now);
	}
	sl_ne_flow_leave(flow, now);
	return legal;
}
