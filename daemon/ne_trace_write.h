/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_trace_write.h - the trace of a content filter as JSON lines (docs/ne-trace.md), the same byte for byte for the same events. One
 * thread a writer. */
#ifndef SL_DAEMON_NE_TRACE_WRITE_H
#define SL_DAEMON_NE_TRACE_WRITE_H

#include <stdio.h>

#include "filter/ne_filter.h"

struct sl_ne_trace_writer; /* opaque */

/* Writes the head. started: the wall clock at time 0 (docs/ne-trace.md); NULL where time is virtual. `to` is borrowed, gets each line
 * in one fwrite(), and is not flushed. Memory: about 120 bytes for each of options->max_flows. SL_OK; SL_ENOMEM. */
int sl_ne_trace_writer_new(FILE *to, enum sl_ne_profile profile, const struct sl_ne_options *options,
                           const char *started, struct sl_ne_trace_writer **out);
/* One more, for a filter of that name (borrowed) that judges the same flows: without a head, and its lines are counted with those of
 * the first, which is freed after it. Each event has the name as its `filter`. SL_OK; SL_ENOMEM. */
int sl_ne_trace_writer_beside(struct sl_ne_trace_writer *first, const char *filter,
                              const struct sl_ne_options *options, struct sl_ne_trace_writer **out);
void sl_ne_trace_writer_free(struct sl_ne_trace_writer **writer);

/* One line. In the shape of struct sl_ne_trace: ctx is the writer, of which one filter makes use. */
void sl_ne_trace_write(void *ctx, const struct sl_ne_trace_event *event);

/* SL_OK, or SL_ESYS with errno as it is now: something could not be written. */
int sl_ne_trace_writer_end(struct sl_ne_trace_writer *writer);

#endif
