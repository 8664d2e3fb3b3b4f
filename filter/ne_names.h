/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_names.h - the remote host's name of a flow that a gateway sees (NE-CHOICE-06, NE-FLOW-06): what its client asked DNS for when it
 * got that address, replaced by what the client says itself in the flow's first bytes: TLS or QUIC SNI, HTTP's host. Of flows
 * that came in from outside the remote host is the client, which has no name. For drivers of ne_filter.h. One thread; memory is
 * fixed at birth. */
#ifndef SL_FILTER_NE_NAMES_H
#define SL_FILTER_NE_NAMES_H

#include "filter/dns_names.h"
#include "filter/ne_flow.h"

enum sl_ne_naming { SL_NE_NAMING_HELLO, SL_NE_NAMING_DNS, SL_NE_NAMING_NONE }; /* what is read for it */

struct sl_ne_names_config {
	enum sl_ne_naming
	        naming; /* HELLO: both; DNS: what the client says is not read; NONE: no flow has a name */
	struct sl_dns_names *dns; /* outlives it; NULL: DNS answers are not read */
	struct sl_span life;      /* the longest that one serves for */
	uint32_t budget;          /* bytes of a flow that are read for its name, 512..65536 */
	uint64_t seed;
};

struct sl_ne_names; /* opaque */

/* What a driver keeps of a flow; all zero at first. */
struct sl_ne_naming_of {
	uint32_t quic;  /* of the pool of hellos */
	uint8_t looked; /* datagrams, or all there is */
};

int sl_ne_names_new(const struct sl_ne_names_config *config, struct sl_ne_names **out);
void sl_ne_names_free(struct sl_ne_names **names);

/* Does it read DNS over UDP? Then no flow of it may be carried by the kernel alone. */
bool sl_ne_names_learns(const struct sl_ne_names *names);
/* A datagram from or to port 53, in either direction, before its flow is told of it; key in the datagram's direction. */
void sl_ne_names_learn(struct sl_ne_names *names, const struct sl_flow_key *key, struct sl_bytes payload,
                       struct sl_mono now);
/* A flow is about to begin: key from who opened it, first what its first packet carries (p NULL: not known). Writes hostname and
 * origin of info; the text lives until the next call. */
void sl_ne_names_open(struct sl_ne_names *names, const struct sl_flow_key *key, struct sl_bytes first,
                      struct sl_mono now, struct sl_ne_flow_info *info, struct sl_ne_naming_of *of);
/* Before bytes, in order, are handed to a flow: those of it that wait are read with them. A datagram that open() saw is not
 * given again. */
void sl_ne_names_data(struct sl_ne_names *names, struct sl_ne_flow *flow, enum sl_ne_direction direction,
                      struct sl_bytes bytes, struct sl_ne_naming_of *of);
/* The flow is over; leaves nothing behind. */
void sl_ne_names_close(struct sl_ne_names *names, struct sl_ne_naming_of *of);

struct sl_ne_names_counts {
	uint64_t taught;  /* addresses that DNS answers gave a name */
	uint64_t by_dns;  /* flows that had one of those at their beginning */
	uint64_t sniffed; /* flows whose client said it */
};
const struct sl_ne_names_counts *sl_ne_names_counts(const struct sl_ne_names *names);

#endif
