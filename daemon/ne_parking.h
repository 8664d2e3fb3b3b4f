/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_parking.h - the queued packets that a live content filter has in hand. One that is not answered by the end of its batch moves to
 * the parking queue: the kernel counts it there and not in the queue it came by, and tells of it once more, under a new number.
 * The kernel keeps the order of the verdicts that sent them, so the first one on its way is the first that comes; of one that
 * was lost on the way nothing comes, which a fingerprint of each shows. Memory is fixed at birth; payload lies in buffers of two
 * sizes, whose pages come into being when they are used. One thread. */
#ifndef SL_DAEMON_NE_PARKING_H
#define SL_DAEMON_NE_PARKING_H

#include <stdbool.h>

#include "daemon/nfq.h"

enum { SL_NE_PARKING_COPY = 128 }; /* bytes of each packet that the parking queue has to copy */

struct sl_ne_parking; /* opaque */

struct sl_ne_parked {
	struct sl_bytes
	        bytes;     /* of its payload, from the first that is new; p NULL where they were not copied */
	uint32_t seq, len; /* TCP: of those */
	bool fin;
	struct sl_ne_parked *next; /* its user's list */

	struct sl_ticket ticket;          /* private, as all below */
	struct sl_ne_parked *link, *prev; /* of those in hand, on their way, or free */
	uint64_t print;
	uint8_t *buffer;
	uint32_t print_len;
	uint8_t place, buffer_class, action;
	bool decided;
};

struct sl_ne_parking_counts {
	uint64_t parked;    /* packets that moved to the parking queue */
	uint64_t no_room;   /* packets for which there was none */
	uint64_t lost;      /* on their way there */
	uint64_t strangers; /* told of by the parking queue, and not known: dropped, as if lost */
};

/* packets  that may be in hand at once.  queue  the number of the parking queue. */
int sl_ne_parking_new(uint32_t packets, uint16_t queue, struct sl_ne_parking **out);
void sl_ne_parking_free(struct sl_ne_parking **parking);

/* Takes a packet in hand; payload is copied, where its p is not NULL. NULL, and counted, where there is no room. */
struct sl_ne_parked *sl_ne_parking_take(struct sl_ne_parking *parking, const struct sl_nfq_packet *packet,
                                        struct sl_bytes payload);
/* True: *out is to be sent now. False: it is on its way, and answered when it comes. It is free after the call either way. */
bool sl_ne_parking_answer(struct sl_ne_parking *parking, struct sl_ne_parked *packet, enum sl_action action,
                          struct sl_answer *out);
/* The end of a batch: takes one packet that is not answered off the hand, and gives the answer that parks it. False: there is none. */
bool sl_ne_parking_leave(struct sl_ne_parking *parking, struct sl_answer *out);
/* A packet of the parking queue. True: *out, for this packet, is to be sent now. */
bool sl_ne_parking_came(struct sl_ne_parking *parking, const struct sl_nfq_packet *packet,
                        struct sl_answer *out);
size_t sl_ne_parking_held(const struct sl_ne_parking *parking); /* packets that wait for an answer */
const struct sl_ne_parking_counts *sl_ne_parking_counts(const struct sl_ne_parking *parking);

#endif
