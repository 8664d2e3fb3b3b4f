/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_check.h - one recording against the rules of Network Extension. */
#ifndef SL_DAEMON_NE_CHECK_H
#define SL_DAEMON_NE_CHECK_H

#include "daemon/ne_finding.h"

/* A trace: callbacks that were not allowed, moves that are illegal, flows that stalled and why. Where events were lost, what depends on
 * them is not judged. A log: which family wrote of a flow, how the flow ended and why (NE-LOG-01..06). Both by rec->kind. */
void sl_ne_check(const struct sl_ne_recording *rec, struct sl_ne_findings *out);

/* An error of the PIR client (NE-LOG-08). */
void sl_ne_check_pir(const struct sl_ne_seen *e, struct sl_ne_findings *out);

/* The parts. */
void sl_ne_check_flow(const struct sl_ne_recording *rec, const struct sl_ne_seen_flow *flow,
                      struct sl_ne_findings *out);
void sl_ne_check_log_flow(const struct sl_ne_recording *rec, const struct sl_ne_seen_flow *flow,
                          struct sl_ne_findings *out);

#endif
