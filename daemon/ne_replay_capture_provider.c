/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The provider of a capture's flows: the script of each, or what a scenario's head says. */
#include <stdlib.h>

#include "daemon/ne_replay_capture_impl.h"

static struct sl_ne_played_flow *flow_of(const struct sl_ne_flow *flow)
{
	return (struct sl_ne_played_flow *)flow->driver;
}

/* The script goes on by itself, perhaps. */
static void set_act(struct sl_ne_capture_player *p, struct sl_ne_played_flow *f)
{
	int64_t due;
	if (!sl_ne_played_has_script(f) || f->flow == NULL || sl_ne_verdicts_act(&f->script, &due) == NULL)
		sl_ne_timers_remove(&p->acts, &f->act);
	else
		sl_ne_timers_set(&p->acts, &f->act, (struct sl_mono){ due > p->now.us ? due : p->now.us });
}

static struct sl_ne_verdict default_answer(const struct sl_ne_capture_player *p, enum sl_ne_event callback)
{
	struct sl_ne_verdict v = { .kind = SL_NE_VERDICT_LATER };
	(void)(p->r->scenario != NULL && sl_ne_scenario_default(&p->r->scenario->filter[0], callback, &v));
	v.of = callback == SL_NE_EVENT_NEW_FLOW ? SL_NE_NEW_FLOW_VERDICT : SL_NE_DATA_VERDICT;
	return v;
}

/* scripted: what the script says, if there is one */
static struct sl_ne_verdict answer(struct sl_ne_capture_player *p, struct sl_ne_flow *flow,
                                   enum sl_ne_event callback, struct sl_ne_verdict scripted)
{
	struct sl_ne_played_flow *f = flow_of(flow);
	struct sl_ne_verdict v = sl_ne_played_has_script(f) ? scripted : default_answer(p, callback);
	p->out->unanswered += v.kind == SL_NE_VERDICT_LATER;
	set_act(p, f);
	return v;
}

static struct sl_ne_verdict on_new_flow(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	struct sl_ne_played_flow *f = flow_of(flow);
	struct sl_ne_verdict v = { 0 };
	f->flow = flow;
	if (sl_ne_played_has_script(f))
		v = sl_ne_verdicts_new_flow(&f->script, now.us);
	return answer(ctx, flow, SL_NE_EVENT_NEW_FLOW, v);
}

static struct sl_ne_verdict on_data(void *ctx, struct sl_ne_flow *flow, const struct sl_ne_read_bytes *bytes,
                                    enum sl_ne_seen_side side, struct sl_mono now)
{
	struct sl_ne_played_flow *f = flow_of(flow);
	struct sl_ne_verdict v = { 0 };
	if (sl_ne_played_has_script(f))
		v = sl_ne_verdicts_data(&f->script, side, bytes->start_offset,
		                        bytes->start_offset + bytes->len, now.us);
	return answer(ctx, flow, side == SL_NE_IN ? SL_NE_EVENT_INBOUND_DATA : SL_NE_EVENT_OUTBOUND_DATA, v);
}

static struct sl_ne_verdict on_inbound(void *ctx, struct sl_ne_flow *flow,
                                       const struct sl_ne_read_bytes *bytes, struct sl_mono now)
{
	return on_data(ctx, flow, bytes, SL_NE_IN, now);
}

static struct sl_ne_verdict on_outbound(void *ctx, struct sl_ne_flow *flow,
                                        const struct sl_ne_read_bytes *bytes, struct sl_mono now)
{
	return on_data(ctx, flow, bytes, SL_NE_OUT, now);
}

static struct sl_ne_verdict on_complete(void *ctx, struct sl_ne_flow *flow, enum sl_ne_seen_side side,
                                        struct sl_mono now)
{
	struct sl_ne_played_flow *f = flow_of(flow);
	struct sl_ne_verdict v = { 0 };
	if (sl_ne_played_has_script(f))
		v = sl_ne_verdicts_complete(&f->script, side, now.us);
	return answer(ctx, flow,
	              side == SL_NE_IN ? SL_NE_EVENT_INBOUND_COMPLETE : SL_NE_EVENT_OUTBOUND_COMPLETE, v);
}

static struct sl_ne_verdict on_inbound_complete(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	return on_complete(ctx, flow, SL_NE_IN, now);
}

static struct sl_ne_verdict on_outbound_complete(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	return on_complete(ctx, flow, SL_NE_OUT, now);
}

/* Its verdict is one of the script's own. */
static void on_control(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	(void)ctx, (void)flow, (void)now;
}

static void act(struct sl_ne_capture_player *p, struct sl_ne_played_flow *f)
{
	int64_t due;
	const struct sl_ne_seen *e = sl_ne_verdicts_act(&f->script, &due);
	bool new_flow = f->flow->question.callback == SL_NE_EVENT_NEW_FLOW && e->event != SL_NE_SEEN_UPDATE;
	struct sl_ne_verdict v =
	        sl_ne_verdicts_verdict(e, new_flow ? SL_NE_NEW_FLOW_VERDICT : SL_NE_DATA_VERDICT);
	static const enum sl_ne_direction directions[] = { SL_NE_OUTBOUND, SL_NE_INBOUND, SL_NE_ANY };
	const char *word = e->word == NULL ? "" : e->word;
	sl_ne_verdicts_acted(&f->script, p->now.us);
	if (e->event == SL_NE_SEEN_RESUME)
		(void)sl_ne_resume_flow(f->flow, &v, p->now);
	else if (e->event == SL_NE_SEEN_ANSWER)
		(void)sl_ne_answer_flow(f->flow, &v, p->now);
	else if (e->event == SL_NE_SEEN_UPDATE)
		(void)sl_ne_update_flow(f->flow, &v, directions[e->side], p->now);
	else
		(void)sl_ne_control_verdict(f->flow,
		                            strcmp(word, "drop") == 0    ? SL_NE_CONTROL_DROP
		                            : strcmp(word, "allow") == 0 ? SL_NE_CONTROL_ALLOW
		                                                         : SL_NE_CONTROL_UPDATE_RULES,
		                            false, p->now);
	set_act(p, f);
}

/* ---- the driver: the trace says what becomes of packets ---- */

static void on_packet(void *ctx, struct sl_ne_flow *flow, enum sl_ne_direction direction,
                      const struct sl_ne_packet *packet, struct sl_mono now)
{
	(void)ctx, (void)flow, (void)direction, (void)packet, (void)now;
}

static void on_closed(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	struct sl_ne_capture_player *p = ctx;
	struct sl_ne_played_flow *f = flow_of(flow);
	(void)now;
	sl_ne_timers_remove(&p->acts, &f->act);
	f->flow = NULL;
	if (p->names != NULL)
		sl_ne_names_close(p->names, &f->naming);
}

/* ---- time ---- */

static struct sl_ne_played_flow *flow_of_act(struct sl_ne_timer_entry *entry)
{
	return (struct sl_ne_played_flow *)(void *)((char *)entry - offsetof(struct sl_ne_played_flow, act));
}

void sl_ne_capture_go_on(struct sl_ne_capture_player *p, struct sl_mono until)
{
	for (;;) {
		struct sl_ne_timer_entry *first = sl_ne_timers_first(&p->acts);
		struct sl_mono due;
		bool ticks = sl_ne_filter_due(p->world.filter, &due);
		bool acts = first != NULL && (!ticks || first->due.us <= due.us);
		due = acts ? first->due : due;
		if ((!ticks && !acts) || !sl_mono_reached(until, due))
			break;
		p->now.us = due.us > p->now.us ? due.us : p->now.us;
		if (acts)
			act(p, flow_of_act(first));
		else
			sl_ne_filter_tick(p->world.filter, p->now);
	}
	p->now = until;
}

/* ---- to the filter ---- */

/* Does somebody answer needRules? */
static bool has_control(const struct sl_ne_capture_replay *r)
{
	bool has = r->scenario != NULL && r->scenario->control;
	for (size_t i = 0; r->verdicts != NULL && i < r->verdicts->flows; i++)
		for (size_t k = 0; k < r->verdicts->flow[i].n; k++)
			has |= r->verdicts->flow[i].event[k].event == SL_NE_SEEN_CONTROL;
	return has;
}

void sl_ne_capture_describe(struct sl_ne_capture_player *p, struct sl_ne_filter_config *config)
{
	struct sl_ne_script *script = &p->world;
	config->options = p->options;
	config->provider = sl_ne_script_provider(script); /* start, stop, sleep */
	config->provider.handle_new_flow = on_new_flow;
	config->provider.handle_inbound_data_from_flow = on_inbound;
	config->provider.handle_outbound_data_from_flow = on_outbound;
	config->provider.handle_inbound_data_complete_for_flow = on_inbound_complete;
	config->provider.handle_outbound_data_complete_for_flow = on_outbound_complete;
	if (has_control(p->r))
		config->control = (struct sl_ne_control){ .ctx = p, .handle_new_flow = on_control };
	config->sink =
	        (struct sl_ne_sink){ .ctx = p, .release = on_packet, .drop = on_packet, .closed = on_closed };
	config->configuration.filter_sockets = true;
}
