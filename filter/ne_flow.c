/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/ne_flow.h"

#include <assert.h>
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

static void trace_bytes(struct sl_ne_flow *flow, enum sl_ne_event kind, enum sl_ne_direction direction,
                        uint64_t len, struct sl_mono now)
{
	struct sl_ne_trace_event event = { .event = kind, .direction = direction, .len = len };
	sl_ne_flow_trace(flow, &event, now);
}

/* A callback's verdict, or one that stands in for it. */
static void trace_verdict(struct sl_ne_flow *flow, enum sl_ne_event kind, const struct sl_ne_verdict *v,
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

static void trace_timer(struct sl_ne_flow *flow, enum sl_ne_timer timer, struct sl_mono now)
{
	struct sl_ne_trace_event event = { .event = SL_NE_EVENT_TIMER, .timer = timer };
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

/* ---- limits of time ---- */

static bool waits(const struct sl_ne_flow *flow)
{
	return flow->state == SL_NE_FLOW_NEW ||
	       (flow->state == SL_NE_FLOW_FILTERED &&
	        (flow->wait != SL_NE_WAIT_NONE ||
	         flow->side[0].held.packets + flow->side[1].held.packets > 0));
}

/* Later ones only when the collector looks (NE-PAUSE-03). */
static struct sl_mono collected_at(const struct sl_ne_env *env, struct sl_mono t)
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
	return collected_at(flow->env, sl_mono_add(since, flow->env->options.undecided));
}

static struct sl_mono idle_due(const struct sl_ne_flow *flow)
{
	struct sl_mono due = collected_at(flow->env, sl_mono_add(flow->seen, flow->env->options.idle));
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
	bool waiting = waits(flow);
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

/* ---- what becomes of bytes ---- */

static bool is_live(const struct sl_ne_flow *flow)
{
	return !flow->ending && (flow->state == SL_NE_FLOW_NEW || flow->state == SL_NE_FLOW_FILTERED);
}

static void discard(struct sl_ne_flow *flow, enum sl_ne_direction direction,
                    const struct sl_ne_packet *packet, struct sl_mono now)
{
	struct sl_ne_env *env = flow->env;
	sl_ne_flow_side(flow, direction)->dropped += packet->bytes.len;
	trace_bytes(flow, SL_NE_EVENT_DISCARD, direction, packet->bytes.len, now);
	env->sink.drop(env->sink.ctx, flow, direction, packet, now);
}

static void discard_held(struct sl_ne_flow *flow, struct sl_mono now)
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
	trace_bytes(flow, SL_NE_EVENT_RELEASE, direction, packet->bytes.len, now);
	env->sink.release(env->sink.ctx, flow, direction, packet, now);
}

/* What may go goes (NE-PEEK-05, NE-PEEK-06), and then the direction's end (NE-PEEK-15: that of the reading side waits for nothing). */
static void release_covered(struct sl_ne_flow *flow, enum sl_ne_direction direction, struct sl_mono now)
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

void sl_ne_flow_end(struct sl_ne_flow *flow, struct sl_mono now)
{
	struct sl_ne_env *env = flow->env;
	struct sl_ne_trace_event event = { .event = SL_NE_EVENT_CLOSED };
	if (flow->ending)
		return;
	flow->ending = true; /* whoever is told of it now can change nothing */
	flow->wait = SL_NE_WAIT_NONE;
	discard_held(flow, now);
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
	discard_held(flow, now);
	if (env->sink.refuse != NULL && flow->state == SL_NE_FLOW_DROPPED)
		env->sink.refuse(env->sink.ctx, flow, event.refusal, now);
	/* TCP's socket is defunct (NE-DROP-01); a datagram flow swallows what comes (NE-DROP-03). */
	if (flow->state == SL_NE_FLOW_DROPPED && (flow->stream || flow->closing))
		sl_ne_flow_end(flow, now);
}

/* ---- verdicts ---- */

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

/* A legal verdict on the question, told as event. */
static void accept_verdict(struct sl_ne_flow *flow, const struct sl_ne_verdict *v, enum sl_ne_event event,
                           struct sl_mono now)
{
	flow->wait = SL_NE_WAIT_NONE;
	move_windows(flow, v);
	trace_verdict(flow, event, v, now);
	if (v->kind != SL_NE_VERDICT_LATER) {
		flow->acted = now;
		sl_ne_flow_note_verdict(flow, v, now);
	}
	if (is_live(flow))
		carry_out(flow, v, now);
}

static bool answers_question(const struct sl_ne_flow *flow, const struct sl_ne_verdict *v)
{
	const struct sl_ne_env *env = flow->env;
	bool new_flow = flow->question.callback == SL_NE_EVENT_NEW_FLOW;
	return sl_ne_verdict_is_legal(v, env->options.platform) &&
	       (v->of == SL_NE_NEW_FLOW_VERDICT) == new_flow &&
	       (v->kind != SL_NE_VERDICT_NEED_RULES || env->control.handle_new_flow != NULL);
}

/* Why nothing can be said about the flow any more; NONE is SL_NE_ILLEGAL_COUNT. */
static enum sl_ne_illegal past(const struct sl_ne_flow *flow)
{
	if (flow->dropped)
		return SL_NE_ILLEGAL_AFTER_DROP;
	if (flow->ending)
		return SL_NE_ILLEGAL_AFTER_CLOSE;
	if (flow->state == SL_NE_FLOW_OPEN || flow->wait == SL_NE_WAIT_START)
		return SL_NE_ILLEGAL_DETACHED;
	return SL_NE_ILLEGAL_COUNT;
}

/* ---- callbacks ---- */

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
	enum sl_ne_illegal illegal = past(flow); /* by what the provider called meanwhile */
	if (illegal == SL_NE_ILLEGAL_COUNT && !answers_question(flow, &v))
		illegal = SL_NE_ILLEGAL_VERDICT;
	if (illegal == SL_NE_ILLEGAL_COUNT) {
		accept_verdict(flow, &v, q.callback, now);
		return;
	}
	if (flow->state != SL_NE_FLOW_CLOSED)
		trace_verdict(flow, q.callback, &v, now);
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
	release_covered(flow, a, now);
	release_covered(flow, b, now);
	if (flow->again && is_live(flow)) {
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
	const struct sl_ne_side *s = sl_ne_flow_side(flow, direction);
	if (flow->state != SL_NE_FLOW_FILTERED || flow->wait != SL_NE_WAIT_NONE || flow->stalled ||
	    s->held.first == NULL || (!s->completed && !sl_ne_window_stalls(&s->window)))
		return;
	flow->stalled = true;
	flow->env->counters.stalls++;
	trace_bytes(flow, SL_NE_EVENT_STALL, direction, s->held.bytes, now);
}

/* Is there nobody left to wait for? (NE-FAIL-11, NE-PEEK-11) */
static bool may_close(const struct sl_ne_flow *flow)
{
	if (!flow->closing || flow->ending)
		return false;
	return flow->state == SL_NE_FLOW_NEW ? flow->loopback : !waits(flow);
}

static void settle(struct sl_ne_flow *flow, struct sl_mono now)
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
	settle(flow, now);
}

void sl_ne_flow_open_up(struct sl_ne_flow *flow, struct sl_mono now)
{
	if (!is_live(flow))
		return;
	flow->wait = SL_NE_WAIT_NONE;
	unlimit(flow, SL_NE_INBOUND);
	unlimit(flow, SL_NE_OUTBOUND);
	first_verdict(flow, now);
	if (flow->state == SL_NE_FLOW_FILTERED)
		flow->state = SL_NE_FLOW_OPEN;
	settle(flow, now);
}

/* ---- the driver's events ---- */

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
		flow->overflow_due = collected_at(env, (struct sl_mono){ now.us + 1 });
	}
	env->counters.refused_packets++;
	env->counters.refused_bytes += len;
	trace_bytes(flow, SL_NE_EVENT_REFUSED, direction, len, now);
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
	settle(flow, now);
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
	trace_bytes(flow, SL_NE_EVENT_DATA, direction, packet->bytes.len, now);
	let_packet(flow, direction, packet, fate, now);
	sl_ne_flow_leave(flow, now);
}

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
	trace_bytes(flow, SL_NE_EVENT_FINISH, direction, 0, now);
	settle(flow, now);
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
	trace_bytes(flow, SL_NE_EVENT_CLOSE, SL_NE_ANY, 0, now);
	settle(flow, now);
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

static void answer_late(struct sl_ne_flow *flow, struct sl_mono now)
{
	struct sl_ne_verdict v = { .of = flow->question.callback == SL_NE_EVENT_NEW_FLOW
		                                 ? SL_NE_NEW_FLOW_VERDICT
		                                 : SL_NE_DATA_VERDICT,
		                   .kind = flow->env->options.late == SL_NE_LATE_ALLOW ? SL_NE_VERDICT_ALLOW
		                                                                       : SL_NE_VERDICT_DROP };
	flow->env->counters.answers_late++;
	trace_timer(flow, SL_NE_TIMER_ANSWER, now);
	accept_verdict(flow, &v, SL_NE_EVENT_ANSWER, now);
	settle(flow, now);
}

/* The collector ends no more than so many in a run (NE-TIME-03). */
static bool collector_has_time(struct sl_ne_flow *flow, struct sl_mono now)
{
	struct sl_ne_env *env = flow->env;
	if (env->options.collector.us <= 0)
		return true;
	struct sl_mono run = collected_at(env, now);
	if (run.us != env->collected.us)
		env->collected_idle = 0;
	env->collected = run;
	if (env->collected_idle++ < SL_NE_COLLECT_MAX)
		return true;
	flow->collect_after = collected_at(env, (struct sl_mono){ now.us + 1 });
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

/* ---- what a provider may call ---- */

/* A verdict that stands in for a callback's. */
static bool stand_in(struct sl_ne_flow *flow, const struct sl_ne_verdict *v, enum sl_ne_wait wait,
                     struct sl_mono now)
{
	bool resumes = wait == SL_NE_WAIT_PAUSE;
	enum sl_ne_illegal illegal = past(flow);
	sl_ne_flow_enter(flow);
	if (illegal == SL_NE_ILLEGAL_COUNT && flow->wait != wait)
		illegal = resumes ? SL_NE_ILLEGAL_RESUME_UNPAUSED : SL_NE_ILLEGAL_ANSWER_UNASKED;
	else if (illegal == SL_NE_ILLEGAL_COUNT && resumes && v->kind == SL_NE_VERDICT_PAUSE)
		illegal = SL_NE_ILLEGAL_PAUSE_PAUSED;
	else if (illegal == SL_NE_ILLEGAL_COUNT &&
	         (v->kind == SL_NE_VERDICT_LATER || !answers_question(flow, v)))
		illegal = SL_NE_ILLEGAL_VERDICT;
	if (illegal == SL_NE_ILLEGAL_COUNT) {
		accept_verdict(flow, v, resumes ? SL_NE_EVENT_RESUME : SL_NE_EVENT_ANSWER, now);
		settle(flow, now);
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
	if (!is_live(flow))
		return;
	if (v->kind == SL_NE_VERDICT_DROP)
		sl_ne_flow_drop(flow, 0, now);
	else
		first_verdict(flow, now);
}

bool sl_ne_update_flow(struct sl_ne_flow *flow, const struct sl_ne_verdict *verdict,
                       enum sl_ne_direction direction, struct sl_mono now)
{
	enum sl_ne_illegal illegal = past(flow);
	sl_ne_flow_enter(flow);
	if (illegal == SL_NE_ILLEGAL_COUNT &&
	    (!sl_ne_verdict_may_update(verdict, flow->env->options.platform) ||
	     (unsigned)direction > SL_NE_OUTBOUND))
		illegal = SL_NE_ILLEGAL_UPDATE_KIND;
	if (illegal == SL_NE_ILLEGAL_COUNT) {
		update(flow, verdict, direction, now);
		settle(flow, now);
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
	bool legal = past(flow) == SL_NE_ILLEGAL_COUNT && flow->wait == SL_NE_WAIT_RULES;
	sl_ne_flow_enter(flow);
	if (!legal) {
		sl_ne_env_illegal(flow->env, flow, SL_NE_ILLEGAL_CONTROL, now);
	} else {
		flow->wait = SL_NE_WAIT_NONE;
		flow->acted = now;
		flow->again = verdict == SL_NE_CONTROL_UPDATE_RULES;
		sl_ne_flow_trace(flow, &event, now);
		if (update_rules || flow->again)
			rules_changed(flow->env, now);
		decide_by_control(flow, verdict, now);
		settle(flow, now);
	}
	sl_ne_flow_leave(flow, now);
	return legal;
}
