/* SPDX-License-Identifier: GPL-2.0-or-later */
/* link.h - where does the IP packet begin in a frame of a capture? NFQUEUE hands over packets from their IP header on, so this
 * serves captures only. Numbers of link types are those of https://www.tcpdump.org/linktypes.html. */
#ifndef SL_FILTER_LINK_H
#define SL_FILTER_LINK_H

#include "base/bytes.h"
#include "base/err.h"

enum sl_linktype {
	SL_LINK_NULL = 0,
	SL_LINK_ETHERNET = 1,
	SL_LINK_PPP = 9,
	SL_LINK_RAW_BSD = 12,
	SL_LINK_RAW_OPENBSD = 14,
	SL_LINK_PPP_HDLC = 50,
	SL_LINK_RAW = 101,
	SL_LINK_C_HDLC = 104,
	SL_LINK_LOOP = 108,
	SL_LINK_SLL = 113,
	SL_LINK_IPV4 = 228,
	SL_LINK_IPV6 = 229,
	SL_LINK_NFLOG = 239,
	SL_LINK_PKTAP = 258,
	SL_LINK_SLL2 = 276,
};

/* The encapsulations between frame and packet that a packet has passed, outermost first. */
enum sl_encap {
	SL_ENCAP_VLAN,
	SL_ENCAP_PPPOE,
	SL_ENCAP_PPP,
	SL_ENCAP_MPLS,
	SL_ENCAP_LLC,
	SL_ENCAP_SLL,
	SL_ENCAP_NULL
};
enum { SL_ENCAP_MAX = 8 };

struct sl_link {
	struct sl_bytes
	        ip; /* from the IP header to the end of the frame (NFLOG: of the attribute), padding included; borrowed */
	uint8_t encaps;
	uint8_t encap[SL_ENCAP_MAX]; /* enum sl_encap */
};

/* Returns SL_OK; SL_EPROTO when the frame holds no IP packet; SL_EUNSUP for a link type that is not known here; SL_EMALF when
 * it is cut short or has more than SL_ENCAP_MAX headers. VLAN and QinQ (IEEE 802.1Q, 802.1ad), PPPoE (RFC 2516), PPP (RFC
 * 1661, 1662), MPLS (RFC 3032: what follows the stack is known by its first nibble), LLC and SNAP (RFC 1042), BSD and Linux
 * cooked captures, NFLOG, PKTAP of macOS. Pure; any thread. */
int sl_link_read(uint32_t linktype, struct sl_bytes frame, struct sl_link *out);

/* "vlan", "pppoes", "ppp", "mpls", "llc", "sll", "null": Wireshark's words. Static text. */
const char *sl_encap_name(enum sl_encap encap);

#endif
