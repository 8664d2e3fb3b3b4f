/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/quic_frames.h"

#include "base/cur.h"
#include "filter/quic_packet.h"

/* RFC 9000 §19; Google's CRYPTO frame has number 8, and its ACK frame has none of its own. */
enum { PADDING = 0, PING = 1, ACK = 2, ACK_ECN = 3, CRYPTO = 6, CRYPTO_GOOGLE = 8, CLOSE = 0x1c };

/* Padding is most of many a packet. */
static void skip_padding(struct sl_cur *c)
{
	size_t n = 0;
	uint64_t word = 0;
	while (c->left - n >= sizeof(word) && word == 0) {
		memcpy(&word, c->p + n, sizeof(word));
		n += word == 0 ? sizeof(word) : 0;
	}
	while (n < c->left && c->p[n] == PADDING)
		n++;
	sl_cur_skip(c, n);
}

/* Each range is at least two bytes, so that a count that lies runs out of bytes soon. */
static void skip_ack(struct sl_cur *c, bool ecn)
{
	(void)sl_quic_varint(c); /* largest acknowledged */
	(void)sl_quic_varint(c); /* delay */
	uint64_t ranges = sl_quic_varint(c);
	(void)sl_quic_varint(c); /* first range */
	for (uint64_t i = 0; i < ranges && c->err == SL_OK; i++) {
		(void)sl_quic_varint(c);
		(void)sl_quic_varint(c);
	}
	for (int i = 0; ecn && i < 3; i++)
		(void)sl_quic_varint(c);
}

static struct sl_bytes counted(struct sl_cur *c)
{
	uint64_t n = sl_quic_varint(c);
	if (n > c->left)
		sl_cur_fail(c, SL_EMALF);
	return sl_cur_bytes(c, (size_t)n);
}

static int take_crypto(struct sl_cur *c, struct sl_quic_crypto *stream, uint32_t *differs)
{
	uint64_t offset = sl_quic_varint(c);
	struct sl_bytes data = counted(c);
	return c->err == SL_OK ? sl_quic_crypto_push(stream, offset, data, differs) : SL_OK;
}

int sl_quic_frames_read(const struct sl_quic_version *version, struct sl_bytes frames,
                        struct sl_quic_crypto *stream, uint32_t *differs)
{
	const uint64_t crypto = version->google ? CRYPTO_GOOGLE : CRYPTO;
	struct sl_cur c = sl_cur_whole(frames);
	int err = SL_OK;
	while (sl_cur_more(&c)) {
		uint64_t type = sl_quic_varint(&c);
		if (type == PADDING) {
			skip_padding(&c);
		} else if (type == crypto) {
			int e = take_crypto(&c, stream, differs);
			err = e != SL_OK ? e : err;
		} else if (version->google) {
			break; /* of the others we know too little to step over them */
		} else if (type == ACK || type == ACK_ECN) {
			skip_ack(&c, type == ACK_ECN);
		} else if (type == CLOSE) {
			(void)sl_quic_varint(&c); /* error */
			(void)sl_quic_varint(&c); /* frame type */
			(void)counted(&c);        /* reason */
		} else if (type != PING) {
			sl_cur_fail(&c, SL_EMALF);
		}
	}
	return c.err != SL_OK ? c.err : err;
}
