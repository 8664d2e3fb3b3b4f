/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flow_key.h - the five-tuple of a packet, and the form of it that is equal in both directions. */
#ifndef SL_FILTER_FLOW_KEY_H
#define SL_FILTER_FLOW_KEY_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum sl_proto { SL_PROTO_TCP = 6, SL_PROTO_UDP = 17 };

/* Compared and hashed as bytes: no padding, every byte set. An IPv4 address stands in the first 4 bytes, zeros after. */
struct sl_flow_key {
	uint8_t src[16];
	uint8_t dst[16];
	uint16_t sport; /* host byte order */
	uint16_t dport;
	uint8_t family; /* 4 or 6 */
	uint8_t proto;  /* enum sl_proto */
};

_Static_assert(sizeof(struct sl_flow_key) == 38, "no padding");

/* The same flow in the other direction. */
static inline void sl_flow_key_swap(struct sl_flow_key *key)
{
	uint8_t addr[16];
	uint16_t port = key->sport;
	memcpy(addr, key->src, sizeof(addr));
	memcpy(key->src, key->dst, sizeof(addr));
	memcpy(key->dst, addr, sizeof(addr));
	key->sport = key->dport;
	key->dport = port;
}

/* Orders the ends so that both directions give one key. Returns true when they were swapped. */
static inline bool sl_flow_key_order(struct sl_flow_key *key)
{
	int c = memcmp(key->src, key->dst, sizeof(key->src));
	if (c < 0 || (c == 0 && key->sport <= key->dport))
		return false;
	sl_flow_key_swap(key);
	return true;
}

#endif
