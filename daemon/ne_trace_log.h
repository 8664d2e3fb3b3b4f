/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_trace_log.h - the trace of a live filter: written as text on the filter's thread, put into a ring, and brought into the file by a
 * thread of its own (flow_log.h). Where the ring is full, events are lost: a gap in their numbers says how many. */
#ifndef SL_DAEMON_NE_TRACE_LOG_H
#define SL_DAEMON_NE_TRACE_LOG_H

#include "daemon/flow_log.h"
#include "filter/ne_filter.h"

struct sl_ne_trace_log; /* opaque */

/* fd is taken over, on failure too. now_us: wall clock at time 0. */
int sl_ne_trace_log_new(int fd, size_t ring_bytes, enum sl_ne_profile profile,
                        const struct sl_ne_options *options, int64_t now_us, struct sl_ne_trace_log **out);
/* Writes what is left. */
void sl_ne_trace_log_free(struct sl_ne_trace_log **log);
struct sl_ne_trace sl_ne_trace_log_trace(struct sl_ne_trace_log *log);
/* Any thread. */
void sl_ne_trace_log_count(const struct sl_ne_trace_log *log, struct sl_flow_log_stats *out);

#endif
