/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dns_asked.h - was this question asked? The last few thousand questions that clients of one worker sent, each good for one
 * answer: an answer that nobody asked for teaches nothing (RFC 5452 §9.1). One thread; memory is fixed at birth. */
#ifndef SL_FILTER_DNS_ASKED_H
#define SL_FILTER_DNS_ASKED_H

#include "base/mono.h"
#include "filter/flow_key.h"
#include "filter/sniff_dns.h"

struct sl_dns_asked; /* opaque */

struct sl_dns_ask {
	const struct sl_flow_key *flow; /* client to resolver */
	uint16_t id, type;
	const struct sl_dns_name *name; /* compared in any case */
};

/* seed  of the hash that stands for a question: 64 bits, not to be guessed from outside. */
int sl_dns_asked_new(uint64_t seed, struct sl_dns_asked **out);
void sl_dns_asked_free(struct sl_dns_asked **a);
/* Of four questions in the same place the oldest goes. */
void sl_dns_asked_put(struct sl_dns_asked *a, const struct sl_dns_ask *ask, struct sl_mono now);
/* Takes it back: false when it was not asked, was answered already, or longer than 10 s ago. */
bool sl_dns_asked_take(struct sl_dns_asked *a, const struct sl_dns_ask *ask, struct sl_mono now);

#endif
