/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ne_replay.h"

#include <stdlib.h>

#include "daemon/ne_trace_write.h"

/* Answers that wait for a flow's callbacks. */
struct answer {
	struct sl_ne_verdict verdict;
	unsigned line;
	struct answer *next;
};

struct played_flow {
	struct sl_ne_flow *flow; /* NULL: not open */
	struct answer *first, **last;
};

struct player {
	const char *name;
	const struct sl_ne_scenario *scenario;
	const struct sl_diag *diag;
	const struct sl_ne_scenario_event *at; /* what happens now */
	struct sl_ne_filter *filter;
	struct played_flow *flow; /* by number - 1 */
	struct answer *answer;    /* room for all of them */
	size_t answers;
	struct sl_mono now;
	int err;
};

SL_PRINTF(3, 4) static void wrong(struct player *p, unsigned line, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sl_diag(p->diag, p->name, line, "%s", text);
	p->err = SL_EINVAL;
}

/* ---- the provider ---- */

static struct sl_ne_verdict next_answer(struct player *p, struct sl_ne_flow *flow, enum sl_ne_event callback)
{
	struct played_flow *f = &p->flow[flow->number - 1];
	struct answer *a = f->first;
	struct sl_ne_verdict v = { .kind = SL_NE_VERDICT_ALLOW };
	if (a == NULL) {
		wrong(p, p->at->line,
		      "%s is asked about flow %llu, and no answer is left; write one more "
		      "into \"answers\"",
		      sl_ne_event_name(callback), (unsigned long long)flow->number);
	} else {
		v = a->verdict;
		f->first = a->next;
		if (f->first == NULL)
			f->last = &f->first;
	}
	v.of = callback == SL_NE_EVENT_NEW_FLOW ? SL_NE_NEW_FLOW_VERDICT : SL_NE_DATA_VERDICT;
	return v;
}

static struct sl_ne_verdict on_new_flow(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	(void)now;
	return next_answer((struct player *)ctx, flow, SL_NE_EVENT_NEW_FLOW);
}

static struct sl_ne_verdict on_inbound(void *ctx, struct sl_ne_flow *flow,
                                       const struct sl_ne_read_bytes *bytes, struct sl_mono now)
{
	(void)bytes, (void)now;
	return next_answer((struct player *)ctx, flow, SL_NE_EVENT_INBOUND_DATA);
}

static struct sl_ne_verdict on_outbound(void *ctx, struct sl_ne_flow *flow,
                                        const struct sl_ne_read_bytes *bytes, struct sl_mono now)
{
	(void)bytes, (void)now;
	return next_answer((struct player *)ctx, flow, SL_NE_EVENT_OUTBOUND_DATA);
}

static struct sl_ne_verdict on_inbound_complete(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	(void)now;
	return next_answer((struct player *)ctx, flow, SL_NE_EVENT_INBOUND_COMPLETE);
}

static struct sl_ne_verdict on_outbound_complete(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	(void)now;
	return next_answer((struct player *)ctx, flow, SL_NE_EVENT_OUTBOUND_COMPLETE);
}

static int apply(struct player *p)
{
	const struct sl_ne_scenario_settings *s = p->at->settings;
	return sl_ne_filter_apply(p->filter, s == NULL ? NULL : &s->settings, p->now);
}

static void on_start(void *ctx, struct sl_ne_filter *filter, struct sl_mono now)
{
	struct player *p = (struct player *)ctx;
	int err = p->at->settings == NULL ? SL_OK : apply(p); /* NE-LIFE-05 */
	if (!p->at->later)
		(void)sl_ne_filter_started(filter, err, now);
}

static void on_stop(void *ctx, struct sl_ne_filter *filter, enum sl_ne_stop_reason reason, struct sl_mono now)
{
	const struct player *p = (const struct player *)ctx;
	(void)reason;
	if (!p->at->later)
		(void)sl_ne_filter_stopped(filter, now);
}

static void on_sleep(void *ctx, struct sl_ne_filter *filter, struct sl_mono now)
{
	const struct player *p = (const struct player *)ctx;
	if (!p->at->later)
		(void)sl_ne_filter_asleep(filter, now);
}

/* Its answers are events. */
static void on_control(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	(void)ctx, (void)flow, (void)now;
}

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
	p->flow[flow->number - 1].flow = NULL;
}

/* ---- events ---- */

static void add_answers(struct player *p, const struct sl_ne_scenario_event *e)
{
	struct played_flow *f = &p->flow[e->flow - 1];
	for (size_t i = 0; i < e->answers; i++) {
		struct answer *a = &p->answer[p->answers++];
		*a = (struct answer){ e->answer[i], e->line, NULL };
		*f->last = a;
		f->last = &a->next;
	}
}

static void open_flow(struct player *p, const struct sl_ne_scenario_event *e)
{
	struct sl_ne_opening opening = { .info = e->info, .older = e->older, .first = e->bytes };
	struct sl_ne_flow *flow = NULL;
	int err = sl_ne_filter_open_flow(p->filter, &opening, p->now, &flow);
	if (err != SL_OK)
		wrong(p, e->line, "the flow is not opened: %s; open fewer at once", sl_strerror(err));
	else
		p->flow[e->flow - 1].flow = flow;
}

static void provider_calls(struct player *p, const struct sl_ne_scenario_event *e, struct sl_ne_flow *flow)
{
	struct sl_ne_verdict v = e->verdict;
	bool new_flow = flow->question.callback == SL_NE_EVENT_NEW_FLOW;
	v.of = new_flow && e->kind != SL_NE_SCENARIO_UPDATE ? SL_NE_NEW_FLOW_VERDICT : SL_NE_DATA_VERDICT;
	if (e->kind == SL_NE_SCENARIO_RESUME)
		(void)sl_ne_resume_flow(flow, &v, p->now);
	else if (e->kind == SL_NE_SCENARIO_UPDATE)
		(void)sl_ne_update_flow(flow, &v, e->direction, p->now);
	else
		(void)sl_ne_answer_flow(flow, &v, p->now);
}

static void flow_event(struct player *p, const struct sl_ne_scenario_event *e)
{
	struct sl_ne_flow *flow = p->flow[e->flow - 1].flow;
	struct sl_ne_packet packet = { e->bytes, 0 };
	if (flow == NULL) {
		wrong(p, e->line, "flow %u is closed; take the event away, or open another flow", e->flow);
		return;
	}
	switch (e->kind) {
	case SL_NE_SCENARIO_ANSWERED:
		sl_ne_flow_answered(flow);
		break;
	case SL_NE_SCENARIO_DATA:
		sl_ne_filter_data(p->filter, flow, e->direction, &packet, p->now);
		break;
	case SL_NE_SCENARIO_FINISH:
		sl_ne_flow_finish(flow, e->direction, p->now);
		break;
	case SL_NE_SCENARIO_CLOSE:
		sl_ne_flow_close(flow, sl_mono_add(p->now, p->scenario->options.close_wait), p->now);
		break;
	case SL_NE_SCENARIO_CONTROL:
		(void)sl_ne_control_verdict(flow, e->control, e->update_rules, p->now);
		break;
	default:
		provider_calls(p, e, flow);
	}
}

static void busy(struct player *p, int err)
{
	if (err == SL_EBUSY)
		wrong(p, p->at->line,
		      "%s does not come now; start a filter that is stopped or crashed, stop "
		      "or crash one that is not",
		      sl_ne_scenario_kind_name(p->at->kind));
}

static void play(struct player *p, const struct sl_ne_scenario_event *e)
{
	struct sl_ne_configuration configuration = { e->filter_sockets, { NULL, 0 } };
	switch (e->kind) {
	case SL_NE_SCENARIO_START:
		busy(p, sl_ne_filter_start(p->filter, p->now));
		break;
	case SL_NE_SCENARIO_STARTED:
		(void)sl_ne_filter_started(p->filter, e->fails ? SL_EINVAL : SL_OK, p->now);
		break;
	case SL_NE_SCENARIO_STOP:
		busy(p, sl_ne_filter_stop(p->filter, e->reason, p->now));
		break;
	case SL_NE_SCENARIO_STOPPED:
		(void)sl_ne_filter_stopped(p->filter, p->now);
		break;
	case SL_NE_SCENARIO_CRASH:
		busy(p, sl_ne_filter_crash(p->filter, p->now));
		break;
	case SL_NE_SCENARIO_APPLY:
		(void)apply(p);
		break;
	case SL_NE_SCENARIO_SLEEP:
		sl_ne_filter_sleep(p->filter, p->now);
		break;
	case SL_NE_SCENARIO_ASLEEP:
		(void)sl_ne_filter_asleep(p->filter, p->now);
		break;
	case SL_NE_SCENARIO_WAKE:
		sl_ne_filter_wake(p->filter, p->now);
		break;
	case SL_NE_SCENARIO_CONFIGURE:
		sl_ne_filter_configure(p->filter, &configuration, p->now);
		break;
	case SL_NE_SCENARIO_RULES_CHANGED:
		sl_ne_filter_notify_rules_changed(p->filter, p->now);
		break;
	case SL_NE_SCENARIO_TICK:
		break;
	case SL_NE_SCENARIO_OPEN:
		open_flow(p, e);
		break;
	default:
		flow_event(p, e);
	}
}

static void go_on(struct player *p, struct sl_mono until)
{
	struct sl_mono due;
	while (sl_ne_filter_due(p->filter, &due) && sl_mono_reached(until, due)) {
		if (due.us > p->now.us)
			p->now = due;
		sl_ne_filter_tick(p->filter, p->now);
	}
	p->now = until;
}

static void play_all(struct player *p)
{
	const struct sl_ne_scenario *s = p->scenario;
	for (size_t i = 0; i < s->events; i++) {
		p->at = &s->event[i];
		go_on(p, p->at->time);
		if (p->at->flow != 0)
			add_answers(p, p->at);
		play(p, p->at);
	}
	for (size_t i = 0; i < s->flows; i++)
		for (const struct answer *a = p->flow[i].first; a != NULL; a = a->next)
			wrong(p, a->line, "nobody asked for the answer \"%s\" of flow %zu; take it away",
			      sl_ne_verdict_kind_name(a->verdict.kind), i + 1);
}

/* ---- from beginning to end ---- */

static int make_room(struct player *p, struct sl_ne_options *options)
{
	const struct sl_ne_scenario *s = p->scenario;
	size_t answers = 0, packets = 0;
	for (size_t i = 0; i < s->events; i++) {
		answers += s->event[i].answers;
		packets += s->event[i].kind == SL_NE_SCENARIO_DATA;
	}
	/* As many as can be: a bigger table would do the same. */
	options->max_flows = (uint32_t)sl_min(options->max_flows, s->flows + 1);
	options->max_packets = (uint32_t)sl_min(options->max_packets, packets + 1);
	p->flow = (struct played_flow *)calloc(s->flows + 1, sizeof(p->flow[0]));
	p->answer = (struct answer *)calloc(answers + 1, sizeof(p->answer[0]));
	if (p->flow == NULL || p->answer == NULL)
		return SL_ENOMEM;
	for (size_t i = 0; i < s->flows; i++)
		p->flow[i].last = &p->flow[i].first;
	return SL_OK;
}

static void describe(struct player *p, struct sl_ne_filter_config *config)
{
	config->provider =
	        (struct sl_ne_provider){ .ctx = p,
		                         .start_filter = on_start,
		                         .stop_filter = on_stop,
		                         .handle_new_flow = on_new_flow,
		                         .handle_inbound_data_from_flow = on_inbound,
		                         .handle_outbound_data_from_flow = on_outbound,
		                         .handle_inbound_data_complete_for_flow = on_inbound_complete,
		                         .handle_outbound_data_complete_for_flow = on_outbound_complete,
		                         .sleep = on_sleep };
	if (p->scenario->control)
		config->control = (struct sl_ne_control){ .ctx = p, .handle_new_flow = on_control };
	config->sink =
	        (struct sl_ne_sink){ .ctx = p, .release = on_packet, .drop = on_packet, .closed = on_closed };
	config->configuration.filter_sockets = true;
}

int sl_ne_replay_scenario(const char *name, const struct sl_ne_scenario *scenario, const struct sl_diag *diag,
                          FILE *to)
{
	struct player p = { .name = name, .scenario = scenario, .diag = diag };
	struct sl_ne_filter_config config = { .options = scenario->options };
	struct sl_ne_trace_writer *writer = NULL;
	int err = make_room(&p, &config.options);
	describe(&p, &config);
	if (err == SL_OK)
		err = sl_ne_trace_writer_new(to, scenario->profile, &config.options, &writer);
	if (err == SL_OK) {
		config.trace = (struct sl_ne_trace){ writer, sl_ne_trace_write };
		err = sl_ne_filter_new(&config, p.now, &p.filter);
	}
	if (err == SL_OK) {
		play_all(&p);
		err = sl_ne_trace_writer_end(writer);
	}
	sl_ne_filter_free(&p.filter);
	sl_ne_trace_writer_free(&writer);
	free(p.flow);
	free(p.answer);
	return err == SL_OK ? p.err : err;
}
