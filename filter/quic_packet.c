/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/quic_packet.h"

enum { LONG = 0x80, FIXED = 0x40, RETRY_TAG = 16, FIRST_CID_MIN = 8 };

uint64_t sl_quic_varint(struct sl_cur *c)
{
	uint8_t first = sl_cur_u8(c);
	struct sl_bytes more = sl_cur_bytes(c, ((size_t)1 << (first >> 6)) - 1);
	uint64_t v = first & 0x3f;
	for (size_t i = 0; i < more.len; i++)
		v = v << 8 | more.p[i];
	return c->err == SL_OK ? v : 0;
}

/* A block whose length was sent as a 62-bit number. */
static struct sl_bytes counted(struct sl_cur *c)
{
	uint64_t n = sl_quic_varint(c);
	if (n > c->left)
		sl_cur_fail(c, SL_EMALF);
	return sl_cur_bytes(c, (size_t)n);
}

static struct sl_bytes connection_id(struct sl_cur *c)
{
	size_t n = sl_cur_u8(c);
	if (n > SL_QUIC_CID_MAX)
		sl_cur_fail(c, SL_EMALF);
	return sl_cur_bytes(c, n);
}

/* What follows the connection ids; the packet ends where the cursor stands. */
static void read_rest(struct sl_cur *c, size_t whole, struct sl_quic_packet *out)
{
	if (out->type == SL_QUIC_INITIAL)
		out->token = counted(c);
	if (out->type == SL_QUIC_RETRY && c->left < RETRY_TAG)
		sl_cur_fail(c, SL_EMALF);
	if (out->type == SL_QUIC_RETRY)
		out->token = sl_cur_bytes(c, c->left - RETRY_TAG);
	if (out->type == SL_QUIC_RETRY || out->type == SL_QUIC_NEGOTIATION) {
		(void)sl_cur_rest(c);
		return;
	}
	uint64_t len = sl_quic_varint(c);
	out->number_at = whole - c->left;
	if (len > c->left)
		sl_cur_fail(c, SL_EMALF);
	sl_cur_skip(c, (size_t)len);
}

bool sl_quic_is_new_version(struct sl_bytes datagram)
{
	struct sl_cur c = sl_cur_whole(datagram);
	uint8_t first = sl_cur_u8(&c);
	uint32_t version = sl_cur_u32(&c);
	struct sl_bytes dcid = connection_id(&c);
	(void)connection_id(&c);
	return c.err == SL_OK && datagram.len >= SL_QUIC_DATAGRAM_MIN &&
	       (first & (LONG | FIXED)) == (LONG | FIXED) && version != 0 &&
	       !sl_quic_version_is_known(version) && dcid.len >= FIRST_CID_MIN;
}

int sl_quic_packet_read(struct sl_bytes datagram, struct sl_quic_packet *out)
{
	struct sl_cur c = sl_cur_whole(datagram);
	struct sl_quic_packet p = { 0 };
	uint8_t first = sl_cur_u8(&c);
	p.version = sl_cur_u32(&c);
	p.fixed = (first & FIXED) != 0;
	if (c.err != SL_OK || (first & LONG) == 0)
		return SL_EPROTO;
	if (p.version != 0 && !sl_quic_version_is_known(p.version))
		return SL_EPROTO;
	p.readable = sl_quic_version_of(p.version);
	if (p.version == 0)
		p.type = SL_QUIC_NEGOTIATION;
	else if (p.readable == NULL)
		p.type = SL_QUIC_OTHER;
	else
		p.type = sl_quic_version_type(p.readable, first);
	if (p.type == SL_QUIC_OTHER) {
		(void)sl_cur_rest(&c);
	} else {
		p.dcid = connection_id(&c);
		p.scid = connection_id(&c);
		read_rest(&c, datagram.len, &p);
	}
	if (c.err != SL_OK)
		return c.err;
	p.all = sl_bytes_first(datagram, datagram.len - c.left);
	*out = p;
	return SL_OK;
}
