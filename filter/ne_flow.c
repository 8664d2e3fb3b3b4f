/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/ne_flow_priv.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/util.h"
#include "filter/ne_rule.h"

/* ---- traces and counters ---- */

static struct sl_ne_trace_side trace_side(struct sl_ne_flow *flow, enum sl_ne_direction direction)
{
	const struct sl_ne_side *s = sl_ne_flow_side(flow, direction);
	return (struct sl_ne_trace_side){ s->window, s->received, s->released, s->dropped };
}

void sl_ne_flow_trace(struct sl_ne_flow *flow, struct sl_ne_trace_event *event, struct sl_mono now)
{
	const struct sl_ne_trace *trace = &flow->env->trace;
	if (trace->event == NULL)
		return;
	event->time = now;
	event->flow = flow;
	event->number = flow->number;
	event->inbound = trace_side(flow, SL_NE_INBOUND);
	event->outbound = trace_side(flow, SL_NE_OUTBOUND);
	trace->event(trace->ctx, event);
}

void sl_ne_flow_trace_bytes(struct sl_ne_flow *flow, enum sl_ne_event kind, enum sl_ne_direction direction,
                            uint64_t len, struct sl_mono now)
{
	struct sl_ne_trace_event event = { .event = kind, .direction = direction, .len = len };
	sl_ne_flow_trace(flow, &event, now);
}

void sl_ne_flow_trace_verdict(struct sl_ne_flow *flow, enum sl_ne_event kind, const struct sl_ne_verdict *v,
                              struct sl_mono now)
{
	const struct sl_ne_question *q = &flow->question;
	struct sl_ne_trace_event event = { .event = kind,
		                           .direction = q->direction,
		                           .start_offset = q->offset,
		                           .len = q->end - q->offset,
		                           .verdict = v };
	sl_ne_flow_trace(flow, &event, now);
}

void sl_ne_env_illegal(struct sl_ne_env *env, struct sl_ne_flow *flow, enum sl_ne_illegal illegal,
                       struct sl_mono now)
{
	struct sl_ne_trace_event event = { .event = SL_NE_EVENT_ILLEGAL, .illegal = illegal };
	env->counters.illegal[illegal]++;
	if (flow != NULL && flow->state != SL_NE_FLOW_CLOSED) {
		sl_ne_flow_trace(flow, &event, now);
	} else if (env->trace.event != NULL) {
		/* Nothing comes after a flow's closed event: it is told as the filter's. */
		event.time = now;
		env->trace.event(env->trace.ctx, &event);
	}
}

/* ---- memory ---- */

int sl_ne_env_init(struct sl_ne_env *env, const struct sl_ne_options *options)
{
	int err = SL_OK;
	if (options->max_flows == 0 || options->tick.us <= 0)
		return SL_EINVAL;
	*env = (struct sl_ne_env){ .options = *options };
	env->slot = (struct sl_ne_flow *)calloc(options->max_flows, sizeof(env->slot[0]));
	if (env->slot == NULL)
		err = SL_ENOMEM;
	for (uint32_t i = err == SL_OK ? options->max_flows : 0; i-- > 0;) {
		env->slot[i].next = env->spare;
		env->spare = &env->slot[i];
	}
	if (err == SL_OK)
		err = sl_ne_held_pool_init(&env->held, options->max_packets, options->max_bytes);
	if (err == SL_OK)
		err = sl_ne_timers_init(&env->timers, options->max_flows);
	if (err != SL_OK)
		sl_ne_env_end(env);
	return err;
}

void sl_ne_env_end(struct sl_ne_env *env)
{
	sl_ne_timers_end(&env->timers);
	sl_ne_held_pool_end(&env->held);
	free(env->slot);
	env->slot = env->spare = env->first = env->last = NULL;
}

/* NE-CHOICE-05: a version 4 UUID (RFC 9562 §5.4), or, to be the same again, one that counts. */
static void make_identifier(const struct sl_ne_env *env, uint64_t number, uint8_t out[16])
{
	uint64_t half[2] = { 0, number };
	if (env->options.seed != 0)
		for (unsigned i = 0; i < SL_COUNT(half); i++)
			half[i] = sl_hash(&number, sizeof(number), env->options.seed + i);
	for (unsigned i = 0; i < 16; i++)
		out[i] = (uint8_t)(half[i / 8] >> (56 - 8 * (i % 8)));
	out[6] = (uint8_t)((out[6] & 0x0f) | 0x40);
	out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}

static void set_info(struct sl_ne_flow *flow, const struct sl_ne_flow_info *info)
{
	flow->info = *info;
	flow->info.remote_hostname = NULL;
	flow->info.hostname_origin = SL_NE_HOSTNAME_NONE;
	flow->stream = info->socket_type == SL_NE_SOCK_STREAM;
	flow->loopback =
	        sl_ne_endpoint_is_loopback(&info->remote) || sl_ne_endpoint_is_loopback(&info->local);
	make_identifier(flow->env, flow->number, flow->info.identifier);
	if (info->remote_hostname != NULL)
		(void)sl_ne_flow_set_hostname(flow, info->remote_hostname, info->hostname_origin);
}

struct sl_ne_flow *sl_ne_flow_new(struct sl_ne_env *env, const struct sl_ne_flow_info *info,
                                  struct sl_mono now)
{
	struct sl_ne_flow *flow = env->spare;
	if (flow == NULL) {
		env->counters.no_room++;
		return NULL;
	}
	env->spare = flow->next;
	*flow = (struct sl_ne_flow){ .env = env, .prev = env->last, .number = ++env->last_number };
	if (env->last == NULL)
		env->first = flow;
	else
		env->last->next = flow;
	env->last = flow;
	env->live++;
	env->counters.flows++;
	flow->timer.number = flow->number;
	flow->acted = flow->seen = flow->waiting = now;
	set_info(flow, info);
	return flow;
}

static void free_flow(struct sl_ne_flow *flow)
{
	struct sl_ne_env *env = flow->env;
	if (flow->prev == NULL)
		env->first = flow->next;
	else
		flow->prev->next = flow->next;
	if (flow->next == NULL)
		env->last = flow->prev;
	else
		flow->next->prev = flow->prev;
	env->live--;
	flow->next = env->spare;
	env->spare = flow;
}

/* ---- what a provider may look at ---- */

const struct sl_ne_flow_info *sl_ne_flow_info(const struct sl_ne_flow *flow)
{
	return &flow->info;
}

void *sl_ne_flow_user(const struct sl_ne_flow *flow)
{
	return flow->user;
}

void sl_ne_flow_set_user(struct sl_ne_flow *flow, void *user)
{
	flow->user = user;
}

bool sl_ne_flow_set_hostname(struct sl_ne_flow *flow, const char *name, enum sl_ne_hostname_origin origin)
{
	if (origin < flow->info.hostname_origin)
		return false;
	size_t n = sl_min(strlen(name), SL_NE_HOSTNAME_MAX);
	memcpy(flow->hostname, name, n);
	flow->hostname[n] = '\0';
	flow->info.remote_hostname = flow->hostname;
	flow->info.hostname_origin = origin;
	return true;
}

/* ---- in and out ---- */

void sl_ne_flow_forget(struct sl_ne_flow *flow, struct sl_mono now)
{
	const struct sl_ne_provider *p = &flow->env->provider;
	flow->reportable = false;
	sl_ne_flow_set_frequency(flow, SL_NE_FREQUENCY_NONE, now);
	if (flow->known && p->flow_released != NULL)
		p->flow_released(p->ctx, flow);
	flow->known = false;
	flow->user = NULL;
}

void sl_ne_flow_enter(struct sl_ne_flow *flow)
{
	flow->busy++;
}

void sl_ne_flow_leave(struct sl_ne_flow *flow, struct sl_mono now)
{
	struct sl_ne_env *env = flow->env;
	struct sl_mono due;
	if (flow->busy > 1) {
		flow->busy--;
		return;
	}
	if (flow->state == SL_NE_FLOW_CLOSED) { /* busy until it is gone: nobody comes in meanwhile */
		sl_ne_flow_forget(flow, now);
		free_flow(flow);
		return;
	}
	flow->busy = 0;
	flow->rounds = 0;
	bool waiting = sl_ne_flow_waits(flow);
	if (waiting && !flow->is_undecided)
		flow->undecided = now;
	flow->is_undecided = waiting;
	/* One that is due later than it was stays where it is until then: most packets move no timer. */
	if (!sl_ne_flow_due(flow, &due))
		sl_ne_timers_remove(&env->timers, &flow->timer);
	else if (flow->timer.place == 0 || due.us < flow->timer.due.us ||
	         sl_mono_reached(now, flow->timer.due))
		sl_ne_timers_set(&env->timers, &flow->timer, due);
}

/* ---- the driver's events, but for data ---- */

void sl_ne_flow_answered(struct sl_ne_flow *flow)
{
	flow->answered = true;
}

void sl_ne_flow_finish(struct sl_ne_flow *flow, enum sl_ne_direction direction, struct sl_mono now)
{
	struct sl_ne_side *s = sl_ne_flow_side(flow, direction);
	if (s->finished || flow->ending)
		return;
	sl_ne_flow_enter(flow);
	s->finished = s->finish_due = true;
	sl_ne_flow_trace_bytes(flow, SL_NE_EVENT_FINISH, direction, 0, now);
	sl_ne_flow_settle(flow, now);
	sl_ne_flow_leave(flow, now);
}

void sl_ne_flow_close(struct sl_ne_flow *flow, struct sl_mono deadline, struct sl_mono now)
{
	if (flow->closing || flow->ending)
		return;
	sl_ne_flow_enter(flow);
	flow->closing = true;
	flow->close_due = deadline;
	flow->side[0].finished = flow->side[1].finished = true;
	sl_ne_flow_trace_bytes(flow, SL_NE_EVENT_CLOSE, SL_NE_ANY, 0, now);
	sl_ne_flow_settle(flow, now);
	sl_ne_flow_leave(flow, now);
}

bool sl_ne_flow_remediation(struct sl_ne_flow *flow, struct sl_mono now, enum sl_ne_remediation_verdict *out)
{
	const struct sl_ne_provider *p = &flow->env->provider;
	if (!flow->remediated || p->handle_remediation_for_flow == NULL)
		return false;
	sl_ne_flow_enter(flow);
	*out = p->handle_remediation_for_flow(p->ctx, flow, now);
	sl_ne_flow_leave(flow, now);
	return true;
}
