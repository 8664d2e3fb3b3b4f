/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_timeline.h - what happens to the filter while a capture is replayed: as a scenario says, or as a trace tells. */
#ifndef SL_DAEMON_NE_TIMELINE_H
#define SL_DAEMON_NE_TIMELINE_H

#include "daemon/ne_recording.h"
#include "daemon/ne_scenario.h"

struct sl_ne_timeline {
	struct sl_ne_scenario_event *event; /* by time; what they point to is the scenario's */
	size_t events;
};

/* Its filter's events; a filter that starts at time 0 where there is none. */
int sl_ne_timeline_of_scenario(const struct sl_ne_scenario *scenario, struct sl_ne_timeline *out);
/* The same of a trace, offset microseconds later than there. One of a Mac may lack the beginning: there it starts at time 0. NULL: no trace, a filter that
 * starts at time 0. */
int sl_ne_timeline_of_trace(const struct sl_ne_recording *trace, int64_t offset, struct sl_ne_timeline *out);
void sl_ne_timeline_free(struct sl_ne_timeline *t);

#endif
