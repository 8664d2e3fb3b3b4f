/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/provider_external.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "daemon/provider_external_impl.h"

enum {
	LOG_MAX = 1536,
	RESERVE = 512 * 1024 /* of the buffer, for what is no question */,
	TRIED_EACH = 10 /* deadlines */
};

void sl_provider_say_log(struct sl_provider_external *x, bool trouble, const char *fmt, ...)
{
	char text[LOG_MAX];
	va_list ap;
	if (x->config.say == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '.';
	x->config.say(x->config.ctx, trouble, text);
}

/* ---- messages that ask nothing ---- */

struct sl_out sl_provider_note_begin(struct sl_provider_external *x)
{
	return sl_provider_link_begin(&x->link, 0);
}

void sl_provider_note_end(struct sl_provider_external *x, const struct sl_out *o)
{
	if (x->gone || sl_provider_link_end(&x->link, o))
		return;
	x->gone = true; /* what it would believe from now on is wrong */
	x->counters.unread++;
	sl_provider_say_log(x, true,
	                    "provider: %zu bytes wait, and it does not read them; it is closed, and may "
	                    "come again",
	                    x->link.out_len);
}

static void note(struct sl_provider_external *x, const char *message)
{
	struct sl_out o = sl_provider_note_begin(x);
	sl_provider_say(&o, message);
	sl_provider_note_end(x, &o);
}

void sl_provider_note_configuration(struct sl_provider_external *x)
{
	const struct sl_ne_configuration *c = sl_ne_filter_configuration(x->filter);
	struct sl_out o = sl_provider_note_begin(x);
	sl_provider_say_configuration(&o, c->filter_sockets, c->vendor_configuration);
	sl_provider_note_end(x, &o);
}

/* ---- questions ---- */

static struct sl_ne_verdict of_callback(const struct sl_ne_flow *flow, enum sl_ne_verdict_kind kind)
{
	return (struct sl_ne_verdict){ .of = sl_provider_class(flow), .kind = kind };
}

struct sl_ne_verdict sl_provider_default(const struct sl_provider_external *x, const struct sl_ne_flow *flow)
{
	return of_callback(flow, x->config.options.late == SL_NE_LATE_ALLOW ? SL_NE_VERDICT_ALLOW
	                                                                    : SL_NE_VERDICT_DROP);
}

/* It has said nothing for a deadline, though it was asked: it is tried again once in ten, so that a client whose connections come one
 * after the other does not wait for each. */
static bool is_stuck(const struct sl_provider_external *x, struct sl_mono now)
{
	struct sl_span limit = x->config.options.answer, again = { limit.us * TRIED_EACH };
	return limit.us > 0 && x->silent && sl_mono_reached(now, sl_mono_add(x->asked_first, limit)) &&
	       !sl_mono_reached(now, sl_mono_add(x->asked_last, again));
}

/* May it be asked about the flow? Where not, one of the counters moves. */
static struct sl_provider_flow *askable(struct sl_provider_external *x, struct sl_ne_flow *flow,
                                        struct sl_mono now)
{
	struct sl_provider_flow *e = (struct sl_provider_flow *)sl_ne_flow_user(flow);
	if (!x->there || x->gone) {
		x->counters.absent++;
		return NULL;
	}
	if (is_stuck(x, now)) {
		x->counters.stuck++;
		return NULL;
	}
	if (e == NULL)
		e = sl_provider_flows_add(&x->flows, flow);
	if (e == NULL)
		x->counters.full++;
	else
		sl_ne_flow_set_user(flow, e);
	return e;
}

static struct sl_out question_begin(struct sl_provider_external *x)
{
	return sl_provider_link_begin(&x->link, RESERVE);
}

static struct sl_ne_verdict question_end(struct sl_provider_external *x, struct sl_provider_flow *e,
                                         const struct sl_out *o, struct sl_mono now)
{
	if (!sl_provider_link_end(&x->link, o)) {
		x->counters.full++;
		return sl_provider_default(x, e->flow);
	}
	e->question = ++x->question;
	if (e->number > x->last_flow)
		x->last_flow = e->number;
	x->counters.questions++;
	if (!x->silent)
		x->asked_first = now;
	x->asked_last = now;
	x->silent = true;
	return of_callback(e->flow, SL_NE_VERDICT_LATER);
}

static struct sl_ne_verdict on_new_flow(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	struct sl_provider_external *x = (struct sl_provider_external *)ctx;
	struct sl_provider_flow *e = askable(x, flow, now);
	if (e == NULL)
		return sl_provider_default(x, flow);
	struct sl_out o = question_begin(x);
	sl_provider_say_new_flow(&o, e->number, x->question + 1, sl_ne_flow_info(flow));
	return question_end(x, e, &o, now);
}

static struct sl_ne_verdict on_data(struct sl_provider_external *x, enum sl_ne_event callback,
                                    struct sl_ne_flow *flow, const struct sl_ne_read_bytes *bytes,
                                    struct sl_mono now)
{
	struct sl_provider_flow *e = askable(x, flow, now);
	if (e == NULL)
		return sl_provider_default(x, flow);
	struct sl_out o = question_begin(x);
	sl_provider_say_data(&o, callback, e->number, x->question + 1, sl_ne_flow_info(flow), bytes,
	                     x->scratch);
	return question_end(x, e, &o, now);
}

static struct sl_ne_verdict on_inbound(void *ctx, struct sl_ne_flow *flow,
                                       const struct sl_ne_read_bytes *bytes, struct sl_mono now)
{
	return on_data((struct sl_provider_external *)ctx, SL_NE_EVENT_INBOUND_DATA, flow, bytes, now);
}

static struct sl_ne_verdict on_outbound(void *ctx, struct sl_ne_flow *flow,
                                        const struct sl_ne_read_bytes *bytes, struct sl_mono now)
{
	return on_data((struct sl_provider_external *)ctx, SL_NE_EVENT_OUTBOUND_DATA, flow, bytes, now);
}

static struct sl_ne_verdict on_complete(struct sl_provider_external *x, enum sl_ne_event callback,
                                        struct sl_ne_flow *flow, struct sl_mono now)
{
	struct sl_provider_flow *e = askable(x, flow, now);
	if (e == NULL)
		return sl_provider_default(x, flow);
	struct sl_out o = question_begin(x);
	sl_provider_say_complete(&o, callback, e->number, x->question + 1);
	return question_end(x, e, &o, now);
}

static struct sl_ne_verdict on_inbound_complete(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	return on_complete((struct sl_provider_external *)ctx, SL_NE_EVENT_INBOUND_COMPLETE, flow, now);
}

static struct sl_ne_verdict on_outbound_complete(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	return on_complete((struct sl_provider_external *)ctx, SL_NE_EVENT_OUTBOUND_COMPLETE, flow, now);
}

/* ---- the filter's life ---- */

/* Where nobody is there, start waits for one that says hello. */
static void on_start(void *ctx, struct sl_ne_filter *filter, struct sl_mono now)
{
	struct sl_provider_external *x = (struct sl_provider_external *)ctx;
	(void)now;
	x->filter = filter;
	if (x->there && !x->gone)
		note(x, "startFilter");
}

static void on_stop(void *ctx, struct sl_ne_filter *filter, enum sl_ne_stop_reason reason, struct sl_mono now)
{
	struct sl_provider_external *x = (struct sl_provider_external *)ctx;
	if (x->there && !x->gone) {
		struct sl_out o = sl_provider_note_begin(x);
		sl_provider_say_stop(&o, reason);
		sl_provider_note_end(x, &o);
	}
	if (!x->there || x->gone)
		(void)sl_ne_filter_stopped(filter, now);
}

static void on_report(void *ctx, struct sl_ne_flow *flow, const struct sl_ne_report *report,
                      struct sl_mono now)
{
	struct sl_provider_external *x = (struct sl_provider_external *)ctx;
	(void)now;
	if (!x->there || x->gone || sl_ne_flow_user(flow) == NULL)
		return;
	struct sl_out o = sl_provider_note_begin(x);
	sl_provider_say_report(&o, flow->number, report);
	sl_provider_note_end(x, &o);
}

static void on_rules_changed(void *ctx, struct sl_ne_filter *filter, struct sl_mono now)
{
	struct sl_provider_external *x = (struct sl_provider_external *)ctx;
	(void)filter, (void)now;
	if (x->there && !x->gone)
		note(x, sl_ne_event_name(SL_NE_EVENT_RULES_CHANGED));
}

static void on_sleep(void *ctx, struct sl_ne_filter *filter, struct sl_mono now)
{
	struct sl_provider_external *x = (struct sl_provider_external *)ctx;
	if (x->there && !x->gone)
		note(x, sl_ne_event_name(SL_NE_EVENT_SLEEP));
	if (!x->there || x->gone)
		(void)sl_ne_filter_asleep(filter, now);
}

static void on_wake(void *ctx, struct sl_ne_filter *filter, struct sl_mono now)
{
	struct sl_provider_external *x = (struct sl_provider_external *)ctx;
	(void)filter, (void)now;
	if (x->there && !x->gone)
		note(x, sl_ne_event_name(SL_NE_EVENT_WAKE));
}

static void on_configuration(void *ctx, struct sl_ne_filter *filter, struct sl_mono now)
{
	struct sl_provider_external *x = (struct sl_provider_external *)ctx;
	(void)filter, (void)now;
	if (x->there && !x->gone)
		sl_provider_note_configuration(x);
}

static void on_released(void *ctx, struct sl_ne_flow *flow)
{
	struct sl_provider_external *x = (struct sl_provider_external *)ctx;
	struct sl_provider_flow *e = (struct sl_provider_flow *)sl_ne_flow_user(flow);
	if (e == NULL)
		return; /* it was never told of it */
	if (x->there && !x->gone) {
		struct sl_out o = sl_provider_note_begin(x);
		sl_provider_say_released(&o, e->number);
		sl_provider_note_end(x, &o);
	}
	sl_provider_flows_remove(&x->flows, e);
}

/* ---- from beginning to end ---- */

static void on_close(struct sl_ne_source *source)
{
	struct sl_provider_external *x = (struct sl_provider_external *)source;
	sl_provider_flush(x, (struct sl_mono){ 0 });
	sl_provider_link_close(&x->link);
	sl_provider_flows_end(&x->flows);
	free(x->scratch);
	free(x);
}

static void describe(struct sl_provider_external *x)
{
	x->source = (struct sl_ne_source){
		.provider = { .ctx = x,
		              .start_filter = on_start,
		              .stop_filter = on_stop,
		              .handle_new_flow = on_new_flow,
		              .handle_inbound_data_from_flow = on_inbound,
		              .handle_outbound_data_from_flow = on_outbound,
		              .handle_inbound_data_complete_for_flow = on_inbound_complete,
		              .handle_outbound_data_complete_for_flow = on_outbound_complete,
		              .handle_report = on_report,
		              .handle_rules_changed = on_rules_changed,
		              .sleep = on_sleep,
		              .wake = on_wake,
		              .filter_configuration_changed = on_configuration,
		              .flow_released = on_released },
		.needs = SL_NE_NEEDS_ALL,
		.ctx = x,
		.fd = x->link.epoll,
		.events = POLLIN,
		.ready = sl_provider_ready,
		.due = sl_provider_due,
		.expired = sl_provider_expired,
		.flush = sl_provider_flush,
		.close = on_close,
	};
}

int sl_provider_external_new(const struct sl_provider_config *config, struct sl_ne_source **out)
{
	struct sl_provider_external *x = (struct sl_provider_external *)calloc(1, sizeof(*x));
	struct sl_provider_link closed = { .listen = config->listen, .epoll = -1, .conn = -1 };
	int err = x == NULL ? SL_ENOMEM : SL_OK;
	if (err == SL_OK && (config->buffer < SL_PROVIDER_BUFFER_MIN || config->options.max_flows == 0))
		err = SL_EINVAL;
	if (err != SL_OK) {
		sl_provider_link_close(&closed);
		free(x);
		return err;
	}
	x->config = *config;
	x->config.listen = -1;
	err = sl_provider_link_open(config->listen, config->buffer, &x->link);
	if (err == SL_OK)
		err = sl_provider_flows_init(&x->flows, config->options.max_flows);
	if (err == SL_OK && (x->scratch = (uint8_t *)malloc(SL_PROVIDER_BYTES_MAX)) == NULL)
		err = SL_ENOMEM;
	describe(x);
	if (err != SL_OK)
		on_close(&x->source);
	else
		*out = &x->source;
	return err;
}

static const struct sl_provider_external *of_source(const struct sl_ne_source *source)
{
	return (const struct sl_provider_external *)source;
}

const struct sl_provider_counters *sl_provider_external_counters(const struct sl_ne_source *source)
{
	return &of_source(source)->counters;
}

bool sl_provider_external_is_there(const struct sl_ne_source *source)
{
	return of_source(source)->there && !of_source(source)->gone;
}

bool sl_provider_external_is_asked(const struct sl_ne_source *source)
{
	const struct sl_provider_external *x = of_source(source);
	if (!sl_provider_external_is_there(source) || x->filter == NULL)
		return false;
	enum sl_ne_filter_state state = sl_ne_filter_state(x->filter);
	if (state == SL_NE_FILTER_STARTING || state == SL_NE_FILTER_STOPPING ||
	    sl_ne_filter_is_falling_asleep(x->filter))
		return true;
	for (uint32_t i = 0; i < x->flows.cap; i++)
		if (x->flows.entry[i].question != 0 && x->flows.entry[i].flow->wait == SL_NE_WAIT_ANSWER)
			return true;
	return false;
}
