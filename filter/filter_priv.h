/* SPDX-License-Identifier: GPL-2.0-or-later */
/* filter_priv.h - what the files of the filter share: filter.c knows packets and their places, filter_read.c reads the
 * bytes, filter_judge.c decides. Private to them. */
#ifndef SL_FILTER_FILTER_PRIV_H
#define SL_FILTER_FILTER_PRIV_H

#include "base/arena.h"
#include "base/err.h"
#include "filter/clients.h"
#include "filter/dns_asked.h"
#include "filter/filter.h"
#include "filter/flow_table.h"
#include "filter/held.h"
#include "filter/sniff.h"
#include "filter/sniff_preface.h"
#include "filter/sniff_quic.h"
#include "filter/stream.h"

struct sl_watches; /* of all flows; filter_watch.c */

struct sl_filter {
	struct sl_filter_cfg cfg;
	struct sl_provider provider;
	struct sl_filter_stats *stats;
	struct sl_flow_table *flows;
	struct sl_stream_pool *streams;
	struct sl_quic_pool *quic;
	struct sl_h2_pool *h2;
	struct sl_dtls_pool *dtls;
	struct sl_watches *watches;
	struct sl_held_pool *held;  /* NULL unless hold = all */
	struct sl_dns_asked *asked; /* NULL where DNS answers teach nothing */
	struct sl_clients *clients; /* NULL where no client has a limit */
	uint32_t most_flows;        /* that a client may have undecided */
	uint32_t work; /* beyond reading packets: names asked for, lines told, datagrams opened; wraps */
	char taught[SL_DNS_NAMES_TEXT]; /* the name that was found last */
	struct sl_arena scratch;        /* for a hello joined from several records; reset with every read */
	bool holds_nothing;             /* for now, whatever the option says */
	uint64_t born;                  /* flows so far */
	struct sl_mono now;             /* of the call that is under way */
	struct sl_answers *out; /* of the same call: a flow that is put out has its packets answered there */
};

/* One flow in one call, with the packet that came for it, if one did. */
struct sl_visit {
	struct sl_flow *flow;
	const struct sl_flow_key *key; /* client to server */
	const struct sl_packet *pkt;   /* NULL where time is the reason for the visit */
	struct sl_bytes rest;  /* of its payload: what is still to be read, where the flow has no stream */
	uint32_t wire;         /* the same in bytes on the wire */
	uint32_t reset;        /* the byte that the server waited for before this packet */
	bool full;             /* bytes of it lie beyond the budget */
	uint32_t quic_version; /* of the hello that was read in it */
};

static inline void sl_filter_count(struct sl_filter *f, enum sl_stat stat, uint64_t n)
{
	sl_counter_add(&f->stats->count[stat], n);
}

/* ---- filter.c ---- */

/* A flow leaves while it is open. What was not held has passed. Nobody is reset: the connection is gone, or the table is too
 * full to know it. */
void sl_filter_abandon(struct sl_filter *f, struct sl_flow *flow, enum sl_cause cause);
/* The flow has its verdict: so have the packets that waited for it, and then its own (NULL: there is none). */
void sl_filter_conclude(struct sl_filter *f, const struct sl_visit *v, const struct sl_ticket *ticket);

/* ---- filter_client.c ---- */

int sl_filter_make_clients(struct sl_filter *f);
/* A packet beyond its client's rate, or one that would make a flow beyond those that it may have: it was answered, by the option of
 * the cause. f->clients is not NULL. */
bool sl_filter_is_too_much(struct sl_filter *f, const struct sl_packet *pkt, const struct sl_ticket *ticket);
/* One more packet is to be held, and the client has too many already: it was answered. False: it may be held, or the flow was decided
 * by the option of the cause. */
bool sl_filter_is_too_much_held(struct sl_filter *f, struct sl_visit *v, const struct sl_ticket *ticket);
/* A packet was more work than to read it. */
void sl_filter_charge(struct sl_filter *f, const struct sl_packet *pkt, uint32_t work);
/* The flow may have become undecided, or decided. f->clients is not NULL. */
void sl_filter_count_flow(struct sl_filter *f, struct sl_flow *flow);
/* The flow leaves the table. */
void sl_filter_uncount_flow(struct sl_filter *f, struct sl_flow *flow);
/* What a packet counts while it is held, and what the flow's client has more, or less, of that. */
uint32_t sl_filter_held_size(const struct sl_packet *pkt);
void sl_filter_count_held(struct sl_filter *f, const struct sl_flow *flow, int64_t bytes);

/* ---- filter_meet.c ---- */

/* The number of a flow: each differs from all others, and a JSON reader that knows doubles only can keep it (RFC 8259 §6). */
uint64_t sl_filter_next_id(struct sl_filter *f);
/* Is the segment one of this connection? The next in order is, whatever the server has sent meanwhile. Any other must be near
 * to what was seen; in both directions, where the SYN that would tell a new one is not seen: a segment that is taken for an old one
 * passes unread. */
bool sl_filter_is_near(const struct sl_flow *flow, const struct sl_packet *pkt);
bool sl_filter_is_new_connection(const struct sl_flow *flow, const struct sl_packet *pkt);
/* The flow of a packet that has a say in it, made where there was none. */
struct sl_flow *sl_filter_meet(struct sl_filter *f, const struct sl_packet *pkt, bool start_seen);
/* Bytes that may be of no connection that is known (flow: what is known, or NULL): if a copy of its SYN is there, all is as if that
 * had come. */
struct sl_flow *sl_filter_meet_copy(struct sl_filter *f, struct sl_flow *flow, const struct sl_packet *pkt);
/* The segment is one of those seen. */
void sl_filter_note_place(struct sl_flow *flow, const struct sl_packet *pkt);

/* ---- filter_watch.c ---- */

int sl_watches_new(uint32_t max, struct sl_watches **out);
void sl_watches_free(struct sl_watches **w);
/* Before a segment is read: may it die on its way, and does it say something else than one that may have? Then its flow may be decided
 * with that. */
void sl_filter_watch(struct sl_filter *f, struct sl_visit *v);
void sl_filter_unwatch(struct sl_filter *f, struct sl_flow *flow);

/* ---- filter_read.c ---- */

/* Puts the packet's payload in its place, reads what is in order, and decides or keeps it. */
void sl_filter_read(struct sl_filter *f, struct sl_visit *v);
/* The hold limit is spent for what is to be judged now. */
static inline bool sl_filter_is_late(const struct sl_filter *f, const struct sl_flow *flow)
{
	return sl_mono_reached(f->now, sl_mono_add(flow->born, f->cfg.hold_limit));
}
/* The bytes that are there, up to what cannot be read yet; v->pkt may have none. What the last of them said. */
int sl_filter_read_kept(struct sl_filter *f, struct sl_visit *v);
/* Would its bytes alone, a whole hello or request with what may stand before it, be blocked? Nothing is counted or reported. */
bool sl_filter_would_block(struct sl_filter *f, const struct sl_packet *pkt, uint8_t group);
/* The group of the client that sent it. */
uint8_t sl_filter_group(const struct sl_filter *f, const struct sl_packet *pkt);
/* Decides where the bytes alone, a whole hello or request, are to be blocked. */
void sl_filter_judge_reading(struct sl_filter *f, struct sl_visit *v, struct sl_bytes bytes);
/* Decides a flow whose rest nobody waits for: by the name that was read so far, else by the option of the cause. */
void sl_filter_give_up(struct sl_filter *f, struct sl_visit *v, enum sl_cause cause);
/* What has come of a request whose end will not be waited for. False when there is none, or its line is not complete. */
bool sl_filter_begun_request(struct sl_filter *f, const struct sl_flow *flow, struct sl_bytes head,
                             struct sl_http_request *out);
/* The cause of a flow that ends while it is undecided. */
enum sl_cause sl_filter_open_cause(const struct sl_filter *f, const struct sl_flow *flow);

/* ---- filter_datagram.c ---- */

/* Reads a UDP packet, and decides its flow or leaves it open. Is a part of a hello there, whose rest is awaited? What
 * could not be opened is not: servers discard it, or must answer before the client speaks what can be read. */
bool sl_filter_read_datagram(struct sl_filter *f, struct sl_visit *v);
/* The cause of a QUIC flow that ends while it is undecided. */
enum sl_cause sl_filter_quic_cause(const struct sl_filter *f, const struct sl_flow *flow);

/* ---- filter_dns.c ---- */

/* By its ports. */
bool sl_filter_may_be_dns(const struct sl_visit *v);
/* Tells the names that a message asks for; decides where the option of cause dns is block. False when it is none. */
bool sl_filter_take_dns(struct sl_filter *f, struct sl_visit *v, struct sl_bytes message);

/* Learns from a DNS answer what its client will mean by the addresses in it. */
void sl_filter_learn(struct sl_filter *f, const struct sl_packet *pkt);

/* ---- filter_judge.c ---- */

/* To the provider, where it wants reports. */
void sl_filter_emit(struct sl_filter *f, const struct sl_report *report);

/* The report's frame: whose flow, how many packets, how long. */
struct sl_report sl_filter_report(const struct sl_filter *f, const struct sl_visit *v);
void sl_filter_report_request(struct sl_report *report, const struct sl_http_request *request);
/* The verdict of the flow. Its bytes are not needed any more. */
void sl_filter_settle(struct sl_filter *f, struct sl_flow *flow, enum sl_action action);
/* Decides where a list blocks the destination; false where none does. For flows whose names are not their own. */
bool sl_filter_block_destination(struct sl_filter *f, struct sl_visit *v);
/* Decides by the option of the cause; what is nameless by the name that DNS gave the address, and by the destination, first. */
void sl_filter_unjudged(struct sl_filter *f, struct sl_visit *v, enum sl_cause cause);
/* The same; the report tells what else is known of the flow. */
void sl_filter_settle_cause(struct sl_filter *f, struct sl_visit *v, enum sl_cause cause,
                            struct sl_report *report);
/* Counts and reports the cause, without deciding. */
void sl_filter_note(struct sl_filter *f, struct sl_report *report, enum sl_cause cause, bool block);
/* Decides. */
void sl_filter_judge_tls(struct sl_filter *f, struct sl_visit *v, const struct sl_tls_hello *hello);
/* The same of a hello after which another may come: decides when it blocks. */
void sl_filter_judge_first_hello(struct sl_filter *f, struct sl_visit *v, const struct sl_tls_hello *hello);
/* These decide when they block; else the connection goes on being read. */
void sl_filter_judge_tunnel(struct sl_filter *f, struct sl_visit *v, struct sl_bytes host, uint16_t port);
void sl_filter_judge_request(struct sl_filter *f, struct sl_visit *v, const struct sl_http_request *request);
/* Is what these ask for blocked? Nothing is counted or reported. */
bool sl_filter_is_tunnel_blocked(struct sl_filter *f, const struct sl_flow_key *key, uint8_t group,
                                 const struct sl_preface *preface);
bool sl_filter_is_blocked(struct sl_filter *f, const struct sl_flow_key *key, uint8_t group,
                          const struct sl_sniffed *sniffed);

#endif
