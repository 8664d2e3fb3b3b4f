/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_options.h - where the documentation of Network Extension is silent: the choices of section 15 of the reference, the limits of
 * time of section 10, and the caps of memory. */
#ifndef SL_FILTER_NE_OPTIONS_H
#define SL_FILTER_NE_OPTIONS_H

#include "base/mono.h"
#include "filter/ne_verdict.h"

enum sl_ne_starting { SL_NE_STARTING_CLOSED, SL_NE_STARTING_OPEN };
enum sl_ne_existing { SL_NE_EXISTING_DROP, SL_NE_EXISTING_PASS };
enum sl_ne_apply { SL_NE_APPLY_NEW, SL_NE_APPLY_ALL };
enum sl_ne_reject { SL_NE_REJECT_RST, SL_NE_REJECT_SILENT };
enum sl_ne_reject_udp { SL_NE_REJECT_UDP_SILENT, SL_NE_REJECT_UDP_ICMP };
enum sl_ne_late { SL_NE_LATE_ALLOW, SL_NE_LATE_DROP };

struct sl_ne_options {
	enum sl_ne_platform platform;
	bool redeliver;                   /* shown bytes that were not passed come again (NE-CHOICE-08) */
	bool strict_report_counts;        /* statistics carry no byte counts (NE-REP-06, NE-CHOICE-12) */
	enum sl_ne_starting starting;     /* flows while no start has succeeded (NE-CHOICE-16) */
	enum sl_ne_existing existing;     /* flows older than the filter (NE-CHOICE-15) */
	enum sl_ne_apply apply;           /* decided flows and new rules (NE-CHOICE-21) */
	enum sl_ne_reject reject;         /* a dropped TCP flow (NE-CHOICE-23) */
	enum sl_ne_reject_udp reject_udp; /* NE-CHOICE-24 */
	struct sl_span undecided;         /* datagrams: 10 s (NE-TIME-01) */
	struct sl_span idle;              /* datagrams: 30 s (NE-TIME-03) */
	struct sl_span
	        collector; /* 0: both end on the dot; else only when the collector looks, each 10 s in macOS */
	struct sl_span close_wait; /* 1 s (NE-TIME-04) */
	struct sl_span upgrade;    /* so long may a successor take to start (NE-CHOICE-19): 10 s */
	struct sl_span tick;       /* of statistics: 500 ms (NE-TIME-05) */
	struct sl_span answer;     /* for a verdict that comes later; 0: no limit (NE-CHOICE-22) */
	enum sl_ne_late late;      /* the verdict when it does not */
	uint32_t max_flows;        /* at once */
	uint32_t max_packets;      /* that wait, of all flows (NE-CHOICE-26) */
	uint64_t max_bytes;        /* the same */
	uint32_t datagram_packets; /* that wait, of one datagram flow: 1024 (NE-FAIL-12) */
	uint64_t datagram_bytes;   /* 2 MiB */
	uint64_t stream_bytes;     /* of one direction of TCP: what a peer may send ahead */
	uint64_t
	        seed; /* of flow identifiers; 0: they count up, for traces that are the same again (NE-CHOICE-05) */
};

enum sl_ne_profile {
	SL_NE_PROFILE_GATEWAY, /* lets through what it cannot judge */
	SL_NE_PROFILE_MACOS,   /* the recommended defaults of section 15 */
	SL_NE_PROFILE_STRICT   /* and the collector's clock, and byte counts in flowClosed alone */
};
struct sl_ne_options sl_ne_options_of(enum sl_ne_profile profile);

#endif
