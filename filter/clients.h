/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clients.h - what each client has of what others need, too: packets a second, undecided flows, bytes held. So that a client that
 * floods loses its own service only.
 * A client is an IPv4 address, or an IPv6 prefix, since one host has as many addresses of its prefix as it likes. Memory is fixed at
 * birth, nothing is allocated later; one thread, hence no lock. The hash is seeded, so nobody outside can plan whom a client meets in
 * the table. */
#ifndef SL_FILTER_CLIENTS_H
#define SL_FILTER_CLIENTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"
#include "filter/flow_key.h"

/* The limits of a client; 0: none. */
struct sl_client_limits {
	uint32_t
	        max; /* clients that are remembered, 1..2^20, rounded up to a power of two, at least 8; 56 bytes each */
	uint32_t rate;   /* packets a second, up to 10^7; as many may come at once */
	uint32_t flows;  /* undecided flows */
	uint64_t held;   /* bytes of packets held */
	uint8_t prefix6; /* bits of an IPv6 address that tell clients apart, 1..128 */
};

/* The bytes of an address; of IPv6 those of the prefix, zeros behind. */
struct sl_client_address {
	uint64_t first, second;
};

struct sl_client_account {
	struct sl_client_address addr;
	uint64_t held;   /* bytes */
	int64_t free_ns; /* when what it has sent would have come, had it kept to its rate */
	int64_t told_us; /* when somebody was last told of it */
	uint32_t flows;  /* undecided */
	uint32_t over;   /* its packets beyond a limit since somebody was told */
	uint8_t family;  /* 4 or 6; 0: the entry is free */
	uint8_t said;    /* of its last packet: bits of the below */
};

struct sl_clients; /* opaque */

int sl_clients_new(const struct sl_client_limits *limits, uint64_t seed, struct sl_clients **out);
void sl_clients_free(struct sl_clients **t);

/* What a packet came to. */
enum {
	SL_CLIENT_FAST = 1, /* beyond its client's rate; it does not count */
	SL_CLIENT_LOST = 2, /* a client was forgotten with what it has, for want of room */
};
/* A packet comes from this address (as in a flow key). Returns its client, which is met for the first time where it is not known: in a
 * full place the one goes that is idle longest, and those that have flows or bytes go last. Its `said` has bits of the above.
 * Borrowed until the next call. Cost: where the client is that of the packet before, a comparison. */
struct sl_client_account *sl_clients_take(struct sl_clients *t, uint8_t family, const uint8_t addr[16],
                                          struct sl_mono now);
/* NULL where it is not known. */
struct sl_client_account *sl_clients_find(struct sl_clients *t, uint8_t family, const uint8_t addr[16]);

/* One packet was so much work as that of `packets` more: they count, whatever the rate. */
void sl_clients_charge(const struct sl_clients *t, struct sl_client_account *c, uint32_t packets,
                       struct sl_mono now);

#endif
