/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_live_tcp.c - segments in any order become the bytes and the ends of two directions (RFC 9293 §3.4, NE-CHOICE-27). */
#include <string.h>

#include "daemon/mark.h"
#include "daemon/ne_live_priv.h"

enum { AHEAD_MAX = 1 << 24 }; /* bytes beyond what has come: no window is larger in practice */

/* ---- resets ---- */

/* For the end that gets what goes in that direction. The opener may still wait for an answer to its SYN. */
static void put_reset(struct sl_ne_live *live, const struct sl_ne_conn *c, enum sl_ne_direction direction)
{
	struct sl_answers *a = &live->answers;
	const struct sl_ne_way *way = &c->way[direction == SL_NE_INBOUND],
	                       *back = &c->way[direction != SL_NE_INBOUND];
	struct sl_reset reset = { .key = c->key, .seq = way->passed, .to_client = direction != c->direction };
	if (!way->reached && (!reset.to_client || !back->reached))
		return;
	if (!way->reached)
		reset.ack = back->passed;
	if (a->resets == a->reset_cap)
		sl_ne_live_flush(live);
	a->reset[a->resets++] = reset;
}

void sl_ne_live_tcp_refuse(struct sl_ne_live *live, struct sl_ne_conn *c, unsigned refusal)
{
	enum sl_ne_direction opener = c->direction, answerer = sl_ne_direction_other(opener);
	const struct sl_ne_way *from = sl_ne_conn_way(c, opener), *back = sl_ne_conn_way(c, answerer);
	bool told = from->refused || from->fin != NULL || c->syn != NULL || live->opening == c;
	if ((refusal & SL_NE_RESET_OPENER) != 0 && !told)
		put_reset(live, c, answerer); /* as one who answers */
	if ((refusal & SL_NE_RESET_ANSWERER) != 0 && !back->refused && back->fin == NULL)
		put_reset(live, c, opener);
}

void sl_ne_live_tcp_forget(struct sl_ne_live *live, struct sl_ne_conn *c)
{
	enum sl_action action = c->blocked ? SL_ACTION_BLOCK : SL_ACTION_DROP;
	sl_ne_live_answer(live, sl_take(&c->syn), action);
	for (size_t i = 0; i < SL_COUNT(c->way); i++) {
		struct sl_ne_way *way = &c->way[i];
		sl_ne_live_answer(live, sl_take(&way->fin), action);
		while (way->first_early != NULL) {
			struct sl_ne_parked *k = way->first_early;
			way->first_early = k->next;
			sl_ne_live_answer(live, k, action);
		}
		way->early = 0;
	}
}

/* ---- bytes in order ---- */

static void begin_way(struct sl_ne_way *way, uint32_t seq)
{
	way->next = way->passed = seq;
	way->known = way->reached = true;
}

/* What k brings is next. False: the core did not take it, or the flow is over; nothing behind it can come. */
static bool hand_over(struct sl_ne_live *live, struct sl_ne_conn *c, enum sl_ne_direction direction,
                      struct sl_ne_parked *k)
{
	struct sl_ne_way *way = sl_ne_conn_way(c, direction);
	uint32_t len = k->len;
	bool fin = k->fin;
	live->refused = false;
	if (len > 0) {
		struct sl_ne_packet packet = { { k->bytes.p, len }, (uintptr_t)k };
		sl_ne_names_data(live->names, c->flow, direction, packet.bytes, &c->naming);
		sl_ne_filter_data(live->filter, c->flow, direction, &packet, live->now);
	}
	if (live->refused || c->flow == NULL)
		return false;
	way->next += len;
	if (!fin)
		return true;
	way->next++;
	way->finished = true;
	if (len == 0)
		way->fin = k;
	sl_ne_flow_finish(c->flow, direction, live->now);
	return c->flow != NULL;
}

/* Its first n bytes have come before. */
static void skip(struct sl_ne_parked *k, uint32_t n)
{
	k->seq += n;
	k->len -= n;
	k->bytes.len = k->len;
	if (k->bytes.p != NULL)
		k->bytes.p += n;
}

/* What waited for bytes before it. */
static void hand_over_early(struct sl_ne_live *live, struct sl_ne_conn *c, enum sl_ne_direction direction)
{
	struct sl_ne_way *way = sl_ne_conn_way(c, direction);
	while (way->first_early != NULL && sl_seq_diff(way->first_early->seq, way->next) <= 0) {
		struct sl_ne_parked *k = way->first_early;
		uint32_t old = way->next - k->seq;
		way->first_early = k->next;
		way->early -= k->len;
		if (way->finished || (old >= k->len && !(k->fin && old == k->len))) {
			sl_ne_live_answer(live, k, SL_ACTION_DROP); /* others brought all of it */
			continue;
		}
		skip(k, old);
		if (!hand_over(live, c, direction, k))
			return;
	}
}

static void keep_early(struct sl_ne_live *live, struct sl_ne_way *way, struct sl_ne_parked *k)
{
	struct sl_ne_parked **at = &way->first_early;
	live->counts.early++;
	while (*at != NULL && sl_seq_diff((*at)->seq, k->seq) < 0)
		at = &(*at)->next;
	if ((*at != NULL && (*at)->seq == k->seq && (*at)->len >= k->len && (*at)->fin >= k->fin) ||
	    way->early + k->len > live->options.stream_bytes) {
		sl_ne_live_answer(live, k, SL_ACTION_DROP);
		return;
	}
	k->next = *at;
	*at = k;
	way->early += k->len;
}

/* Nobody looks into that direction any more: it needs no order, and nothing in it waits for what was lost. */
static bool is_open(const struct sl_ne_conn *c, enum sl_ne_direction direction)
{
	return c->flow->state != SL_NE_FLOW_NEW &&
	       sl_ne_window_is_open(&c->flow->side[direction == SL_NE_INBOUND].window);
}

/* What is missing before seq is not waited for; when it comes it passes, and is not counted. */
static void skip_gap(struct sl_ne_way *way, uint32_t seq)
{
	way->next = way->passed = seq;
}

void sl_ne_live_tcp_let_early_go(struct sl_ne_live *live, struct sl_ne_conn *c)
{
	for (unsigned d = SL_NE_INBOUND; d <= SL_NE_OUTBOUND; d++) {
		enum sl_ne_direction direction = (enum sl_ne_direction)d;
		struct sl_ne_way *way = sl_ne_conn_way(c, direction);
		while (c->flow != NULL && way->first_early != NULL && is_open(c, direction)) {
			if (sl_seq_diff(way->first_early->seq, way->next) > 0)
				skip_gap(way, way->first_early->seq);
			hand_over_early(live, c, direction);
		}
	}
}

/* Released bytes pass again: the other end may have lost them. What waits does so once. */
static void on_again(struct sl_ne_live *live, struct sl_ne_conn *c, const struct sl_ne_way *way,
                     const struct sl_packet *v, const struct sl_nfq_packet *p)
{
	uint32_t end = v->seq + v->payload_len + ((v->flags & SL_TCP_FIN) != 0);
	if (sl_seq_diff(end, way->passed) <= 0) {
		live->counts.again++;
		sl_ne_live_answer_as_is(live, c, p->ticket);
	} else {
		live->counts.absorbed++;
		sl_ne_live_answer_packet(live, p, SL_ACTION_DROP);
	}
}

static void on_bytes(struct sl_ne_live *live, struct sl_ne_conn *c, enum sl_ne_direction direction,
                     const struct sl_packet *v, const struct sl_nfq_packet *p)
{
	struct sl_ne_way *way = sl_ne_conn_way(c, direction);
	bool fin = (v->flags & SL_TCP_FIN) != 0;
	if (!way->known)
		begin_way(way, v->seq);
	int32_t ahead = sl_seq_diff(v->seq, way->next);
	if (ahead > 0 && ahead <= AHEAD_MAX && !way->finished && is_open(c, direction)) {
		skip_gap(way, v->seq);
		ahead = 0;
	}
	uint32_t old = ahead < 0 ? (uint32_t)-ahead : 0;
	if (way->finished || old > v->payload_len || (old == v->payload_len && !fin)) {
		on_again(live, c, way, v, p);
		return;
	}
	struct sl_bytes payload = { v->payload.len == v->payload_len ? v->payload.p : NULL, v->payload_len };
	struct sl_ne_parked *k = ahead > AHEAD_MAX ? NULL : sl_ne_parking_take(live->parking, p, payload);
	if (k == NULL) { /* as if it had been lost */
		sl_ne_live_answer_packet(live, p, SL_ACTION_DROP);
		return;
	}
	k->seq = v->seq;
	k->len = v->payload_len;
	k->fin = fin;
	if (ahead > 0) {
		keep_early(live, way, k);
		return;
	}
	skip(k, old);
	if (hand_over(live, c, direction, k))
		hand_over_early(live, c, direction);
}

/* ---- the beginning and the end ---- */

static void open_by_syn(struct sl_ne_live *live, const struct sl_packet *v, const struct sl_nfq_packet *p)
{
	struct sl_packet first = *v;
	first.payload = (struct sl_bytes){ NULL, 0 }; /* what it carries was never shown (NE-FLOW-09) */
	first.payload_len = 0;
	struct sl_ne_conn *c = sl_ne_live_open(live, &first, p, false);
	begin_way(sl_ne_conn_way(c, c->direction), v->seq + v->payload_len);
	c->saw_syn = true;
	c->isn = v->seq;
	if (live->hold_syn && c->flow != NULL && c->flow->state == SL_NE_FLOW_NEW &&
	    (c->syn = sl_ne_parking_take(live->parking, p, (struct sl_bytes){ NULL, 0 })) != NULL)
		return;
	sl_ne_live_answer_as_is(live, c, p->ticket);
}

/* Between the same ports as an older one, perhaps. */
static void on_syn(struct sl_ne_live *live, struct sl_ne_conn *c, const struct sl_packet *v,
                   const struct sl_nfq_packet *p)
{
	bool same =
	        c != NULL && c->saw_syn && c->isn == v->seq && memcmp(&c->key, &v->key, sizeof(c->key)) == 0;
	if (same && c->syn != NULL) {
		live->counts.absorbed++;
		sl_ne_live_answer_packet(live, p, SL_ACTION_DROP);
	} else if (same && (c->flow != NULL || c->blocked)) {
		sl_ne_live_answer_as_is(live, c, p->ticket);
	} else {
		if (c != NULL)
			sl_ne_live_end_flow(live, c);
		open_by_syn(live, v, p);
	}
}

static void on_syn_ack(struct sl_ne_live *live, struct sl_ne_conn *c, const struct sl_packet *v,
                       const struct sl_nfq_packet *p)
{
	struct sl_ne_way *way = sl_ne_conn_way(c, sl_ne_direction_other(c->direction));
	if (!way->known)
		begin_way(way, v->seq + v->payload_len);
	if (c->flow != NULL)
		sl_ne_flow_answered(c->flow);
	sl_ne_live_answer_as_is(live, c, p->ticket);
}

/* One that lies in no window ends nothing (RFC 9293 §3.10.7.4, RFC 5961 §3.2): anybody could have sent it. */
static void on_rst(struct sl_ne_live *live, struct sl_ne_conn *c, enum sl_ne_direction direction,
                   const struct sl_packet *v, const struct sl_nfq_packet *p)
{
	const struct sl_ne_way *way = sl_ne_conn_way(c, direction);
	bool valid = !way->known ||
	             (sl_seq_diff(v->seq, way->passed) >= 0 && sl_seq_diff(v->seq, way->next) <= (1 << 16));
	sl_ne_live_answer_as_is(live, c, p->ticket);
	if (!valid || c->flow == NULL)
		return;
	c->reset = true;
	sl_ne_flow_close(c->flow, sl_mono_add(live->now, live->options.close_wait), live->now);
}

/* Bytes of a flow that has ended, which are new. */
static bool goes_on(struct sl_ne_conn *c, const struct sl_packet *v)
{
	bool opener = memcmp(&v->key, &c->key, sizeof(c->key)) == 0;
	const struct sl_ne_way *way =
	        sl_ne_conn_way(c, opener ? c->direction : sl_ne_direction_other(c->direction));
	return c->flow == NULL && !c->blocked && v->payload_len > 0 &&
	       (!way->reached || sl_seq_diff(v->seq + v->payload_len, way->passed) > 0);
}

void sl_ne_live_tcp(struct sl_ne_live *live, struct sl_ne_conn *c, const struct sl_packet *v,
                    const struct sl_nfq_packet *p)
{
	uint8_t kind = v->flags & (SL_TCP_SYN | SL_TCP_ACK | SL_TCP_RST);
	if (kind == SL_TCP_SYN) {
		on_syn(live, c, v, p);
		return;
	}
	if (c != NULL && goes_on(c, v))
		c = NULL; /* after its end: who knows whom that reset reached */
	if (c == NULL && (v->payload_len == 0 || (kind & (SL_TCP_SYN | SL_TCP_RST)) != 0)) {
		sl_ne_live_answer_packet(live, p,
		                         SL_ACTION_PASS); /* the end of something that nobody watches */
		return;
	}
	/* Nobody saw it begin (NE-CHOICE-03). Where SYNs are not queued the kernel says whether it saw one (daemon/mark.h). */
	if (c == NULL)
		c = sl_ne_live_open(
		        live, v, p,
		        live->both || (p->ticket.mark & sl_mark_started(live->cfg.conf->mark_mask)) == 0);
	bool opener = memcmp(&v->key, &c->key, sizeof(c->key)) == 0;
	enum sl_ne_direction direction = opener ? c->direction : sl_ne_direction_other(c->direction);
	if (kind == (SL_TCP_SYN | SL_TCP_ACK) && !opener)
		on_syn_ack(live, c, v, p);
	else if ((kind & SL_TCP_RST) != 0)
		on_rst(live, c, direction, v, p);
	else if (c->flow == NULL || (v->payload_len == 0 && (v->flags & SL_TCP_FIN) == 0))
		sl_ne_live_answer_as_is(live, c, p->ticket);
	else
		on_bytes(live, c, direction, v, p);
}
