/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a flow ends, or is refused (NE-DROP). */
#include "filter/ne_flow_priv.h"

void sl_ne_flow_end(struct sl_ne_flow *flow, struct sl_mono now)
{
	struct sl_ne_env *env = flow->env;
	struct sl_ne_trace_event event = { .event = SL_NE_EVENT_CLOSED };
	if (flow->ending)
		return;
	flow->ending = true; /* whoever is told of it now can change nothing */
	flow->wait = SL_NE_WAIT_NONE;
	sl_ne_flow_discard_held(flow, now);
	sl_ne_flow_report_closed(flow, now);
	sl_ne_flow_set_frequency(flow, SL_NE_FREQUENCY_NONE, now);
	sl_ne_timers_remove(&env->timers, &flow->timer);
	sl_ne_flow_trace(flow, &event, now);
	flow->state = SL_NE_FLOW_CLOSED;
	if (env->sink.closed != NULL)
		env->sink.closed(env->sink.ctx, flow, now);
}

static unsigned refusal_of(const struct sl_ne_flow *flow)
{
	const struct sl_ne_options *o = &flow->env->options;
	if (!flow->stream)
		return o->reject_udp == SL_NE_REJECT_UDP_ICMP ? SL_NE_PROHIBITED : 0;
	if (o->reject == SL_NE_REJECT_SILENT)
		return 0;
	return flow->answered ? SL_NE_RESET_OPENER | SL_NE_RESET_ANSWERER : SL_NE_RESET_OPENER;
}

void sl_ne_flow_drop(struct sl_ne_flow *flow, unsigned remediation, struct sl_mono now)
{
	struct sl_ne_env *env = flow->env;
	struct sl_ne_trace_event event = { .event = SL_NE_EVENT_DROPPED,
		                           .refusal = refusal_of(flow) | remediation };
	if (flow->state == SL_NE_FLOW_DROPPED || flow->ending)
		return;
	flow->state = SL_NE_FLOW_DROPPED;
	flow->dropped = true;
	flow->wait = SL_NE_WAIT_NONE;
	sl_ne_flow_set_frequency(flow, SL_NE_FREQUENCY_NONE, now);
	sl_ne_flow_trace(flow, &event, now);
	sl_ne_flow_discard_held(flow, now);
	if (env->sink.refuse != NULL && flow->state == SL_NE_FLOW_DROPPED)
		env->sink.refuse(env->sink.ctx, flow, event.refusal, now);
	/* TCP's socket is defunct (NE-DROP-01); a datagram flow swallows what comes (NE-DROP-03). */
	if (flow->state == SL_NE_FLOW_DROPPED && (flow->stream || flow->closing))
		sl_ne_flow_end(flow, now);
}
