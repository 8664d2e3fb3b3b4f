/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes are read where they are: in the packet, as long as they come in order and whole; in a stream, from the first
 * piece on that cannot be read alone until all that was kept is consumed. */
#include "filter/filter_priv.h"
#include "filter/sniff_dns.h"
#include "filter/sniff_preface.h"

/* A body is skipped by moving on in sequence space, so that what comes late of it is old. Sequence numbers compare over
 * half of their space (RFC 9293 §3.4), so a long body is skipped in steps, the next one when the end of the last is near. */
enum { SKIP_STEP = 1 << 30, SKIP_NEAR = 1 << 29 };

enum sl_cause sl_filter_open_cause(const struct sl_filter *f, const struct sl_flow *flow)
{
	if (flow->app == SL_APP_DTLS && flow->dtls != 0)
		return SL_CAUSE_hold_limit;
	if (flow->app == SL_APP_DTLS || flow->app == SL_APP_STUN)
		return SL_CAUSE_not_web;
	if (flow->app == SL_APP_QUIC)
		return sl_filter_quic_cause(f, flow);
	return flow->stage == SL_STAGE_START && flow->app == SL_APP_UNKNOWN ? SL_CAUSE_not_web
	                                                                    : SL_CAUSE_hold_limit;
}

static struct sl_bytes head_of(const struct sl_filter *f, const struct sl_visit *v)
{
	struct sl_bytes all = v->flow->stream != NULL ? sl_stream_head(v->flow->stream) : v->rest;
	return sl_bytes_first(all, f->cfg.budget);
}

/* Do the bytes end where the copy of a packet was cut? */
static bool is_cut(const struct sl_visit *v)
{
	return v->flow->stream != NULL ? sl_stream_cut(v->flow->stream) : v->rest.len < v->wire;
}

/* From the first byte of the flow that was seen to the last. */
static int64_t seen_bytes(const struct sl_visit *v)
{
	uint32_t end = v->pkt->seq + v->pkt->payload_len;
	uint32_t top = sl_seq_diff(end, v->flow->end) > 0 ? end : v->flow->end;
	return sl_seq_diff(top, v->flow->first);
}

/* The packet into the stream; a second time when consuming has made room for what was beyond the budget. */
static void push(struct sl_filter *f, struct sl_visit *v)
{
	struct sl_flow *flow = v->flow;
	const struct sl_packet *pkt = v->pkt;
	bool may_rebase = !flow->consumed && !flow->certain;
	uint32_t differs = 0;
	if (may_rebase && sl_seq_diff(pkt->seq, sl_stream_seq(flow->stream)) < 0)
		v->reset = pkt->seq;
	bool again = v->full;
	v->full = sl_stream_push(flow->stream, pkt->seq, pkt->payload, pkt->payload_len, may_rebase,
	                         &differs) == SL_ELIMIT;
	if (!again && differs > 0)
		sl_filter_count(f, SL_STAT_overlaps, differs);
}

/* A stream that begins with the next byte to be read, with the packet in it. */
static void keep(struct sl_filter *f, struct sl_visit *v)
{
	v->flow->stream = sl_stream_open(f->streams, v->flow->next);
	if (v->flow->stream == NULL)
		sl_filter_unjudged(f, v, SL_CAUSE_memory);
	else
		push(f, v);
}

static void consume(struct sl_filter *f, struct sl_visit *v, uint32_t n)
{
	struct sl_flow *flow = v->flow;
	flow->consumed = true;
	if (flow->stream != NULL) {
		sl_stream_consume(flow->stream, n);
		if (v->full && n > 0)
			push(f, v);
		return;
	}
	v->rest = sl_bytes_skip(v->rest, n);
	v->wire -= (uint32_t)sl_min(n, v->wire);
	flow->next += n;
}

static uint32_t skip_step(struct sl_flow *flow)
{
	uint64_t n = sl_http1_body_skippable(&flow->body);
	if (n > SKIP_STEP)
		n = SKIP_STEP;
	sl_http1_body_skip(&flow->body, n);
	return (uint32_t)n;
}

/* Finds what of the packet is new. */
static void place(struct sl_filter *f, struct sl_visit *v)
{
	struct sl_flow *flow = v->flow;
	const struct sl_packet *pkt = v->pkt;
	if (flow->stream != NULL) {
		v->reset = sl_stream_next(flow->stream);
		push(f, v);
		return;
	}
	if (flow->consumed || flow->end == flow->first)
		flow->born = f->now; /* what is judged next begins with this packet at the earliest */
	v->reset = sl_seq_diff(flow->end, flow->next) < 0 ? flow->end : flow->next;
	if (flow->stage == SL_STAGE_BODY && sl_seq_diff(pkt->seq, flow->next) > -SKIP_NEAR)
		flow->next += skip_step(flow);
	int64_t ahead = sl_seq_diff(pkt->seq, flow->next);
	if (ahead > 0) {
		keep(f, v);
		return;
	}
	v->rest = sl_bytes_skip(pkt->payload, (size_t)-ahead);
	v->wire = -ahead >= pkt->payload_len ? 0 : pkt->payload_len - (uint32_t)-ahead;
}

/* ---- what the bytes say; each of these returns SL_OK when there may be more to read ---- */

static int read_body(struct sl_filter *f, struct sl_visit *v)
{
	struct sl_flow *flow = v->flow;
	if (flow->stream == NULL && v->wire == 0)
		return SL_EMORE; /* no step ahead of what has come: place() takes it when the next packet is near */
	uint32_t skip = skip_step(flow);
	if (skip > 0) {
		consume(f, v, skip);
		return sl_http1_body_skippable(&flow->body) > 0 ? SL_EMORE : SL_OK;
	}
	size_t used = 0;
	int err = sl_http1_body_walk(&flow->body, head_of(f, v), &used);
	consume(f, v, (uint32_t)used);
	if (err == SL_EMALF)
		sl_filter_unjudged(f, v, SL_CAUSE_malformed);
	if (err == SL_OK)
		flow->stage = flow->upgrade ? SL_STAGE_UPGRADE : SL_STAGE_HEAD;
	return err == SL_EMORE && used > 0 ? SL_OK : err;
}

/* Behind a request for a tunnel, or a command that turns to TLS, the next byte is the first of something new, and its place
 * is no guess. */
static void begin_anew(struct sl_flow *flow)
{
	flow->stage = SL_STAGE_START;
	flow->app = SL_APP_UNKNOWN;
	flow->certain = flow->start_seen = true;
}

/* What follows the head: a tunnel of any protocol, begun where we could see it; or a body, and after it the next request or
 * another protocol (RFC 9110 §7.8, §9.3.6). */
static void take_request(struct sl_filter *f, struct sl_visit *v, const struct sl_http_request *request)
{
	struct sl_flow *flow = v->flow;
	bool connect = sl_bytes_equal(request->method, SL_BYTES_LIT("CONNECT"));
	flow->app = SL_APP_HTTP;
	flow->body = request->body;
	flow->upgrade = request->tunnel;
	sl_filter_judge_request(f, v, request);
	if (flow->verdict == SL_ACTION_PASS && sl_http1_body_broken(&request->body))
		sl_filter_unjudged(f, v, SL_CAUSE_malformed);
	if (flow->verdict != SL_ACTION_PASS)
		return;
	flow->born = f->now;
	if (connect)
		begin_anew(flow);
	else
		flow->stage = SL_STAGE_BODY;
	consume(f, v, (uint32_t)request->len);
}

/* Behind the preface of HTTP/2 its frames begin. */
static void take_h2_preface(struct sl_filter *f, struct sl_visit *v)
{
	struct sl_flow *flow = v->flow;
	flow->h2 = sl_h2_open(f->h2);
	if (flow->h2 == 0) {
		sl_filter_unjudged(f, v, SL_CAUSE_memory);
		return;
	}
	flow->born = f->now;
	flow->stage = SL_STAGE_H2;
	consume(f, v, SL_H2_PREFACE);
}

/* Frames up to the next request and with it. A frame is stepped over whether it has come or not: it is shorter than the half
 * of sequence space. */
static int read_h2(struct sl_filter *f, struct sl_visit *v)
{
	struct sl_flow *flow = v->flow;
	struct sl_http_request request;
	size_t used;
	int err = sl_h2_read(f->h2, flow->h2, head_of(f, v), &used, &request);
	if (err == SL_EMALF)
		sl_filter_unjudged(f, v, SL_CAUSE_malformed);
	else if (err == SL_ELIMIT)
		sl_filter_unjudged(f, v, SL_CAUSE_too_large);
	else if (err == SL_OK)
		sl_filter_judge_request(f, v, &request);
	if (flow->verdict != SL_ACTION_PASS || used == 0)
		return err;
	flow->born = f->now;
	consume(f, v, (uint32_t)used);
	return SL_OK;
}

/* SL_EPROTO: none of ours. At the start of a flow whose beginning may still come it stays open what that means. */
static int not_ours(struct sl_filter *f, struct sl_visit *v)
{
	switch ((enum sl_stage)v->flow->stage) {
	case SL_STAGE_UPGRADE: /* the request that led here was judged */
		sl_filter_settle(f, v->flow, SL_ACTION_ALLOW);
		break;
	case SL_STAGE_HEAD:
		sl_filter_unjudged(f, v, SL_CAUSE_malformed);
		break;
	case SL_STAGE_START:
	case SL_STAGE_DIALOGUE:
	case SL_STAGE_BODY:
	case SL_STAGE_H2:
	default:
		break;
	}
	return SL_EPROTO;
}

static void take_preface(struct sl_filter *f, struct sl_visit *v, const struct sl_preface *preface)
{
	struct sl_flow *flow = v->flow;
	if (preface->kind == SL_PREFACE_SOCKS && preface->host.len > 0) {
		flow->app = SL_APP_SOCKS;
		sl_filter_judge_tunnel(f, v, preface->host, preface->port);
	}
	if (flow->verdict != SL_ACTION_PASS)
		return;
	flow->born = f->now;
	begin_anew(flow);
	if (preface->kind == SL_PREFACE_DIALOGUE)
		flow->stage = SL_STAGE_DIALOGUE;
	consume(f, v, (uint32_t)preface->len);
	if (flow->stage == SL_STAGE_DIALOGUE && seen_bytes(v) >= (int64_t)f->cfg.budget)
		sl_filter_unjudged(f, v, SL_CAUSE_not_web);
}

/* What is neither a hello nor a request. Without its beginning in sight a line may be of anything. */
static int read_preface(struct sl_filter *f, struct sl_visit *v, struct sl_bytes head)
{
	struct sl_preface preface;
	bool in_dialogue = v->flow->stage == SL_STAGE_DIALOGUE;
	int err = v->flow->start_seen ? sl_preface_read(head, in_dialogue, &preface) : SL_EPROTO;
	if (err == SL_OK)
		take_preface(f, v, &preface);
	return err;
}

static int read_dns(struct sl_filter *f, struct sl_visit *v, struct sl_bytes head)
{
	struct sl_bytes message;
	size_t taken;
	int err = sl_dns_stream_read(head, &message, &taken);
	if (err == SL_OK && !sl_filter_take_dns(f, v, message))
		return SL_EPROTO;
	if (err == SL_OK && v->flow->verdict == SL_ACTION_PASS) {
		v->flow->born = f->now;
		consume(f, v, (uint32_t)taken);
	}
	return err;
}

static int sniff(struct sl_filter *f, const struct sl_flow *flow, struct sl_bytes head,
                 struct sl_sniffed *out)
{
	*out = (struct sl_sniffed){ .app = SL_APP_HTTP };
	sl_arena_reset(&f->scratch);
	return flow != NULL && flow->stage == SL_STAGE_HEAD ? sl_sniff_http(head, out)
	                                                    : sl_sniff(head, &f->scratch, out);
}

bool sl_filter_would_block(struct sl_filter *f, const struct sl_packet *pkt, uint8_t group)
{
	struct sl_bytes left = sl_bytes_first(pkt->payload, f->cfg.budget);
	struct sl_preface preface = { .kind = SL_PREFACE_SOCKS };
	struct sl_sniffed sniffed;
	int err;
	while ((err = sniff(f, NULL, left, &sniffed)) == SL_EPROTO &&
	       sl_preface_read(left, preface.kind == SL_PREFACE_DIALOGUE, &preface) == SL_OK) {
		if (sl_filter_is_tunnel_blocked(f, &pkt->key, group, &preface))
			return true;
		left = sl_bytes_skip(left, preface.len);
	}
	return err == SL_OK && sl_filter_is_blocked(f, &pkt->key, group, &sniffed);
}

/* ---- bytes that came twice with different contents ---- */

static enum sl_readings readings(const struct sl_visit *v)
{
	return v->flow->stream == NULL ? SL_READINGS_ONE : sl_stream_readings(v->flow->stream);
}

static void judge(struct sl_filter *f, struct sl_visit *v, const struct sl_sniffed *sniffed)
{
	v->flow->app = (uint8_t)sniffed->app;
	if (sniffed->app == SL_APP_TLS)
		sl_filter_judge_tls(f, v, &sniffed->tls);
	else
		sl_filter_judge_request(f, v, &sniffed->http);
}

/* A reading whose name is blocked blocks. Else it has no say; *len is that of the request, 0 where it is none or not whole. */
static int judge_reading(struct sl_filter *f, struct sl_visit *v, struct sl_bytes head, size_t *len)
{
	struct sl_sniffed sniffed;
	int err = sniff(f, v->flow, sl_bytes_first(head, f->cfg.budget), &sniffed);
	*len = err == SL_OK && sniffed.app == SL_APP_HTTP ? sniffed.http.len : 0;
	if (err == SL_OK && sl_filter_is_blocked(f, v->key, v->flow->group, &sniffed))
		judge(f, v, &sniffed);
	return err;
}

void sl_filter_judge_reading(struct sl_filter *f, struct sl_visit *v, struct sl_bytes bytes)
{
	size_t len;
	(void)judge_reading(f, v, bytes, &len);
}

/* SL_OK: the two readings go on alike, or the flow is decided. SL_EMORE: wait. Nobody knows which of them the server has, so
 * that where they part and neither is blocked the flow cannot be followed any more. */
static int read_both(struct sl_filter *f, struct sl_visit *v)
{
	size_t len[2];
	bool many = readings(v) == SL_READINGS_MANY;
	int first = judge_reading(f, v, head_of(f, v), &len[0]);
	if (v->flow->verdict != SL_ACTION_PASS)
		return SL_OK;
	int other = judge_reading(f, v, sl_stream_other(v->flow->stream), &len[1]);
	if (v->flow->verdict != SL_ACTION_PASS) {
		sl_filter_count(f, SL_STAT_overlaps_blocked, 1);
		return SL_OK;
	}
	if (!many && (first == SL_EMORE || other == SL_EMORE))
		return SL_EMORE;
	if (!many && first == SL_EPROTO && other == SL_EPROTO)
		return SL_EMORE;
	if (many || first != SL_OK || other != SL_OK || len[0] != len[1])
		sl_filter_unjudged(f, v, SL_CAUSE_ambiguous);
	return SL_OK;
}

static int read_head(struct sl_filter *f, struct sl_visit *v)
{
	struct sl_flow *flow = v->flow;
	struct sl_bytes head = head_of(f, v);
	struct sl_sniffed sniffed;
	if (head.len == 0)
		return SL_EMORE;
	int both = readings(v) == SL_READINGS_ONE ? SL_OK : read_both(f, v);
	if (both != SL_OK || flow->verdict != SL_ACTION_PASS)
		return both;
	if (flow->stage == SL_STAGE_START && sl_filter_may_be_dns(v)) {
		int read = read_dns(f, v, head);
		if (read != SL_EPROTO)
			return read;
	}
	int err = sniff(f, flow, head, &sniffed);
	if (err == SL_EPROTO && (flow->stage == SL_STAGE_START || flow->stage == SL_STAGE_DIALOGUE)) {
		flow->app = SL_APP_UNKNOWN;
		return read_preface(f, v, head);
	}
	if (err == SL_EPROTO)
		return not_ours(f, v);
	flow->app = (uint8_t)sniffed.app;
	if (err == SL_EMALF)
		sl_filter_unjudged(f, v, SL_CAUSE_malformed);
	else if (err == SL_ELIMIT)
		sl_filter_unjudged(f, v, SL_CAUSE_too_large);
	else if (err == SL_OK && sniffed.app == SL_APP_TLS)
		sl_filter_judge_tls(f, v, &sniffed.tls);
	else if (err == SL_OK && sniffed.h2)
		take_h2_preface(f, v);
	else if (err == SL_OK)
		take_request(f, v, &sniffed.http);
	return err;
}

/* ---- waiting ---- */

/* Nothing that we know: perhaps the later piece of a hello whose first one is on its way, if there can be such. */
static enum sl_cause why_stop_unknown(const struct sl_visit *v, bool spent, bool late)
{
	const struct sl_flow *flow = v->flow;
	if (!flow->start_seen)
		return SL_CAUSE_mid_flow;
	return spent || late || flow->certain ? SL_CAUSE_not_web : SL_CAUSE_NONE;
}

/* SL_CAUSE_NONE: wait for more. err is what the bytes said last. */
static enum sl_cause why_stop(const struct sl_filter *f, const struct sl_visit *v, int err)
{
	const struct sl_flow *flow = v->flow;
	bool spent = head_of(f, v).len >= f->cfg.budget; /* bytes far ahead may be a decoy, and wait */
	bool late = sl_filter_is_late(f, flow);
	if (err == SL_EPROTO)
		return why_stop_unknown(v, spent, late);
	if (spent || is_cut(v))
		return SL_CAUSE_too_large;
	bool waits = flow->stream != NULL ? !sl_stream_empty(flow->stream) : v->wire > 0;
	return waits && late ? sl_filter_open_cause(f, flow) : SL_CAUSE_NONE;
}

bool sl_filter_begun_request(struct sl_filter *f, const struct sl_flow *flow, struct sl_bytes head,
                             struct sl_http_request *out)
{
	if (flow->stage == SL_STAGE_H2)
		return sl_h2_begun(f->h2, flow->h2, sl_bytes_first(head, f->cfg.budget), out) == SL_OK;
	bool at_head =
	        flow->stage == SL_STAGE_HEAD || (flow->stage == SL_STAGE_START && flow->app == SL_APP_HTTP);
	return at_head && sl_http1_request_begun(sl_bytes_first(head, f->cfg.budget), out) == SL_OK;
}

void sl_filter_give_up(struct sl_filter *f, struct sl_visit *v, enum sl_cause cause)
{
	struct sl_http_request request;
	bool begun = sl_filter_begun_request(f, v->flow, head_of(f, v), &request);
	if (begun && request.host.len > 0)
		sl_filter_judge_request(f, v, &request);
	if (v->flow->verdict != SL_ACTION_PASS)
		return;
	struct sl_report report = sl_filter_report(f, v);
	if (begun)
		sl_filter_report_request(&report, &request);
	sl_filter_settle_cause(f, v, cause, &report);
}

/* The flow stays open: bytes that were not consumed are kept, a stream without bytes goes back. */
static void wait_for_more(struct sl_filter *f, struct sl_visit *v, int err)
{
	struct sl_flow *flow = v->flow;
	enum sl_cause cause = why_stop(f, v, err);
	if (cause != SL_CAUSE_NONE && readings(v) != SL_READINGS_ONE)
		cause = SL_CAUSE_ambiguous;
	if (cause != SL_CAUSE_NONE) {
		sl_filter_give_up(f, v, cause);
	} else if (flow->stream == NULL && v->wire > 0) {
		keep(f, v);
	} else if (flow->stream != NULL && sl_stream_empty(flow->stream)) {
		flow->next = sl_stream_seq(flow->stream);
		sl_stream_close(f->streams, &flow->stream);
	}
}

static int read_next(struct sl_filter *f, struct sl_visit *v)
{
	if (v->flow->stage == SL_STAGE_H2 && readings(v) != SL_READINGS_ONE) {
		sl_filter_unjudged(f, v, SL_CAUSE_ambiguous);
		return SL_OK;
	}
	switch ((enum sl_stage)v->flow->stage) {
	case SL_STAGE_BODY:
		return read_body(f, v);
	case SL_STAGE_H2:
		return read_h2(f, v);
	case SL_STAGE_START:
	case SL_STAGE_HEAD:
	case SL_STAGE_DIALOGUE:
	case SL_STAGE_UPGRADE:
	default:
		return read_head(f, v);
	}
}

/* A server that takes no data with a SYN gets them once more in a segment, which may differ (RFC 7413 §4.1.3). They are
 * kept, and free nothing before the next segment shows how the connection goes on. */
static void keep_for_later(struct sl_filter *f, struct sl_visit *v)
{
	if (v->flow->stream == NULL && v->wire > 0)
		keep(f, v);
	v->flow->syn_text = v->flow->stream != NULL;
}

int sl_filter_read_kept(struct sl_filter *f, struct sl_visit *v)
{
	int err = SL_OK;
	while (v->flow->verdict == SL_ACTION_PASS && err == SL_OK)
		err = read_next(f, v);
	return err;
}

void sl_filter_read(struct sl_filter *f, struct sl_visit *v)
{
	struct sl_flow *flow = v->flow;
	place(f, v);
	if ((v->pkt->flags & SL_TCP_SYN) != 0 && !sl_filter_would_block(f, v->pkt, v->flow->group)) {
		keep_for_later(f, v);
		return;
	}
	flow->syn_text = false;
	/* Who takes urgent data out of line reads one byte less (RFC 6093). */
	if ((v->pkt->flags & SL_TCP_URG) != 0 && flow->start_seen && flow->verdict == SL_ACTION_PASS &&
	    !sl_filter_would_block(f, v->pkt, v->flow->group))
		sl_filter_unjudged(f, v, SL_CAUSE_ambiguous);
	int err = sl_filter_read_kept(f, v);
	if (flow->verdict == SL_ACTION_PASS)
		wait_for_more(f, v, err);
}
