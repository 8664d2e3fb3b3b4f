/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_captured.h - a capture as what happened to flows, for the content filter: bytes of TCP in order and without copies (NE-FLOW-11),
 * datagrams as they came, ends and resets, by the capture's clock. One thread. */
#ifndef SL_DAEMON_NE_CAPTURED_H
#define SL_DAEMON_NE_CAPTURED_H

#include "daemon/capture.h"
#include "filter/flow_key.h"

/* A capture that lasts longer is taken to end then: its clock jumped. In microseconds. */
#define SL_NE_CAPTURED_MAX (INT64_C(31) * 86400 * 1000000)

enum sl_ne_captured_kind {
	SL_NE_CAPTURED_OPEN,
	SL_NE_CAPTURED_ANSWERED, /* the handshake, by the end that did not open it */
	SL_NE_CAPTURED_DATA,
	SL_NE_CAPTURED_FINISH, /* a FIN, behind all bytes of its direction */
	SL_NE_CAPTURED_CLOSE   /* both, or a reset */
};

struct sl_ne_captured_event {
	int64_t time; /* microseconds since the first packet; never falls */
	enum sl_ne_captured_kind kind;
	uint32_t flow;         /* index */
	bool back;             /* of data and finish: towards the end that opened the flow */
	struct sl_bytes bytes; /* p NULL: so many that the capture does not hold */
};

struct sl_ne_captured_flow {
	struct sl_flow_key
	        key; /* src opened it: it sent the SYN, or the first datagram; of TCP without a SYN the higher port */
	bool begins;         /* its first packet is in the capture: a SYN, or a datagram */
	int64_t first, last; /* microseconds */
	uint64_t bytes[2];   /* towards the answerer, back */
};

struct sl_ne_captured {
	struct sl_ne_captured_event *event;
	struct sl_ne_captured_flow *flow;
	size_t events, flows;
	int64_t started; /* of time 0: microseconds since 1970; 0: not known */
	uint64_t holes;  /* bytes that were acknowledged, or followed by others, and are not in the capture */
	/* private */
	size_t event_room, flow_room, owned, owned_room;
	void **own;
};

/* Reads to the end. Bytes are borrowed from the capture, which stays open. name: for messages.
 * SL_OK, also where the capture breaks off (diag was told); SL_ENOMEM. */
int sl_ne_captured_read(struct sl_capture *capture, const char *name, const struct sl_diag *diag,
                        struct sl_ne_captured **out);
void sl_ne_captured_free(struct sl_ne_captured **c);

#endif
