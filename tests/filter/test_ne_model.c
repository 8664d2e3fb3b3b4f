/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_ne_model.c [SEQUENCES [FIRST]] - random sequences of events, each from a seed of its own, through a filter with a provider that
 * answers at random, illegal verdicts and calls from inside of callbacks included. A model that sees only what the driver is told and
 * the provider is asked holds it to the invariants:
 *   offsets never fall (NE-PEEK-02..04); nothing passes and nothing is shown before the first verdict (NE-NFV-11); spans begin where
 *   what was passed ends and show something new (NE-PEEK-07, -08); packets go on in their order, each once (NE-PEEK-06), and not before
 *   they were passed; bytes in = released + dropped + held; no callback while a flow is paused, waits or is dropped (NE-CB-08, NE-DROP-04);
 *   Complete once a direction, after all its bytes (NE-CB-05); an undecided datagram flow ends within its limit, an idle one too
 *   (NE-TIME-01, -03), an undecided TCP flow never (NE-TIME-02); a close waits 1 s at most (NE-TIME-04); nothing comes after closed (NE-CB-06).
 * A failure names the sequence, which runs alone as: test_filter_ne_model 1 NUMBER */
#include "filter/ne_filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"

enum { FLOWS = 3, EVENTS = 24, PACKETS = 64, MS = 1000 };

static unsigned long sequences = 100000, first_sequence = 1;
static bool talks; /* one sequence alone: say what happens */

struct model_side {
	uint64_t released;          /* by what the sink was told */
	uint64_t next_in, next_out; /* numbers of packets, in order */
	uint64_t end[PACKETS];      /* of each packet taken */
	uint64_t taken;             /* bytes that were not refused */
	uint64_t shown;             /* how far */
	bool finished, finish_passed, completed;
	bool handed; /* a packet is being handed over */
	bool told;   /* that it stalls */
	bool stuck;  /* and nothing has moved it since */
	struct sl_ne_window before;
};

struct model_flow {
	struct sl_ne_flow *flow;
	struct model_side side[2]; /* outbound, inbound */
	bool stream, decided, closed, dropped, open;
	bool quiet; /* paused, or asked later: no callbacks */
	bool again; /* the control provider had new rules: the same question may come again */
	bool asking, known;
	struct sl_mono acted; /* the provider last did something */
	struct sl_mono paused;
	struct sl_mono waiting; /* since when something waits for a verdict */
	struct sl_mono seen, close_due;
	bool is_waiting, closing;
};

struct model {
	uint64_t x; /* of the random numbers */
	unsigned long sequence;
	struct sl_ne_filter *filter;
	struct sl_ne_env *env;
	struct sl_ne_options options;
	struct sl_mono now;
	struct model_flow flow[FLOWS];
	bool insists; /* the control provider always has new rules, the data provider wants them */
	unsigned depth;
	uint64_t events;
};

#define CHECK(m, what)                                                                          \
	do {                                                                                    \
		if (!(what))                                                                    \
			fail_msg("sequence %lu: %s (line %d)", (m)->sequence, #what, __LINE__); \
	} while (0)

static uint64_t draw(struct model *m, uint64_t n)
{
	m->x ^= m->x << 13;
	m->x ^= m->x >> 7;
	m->x ^= m->x << 17;
	return (m->x >> 11) % n;
}

static struct model_flow *model_of(struct model *m, struct sl_ne_flow *flow)
{
	struct model_flow *f = (struct model_flow *)flow->driver;
	CHECK(m, f != NULL && (f->flow == flow || f->flow == NULL));
	f->flow = flow;
	return f;
}

static struct model_side *side_of(struct model_flow *f, enum sl_ne_direction direction)
{
	return &f->side[direction == SL_NE_INBOUND];
}

/* ---- what the provider does ---- */

static uint64_t amount(struct model *m)
{
	static const uint64_t some[] = {
		0, 0, 1, 3, 10, 40, 200, SL_NE_BYTES_MAX - 1, SL_NE_BYTES_MAX, SL_NE_BYTES_MAX
	};
	return some[draw(m, SL_COUNT(some))];
}

static struct sl_ne_verdict any_verdict(struct model *m, enum sl_ne_verdict_of of)
{
	static const enum sl_ne_verdict_kind
	        new_flow[] = { SL_NE_VERDICT_ALLOW,       SL_NE_VERDICT_DROP,
		               SL_NE_VERDICT_FILTER_DATA, SL_NE_VERDICT_FILTER_DATA,
		               SL_NE_VERDICT_FILTER_DATA, SL_NE_VERDICT_FILTER_DATA,
		               SL_NE_VERDICT_PAUSE,       SL_NE_VERDICT_NEED_RULES,
		               SL_NE_VERDICT_REMEDIATE,   SL_NE_VERDICT_URL_APPEND_STRING,
		               SL_NE_VERDICT_LATER,       SL_NE_VERDICT_DATA },
	        data[] = { SL_NE_VERDICT_ALLOW,      SL_NE_VERDICT_DROP,  SL_NE_VERDICT_DATA,
		           SL_NE_VERDICT_DATA,       SL_NE_VERDICT_DATA,  SL_NE_VERDICT_DATA,
		           SL_NE_VERDICT_DATA,       SL_NE_VERDICT_DATA,  SL_NE_VERDICT_PAUSE,
		           SL_NE_VERDICT_NEED_RULES, SL_NE_VERDICT_LATER, SL_NE_VERDICT_FILTER_DATA };
	struct sl_ne_verdict v = { .of = draw(m, 16) == 0 ? SL_NE_DATA_VERDICT : of, .map_key = "k" };
	v.kind = of == SL_NE_NEW_FLOW_VERDICT ? new_flow[draw(m, SL_COUNT(new_flow))]
	                                      : data[draw(m, SL_COUNT(data))];
	if (m->insists && draw(m, 16) != 0)
		v.kind = SL_NE_VERDICT_NEED_RULES;
	v.filter_inbound = draw(m, 4) != 0;
	v.filter_outbound = draw(m, 4) != 0;
	v.peek_inbound_bytes = amount(m);
	v.peek_outbound_bytes = amount(m);
	v.pass_bytes = amount(m);
	v.peek_bytes = amount(m);
	v.remediation_url_map_key = draw(m, 2) == 0 ? NULL : "u";
	v.remediation_button_text_map_key = "b";
	v.should_report = draw(m, 4) == 0;
	v.statistics_report_frequency = (enum sl_ne_frequency)draw(m, 5); /* 4 is none */
	return v;
}

static void provider_call(struct model *m, struct model_flow *f)
{
	struct sl_ne_verdict v =
	        any_verdict(m, f->flow->question.callback == SL_NE_EVENT_NEW_FLOW ? SL_NE_NEW_FLOW_VERDICT
	                                                                          : SL_NE_DATA_VERDICT);
	switch (draw(m, 5)) {
	case 0:
		(void)sl_ne_resume_flow(f->flow, &v, m->now);
		break;
	case 1:
		(void)sl_ne_answer_flow(f->flow, &v, m->now);
		break;
	case 2:
		(void)sl_ne_control_verdict(f->flow, (enum sl_ne_control_verdict)draw(m, 3), draw(m, 2) == 0,
		                            m->now);
		break;
	default:
		v = any_verdict(m, SL_NE_DATA_VERDICT);
		(void)sl_ne_update_flow(f->flow, &v, (enum sl_ne_direction)draw(m, 3), m->now);
	}
}

/* Now and then a callback makes calls, about any flow. */
static void call_from_inside(struct model *m)
{
	struct model_flow *f = &m->flow[draw(m, FLOWS)];
	if (m->depth > 2 || draw(m, 8) != 0)
		return;
	m->depth++;
	if (f->flow != NULL && !f->closed)
		provider_call(m, f);
	m->depth--;
}

static void may_be_asked(struct model *m, struct model_flow *f)
{
	CHECK(m, !f->closed && !f->dropped && !f->quiet && !f->open && !f->asking);
}

static struct sl_ne_verdict on_new_flow(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	struct model *m = (struct model *)ctx;
	struct model_flow *f = model_of(m, flow);
	(void)now;
	may_be_asked(m, f);
	CHECK(m, f->side[0].released + f->side[1].released == 0 || f->decided);
	f->known = true;
	f->asking = true;
	call_from_inside(m);
	f->asking = false;
	return any_verdict(m, SL_NE_NEW_FLOW_VERDICT);
}

static struct sl_ne_verdict data(struct model *m, struct sl_ne_flow *flow, enum sl_ne_direction direction,
                                 const struct sl_ne_read_bytes *bytes)
{
	struct model_flow *f = model_of(m, flow);
	struct model_side *s = side_of(f, direction);
	uint64_t end = bytes->start_offset + bytes->len, got = 0;
	const struct sl_ne_window *w = &sl_ne_flow_side(flow, direction)->window;
	struct sl_ne_read_bytes rest = *bytes;
	struct sl_bytes piece;
	may_be_asked(m, f);
	CHECK(m, f->decided && !s->completed && bytes->len > 0);
	CHECK(m, !s->stuck); /* NE-PEEK-09 */
	/* New bytes or bytes asked for again after new rules; all there, none of them passed, none beyond the window. */
	CHECK(m, end <= s->taken && end <= w->peek && (end > s->shown || f->again));
	CHECK(m, bytes->start_offset >= s->released && end > s->released);
	CHECK(m, m->options.redeliver || bytes->start_offset >= s->shown || f->again);
	f->again = false;
	while (sl_ne_read_bytes_next(&rest, &piece))
		got += piece.len;
	CHECK(m, got == bytes->len);
	s->shown = end;
	f->asking = true;
	call_from_inside(m);
	f->asking = false;
	return any_verdict(m, SL_NE_DATA_VERDICT);
}

static struct sl_ne_verdict on_inbound(void *ctx, struct sl_ne_flow *flow,
                                       const struct sl_ne_read_bytes *bytes, struct sl_mono now)
{
	(void)now;
	return data((struct model *)ctx, flow, SL_NE_INBOUND, bytes);
}

static struct sl_ne_verdict on_outbound(void *ctx, struct sl_ne_flow *flow,
                                        const struct sl_ne_read_bytes *bytes, struct sl_mono now)
{
	(void)now;
	return data((struct model *)ctx, flow, SL_NE_OUTBOUND, bytes);
}

static struct sl_ne_verdict complete(struct model *m, struct sl_ne_flow *flow, enum sl_ne_direction direction)
{
	struct model_flow *f = model_of(m, flow);
	struct model_side *s = side_of(f, direction);
	may_be_asked(m, f);
	CHECK(m, f->decided && (s->finished || f->closing));
	CHECK(m, !s->completed || f->again);
	f->again = false;
	/* Every byte was shown, or went. */
	CHECK(m, s->shown >= s->taken || s->released == s->taken ||
	                 sl_ne_flow_side(flow, direction)->window.shown >= s->taken);
	s->completed = true;
	s->stuck = false;
	call_from_inside(m);
	return any_verdict(m, SL_NE_DATA_VERDICT);
}

static struct sl_ne_verdict on_inbound_complete(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	(void)now;
	return complete((struct model *)ctx, flow, SL_NE_INBOUND);
}

static struct sl_ne_verdict on_outbound_complete(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	(void)now;
	return complete((struct model *)ctx, flow, SL_NE_OUTBOUND);
}

static void on_control(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	struct model *m = (struct model *)ctx;
	if (m->insists)
		(void)sl_ne_control_verdict(flow, SL_NE_CONTROL_UPDATE_RULES, false, now);
	else if (draw(m, 2) == 0)
		(void)sl_ne_control_verdict(flow, (enum sl_ne_control_verdict)draw(m, 3), draw(m, 2) == 0,
		                            now);
}

static void on_report(void *ctx, struct sl_ne_flow *flow, const struct sl_ne_report *report,
                      struct sl_mono now)
{
	struct model *m = (struct model *)ctx;
	struct model_flow *f = model_of(m, flow);
	(void)now;
	CHECK(m, !f->closed);
	if (report->event == SL_NE_REPORT_FLOW_CLOSED)
		CHECK(m, report->bytes_inbound_count + report->bytes_outbound_count ==
		                 sl_ne_flow_side(flow, SL_NE_INBOUND)->received +
		                         sl_ne_flow_side(flow, SL_NE_OUTBOUND)->received);
	call_from_inside(m);
}

static enum sl_ne_remediation_verdict on_remediation(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	struct model *m = (struct model *)ctx;
	(void)flow, (void)now;
	call_from_inside(m);
	return SL_NE_REMEDIATION_NEED_RULES;
}

static void on_filter_event(void *ctx, struct sl_ne_filter *filter, struct sl_mono now)
{
	(void)filter, (void)now;
	call_from_inside((struct model *)ctx);
}

/* Whoever was asked is told once that it is over. */
static void on_released(void *ctx, struct sl_ne_flow *flow)
{
	struct model *m = (struct model *)ctx;
	struct model_flow *f = (struct model_flow *)flow->driver;
	CHECK(m, f->known);
	f->known = false;
	f->quiet = false; /* what it said is nobody's any more */
}

static void on_start(void *ctx, struct sl_ne_filter *filter, struct sl_mono now)
{
	struct model *m = (struct model *)ctx;
	if (draw(m, 4) != 0)
		(void)sl_ne_filter_started(filter, draw(m, 8) == 0 ? SL_EINVAL : SL_OK, now);
}

static void on_stop(void *ctx, struct sl_ne_filter *filter, enum sl_ne_stop_reason reason, struct sl_mono now)
{
	struct model *m = (struct model *)ctx;
	(void)reason;
	if (draw(m, 2) == 0)
		(void)sl_ne_filter_stopped(filter, now);
}

/* ---- what the driver is told ---- */

static void on_decided(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	struct model *m = (struct model *)ctx;
	struct model_flow *f = model_of(m, flow);
	(void)now;
	CHECK(m, !f->decided && !f->closed && !f->dropped);
	f->decided = true;
}

static void on_release(void *ctx, struct sl_ne_flow *flow, enum sl_ne_direction direction,
                       const struct sl_ne_packet *packet, struct sl_mono now)
{
	struct model *m = (struct model *)ctx;
	struct model_flow *f = model_of(m, flow);
	struct model_side *s = side_of(f, direction);
	(void)now;
	CHECK(m, f->decided && !f->closed && !f->dropped);                              /* NE-NFV-11 */
	CHECK(m, packet->token == s->next_out && s->next_out < s->next_in);             /* in order, once */
	CHECK(m, s->end[s->next_out] <= sl_ne_flow_side(flow, direction)->window.pass); /* NE-PEEK-06 */
	CHECK(m, !s->finish_passed || direction == SL_NE_INBOUND);
	s->handed = s->handed && packet->token + 1 != s->next_in;
	s->next_out++;
	s->released += packet->bytes.len;
}

static void on_drop(void *ctx, struct sl_ne_flow *flow, enum sl_ne_direction direction,
                    const struct sl_ne_packet *packet, struct sl_mono now)
{
	struct model *m = (struct model *)ctx;
	struct model_flow *f = model_of(m, flow);
	struct model_side *s = side_of(f, direction);
	(void)now;
	if (s->handed &&
	    packet->token + 1 == s->next_in) { /* the newest, not taken: the numbers go on without it */
		s->handed = false;
		s->next_in--;
		s->taken -= packet->bytes.len;
		return;
	}
	CHECK(m, packet->token == s->next_out && s->next_out < s->next_in); /* it waited */
	s->next_out++;
}

static void on_finish(void *ctx, struct sl_ne_flow *flow, enum sl_ne_direction direction, struct sl_mono now)
{
	struct model *m = (struct model *)ctx;
	struct model_flow *f = model_of(m, flow);
	struct model_side *s = side_of(f, direction);
	(void)now;
	CHECK(m, f->decided && s->finished && !s->finish_passed && !f->closed);
	CHECK(m, direction == SL_NE_INBOUND || s->next_out == s->next_in); /* NE-PEEK-15 */
	s->finish_passed = true;
}

static void on_detached(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	struct model *m = (struct model *)ctx;
	struct model_flow *f = model_of(m, flow);
	(void)now;
	CHECK(m, f->decided && !f->open && !f->closed && !f->dropped);
	f->open = true;
	f->quiet = false;
}

static void on_refuse(void *ctx, struct sl_ne_flow *flow, unsigned refusal, struct sl_mono now)
{
	struct model *m = (struct model *)ctx;
	struct model_flow *f = model_of(m, flow);
	(void)refusal;
	(void)now;
	CHECK(m, !f->dropped && !f->closed);
	f->dropped = true;
	f->quiet = false;
}

static void on_closed(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	struct model *m = (struct model *)ctx;
	struct model_flow *f = model_of(m, flow);
	(void)now;
	CHECK(m, !f->closed);
	for (unsigned d = 0; d < 2; d++) /* nothing is left, but what is on its way in */
		CHECK(m, f->side[d].next_in - f->side[d].next_out <= f->side[d].handed);
	f->closed = true;
}

/* Offsets never fall, sums are right (and no event after the last one). */
static void check_side(struct model *m, struct model_side *s, const struct sl_ne_trace_side *t)
{
	const struct sl_ne_window *w = &t->window, *b = &s->before;
	CHECK(m, w->pass >= b->pass && w->peek >= b->peek && w->shown >= b->shown);
	CHECK(m, w->peek >= w->pass);
	CHECK(m, t->received >= t->released + t->dropped);
	s->before = *w;
}

static bool is_action(enum sl_ne_event event)
{
	return (event >= SL_NE_EVENT_NEW_FLOW && event <= SL_NE_EVENT_OUTBOUND_COMPLETE) ||
	       event == SL_NE_EVENT_CONTROL_VERDICT || event == SL_NE_EVENT_RESUME ||
	       event == SL_NE_EVENT_UPDATE || event == SL_NE_EVENT_ANSWER;
}

/* Told once, of a direction of which something waits. */
static void check_stall(struct model *m, struct model_flow *f, struct model_side *s)
{
	CHECK(m, f->decided && !f->quiet && !s->told && s->next_in > s->next_out);
	s->told = s->stuck = true;
}

static void on_trace(void *ctx, const struct sl_ne_trace_event *e)
{
	struct model *m = (struct model *)ctx;
	m->events++;
	if (talks)
		print_message("%lld %llu %s d%d %llu+%llu in P%lld K%lld S%lld W%lld out P%lld K%lld S%lld "
		              "W%lld %s\n",
		              (long long)e->time.us / MS, (unsigned long long)e->number,
		              sl_ne_event_name(e->event), (int)e->direction,
		              (unsigned long long)e->start_offset, (unsigned long long)e->len,
		              (long long)e->inbound.window.pass, (long long)e->inbound.window.peek,
		              (long long)e->inbound.window.shown, (long long)e->inbound.window.seen,
		              (long long)e->outbound.window.pass, (long long)e->outbound.window.peek,
		              (long long)e->outbound.window.shown, (long long)e->outbound.window.seen,
		              e->verdict == NULL ? "" : sl_ne_verdict_kind_name(e->verdict->kind));
	if (e->flow == NULL)
		return;
	struct model_flow *f = (struct model_flow *)e->flow->driver;
	if (f == NULL)
		return; /* still being made */
	CHECK(m, !f->closed);
	check_side(m, &f->side[0], &e->outbound);
	check_side(m, &f->side[1], &e->inbound);
	if (is_action(e->event) && (e->verdict == NULL || e->verdict->kind != SL_NE_VERDICT_LATER))
		f->acted = e->time;
	if (e->event == SL_NE_EVENT_STALL)
		check_stall(m, f, side_of(f, e->direction));
	if (e->event == SL_NE_EVENT_UPDATE)
		f->side[0].stuck = f->side[1].stuck = false;
	if (e->event == SL_NE_EVENT_CONTROL_VERDICT && e->control == SL_NE_CONTROL_UPDATE_RULES)
		f->again = true;
	if (e->flow->wait == SL_NE_WAIT_NONE)
		f->quiet = false;
}

/* ---- after each event ---- */

static void check_flow(struct model *m, struct model_flow *f)
{
	struct sl_ne_flow *flow = f->flow;
	bool waits = flow->state == SL_NE_FLOW_NEW ||
	             (flow->state == SL_NE_FLOW_FILTERED &&
	              (flow->wait != SL_NE_WAIT_NONE || f->side[0].next_in != f->side[0].next_out ||
	               f->side[1].next_in != f->side[1].next_out));
	for (unsigned d = SL_NE_INBOUND; d <= SL_NE_OUTBOUND; d++) {
		const struct model_side *s = side_of(f, (enum sl_ne_direction)d);
		const struct sl_ne_side *real = sl_ne_flow_side(flow, (enum sl_ne_direction)d);
		CHECK(m, real->released == s->released);
		CHECK(m, real->received == real->released + real->dropped + real->held.bytes);
		CHECK(m, real->held.packets == s->next_in - s->next_out);
		/* What may go has gone. */
		CHECK(m, !f->decided || f->dropped || s->next_in == s->next_out ||
		                 s->end[s->next_out] > real->window.pass);
	}
	if (waits && !f->is_waiting)
		f->waiting = m->now;
	f->is_waiting = waits;
	if (flow->wait == SL_NE_WAIT_PAUSE && !f->quiet)
		f->paused = m->now;
	f->quiet = flow->wait == SL_NE_WAIT_PAUSE || flow->wait == SL_NE_WAIT_RULES ||
	           flow->wait == SL_NE_WAIT_ANSWER;
	CHECK(m, flow->state != SL_NE_FLOW_CLOSED);
	/* Nobody is there to decide (NE-FAIL-03). */
	CHECK(m, sl_ne_filter_state(m->filter) != SL_NE_FILTER_STOPPED || !waits);
	if (f->stream)
		return;
	/* Nothing of a datagram flow lasts longer than its limit, and the collector's ten seconds. */
	int64_t late = m->options.collector.us,
	        since = f->waiting.us > f->acted.us ? f->waiting.us : f->acted.us;
	CHECK(m, !waits || m->now.us < since + m->options.undecided.us + (late > 0 ? late : 1));
	CHECK(m, m->now.us < f->seen.us + m->options.idle.us + (late > 0 ? late : 1));
}

static void check_all(struct model *m)
{
	uint32_t packets = 0;
	for (unsigned i = 0; i < FLOWS; i++) {
		struct model_flow *f = &m->flow[i];
		if (f->closed || f->flow == NULL) {
			CHECK(m, !f->known);
			memset(f, 0, sizeof(*f));
			continue;
		}
		check_flow(m, f);
		CHECK(m, !f->closing || m->now.us <= f->close_due.us);
		for (unsigned d = 0; d < 2; d++)
			packets += (uint32_t)(f->side[d].next_in - f->side[d].next_out);
	}
	CHECK(m, packets == m->env->held.packets);
	CHECK(m, packets > 0 || m->env->held.bytes == 0);
}

/* ---- events ---- */

static void open_flow(struct model *m, struct model_flow *f)
{
	struct sl_ne_opening opening = {
		.info = { .direction = draw(m, 2) == 0 ? SL_NE_INBOUND : SL_NE_OUTBOUND,
		          .remote = { .type = SL_NE_HOST_IPV4,
		                      .addr = { draw(m, 8) == 0 ? 127 : 192, 0, 2, 1 },
		                      .port = 443 },
		          .socket_type = draw(m, 2) == 0 ? SL_NE_SOCK_STREAM : SL_NE_SOCK_DGRAM },
		.older = draw(m, 16) == 0,
		.driver = f
	};
	struct sl_ne_flow *flow = NULL;
	opening.info.socket_protocol = opening.info.socket_type == SL_NE_SOCK_STREAM ? 6 : 17;
	*f = (struct model_flow){ .stream = opening.info.socket_type == SL_NE_SOCK_STREAM,
		                  .acted = m->now,
		                  .waiting = m->now,
		                  .seen = m->now };
	CHECK(m, sl_ne_filter_open_flow(m->filter, &opening, m->now, &flow) == SL_OK);
	CHECK(m, (flow == NULL) == f->closed);
	f->flow = flow;
}

static void hand_over(struct model *m, struct model_flow *f)
{
	static const uint8_t bytes[256];
	static const uint16_t sizes[] = { 0, 1, 2, 5, 10, 40, 100, 250 };
	enum sl_ne_direction direction = draw(m, 2) == 0 ? SL_NE_INBOUND : SL_NE_OUTBOUND;
	struct model_side *s = side_of(f, direction);
	size_t len = sizes[draw(m, SL_COUNT(sizes))];
	struct sl_ne_packet packet = { { draw(m, 4) == 0 ? NULL : bytes, len }, s->next_in };
	if (s->next_in == PACKETS)
		return;
	f->seen = m->now;
	s->handed = true;
	s->taken += len;
	s->end[s->next_in++] = s->taken;
	sl_ne_filter_data(m->filter, f->flow, direction, &packet, m->now);
	s->handed = false;
}

static void flow_event(struct model *m, struct model_flow *f)
{
	enum sl_ne_direction direction = draw(m, 2) == 0 ? SL_NE_INBOUND : SL_NE_OUTBOUND;
	uint64_t what = draw(m, 16);
	if (what < 9) {
		hand_over(m, f);
	} else if (what < 11) {
		side_of(f, direction)->finished = true;
		sl_ne_flow_finish(f->flow, direction, m->now);
	} else if (what < 12 && !f->closing) {
		f->closing = true;
		f->close_due = sl_mono_add(m->now, m->options.close_wait);
		sl_ne_flow_close(f->flow, f->close_due, m->now);
	} else if (what < 15) {
		provider_call(m, f);
	} else if (draw(m, 2) == 0) {
		sl_ne_flow_answered(f->flow);
	} else {
		enum sl_ne_remediation_verdict how;
		CHECK(m, !sl_ne_flow_remediation(f->flow, m->now, &how) || f->dropped);
	}
}

/* Time goes on from one timer to the next, as a driver's would. */
static void wait_a_while(struct model *m)
{
	static const int32_t ms[] = { 1, 100, 500, 1000, 5000, 9999, 10000, 20000, 31000 };
	struct sl_mono until = sl_mono_add(m->now, sl_span_ms(ms[draw(m, SL_COUNT(ms))])), due;
	for (unsigned turns = 0; sl_ne_filter_due(m->filter, &due) && sl_mono_reached(until, due); turns++) {
		CHECK(m, turns < 10000);
		if (due.us > m->now.us)
			m->now = due;
		sl_ne_filter_tick(m->filter, m->now);
		check_all(m);
	}
	m->now = until;
}

static void filter_event(struct model *m)
{
	static const struct sl_ne_rule drop_some = {
		{ .kind = SL_NE_RULE_REMOTE_NETWORK, .direction = SL_NE_INBOUND }, SL_NE_ACTION_DROP
	};
	struct sl_ne_configuration configuration = { draw(m, 4) != 0, { NULL, 0 } };
	struct sl_ne_settings settings = { &drop_some, 1, SL_NE_ACTION_FILTER_DATA };
	switch (draw(m, 14)) {
	case 0:
		(void)sl_ne_filter_stop(m->filter, SL_NE_STOP_userInitiated, m->now);
		break;
	case 1:
		(void)sl_ne_filter_crash(m->filter, m->now);
		break;
	case 2:
		(void)sl_ne_filter_stopped(m->filter, m->now);
		break;
	case 3:
		(void)sl_ne_filter_apply(m->filter, draw(m, 2) == 0 ? NULL : &settings, m->now);
		break;
	case 4:
		sl_ne_filter_sleep(m->filter, m->now);
		sl_ne_filter_wake(m->filter, m->now);
		break;
	case 5:
		sl_ne_filter_configure(m->filter, &configuration, m->now);
		break;
	case 6:
		sl_ne_filter_notify_rules_changed(m->filter, m->now);
		break;
	case 7:
		(void)sl_ne_filter_started(m->filter, SL_OK, m->now);
		break;
	case 8:
		(void)sl_ne_filter_upgrade(m->filter, m->now);
		break;
	case 9:
		(void)sl_ne_filter_upgraded(m->filter, draw(m, 4) == 0 ? SL_EINVAL : SL_OK,
		                            draw(m, 2) == 0 ? NULL : &settings, m->now);
		break;
	default:
		(void)sl_ne_filter_start(m->filter, m->now);
	}
}

static void step(struct model *m)
{
	struct model_flow *f = &m->flow[draw(m, FLOWS)];
	uint64_t what = draw(m, 16);
	if (what == 0)
		filter_event(m);
	else if (what <= 3)
		wait_a_while(m);
	else if (f->flow == NULL)
		open_flow(m, f);
	else
		flow_event(m, f);
	check_all(m);
}

/* ---- one sequence ---- */

static struct sl_ne_options any_options(struct model *m)
{
	struct sl_ne_options o = sl_ne_options_of((enum sl_ne_profile)draw(m, 3));
	o.platform = draw(m, 4) == 0 ? (enum sl_ne_platform)draw(m, 3) : SL_NE_GATEWAY;
	o.redeliver = draw(m, 4) != 0;
	o.apply = draw(m, 2) == 0 ? SL_NE_APPLY_ALL : SL_NE_APPLY_NEW;
	o.answer = sl_span_ms(draw(m, 2) == 0 ? 0 : 700);
	return o;
}

/* One filter serves all sequences: only options differ, and its memory is made once. */
static void run(struct model *m, unsigned long sequence)
{
	struct sl_ne_filter *filter = m->filter;
	struct sl_ne_env *env = m->env;
	struct sl_ne_options caps = env->options;
	uint64_t events = m->events;
	const struct sl_ne_configuration configuration = { true, { NULL, 0 } };
	*m = (struct model){ .x = UINT64_C(0x9e3779b97f4a7c15) * sequence,
		             .sequence = sequence,
		             .filter = filter,
		             .env = env,
		             .now = m->now,
		             .events = events };
	for (unsigned i = 0; i < 4; i++)
		(void)draw(m, 2);
	m->options = any_options(m);
	m->insists = draw(m, 16) == 0;
	m->options.max_flows = caps.max_flows;
	m->options.max_packets = caps.max_packets;
	m->options.datagram_packets = caps.datagram_packets;
	m->options.datagram_bytes = caps.datagram_bytes;
	m->options.stream_bytes = caps.stream_bytes;
	m->options.max_bytes = caps.max_bytes;
	env->options = m->options;
	env->epoch = env->ticked = m->now;
	sl_ne_filter_configure(filter, &configuration, m->now);
	(void)sl_ne_filter_start(filter, m->now);
	for (unsigned i = 0; i < EVENTS; i++)
		step(m);
	/* The end: everything closes within its second. */
	for (unsigned i = 0; i < FLOWS; i++) {
		struct model_flow *f = &m->flow[i];
		if (f->flow == NULL || f->closing)
			continue;
		f->closing = true;
		f->close_due = sl_mono_add(m->now, m->options.close_wait);
		sl_ne_flow_close(f->flow, f->close_due, m->now);
		check_all(m);
	}
	m->now = sl_mono_add(m->now, m->options.close_wait);
	sl_ne_filter_tick(filter, m->now);
	check_all(m);
	CHECK(m, env->live == 0 && env->held.packets == 0 && env->timers.count == 0 && env->stat_flows == 0);
	if (sl_ne_filter_stop(filter, SL_NE_STOP_none, m->now) == SL_OK &&
	    sl_ne_filter_state(filter) == SL_NE_FILTER_STOPPING)
		(void)sl_ne_filter_stopped(filter, m->now);
	if (sl_ne_filter_state(filter) == SL_NE_FILTER_STOPPING)
		(void)sl_ne_filter_stopped(filter, m->now);
	CHECK(m, sl_ne_filter_state(filter) == SL_NE_FILTER_STOPPED);
}

static void test_model(void **state)
{
	struct model m = { .x = 1 };
	struct sl_ne_filter_config config = {
		.options = sl_ne_options_of(SL_NE_PROFILE_MACOS),
		.provider = { &m, on_start, on_stop, on_new_flow, on_inbound, on_outbound,
		              on_inbound_complete, on_outbound_complete, on_report, on_filter_event,
		              on_remediation, on_filter_event, on_filter_event, on_filter_event,
		              on_released },
		.control = { &m, on_control, on_report },
		.sink = { &m, on_decided, on_release, on_drop, on_finish, on_detached, on_refuse, on_closed },
		.trace = { &m, on_trace },
		.configuration = { .filter_sockets = true },
	};
	(void)state;
	config.options.max_flows = FLOWS + 2;
	config.options.max_packets = 24;
	config.options.max_bytes = 2000;
	config.options.datagram_packets = 6;
	config.options.datagram_bytes = 600;
	config.options.stream_bytes = 700;
	assert_int_equal(sl_ne_filter_new(&config, m.now, &m.filter), SL_OK);
	m.env = sl_ne_filter_env(m.filter);
	for (unsigned long i = 0; i < sequences; i++)
		run(&m, first_sequence + i);
	print_message("%lu sequences, %llu events traced, %llu flows\n", sequences,
	              (unsigned long long)m.events, (unsigned long long)m.env->counters.flows);
	for (unsigned i = 0; i < SL_NE_ILLEGAL_COUNT; i++) /* every kind of illegal move was tried */
		if (sequences >= 40000 && m.env->counters.illegal[i] == 0)
			fail_msg("no illegal move %s", sl_ne_illegal_name((enum sl_ne_illegal)i));
	if (sequences >= 40000)
		assert_true(m.env->counters.stalls > 0 && m.env->counters.refused_packets > 0 &&
		            m.env->counters.undecided_ended > 0 && m.env->counters.idle_ended > 0 &&
		            m.env->counters.close_wait_ended > 0 && m.env->counters.answers_late > 0 &&
		            m.env->counters.in_vain > 0);
	sl_ne_filter_free(&m.filter);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		{ "NE-PEEK-02, NE-NFV-11, NE-PEEK-07, NE-CB-06, NE-TIME-01: invariants of random sequences",
		  test_model, NULL, NULL, NULL },
	};
	if (argc > 1)
		sequences = strtoul(argv[1], NULL, 10);
	if (argc > 2)
		first_sequence = strtoul(argv[2], NULL, 10);
	talks = argc > 2 && sequences == 1;
	return cmocka_run_group_tests_name("filter/ne_model", tests, NULL, NULL);
}
