/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verdict.h - what the filter answers for queued packets. */
#ifndef SL_FILTER_VERDICT_H
#define SL_FILTER_VERDICT_H

#include <stddef.h>
#include <stdint.h>

#include "filter/flow_key.h"

enum sl_action {
	SL_ACTION_PASS,  /* this packet goes on, its flow is still undecided */
	SL_ACTION_ALLOW, /* this packet goes on, and so does all of its flow, without asking again */
	SL_ACTION_BLOCK, /* this packet and its flow are refused */
	SL_ACTION_ALLOW_QUIC, /* as ALLOW, but for packets with QUIC's long header: they may begin another connection */
	/* Of the driver of content filters alone (daemon/ne_live.h): */
	SL_ACTION_DROP, /* this packet alone goes nowhere, and nobody is told */
	SL_ACTION_PARK, /* it waits on in another queue, and is answered from there */
};

/* A queued packet as its queue knows it. The filter carries it from question to answer and looks at nothing in it. */
struct sl_ticket {
	uint32_t id;    /* of the packet within its queue */
	uint32_t mark;  /* the packet's mark as it came: other users' bits are kept */
	uint16_t queue; /* number */
};

struct sl_answer {
	struct sl_ticket ticket;
	enum sl_action action;
	uint16_t queue; /* of SL_ACTION_PARK: where it waits on */
};

/* An end of a blocked TCP flow that no rule refuses: the server, which has seen the handshake, or the client, of which no packet is
 * at hand. It is told with a RST that has this sequence number, the next one that it waits for (RFC 9293 §3.10.7.4; RFC 5961
 * §3.2 wants it exact). */
struct sl_reset {
	struct sl_flow_key key; /* client to server, as the queued packet had it */
	uint32_t seq;
	uint32_t
	        ack; /* to a client whose SYN nobody has answered: the number after it, which is what makes the RST count; else 0 */
	bool to_client;
};

/* Answers of one batch, in order. The driver sizes both arrays: a packet gives at most one reset, and at most
 * one answer of its own and those of the packets held before it. */
struct sl_answers {
	struct sl_answer *answer;
	size_t answers, answer_cap;
	struct sl_reset *reset;
	size_t resets, reset_cap;
};

#endif
