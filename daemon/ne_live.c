/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ne_live.h"

#include <string.h>

#include "daemon/mark.h"
#include "daemon/ne_live_priv.h"

enum {
	EXPIRE_MAX = 16, /* flows a batch */
	PORT_DNS = 53,
};

/* ---- answers ---- */

void sl_ne_live_flush(struct sl_ne_live *live)
{
	int err = live->cfg.flush(live->cfg.ctx);
	if (live->err == SL_OK)
		live->err = err;
	live->answers.answers = live->answers.resets = 0;
}

void sl_ne_live_put(struct sl_ne_live *live, const struct sl_answer *answer)
{
	struct sl_answers *a = &live->answers;
	if (a->answers == a->answer_cap)
		sl_ne_live_flush(live);
	a->answer[a->answers++] = *answer;
}

/* May the kernel carry it alone from now on? Not while somebody wants to know of its bytes, and not where new rules or a new start may
 * yet refuse it (NE-CHOICE-21, NE-CHOICE-15). */
static bool may_mark(const struct sl_ne_live *live, const struct sl_ne_flow *flow)
{
	if (flow->reportable || flow->frequency != SL_NE_FREQUENCY_NONE ||
	    live->options.apply != SL_NE_APPLY_NEW)
		return false;
	return live->options.existing == SL_NE_EXISTING_PASS ||
	       sl_ne_filter_state(live->filter) == SL_NE_FILTER_RUNNING;
}

/* Its packets say what others are called. */
static bool teaches(const struct sl_ne_live *live, const struct sl_flow_key *key)
{
	return key->proto == SL_PROTO_UDP && (key->dport == PORT_DNS || key->sport == PORT_DNS) &&
	       sl_ne_names_learns(live->names);
}

enum sl_action sl_ne_live_passing(struct sl_ne_live *live, struct sl_ne_conn *c,
                                  const struct sl_ne_flow *flow)
{
	if (teaches(live, &c->key))
		return SL_ACTION_PASS;
	bool open = flow->state != SL_NE_FLOW_NEW && sl_ne_window_is_open(&flow->side[0].window) &&
	            sl_ne_window_is_open(&flow->side[1].window);
	if (!open || !may_mark(live, flow))
		return SL_ACTION_PASS;
	c->marked = true;
	return SL_ACTION_ALLOW;
}

void sl_ne_live_answer_as_is(struct sl_ne_live *live, struct sl_ne_conn *c, struct sl_ticket ticket)
{
	struct sl_answer a = { .ticket = ticket, .action = SL_ACTION_PASS };
	if (c->blocked)
		a.action = SL_ACTION_BLOCK;
	else if (c->flow != NULL)
		a.action = sl_ne_live_passing(live, c, c->flow);
	sl_ne_live_put(live, &a);
}

void sl_ne_live_answer(struct sl_ne_live *live, struct sl_ne_parked *packet, enum sl_action action)
{
	struct sl_answer a;
	if (packet != NULL && sl_ne_parking_answer(live->parking, packet, action, &a))
		sl_ne_live_put(live, &a);
}

/* ---- connections ---- */

void sl_ne_live_look_after(struct sl_ne_live *live, struct sl_ne_conn *c)
{
	if (c->listed)
		return;
	c->listed = true;
	c->next = live->listed;
	live->listed = c;
}

static void forget(struct sl_ne_live *live, struct sl_ne_conn *c)
{
	if (c->entry != NULL)
		sl_flow_table_drop(live->table, sl_take(&c->entry));
	sl_ne_names_close(live->names, &c->naming);
	c->next = live->spare;
	live->spare = c;
}

/* What could not be done while the core was at work. */
static void look_after_all(struct sl_ne_live *live)
{
	while (live->listed != NULL) {
		struct sl_ne_conn *c = live->listed;
		live->listed = c->next;
		c->listed = false;
		if (c->close_due && c->flow != NULL)
			sl_ne_flow_close(c->flow, sl_mono_add(live->now, live->options.close_wait),
			                 live->now);
		c->close_due = false;
		if (c->stream)
			sl_ne_live_tcp_let_early_go(live, c);
		if (c->gone || (!c->stream && c->flow == NULL))
			forget(live, c);
	}
}

void sl_ne_live_end_flow(struct sl_ne_live *live, struct sl_ne_conn *c)
{
	struct sl_ne_flow *flow = c->flow;
	if (flow == NULL)
		return;
	sl_ne_flow_enter(flow);
	sl_ne_flow_close(flow, live->now, live->now);
	if (c->flow != NULL)
		sl_ne_flow_end(flow, live->now);
	sl_ne_flow_leave(flow, live->now);
}

void sl_ne_live_on_gone(void *ctx, struct sl_flow *entry, bool evicted)
{
	struct sl_ne_live *live = (struct sl_ne_live *)ctx;
	struct sl_ne_conn *c = &live->conn[entry->id - 1];
	(void)evicted;
	c->entry = NULL; /* the table's own again */
	c->gone = true;
	sl_ne_live_end_flow(live, c);
	if (!c->listed)
		forget(live, c);
}

bool sl_ne_live_is_spared(void *ctx, const struct sl_flow *entry)
{
	const struct sl_ne_live *live = (const struct sl_ne_live *)ctx;
	const struct sl_ne_conn *c = &live->conn[entry->id - 1];
	return c->flow != NULL && !c->marked;
}

static struct sl_ne_conn *find(struct sl_ne_live *live, const struct sl_flow_key *key)
{
	bool fresh;
	if (sl_flow_table_find(live->table, key) == NULL)
		return NULL;
	return &live->conn[sl_flow_table_get(live->table, key, live->now, &fresh)->id - 1];
}

static struct sl_ne_conn *make(struct sl_ne_live *live, const struct sl_flow_key *key)
{
	bool fresh;
	struct sl_flow *entry = sl_flow_table_get(live->table, key, live->now, &fresh);
	struct sl_ne_conn *c;
	if (fresh) {
		c = live->spare;       /* there are as many as the table has places */
		live->spare = c->next; /* NOLINT(clang-analyzer-core.NullDereference) */
	} else {
		c = &live->conn[entry->id - 1];
		sl_ne_names_close(live->names, &c->naming);
	}
	bool listed = !fresh && c->listed; /* NOLINT(clang-analyzer-core.NullDereference): as above */
	*c = (struct sl_ne_conn){ .entry = entry, .key = *key, .listed = listed, .next = c->next };
	entry->id = (uint64_t)(c - live->conn) + 1;
	return c;
}

static struct sl_ne_endpoint endpoint(const uint8_t addr[16], uint16_t port, uint8_t family)
{
	struct sl_ne_endpoint e = { .type = family == 4 ? SL_NE_HOST_IPV4 : SL_NE_HOST_IPV6, .port = port };
	memcpy(e.addr, addr, sizeof(e.addr));
	return e;
}

/* The protected side is local, whoever began (NE-CHOICE-04). */
static struct sl_ne_flow_info describe(const struct sl_ne_conn *c)
{
	const struct sl_flow_key *k = &c->key;
	struct sl_ne_endpoint from = endpoint(k->src, k->sport, k->family),
	                      to = endpoint(k->dst, k->dport, k->family);
	bool outbound = c->direction == SL_NE_OUTBOUND;
	return (struct sl_ne_flow_info){
		.direction = c->direction,
		.local = outbound ? from : to,
		.remote = outbound ? to : from,
		.socket_family = k->family,
		.socket_type = c->stream ? SL_NE_SOCK_STREAM : SL_NE_SOCK_DGRAM,
		.socket_protocol = k->proto,
	};
}

/* For resets; what comes next is not known by that. */
static void note_passed(struct sl_ne_way *way, uint32_t seq)
{
	way->passed = seq;
	way->reached = true;
}

struct sl_ne_conn *sl_ne_live_open(struct sl_ne_live *live, const struct sl_packet *v,
                                   const struct sl_nfq_packet *p, bool older)
{
	struct sl_ne_conn *c = make(live, &v->key);
	c->stream = v->key.proto == SL_PROTO_TCP;
	c->direction =
	        p->ticket.queue == live->first_queue + SL_NE_QUEUE_INBOUND ? SL_NE_INBOUND : SL_NE_OUTBOUND;
	bool began = c->stream && (v->flags & SL_TCP_SYN) == 0; /* some time ago */
	struct sl_ne_opening opening = {
		.info = describe(c), .older = older, .answered = began, .driver = c
	};
	struct sl_ne_flow *flow = NULL;
	if (v->payload_len > 0 && v->payload.len == v->payload_len)
		opening.first = v->payload;
	if (began) {
		note_passed(sl_ne_conn_way(c, c->direction), v->seq);
		note_passed(sl_ne_conn_way(c, sl_ne_direction_other(c->direction)), v->ack);
	}
	sl_ne_names_open(live->names, &c->key, opening.first, live->now, &opening.info, &c->naming);
	live->opening = c;
	if (sl_ne_filter_open_flow(live->filter, &opening, live->now, &flow) != SL_OK)
		flow = NULL;
	live->opening = NULL;
	c->flow = flow;
	return c;
}

/* ---- packets ---- */

void sl_ne_live_answer_packet(struct sl_ne_live *live, const struct sl_nfq_packet *p, enum sl_action action)
{
	sl_ne_live_put(live, &(struct sl_answer){ .ticket = p->ticket, .action = action });
}

static void on_datagram(struct sl_ne_live *live, struct sl_ne_conn *c, const struct sl_packet *v,
                        const struct sl_nfq_packet *p)
{
	bool fresh = c == NULL;
	if (fresh)
		c = sl_ne_live_open(live, v, p, false);
	struct sl_bytes payload = { v->payload.len == v->payload_len ? v->payload.p : NULL, v->payload_len };
	struct sl_ne_parked *k = c->flow == NULL ? NULL : sl_ne_parking_take(live->parking, p, payload);
	if (k ==
	    NULL) { /* no room, or a flow that has just ended: of a next one the next packet is the first */
		sl_ne_live_answer_packet(live, p, c->blocked ? SL_ACTION_BLOCK : SL_ACTION_DROP);
		sl_ne_live_look_after(live, c);
		return;
	}
	bool opener = memcmp(&v->key, &c->key, sizeof(c->key)) == 0;
	enum sl_ne_direction direction = opener ? c->direction : sl_ne_direction_other(c->direction);
	struct sl_ne_packet packet = { { k->bytes.p, v->payload_len }, (uintptr_t)k };
	if (!fresh)
		sl_ne_names_data(live->names, c->flow, direction, packet.bytes, &c->naming);
	sl_ne_filter_data(live->filter, c->flow, direction, &packet, live->now);
}

/* An answer of DNS that is queued for its names alone (daemon/rules_xt_text.c), and passes. */
static bool is_taught(const struct sl_ne_live *live, const struct sl_nfq_packet *p)
{
	uint32_t mask = live->cfg.conf->mark_mask;
	return !live->both && (p->ticket.mark & mask) == sl_mark_of(mask, SL_MARK_PASSED);
}

static void on_packet(struct sl_ne_live *live, const struct sl_nfq_packet *p)
{
	struct sl_packet v;
	int err = sl_packet_read(p->ip, p->wire_len, &v);
	live->counts.packets++;
	if (err == SL_EPROTO) {
		live->counts.passed++;
		sl_ne_live_answer_packet(live, p, SL_ACTION_PASS);
		return;
	}
	if (err != SL_OK || (p->unverified && sl_packet_is_damaged(p->ip, p->wire_len))) {
		live->counts.damaged++;
		sl_ne_live_answer_packet(live, p, SL_ACTION_DROP);
		return;
	}
	if (teaches(live, &v.key))
		sl_ne_names_learn(live->names, &v.key, v.payload, live->now);
	if (is_taught(live, p)) {
		sl_ne_live_answer_packet(live, p, SL_ACTION_PASS);
		return;
	}
	struct sl_ne_conn *c = find(live, &v.key);
	if (v.key.proto == SL_PROTO_TCP)
		sl_ne_live_tcp(live, c, &v, p);
	else
		on_datagram(live, c, &v, p);
	look_after_all(live);
}

/* ---- rounds ---- */

/* What the core and its provider have to do by now. */
static void be_on_time(struct sl_ne_live *live)
{
	struct sl_ne_source *s = live->cfg.source;
	struct sl_mono due;
	if (sl_ne_filter_due(live->filter, &due) && sl_mono_reached(live->now, due))
		sl_ne_filter_tick(live->filter, live->now);
	if (s->due != NULL && s->due(s->ctx, &due) && sl_mono_reached(live->now, due))
		s->expired(s->ctx, live->now);
	look_after_all(live);
}

static bool is_parked(const struct sl_ne_live *live, const struct sl_nfq_packet *p)
{
	return p->ticket.queue == live->first_queue + SL_NE_QUEUE_PARKING;
}

/* Those that have come to the parking queue first: the packets of a batch may let them go, and are to go behind them. */
static void take_parked(struct sl_ne_live *live, const struct sl_nfq_packet *packet, size_t n)
{
	struct sl_answer a;
	for (size_t i = 0; i < n; i++)
		if (is_parked(live, &packet[i]) && sl_ne_parking_came(live->parking, &packet[i], &a))
			sl_ne_live_put(live, &a);
}

static int end_round(struct sl_ne_live *live)
{
	struct sl_ne_source *s = live->cfg.source;
	struct sl_mono before = { live->now.us - live->cfg.conf->flow_idle.us };
	struct sl_answer a;
	if (s->flush != NULL)
		s->flush(s->ctx, live->now);
	look_after_all(live);
	(void)sl_flow_table_expire(live->table, before, EXPIRE_MAX);
	look_after_all(live);
	while (sl_ne_parking_leave(live->parking, &a))
		sl_ne_live_put(live, &a);
	sl_ne_live_flush(live);
	return live->err;
}

int sl_ne_live_batch(struct sl_ne_live *live, const struct sl_nfq_packet *packet, size_t n,
                     struct sl_mono now)
{
	live->now = now;
	take_parked(live, packet, n);
	be_on_time(live);
	for (size_t i = 0; i < n && live->err == SL_OK; i++)
		if (!is_parked(live, &packet[i]))
			on_packet(live, &packet[i]);
	return end_round(live);
}

int sl_ne_live_ready(struct sl_ne_live *live, short revents, struct sl_mono now)
{
	struct sl_ne_source *s = live->cfg.source;
	live->now = now;
	be_on_time(live);
	if (s->ready != NULL)
		s->ready(s->ctx, revents, now);
	return end_round(live);
}

int sl_ne_live_stop(struct sl_ne_live *live, enum sl_ne_stop_reason reason, struct sl_mono now)
{
	live->now = now;
	(void)sl_ne_filter_stop(live->filter, reason, now); /* it may be stopped already */
	return end_round(live);
}

bool sl_ne_live_stopped(const struct sl_ne_live *live)
{
	return sl_ne_filter_state(live->filter) == SL_NE_FILTER_STOPPED;
}

bool sl_ne_live_due(const struct sl_ne_live *live, struct sl_mono *due)
{
	const struct sl_ne_source *s = live->cfg.source;
	struct sl_mono other;
	bool any = sl_ne_filter_due(live->filter, due);
	if (s->due == NULL || !s->due(s->ctx, &other))
		return any;
	if (!any || other.us < due->us)
		*due = other;
	return true;
}
