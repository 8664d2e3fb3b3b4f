/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_scripted.c - a scenario's provider over live packets: its own events come each when what stands before it in the scenario has
 * happened, and as much later as the scenario says. */
#include <stdlib.h>

#include "daemon/ne_script.h"
#include "daemon/ne_source_of.h"

struct scripted {
	struct sl_ne_source source;
	struct sl_ne_script script;
	struct sl_ne_scenario *scenario;
	size_t at;              /* the next event */
	size_t given;           /* the next event whose answers are to be given out */
	struct sl_mono reached; /* when the one before it happened */
};

static struct sl_ne_flow *find_flow(const struct scripted *s, uint32_t number)
{
	struct sl_ne_flow *flow = sl_ne_filter_env(s->script.filter)->first;
	while (flow != NULL && flow->number != number)
		flow = flow->next;
	return flow == NULL || flow->state == SL_NE_FLOW_CLOSED ? NULL : flow;
}

/* How many bytes the flow has been sent by then. */
static uint64_t bytes_by(const struct scripted *s, const struct sl_ne_scenario_event *last)
{
	uint64_t n = 0;
	for (const struct sl_ne_scenario_event *e = s->scenario->event; e <= last; e++)
		if (e->kind == SL_NE_SCENARIO_DATA && e->flow == last->flow &&
		    e->direction == last->direction)
			n += e->bytes.len;
	return n;
}

/* What can happen to a flow only once has happened to one that is gone. */
static bool has_happened(const struct scripted *s, const struct sl_ne_scenario_event *e)
{
	if (e->kind == SL_NE_SCENARIO_TICK)
		return true;
	if (sl_ne_filter_env(s->script.filter)->last_number < e->flow)
		return false;
	struct sl_ne_flow *flow = find_flow(s, e->flow);
	if (flow == NULL || e->kind == SL_NE_SCENARIO_OPEN)
		return true;
	if (e->kind == SL_NE_SCENARIO_ANSWERED)
		return flow->answered;
	if (e->kind == SL_NE_SCENARIO_CLOSE)
		return flow->closing;
	const struct sl_ne_side *side = sl_ne_flow_side(flow, e->direction);
	return e->kind == SL_NE_SCENARIO_FINISH ? side->finished : side->received >= bytes_by(s, e);
}

static const struct sl_ne_scenario_event *next_event(const struct scripted *s)
{
	return s->at < s->scenario->events ? &s->scenario->event[s->at] : NULL;
}

static struct sl_mono due_of(const struct scripted *s, const struct sl_ne_scenario_event *e)
{
	struct sl_mono before = { 0 };
	if (s->at > 0)
		before = s->scenario->event[s->at - 1].time;
	return sl_mono_add(s->reached, sl_mono_since(e->time, before));
}

/* It comes at its time, and not because of a packet. */
static bool comes_by_time(const struct sl_ne_scenario_event *e)
{
	return e->kind == SL_NE_SCENARIO_TICK || !sl_ne_script_is_outside(e);
}

/* Those of the next event, and of events of the network that may follow it in one packet. */
static void give_answers(struct scripted *s)
{
	const struct sl_ne_scenario_event *e = s->scenario->event;
	for (; s->given < s->scenario->events &&
	       (s->given <= s->at || sl_ne_script_is_outside(&e[s->given - 1]));
	     s->given++)
		sl_ne_script_add_answers(&s->script, &e[s->given]);
}

/* True: the next event is over. */
static bool step(struct scripted *s, struct sl_mono now)
{
	const struct sl_ne_scenario_event *e = next_event(s);
	if (e == NULL)
		return false;
	give_answers(s);
	struct sl_mono due = due_of(s, e);
	if (comes_by_time(e) ? !sl_mono_reached(now, due) : !has_happened(s, e))
		return false;
	if (!sl_ne_script_is_outside(e))
		sl_ne_script_play(&s->script, e, e->flow == 0 ? NULL : find_flow(s, e->flow), now);
	s->script.at = e;
	s->reached = now;
	s->at++;
	return true;
}

static void go_on(void *ctx, struct sl_mono now)
{
	struct scripted *s = (struct scripted *)ctx;
	while (step(s, now))
		;
}

static bool next_due(void *ctx, struct sl_mono *due)
{
	const struct scripted *s = (const struct scripted *)ctx;
	const struct sl_ne_scenario_event *e = next_event(s);
	if (e == NULL || !comes_by_time(e))
		return false;
	*due = due_of(s, e);
	return true;
}

static void begin(void *ctx, struct sl_ne_filter *filter, struct sl_mono now)
{
	struct scripted *s = (struct scripted *)ctx;
	s->script.filter = filter;
	s->reached = now;
	go_on(s, now);
}

static void close_it(struct sl_ne_source *source)
{
	struct scripted *s = (struct scripted *)source->ctx;
	if (next_event(s) == NULL)
		sl_ne_script_check_answers(&s->script);
	sl_ne_script_end(&s->script);
	sl_ne_scenario_free(&s->scenario);
	free(s);
}

int sl_ne_source_scripted(const char *name, struct sl_bytes text, const struct sl_diag *diag,
                          struct sl_ne_source **out)
{
	struct scripted *s = (struct scripted *)calloc(1, sizeof(*s));
	if (s == NULL)
		return SL_ENOMEM;
	int err = sl_ne_scenario_read(name, text, diag, &s->scenario);
	if (err == SL_OK)
		err = sl_ne_script_init(&s->script, name, s->scenario, diag);
	if (err != SL_OK) {
		sl_ne_scenario_free(&s->scenario);
		free(s);
		return err;
	}
	s->source = (struct sl_ne_source){ .provider = sl_ne_script_provider(&s->script),
		                           .control = sl_ne_script_control(&s->script),
		                           .needs = SL_NE_NEEDS_ALL,
		                           .ctx = s,
		                           .begin = begin,
		                           .fd = -1,
		                           .due = next_due,
		                           .expired = go_on,
		                           .flush = go_on,
		                           .close = close_it };
	*out = &s->source;
	return SL_OK;
}
