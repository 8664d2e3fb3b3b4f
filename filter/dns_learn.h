/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dns_learn.h - what clients ask DNS for, and the answers to that, become names of addresses (dns_names.h, NE-CHOICE-06). Over
 * UDP, and for addresses of the family that the client asks with: another one is opened from an address that is not known to be
 * this client's. One thread, as its questions (dns_asked.h) have. */
#ifndef SL_FILTER_DNS_LEARN_H
#define SL_FILTER_DNS_LEARN_H

#include "filter/dns_asked.h"
#include "filter/dns_names.h"

struct sl_dns_learn {
	struct sl_dns_names *names;
	struct sl_dns_asked *asked; /* NULL: nothing is learnt */
	struct sl_span life;        /* the longest that an answer serves for, whatever its lifetime */
};

struct sl_dns_learnt {
	uint32_t taught; /* addresses that have a name now */
	uint32_t lost;   /* of them: dns_names.h, FULL and NOT */
};

/* A question that a client sent: remembered where it is one for addresses, to port 53. */
void sl_dns_learn_ask(const struct sl_dns_learn *l, const struct sl_dns_ask *ask, struct sl_mono now);
/* The same of a whole message, flow in its direction, where it is a plain query with one question. */
void sl_dns_learn_query(const struct sl_dns_learn *l, const struct sl_flow_key *flow, struct sl_bytes message,
                        struct sl_mono now);
/* A message of the other direction, flow in its: it teaches where this client was seen to ask for that. */
struct sl_dns_learnt sl_dns_learn_answer(const struct sl_dns_learn *l, const struct sl_flow_key *flow,
                                         struct sl_bytes message, struct sl_mono now);

#endif
