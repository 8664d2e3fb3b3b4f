/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes that may never reach the server. A segment with a lower TTL than the client sent before on its connection may die on its
 * way, as a decoy does that carries an allowed name; what the server reads then comes later in the same place. So what such a
 * segment brings is read and judged as ever, but frees nothing: a copy of the bytes is kept from the message on that it belongs to,
 * and what comes in their place is held against it. A server reads in order: what it is to read instead has to come in the place of
 * the first byte that did not reach it, so that the bytes of one budget are enough. */
#include <stdlib.h>

#include "base/lines.h"
#include "filter/filter_priv.h"

enum { WATCHES_MAX = 2047 }; /* as fits into sl_flow.watch */

/* A packet that conntrack does not call INVALID is no further ahead of what the server has acknowledged than its window is: then all
 * that lies so far back has been read. */
enum { ARRIVED = 16 << 20 };

struct sl_watch {
	struct sl_stream *stream; /* NULL: free */
	uint16_t next_free;
	uint8_t low; /* the lowest TTL of what was read */
};

struct sl_watches {
	struct sl_watch *watch; /* [0] is none */
	uint16_t free;
};

int sl_watches_new(uint32_t max, struct sl_watches **out)
{
	uint16_t n = (uint16_t)sl_min(max, WATCHES_MAX);
	struct sl_watches *w = sl_lines_new(1, sizeof(*w));
	if (w == NULL)
		return SL_ENOMEM;
	w->watch = sl_lines_new((size_t)n + 1, sizeof(*w->watch));
	if (w->watch == NULL) {
		free(w);
		return SL_ENOMEM;
	}
	for (uint16_t i = n; i > 0; i--) {
		w->watch[i].next_free = w->free;
		w->free = i;
	}
	*out = w;
	return SL_OK;
}

void sl_watches_free(struct sl_watches **w)
{
	struct sl_watches *old = sl_take(w);
	if (old == NULL)
		return;
	free(old->watch);
	free(old);
}

static struct sl_watch *watch_of(const struct sl_filter *f, const struct sl_flow *flow)
{
	return &f->watches->watch[flow->watch];
}

void sl_filter_unwatch(struct sl_filter *f, struct sl_flow *flow)
{
	if (flow->watch == 0)
		return;
	struct sl_watch *w = watch_of(f, flow);
	sl_stream_close(f->streams, &w->stream);
	w->next_free = f->watches->free;
	f->watches->free = (uint16_t)flow->watch;
	flow->watch = 0;
}

/* The first byte that was not read for good. */
static uint32_t unread(const struct sl_flow *flow)
{
	return flow->stream != NULL ? sl_stream_seq(flow->stream) : flow->next;
}

/* From the beginning of the message in hand on, with what has come of it. */
static void begin(struct sl_filter *f, struct sl_visit *v)
{
	struct sl_flow *flow = v->flow;
	uint32_t from = unread(flow), differs;
	uint16_t at = f->watches->free;
	struct sl_stream *stream = at == 0 ? NULL : sl_stream_open(f->streams, from);
	if (stream == NULL) {
		sl_filter_unjudged(f, v, SL_CAUSE_memory);
		return;
	}
	f->watches->free = f->watches->watch[at].next_free;
	f->watches->watch[at] = (struct sl_watch){ .stream = stream, .low = UINT8_MAX };
	flow->watch = at;
	sl_filter_count(f, SL_STAT_watched, 1);
	if (flow->stream == NULL)
		return;
	struct sl_bytes head = sl_stream_head(flow->stream);
	(void)sl_stream_push(stream, from, head, (uint32_t)head.len, false, &differs);
}

/* Was the place of the segment read so long ago that the copy does not reach there? Then what it says now is not known to be the
 * same, if it may have gone further than what was read; of a body, which names nothing, nobody asks. */
static bool is_beyond(const struct sl_filter *f, const struct sl_visit *v, const struct sl_watch *w)
{
	const struct sl_flow *flow = v->flow;
	uint32_t last = sl_stream_seq(w->stream) + f->cfg.budget;
	uint32_t read = sl_seq_diff(unread(flow), flow->end) < 0 ? unread(flow) : flow->end;
	bool in_body = flow->stage == SL_STAGE_BODY && sl_http1_body_skippable(&flow->body) > 0;
	return flow->verdict == SL_ACTION_PASS && !in_body && v->pkt->ttl > w->low &&
	       sl_seq_diff(v->pkt->seq, read) < 0 && sl_seq_diff(v->pkt->seq + v->pkt->payload_len, last) > 0;
}

/* Does the segment say something else than was read in its place? */
static bool is_other(struct sl_filter *f, const struct sl_visit *v, struct sl_watch *w)
{
	const struct sl_packet *pkt = v->pkt;
	bool was_read = v->flow->verdict != SL_ACTION_PASS || sl_seq_diff(pkt->seq, unread(v->flow)) < 0;
	bool beyond = is_beyond(f, v, w);
	uint32_t differs;
	(void)sl_stream_push(w->stream, pkt->seq, pkt->payload, pkt->payload_len, false, &differs);
	if (was_read && differs > 0)
		sl_filter_count(f, SL_STAT_overlaps, differs);
	return was_read && (differs > 0 || beyond);
}

/* The flow was judged by bytes that may not be the server's. If those that may be ask for a blocked name, that is why it is
 * blocked. */
static void judge_other(struct sl_filter *f, struct sl_visit *v, const struct sl_watch *w)
{
	struct sl_flow *flow = v->flow;
	v->reset = v->pkt->seq;
	flow->verdict = SL_ACTION_PASS;
	sl_filter_judge_reading(f, v, sl_stream_other(w->stream));
	if (flow->verdict == SL_ACTION_PASS)
		sl_filter_judge_reading(f, v, v->pkt->payload);
	if (flow->verdict == SL_ACTION_PASS)
		sl_filter_unjudged(f, v, SL_CAUSE_ambiguous);
	else
		sl_filter_count(f, SL_STAT_overlaps_blocked, 1);
}

void sl_filter_watch(struct sl_filter *f, struct sl_visit *v)
{
	struct sl_flow *flow = v->flow;
	bool weak = v->pkt->ttl < flow->ttl;
	if (weak && flow->watch == 0 && flow->verdict == SL_ACTION_PASS)
		begin(f, v);
	if (flow->watch == 0)
		return;
	struct sl_watch *w = watch_of(f, flow);
	if (sl_seq_diff(v->pkt->seq, sl_stream_seq(w->stream)) > ARRIVED) {
		sl_filter_unwatch(f, flow);
		return;
	}
	if (is_other(f, v, w))
		judge_other(f, v, w);
	else if (weak && v->pkt->ttl < w->low)
		w->low = v->pkt->ttl;
}
