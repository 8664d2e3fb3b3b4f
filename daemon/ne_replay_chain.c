/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A scenario with several filters (NE-PEEK-14). */
#include <stdlib.h>

#include "daemon/ne_replay.h"
#include "daemon/ne_script.h"
#include "daemon/ne_trace_write.h"

struct played_flow {
	uint64_t number;
	struct sl_ne_chain_flow *flow; /* NULL: not open */
	const struct sl_ne_flow *of
	        [SL_NE_CHAIN_MAX]; /* as the filters have it, in the order of the head; NULL: one that has not */
};

struct played_filter {
	struct sl_ne_script script;
	struct sl_ne_trace_writer *writer;
};

struct player {
	const struct sl_ne_scenario *scenario;
	struct sl_ne_chain *chain;
	struct sl_ne_trace_writer *writer; /* with the head */
	struct played_filter filter[SL_NE_CHAIN_MAX];
	struct played_flow *flow; /* by number - 1 */
	struct sl_mono now;
};

static uint64_t number_of(const struct sl_ne_flow *flow)
{
	return ((const struct played_flow *)sl_ne_chain_driver(flow))->number;
}

/* ---- what is traced, and the driver ---- */

static void on_trace(void *ctx, const struct sl_ne_trace_event *event)
{
	struct played_filter *filter = ctx;
	struct sl_ne_trace_event e = *event;
	if (e.flow != NULL) {
		struct played_flow *f = sl_ne_chain_driver(e.flow);
		e.number = f->number;
		f->of[filter->script.whose] = e.event == SL_NE_EVENT_CLOSED ? NULL : e.flow;
	}
	sl_ne_trace_write(filter->writer, &e);
}

static void on_packet(void *ctx, void *driver, enum sl_ne_direction direction,
                      const struct sl_ne_packet *packet, struct sl_mono now)
{
	(void)ctx, (void)driver, (void)direction, (void)packet, (void)now;
}

static void on_closed(void *ctx, void *driver, struct sl_mono now)
{
	struct played_flow *f = driver;
	(void)ctx, (void)now;
	f->flow = NULL;
}

/* ---- events ---- */

static void wrong_at(struct player *p, const struct sl_ne_scenario_event *e, const char *what)
{
	sl_ne_script_wrong(&p->filter[0].script, e->line, "flow %u %s", e->flow, what);
}

static void open_flow(struct player *p, const struct sl_ne_scenario_event *e)
{
	struct played_flow *f = &p->flow[e->flow - 1];
	struct sl_ne_opening opening = { .info = e->info, .older = e->older, .first = e->bytes, .driver = f };
	struct sl_ne_chain_flow *flow = NULL;
	f->number = e->flow;
	if (sl_ne_chain_open_flow(p->chain, &opening, p->now, &flow) != SL_OK)
		wrong_at(p, e, "is not opened: too many are; open fewer at once");
	else
		f->flow = flow;
}

static void flow_event(struct player *p, const struct sl_ne_scenario_event *e)
{
	struct sl_ne_chain_flow *flow = p->flow[e->flow - 1].flow;
	struct sl_ne_packet packet = { e->bytes, 0 };
	if (flow == NULL)
		wrong_at(p, e, "is closed; take the event away, or open another flow");
	else if (e->kind == SL_NE_SCENARIO_ANSWERED)
		sl_ne_chain_answered(flow);
	else if (e->kind == SL_NE_SCENARIO_DATA)
		sl_ne_chain_data(flow, e->direction, &packet, p->now);
	else if (e->kind == SL_NE_SCENARIO_FINISH)
		sl_ne_chain_finish(flow, e->direction, p->now);
	else
		sl_ne_chain_close(flow, p->now);
}

/* Of one filter, or of all, in the order of the head. */
static void filter_event(struct player *p, const struct sl_ne_scenario_event *e)
{
	for (size_t i = 0; i < p->scenario->filters; i++) {
		const struct sl_ne_flow *flow = e->flow == 0 ? NULL : p->flow[e->flow - 1].of[i];
		if (e->filter >= 0 && (size_t)e->filter != i)
			continue;
		sl_ne_script_play(&p->filter[i].script, e, (struct sl_ne_flow *)(uintptr_t)flow, p->now);
	}
}

static void play(struct player *p, const struct sl_ne_scenario_event *e)
{
	for (size_t i = 0; i < p->scenario->filters; i++)
		sl_ne_script_add_answers(&p->filter[i].script, e);
	if (!sl_ne_script_is_outside(e))
		filter_event(p, e);
	else if (e->kind == SL_NE_SCENARIO_OPEN)
		open_flow(p, e);
	else if (e->kind != SL_NE_SCENARIO_TICK)
		flow_event(p, e);
}

static void go_on(struct player *p, struct sl_mono until)
{
	struct sl_mono due;
	while (sl_ne_chain_due(p->chain, &due) && sl_mono_reached(until, due)) {
		if (due.us > p->now.us)
			p->now = due;
		sl_ne_chain_tick(p->chain, p->now);
	}
	p->now = until;
}

static int play_all(struct player *p)
{
	const struct sl_ne_scenario *s = p->scenario;
	int err = SL_OK;
	for (size_t i = 0; i < s->events; i++) {
		for (size_t k = 0; k < s->filters; k++)
			p->filter[k].script.at = &s->event[i];
		go_on(p, s->event[i].time);
		play(p, &s->event[i]);
	}
	for (size_t k = 0; k < s->filters; k++) {
		sl_ne_script_check_answers(&p->filter[k].script);
		err = err == SL_OK ? p->filter[k].script.err : err;
	}
	return err;
}

/* ---- from beginning to end ---- */

static int add_filter(struct player *p, size_t i, const char *name, const struct sl_diag *diag,
                      const struct sl_ne_options *options)
{
	const struct sl_ne_scenario_filter *f = &p->scenario->filter[i];
	struct played_filter *filter = &p->filter[i];
	int err = sl_ne_script_init(&filter->script, name, p->scenario, diag);
	filter->script.whose = (unsigned)i;
	filter->script.number_of = number_of;
	if (err == SL_OK)
		err = sl_ne_trace_writer_beside(p->writer, f->name, options, &filter->writer);
	struct sl_ne_filter_config config = { .options = *options,
		                              .provider = sl_ne_script_provider(&filter->script),
		                              .control = sl_ne_script_control(&filter->script),
		                              .trace = { filter, on_trace },
		                              .configuration = { .filter_sockets = true } };
	if (err == SL_OK)
		err = sl_ne_chain_add(p->chain, f->grade, &config, p->now, &filter->script.filter);
	return err;
}

static int make(struct player *p, const char *name, const struct sl_diag *diag, FILE *to)
{
	const struct sl_ne_chain_sink sink = {
		.ctx = p, .release = on_packet, .drop = on_packet, .closed = on_closed
	};
	struct sl_ne_options options = p->scenario->options;
	options.max_flows = (uint32_t)sl_min(options.max_flows, p->scenario->flows + 1);
	options.max_packets = (uint32_t)sl_min(options.max_packets, p->scenario->events + 1);
	p->flow = calloc(p->scenario->flows + 1, sizeof(*p->flow));
	int err = p->flow == NULL ? SL_ENOMEM : sl_ne_chain_new(&sink, options.max_flows, &p->chain);
	if (err == SL_OK)
		err = sl_ne_trace_writer_new(to, p->scenario->profile, &options, NULL, &p->writer);
	for (size_t i = 0; err == SL_OK && i < p->scenario->filters; i++)
		err = add_filter(p, i, name, diag, &options);
	return err;
}

int sl_ne_replay_chain(const char *name, const struct sl_ne_scenario *scenario, const struct sl_diag *diag,
                       FILE *to)
{
	struct player p = { .scenario = scenario };
	int err = make(&p, name, diag, to), wrong = SL_OK;
	if (err == SL_OK) {
		wrong = play_all(&p);
		err = sl_ne_trace_writer_end(p.writer);
	}
	sl_ne_chain_free(&p.chain);
	for (size_t i = 0; i < scenario->filters; i++) {
		sl_ne_trace_writer_free(&p.filter[i].writer);
		sl_ne_script_end(&p.filter[i].script);
	}
	sl_ne_trace_writer_free(&p.writer);
	free(p.flow);
	return err == SL_OK ? wrong : err;
}
