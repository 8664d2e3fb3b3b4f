/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ne_replay.h"

#include <poll.h>
#include <stdlib.h>

#include "daemon/ne_script.h"
#include "daemon/ne_trace_write.h"
#include "daemon/provider_external.h"
#include "filter/ne_names.h"

enum { PATIENCE_MS = 10000, NAME_BUDGET = 16384 /* bytes: as the option budget has it */ };

struct player {
	struct sl_ne_script script;
	struct sl_ne_flow **flow; /* by number - 1; NULL: not open */
	struct sl_ne_naming_of *naming;
	struct sl_ne_names *names;
	struct sl_mono now;
	struct sl_ne_source *external; /* NULL: the script answers */
	bool lost;                     /* and it went away, or is silent */
};

/* ---- the driver: the trace says what becomes of packets ---- */

static void on_packet(void *ctx, struct sl_ne_flow *flow, enum sl_ne_direction direction,
                      const struct sl_ne_packet *packet, struct sl_mono now)
{
	(void)ctx, (void)flow, (void)direction, (void)packet, (void)now;
}

static void on_closed(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	struct player *p = (struct player *)ctx;
	(void)now;
	p->flow[flow->number - 1] = NULL;
	sl_ne_names_close(p->names, &p->naming[flow->number - 1]);
}

/* ---- a provider of its own ---- */

/* What it has said is heard. False: nothing came in that time, -1 for ever. */
static bool hear(struct player *p, int wait_ms)
{
	struct sl_ne_source *s = p->external;
	struct pollfd fd = { .fd = s->fd, .events = s->events };
	struct sl_mono due;
	s->flush(s->ctx, p->now);
	bool came = poll(&fd, 1, wait_ms) > 0;
	if (came)
		s->ready(s->ctx, fd.revents, p->now);
	if (s->due(s->ctx, &due) && sl_mono_reached(p->now, due))
		s->expired(s->ctx, p->now);
	return came;
}

/* Until nobody waits for it, and it has nothing more to say now. */
static void settle(struct player *p)
{
	if (p->external == NULL || p->lost)
		return;
	while (sl_provider_external_is_asked(p->external) && hear(p, PATIENCE_MS))
		;
	while (!sl_provider_external_is_asked(p->external) && hear(p, 0))
		;
	p->lost = sl_provider_external_is_asked(p->external) || !sl_provider_external_is_there(p->external);
	if (p->lost)
		sl_ne_script_wrong(&p->script, p->script.at->line, "the provider %s",
		                   sl_provider_external_is_there(p->external)
		                           ? "does not answer; see that it answers each callback, or pauses"
		                           : "is gone; see what it says of it");
}

/* ---- events ---- */

static void open_flow(struct player *p, const struct sl_ne_scenario_event *e)
{
	struct sl_ne_opening opening = { .info = e->info, .older = e->older, .first = e->bytes };
	struct sl_ne_flow *flow = NULL;
	int err = sl_ne_filter_open_flow(p->script.filter, &opening, p->now, &flow);
	if (err != SL_OK)
		sl_ne_script_wrong(&p->script, e->line, "the flow is not opened: %s; open fewer at once",
		                   sl_strerror(err));
	else
		p->flow[e->flow - 1] = flow;
}

static void flow_event(struct player *p, const struct sl_ne_scenario_event *e)
{
	struct sl_ne_flow *flow = p->flow[e->flow - 1];
	struct sl_ne_packet packet = { e->bytes, 0 };
	if (flow == NULL && p->external != NULL)
		return; /* it may have dropped it */
	if (flow == NULL) {
		sl_ne_script_wrong(&p->script, e->line,
		                   "flow %u is closed; take the event away, or open another flow", e->flow);
		return;
	}
	if (e->kind == SL_NE_SCENARIO_ANSWERED)
		sl_ne_flow_answered(flow);
	else if (e->kind == SL_NE_SCENARIO_DATA) {
		sl_ne_names_data(p->names, flow, e->direction, e->bytes, &p->naming[e->flow - 1]);
		sl_ne_filter_data(p->script.filter, flow, e->direction, &packet, p->now);
	} else if (e->kind == SL_NE_SCENARIO_FINISH)
		sl_ne_flow_finish(flow, e->direction, p->now);
	else
		sl_ne_flow_close(flow, sl_mono_add(p->now, p->script.scenario->options.close_wait), p->now);
}

static void play(struct player *p, const struct sl_ne_scenario_event *e)
{
	p->script.at = e;
	if (p->external != NULL && sl_ne_script_is_of_provider(e))
		return;
	if (p->external == NULL)
		sl_ne_script_add_answers(&p->script, e);
	if (!sl_ne_script_is_outside(e))
		sl_ne_script_play(&p->script, e, e->flow == 0 ? NULL : p->flow[e->flow - 1], p->now);
	else if (e->kind == SL_NE_SCENARIO_OPEN)
		open_flow(p, e);
	else if (e->kind != SL_NE_SCENARIO_TICK)
		flow_event(p, e);
}

static void go_on(struct player *p, struct sl_mono until)
{
	struct sl_ne_filter *filter = p->script.filter;
	struct sl_mono due;
	while (sl_ne_filter_due(filter, &due) && sl_mono_reached(until, due)) {
		if (due.us > p->now.us)
			p->now = due;
		sl_ne_filter_tick(filter, p->now);
		settle(p);
	}
	p->now = until;
}

static void play_all(struct player *p)
{
	const struct sl_ne_scenario *s = p->script.scenario;
	while (p->external != NULL && !sl_provider_external_is_there(p->external))
		(void)hear(p, -1);
	for (size_t i = 0; i < s->events; i++) {
		p->script.at = &s->event[i]; /* for messages of what is due before it */
		go_on(p, s->event[i].time);
		play(p, &s->event[i]);
		settle(p);
	}
	sl_ne_script_check_answers(&p->script);
}

/* ---- from beginning to end ---- */

/* As many as can be: a bigger table would do the same. */
static void limit_room(const struct sl_ne_scenario *s, struct sl_ne_options *options)
{
	size_t packets = 0;
	for (size_t i = 0; i < s->events; i++)
		packets += s->event[i].kind == SL_NE_SCENARIO_DATA;
	options->max_flows = (uint32_t)sl_min(options->max_flows, s->flows + 1);
	options->max_packets = (uint32_t)sl_min(options->max_packets, packets + 1);
}

static int make_filter(struct player *p, struct sl_ne_filter_config *config)
{
	config->provider = p->external == NULL ? sl_ne_script_provider(&p->script) : p->external->provider;
	config->control = sl_ne_script_control(&p->script);
	config->sink =
	        (struct sl_ne_sink){ .ctx = p, .release = on_packet, .drop = on_packet, .closed = on_closed };
	config->configuration.filter_sockets = true;
	return sl_ne_filter_new(config, p->now, &p->script.filter);
}

static int replay_one(const char *name, const struct sl_ne_scenario *scenario, const struct sl_diag *diag,
                      struct sl_ne_source *external, FILE *to)
{
	struct player p = { .external = external,
		            .flow = (struct sl_ne_flow **)calloc(scenario->flows + 1,
		                                                 sizeof(struct sl_ne_flow *)),
		            .naming = (struct sl_ne_naming_of *)calloc(scenario->flows + 1,
		                                                       sizeof(struct sl_ne_naming_of)) };
	const struct sl_ne_names_config naming = { .budget = NAME_BUDGET };
	struct sl_ne_filter_config config = { .options = scenario->options };
	struct sl_ne_trace_writer *writer = NULL;
	int err = p.flow == NULL || p.naming == NULL ? SL_ENOMEM
	                                             : sl_ne_script_init(&p.script, name, scenario, diag);
	if (err == SL_OK)
		err = sl_ne_names_new(&naming, &p.names);
	limit_room(scenario, &config.options);
	if (err == SL_OK)
		err = sl_ne_trace_writer_new(to, scenario->profile, &config.options, NULL, &writer);
	if (err == SL_OK) {
		config.trace = (struct sl_ne_trace){ writer, sl_ne_trace_write };
		err = make_filter(&p, &config);
	}
	if (err == SL_OK) {
		play_all(&p);
		err = sl_ne_trace_writer_end(writer);
	}
	sl_ne_filter_free(&p.script.filter);
	sl_ne_trace_writer_free(&writer);
	sl_ne_script_end(&p.script);
	sl_ne_names_free(&p.names);
	free(p.flow);
	free(p.naming);
	return err == SL_OK ? p.script.err : err;
}

int sl_ne_replay_scenario(const char *name, const struct sl_ne_scenario *scenario, const struct sl_diag *diag,
                          FILE *to)
{
	return scenario->filters > 1 ? sl_ne_replay_chain(name, scenario, diag, to)
	                             : replay_one(name, scenario, diag, NULL, to);
}

int sl_ne_replay_provider(const char *name, const struct sl_ne_scenario *scenario, const struct sl_diag *diag,
                          struct sl_ne_source *external, FILE *to)
{
	if (scenario->filters > 1) {
		sl_diag(diag, name, 1, "a provider answers for one filter; take the others out of the head");
		return SL_EINVAL;
	}
	return replay_one(name, scenario, diag, external, to);
}
