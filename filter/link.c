/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/link.h"

#include "base/cur.h"

/* EtherTypes (IEEE 802 numbers, IANA) and what stands for them elsewhere. */
enum {
	TYPE_IPV4 = 0x0800,
	TYPE_IPV6 = 0x86dd,
	TYPE_VLAN = 0x8100,
	TYPE_QINQ = 0x88a8,
	TYPE_QINQ_OLD = 0x9100,
	TYPE_PPPOE_SESSION = 0x8864,
	TYPE_MPLS = 0x8847,
	TYPE_LENGTH_MAX = 1500, /* up to here it is the length of an LLC frame (IEEE 802.3 §3.2.6) */
	PPP_IPV4 = 0x0021,
	PPP_IPV6 = 0x0057,
	LLC_SNAP = 0xaa,
	NFLOG_PAYLOAD = 9,  /* NFULA_PAYLOAD */
	PKTAP_PACKET = 1,   /* PTH_TYPE_PACKET of macOS */
	PKTAP_HEAD_MIN = 12 /* bytes: what is read of its header */
};

struct walk {
	struct sl_cur c;
	struct sl_link link;
};

const char *sl_encap_name(enum sl_encap encap)
{
	static const char *const name[] = {
		[SL_ENCAP_VLAN] = "vlan", [SL_ENCAP_PPPOE] = "pppoes", [SL_ENCAP_PPP] = "ppp",
		[SL_ENCAP_MPLS] = "mpls", [SL_ENCAP_LLC] = "llc",      [SL_ENCAP_SLL] = "sll",
		[SL_ENCAP_NULL] = "null",
	};
	return name[encap];
}

static void passed(struct walk *w, enum sl_encap encap)
{
	if (w->link.encaps == SL_ENCAP_MAX)
		sl_cur_fail(&w->c, SL_EMALF);
	else
		w->link.encap[w->link.encaps++] = (uint8_t)encap;
}

/* The rest is an IP packet, if its version says so too. */
static int take_ip(struct walk *w)
{
	struct sl_cur peek = w->c;
	uint8_t version = sl_cur_u8(&peek) >> 4;
	if (peek.err != SL_OK)
		return peek.err;
	if (version != 4 && version != 6)
		return SL_EPROTO;
	w->link.ip = sl_cur_rest(&w->c);
	return SL_OK;
}

/* HDLC-like framing shows itself by its address and control bytes (RFC 1662 §3.1); both and the first byte of the protocol
 * may be compressed (RFC 1661 §6.5, §6.6). */
static int read_ppp(struct walk *w)
{
	struct sl_cur peek = w->c;
	passed(w, SL_ENCAP_PPP);
	if (sl_cur_u16(&peek) == 0xff03)
		sl_cur_skip(&w->c, 2);
	uint16_t protocol = sl_cur_u8(&w->c);
	if ((protocol & 1) == 0)
		protocol = (uint16_t)(protocol << 8 | sl_cur_u8(&w->c));
	return protocol == PPP_IPV4 || protocol == PPP_IPV6 ? take_ip(w) : SL_EPROTO;
}

static int read_mpls(struct walk *w)
{
	uint32_t label;
	passed(w, SL_ENCAP_MPLS);
	do
		label = sl_cur_u32(&w->c);
	while (w->c.err == SL_OK && (label & 0x100) == 0); /* the bottom of the stack */
	return take_ip(w);
}

static int read_pppoe(struct walk *w)
{
	passed(w, SL_ENCAP_PPPOE);
	sl_cur_skip(&w->c, 6); /* version, code, session, length */
	return read_ppp(w);
}

static int read_type(struct walk *w, uint16_t type);

static int read_llc(struct walk *w)
{
	passed(w, SL_ENCAP_LLC);
	uint8_t dsap = sl_cur_u8(&w->c);
	sl_cur_skip(&w->c, 2 + 3); /* SSAP, control, organisation */
	if (w->c.err != SL_OK || dsap != LLC_SNAP)
		return SL_EPROTO;
	uint16_t type = sl_cur_u16(&w->c);
	return type <= TYPE_LENGTH_MAX ? SL_EPROTO : read_type(w, type);
}

static int read_type(struct walk *w, uint16_t type)
{
	while (w->c.err == SL_OK && (type == TYPE_VLAN || type == TYPE_QINQ || type == TYPE_QINQ_OLD)) {
		passed(w, SL_ENCAP_VLAN);
		sl_cur_skip(&w->c, 2);
		type = sl_cur_u16(&w->c);
	}
	if (w->c.err != SL_OK)
		return w->c.err;
	switch (type) {
	case TYPE_IPV4:
	case TYPE_IPV6:
		return take_ip(w);
	case TYPE_PPPOE_SESSION:
		return read_pppoe(w);
	case TYPE_MPLS:
		return read_mpls(w);
	default:
		return type <= TYPE_LENGTH_MAX ? read_llc(w) : SL_EPROTO;
	}
}

static int read_ethernet(struct walk *w)
{
	sl_cur_skip(&w->c, 12);
	uint16_t type = sl_cur_u16(&w->c);
	return w->c.err != SL_OK ? w->c.err : read_type(w, type);
}

/* skip: bytes before the protocol, rest: bytes between it and what it is about */
static int read_cooked(struct walk *w, size_t skip, size_t rest)
{
	passed(w, SL_ENCAP_SLL);
	sl_cur_skip(&w->c, skip);
	uint16_t type = sl_cur_u16(&w->c);
	sl_cur_skip(&w->c, rest);
	return w->c.err != SL_OK ? w->c.err : type <= TYPE_LENGTH_MAX ? SL_EPROTO : read_type(w, type);
}

/* The number of the address family differs between systems and byte orders: the packet says itself what it is. */
static int read_null(struct walk *w)
{
	passed(w, SL_ENCAP_NULL);
	sl_cur_skip(&w->c, 4);
	return take_ip(w);
}

/* Attributes, in the byte order of the machine that wrote them, which nothing tells: the length that fits counts. */
static int read_nflog(struct walk *w)
{
	sl_cur_skip(&w->c, 4);
	while (sl_cur_more(&w->c)) {
		struct sl_bytes head = sl_cur_bytes(&w->c, 4);
		if (head.p == NULL)
			break;
		size_t len = (size_t)(head.p[0] | head.p[1] << 8), big = (size_t)(head.p[0] << 8 | head.p[1]);
		unsigned type = head.p[2] | (head.p[3] & 0x7fU) << 8;
		if (len < 4 || len - 4 > w->c.left) {
			len = big;
			type = (head.p[2] & 0x7fU) << 8 | head.p[3];
		}
		if (len < 4)
			return SL_EMALF;
		struct sl_cur value = sl_cur_block(&w->c, len - 4);
		if (type == NFLOG_PAYLOAD) {
			w->c = value;
			return take_ip(w);
		}
		sl_cur_skip(&w->c, sl_cur_more(&w->c) ? (4 - len % 4) % 4 : 0);
	}
	return w->c.err != SL_OK ? w->c.err : SL_EPROTO;
}

static int read_c_hdlc(struct walk *w)
{
	sl_cur_skip(&w->c, 2);
	uint16_t type = sl_cur_u16(&w->c);
	return w->c.err != SL_OK ? w->c.err : read_type(w, type);
}

static int read_link(struct walk *w, uint32_t linktype);

/* What `tcpdump -i pktap` of macOS writes: a header with the process in it, in the byte order of a machine that is little-endian
 * (as libpcap reads it), and a frame of the link type that the header names. Records of other kinds, and frames of link types that
 * are not known here, are no packets: there is nothing to convert. */
static int read_pktap(struct walk *w)
{
	uint32_t len = __builtin_bswap32(sl_cur_u32(&w->c)), kind = __builtin_bswap32(sl_cur_u32(&w->c));
	uint32_t linktype = __builtin_bswap32(sl_cur_u32(&w->c));
	if (w->c.err == SL_OK && len < PKTAP_HEAD_MIN)
		return SL_EMALF;
	sl_cur_skip(&w->c, w->c.err == SL_OK ? len - PKTAP_HEAD_MIN : 0);
	if (w->c.err != SL_OK)
		return w->c.err;
	if (kind != PKTAP_PACKET || linktype == SL_LINK_PKTAP)
		return SL_EPROTO;
	int err = read_link(w, linktype);
	return err == SL_EUNSUP ? SL_EPROTO : err;
}

static int read_link(struct walk *w, uint32_t linktype)
{
	switch (linktype) {
	case SL_LINK_ETHERNET:
		return read_ethernet(w);
	case SL_LINK_NULL:
	case SL_LINK_LOOP:
		return read_null(w);
	case SL_LINK_PPP:
	case SL_LINK_PPP_HDLC:
		return read_ppp(w);
	case SL_LINK_C_HDLC:
		return read_c_hdlc(w);
	case SL_LINK_RAW:
	case SL_LINK_RAW_BSD:
	case SL_LINK_RAW_OPENBSD:
	case SL_LINK_IPV4:
	case SL_LINK_IPV6:
		return take_ip(w);
	case SL_LINK_SLL:
		return read_cooked(w, 14, 0);
	case SL_LINK_SLL2:
		return read_cooked(w, 0, 18);
	case SL_LINK_PKTAP:
		return read_pktap(w);
	case SL_LINK_NFLOG:
		return read_nflog(w);
	default:
		return SL_EUNSUP;
	}
}

int sl_link_read(uint32_t linktype, struct sl_bytes frame, struct sl_link *out)
{
	struct walk w = { .c = sl_cur_whole(frame) };
	int err = read_link(&w, linktype);
	if (err == SL_OK)
		*out = w.link;
	return err;
}
