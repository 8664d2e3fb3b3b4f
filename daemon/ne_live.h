/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_live.h - the live queue as a driver of the NE core (filter/ne_filter.h): queued packets become the events of flows, and what the
 * core says of their bytes becomes the packets' answers.
 *
 * A flow begins with the SYN, which goes on at once (tcp_hold: data) or waits for the first verdict (syn), or with the first
 * datagram. TCP is put in order before it is shown; the first copy of a byte wins (NE-CHOICE-27). FIN ends a direction, RST or both
 * FINs the flow. Packets that wait do so in the parking queue (ne_parking.h). A connection is marked, so that the kernel carries it
 * alone, when both of its directions are unlimited and nobody wants reports of it. A dropped TCP connection is marked too: the
 * rules refuse its packets, and the ends of which no packet is at hand are told by resets. What a flow's remote host is called
 * is known as filter/ne_names.h says; a flow of DNS is therefore not marked as allowed.
 *
 * No socket and no clock here. One thread; nothing is allocated after sl_ne_live_new(). */
#ifndef SL_DAEMON_NE_LIVE_H
#define SL_DAEMON_NE_LIVE_H

#include "daemon/conf.h"
#include "daemon/ne_parking.h"
#include "daemon/ne_source.h"
#include "filter/ne_names.h"

struct sl_ne_live; /* opaque */

struct sl_ne_live_cfg {
	const struct sl_conf *conf;  /* outlives it */
	struct sl_ne_source *source; /* not owned; outlives it */
	struct sl_ne_trace trace;
	struct sl_dns_names *names; /* outlives it; NULL: DNS answers are not read */
	uint64_t seed;              /* of flow identifiers and the flow table */
	/* Sends what sl_ne_live_answers() holds, and sets both its numbers to 0. Called when they may become too many, and at the end
	 * of each call below. */
	int (*flush)(void *ctx);
	void *ctx;
};

struct sl_ne_live_counts {
	uint64_t packets;  /* of queues but the parking queue */
	uint64_t passed;   /* not looked into: no TCP or UDP */
	uint64_t damaged;  /* no receiver would take them: dropped */
	uint64_t again;    /* TCP: came again after they had passed, and pass again */
	uint64_t absorbed; /* TCP: came again while the first waits: dropped */
	uint64_t early;    /* TCP: came ahead of others */
};

/* `now` is the driver's time: from 0, perhaps faster than the machine's. */
int sl_ne_live_new(const struct sl_ne_live_cfg *cfg, struct sl_mono now, struct sl_ne_live **out);
void sl_ne_live_free(struct sl_ne_live **live);

/* Each returns SL_OK or what flush() said; then what is not answered waits in the kernel. */

/* n packets, perhaps none, and everything that is due by now. */
int sl_ne_live_batch(struct sl_ne_live *live, const struct sl_nfq_packet *packet, size_t n,
                     struct sl_mono now);
/* The source's descriptor is ready. */
int sl_ne_live_ready(struct sl_ne_live *live, short revents, struct sl_mono now);
/* The filter stops: what is undecided is let go, at once or when its provider says that it has stopped (NE-CHOICE-18). */
int sl_ne_live_stop(struct sl_ne_live *live, enum sl_ne_stop_reason reason, struct sl_mono now);
bool sl_ne_live_stopped(const struct sl_ne_live *live);

/* When something is due; false: nothing will be. */
bool sl_ne_live_due(const struct sl_ne_live *live, struct sl_mono *due);

struct sl_answers *sl_ne_live_answers(struct sl_ne_live *live);
struct sl_ne_filter *sl_ne_live_filter(struct sl_ne_live *live);
const struct sl_ne_live_counts *sl_ne_live_counts(const struct sl_ne_live *live);
size_t sl_ne_live_held(const struct sl_ne_live *live); /* packets that wait now */
const struct sl_ne_names_counts *sl_ne_live_names(const struct sl_ne_live *live);
const struct sl_ne_parking_counts *sl_ne_live_parking(const struct sl_ne_live *live);

/* ---- what the configuration says: ne_live_conf.c ---- */

/* The queues of a content filter, from queue_first on: of packets from inside, of packets to inside, and the parking queue. */
enum { SL_NE_QUEUE_OUTBOUND, SL_NE_QUEUE_INBOUND, SL_NE_QUEUE_PARKING };

enum sl_ne_profile sl_ne_live_profile(const struct sl_conf *conf);
struct sl_ne_options sl_ne_live_options(const struct sl_conf *conf);

#endif
