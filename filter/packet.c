/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/packet.h"

#include "base/cur.h"
#include "base/util.h"

/* Protocol numbers of the IPv4 protocol field and the IPv6 next header field (IANA). */
enum {
	NEXT_HOP_BY_HOP = 0,
	NEXT_ROUTING = 43,
	NEXT_FRAGMENT = 44,
	NEXT_AH = 51, /* RFC 4302: authenticates, hides nothing */
	NEXT_DEST_OPTIONS = 60,
	NEXT_MOBILITY = 135, /* RFC 6275 §6.1 */
	NEXT_HIP = 139,      /* RFC 7401 §5.1 */
	NEXT_SHIM6 = 140,    /* RFC 5533 §5.1 */
};

enum { IP4_HEADER = 20, TCP_HEADER = 20, UDP_HEADER = 8 };
enum {
	FRAGMENT_OFFSET = 0x1fff,
	MORE_FRAGMENTS = 0x2000,
	TCP_FLAGS = SL_TCP_FIN | SL_TCP_SYN | SL_TCP_RST | SL_TCP_ACK | SL_TCP_URG
};

/* A packet on its way through the parser. */
struct walk {
	struct sl_cur c;           /* the copied bytes, up to the end that the length fields give */
	size_t uncopied;           /* bytes of the packet after those */
	struct sl_bytes transport; /* the copied bytes from the TCP or UDP header on */
	bool partial;              /* a fragment, or routed: the checksum is over something else */
	uint8_t ttl;
};

/* Trusts a length field downwards only: less than the wire brought is padding, more is a lie or a field of 16
 * bits that could not hold the length (GSO). A field of 0, which callers leave out, marks a jumbogram (RFC
 * 2675 §3) or a GSO packet above 65535 bytes: there the packet ends where the wire says. */
static void walk_limit(struct walk *w, size_t len)
{
	len = sl_min(len, w->c.left + w->uncopied);
	w->c.left = sl_min(w->c.left, len);
	w->uncopied = len - w->c.left;
}

static void copy_addr(uint8_t to[16], struct sl_bytes from)
{
	if (from.len > 0 && from.len <= 16)
		memcpy(to, from.p, from.len);
}

/* What follows the IP header so far: skips what is in front of TCP or UDP. Each step takes at least 8 bytes,
 * so the chain is bounded by the packet. Order and number of the headers are the kernel's business, not ours
 * (RFC 8200 §4.1). */
static int walk_extensions(struct walk *w, uint8_t *next, bool ip6)
{
	while (w->c.err == SL_OK && *next != SL_PROTO_TCP && *next != SL_PROTO_UDP) {
		uint8_t type = *next;
		if (!ip6 && type != NEXT_AH)
			return SL_EPROTO;
		*next = sl_cur_u8(&w->c);
		uint8_t len = sl_cur_u8(&w->c);
		switch (type) {
		case NEXT_ROUTING:
			w->partial = true;
			sl_cur_skip(&w->c, (size_t)len * 8 + 6);
			break;
		case NEXT_HOP_BY_HOP:
		case NEXT_DEST_OPTIONS:
		case NEXT_MOBILITY:
		case NEXT_HIP:
		case NEXT_SHIM6:
			sl_cur_skip(&w->c, (size_t)len * 8 + 6);
			break;
		case NEXT_AH:
			sl_cur_skip(&w->c, (size_t)len * 4 + 6);
			break;
		case NEXT_FRAGMENT: /* an atomic one, or the first of several, has offset 0 (RFC 6946) */
			len = (uint8_t)sl_cur_u8(&w->c);
			uint8_t low = sl_cur_u8(&w->c);
			if (len != 0 || low >> 3 != 0)
				return SL_EPROTO;
			w->partial = w->partial || (low & 1) != 0;
			sl_cur_skip(&w->c, 4);
			break;
		default: /* ESP, no next header, another transport, something we cannot measure */
			return SL_EPROTO;
		}
	}
	return w->c.err;
}

static int read_ip4(struct walk *w, struct sl_flow_key *key)
{
	struct walk start = *w;
	size_t header = (size_t)(sl_cur_u8(&w->c) & 0x0f) * 4;
	sl_cur_skip(&w->c, 1);
	size_t total = sl_cur_u16(&w->c);
	if (header < IP4_HEADER)
		sl_cur_fail(&w->c, SL_EMALF);
	if (w->c.err != SL_OK)
		return w->c.err;
	*w = start; /* once more, within the limit: a total length below the header cuts it */
	if (total != 0)
		walk_limit(w, total);
	sl_cur_skip(&w->c, 6);
	uint16_t fragment = sl_cur_u16(&w->c);
	bool later_fragment = (fragment & FRAGMENT_OFFSET) != 0;
	w->partial = (fragment & MORE_FRAGMENTS) != 0;
	w->ttl = sl_cur_u8(&w->c);
	uint8_t next = sl_cur_u8(&w->c);
	sl_cur_skip(&w->c, 2);
	copy_addr(key->src, sl_cur_bytes(&w->c, 4));
	copy_addr(key->dst, sl_cur_bytes(&w->c, 4));
	sl_cur_skip(&w->c, header - IP4_HEADER);
	if (w->c.err == SL_OK && later_fragment)
		return SL_EPROTO;
	int err = walk_extensions(w, &next, false);
	key->family = 4;
	key->proto = next;
	return err;
}

static int read_ip6(struct walk *w, struct sl_flow_key *key)
{
	sl_cur_skip(&w->c, 4);
	size_t len = sl_cur_u16(&w->c);
	uint8_t next = sl_cur_u8(&w->c);
	w->ttl = sl_cur_u8(&w->c);
	copy_addr(key->src, sl_cur_bytes(&w->c, 16));
	copy_addr(key->dst, sl_cur_bytes(&w->c, 16));
	if (w->c.err == SL_OK && len != 0)
		walk_limit(w, len);
	int err = walk_extensions(w, &next, true);
	key->family = 6;
	key->proto = next;
	return err;
}

/* Kinds of TCP options (IANA). */
enum { OPTION_END = 0, OPTION_NOP = 1, OPTION_MD5 = 19, OPTION_AO = 29 };

static bool has_signature(struct sl_bytes options)
{
	struct sl_cur c = sl_cur_whole(options);
	while (c.left > 0) {
		uint8_t kind = sl_cur_u8(&c);
		if (kind == OPTION_END)
			return false;
		if (kind == OPTION_NOP)
			continue;
		uint8_t len = sl_cur_u8(&c);
		if (kind == OPTION_MD5 || kind == OPTION_AO)
			return true;
		if (len < 2 || c.err != SL_OK)
			return false;
		sl_cur_skip(&c, len - 2U);
	}
	return false;
}

static int read_tcp(struct walk *w, struct sl_packet *p)
{
	p->key.sport = sl_cur_u16(&w->c);
	p->key.dport = sl_cur_u16(&w->c);
	p->seq = sl_cur_u32(&w->c);
	p->ack = sl_cur_u32(&w->c);
	size_t header = (size_t)(sl_cur_u8(&w->c) >> 4) * 4;
	p->flags = sl_cur_u8(&w->c) & TCP_FLAGS;
	sl_cur_skip(&w->c, 4); /* window, checksum */
	if (sl_cur_u16(&w->c) == 0)
		p->flags &= (uint8_t)~SL_TCP_URG;
	if (header < TCP_HEADER)
		sl_cur_fail(&w->c, SL_EMALF);
	else
		p->has_signature = has_signature(sl_cur_bytes(&w->c, header - TCP_HEADER));
	if ((p->flags & SL_TCP_SYN) != 0)
		p->seq++;
	return w->c.err;
}

static int read_udp(struct walk *w, struct sl_packet *p)
{
	p->key.sport = sl_cur_u16(&w->c);
	p->key.dport = sl_cur_u16(&w->c);
	size_t len = sl_cur_u16(&w->c); /* of the header too; 0 in a jumbogram (RFC 2675 §4) */
	sl_cur_skip(&w->c, 2);
	if (w->c.err != SL_OK || (len != 0 && len < UDP_HEADER))
		return SL_EMALF;
	if (len != 0)
		walk_limit(w, len - UDP_HEADER);
	return SL_OK;
}

static int read_ip(struct walk *w, struct sl_flow_key *key)
{
	struct sl_cur peek = w->c;
	uint8_t version = sl_cur_u8(&peek) >> 4;
	int err = SL_EMALF;
	if (version == 4)
		err = read_ip4(w, key);
	else if (version == 6)
		err = read_ip6(w, key);
	struct sl_cur rest = w->c;
	w->transport = sl_cur_rest(&rest);
	return err;
}

int sl_packet_read(struct sl_bytes ip, size_t wire_len, struct sl_packet *out)
{
	struct sl_packet p = { 0 };
	struct walk w = { .c = sl_cur_whole(ip), .uncopied = wire_len > ip.len ? wire_len - ip.len : 0 };
	int err = read_ip(&w, &p.key);
	if (err == SL_OK)
		err = p.key.proto == SL_PROTO_TCP ? read_tcp(&w, &p) : read_udp(&w, &p);
	if (err != SL_OK)
		return err;
	size_t len = w.c.left + w.uncopied;
	p.payload_len = len < UINT32_MAX ? (uint32_t)len : UINT32_MAX;
	p.payload = sl_cur_rest(&w.c);
	p.ttl = w.ttl;
	*out = p;
	return SL_OK;
}

/* ---- checksums ---- */

/* Of 16-bit words, big-endian; fits for 2^48 bytes. */
static uint64_t sum_words(struct sl_bytes b)
{
	uint64_t sum = 0;
	size_t i = 0;
	for (; i + 1 < b.len; i += 2)
		sum += (uint64_t)(b.p[i] << 8 | b.p[i + 1]);
	return i < b.len ? sum + (uint64_t)(b.p[i] << 8) : sum;
}

/* A sum that holds its own complement is all ones (RFC 1071 §1). */
static bool is_right(uint64_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

static bool is_udp_without_sum(const struct walk *w, const struct sl_flow_key *key)
{
	struct sl_cur c = sl_cur_whole(w->transport);
	sl_cur_skip(&c, 6);
	return key->proto == SL_PROTO_UDP && key->family == 4 && sl_cur_u16(&c) == 0;
}

bool sl_packet_is_damaged(struct sl_bytes ip, size_t wire_len)
{
	struct sl_flow_key key = { 0 };
	struct walk w = { .c = sl_cur_whole(ip), .uncopied = wire_len > ip.len ? wire_len - ip.len : 0 };
	if (read_ip(&w, &key) != SL_OK || w.partial || w.uncopied > 0)
		return false;
	struct sl_cur c = sl_cur_whole(ip);
	size_t header = (size_t)(sl_cur_u8(&c) & 0x0f) * 4;
	if (key.family == 4 && !is_right(sum_words(sl_bytes_first(ip, header))))
		return true;
	if (is_udp_without_sum(&w, &key))
		return false;
	size_t address = key.family == 4 ? 4 : 16;
	return !is_right(sum_words(sl_bytes_of(key.src, address)) + sum_words(sl_bytes_of(key.dst, address)) +
	                 key.proto + w.transport.len + sum_words(w.transport));
}
