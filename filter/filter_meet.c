/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which connection a packet belongs to: five-tuples are taken up again, decoys come with them, and SYNs may not be seen. */
#include "filter/filter_priv.h"

enum {
	/* How far from the bytes that were seen may a segment of the same connection be? Beyond that it belongs to a new one
	 * between the same ports. Less than 65537: a client that takes up a port again goes on so much later (Linux,
	 * tcp_tw_reuse). What was lost on the way to us in one piece is less than a window without scaling. */
	NEAR = 64 << 10,
	/* So far back a retransmission may be. */
	SEEN_WINDOW = 16 << 20,
	/* How far the client may have moved in the server's bytes since its last segment, if this one is not the next in order.
	 * A new connection's server begins anywhere (RFC 6528): one of 512 looks like the old one, if its own numbers do. */
	ACK_NEAR = 4 << 20,
};

static bool is_ack_near(const struct sl_flow *flow, const struct sl_packet *pkt)
{
	int64_t moved = sl_seq_diff(pkt->ack, flow->ack);
	/* Nothing but the SYN has come, which acknowledges nothing; or a new connection's would tell. */
	if ((flow->end == flow->first && flow->syn_seen) || flow->syn_text || flow->pinned)
		return true;
	return (pkt->flags & SL_TCP_ACK) == 0 || (-(int64_t)ACK_NEAR <= moved && moved <= (int64_t)ACK_NEAR);
}

bool sl_filter_is_near(const struct sl_flow *flow, const struct sl_packet *pkt)
{
	int64_t skipped = flow->consumed ? sl_seq_diff(flow->next, flow->end) : 0;
	int64_t ahead = NEAR + (skipped < 0 ? 0 : skipped > SEEN_WINDOW ? SEEN_WINDOW : skipped);
	int64_t before = flow->twice ? 0 : NEAR;
	if (pkt->seq == flow->end)
		return true;
	return sl_seq_diff(pkt->seq, flow->end) <= ahead && sl_seq_diff(pkt->seq, flow->first) >= -before &&
	       is_ack_near(flow, pkt);
}

/* Does the packet go where the flow's first one went? */
static bool is_same_way(const struct sl_flow *flow, const struct sl_packet *pkt)
{
	struct sl_flow_key ordered = pkt->key;
	return sl_flow_key_order(&ordered) == flow->swapped;
}

bool sl_filter_is_new_connection(const struct sl_flow *flow, const struct sl_packet *pkt)
{
	if (pkt->key.proto != SL_PROTO_TCP)
		return false;
	if (!is_same_way(flow, pkt))
		return true;
	if ((pkt->flags & SL_TCP_SYN) != 0)
		return pkt->seq != flow->first;
	return !flow->pinned && !sl_filter_is_near(flow, pkt);
}

uint64_t sl_filter_next_id(struct sl_filter *f)
{
	return (f->cfg.seed + ++f->born * UINT64_C(0x9e3779b97f4a7c15)) >> 11;
}

static bool is_syn(const struct sl_packet *pkt)
{
	return pkt->key.proto == SL_PROTO_TCP && (pkt->flags & SL_TCP_SYN) != 0;
}

uint8_t sl_filter_group(const struct sl_filter *f, const struct sl_packet *pkt)
{
	return f->provider.group == NULL ? 0 : f->provider.group(f->provider.ctx, &pkt->key, &pkt->origin);
}

static void begin(struct sl_filter *f, struct sl_flow *flow, const struct sl_packet *pkt, bool start_seen)
{
	flow->id = sl_filter_next_id(f);
	flow->group = sl_filter_group(f, pkt);
	flow->next = flow->first = flow->end = pkt->seq;
	if (pkt->key.proto == SL_PROTO_UDP)
		flow->dtls = 0;
	flow->certain = flow->syn_seen = is_syn(pkt);
	flow->start_seen = start_seen || flow->syn_seen;
	flow->pinned = flow->syn_seen && (f->cfg.syns || f->cfg.find_syn != NULL);
	sl_filter_count(f, SL_STAT_flows, 1);
}

/* Does the segment write all of the SYN's bytes once more, as they were? */
static bool is_repeated(const struct sl_flow *flow, const struct sl_packet *pkt)
{
	struct sl_bytes text = sl_stream_head(flow->stream);
	return pkt->seq == flow->first && flow->end - flow->first == text.len &&
	       pkt->payload.len >= text.len && sl_bytes_equal(sl_bytes_first(pkt->payload, text.len), text);
}

/* A segment in the place of the SYN's bytes says that the server may have dropped them (RFC 7413 §4.1.3). Those that are whole
 * are decided as they stand, which frees nothing that comes later: true where the connection begins once more. Those that are not
 * stay, since they may be a part of what comes. */
static bool is_syn_text_dropped(struct sl_filter *f, struct sl_flow *flow, const struct sl_packet *pkt)
{
	struct sl_visit v = { .flow = flow, .key = &pkt->key, .pkt = pkt };
	if (!flow->syn_text || (pkt->flags & SL_TCP_SYN) != 0 || sl_seq_diff(pkt->seq, flow->end) >= 0 ||
	    is_repeated(flow, pkt))
		return false;
	(void)sl_filter_read_kept(f, &v);
	return flow->verdict == SL_ACTION_ALLOW || (flow->verdict == SL_ACTION_PASS && flow->consumed);
}

/* The same connection, of which nothing but the SYN has come. */
static struct sl_flow *begin_again(struct sl_filter *f, struct sl_flow *flow, const struct sl_packet *pkt)
{
	bool fresh;
	uint32_t first = flow->first;
	bool start_seen = flow->start_seen, pinned = flow->pinned, twice = flow->twice;
	sl_filter_settle(f, flow, SL_ACTION_ALLOW);
	sl_filter_unwatch(f, flow);
	sl_filter_uncount_flow(f, flow);
	sl_flow_table_drop(f->flows, flow);
	flow = sl_flow_table_get(f->flows, &pkt->key, f->now, &fresh);
	begin(f, flow, pkt, start_seen);
	flow->next = flow->first = flow->end = first;
	flow->certain = flow->syn_seen = true;
	flow->pinned = pinned;
	flow->twice = twice;
	sl_filter_count(f, SL_STAT_restarts, 1);
	return flow;
}

/* Another SYN, in the midst of a connection that is not decided: was it for the server, or does that go on with the first one, whose
 * next byte is `other`? If that lies before the newer place it tells of itself when it comes, as does what is far behind that; else
 * the bytes of both would be in the place of either, and nobody can tell. */
static void doubt(struct sl_filter *f, struct sl_flow *flow, const struct sl_packet *pkt, uint32_t other)
{
	int64_t apart = sl_seq_diff(flow->first, other);
	struct sl_visit v = { .flow = flow, .key = &pkt->key, .pkt = pkt };
	flow->twice = true;
	if (flow->verdict == SL_ACTION_PASS && -2 * (int64_t)NEAR <= apart && apart <= 0)
		sl_filter_unjudged(f, &v, SL_CAUSE_ambiguous);
}

/* The ports are taken up again; where the kernel knew of no connection when the SYN came, the old one is over. */
static struct sl_flow *restart(struct sl_filter *f, struct sl_flow *flow, const struct sl_packet *pkt,
                               bool start_seen)
{
	bool fresh;
	bool doubtful = flow->verdict == SL_ACTION_PASS && flow->syn_seen && is_syn(pkt) && !start_seen &&
	                is_same_way(flow, pkt);
	uint32_t other = flow->twice ? pkt->seq : flow->end; /* one of more than two may be near to any */
	sl_filter_abandon(f, flow, sl_filter_open_cause(f, flow));
	sl_filter_uncount_flow(f, flow);
	sl_flow_table_drop(f->flows, flow);
	flow = sl_flow_table_get(f->flows, &pkt->key, f->now, &fresh);
	begin(f, flow, pkt, start_seen);
	sl_filter_count(f, SL_STAT_restarts, 1);
	if (doubtful)
		doubt(f, flow, pkt, other);
	return flow;
}

struct sl_flow *sl_filter_meet(struct sl_filter *f, const struct sl_packet *pkt, bool start_seen)
{
	bool fresh;
	struct sl_flow *flow = sl_flow_table_get(f->flows, &pkt->key, f->now, &fresh);
	if (fresh)
		begin(f, flow, pkt, start_seen);
	else if (sl_filter_is_new_connection(flow, pkt))
		flow = restart(f, flow, pkt, start_seen);
	else if (is_syn_text_dropped(f, flow, pkt))
		flow = begin_again(f, flow, pkt);
	flow->packets++;
	flow->ack = pkt->ack;
	flow->ttl = (uint8_t)sl_max(flow->ttl, pkt->ttl);
	return flow;
}

/* Bytes of no connection that is known: if a copy of its SYN is there, all is as if that had come. */
struct sl_flow *sl_filter_meet_copy(struct sl_filter *f, struct sl_flow *flow, const struct sl_packet *pkt)
{
	struct sl_syn copy;
	if (flow != NULL && is_same_way(flow, pkt) && sl_filter_is_near(flow, pkt))
		return flow;
	if (!f->cfg.find_syn(f->cfg.syn_ctx, &pkt->key, &copy)) {
		if (flow == NULL && (pkt->flags & SL_TCP_SYN) == 0)
			sl_filter_count(f, SL_STAT_guessed, 1);
		return flow;
	}
	const struct sl_packet syn = {
		.key = pkt->key, .seq = copy.seq, .flags = SL_TCP_SYN, .ttl = copy.ttl, .origin = pkt->origin
	};
	flow = sl_filter_meet(f, &syn, copy.fresh);
	flow->packets--; /* nothing came to userspace */
	if (copy.numbers > 1)
		doubt(f, flow, pkt, copy.numbers == 2 ? copy.other : copy.seq);
	return flow;
}

/* The segment is one of those seen. */
void sl_filter_note_place(struct sl_flow *flow, const struct sl_packet *pkt)
{
	uint32_t end = pkt->seq + pkt->payload_len;
	if (!flow->pinned && sl_seq_diff(pkt->seq, flow->first) < 0)
		flow->first = pkt->seq;
	if (sl_seq_diff(end, flow->end) > 0)
		flow->end = end;
	if (sl_seq_diff(flow->end, flow->first) > SEEN_WINDOW)
		flow->first = flow->end - SEEN_WINDOW;
}
