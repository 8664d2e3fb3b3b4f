/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/ne_chain.h"

#include <assert.h>
#include <stdlib.h>

#include "base/util.h"

/* A flow as one filter has it. */
struct stage {
	struct sl_ne_chain_flow *of;
	struct sl_ne_flow *flow; /* NULL: not yet, or no more */
	bool finish_due;         /* the reader's end came before bytes that wait here (NE-PEEK-15) */
};

struct sl_ne_chain_flow {
	struct sl_ne_chain *chain;
	struct sl_ne_chain_flow *next; /* spare */
	void *driver;
	struct sl_ne_opening opening;
	struct stage stage[SL_NE_CHAIN_MAX];
	size_t entry; /* where bytes come in: the first, or the one that has dropped it */
	struct sl_mono close_due;
	uint32_t busy;
	bool answered, closing, dropped, closed;
};

struct sl_ne_chain {
	struct sl_ne_chain_sink sink;
	uint32_t max_flows, live;
	size_t filters;
	struct sl_ne_filter *filter[SL_NE_CHAIN_MAX];
	enum sl_ne_grade grade[SL_NE_CHAIN_MAX];
	struct sl_ne_chain_flow *spare;
	struct sl_ne_chain_flow slot[];
};

int sl_ne_chain_new(const struct sl_ne_chain_sink *sink, uint32_t max_flows, struct sl_ne_chain **out)
{
	struct sl_ne_chain *c = NULL;
	if (sink->release == NULL || sink->drop == NULL || sink->closed == NULL || max_flows == 0)
		return SL_EINVAL;
	c = (struct sl_ne_chain *)calloc(1, sizeof(*c) + max_flows * sizeof(c->slot[0]));
	if (c == NULL)
		return SL_ENOMEM;
	c->sink = *sink;
	c->max_flows = max_flows;
	for (uint32_t i = max_flows; i-- > 0;) {
		c->slot[i].next = c->spare;
		c->spare = &c->slot[i];
	}
	*out = c;
	return SL_OK;
}

void sl_ne_chain_free(struct sl_ne_chain **chain)
{
	struct sl_ne_chain *c = sl_take(chain);
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->filters; i++)
		sl_ne_filter_free(&c->filter[i]);
	free(c);
}

size_t sl_ne_chain_filters(const struct sl_ne_chain *chain)
{
	return chain->filters;
}

struct sl_ne_filter *sl_ne_chain_filter(const struct sl_ne_chain *chain, size_t place)
{
	return chain->filter[place];
}

bool sl_ne_chain_preserves(const struct sl_ne_chain *chain)
{
	bool all = true;
	for (size_t i = 0; i < chain->filters; i++)
		all = all && sl_ne_filter_env(chain->filter[i])->options.existing == SL_NE_EXISTING_PASS;
	return all;
}

/* ---- a flow and its stages ---- */

static void enter(struct sl_ne_chain_flow *f)
{
	f->busy++;
}

static void leave(struct sl_ne_chain_flow *f)
{
	if (--f->busy > 0 || !f->closed)
		return;
	f->next = f->chain->spare;
	f->chain->spare = f;
	f->chain->live--;
}

/* The last of its stages is gone. */
static void tell_closed(struct sl_ne_chain_flow *f, struct sl_mono now)
{
	for (size_t i = 0; i < f->chain->filters; i++)
		if (f->stage[i].flow != NULL)
			return;
	if (f->closed)
		return;
	f->closed = true;
	f->chain->sink.closed(f->chain->sink.ctx, f->driver, now);
}

static void end_others(struct sl_ne_chain_flow *f, size_t but, struct sl_mono now)
{
	for (size_t i = 0; i < f->chain->filters; i++) {
		struct sl_ne_flow *flow = f->stage[i].flow;
		if (i == but || flow == NULL)
			continue;
		sl_ne_flow_enter(flow);
		sl_ne_flow_end(flow, now);
		sl_ne_flow_leave(flow, now);
	}
}

/* What waits first at the stage before it is what this one's rules may look at. */
static struct sl_bytes first_bytes(const struct sl_ne_chain_flow *f, size_t place)
{
	if (place == 0)
		return f->opening.first;
	struct sl_ne_flow *before = f->stage[place - 1].flow;
	const struct sl_ne_held *held =
	        before == NULL ? NULL : sl_ne_flow_side(before, before->info.direction)->held.first;
	return held == NULL ? f->opening.first : held->packet.bytes;
}

static int open_stage(struct sl_ne_chain_flow *f, size_t place, struct sl_mono now)
{
	struct sl_ne_opening opening = f->opening;
	struct sl_ne_flow *flow = NULL;
	if (place > 0)
		opening.info =
		        *sl_ne_flow_info(f->stage[place - 1].flow); /* a name may have been found out */
	opening.first = first_bytes(f, place);
	opening.driver = &f->stage[place];
	opening.answered = f->answered;
	int err = sl_ne_filter_open_flow(f->chain->filter[place], &opening, now, &flow);
	if (flow != NULL)
		f->stage[place].flow = flow;
	return err;
}

void *sl_ne_chain_driver(const struct sl_ne_flow *flow)
{
	const struct stage *s = (const struct stage *)flow->driver;
	return s->of->driver;
}

/* Each call of a sink begins here. */
static struct stage *stage_of(struct sl_ne_flow *flow)
{
	struct stage *s = (struct stage *)flow->driver;
	if (!flow->ending) /* else it is about to go, or gone but for a packet that is on its way in */
		s->flow = flow;
	return s;
}

static size_t place_of(const struct stage *s)
{
	return (size_t)(s - s->of->stage);
}

static struct stage *after(struct stage *s)
{
	return place_of(s) + 1 < s->of->chain->filters ? s + 1 : NULL;
}

static void on_decided(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	struct sl_ne_chain *c = (struct sl_ne_chain *)ctx;
	struct stage *s = stage_of(flow);
	if (after(s) != NULL) {
		enter(s->of);
		int err = open_stage(s->of, place_of(s) + 1, now);
		assert(err == SL_OK); /* a filter has room for all flows of the chain */
		(void)err;
		leave(s->of);
	} else if (c->sink.decided != NULL) {
		c->sink.decided(c->sink.ctx, s->of->driver, now);
	}
}

static void pass_finish(struct stage *s, enum sl_ne_direction direction, struct sl_mono now)
{
	struct sl_ne_chain *c = s->of->chain;
	struct stage *next = after(s);
	if (next != NULL && next->flow != NULL)
		sl_ne_flow_finish(next->flow, direction, now);
	else if (next == NULL && c->sink.finish != NULL)
		c->sink.finish(c->sink.ctx, s->of->driver, direction, now);
}

static void on_release(void *ctx, struct sl_ne_flow *flow, enum sl_ne_direction direction,
                       const struct sl_ne_packet *packet, struct sl_mono now)
{
	struct sl_ne_chain *c = (struct sl_ne_chain *)ctx;
	struct stage *s = stage_of(flow), *next = after(s);
	enter(s->of);
	if (next == NULL)
		c->sink.release(c->sink.ctx, s->of->driver, direction, packet, now);
	else if (next->flow != NULL)
		sl_ne_filter_data(c->filter[place_of(next)], next->flow, direction, packet, now);
	else
		c->sink.drop(c->sink.ctx, s->of->driver, direction, packet, now);
	if (s->finish_due && direction == SL_NE_INBOUND &&
	    sl_ne_flow_side(flow, direction)->held.first == NULL) {
		s->finish_due = false;
		pass_finish(s, direction, now);
	}
	leave(s->of);
}

static void on_drop(void *ctx, struct sl_ne_flow *flow, enum sl_ne_direction direction,
                    const struct sl_ne_packet *packet, struct sl_mono now)
{
	struct sl_ne_chain *c = (struct sl_ne_chain *)ctx;
	c->sink.drop(c->sink.ctx, stage_of(flow)->of->driver, direction, packet, now);
}

static void on_finish(void *ctx, struct sl_ne_flow *flow, enum sl_ne_direction direction, struct sl_mono now)
{
	struct stage *s = stage_of(flow);
	(void)ctx;
	/* The next filter is told of an end after all bytes, whatever the application is told. */
	if (after(s) != NULL && sl_ne_flow_side(flow, direction)->held.first != NULL)
		s->finish_due = true;
	else
		pass_finish(s, direction, now);
}

static void on_refuse(void *ctx, struct sl_ne_flow *flow, unsigned refusal, struct sl_mono now)
{
	struct sl_ne_chain *c = (struct sl_ne_chain *)ctx;
	struct stage *s = stage_of(flow);
	struct sl_ne_chain_flow *f = s->of;
	if (f->dropped)
		return;
	f->dropped = true;
	f->entry = place_of(s);
	enter(f);
	end_others(f, f->entry, now);
	if (c->sink.refuse != NULL)
		c->sink.refuse(c->sink.ctx, f->driver, refusal, now);
	leave(f);
}

/* One filter is through with it: the next may close too, or, where a limit of time ended it, all do. */
static void on_closed(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	struct stage *s = stage_of(flow), *next = after(s);
	struct sl_ne_chain_flow *f = s->of;
	(void)ctx;
	enter(f);
	s->flow = NULL;
	if (f->closing && !f->dropped && next != NULL && next->flow != NULL)
		sl_ne_flow_close(next->flow, f->close_due, now);
	else if (!f->closing && !f->dropped)
		end_others(f, place_of(s), now);
	tell_closed(f, now);
	leave(f);
}

int sl_ne_chain_add(struct sl_ne_chain *c, enum sl_ne_grade grade, const struct sl_ne_filter_config *config,
                    struct sl_mono now, struct sl_ne_filter **out)
{
	struct sl_ne_filter_config own = *config;
	struct sl_ne_filter *filter = NULL;
	size_t place = c->filters;
	if (c->filters == SL_NE_CHAIN_MAX)
		return SL_ELIMIT;
	if (c->live > 0)
		return SL_EBUSY;
	if (config->options.max_flows < c->max_flows)
		return SL_EINVAL;
	own.sink = (struct sl_ne_sink){ c,         on_decided, on_release, on_drop,
		                        on_finish, NULL,       on_refuse,  on_closed };
	int err = sl_ne_filter_new(&own, now, &filter);
	if (err != SL_OK)
		return err;
	for (; place > 0 && c->grade[place - 1] > grade; place--) {
		c->filter[place] = c->filter[place - 1];
		c->grade[place] = c->grade[place - 1];
	}
	c->filter[place] = filter;
	c->grade[place] = grade;
	c->filters++;
	*out = filter;
	return SL_OK;
}

/* ---- the driver ---- */

int sl_ne_chain_open_flow(struct sl_ne_chain *c, const struct sl_ne_opening *opening, struct sl_mono now,
                          struct sl_ne_chain_flow **out)
{
	struct sl_ne_chain_flow *f = c->spare;
	if (f == NULL)
		return SL_ELIMIT;
	if (c->filters == 0)
		return SL_EINVAL;
	c->spare = f->next;
	c->live++;
	*f = (struct sl_ne_chain_flow){
		.chain = c, .driver = opening->driver, .opening = *opening, .answered = opening->answered
	};
	for (size_t i = 0; i < c->filters; i++)
		f->stage[i].of = f;
	enter(f);
	int err = open_stage(f, 0, now);
	f->opening.first = (struct sl_bytes){ NULL, 0 }; /* was borrowed */
	if (err != SL_OK)
		f->closed = true;
	*out = f->closed ? NULL : f;
	leave(f);
	return err;
}

/* Is there room for it, wherever in the chain it will wait? What one filter released and the next could not take would be lost. */
static bool has_room(const struct sl_ne_chain_flow *f, enum sl_ne_direction direction, size_t len)
{
	const struct sl_ne_chain *c = f->chain;
	uint64_t bytes = len, packets = 1, here = len;
	for (size_t i = 0; i < c->filters; i++) {
		const struct sl_ne_env *env = sl_ne_filter_env(c->filter[i]);
		bytes += env->held.bytes;
		packets += env->held.packets;
		if (f->stage[i].flow != NULL)
			here += sl_ne_flow_side(f->stage[i].flow, direction)->held.bytes;
	}
	for (size_t i = 0; i < c->filters; i++) {
		const struct sl_ne_options *o = &sl_ne_filter_env(c->filter[i])->options;
		if (bytes > o->max_bytes || packets > o->max_packets ||
		    (f->opening.info.socket_type == SL_NE_SOCK_STREAM && here > o->stream_bytes))
			return false;
	}
	return true;
}

void sl_ne_chain_data(struct sl_ne_chain_flow *f, enum sl_ne_direction direction,
                      const struct sl_ne_packet *packet, struct sl_mono now)
{
	struct sl_ne_chain *c = f->chain;
	struct sl_ne_flow *flow = f->stage[f->entry].flow;
	if (flow == NULL || (!f->dropped && !has_room(f, direction, packet->bytes.len))) {
		c->sink.drop(c->sink.ctx, f->driver, direction, packet, now);
		return;
	}
	f->answered = f->answered || direction != f->opening.info.direction;
	for (size_t i = 0; i < c->filters; i++) {
		if (f->stage[i].flow == NULL)
			continue;
		f->stage[i].flow->seen = now; /* idle is who hears of no packet, not who is shown none */
		f->stage[i].flow->answered = f->answered;
	}
	enter(f);
	sl_ne_filter_data(c->filter[f->entry], flow, direction, packet, now);
	leave(f);
}

void sl_ne_chain_answered(struct sl_ne_chain_flow *f)
{
	f->answered = true;
	for (size_t i = 0; i < f->chain->filters; i++)
		if (f->stage[i].flow != NULL)
			sl_ne_flow_answered(f->stage[i].flow);
}

void sl_ne_chain_finish(struct sl_ne_chain_flow *f, enum sl_ne_direction direction, struct sl_mono now)
{
	if (f->stage[f->entry].flow == NULL)
		return;
	enter(f);
	sl_ne_flow_finish(f->stage[f->entry].flow, direction, now);
	leave(f);
}

void sl_ne_chain_close(struct sl_ne_chain_flow *f, struct sl_mono now)
{
	struct sl_ne_flow *flow = f->stage[f->entry].flow;
	if (f->closing || flow == NULL)
		return;
	f->closing = true;
	f->close_due = sl_mono_add(now, sl_ne_filter_env(f->chain->filter[0])->options.close_wait);
	enter(f);
	sl_ne_flow_close(flow, f->close_due, now);
	leave(f);
}

bool sl_ne_chain_due(const struct sl_ne_chain *chain, struct sl_mono *due)
{
	struct sl_mono one;
	bool any = false;
	for (size_t i = 0; i < chain->filters; i++) {
		if (!sl_ne_filter_due(chain->filter[i], &one))
			continue;
		if (!any || one.us < due->us)
			*due = one;
		any = true;
	}
	return any;
}

void sl_ne_chain_tick(struct sl_ne_chain *chain, struct sl_mono now)
{
	for (size_t i = 0; i < chain->filters; i++)
		sl_ne_filter_tick(chain->filter[i], now);
}
