/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "base/util.h"
#include "filter/ne_filter_priv.h"

int sl_ne_filter_new(const struct sl_ne_filter_config *config, struct sl_mono now, struct sl_ne_filter **out)
{
	struct sl_ne_filter *f = NULL;
	if (config->provider.handle_new_flow == NULL || config->sink.release == NULL ||
	    config->sink.drop == NULL)
		return SL_EINVAL;
	f = (struct sl_ne_filter *)calloc(1, sizeof(*f));
	if (f == NULL)
		return SL_ENOMEM;
	int err = sl_ne_env_init(&f->env, &config->options);
	if (err != SL_OK) {
		free(f);
		return err;
	}
	f->env.provider = config->provider;
	f->env.control = config->control;
	f->env.sink = config->sink;
	f->env.trace = config->trace;
	f->env.filter = f;
	f->env.epoch = f->env.ticked = now;
	f->configuration = config->configuration;
	f->settings = (struct sl_ne_settings){ f->rule, 0, SL_NE_ACTION_FILTER_DATA };
	*out = f;
	return SL_OK;
}

void sl_ne_filter_free(struct sl_ne_filter **filter)
{
	struct sl_ne_filter *f = sl_take(filter);
	if (f == NULL)
		return;
	sl_ne_env_end(&f->env);
	free(f);
}

enum sl_ne_filter_state sl_ne_filter_state(const struct sl_ne_filter *filter)
{
	return filter->state;
}

const struct sl_ne_counters *sl_ne_filter_counters(const struct sl_ne_filter *filter)
{
	return &filter->env.counters;
}

const struct sl_ne_configuration *sl_ne_filter_configuration(const struct sl_ne_filter *filter)
{
	return &filter->configuration;
}

struct sl_ne_env *sl_ne_filter_env(struct sl_ne_filter *filter)
{
	return &filter->env;
}

void sl_ne_filter_trace(struct sl_ne_filter *f, struct sl_ne_trace_event event, struct sl_mono now)
{
	event.time = now;
	if (f->env.trace.event != NULL)
		f->env.trace.event(f->env.trace.ctx, &event);
}

static bool illegal(struct sl_ne_filter *f, struct sl_mono now)
{
	sl_ne_env_illegal(&f->env, NULL, SL_NE_ILLEGAL_LIFECYCLE, now);
	return false;
}

void sl_ne_filter_for_each(struct sl_ne_filter *f,
                           void (*visit)(struct sl_ne_filter *, struct sl_ne_flow *, struct sl_mono),
                           struct sl_mono now)
{
	struct sl_ne_flow *flow = f->env.first;
	uint64_t last = f->env.last_number;
	if (flow != NULL)
		sl_ne_flow_enter(flow);
	while (flow != NULL && flow->number <= last) {
		if (!flow->ending)
			visit(f, flow, now);
		struct sl_ne_flow *next = flow->next;
		if (next != NULL)
			sl_ne_flow_enter(next);
		sl_ne_flow_leave(flow, now);
		flow = next;
	}
	if (flow != NULL)
		sl_ne_flow_leave(flow, now);
}

/* ---- flows ---- */

static enum sl_ne_action match(struct sl_ne_filter *f, struct sl_ne_flow *flow, struct sl_bytes first,
                               int *rule)
{
	struct sl_ne_match m = { &flow->info, first };
	flow->settings = f->generation;
	return sl_ne_settings_match(&f->settings, &m, rule);
}

/* Older than the filter (NE-FAIL-05, NE-CHOICE-15): TCP is refused at both ends, a datagram flow is new with its next packet. */
static void refuse_older(struct sl_ne_filter *f, struct sl_ne_flow *flow, struct sl_mono now)
{
	if (f->env.options.existing == SL_NE_EXISTING_PASS) {
		sl_ne_flow_open_up(flow, now);
	} else if (flow->stream) {
		flow->answered = true;
		sl_ne_flow_drop(flow, 0, now);
	} else {
		sl_ne_flow_end(flow, now);
	}
}

void sl_ne_filter_judge(struct sl_ne_filter *f, struct sl_ne_flow *flow, struct sl_bytes first,
                        struct sl_mono now)
{
	int rule = -1;
	enum sl_ne_action action = match(f, flow, first, &rule);
	struct sl_ne_trace_event event = { .event = SL_NE_EVENT_RULE, .action = action, .rule = rule };
	if (!f->configuration.filter_sockets) {
		sl_ne_flow_open_up(flow, now);
		return;
	}
	flow->matched = action;
	if (rule >= 0 || action != SL_NE_ACTION_FILTER_DATA)
		sl_ne_flow_trace(flow, &event, now);
	if (action != SL_NE_ACTION_FILTER_DATA)
		flow->action = action;
	if (action == SL_NE_ACTION_ALLOW)
		sl_ne_flow_open_up(flow, now);
	else if (flow->older)
		refuse_older(f, flow, now);
	else if (action == SL_NE_ACTION_DROP)
		sl_ne_flow_drop(flow, 0, now);
	else
		sl_ne_flow_ask(flow, now);
}

struct sl_bytes sl_ne_filter_first_held(struct sl_ne_flow *flow)
{
	const struct sl_ne_held *held = sl_ne_flow_side(flow, flow->info.direction)->held.first;
	return held == NULL ? (struct sl_bytes){ NULL, 0 } : held->packet.bytes;
}

/* The filter is there now: those who waited for it are judged, and those who did not are older. */
static void meet(struct sl_ne_filter *f, struct sl_ne_flow *flow, struct sl_mono now)
{
	int rule = -1;
	if (f->state != SL_NE_FILTER_RUNNING)
		return; /* stopped again, by what it was asked */
	if (flow->state == SL_NE_FLOW_NEW && flow->wait == SL_NE_WAIT_START)
		sl_ne_filter_judge(f, flow, sl_ne_filter_first_held(flow), now);
	else if (flow->state == SL_NE_FLOW_OPEN && !flow->attached && f->configuration.filter_sockets &&
	         match(f, flow, (struct sl_bytes){ NULL, 0 }, &rule) != SL_NE_ACTION_ALLOW &&
	         f->env.options.existing == SL_NE_EXISTING_DROP)
		refuse_older(f, flow, now);
}

/* The filter is gone (NE-FAIL-03, NE-LIFE-09). */
static void let_go(struct sl_ne_filter *f, struct sl_ne_flow *flow, struct sl_mono now)
{
	bool waits_on = f->state == SL_NE_FILTER_DOWN && flow->wait == SL_NE_WAIT_START;
	sl_ne_flow_forget(flow, now);
	if (!waits_on)
		sl_ne_flow_open_up(flow, now);
}

static void begin(struct sl_ne_filter *f, struct sl_ne_flow *flow, struct sl_bytes first, struct sl_mono now)
{
	int rule = -1;
	switch (f->state) {
	case SL_NE_FILTER_RUNNING:
		sl_ne_filter_judge(f, flow, first, now);
		return;
	case SL_NE_FILTER_STARTING:
	case SL_NE_FILTER_DOWN:
		if (f->env.options.starting == SL_NE_STARTING_OPEN)
			break;
		if (flow->loopback && match(f, flow, first, &rule) == SL_NE_ACTION_ALLOW)
			break;
		flow->wait = SL_NE_WAIT_START;
		return;
	default:
		break;
	}
	f->env.counters.in_vain++;
	sl_ne_flow_open_up(flow, now);
}

int sl_ne_filter_open_flow(struct sl_ne_filter *f, const struct sl_ne_opening *opening, struct sl_mono now,
                           struct sl_ne_flow **out)
{
	struct sl_ne_flow *flow = sl_ne_flow_new(&f->env, &opening->info, now);
	struct sl_ne_trace_event event = { .event = SL_NE_EVENT_OPENED,
		                           .direction = opening->info.direction };
	if (flow == NULL)
		return SL_ELIMIT;
	flow->driver = opening->driver;
	flow->older = opening->older && flow->stream;
	flow->answered = opening->answered;
	sl_ne_flow_enter(flow);
	sl_ne_flow_trace(flow, &event, now);
	begin(f, flow, opening->first, now);
	*out = flow->state == SL_NE_FLOW_CLOSED ? NULL : flow;
	sl_ne_flow_leave(flow, now);
	return SL_OK;
}

/* With apply = all a flow that would be treated otherwise by the new settings is refused (NE-RULE-18, NE-FAIL-05). */
static void match_again(struct sl_ne_filter *f, struct sl_ne_flow *flow, struct sl_bytes bytes,
                        struct sl_mono now)
{
	int rule = -1;
	enum sl_ne_action action = match(f, flow, bytes, &rule);
	struct sl_ne_trace_event event = { .event = SL_NE_EVENT_RULE, .action = action, .rule = rule };
	if (action == flow->matched)
		return;
	sl_ne_flow_trace(flow, &event, now);
	flow->action = SL_NE_ACTION_DROP;
	sl_ne_flow_drop(flow, 0, now);
}

void sl_ne_filter_data(struct sl_ne_filter *f, struct sl_ne_flow *flow, enum sl_ne_direction direction,
                       const struct sl_ne_packet *packet, struct sl_mono now)
{
	sl_ne_flow_enter(flow);
	if (f->state == SL_NE_FILTER_RUNNING && f->env.options.apply == SL_NE_APPLY_ALL &&
	    flow->settings != f->generation && flow->matched != SL_NE_ACTION_INVALID)
		match_again(f, flow, packet->bytes, now);
	sl_ne_flow_data(flow, direction, packet, now);
	sl_ne_flow_leave(flow, now);
}

bool sl_ne_filter_due(const struct sl_ne_filter *filter, struct sl_mono *due)
{
	bool any = sl_ne_env_due(&filter->env, due);
	if (filter->upgrading && (!any || filter->upgrade_due.us < due->us))
		*due = filter->upgrade_due;
	return any || filter->upgrading;
}

void sl_ne_filter_tick(struct sl_ne_filter *filter, struct sl_mono now)
{
	if (filter->upgrading && sl_mono_reached(now, filter->upgrade_due))
		(void)sl_ne_filter_upgraded(filter, SL_ETIME, NULL, now);
	sl_ne_env_tick(&filter->env, now);
}

/* ---- life ---- */

void sl_ne_filter_reset_settings(struct sl_ne_filter *f)
{
	f->settings.rules = 0;
	f->settings.default_action = SL_NE_ACTION_FILTER_DATA;
	f->generation++;
}

void sl_ne_filter_set_settings(struct sl_ne_filter *f, const struct sl_ne_settings *settings)
{
	sl_ne_filter_reset_settings(f);
	if (settings == NULL)
		return;
	if (settings->rules > 0)
		memcpy(f->rule, settings->rule, settings->rules * sizeof(f->rule[0]));
	f->settings.rules = settings->rules;
	f->settings.default_action = settings->default_action;
}

int sl_ne_filter_start(struct sl_ne_filter *f, struct sl_mono now)
{
	const struct sl_ne_provider *p = &f->env.provider;
	if (f->state != SL_NE_FILTER_STOPPED && f->state != SL_NE_FILTER_DOWN)
		return SL_EBUSY;
	f->state = SL_NE_FILTER_STARTING;
	sl_ne_filter_trace(f, (struct sl_ne_trace_event){ .event = SL_NE_EVENT_FILTER_START }, now);
	if (p->start_filter != NULL)
		p->start_filter(p->ctx, f, now);
	else
		(void)sl_ne_filter_started(f, SL_OK, now);
	return SL_OK;
}

bool sl_ne_filter_started(struct sl_ne_filter *f, int error, struct sl_mono now)
{
	if (f->state != SL_NE_FILTER_STARTING)
		return illegal(f, now);
	f->state = error == SL_OK ? SL_NE_FILTER_RUNNING : SL_NE_FILTER_DOWN;
	sl_ne_filter_trace(
	        f, (struct sl_ne_trace_event){ .event = SL_NE_EVENT_FILTER_STARTED, .error = error }, now);
	if (error == SL_OK)
		sl_ne_filter_for_each(f, meet, now);
	else
		sl_ne_filter_reset_settings(f);
	return true;
}

int sl_ne_filter_stop(struct sl_ne_filter *f, enum sl_ne_stop_reason reason, struct sl_mono now)
{
	const struct sl_ne_provider *p = &f->env.provider;
	bool down = f->state == SL_NE_FILTER_DOWN;
	if (!down && f->state != SL_NE_FILTER_STARTING && f->state != SL_NE_FILTER_RUNNING)
		return SL_EBUSY;
	f->state = SL_NE_FILTER_STOPPING;
	f->upgrading = false;
	sl_ne_filter_trace(
	        f, (struct sl_ne_trace_event){ .event = SL_NE_EVENT_FILTER_STOP, .reason = reason }, now);
	if (!down && p->stop_filter != NULL)
		p->stop_filter(p->ctx, f, reason, now);
	else
		(void)sl_ne_filter_stopped(f, now);
	return SL_OK;
}

bool sl_ne_filter_stopped(struct sl_ne_filter *f, struct sl_mono now)
{
	if (f->state != SL_NE_FILTER_STOPPING)
		return illegal(f, now);
	f->state = SL_NE_FILTER_STOPPED;
	f->falling_asleep = false;
	sl_ne_filter_reset_settings(f);
	sl_ne_filter_trace(f, (struct sl_ne_trace_event){ .event = SL_NE_EVENT_FILTER_STOPPED }, now);
	sl_ne_filter_for_each(f, let_go, now);
	return true;
}

int sl_ne_filter_crash(struct sl_ne_filter *f, struct sl_mono now)
{
	if (f->state == SL_NE_FILTER_STOPPED || f->state == SL_NE_FILTER_DOWN)
		return SL_EBUSY;
	f->state = f->state == SL_NE_FILTER_STOPPING ? SL_NE_FILTER_STOPPED : SL_NE_FILTER_DOWN;
	f->upgrading = false;
	f->falling_asleep = false;
	sl_ne_filter_reset_settings(f);
	sl_ne_filter_trace(f, (struct sl_ne_trace_event){ .event = SL_NE_EVENT_FILTER_CRASHED }, now);
	sl_ne_filter_for_each(f, let_go, now);
	return SL_OK;
}

int sl_ne_filter_apply(struct sl_ne_filter *f, const struct sl_ne_settings *settings, struct sl_mono now)
{
	int err = settings == NULL ? SL_OK : sl_ne_settings_check(settings);
	if (f->state != SL_NE_FILTER_STARTING && f->state != SL_NE_FILTER_RUNNING) {
		(void)illegal(f, now);
		err = SL_EPERM;
	}
	if (err == SL_OK)
		sl_ne_filter_set_settings(f, settings);
	sl_ne_filter_trace(f, (struct sl_ne_trace_event){ .event = SL_NE_EVENT_SETTINGS, .error = err }, now);
	return err;
}

static bool has_provider(const struct sl_ne_filter *f)
{
	return f->state == SL_NE_FILTER_STARTING || f->state == SL_NE_FILTER_RUNNING;
}

void sl_ne_filter_sleep(struct sl_ne_filter *f, struct sl_mono now)
{
	const struct sl_ne_provider *p = &f->env.provider;
	sl_ne_filter_trace(f, (struct sl_ne_trace_event){ .event = SL_NE_EVENT_SLEEP }, now);
	if (!has_provider(f) || p->sleep == NULL)
		return;
	f->falling_asleep = true;
	p->sleep(p->ctx, f, now);
}

bool sl_ne_filter_asleep(struct sl_ne_filter *f, struct sl_mono now)
{
	if (!f->falling_asleep)
		return illegal(f, now);
	f->falling_asleep = false;
	return true;
}

bool sl_ne_filter_is_falling_asleep(const struct sl_ne_filter *filter)
{
	return filter->falling_asleep;
}

static void end_datagrams(struct sl_ne_filter *f, struct sl_ne_flow *flow, struct sl_mono now)
{
	(void)f;
	if (!flow->stream)
		sl_ne_flow_end(flow, now);
}

void sl_ne_filter_wake(struct sl_ne_filter *f, struct sl_mono now)
{
	const struct sl_ne_provider *p = &f->env.provider;
	sl_ne_filter_trace(f, (struct sl_ne_trace_event){ .event = SL_NE_EVENT_WAKE }, now);
	f->falling_asleep = false;
	sl_ne_filter_for_each(f, end_datagrams, now);
	if (has_provider(f) && p->wake != NULL)
		p->wake(p->ctx, f, now);
}

void sl_ne_filter_configure(struct sl_ne_filter *f, const struct sl_ne_configuration *configuration,
                            struct sl_mono now)
{
	const struct sl_ne_provider *p = &f->env.provider;
	f->configuration = *configuration;
	sl_ne_filter_trace(f, (struct sl_ne_trace_event){ .event = SL_NE_EVENT_CONFIGURATION }, now);
	if (has_provider(f) && p->filter_configuration_changed != NULL)
		p->filter_configuration_changed(p->ctx, f, now);
}

void sl_ne_filter_notify_rules_changed(struct sl_ne_filter *f, struct sl_mono now)
{
	const struct sl_ne_provider *p = &f->env.provider;
	sl_ne_filter_trace(f, (struct sl_ne_trace_event){ .event = SL_NE_EVENT_RULES_CHANGED }, now);
	if (has_provider(f) && p->handle_rules_changed != NULL)
		p->handle_rules_changed(p->ctx, f, now);
}
