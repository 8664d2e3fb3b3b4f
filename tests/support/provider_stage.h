/* SPDX-License-Identifier: GPL-2.0-or-later */
/* provider_stage.h - a content filter with an external provider, a driver whose time is the test's, and the provider's end of the socket in
 * the same thread. What fails ends the program. */
#ifndef SL_TESTS_PROVIDER_STAGE_H
#define SL_TESTS_PROVIDER_STAGE_H

#include <jansson.h>

#include "daemon/provider_external.h"

struct stage_flow {
	struct sl_ne_flow *flow; /* NULL: closed */
	uint64_t number;
	uint64_t released[2], dropped[2]; /* bytes: outbound, inbound */
	bool decided, refused, open;
};

struct stage_peer {
	int fd; /* -1: none, or its end was read */
	uint8_t *in;
	size_t len, cap;
};

struct stage {
	char path[108];
	struct sl_ne_source *source;
	struct sl_ne_filter *filter;
	struct sl_mono now;
	struct stage_flow *flow;
	size_t flows, cap;
	struct stage_peer peer;
	char said[4096]; /* lines for the log */
};

/* Started; nobody is connected. deadline in ms, 0: none. */
void stage_begin(struct stage *s, enum sl_ne_profile profile, int64_t deadline_ms, uint32_t max_flows);
void stage_end(struct stage *s);
/* The source is called until it has nothing to do. */
void stage_pump(struct stage *s);
/* Time goes on, and everything that is due happens at its own time. */
void stage_time(struct stage *s, int64_t ms);
/* The number of a flow of TCP or UDP, from 0. */
size_t stage_open(struct stage *s, int protocol);
void stage_data(struct stage *s, size_t flow, enum sl_ne_direction direction, const void *bytes, size_t len);

/* ---- the provider's end ---- */

void stage_connect(struct stage *s);
/* connect, hello, filterStarted; what came is read. */
void stage_start(struct stage *s);
void stage_close(struct stage *s);
void stage_raw(struct stage *s, const void *bytes, size_t len);
__attribute__((format(printf, 2, 3))) void stage_say(struct stage *s, const char *fmt, ...);
/* The next message, to be freed with json_decref(); NULL where none is there. */
json_t *stage_hear(struct stage *s);
/* The next message of that name; others before it are skipped. */
json_t *stage_hear_a(struct stage *s, const char *message);
/* Sends a verdict, as JSON, for a message that was heard, which is freed. */
void stage_answer(struct stage *s, json_t *question, const char *verdict);

#endif
