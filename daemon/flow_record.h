/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flow_record.h - one record of the flow log: packed into a worker's ring, and written out of it as a line of JSON.
 * The members of the line are listed in flow_log.h. */
#ifndef SL_DAEMON_FLOW_RECORD_H
#define SL_DAEMON_FLOW_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/out.h"
#include "daemon/ring.h"
#include "filter/provider.h"

enum {
	SL_FLOW_RECORD_MAX = 3072, /* bytes of the longest record in the ring */
	SL_FLOW_LINE_MAX = 16384,  /* bytes of the longest line: every byte of text escaped */
};

/* The producer's side: packs the report into the ring, long texts cut. False when there is no room.
 * No lock, no allocation, no system call. */
bool sl_flow_record_put(struct sl_ring *ring, const struct sl_report *report, int64_t realtime_us);
/* The name that the client sent, as it was sent; its view is into the record. p NULL: none. *realtime_us: as the record has it. */
struct sl_bytes sl_flow_record_host(struct sl_bytes record, int64_t *realtime_us);
/* The line, LF included. Sets out's overflow flag when there is no room; SL_FLOW_LINE_MAX always is. */
void sl_flow_record_line(struct sl_bytes record, struct sl_out *out);
/* How many lines end in the text, which may be absent. */
uint64_t sl_flow_lines(struct sl_bytes text);

#endif
