/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/filter.h"

#include <stdlib.h>

#include "base/lines.h"
#include "filter/filter_priv.h"

enum {
	EXPIRE_AT_ONCE = 64,
	SCRATCH_SPARE = 64,
	/* A connection of HTTP/2 that was idle for longer cannot be read on. */
	H2_IDLE_MS = 3600 * 1000,
};

/* ---- flows that end undecided ---- */

/* What came with a SYN waits for the next segment. Where none came, it is what the connection asked for. */
static bool is_syn_alone(const struct sl_flow *flow)
{
	return flow->stream != NULL && flow->certain && !flow->consumed && flow->stage == SL_STAGE_START;
}

void sl_filter_abandon(struct sl_filter *f, struct sl_flow *flow, enum sl_cause cause)
{
	struct sl_flow_key key = flow->key;
	struct sl_visit v = { .flow = flow, .key = &key };
	bool block = flow->hold != 0 && f->cfg.block[cause];
	if (flow->swapped)
		sl_flow_key_swap(&key);
	if (flow->verdict == SL_ACTION_PASS && is_syn_alone(flow)) {
		struct sl_packet none = { .key = key, .seq = flow->end };
		v.pkt = &none;
		(void)sl_filter_read_kept(f, &v);
	}
	/* Or nobody asked for anything, or all of it was judged. */
	bool begun = (flow->end != flow->first || !flow->syn_seen) && !(flow->let_go && flow->hold == 0);
	if (flow->verdict == SL_ACTION_PASS && begun &&
	    (flow->hold != 0 || !flow->judged || flow->stream != NULL)) {
		struct sl_report report = sl_filter_report(f, &v);
		struct sl_http_request request;
		if (flow->stream != NULL &&
		    sl_filter_begun_request(f, flow, sl_stream_head(flow->stream), &request))
			sl_filter_report_request(&report, &request);
		sl_filter_note(f, &report, cause, block);
	}
	sl_filter_settle(f, flow, block ? SL_ACTION_BLOCK : SL_ACTION_ALLOW);
	sl_filter_unwatch(f, flow);
	if (flow->key.proto == SL_PROTO_UDP)
		sl_quic_close(f->quic, &flow->quic);
	if (flow->hold != 0)
		sl_filter_count_held(f, flow,
		                     -sl_held_release(f->held, flow, (enum sl_action)flow->verdict, f->out));
}

static void gone(void *ctx, struct sl_flow *flow, bool evicted)
{
	struct sl_filter *f = ctx;
	bool open = flow->verdict == SL_ACTION_PASS && !flow->judged;
	sl_filter_count(f, evicted ? SL_STAT_evicted : SL_STAT_expired, 1);
	if (evicted && open)
		sl_filter_count(f, SL_STAT_evicted_undecided, 1);
	sl_filter_abandon(f, flow, evicted ? SL_CAUSE_memory : sl_filter_open_cause(f, flow));
	sl_filter_uncount_flow(f, flow);
}

/* The fields of HTTP/2 are coded by what came before: a connection that was forgotten is lost, while one of any other protocol is
 * met again at its next message. So it stays for longer, where half of the decoders are free. */
static bool is_spared(void *ctx, const struct sl_flow *flow)
{
	const struct sl_filter *f = ctx;
	return flow->key.proto == SL_PROTO_TCP && flow->stage == SL_STAGE_H2 && flow->h2 != 0 &&
	       sl_h2_in_use(f->h2) <= f->cfg.max_streams / 2 &&
	       !sl_mono_reached(f->now, sl_mono_add(flow->seen, sl_span_ms(H2_IDLE_MS)));
}

/* ---- birth and death ---- */

static int make_parts(struct sl_filter *f)
{
	struct sl_flow_table_cfg table = { .max_flows = f->cfg.max_flows,
		                           .seed = f->cfg.seed,
		                           .gone = gone,
		                           .spared = is_spared,
		                           .ctx = f };
	size_t scratch = (size_t)f->cfg.budget + SCRATCH_SPARE;
	void *mem = sl_lines_new(1, scratch);
	if (mem == NULL)
		return SL_ENOMEM;
	f->scratch = sl_arena_over(mem, scratch);
	int err = sl_flow_table_new(&table, &f->flows);
	if (err == SL_OK)
		err = sl_stream_pool_new(f->cfg.max_streams, f->cfg.budget, &f->streams);
	if (err == SL_OK)
		err = sl_quic_pool_new(f->cfg.max_streams, f->cfg.budget, &f->quic);
	if (err == SL_OK)
		err = sl_h2_pool_new(f->cfg.max_streams, &f->h2);
	if (err == SL_OK)
		err = sl_watches_new(f->cfg.max_streams, &f->watches);
	if (err == SL_OK)
		err = sl_dtls_pool_new(f->cfg.max_streams, f->cfg.budget, &f->dtls);
	if (err == SL_OK && f->cfg.names != NULL)
		err = sl_dns_asked_new(f->cfg.seed, &f->asked);
	if (err == SL_OK)
		err = sl_filter_make_clients(f);
	if (err == SL_OK && f->cfg.hold == SL_HOLD_ALL)
		err = sl_held_pool_new(f->cfg.max_held, &f->held);
	return err;
}

int sl_filter_new(const struct sl_filter_cfg *cfg, const struct sl_provider *provider,
                  struct sl_filter_stats *stats, struct sl_filter **out)
{
	struct sl_filter *f = sl_lines_new(1, sizeof(*f));
	if (f == NULL)
		return SL_ENOMEM;
	f->cfg = *cfg;
	f->provider = *provider;
	f->stats = stats;
	int err = make_parts(f);
	if (err == SL_OK)
		*out = sl_take(&f);
	sl_filter_free(&f);
	return err;
}

void sl_filter_free(struct sl_filter **f)
{
	struct sl_filter *old = sl_take(f);
	if (old == NULL)
		return;
	sl_flow_table_free(&old->flows);
	sl_stream_pool_free(&old->streams);
	sl_quic_pool_free(&old->quic);
	sl_h2_pool_free(&old->h2);
	sl_dtls_pool_free(&old->dtls);
	sl_watches_free(&old->watches);
	sl_held_pool_free(&old->held);
	sl_dns_asked_free(&old->asked);
	sl_clients_free(&old->clients);
	free(old->scratch.base);
	free(old);
}

/* ---- answers ---- */

static void push_reset(struct sl_answers *out, const struct sl_flow_key *key, uint32_t seq)
{
	if (out->resets < out->reset_cap)
		out->reset[out->resets++] = (struct sl_reset){ .key = *key, .seq = seq };
}

/* What the flow's verdict says of a packet. An allowed one whose bytes may not be those that the server has is not let go. */
static enum sl_action answer_of(const struct sl_flow *flow)
{
	enum sl_action action = (enum sl_action)flow->verdict;
	if (action == SL_ACTION_PASS && flow->let_go)
		return SL_ACTION_ALLOW_QUIC;
	return action == SL_ACTION_ALLOW && (flow->twice || flow->watch != 0) ? SL_ACTION_PASS : action;
}

void sl_filter_conclude(struct sl_filter *f, const struct sl_visit *v, const struct sl_ticket *ticket)
{
	enum sl_action action = answer_of(v->flow);
	if (action == SL_ACTION_BLOCK && v->key->proto == SL_PROTO_TCP)
		push_reset(f->out, v->key,
		           f->held != NULL ? sl_held_reset_seq(f->held, v->flow, v->reset) : v->reset);
	if (f->held != NULL)
		sl_filter_count_held(f, v->flow, -sl_held_release(f->held, v->flow, action, f->out));
	if (ticket != NULL)
		sl_answer_push(f->out, *ticket, action);
}

/* False: its flow was decided instead. */
static bool hold_packet(struct sl_filter *f, struct sl_visit *v, const struct sl_held *held)
{
	if (sl_filter_is_too_much_held(f, v, &held->ticket))
		return true;
	if (v->flow->verdict != SL_ACTION_PASS)
		return false;
	bool added = sl_held_add(f->held, v->flow, held, f->now);
	sl_filter_count_held(f, v->flow, added ? held->size : 0);
	if (added)
		sl_filter_count(f, SL_STAT_held, 1);
	else
		sl_filter_unjudged(f, v, SL_CAUSE_memory);
	return added;
}

/* Holds the packet of an open flow, if bytes of it were kept. False when it may pass. */
static bool hold(struct sl_filter *f, struct sl_visit *v, struct sl_ticket ticket)
{
	struct sl_flow *flow = v->flow;
	uint32_t end = v->pkt->seq + v->pkt->payload_len;
	uint32_t read = flow->stream != NULL ? sl_stream_seq(flow->stream) : flow->next;
	if (f->held == NULL || f->holds_nothing)
		return false;
	if (flow->consumed)
		sl_filter_count_held(f, flow, -sl_held_pass_until(f->held, flow, read, f->now, f->out));
	if (flow->stream == NULL || sl_seq_diff(end, read) <= 0)
		return false;
	struct sl_held held = { ticket, end, v->reset, sl_filter_held_size(v->pkt) };
	return hold_packet(f, v, &held);
}

/* ---- packets ---- */

static void take_segment(struct sl_filter *f, struct sl_visit *v, struct sl_ticket ticket)
{
	struct sl_flow *flow = v->flow;
	sl_filter_watch(f, v);
	if (flow->verdict == SL_ACTION_PASS)
		sl_filter_read(f, v);
	sl_filter_note_place(flow, v->pkt);
	/* Without its SYN a connection never comes to what is waited for. */
	bool syn = (v->pkt->flags & SL_TCP_SYN) != 0;
	bool held = flow->verdict == SL_ACTION_PASS && !syn && hold(f, v, ticket);
	if (flow->verdict != SL_ACTION_PASS)
		sl_filter_conclude(f, v, &ticket);
	else if (!held)
		sl_answer_push(f->out, ticket, SL_ACTION_PASS);
}

/* All that comes before the name may have to wait: 0-RTT data is a request (RFC 9001 §4.6). */
static void take_datagram(struct sl_filter *f, struct sl_visit *v, struct sl_ticket ticket)
{
	struct sl_flow *flow = v->flow;
	struct sl_held packet = { .ticket = ticket, .size = sl_filter_held_size(v->pkt) };
	bool awaited = sl_filter_read_datagram(f, v);
	bool held = awaited && f->held != NULL && !f->holds_nothing && hold_packet(f, v, &packet);
	if (flow->verdict != SL_ACTION_PASS || (flow->let_go && !held))
		sl_filter_conclude(f, v, &ticket);
	else if (!held)
		sl_answer_push(f->out, ticket, SL_ACTION_PASS);
}

/* A packet of a decided flow: it was on its way already, or its flow has no mark that would tell the kernel. */
static void take_again(struct sl_filter *f, struct sl_visit *v, struct sl_ticket ticket)
{
	struct sl_flow *flow = v->flow;
	bool watched = flow->watch != 0;
	if (watched)
		sl_filter_watch(f, v);
	sl_filter_note_place(flow, v->pkt);
	if (watched && flow->verdict == SL_ACTION_BLOCK) {
		sl_filter_conclude(f, v, &ticket);
		return;
	}
	sl_filter_count(f, SL_STAT_retransmits, watched ? 0 : 1);
	sl_answer_push(f->out, ticket, answer_of(flow));
}

/* A packet without payload, or with one that nobody reads, makes no flow, and moves none. */
static void take_bare(struct sl_filter *f, const struct sl_packet *pkt, struct sl_ticket ticket)
{
	const struct sl_flow *flow = sl_flow_table_find(f->flows, &pkt->key);
	enum sl_action action = SL_ACTION_PASS;
	if (flow != NULL && !sl_filter_is_new_connection(flow, pkt))
		action = answer_of(flow);
	sl_answer_push(f->out, ticket, action);
}

/* Where two SYNs came, what fits to the one only is read; what does not may be what the server reads. */
static bool is_doubtful(const struct sl_flow *flow, const struct sl_packet *pkt)
{
	return flow != NULL && flow->twice && (pkt->flags & SL_TCP_SYN) == 0 && !sl_filter_is_near(flow, pkt);
}

static void take_doubtful(struct sl_filter *f, struct sl_flow *flow, const struct sl_packet *pkt,
                          struct sl_ticket ticket)
{
	struct sl_visit v = { .flow = flow, .key = &pkt->key, .pkt = pkt, .reset = pkt->seq };
	if (flow->verdict != SL_ACTION_BLOCK) {
		flow->verdict = SL_ACTION_PASS;
		sl_filter_unjudged(f, &v, SL_CAUSE_ambiguous);
	}
	sl_filter_conclude(f, &v, &ticket);
}

/* What receivers drop: a wrong checksum, a reset's text, data without ACK (RFC 9293 §3.10.7.4). */
static bool is_unread(const struct sl_packet *pkt)
{
	return pkt->damaged ||
	       (pkt->key.proto == SL_PROTO_TCP &&
	        ((pkt->flags & SL_TCP_RST) != 0 || (pkt->flags & (SL_TCP_ACK | SL_TCP_SYN)) == 0));
}

/* What some receivers drop and others do not may block a flow, and never frees one. */
static bool is_decoy(struct sl_filter *f, const struct sl_flow *flow, const struct sl_packet *pkt)
{
	if (flow != NULL && flow->pinned && (pkt->flags & SL_TCP_SYN) == 0 && !sl_filter_is_near(flow, pkt))
		return true;
	/* In the midst of a hello a server challenges a SYN, and drops its text (RFC 5961 §4). */
	if (flow != NULL && (pkt->flags & SL_TCP_SYN) != 0 && flow->stream != NULL && pkt->seq != flow->first)
		return !sl_filter_would_block(f, pkt, flow->group);
	return pkt->has_signature && pkt->key.proto == SL_PROTO_TCP &&
	       !sl_filter_would_block(f, pkt, flow != NULL ? flow->group : sl_filter_group(f, pkt));
}

/* The flow that a packet is of, where it may be a decoy for it. */
static struct sl_flow *known(struct sl_filter *f, const struct sl_packet *pkt, bool start_seen)
{
	bool syn = (pkt->flags & SL_TCP_SYN) != 0;
	if (pkt->key.proto != SL_PROTO_TCP || (!syn && !f->cfg.syns && f->cfg.find_syn == NULL))
		return NULL;
	struct sl_flow *flow = sl_flow_table_find(f->flows, &pkt->key);
	return f->cfg.find_syn == NULL || (!start_seen && !syn) ? flow : sl_filter_meet_copy(f, flow, pkt);
}

/* Returns the flow that it has a say in; NULL: none. */
static struct sl_flow *take_packet(struct sl_filter *f, const struct sl_packet *pkt, struct sl_ticket ticket,
                                   bool start_seen)
{
	bool unread = is_unread(pkt);
	struct sl_flow *flow = unread ? NULL : known(f, pkt, start_seen);
	if (is_doubtful(flow, pkt)) {
		take_doubtful(f, flow, pkt, ticket);
		return flow;
	}
	if (unread || is_decoy(f, flow, pkt)) {
		sl_filter_count(f, SL_STAT_decoys, 1);
		take_bare(f, pkt, ticket);
		return NULL;
	}
	flow = sl_filter_meet(f, pkt, start_seen);
	struct sl_visit v = { .flow = flow, .key = &pkt->key, .pkt = pkt };
	if (flow->verdict != SL_ACTION_PASS)
		take_again(f, &v, ticket);
	else if (pkt->key.proto == SL_PROTO_TCP)
		take_segment(f, &v, ticket);
	else
		take_datagram(f, &v, ticket);
	return flow;
}

void sl_filter_packet(struct sl_filter *f, const struct sl_packet *pkt, struct sl_ticket ticket,
                      bool start_seen, struct sl_mono now, struct sl_answers *out)
{
	f->now = now;
	f->out = out;
	sl_filter_count(f, SL_STAT_packets, 1);
	bool syn = pkt->key.proto == SL_PROTO_TCP && (pkt->flags & SL_TCP_SYN) != 0;
	if (pkt->payload_len == 0 && !(syn && f->cfg.syns)) {
		take_bare(f, pkt, ticket);
		return;
	}
	if (f->clients != NULL && sl_filter_is_too_much(f, pkt, &ticket))
		return;
	uint32_t work = f->work;
	struct sl_flow *flow = take_packet(f, pkt, ticket, start_seen);
	if (f->clients == NULL)
		return;
	if (f->work != work)
		sl_filter_charge(f, pkt, f->work - work);
	if (flow != NULL && (flow->verdict == SL_ACTION_PASS || flow->counted || flow->watch != 0))
		sl_filter_count_flow(f, flow);
}

void sl_filter_reply(struct sl_filter *f, const struct sl_packet *pkt, struct sl_ticket ticket,
                     struct sl_mono now, struct sl_answers *out)
{
	f->now = now;
	f->out = out;
	sl_filter_count(f, SL_STAT_packets, 1);
	if (f->asked != NULL && !pkt->damaged && pkt->key.proto == SL_PROTO_UDP)
		sl_filter_learn(f, pkt);
	sl_answer_push(out, ticket, SL_ACTION_PASS);
}

void sl_filter_expect(const struct sl_filter *f, const struct sl_packet *pkt, size_t n, uint32_t *bucket)
{
	for (size_t i = 0; i < n; i++)
		bucket[i] = sl_flow_table_expect(f->flows, &pkt[i].key);
	for (size_t i = 0; i < n; i++)
		sl_flow_table_fetch(f->flows, bucket[i]);
	for (size_t i = 0; i < n; i++)
		sl_flow_table_fetch_age(f->flows, bucket[i]);
}

void sl_filter_unreadable(struct sl_filter *f, int err, struct sl_ticket ticket, struct sl_answers *out)
{
	bool bad = err != SL_EPROTO;
	bool block = bad && f->cfg.block[SL_CAUSE_bad_packet];
	sl_filter_count(f, SL_STAT_packets, 1);
	if (bad)
		sl_counter_add(block ? &f->stats->unjudged_blocked[SL_CAUSE_bad_packet]
		                     : &f->stats->unjudged_allowed[SL_CAUSE_bad_packet],
		               1);
	/* Not ALLOW: one such packet must not free the rest of its connection. */
	sl_answer_push(out, ticket, block ? SL_ACTION_BLOCK : SL_ACTION_PASS);
}

/* ---- time ---- */

/* Decides a flow that holds packets, without a packet of its own. */
static void run_out(struct sl_filter *f, struct sl_flow *flow)
{
	struct sl_flow_key key = flow->key;
	struct sl_visit v = { .flow = flow, .key = &key, .reset = flow->end };
	if (flow->swapped)
		sl_flow_key_swap(&key);
	sl_filter_give_up(f, &v, sl_filter_open_cause(f, flow));
	if (f->clients != NULL)
		sl_filter_count_flow(f, flow);
	sl_filter_conclude(f, &v, NULL);
}

bool sl_filter_deadline(const struct sl_filter *f, struct sl_mono *when)
{
	struct sl_mono since;
	if (f->held == NULL || sl_held_longest(f->held, &since) == NULL)
		return false;
	*when = sl_mono_add(since, f->cfg.hold_limit);
	return true;
}

void sl_filter_tick(struct sl_filter *f, struct sl_mono now, struct sl_answers *out)
{
	struct sl_mono when;
	f->now = now;
	f->out = out;
	while (sl_filter_deadline(f, &when) && sl_mono_reached(now, when))
		run_out(f, sl_held_longest(f->held, &when));
	struct sl_mono before = { now.us - f->cfg.flow_idle.us };
	(void)sl_flow_table_expire(f->flows, before, EXPIRE_AT_ONCE);
}

void sl_filter_release(struct sl_filter *f, struct sl_mono now, struct sl_answers *out)
{
	struct sl_mono since;
	f->now = now;
	f->out = out;
	while (sl_filter_held(f) > 0)
		run_out(f, sl_held_longest(f->held, &since));
}

void sl_filter_hold_nothing(struct sl_filter *f, bool yes, struct sl_answers *out)
{
	struct sl_mono since;
	f->holds_nothing = yes;
	while (yes && sl_filter_held(f) > 0)
		sl_held_release(f->held, sl_held_longest(f->held, &since), SL_ACTION_PASS, out);
}

size_t sl_filter_held(const struct sl_filter *f)
{
	return f->held == NULL ? 0 : sl_held_count(f->held);
}

size_t sl_filter_begun(const struct sl_filter *f)
{
	return f->cfg.hold == SL_HOLD_ALL ? 0
	                                  : (size_t)sl_stream_in_use(f->streams) + sl_quic_in_use(f->quic);
}
