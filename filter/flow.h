/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flow.h - what is remembered of one flow between its packets: two cache lines, the first of which is all that a lookup
 * and the move to the front of the flow table touch. */
#ifndef SL_FILTER_FLOW_H
#define SL_FILTER_FLOW_H

#include "base/mono.h"
#include "base/util.h"
#include "filter/flow_key.h"
#include "filter/http1_body.h"
#include "filter/sniff_dtls.h"
#include "filter/sniff_h2.h"
#include "filter/sniff_quic.h"
#include "filter/stream.h"

/* What the next bytes of the client are. */
enum sl_stage {
	SL_STAGE_START,    /* the first of the flow, or the first in a tunnel: any protocol */
	SL_STAGE_HEAD,     /* an HTTP request's head */
	SL_STAGE_BODY,     /* an HTTP request's body */
	SL_STAGE_H2,       /* a frame of HTTP/2 */
	SL_STAGE_DIALOGUE, /* lines of a protocol that may turn to TLS (sniff_preface.h) */
	SL_STAGE_UPGRADE, /* after a request that asked for another protocol: HTTP again, if the server refused */
};

struct sl_flow {
	struct sl_flow_key key; /* ordered: equal for both directions */
	uint8_t ttl;            /* TCP: the largest that came from the client */
	uint8_t group;          /* what sl_provider.group() made of its client */
	uint32_t chain; /* private to flow_table.c: the next flow of the bucket, and the neighbours by age */
	uint32_t newer, older;
	bool swapped;        /* the client is the second end of key */
	uint8_t verdict;     /* enum sl_action; SL_ACTION_PASS while undecided */
	uint8_t stage;       /* enum sl_stage */
	uint8_t app;         /* enum sl_app; whose bytes they seem to be so far */
	struct sl_mono seen; /* its last packet */

	uint64_t id : 53; /* as many bits as JSON readers can tell apart */
	uint64_t
	        watch : 11; /* private to filter_watch.c; not 0: what was judged may not be what the server has */
	struct sl_mono born; /* the first byte of what is to be judged now */
	struct sl_stream *stream;
	union {
		uint32_t next;     /* TCP: the next byte to be read, where there is no stream to tell */
		sl_dtls_flow dtls; /* UDP: what is kept of an incomplete DTLS hello */
	};
	uint32_t
	        first; /* TCP: the least number that a segment of this connection had, or one a window before end;
	                 * QUIC: a hash of the hello judged last */
	uint32_t end;     /* TCP: the end of the furthest segment seen */
	uint32_t ack;     /* TCP: how far the client had the server's bytes, by its last packet */
	uint32_t packets; /* that came to userspace */
	uint32_t hold;    /* private to held.c: 0 where no packet is held */
	union {
		sl_quic_flow quic; /* UDP: what is kept of an undecided QUIC flow */
		sl_h2_flow h2;     /* TCP: of a connection of HTTP/2 */
	};
	struct sl_http1_body body;
	bool start_seen : 1;
	bool syn_seen : 1; /* it came to userspace, or a copy of it */
	bool syn_text : 1; /* with bytes, and nothing else of the connection has come */
	bool pinned : 1;   /* and that of a new connection would come, too */
	bool twice : 1; /* two SYNs came that differ: the server took one, and drops what fits to the other */
	bool certain : 1;  /* the position of the first byte is no guess */
	bool consumed : 1; /* bytes were read for good: the beginning cannot move any more */
	bool judged : 1;   /* a name of it was */
	bool nameless : 1; /* a request without a host was counted */
	bool unnamed : 1;  /* it was judged without a name of its own */
	bool let_go : 1; /* QUIC: allowed by a hello, and open for those of other connections between the same ports */
	bool upgrade : 1; /* the request in hand asked for another protocol */
	bool counted : 1; /* private to filter_client.c: as one of its client's undecided flows */
} SL_ALIGNED;

_Static_assert(sizeof(struct sl_flow) <= (size_t)2 * SL_CACHE_LINE, "a flow is two cache lines");

#endif
