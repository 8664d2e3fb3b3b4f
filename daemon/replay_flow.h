/* SPDX-License-Identifier: GPL-2.0-or-later */
/* replay_flow.h - the flows of a capture: which packet belongs to which, and what was learnt of each. Part of replay.c. */
#ifndef SL_DAEMON_REPLAY_FLOW_H
#define SL_DAEMON_REPLAY_FLOW_H

#include <stdio.h>

#include "base/err.h"
#include "filter/link.h"
#include "filter/packet.h"
#include "filter/provider.h"

struct sl_replay_flows;

int sl_replay_flows_new(struct sl_replay_flows **out);
void sl_replay_flows_free(struct sl_replay_flows **f);

/* Finds or makes the flow of a packet, counts it, and puts the flow's number and direction in the place of the packet's
 * addresses: so each direction of each flow is one of its own to the filter, and a report names the flow it is of. */
int sl_replay_flow_of(struct sl_replay_flows *f, struct sl_packet *pkt, const struct sl_link *link,
                      uint32_t frame);
/* What the filter reports, at a frame. */
void sl_replay_flow_note(struct sl_replay_flows *f, const struct sl_report *r, uint32_t frame);
/* SL_OK, SL_ESYS, SL_ENOMEM. */
int sl_replay_flows_print(const struct sl_replay_flows *f, const char *capture, FILE *to);

#endif
