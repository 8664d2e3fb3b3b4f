/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a client may have at once. Looked at before anything is read or remembered of a packet, so that one that is too much costs a
 * verdict and no more. */
#include "filter/filter_priv.h"

enum {
	TOLD_US = 1000000, /* the log hears of a client's limit once in this time */
	/* What the kernel takes for a packet beside its bytes, about. */
	PACKET_OVERHEAD = 1024,
	/* What a name that is asked for, a line of the log or a datagram that is opened takes, in packets, about: 15 to 20 us where
	 * a packet of an open flow takes 5, most of it in the kernel. */
	WORK_PACKETS = 3,
};

int sl_filter_make_clients(struct sl_filter *f)
{
	const struct sl_client_limits *l = &f->cfg.clients;
	if (l->rate == 0 && l->flows == 0 && l->held == 0)
		return SL_OK;
	f->most_flows = l->flows == 0 ? UINT32_MAX : l->flows;
	return sl_clients_new(l, f->cfg.seed, &f->clients);
}

/* NULL where nothing is known of it, or nobody counts. */
static struct sl_client_account *client_of(struct sl_filter *f, const struct sl_flow *flow)
{
	const uint8_t *addr = flow->swapped ? flow->key.dst : flow->key.src;
	return f->clients == NULL ? NULL : sl_clients_find(f->clients, flow->key.family, addr);
}

/* ---- undecided flows ---- */

/* Nothing of it was judged yet, or something is kept that others would have room for. */
static bool is_undecided(const struct sl_flow *flow)
{
	if (flow->watch != 0)
		return true;
	if (flow->verdict != SL_ACTION_PASS)
		return false;
	bool keeps = flow->stream != NULL;
	if (flow->key.proto == SL_PROTO_UDP)
		keeps = flow->quic != 0 || flow->dtls != 0;
	else if (flow->h2 != 0)
		keeps = true;
	return keeps || !(flow->judged || flow->let_go);
}

static void count_flow(struct sl_filter *f, struct sl_flow *flow, bool undecided)
{
	struct sl_client_account *c = client_of(f, flow);
	flow->counted = undecided;
	if (c != NULL && undecided)
		c->flows++;
	else if (c != NULL && c->flows > 0) /* it may have been forgotten, and met anew */
		c->flows--;
}

void sl_filter_count_flow(struct sl_filter *f, struct sl_flow *flow)
{
	if (is_undecided(flow) != flow->counted)
		count_flow(f, flow, !flow->counted);
}

void sl_filter_uncount_flow(struct sl_filter *f, struct sl_flow *flow)
{
	if (flow->counted)
		count_flow(f, flow, false);
}

/* ---- bytes held ---- */

uint32_t sl_filter_held_size(const struct sl_packet *pkt)
{
	return pkt->payload_len + PACKET_OVERHEAD;
}

void sl_filter_count_held(struct sl_filter *f, const struct sl_flow *flow, int64_t bytes)
{
	struct sl_client_account *c = bytes == 0 ? NULL : client_of(f, flow);
	if (c == NULL)
		return;
	int64_t held = (int64_t)c->held + bytes;
	c->held = held < 0 ? 0 : (uint64_t)held;
}

/* ---- beyond a limit ---- */

static void tell(struct sl_filter *f, struct sl_client_account *c, const struct sl_packet *pkt,
                 const struct sl_flow *flow, enum sl_cause cause, bool block)
{
	struct sl_report report = {
		.flow_id = flow != NULL ? flow->id : sl_filter_next_id(f),
		.key = &pkt->key,
		.app = flow != NULL ? (enum sl_app)flow->app : SL_APP_UNKNOWN,
		.judgement = { .list = SL_NO_LIST },
		.packets = c->over,
		.cause = cause,
		.block = block,
	};
	c->over = 0;
	c->told_us = f->now.us;
	if (flow != NULL) { /* whose end is told of when it comes */
		sl_filter_emit(f, &report);
		return;
	}
	sl_filter_count(f, SL_STAT_flows, 1);
	sl_filter_note(f, &report, cause, block);
}

/* block: the packet goes nowhere, and its flow is what it was; who is honest sends it again, later. Of a flood's packets one a second is
 * told. allow: its flow goes on unjudged, and each is told. */
static void refuse(struct sl_filter *f, struct sl_client_account *c, const struct sl_packet *pkt,
                   struct sl_flow *flow, enum sl_cause cause, const struct sl_ticket *ticket)
{
	c->over++;
	if (f->cfg.block[cause]) {
		if (c->told_us == INT64_MIN || f->now.us - c->told_us >= TOLD_US)
			tell(f, c, pkt, flow, cause, true);
		sl_answer_push(f->out, *ticket, SL_ACTION_DROP);
	} else if (flow == NULL) {
		tell(f, c, pkt, NULL, cause, false);
		sl_answer_push(f->out, *ticket, SL_ACTION_ALLOW);
	} else {
		struct sl_visit v = { .flow = flow, .key = &pkt->key, .pkt = pkt, .reset = pkt->seq };
		sl_filter_unjudged(f, &v, cause);
		sl_filter_count_flow(f, flow);
		sl_filter_conclude(f, &v, ticket);
	}
}

/* A packet of a decided flow is answered by that, which costs as little as anything; and one more of an undecided flow is no new flow. */
static bool refuse_unless_known(struct sl_filter *f, struct sl_client_account *c, const struct sl_packet *pkt,
                                const struct sl_ticket *ticket, bool slow)
{
	struct sl_flow *flow = sl_flow_table_find(f->flows, &pkt->key);
	/* One that takes the place of an undecided one makes none more. */
	if (flow != NULL && !(slow && flow->counted) && sl_filter_is_new_connection(flow, pkt))
		flow = NULL;
	if (flow != NULL && (slow || flow->verdict != SL_ACTION_PASS))
		return false;
	sl_filter_count(f, slow ? SL_STAT_over_flows : SL_STAT_over_rate, 1);
	refuse(f, c, pkt, flow, slow ? SL_CAUSE_client_flows : SL_CAUSE_client_rate, ticket);
	return true;
}

bool sl_filter_is_too_much(struct sl_filter *f, const struct sl_packet *pkt, const struct sl_ticket *ticket)
{
	struct sl_client_account *c = sl_clients_take(f->clients, pkt->key.family, pkt->key.src, f->now);
	if (SL_LIKELY(c->said == 0 && c->flows < f->most_flows))
		return false;
	bool slow = (c->said & SL_CLIENT_FAST) == 0;
	sl_filter_count(f, SL_STAT_clients_lost, (c->said & SL_CLIENT_LOST) != 0);
	if (slow && c->flows < f->most_flows)
		return false;
	return refuse_unless_known(f, c, pkt, ticket, slow);
}

bool sl_filter_is_too_much_held(struct sl_filter *f, struct sl_visit *v, const struct sl_ticket *ticket)
{
	struct sl_client_account *c = f->cfg.clients.held == 0 ? NULL : client_of(f, v->flow);
	if (c == NULL || c->held + sl_filter_held_size(v->pkt) <= f->cfg.clients.held)
		return false;
	sl_filter_count(f, SL_STAT_over_held, 1);
	if (!f->cfg.block[SL_CAUSE_client_held]) {
		c->over++;
		sl_filter_unjudged(f, v, SL_CAUSE_client_held);
		return false;
	}
	refuse(f, c, v->pkt, v->flow, SL_CAUSE_client_held, ticket);
	return true;
}

void sl_filter_charge(struct sl_filter *f, const struct sl_packet *pkt, uint32_t work)
{
	struct sl_client_account *c = sl_clients_find(f->clients, pkt->key.family, pkt->key.src);
	if (c != NULL)
		sl_clients_charge(f->clients, c, WORK_PACKETS * work, f->now);
}
