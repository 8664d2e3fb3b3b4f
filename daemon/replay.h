/* SPDX-License-Identifier: GPL-2.0-or-later */
/* replay.h - a capture through the filter, with the capture's own clock, and what it learnt of each flow: the same code that
 * judges live packets, with nothing blocked.
 *
 * A flow is what Wireshark calls one: the packets between two ends, for TCP until a SYN with another number. Either end may
 * be the client: both directions are read. The names of the fields are those of the corpus' truth records. */
#ifndef SL_DAEMON_REPLAY_H
#define SL_DAEMON_REPLAY_H

#include <stdio.h>

#include "base/diag.h"
#include "base/mono.h"

struct sl_replay_cfg {
	const char *name;          /* the capture's, for its records */
	struct sl_span hold_limit; /* as the option; a capture has nobody who waits, so it may be long */
	uint32_t budget;           /* bytes, as the option */
	uint32_t max_flows;        /* of the filter's table; it is made smaller for a small capture */
};

struct sl_capture;

/* Writes one JSON object a line for each flow, in the order of their first packets.
 * Frames of a link type that is not known are left out, and diag was told. Returns SL_OK; SL_EMALF when the capture breaks off
 * (its flows up to there are written); SL_ESYS when `to` cannot be written; SL_ENOMEM. */
int sl_replay_flows(struct sl_capture *capture, const struct sl_replay_cfg *cfg, const struct sl_diag *diag,
                    FILE *to);

#endif
