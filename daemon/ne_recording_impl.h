/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_recording_impl.h - what the readers of traces and of logs share. Include from daemon/ne_recording*.c only. */
#ifndef SL_DAEMON_NE_RECORDING_IMPL_H
#define SL_DAEMON_NE_RECORDING_IMPL_H

#include <jansson.h>

#include "daemon/ne_recording.h"

/* The flow of that name and family, made where it is new. NULL: no memory. */
struct sl_ne_seen_flow *sl_ne_recording_flow(struct sl_ne_recording *rec, enum sl_ne_seen_family family,
                                             const char *name);
int sl_ne_recording_add(struct sl_ne_seen_flow *flow, const struct sl_ne_seen *event);

struct sl_ne_reader {
	struct sl_ne_recording *rec;
	const struct sl_diag *diag;
	uint64_t next_seq; /* 0: not known yet */
	char *last_divert; /* the flow of flow divert that spoke last */
	bool has_time;     /* of a log: the first is known */
	int64_t first;
};

/* Is the object a line of a trace: a head, or an event? */
bool sl_ne_trace_is(const json_t *object);
/* One object. SL_EMALF: it says nothing that can be read; SL_EUNSUP: another version (told). */
int sl_ne_trace_take(struct sl_ne_reader *r, const json_t *object, uint32_t line);
/* One line: an object of ndjson, or NULL and the text. */
int sl_ne_log_take(struct sl_ne_reader *r, const json_t *object, struct sl_bytes text, uint32_t line);

/* "2026-01-31T12:00:00.123456Z", "2026-01-31 12:00:00.123456+0100": microseconds since 1970, and how long the text was. */
bool sl_ne_timestamp(struct sl_bytes text, int64_t *out, size_t *used);

#endif
