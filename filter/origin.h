/* SPDX-License-Identifier: GPL-2.0-or-later */
/* origin.h - what the kernel tells of where a packet came from, beside its addresses. */
#ifndef SL_FILTER_ORIGIN_H
#define SL_FILTER_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>

struct sl_origin {
	uint32_t ifindex; /* of the interface that it came in by; 0: not known */
	bool has_mac;     /* the interface has such addresses */
	uint8_t mac[6];   /* of who sent it over the last link: a client's, unless a router stands between */
};

#endif
