/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of bytes: released, held, thrown away (NE-PEEK-05, NE-PEEK-06, NE-FAIL-12). */
#include "filter/ne_flow_priv.h"

static void discard(struct sl_ne_flow *flow, enum sl_ne_direction direction,
                    const struct sl_ne_packet *packet, struct sl_mono now)
{
	struct sl_ne_env *env = flow->env;
	sl_ne_flow_side(flow, direction)->dropped += packet->bytes.len;
	sl_ne_flow_trace_bytes(flow, SL_NE_EVENT_DISCARD, direction, packet->bytes.len, now);
	env->sink.drop(env->sink.ctx, flow, direction, packet, now);
}

void sl_ne_flow_discard_held(struct sl_ne_flow *flow, struct sl_mono now)
{
	struct sl_ne_env *env = flow->env;
	for (unsigned d = SL_NE_INBOUND; d <= SL_NE_OUTBOUND; d++) {
		struct sl_ne_side *s = sl_ne_flow_side(flow, (enum sl_ne_direction)d);
		while (s->held.first != NULL) {
			struct sl_ne_packet packet = sl_ne_held_pop(&env->held, &s->held);
			discard(flow, (enum sl_ne_direction)d, &packet, now);
		}
	}
}

static void release(struct sl_ne_flow *flow, enum sl_ne_direction direction,
                    const struct sl_ne_packet *packet, uint64_t end, struct sl_mono now)
{
	struct sl_ne_env *env = flow->env;
	struct sl_ne_side *s = sl_ne_flow_side(flow, direction);
	sl_ne_window_release(&s->window, end);
	s->released += packet->bytes.len;
	sl_ne_flow_trace_bytes(flow, SL_NE_EVENT_RELEASE, direction, packet->bytes.len, now);
	env->sink.release(env->sink.ctx, flow, direction, packet, now);
}

void sl_ne_flow_release_covered(struct sl_ne_flow *flow, enum sl_ne_direction direction, struct sl_mono now)
{
	struct sl_ne_env *env = flow->env;
	struct sl_ne_side *s = sl_ne_flow_side(flow, direction);
	while ((flow->state == SL_NE_FLOW_FILTERED || flow->state == SL_NE_FLOW_OPEN) &&
	       s->held.first != NULL && sl_ne_window_covers(&s->window, s->held.first->end)) {
		uint64_t end = s->held.first->end;
		struct sl_ne_packet packet = sl_ne_held_pop(&env->held, &s->held);
		release(flow, direction, &packet, end, now);
	}
	if (!s->finish_due || (flow->state != SL_NE_FLOW_FILTERED && flow->state != SL_NE_FLOW_OPEN) ||
	    (direction == SL_NE_OUTBOUND && s->held.first != NULL))
		return;
	s->finish_due = false;
	if (env->sink.finish != NULL)
		env->sink.finish(env->sink.ctx, flow, direction, now);
}

/* A limit of what may wait (NE-CHOICE-26). A segment that is not taken is as good as lost: it comes again. */
static void refuse_packet(struct sl_ne_flow *flow, enum sl_ne_direction direction,
                          const struct sl_ne_packet *packet, struct sl_mono now)
{
	struct sl_ne_env *env = flow->env;
	struct sl_ne_side *s = sl_ne_flow_side(flow, direction);
	uint64_t len = packet->bytes.len;
	if (!flow->stream)
		s->dropped += len;
	if (!flow->stream && env->options.collector.us > 0 && !flow->overflowed) {
		flow->overflowed = true;
		flow->overflow_due = sl_ne_env_collected_at(env, (struct sl_mono){ now.us + 1 });
	}
	env->counters.refused_packets++;
	env->counters.refused_bytes += len;
	sl_ne_flow_trace_bytes(flow, SL_NE_EVENT_REFUSED, direction, len, now);
	env->sink.drop(env->sink.ctx, flow, direction, packet, now);
}

static bool may_wait(const struct sl_ne_flow *flow, const struct sl_ne_side *s, uint64_t len)
{
	const struct sl_ne_options *o = &flow->env->options;
	if (flow->stream)
		return s->held.bytes + len <= o->stream_bytes;
	return flow->side[0].held.packets + flow->side[1].held.packets < o->datagram_packets &&
	       flow->side[0].held.bytes + flow->side[1].held.bytes + len <= o->datagram_bytes;
}

/* What becomes of a packet that comes. Offsets and what waits are as they will be when its event is told: none ever falls. */
enum fate { DISCARDED, REFUSED, RELEASED, HELD };

static enum fate take_packet(struct sl_ne_flow *flow, struct sl_ne_side *s, const struct sl_ne_packet *packet)
{
	uint64_t len = packet->bytes.len;
	bool decided = flow->state == SL_NE_FLOW_FILTERED || flow->state == SL_NE_FLOW_OPEN;
	if ((!decided && flow->state != SL_NE_FLOW_NEW) || s->finished || !sl_ne_window_data(&s->window, len))
		return DISCARDED;
	if (decided && s->held.first == NULL && sl_ne_window_covers(&s->window, s->window.seen))
		return RELEASED;
	if (may_wait(flow, s, len) && sl_ne_held_push(&flow->env->held, &s->held, packet, s->window.seen))
		return HELD;
	s->window.seen -= len;
	return REFUSED;
}

static void let_packet(struct sl_ne_flow *flow, enum sl_ne_direction direction,
                       const struct sl_ne_packet *packet, enum fate fate, struct sl_mono now)
{
	if (fate == DISCARDED) {
		discard(flow, direction, packet, now);
		return;
	}
	if (fate == RELEASED)
		release(flow, direction, packet, sl_ne_flow_side(flow, direction)->window.seen, now);
	else if (fate == REFUSED)
		refuse_packet(flow, direction, packet, now);
	sl_ne_flow_settle(flow, now);
}

void sl_ne_flow_data(struct sl_ne_flow *flow, enum sl_ne_direction direction,
                     const struct sl_ne_packet *packet, struct sl_mono now)
{
	struct sl_ne_side *s = sl_ne_flow_side(flow, direction);
	if (flow->ending) {
		flow->env->sink.drop(flow->env->sink.ctx, flow, direction, packet, now);
		return;
	}
	sl_ne_flow_enter(flow);
	flow->seen = now;
	flow->answered = flow->answered || direction != flow->info.direction;
	enum fate fate = take_packet(flow, s, packet);
	if (fate != REFUSED || !flow->stream)
		s->received += packet->bytes.len;
	sl_ne_flow_trace_bytes(flow, SL_NE_EVENT_DATA, direction, packet->bytes.len, now);
	let_packet(flow, direction, packet, fate, now);
	sl_ne_flow_leave(flow, now);
}
