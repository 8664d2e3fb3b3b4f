/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which callback is due, and its asking (NE-CB). */
#include "filter/ne_flow_priv.h"

static struct sl_ne_verdict call_data(struct sl_ne_flow *flow, const struct sl_ne_question *q,
                                      struct sl_mono now)
{
	const struct sl_ne_provider *p = &flow->env->provider;
	const struct sl_ne_held *at = sl_ne_flow_side(flow, q->direction)->held.first;
	struct sl_ne_read_bytes bytes = { .start_offset = q->offset,
		                          .len = q->end - q->offset,
		                          .offset = q->offset,
		                          .attribute = flow->info.socket_type == SL_NE_SOCK_RAW };
	while (at != NULL && at->end <= q->offset)
		at = at->next;
	bytes.at = at;
	if (q->direction == SL_NE_INBOUND)
		return p->handle_inbound_data_from_flow == NULL
		               ? sl_ne_data_verdict_allow()
		               : p->handle_inbound_data_from_flow(p->ctx, flow, &bytes, now);
	return p->handle_outbound_data_from_flow == NULL
	               ? sl_ne_data_verdict_allow()
	               : p->handle_outbound_data_from_flow(p->ctx, flow, &bytes, now);
}

static struct sl_ne_verdict call_complete(struct sl_ne_flow *flow, enum sl_ne_direction direction,
                                          struct sl_mono now)
{
	const struct sl_ne_provider *p = &flow->env->provider;
	if (direction == SL_NE_INBOUND)
		return p->handle_inbound_data_complete_for_flow == NULL
		               ? sl_ne_data_verdict_allow()
		               : p->handle_inbound_data_complete_for_flow(p->ctx, flow, now);
	return p->handle_outbound_data_complete_for_flow == NULL
	               ? sl_ne_data_verdict_allow()
	               : p->handle_outbound_data_complete_for_flow(p->ctx, flow, now);
}

static void ask(struct sl_ne_flow *flow, struct sl_mono now)
{
	const struct sl_ne_provider *p = &flow->env->provider;
	struct sl_ne_question q = flow->question;
	struct sl_ne_verdict v;
	if (q.callback == SL_NE_EVENT_NEW_FLOW)
		v = p->handle_new_flow(p->ctx, flow, now);
	else if (q.callback == SL_NE_EVENT_INBOUND_DATA || q.callback == SL_NE_EVENT_OUTBOUND_DATA)
		v = call_data(flow, &q, now);
	else
		v = call_complete(flow, q.direction, now);
	enum sl_ne_illegal illegal = sl_ne_flow_past(flow); /* by what the provider called meanwhile */
	if (illegal == SL_NE_ILLEGAL_COUNT && !sl_ne_flow_answers(flow, &v))
		illegal = SL_NE_ILLEGAL_VERDICT;
	if (illegal == SL_NE_ILLEGAL_COUNT) {
		sl_ne_flow_accept(flow, &v, q.callback, now);
		return;
	}
	if (flow->state != SL_NE_FLOW_CLOSED)
		sl_ne_flow_trace_verdict(flow, q.callback, &v, now);
	sl_ne_env_illegal(flow->env, flow, illegal, now);
}

static bool ask_data(struct sl_ne_flow *flow, enum sl_ne_direction direction, struct sl_mono now)
{
	struct sl_ne_span span;
	if (!sl_ne_window_show(&sl_ne_flow_side(flow, direction)->window, flow->env->options.redeliver,
	                       &span))
		return false;
	flow->question = (struct sl_ne_question){ direction == SL_NE_INBOUND ? SL_NE_EVENT_INBOUND_DATA
		                                                             : SL_NE_EVENT_OUTBOUND_DATA,
		                                  direction, span.start, span.end };
	ask(flow, now);
	return true;
}

/* Once, after all bytes of a direction that is filtered were shown (NE-CB-05). */
static bool ask_complete(struct sl_ne_flow *flow, enum sl_ne_direction direction, struct sl_mono now)
{
	struct sl_ne_side *s = sl_ne_flow_side(flow, direction);
	if (!s->finished || s->completed || sl_ne_window_is_open(&s->window) ||
	    s->window.shown < s->window.seen)
		return false;
	s->completed = true;
	flow->question = (struct sl_ne_question){ direction == SL_NE_INBOUND ? SL_NE_EVENT_INBOUND_COMPLETE
		                                                             : SL_NE_EVENT_OUTBOUND_COMPLETE,
		                                  direction, s->window.pass, s->window.pass };
	ask(flow, now);
	return true;
}

/* ---- after each event: what may go goes, what is due is asked ---- */

static void detach(struct sl_ne_flow *flow, struct sl_mono now)
{
	struct sl_ne_env *env = flow->env;
	struct sl_ne_trace_event event = { .event = SL_NE_EVENT_DETACHED };
	flow->state = SL_NE_FLOW_OPEN;
	flow->wait = SL_NE_WAIT_NONE;
	if (flow->detached)
		return;
	flow->detached = true;
	sl_ne_flow_trace(flow, &event, now);
	if (env->sink.detached != NULL)
		env->sink.detached(env->sink.ctx, flow, now);
}

/* What an update has passed meanwhile is not asked about any more. */
static void ask_again(struct sl_ne_flow *flow, struct sl_mono now)
{
	struct sl_ne_question *q = &flow->question;
	flow->again = false;
	if (q->direction != SL_NE_ANY) {
		uint64_t pass = sl_ne_flow_side(flow, q->direction)->window.pass;
		bool bytes = q->end > q->offset;
		if (pass == SL_NE_BYTES_MAX || (bytes && pass >= q->end))
			return;
		if (pass > q->offset)
			q->offset = pass;
		if (!bytes)
			q->end = q->offset;
	}
	ask(flow, now);
}

static bool step(struct sl_ne_flow *flow, struct sl_mono now)
{
	enum sl_ne_direction a = flow->info.direction == SL_NE_INBOUND ? SL_NE_INBOUND : SL_NE_OUTBOUND;
	enum sl_ne_direction b = a == SL_NE_INBOUND ? SL_NE_OUTBOUND : SL_NE_INBOUND;
	sl_ne_flow_release_covered(flow, a, now);
	sl_ne_flow_release_covered(flow, b, now);
	if (flow->again && sl_ne_flow_is_live(flow)) {
		ask_again(flow, now);
		return true;
	}
	if (flow->state == SL_NE_FLOW_OPEN ||
	    (flow->state == SL_NE_FLOW_FILTERED && sl_ne_window_is_open(&flow->side[0].window) &&
	     sl_ne_window_is_open(&flow->side[1].window)))
		detach(flow, now);
	if (flow->state != SL_NE_FLOW_FILTERED || flow->wait != SL_NE_WAIT_NONE || flow->ending)
		return false;
	return ask_data(flow, a, now) || ask_data(flow, b, now) || ask_complete(flow, a, now) ||
	       ask_complete(flow, b, now);
}

/* NE-PEEK-09, NE-CHOICE-09 */
static void tell_stall(struct sl_ne_flow *flow, enum sl_ne_direction direction, struct sl_mono now)
{
	struct sl_ne_side *s = sl_ne_flow_side(flow, direction);
	if (flow->state != SL_NE_FLOW_FILTERED || flow->wait != SL_NE_WAIT_NONE || s->stalled ||
	    s->held.first == NULL || (!s->completed && !sl_ne_window_stalls(&s->window)))
		return;
	flow->env->counters.stalls += !flow->side[0].stalled && !flow->side[1].stalled;
	s->stalled = true;
	sl_ne_flow_trace_bytes(flow, SL_NE_EVENT_STALL, direction, s->held.bytes, now);
}

/* Is there nobody left to wait for? (NE-FAIL-11, NE-PEEK-11) */
static bool may_close(const struct sl_ne_flow *flow)
{
	if (!flow->closing || flow->ending)
		return false;
	return flow->state == SL_NE_FLOW_NEW ? flow->loopback : !sl_ne_flow_waits(flow);
}

void sl_ne_flow_settle(struct sl_ne_flow *flow, struct sl_mono now)
{
	if (flow->settling || flow->ending)
		return; /* from inside of a callback: the loop below goes on */
	flow->settling = true;
	while (step(flow, now))
		;
	flow->settling = false;
	tell_stall(flow, SL_NE_INBOUND, now);
	tell_stall(flow, SL_NE_OUTBOUND, now);
	if (may_close(flow))
		sl_ne_flow_end(flow, now);
}

void sl_ne_flow_ask(struct sl_ne_flow *flow, struct sl_mono now)
{
	flow->wait = SL_NE_WAIT_NONE;
	flow->attached = flow->known = true;
	flow->question = (struct sl_ne_question){ .callback = SL_NE_EVENT_NEW_FLOW };
	flow->again = true;
	sl_ne_flow_settle(flow, now);
}
