/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_live_priv.h - what the files of ne_live.h share. */
#ifndef SL_DAEMON_NE_LIVE_PRIV_H
#define SL_DAEMON_NE_LIVE_PRIV_H

#include "daemon/ne_live.h"
#include "filter/flow_table.h"
#include "filter/packet.h"

/* One direction of a TCP connection. Sequence numbers. */
struct sl_ne_way {
	uint32_t next;   /* the first that is to come in order */
	uint32_t passed; /* the first that the other end does not have: all before it went on */
	bool known;      /* next is */
	bool reached;    /* passed is */
	bool finished;   /* its FIN came, in order */
	bool finish_on;  /* and went on */
	bool refused;    /* the rules have told the end that sends it */
	uint32_t early;  /* bytes that wait for others before them */
	struct sl_ne_parked *first_early; /* those packets, in the order of their numbers */
	struct sl_ne_parked *fin;         /* the FIN that waits, where it has no bytes */
};

struct sl_ne_conn {
	struct sl_flow *entry;          /* of the table */
	struct sl_ne_flow *flow;        /* NULL: it has ended, and packets of it still come */
	struct sl_flow_key key;         /* from the end that opened it */
	enum sl_ne_direction direction; /* of what that end sends */
	struct sl_ne_way way[2];        /* [1] inbound, as in struct sl_ne_flow */
	struct sl_ne_naming_of naming;
	struct sl_ne_parked *syn; /* waits for the first verdict */
	struct sl_ne_conn *next;  /* of the spare ones, or of those to be looked after */
	uint32_t isn;             /* TCP: the opener's first, and that of its first byte */
	bool stream;
	bool saw_syn;
	bool blocked; /* the rules refuse it */
	bool marked;  /* the kernel carries it alone */
	bool reset;   /* an end has reset it */
	bool gone;    /* out of the table */
	bool listed, close_due;
};

struct sl_ne_live {
	struct sl_ne_live_cfg cfg;
	struct sl_ne_options options;
	struct sl_ne_filter *filter;
	struct sl_flow_table *table;
	struct sl_ne_conn *conn, *spare;
	struct sl_ne_conn *listed; /* to be looked after when the core has returned */
	struct sl_ne_parking *parking;
	struct sl_ne_names *names;
	struct sl_answers answers;
	struct sl_mono now;
	struct sl_ne_live_counts counts;
	uint16_t first_queue;
	bool both;     /* both directions are queued */
	bool hold_syn; /* tcp_hold: syn */
	bool refused;  /* the core did not take the packet: a limit of what may wait */
	struct sl_ne_conn
	        *opening; /* whose first packet is at hand and will be answered as the flow's state is then */
	int err;
};

static inline struct sl_ne_way *sl_ne_conn_way(struct sl_ne_conn *c, enum sl_ne_direction direction)
{
	return &c->way[direction == SL_NE_INBOUND];
}

static inline enum sl_ne_direction sl_ne_direction_other(enum sl_ne_direction direction)
{
	return direction == SL_NE_INBOUND ? SL_NE_OUTBOUND : SL_NE_INBOUND;
}

/* ---- ne_live.c ---- */

void sl_ne_live_flush(struct sl_ne_live *live);
void sl_ne_live_put(struct sl_ne_live *live, const struct sl_answer *answer);
void sl_ne_live_answer_packet(struct sl_ne_live *live, const struct sl_nfq_packet *p, enum sl_action action);
/* As the connection stands: it goes on, alone or with all that follows, or is refused. */
void sl_ne_live_answer_as_is(struct sl_ne_live *live, struct sl_ne_conn *c, struct sl_ticket ticket);
enum sl_action sl_ne_live_passing(struct sl_ne_live *live, struct sl_ne_conn *c,
                                  const struct sl_ne_flow *flow);
void sl_ne_live_answer(struct sl_ne_live *live, struct sl_ne_parked *packet, enum sl_action action);
/* Opens a flow for the packet; c->flow is NULL where it ended at once. */
struct sl_ne_conn *sl_ne_live_open(struct sl_ne_live *live, const struct sl_packet *v,
                                   const struct sl_nfq_packet *p, bool older);
void sl_ne_live_look_after(struct sl_ne_live *live, struct sl_ne_conn *c);
/* The table puts a flow out: for lack of room, or one that the kernel carries alone and that was not seen for long. */
void sl_ne_live_on_gone(void *ctx, struct sl_flow *entry, bool evicted);
bool sl_ne_live_is_spared(void *ctx, const struct sl_flow *entry);
/* The flow ends without another word. */
void sl_ne_live_end_flow(struct sl_ne_live *live, struct sl_ne_conn *c);

/* ---- ne_live_tcp.c ---- */

/* c may be NULL: nothing is known of it. */
void sl_ne_live_tcp(struct sl_ne_live *live, struct sl_ne_conn *c, const struct sl_packet *v,
                    const struct sl_nfq_packet *p);
/* Packets that were to be shown later go nowhere. */
void sl_ne_live_tcp_forget(struct sl_ne_live *live, struct sl_ne_conn *c);
/* Where a direction has become unlimited. */
void sl_ne_live_tcp_let_early_go(struct sl_ne_live *live, struct sl_ne_conn *c);
/* The dropped flow's ends are told, but for those whom the rules tell. */
void sl_ne_live_tcp_refuse(struct sl_ne_live *live, struct sl_ne_conn *c, unsigned refusal);

/* ---- ne_live_sink.c ---- */

struct sl_ne_sink sl_ne_live_sink(struct sl_ne_live *live);

#endif
