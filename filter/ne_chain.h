/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_chain.h - several content filters over the same flows (NE-PEEK-14, NE-CHOICE-50): firewalls before inspectors, and in the order in
 * which they were added among those of one grade (NE-MGR-03). A filter is asked about a flow when those before it have given a first
 * verdict, and sees only what they released, so that the least pass offset decides; a drop by any is final (NE-DROP-04).
 *
 * The chain is the driver of its filters: it makes them, the caller keeps them, starts and stops them, and lets their provider call
 * (ne_filter.h). Pure; one thread; memory is fixed at birth. */
#ifndef SL_FILTER_NE_CHAIN_H
#define SL_FILTER_NE_CHAIN_H

#include "filter/ne_filter.h"

enum { SL_NE_CHAIN_MAX = 8 }; /* NE-TIME-07 */

/* NEFilterManager.Grade */
enum sl_ne_grade { SL_NE_GRADE_FIREWALL = 1, SL_NE_GRADE_INSPECTOR = 2 };

struct sl_ne_chain;      /* opaque */
struct sl_ne_chain_flow; /* opaque; gone when the sink was told that it is closed */

/* What becomes of the flows of a chain, as struct sl_ne_sink has it for those of a filter. The flow's driver pointer comes along. */
struct sl_ne_chain_sink {
	void *ctx;
	void (*decided)(void *ctx, void *driver, struct sl_mono now); /* by all of them */
	void (*release)(void *ctx, void *driver, enum sl_ne_direction direction,
	                const struct sl_ne_packet *packet, struct sl_mono now);
	void (*drop)(void *ctx, void *driver, enum sl_ne_direction direction,
	             const struct sl_ne_packet *packet, struct sl_mono now);
	void (*finish)(void *ctx, void *driver, enum sl_ne_direction direction, struct sl_mono now);
	void (*refuse)(void *ctx, void *driver, unsigned refusal, struct sl_mono now);
	void (*closed)(void *ctx, void *driver, struct sl_mono now);
};

/* max_flows  at once. release, drop and closed must be there; the others may be NULL. */
int sl_ne_chain_new(const struct sl_ne_chain_sink *sink, uint32_t max_flows, struct sl_ne_chain **out);
/* And its filters. */
void sl_ne_chain_free(struct sl_ne_chain **chain);

/* config->sink is the chain's own; what it says of one is not looked at, and max_flows at least that of the chain.
 * out  the filter, stopped; owned by the chain.
 * SL_OK; SL_ELIMIT for a ninth; SL_EBUSY while there are flows: the filters of an open flow do not change (NE-FAIL-05) */
int sl_ne_chain_add(struct sl_ne_chain *chain, enum sl_ne_grade grade,
                    const struct sl_ne_filter_config *config, struct sl_mono now, struct sl_ne_filter **out);
size_t sl_ne_chain_filters(const struct sl_ne_chain *chain);
/* In the order in which data visits them. */
struct sl_ne_filter *sl_ne_chain_filter(const struct sl_ne_chain *chain, size_t place);
/* Do all filters let flows live that are older than they are? Only then such a flow lives (NE-FAIL-06). */
bool sl_ne_chain_preserves(const struct sl_ne_chain *chain);

/* ---- the driver ---- */

/* The driver's pointer of a flow that one of the filters has. */
void *sl_ne_chain_driver(const struct sl_ne_flow *flow);
/* opening->driver is what the sink is given. out is NULL where the flow ended at once. SL_OK; SL_ELIMIT */
int sl_ne_chain_open_flow(struct sl_ne_chain *chain, const struct sl_ne_opening *opening, struct sl_mono now,
                          struct sl_ne_chain_flow **out);
void sl_ne_chain_data(struct sl_ne_chain_flow *flow, enum sl_ne_direction direction,
                      const struct sl_ne_packet *packet, struct sl_mono now);
void sl_ne_chain_answered(struct sl_ne_chain_flow *flow);
void sl_ne_chain_finish(struct sl_ne_chain_flow *flow, enum sl_ne_direction direction, struct sl_mono now);
/* The wait of NE-FAIL-11 is one for all filters: it ends close_wait from now, by the options of the first. */
void sl_ne_chain_close(struct sl_ne_chain_flow *flow, struct sl_mono now);

bool sl_ne_chain_due(const struct sl_ne_chain *chain, struct sl_mono *due);
void sl_ne_chain_tick(struct sl_ne_chain *chain, struct sl_mono now);

#endif
