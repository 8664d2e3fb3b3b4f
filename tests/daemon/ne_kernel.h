/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_kernel.h - the kernel as the driver of a live content filter meets it (daemon/ne_live.h): packets go in as their bytes, each is
 * answered once, and what is parked comes back under a new number, or is lost. What a kernel would not take ends the program. */
#ifndef SL_TEST_NE_KERNEL_H
#define SL_TEST_NE_KERNEL_H

#include <string.h>

#include "daemon/ne_live.h"

enum {
	NE_QUEUE = 100,
	NE_PACKETS = 4096, /* of one test */
	NE_RESETS = 64,
};

struct ne_sent {
	uint8_t ip[2048];
	size_t len;
	struct sl_ticket ticket;
	bool waits, parked;
	enum sl_action how;
	unsigned answers, order; /* how often; when */
};

struct ne_kernel {
	struct sl_ne_live *live;
	struct ne_sent sent[NE_PACKETS];
	unsigned n, next_id, order;
	unsigned moving[NE_PACKETS], moved; /* to the parking queue, not told of yet */
	bool lose;                          /* the next one on its way there */
	struct sl_reset reset[NE_RESETS];
	size_t resets;
};

/* For struct sl_ne_live_cfg, with the kernel as its context. */
int ne_kernel_flush(void *ctx);
/* What was parked is told of, unless `later`; then the packets. SL_OK, or what sl_ne_live_batch() said. */
int ne_kernel_batch(struct ne_kernel *k, struct ne_sent *const *packets, unsigned n, bool later,
                    struct sl_mono now);
/* A packet of IPv4 between 10.0.0.2, inside, and 192.0.2.1; l4 is its TCP or UDP. */
struct ne_sent *ne_kernel_make(struct ne_kernel *k, bool inbound, uint8_t proto, const uint8_t *l4,
                               size_t len);

#endif
