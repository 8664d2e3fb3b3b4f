/* SPDX-License-Identifier: GPL-2.0-or-later */
/* filter.h - packet in, verdict out: the life of every flow of one worker. One thread; memory is fixed at birth. */
#ifndef SL_FILTER_FILTER_H
#define SL_FILTER_FILTER_H

#include "base/mono.h"
#include "filter/clients.h"
#include "filter/dns_names.h"
#include "filter/packet.h"
#include "filter/provider.h"
#include "filter/stats.h"
#include "filter/syns.h"
#include "filter/verdict.h"

/* What happens to the pieces of a name that is not complete yet. */
enum sl_hold {
	SL_HOLD_LAST, /* they pass; the packet that completes the name carries the verdict */
	SL_HOLD_ALL,  /* they wait, and go on in order when the verdict is known */
};

struct sl_filter_cfg {
	uint32_t max_flows;   /* flow table entries, 2^6..2^24 */
	uint32_t max_streams; /* flows that may hold bytes at once */
	uint32_t max_held;    /* packets that may be held at once (hold = all) */
	uint32_t budget;      /* bytes of a flow that are read for its name, 512..65536 */
	enum sl_hold hold;
	bool syns; /* every SYN comes to userspace: a connection begins with one, and bytes elsewhere are not of it */
	/* Where they do not come, somebody may have copies of them: the same is known then. Asked when bytes come that are of no flow,
	 * or not near to what their flow has seen; what it tells is forgotten with that (filter/syns.h). NULL: beginnings are guessed. */
	bool (*find_syn)(void *ctx, const struct sl_flow_key *key, struct sl_syn *out);
	void *syn_ctx;
	struct sl_span
	        hold_limit; /* a flow undecided for longer gets the action of cause hold_limit, or not_web */
	struct sl_span flow_idle;        /* a flow unseen this long may go */
	bool block[SL_CAUSE_COUNT];      /* the action of each cause: true = block */
	uint64_t seed;                   /* of the hashes of flow and client table, and of the flow ids */
	struct sl_client_limits clients; /* of each; all zero: none has one */
	struct sl_dns_names
	        *names; /* what DNS answers taught: outlives the filter, others may share it. NULL: nothing */
	struct sl_span name_life; /* the longest that an answer teaches for, whatever its lifetime */
};

struct sl_filter; /* opaque */

/* stats is the caller's, outlives the filter, and is written by the filter's thread only. provider is copied. */
int sl_filter_new(const struct sl_filter_cfg *cfg, const struct sl_provider *provider,
                  struct sl_filter_stats *stats, struct sl_filter **out);
void sl_filter_free(struct sl_filter **f);

/* Judges one packet that goes from client to server. One beyond its client's limits is dropped without a word, or frees its flow, as
 * the option of the cause says, and nothing else is done for it. start_seen: the kernel saw this connection begin; of a SYN, that it begins one,
 * the kernel having known none between these ports, or one that was over.
 * Appends to out the answer for this packet, unless it is held, and those for held packets that it released.
 * out must have room for 1 + sl_filter_held() answers and for 1 reset. A packet without payload, unless it is a SYN, makes no flow: it passes,
 * or gets the verdict that its flow has. A flow that leaves while it holds packets, because the table is full or its
 * ports are taken up again, has them answered by the option of its cause, without a reset. */
void sl_filter_packet(struct sl_filter *f, const struct sl_packet *pkt, struct sl_ticket ticket,
                      bool start_seen, struct sl_mono now, struct sl_answers *out);
/* A packet that goes from server to client. It passes; one of DNS over UDP that answers what its client was seen to ask teaches
 * the name of each address in it (sl_filter_cfg.names). Such a name may block a flow that has none of its own, and frees none
 * that would be blocked without it: whoever runs a resolver could teach names at will. */
void sl_filter_reply(struct sl_filter *f, const struct sl_packet *pkt, struct sl_ticket ticket,
                     struct sl_mono now, struct sl_answers *out);
/* Before a batch of more than a few packets: what sl_filter_packet() will ask memory for is sent for, all packets at once. The
 * packets are those of the batch, in any order; they may be fewer. Changes nothing but the time it takes. bucket[n] is scratch. */
void sl_filter_expect(const struct sl_filter *f, const struct sl_packet *pkt, size_t n, uint32_t *bucket);
/* A queued packet that sl_packet_read() refused with err. Other protocols pass, the unreadable is cause bad_packet, whose
 * allow lets this packet pass and frees nothing else of its connection. */
void sl_filter_unreadable(struct sl_filter *f, int err, struct sl_ticket ticket, struct sl_answers *out);
/* From now on no packet is held, as long as it is so; those that are held go on at once, and their flows stay undecided: somebody
 * else answers. out must have room for sl_filter_held() answers. */
void sl_filter_hold_nothing(struct sl_filter *f, bool yes, struct sl_answers *out);
/* Releases held packets whose time is up and puts out idle flows; cheap when there is nothing to do.
 * out must have room for sl_filter_held() answers and as many resets. */
void sl_filter_tick(struct sl_filter *f, struct sl_mono now, struct sl_answers *out);
/* Decides every undecided flow that holds packets, as if its hold limit were spent: the queue is about to close.
 * out must have room for sl_filter_held() answers and as many resets. */
void sl_filter_release(struct sl_filter *f, struct sl_mono now, struct sl_answers *out);
/* When sl_filter_tick() has held packets to release; false when none is held. */
bool sl_filter_deadline(const struct sl_filter *f, struct sl_mono *when);
size_t sl_filter_held(const struct sl_filter *f);
/* Hellos and requests (of TCP and QUIC) of which a part has gone on already: another filter, which begins now, would not know their
 * beginning. What is held does not count, since it can be judged again. */
size_t sl_filter_begun(const struct sl_filter *f);

#endif
