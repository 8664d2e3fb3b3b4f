/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_replay_capture.h - the flows of a capture through the content filter of ne_filter.h, by the capture's clock: out comes the trace.
 * The provider is that of a scenario, or the one whose trace was made while the capture was: then the trace that comes out is what this
 * filter makes of the same bytes and the same verdicts, and sluice compare shows whether it is the same. */
#ifndef SL_DAEMON_NE_REPLAY_CAPTURE_H
#define SL_DAEMON_NE_REPLAY_CAPTURE_H

#include <stdio.h>

#include "daemon/ne_captured.h"
#include "daemon/ne_recording.h"
#include "daemon/ne_scenario.h"
#include "policy/address.h"

struct sl_ne_capture_replay {
	const char *name; /* of the capture, for messages */
	const struct sl_diag *diag;
	const struct sl_ne_captured *captured;
	/* NULL: defaults, and a filter that starts at time 0. What happens to the filter, its options, and its provider's answers where
	 * verdicts has none. It opens no flow. */
	const struct sl_ne_scenario *scenario;
	const char *scenario_name;
	const struct sl_ne_recording
	        *verdicts; /* NULL: none. A trace; flows of the capture that are not in it are left out */
	const struct sl_prefix *local; /* who is inside; NULL: who opens a flow, or as the trace says */
};

struct sl_ne_capture_played {
	size_t flows, left_out; /* of the capture: played; not in the trace */
	size_t alone;           /* of the trace: not in the capture */
	bool has_offset;
	int64_t offset;      /* of one event, its time in the capture minus that in the trace; microseconds */
	uint64_t unanswered; /* callbacks for which there was no verdict: the flow waited from then on */
};

/* SL_OK; SL_EINVAL: the scenario opens flows, or nobody says what the provider answers (told to diag); SL_ENOMEM; SL_ESYS. */
int sl_ne_replay_capture(const struct sl_ne_capture_replay *r, FILE *to, struct sl_ne_capture_played *out);

#endif
