/* SPDX-License-Identifier: GPL-2.0-or-later */
/* provider_flows.h - which flow is meant by a number that a provider wrote. Memory is fixed at birth; one thread. */
#ifndef SL_DAEMON_PROVIDER_FLOWS_H
#define SL_DAEMON_PROVIDER_FLOWS_H

#include "filter/ne_flow.h"

struct sl_provider_flow {
	uint64_t number; /* of the flow; 0: the entry is free */
	struct sl_ne_flow *flow;
	uint64_t question; /* that its provider owes an answer to; 0: none */
	uint32_t next;     /* private */
};

struct sl_provider_flows {
	struct sl_provider_flow *entry;
	uint32_t cap, spare; /* a list of free ones: an index plus one, as next and bucket */
	uint32_t *bucket;    /* a power of two */
	uint32_t mask;
};

int sl_provider_flows_init(struct sl_provider_flows *flows, uint32_t cap); /* SL_OK; SL_ENOMEM */
void sl_provider_flows_end(struct sl_provider_flows *flows);
/* A new one without a question; NULL where cap are there. */
struct sl_provider_flow *sl_provider_flows_add(struct sl_provider_flows *flows, struct sl_ne_flow *flow);
struct sl_provider_flow *sl_provider_flows_get(const struct sl_provider_flows *flows, uint64_t number);
void sl_provider_flows_remove(struct sl_provider_flows *flows, struct sl_provider_flow *entry);

#endif
