/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_url_trace.h - the events of a URL filter as lines of a trace (docs/ne-trace.md). */
#ifndef SL_DAEMON_NE_URL_TRACE_H
#define SL_DAEMON_NE_URL_TRACE_H

#include <stdio.h>

#include "daemon/ne_url_set.h"

struct sl_ne_url_trace {
	FILE *to;
	const struct sl_ne_url_set *set; /* says which keys passed the prefilter */
	uint64_t seq;
	bool failed; /* a line could not be written */
};

void sl_ne_url_trace_head(struct sl_ne_url_trace *trace, const char *profile);
/* For struct sl_ne_url_config; ctx is the trace. */
void sl_ne_url_trace_event(void *ctx, const struct sl_ne_url_event *event);

#endif
