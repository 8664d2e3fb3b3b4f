/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_recording_capture.h - the flows of a capture as a recording, so that they can be paired with those of a trace. */
#ifndef SL_DAEMON_NE_RECORDING_CAPTURE_H
#define SL_DAEMON_NE_RECORDING_CAPTURE_H

#include "daemon/ne_captured.h"
#include "daemon/ne_recording.h"
#include "policy/address.h"

/* A flow for each of the capture's, with the same index: its ends, when it was there, how many bytes. Which way it goes is said by
 * local: one that is opened from outside of that prefix, towards it, is inbound. Where local is NULL trace says it (NULL too: outbound,
 * all of them): inbound is what the trace's own flow with that remote end calls so.
 * SL_OK; SL_ENOMEM. */
int sl_ne_recording_capture(const struct sl_ne_captured *captured, const char *name,
                            const struct sl_prefix *local, const struct sl_ne_recording *trace,
                            struct sl_ne_recording **out);

#endif
