/* SPDX-License-Identifier: GPL-2.0-or-later */
/* packet.h - an IP packet as views: IPv4 (RFC 791), IPv6 with its extension headers (RFC 8200 §4), TCP (RFC 9293), UDP
 * (RFC 768). Reads what NFQUEUE hands over: the packet from its IP header on, perhaps cut short by the copy range. */
#ifndef SL_FILTER_PACKET_H
#define SL_FILTER_PACKET_H

#include "base/bytes.h"
#include "filter/flow_key.h"
#include "filter/origin.h"

enum { SL_TCP_FIN = 1, SL_TCP_SYN = 2, SL_TCP_RST = 4, SL_TCP_ACK = 16, SL_TCP_URG = 32 };

struct sl_packet {
	struct sl_flow_key key; /* in the direction of this packet */
	/* TCP; seq is that of the first payload byte: a SYN counts one (RFC 9293 §3.4) */
	uint32_t seq, ack;
	uint8_t flags; /* TCP: SL_TCP_ bits; URG only where the urgent pointer is not 0 */
	uint8_t ttl;   /* or hop limit */
	bool has_signature; /* TCP: option 19 or 29 (RFC 2385, 5925): who has no key for it drops the segment, or not */
	bool damaged; /* its checksum is wrong: set by who has reason to look, see sl_packet_is_damaged() */
	struct sl_origin origin; /* set by who queued it; zeros from sl_packet_read() */
	struct sl_bytes payload; /* what was copied of the payload */
	/* what there is of it on the wire: more than payload.len where the copy was cut */
	uint32_t payload_len;
};

/* ip    the copied bytes; wire_len  the packet's length before it was cut, at least ip.len.
 * out   written only on SL_OK; its views borrow from ip.
 * Returns  SL_OK      TCP or UDP, header whole and lengths sane (a GSO packet longer than its 16-bit length field, and the
 *                     length 0 of a jumbogram, count as wire_len)
 *          SL_EPROTO  IP, but neither TCP nor UDP, or a fragment that is not the first
 *          SL_EMALF   a header that is cut short, or that contradicts itself
 * Pure; any thread. */
int sl_packet_read(struct sl_bytes ip, size_t wire_len, struct sl_packet *out);

/* Is a checksum of this packet wrong, so that its receiver drops it (RFC 1071; RFC 9293 §3.1, RFC 768, RFC 8200 §8.1)? False
 * where that cannot be told: the copy is not whole, it is a fragment, or a routing header hides the destination. Only for
 * packets whose checksum is on the wire as it will arrive: not for those that a network card has still to complete.
 * ip, wire_len  as for sl_packet_read().   Cost: 0.1 us for 1460 bytes. Pure; any thread. */
bool sl_packet_is_damaged(struct sl_bytes ip, size_t wire_len);

#endif
