/* SPDX-License-Identifier: GPL-2.0-or-later */
/* quic_crypto.h - the bytes of a CRYPTO stream, which come with an offset each, in any order (RFC 9000 §19.6). The first copy
 * of a byte wins. A bit for each byte and no list of ranges, so that frames of one byte in any order cost what they weigh.
 * The memory is the caller's. One thread. */
#ifndef SL_FILTER_QUIC_CRYPTO_H
#define SL_FILTER_QUIC_CRYPTO_H

#include "base/bytes.h"
#include "base/err.h"

struct sl_quic_crypto {
	uint8_t *byte;  /* `room` of them */
	uint64_t *came; /* a bit each, all clear at first */
	uint32_t room;  /* a multiple of 64 */
	uint32_t ready; /* bytes before the first gap */
	uint32_t top;   /* the end of the furthest byte that came */
};

/* *differs is added the number of bytes that had come before with another value.
 * Returns SL_OK, or SL_ELIMIT when bytes lie beyond the room (the rest was taken in). */
int sl_quic_crypto_push(struct sl_quic_crypto *s, uint64_t offset, struct sl_bytes data, uint32_t *differs);
/* The bytes before the first gap; borrowed until the next call. */
struct sl_bytes sl_quic_crypto_head(const struct sl_quic_crypto *s);
/* Forgets all. */
void sl_quic_crypto_clear(struct sl_quic_crypto *s);

#endif
