/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dns_names.h - which name did a client ask for, when DNS gave it this address? What answers teach (NE-CHOICE-06), for flows
 * that have no name of their own.
 * Memory is fixed at birth. One table serves all workers, since the kernel spreads packets by their two addresses: the answer
 * of a resolver and the flow that follows it come to different ones. No lock: any thread may teach and look up at any time.
 * Who meets another one at work on the same eight names tries again a few times, and then does without. */
#ifndef SL_FILTER_DNS_NAMES_H
#define SL_FILTER_DNS_NAMES_H

#include "base/bytes.h"
#include "base/mono.h"
#include "filter/flow_key.h"

enum { SL_DNS_NAMES_TEXT = 253 }; /* RFC 1035 §3.1: the longest name, as text without escapes */

struct sl_dns_names; /* opaque */

/* max   names, 64..2^20, rounded up to a power of two; 304 bytes each.
 * seed  of the hash, random at every start: nobody outside can plan which names push which out. */
int sl_dns_names_new(uint32_t max, uint64_t seed, struct sl_dns_names **out);
void sl_dns_names_free(struct sl_dns_names **t);

enum sl_dns_taught {
	SL_DNS_TAUGHT,
	SL_DNS_TAUGHT_FULL, /* and a name that was still alive had to go: of the eight in its place the one taught first */
	SL_DNS_TAUGHT_NOT, /* another thread was at work there, or the name is none: empty or too long */
};

/* flow  of which the two addresses and the family count: src is the client, dst the address it was given.
 * The last name that was taught for them is the one that counts, until it ends. */
enum sl_dns_taught sl_dns_names_teach(struct sl_dns_names *t, const struct sl_flow_key *flow,
                                      struct sl_bytes name, struct sl_mono now, struct sl_mono until);
/* The name for a flow from client to server: its length, and its text in out; 0 where there is none.
 * Cost: one cache line a name of the eight, five for the one that fits. */
size_t sl_dns_names_find(const struct sl_dns_names *t, const struct sl_flow_key *flow, struct sl_mono now,
                         char out[SL_DNS_NAMES_TEXT]);

#endif
