/* SPDX-License-Identifier: GPL-2.0-or-later */
/* syns.h - where did a connection begin, and how far did its SYN go? What copies of SYNs tell, from when they came until the
 * connection's first bytes do.
 * Memory is fixed at birth. One table serves all workers, since the kernel says nothing of which of them a copy is for. No lock: any
 * thread may put and take at any time; who meets another one at work on the same few entries does without. */
#ifndef SL_FILTER_SYNS_H
#define SL_FILTER_SYNS_H

#include "base/mono.h"
#include "filter/flow_key.h"

struct sl_syns; /* opaque */

struct sl_syn {
	uint32_t seq;   /* of the connection's first byte: one more than the SYN's own */
	uint32_t other; /* where numbers > 1: the same of the SYN before */
	uint8_t ttl;    /* or hop limit: the largest, where the SYN came several times */
	bool fresh; /* the kernel knew of no connection between these ports when the first of those below came */
	uint8_t numbers; /* how many SYNs came shortly one after the other that differ, 3 for more: the server took one of them */
};

/* max   entries, 64..2^24, rounded up to a power of two; 58 bytes each.
 * seed  of the hash, random at every start: nobody outside can plan which entries push which out. */
int sl_syns_new(uint32_t max, uint64_t seed, struct sl_syns **out);
void sl_syns_free(struct sl_syns **t);

/* key    from client to server.
 * fresh  the kernel knew of no connection there: what came before belongs to one that is over.
 * In a full place the oldest entry goes. False: another thread was at work there. */
bool sl_syns_put(struct sl_syns *t, const struct sl_flow_key *key, uint32_t seq, uint8_t ttl, bool fresh,
                 struct sl_mono now);
/* What is known of the connection's SYN; it is forgotten with that. False where nothing is.
 * Cost: two cache lines; a third one and two atomic writes where something is known. */
bool sl_syns_take(struct sl_syns *t, const struct sl_flow_key *key, struct sl_syn *out);

#endif
