/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ne_script.h"

#include <stdarg.h>
#include <stdlib.h>

void sl_ne_script_wrong(struct sl_ne_script *script, unsigned line, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sl_diag(script->diag, script->name, line, "%s", text);
	script->err = SL_EINVAL;
}

/* ---- the provider ---- */

static struct sl_ne_verdict next_answer(struct sl_ne_script *script, struct sl_ne_flow *flow,
                                        enum sl_ne_event callback)
{
	struct sl_ne_verdict v = { .kind = SL_NE_VERDICT_ALLOW };
	enum sl_ne_verdict_of of =
	        callback == SL_NE_EVENT_NEW_FLOW ? SL_NE_NEW_FLOW_VERDICT : SL_NE_DATA_VERDICT;
	bool default_answer = sl_ne_scenario_default(&script->scenario->filter[script->whose], callback, &v);
	v.of = of;
	uint64_t number = script->number_of == NULL ? flow->number : script->number_of(flow);
	if (number > script->scenario->flows)
		return v;
	struct sl_ne_script_flow *f = &script->flow[number - 1];
	struct sl_ne_script_answer *a = f->first;
	if (a == NULL && !default_answer) {
		sl_ne_script_wrong(script, script->at == NULL ? 0 : script->at->line,
		                   "%s is asked about flow %llu, and no answer is left; write one more "
		                   "into \"answers\"",
		                   sl_ne_event_name(callback), (unsigned long long)number);
	} else if (a != NULL) {
		v = a->verdict;
		f->first = a->next;
		if (f->first == NULL)
			f->last = &f->first;
	}
	v.of = of;
	return v;
}

static struct sl_ne_verdict on_new_flow(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	(void)now;
	return next_answer((struct sl_ne_script *)ctx, flow, SL_NE_EVENT_NEW_FLOW);
}

static struct sl_ne_verdict on_inbound(void *ctx, struct sl_ne_flow *flow,
                                       const struct sl_ne_read_bytes *bytes, struct sl_mono now)
{
	(void)bytes, (void)now;
	return next_answer((struct sl_ne_script *)ctx, flow, SL_NE_EVENT_INBOUND_DATA);
}

static struct sl_ne_verdict on_outbound(void *ctx, struct sl_ne_flow *flow,
                                        const struct sl_ne_read_bytes *bytes, struct sl_mono now)
{
	(void)bytes, (void)now;
	return next_answer((struct sl_ne_script *)ctx, flow, SL_NE_EVENT_OUTBOUND_DATA);
}

static struct sl_ne_verdict on_inbound_complete(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	(void)now;
	return next_answer((struct sl_ne_script *)ctx, flow, SL_NE_EVENT_INBOUND_COMPLETE);
}

static struct sl_ne_verdict on_outbound_complete(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	(void)now;
	return next_answer((struct sl_ne_script *)ctx, flow, SL_NE_EVENT_OUTBOUND_COMPLETE);
}

static int apply(struct sl_ne_script *script, struct sl_mono now)
{
	const struct sl_ne_scenario_settings *s = script->at->settings;
	return sl_ne_filter_apply(script->filter, s == NULL ? NULL : &s->settings, now);
}

static void on_start(void *ctx, struct sl_ne_filter *filter, struct sl_mono now)
{
	struct sl_ne_script *script = (struct sl_ne_script *)ctx;
	int err = script->at->settings == NULL ? SL_OK : apply(script, now); /* NE-LIFE-05 */
	if (!script->at->later)
		(void)sl_ne_filter_started(filter, err, now);
}

static void on_stop(void *ctx, struct sl_ne_filter *filter, enum sl_ne_stop_reason reason, struct sl_mono now)
{
	const struct sl_ne_script *script = (const struct sl_ne_script *)ctx;
	(void)reason;
	if (script->at == NULL || script->at->kind != SL_NE_SCENARIO_STOP || !script->at->later)
		(void)sl_ne_filter_stopped(filter, now);
}

static void on_sleep(void *ctx, struct sl_ne_filter *filter, struct sl_mono now)
{
	const struct sl_ne_script *script = (const struct sl_ne_script *)ctx;
	if (!script->at->later)
		(void)sl_ne_filter_asleep(filter, now);
}

/* Its answers are events. */
static void on_control(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	(void)ctx, (void)flow, (void)now;
}

/* ---- events ---- */

void sl_ne_script_add_answers(struct sl_ne_script *script, const struct sl_ne_scenario_event *e)
{
	if (e->flow == 0)
		return;
	struct sl_ne_script_flow *f = &script->flow[e->flow - 1];
	for (size_t i = 0; i < e->answers; i++) {
		if (e->answerer[i] != script->whose)
			continue;
		struct sl_ne_script_answer *a = &script->answer[script->answers++];
		*a = (struct sl_ne_script_answer){ e->answer[i], e->line, NULL };
		*f->last = a;
		f->last = &a->next;
	}
}

bool sl_ne_script_is_of_provider(const struct sl_ne_scenario_event *e)
{
	switch (e->kind) {
	case SL_NE_SCENARIO_STARTED:
	case SL_NE_SCENARIO_STOPPED:
	case SL_NE_SCENARIO_ASLEEP:
	case SL_NE_SCENARIO_APPLY:
	case SL_NE_SCENARIO_RESUME:
	case SL_NE_SCENARIO_UPDATE:
	case SL_NE_SCENARIO_ANSWER:
		return true;
	default:
		return false;
	}
}

bool sl_ne_script_is_outside(const struct sl_ne_scenario_event *e)
{
	switch (e->kind) {
	case SL_NE_SCENARIO_TICK:
	case SL_NE_SCENARIO_OPEN:
	case SL_NE_SCENARIO_ANSWERED:
	case SL_NE_SCENARIO_DATA:
	case SL_NE_SCENARIO_FINISH:
	case SL_NE_SCENARIO_CLOSE:
		return true;
	default:
		return false;
	}
}

static void provider_calls(struct sl_ne_script *script, const struct sl_ne_scenario_event *e,
                           struct sl_ne_flow *flow, struct sl_mono now)
{
	struct sl_ne_verdict v = e->verdict;
	if (flow == NULL) {
		sl_ne_script_wrong(script, e->line,
		                   "flow %u is closed; take the event away, or open another flow", e->flow);
		return;
	}
	bool new_flow = flow->question.callback == SL_NE_EVENT_NEW_FLOW;
	v.of = new_flow && e->kind != SL_NE_SCENARIO_UPDATE ? SL_NE_NEW_FLOW_VERDICT : SL_NE_DATA_VERDICT;
	if (e->kind == SL_NE_SCENARIO_RESUME)
		(void)sl_ne_resume_flow(flow, &v, now);
	else if (e->kind == SL_NE_SCENARIO_UPDATE)
		(void)sl_ne_update_flow(flow, &v, e->direction, now);
	else if (e->kind == SL_NE_SCENARIO_CONTROL)
		(void)sl_ne_control_verdict(flow, e->control, e->update_rules, now);
	else
		(void)sl_ne_answer_flow(flow, &v, now);
}

static void busy(struct sl_ne_script *script, int err)
{
	if (err == SL_EBUSY)
		sl_ne_script_wrong(script, script->at->line,
		                   "%s does not come now; start a filter that is stopped or crashed, stop "
		                   "or crash one that is not",
		                   sl_ne_scenario_kind_name(script->at->kind));
}

/* The successor's settings, and its handler. */
static void upgraded(struct sl_ne_script *script, struct sl_mono now)
{
	const struct sl_ne_scenario_settings *s = script->at->settings;
	(void)sl_ne_filter_upgraded(script->filter, script->at->fails ? SL_EINVAL : SL_OK,
	                            s == NULL ? NULL : &s->settings, now);
}

void sl_ne_script_play(struct sl_ne_script *script, const struct sl_ne_scenario_event *e,
                       struct sl_ne_flow *flow, struct sl_mono now)
{
	struct sl_ne_configuration configuration = { e->filter_sockets, { NULL, 0 } };
	script->at = e;
	switch (e->kind) {
	case SL_NE_SCENARIO_START:
		busy(script, sl_ne_filter_start(script->filter, now));
		break;
	case SL_NE_SCENARIO_STARTED:
		(void)sl_ne_filter_started(script->filter, e->fails ? SL_EINVAL : SL_OK, now);
		break;
	case SL_NE_SCENARIO_STOP:
		busy(script, sl_ne_filter_stop(script->filter, e->reason, now));
		break;
	case SL_NE_SCENARIO_STOPPED:
		(void)sl_ne_filter_stopped(script->filter, now);
		break;
	case SL_NE_SCENARIO_CRASH:
		busy(script, sl_ne_filter_crash(script->filter, now));
		break;
	case SL_NE_SCENARIO_APPLY:
		(void)apply(script, now);
		break;
	case SL_NE_SCENARIO_SLEEP:
		sl_ne_filter_sleep(script->filter, now);
		break;
	case SL_NE_SCENARIO_ASLEEP:
		(void)sl_ne_filter_asleep(script->filter, now);
		break;
	case SL_NE_SCENARIO_WAKE:
		sl_ne_filter_wake(script->filter, now);
		break;
	case SL_NE_SCENARIO_CONFIGURE:
		sl_ne_filter_configure(script->filter, &configuration, now);
		break;
	case SL_NE_SCENARIO_RULES_CHANGED:
		sl_ne_filter_notify_rules_changed(script->filter, now);
		break;
	case SL_NE_SCENARIO_UPGRADE:
		busy(script, sl_ne_filter_upgrade(script->filter, now));
		if (!e->later)
			upgraded(script, now);
		break;
	case SL_NE_SCENARIO_UPGRADED:
		upgraded(script, now);
		break;
	default:
		provider_calls(script, e, flow, now);
	}
}

void sl_ne_script_check_answers(struct sl_ne_script *script)
{
	for (size_t i = 0; i < script->scenario->flows; i++)
		for (const struct sl_ne_script_answer *a = script->flow[i].first; a != NULL; a = a->next)
			sl_ne_script_wrong(script, a->line,
			                   "nobody asked for the answer \"%s\" of flow %zu; take it away",
			                   sl_ne_verdict_kind_name(a->verdict.kind), i + 1);
}

/* ---- made ---- */

int sl_ne_script_init(struct sl_ne_script *script, const char *name, const struct sl_ne_scenario *scenario,
                      const struct sl_diag *diag)
{
	size_t answers = 0;
	*script = (struct sl_ne_script){ .name = name, .scenario = scenario, .diag = diag };
	for (size_t i = 0; i < scenario->events; i++)
		answers += scenario->event[i].answers;
	script->flow = (struct sl_ne_script_flow *)calloc(scenario->flows + 1, sizeof(script->flow[0]));
	script->answer = (struct sl_ne_script_answer *)calloc(answers + 1, sizeof(script->answer[0]));
	if (script->flow == NULL || script->answer == NULL) {
		sl_ne_script_end(script);
		return SL_ENOMEM;
	}
	for (size_t i = 0; i < scenario->flows; i++)
		script->flow[i].last = &script->flow[i].first;
	return SL_OK;
}

void sl_ne_script_end(struct sl_ne_script *script)
{
	free(script->flow);
	free(script->answer);
	script->flow = NULL;
	script->answer = NULL;
}

struct sl_ne_provider sl_ne_script_provider(struct sl_ne_script *script)
{
	return (struct sl_ne_provider){ .ctx = script,
		                        .start_filter = on_start,
		                        .stop_filter = on_stop,
		                        .handle_new_flow = on_new_flow,
		                        .handle_inbound_data_from_flow = on_inbound,
		                        .handle_outbound_data_from_flow = on_outbound,
		                        .handle_inbound_data_complete_for_flow = on_inbound_complete,
		                        .handle_outbound_data_complete_for_flow = on_outbound_complete,
		                        .sleep = on_sleep };
}

struct sl_ne_control sl_ne_script_control(struct sl_ne_script *script)
{
	return (struct sl_ne_control){ .ctx = script,
		                       .handle_new_flow = script->scenario->control ? on_control : NULL };
}
