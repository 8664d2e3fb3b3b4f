/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/sniff_gquic.h"

/* The public header of Q0yy, up to Q043: flags, connection id, version, packet number. */
enum { FLAG_VERSION = 0x01, FLAG_RESET = 0x02, FLAG_CID = 0x08, FLAG_RESERVED = 0xc0, CID = 8, HASH = 12 };
/* Q046 has the long header of its day: a byte for both lengths of the connection ids, here 8 and 0. */
enum { Q046_INITIAL = 0xc0, Q046_TYPE = 0xf0, Q046_CID_LENGTHS = 0x50 };
enum { Q024 = 24, Q033 = 33, Q039 = 39, Q043 = 43, Q046 = 46 };
/* Frames: 1fdooossB for a stream. */
enum { FRAME_PADDING = 0, FRAME_PING = 7, FRAME_STREAM = 0x80, STREAM_HAS_LENGTH = 0x20, CRYPTO_STREAM = 1 };
enum { TAG_CHLO = 0x43484c4f, TAG_SNI = 0x534e4900, ENTRIES_MAX = 128 };

/* yy of a version "Q0yy"; 0 where it is another. */
static unsigned version_of(uint32_t v)
{
	unsigned tens = (v >> 8 & 0xff) - '0', ones = (v & 0xff) - '0';
	return v >> 16 == 0x5130 && tens < 10 && ones < 10 ? tens * 10 + ones : 0;
}

static uint32_t le16(struct sl_cur *c)
{
	uint16_t v = sl_cur_u16(c);
	return (uint32_t)(v >> 8 | (v & 0xff) << 8);
}

static uint32_t le32(struct sl_cur *c)
{
	return __builtin_bswap32(sl_cur_u32(c));
}

int sl_gquic_chlo_read(struct sl_bytes message, struct sl_bytes *sni)
{
	struct sl_cur c = sl_cur_stream(message);
	if (sl_cur_u32(&c) != TAG_CHLO)
		sl_cur_fail(&c, SL_EMALF);
	uint32_t entries = le16(&c), at = 0, from = 0, to = 0;
	if (entries > ENTRIES_MAX)
		sl_cur_fail(&c, SL_EMALF);
	sl_cur_skip(&c, 2);
	bool named = false;
	for (uint32_t i = 0; i < entries && c.err == SL_OK; i++) {
		uint32_t tag = sl_cur_u32(&c), end = le32(&c);
		if (c.err == SL_OK && (end < at || end > UINT16_MAX))
			sl_cur_fail(&c, SL_EMALF);
		if (tag == TAG_SNI && !named) {
			from = at;
			to = end;
			named = true;
		}
		at = end;
	}
	struct sl_bytes values = sl_cur_bytes(&c, at);
	if (c.err == SL_OK)
		*sni = to > from ? sl_bytes_skip(sl_bytes_first(values, to), from)
		                 : (struct sl_bytes){ NULL, 0 };
	return c.err;
}

/* The header and the hash after it. */
static void skip_header(struct sl_cur *c, uint8_t first, uint32_t *version)
{
	if ((first & Q046_TYPE) == Q046_INITIAL) {
		*version = sl_cur_u32(c);
		if (version_of(*version) != Q046 || sl_cur_u8(c) != Q046_CID_LENGTHS)
			sl_cur_fail(c, SL_EPROTO);
		sl_cur_skip(c, CID + 1 + (first & 3U));
	} else {
		static const uint8_t number[4] = { 1, 2, 4, 6 };
		if ((first & (FLAG_VERSION | FLAG_RESET | FLAG_CID | FLAG_RESERVED)) !=
		    (FLAG_VERSION | FLAG_CID))
			sl_cur_fail(c, SL_EPROTO);
		sl_cur_skip(c, CID);
		*version = sl_cur_u32(c);
		unsigned v = version_of(*version);
		if (v < Q024 || v > Q043)
			sl_cur_fail(c, SL_EPROTO);
		sl_cur_skip(c, number[first >> 4 & 3]);
	}
	sl_cur_skip(c, HASH);
}

/* What a STREAM frame at the head of the packet has of the crypto stream. A CHLO fits into one packet; after a refusal the next
 * one stands further on in the stream. */
static struct sl_bytes find_crypto(struct sl_cur *c, unsigned version)
{
	if (version <= Q033)
		sl_cur_skip(c, 1); /* private flags */
	uint8_t type = sl_cur_u8(c);
	while (c->err == SL_OK && (type == FRAME_PADDING || type == FRAME_PING))
		type = sl_cur_u8(c);
	size_t offset = (type >> 2) & 7U;
	if ((type & FRAME_STREAM) == 0 || (type & 3) != 0 || sl_cur_u8(c) != CRYPTO_STREAM)
		sl_cur_fail(c, SL_EMALF);
	sl_cur_skip(c, offset > 0 ? offset + 1 : 0);
	if ((type & STREAM_HAS_LENGTH) == 0)
		return sl_cur_rest(c);
	return sl_cur_bytes(c, version < Q039 ? le16(c) : sl_cur_u16(c));
}

int sl_gquic_read(struct sl_bytes datagram, uint32_t *version, struct sl_bytes *sni)
{
	struct sl_cur c = sl_cur_whole(datagram);
	uint32_t v = 0;
	skip_header(&c, sl_cur_u8(&c), &v);
	if (c.err != SL_OK)
		return SL_EPROTO;
	struct sl_bytes data = find_crypto(&c, version_of(v));
	*version = v;
	int err = c.err != SL_OK ? c.err : sl_gquic_chlo_read(data, sni);
	return err == SL_EMORE ? SL_EMALF : err;
}
