/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ne_captured.h"

#include <stdlib.h>

#include "base/util.h"
#include "daemon/capture_packet.h"
#include "daemon/replay_flow.h"

enum { PIECES_MAX = 4096 }; /* of a direction that wait for the ones before them */

struct piece {
	uint32_t seq;
	struct sl_bytes bytes;
	struct piece *next;
};

/* One direction of a TCP flow. */
struct stream {
	bool begun, has_fin, finished;
	uint32_t next, fin;  /* sequence numbers: of the next byte; behind the last one */
	struct piece *first; /* in order */
	size_t pieces;
};

struct tcp {
	struct stream side[2]; /* of the opener's bytes, of the answerer's */
	bool turned;           /* the first packet was the answerer's */
	bool over;
};

struct reader {
	struct sl_ne_captured *c;
	struct sl_replay_flows *flows;
	struct tcp *tcp; /* by flow */
	size_t tcp_room;
	int64_t began, now;
	bool has_begun;
	int err;
};

/* ---- memory ---- */

/* Room for one more. */
static bool grow(struct reader *r, void *array, size_t n, size_t *room, size_t size)
{
	void **at = array;
	if (n < *room)
		return true;
	size_t more = *room == 0 ? 64 : *room * 2;
	void *new = reallocarray(*at, more, size);
	if (new == NULL) {
		r->err = SL_ENOMEM;
		return false;
	}
	*at = new;
	*room = more;
	return true;
}

static struct sl_bytes keep(struct reader *r, struct sl_bytes bytes)
{
	struct sl_ne_captured *c = r->c;
	void *copy = bytes.len == 0 ? NULL : malloc(bytes.len);
	if (copy == NULL || !grow(r, &c->own, c->owned, &c->owned_room, sizeof(*c->own))) {
		free(copy);
		r->err = bytes.len == 0 ? r->err : SL_ENOMEM;
		return (struct sl_bytes){ NULL, bytes.len };
	}
	memcpy(copy, bytes.p, bytes.len);
	c->own[c->owned++] = copy;
	return (struct sl_bytes){ copy, bytes.len };
}

static void add(struct reader *r, uint32_t flow, enum sl_ne_captured_kind kind, bool back,
                struct sl_bytes bytes)
{
	struct sl_ne_captured *c = r->c;
	if (!grow(r, &c->event, c->events, &c->event_room, sizeof(*c->event)))
		return;
	c->event[c->events++] = (struct sl_ne_captured_event){ r->now, kind, flow, back, bytes };
	c->flow[flow].bytes[back] += bytes.len;
	c->flow[flow].last = r->now;
}

/* ---- TCP: bytes in order ---- */

static int32_t ahead(uint32_t seq, uint32_t of)
{
	return (int32_t)(seq - of);
}

/* What of the bytes at seq is new goes on. */
static void take(struct reader *r, uint32_t flow, bool back, uint32_t seq, struct sl_bytes bytes)
{
	struct stream *s = &r->tcp[flow].side[back];
	int32_t old = -ahead(seq, s->next);
	if (old >= (int64_t)bytes.len)
		return;
	struct sl_bytes fresh = bytes.p == NULL ? (struct sl_bytes){ NULL, bytes.len - (size_t)old }
	                                        : sl_bytes_skip(bytes, (size_t)old);
	s->next += (uint32_t)fresh.len;
	add(r, flow, SL_NE_CAPTURED_DATA, back, fresh);
}

static void pop(struct reader *r, uint32_t flow, bool back)
{
	struct stream *s = &r->tcp[flow].side[back];
	struct piece *p = s->first;
	s->first = p->next;
	s->pieces--;
	take(r, flow, back, p->seq, p->bytes);
	free(p);
}

/* The bytes before seq came, and are not in the capture. */
static void fill(struct reader *r, uint32_t flow, bool back, uint32_t seq)
{
	struct stream *s = &r->tcp[flow].side[back];
	int32_t missing = ahead(seq, s->next);
	if (missing <= 0)
		return;
	r->c->holes += (uint32_t)missing;
	take(r, flow, back, s->next, (struct sl_bytes){ NULL, (size_t)missing });
}

static void drain(struct reader *r, uint32_t flow, bool back)
{
	struct stream *s = &r->tcp[flow].side[back];
	while (s->first != NULL && ahead(s->first->seq, s->next) <= 0)
		pop(r, flow, back);
	if (!s->has_fin || s->finished || ahead(s->fin, s->next) > 0)
		return;
	s->finished = true;
	add(r, flow, SL_NE_CAPTURED_FINISH, back, (struct sl_bytes){ NULL, 0 });
}

static void wait_for_earlier(struct reader *r, uint32_t flow, bool back, uint32_t seq, struct sl_bytes bytes)
{
	struct stream *s = &r->tcp[flow].side[back];
	struct piece **at = &s->first, *p = malloc(sizeof(*p));
	if (p == NULL) {
		r->err = SL_ENOMEM;
		return;
	}
	while (*at != NULL && ahead((*at)->seq, seq) <= 0)
		at = &(*at)->next;
	*p = (struct piece){ seq, bytes, *at };
	*at = p;
	if (++s->pieces > PIECES_MAX)
		fill(r, flow, back, s->first->seq);
}

static void take_segment(struct reader *r, uint32_t flow, bool back, const struct sl_packet *pkt,
                         struct sl_bytes bytes)
{
	struct stream *s = &r->tcp[flow].side[back];
	if (!s->begun || (pkt->flags & SL_TCP_SYN) != 0) {
		s->begun = true;
		s->next = pkt->seq;
	}
	if (bytes.len > 0 && ahead(pkt->seq, s->next) <= 0)
		take(r, flow, back, pkt->seq, bytes);
	else if (bytes.len > 0)
		wait_for_earlier(r, flow, back, pkt->seq, bytes);
	if ((pkt->flags & SL_TCP_FIN) != 0 && !s->has_fin) {
		s->has_fin = true;
		s->fin = pkt->seq + (uint32_t)bytes.len;
	}
	drain(r, flow, back);
}

/* Bytes that were acknowledged came, though others wait for them here. That an acknowledgement overtakes its bytes on the way into
 * a capture happens: alone it proves nothing. */
static void take_ack(struct reader *r, uint32_t flow, bool back, const struct sl_packet *pkt)
{
	struct stream *s = &r->tcp[flow].side[!back];
	if ((pkt->flags & SL_TCP_ACK) == 0 || !s->begun || s->first == NULL ||
	    ahead(pkt->ack, s->first->seq) <= 0)
		return;
	fill(r, flow, !back, s->first->seq);
	drain(r, flow, !back);
}

static void close_flow(struct reader *r, uint32_t flow)
{
	r->tcp[flow].over = true;
	add(r, flow, SL_NE_CAPTURED_CLOSE, false, (struct sl_bytes){ NULL, 0 });
}

static void take_tcp(struct reader *r, uint32_t flow, bool back, const struct sl_packet *pkt,
                     struct sl_bytes bytes)
{
	struct tcp *t = &r->tcp[flow];
	if (t->over)
		return;
	if (back && (pkt->flags & (SL_TCP_SYN | SL_TCP_ACK)) == (SL_TCP_SYN | SL_TCP_ACK) &&
	    !t->side[1].begun)
		add(r, flow, SL_NE_CAPTURED_ANSWERED, true, (struct sl_bytes){ NULL, 0 });
	if ((pkt->flags & SL_TCP_RST) != 0) {
		close_flow(r, flow);
		return;
	}
	take_segment(r, flow, back, pkt, bytes);
	take_ack(r, flow, back, pkt);
	if (t->side[0].finished && t->side[1].finished)
		close_flow(r, flow);
}

/* ---- packets ---- */

/* Whose flow is it? Without a SYN the end with the higher port is taken for the one that opened it. */
static bool is_turned(const struct sl_flow_key *key, const struct sl_packet *pkt)
{
	if (key->proto != SL_PROTO_TCP)
		return false;
	if ((pkt->flags & SL_TCP_SYN) != 0)
		return (pkt->flags & SL_TCP_ACK) != 0;
	return key->sport < key->dport;
}

static void begin_flow(struct reader *r, const struct sl_flow_key *key, const struct sl_packet *pkt)
{
	struct sl_ne_captured *c = r->c;
	if (!grow(r, &c->flow, c->flows, &c->flow_room, sizeof(*c->flow)) ||
	    !grow(r, &r->tcp, c->flows, &r->tcp_room, sizeof(*r->tcp)))
		return;
	struct sl_ne_captured_flow *f = &c->flow[c->flows];
	*f = (struct sl_ne_captured_flow){ .key = *key, .first = r->now, .last = r->now };
	r->tcp[c->flows] = (struct tcp){ .turned = is_turned(key, pkt) };
	if (r->tcp[c->flows].turned)
		sl_flow_key_swap(&f->key);
	f->begins = key->proto != SL_PROTO_TCP || (pkt->flags & SL_TCP_SYN) != 0;
	add(r, (uint32_t)c->flows++, SL_NE_CAPTURED_OPEN, false, (struct sl_bytes){ NULL, 0 });
}

static void take_packet(struct reader *r, struct sl_capture_packet *one)
{
	struct sl_packet *pkt = &one->packet;
	struct sl_flow_key key = pkt->key;
	struct sl_bytes bytes = { NULL, pkt->payload_len };
	uint32_t flow;
	r->err = sl_replay_flow_of(r->flows, pkt, &one->link, one->frame);
	if (r->err != SL_OK)
		return;
	memcpy(&flow, pkt->key.src, sizeof(flow));
	if (flow == r->c->flows)
		begin_flow(r, &key, pkt);
	if (r->err != SL_OK)
		return;
	if (pkt->payload.len == pkt->payload_len)
		bytes = one->joined ? keep(r, pkt->payload) : pkt->payload;
	bool back = (pkt->key.src[sizeof(flow)] == 2) != r->tcp[flow].turned;
	if (key.proto == SL_PROTO_TCP)
		take_tcp(r, flow, back, pkt, bytes);
	else
		add(r, flow, SL_NE_CAPTURED_DATA, back, bytes);
}

static void set_time(struct reader *r, const struct sl_capture_packet *one)
{
	if (!r->has_begun) {
		r->began = one->at.us;
		r->c->started = one->at.us;
		r->has_begun = true;
	}
	int64_t since = one->at.us > r->began ? one->at.us - r->began : 0;
	since = since > SL_NE_CAPTURED_MAX ? SL_NE_CAPTURED_MAX : since;
	r->now = since > r->now ? since : r->now;
}

/* The capture is over: what waits for bytes that it does not hold goes on without them. */
static void finish(struct reader *r)
{
	for (uint32_t flow = 0; flow < r->c->flows; flow++)
		for (unsigned back = 0; back < 2; back++) {
			struct stream *s = &r->tcp[flow].side[back];
			while (s->first != NULL && r->err == SL_OK && !r->tcp[flow].over) {
				fill(r, flow, back, s->first->seq);
				drain(r, flow, back);
			}
			while (s->first != NULL) {
				struct piece *p = s->first;
				s->first = p->next;
				free(p);
			}
		}
}

int sl_ne_captured_read(struct sl_capture *capture, const char *name, const struct sl_diag *diag,
                        struct sl_ne_captured **out)
{
	struct sl_capture_packets *packets = NULL;
	struct sl_capture_packet one;
	struct reader r = { .c = calloc(1, sizeof(*r.c)) };
	int err = r.c == NULL ? SL_ENOMEM : sl_replay_flows_new(&r.flows);
	if (err == SL_OK)
		err = sl_capture_packets_new(capture, name, diag, &packets);
	while (err == SL_OK && r.err == SL_OK && (err = sl_capture_packets_next(packets, &one)) == SL_OK) {
		set_time(&r, &one);
		take_packet(&r, &one);
	}
	if (err == SL_ENOENT || err == SL_EMALF)
		err = SL_OK;
	if (r.c != NULL)
		finish(&r);
	err = err == SL_OK ? r.err : err;
	sl_capture_packets_free(&packets);
	sl_replay_flows_free(&r.flows);
	free(r.tcp);
	if (err == SL_OK)
		*out = r.c;
	else
		sl_ne_captured_free(&r.c);
	return err;
}

void sl_ne_captured_free(struct sl_ne_captured **c)
{
	struct sl_ne_captured *old = sl_take(c);
	if (old == NULL)
		return;
	for (size_t i = 0; i < old->owned; i++)
		free(old->own[i]);
	free(old->own);
	free(old->event);
	free(old->flow);
	free(old);
}
