/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hpack.h - field sections of HTTP/2 in the clear (RFC 7541), decoded by nghttp2 within memory of our own.
 *
 * The decoder is the server's: its dynamic table follows the size updates in the client's own blocks (RFC 7541 §4.2, §6.3),
 * and since the server's SETTINGS_HEADER_TABLE_SIZE, which bounds them, is never seen, any size is believed. What bounds a
 * table is the memory that its connection gets here, SL_HPACK_MEMORY bytes: enough for the default table of 4096 bytes filled
 * with the shortest entries, and beside it one value of 16 KiB in Huffman code.
 * Memory comes from a pool that is fixed at birth. One thread. */
#ifndef SL_FILTER_HPACK_H
#define SL_FILTER_HPACK_H

#include "base/bytes.h"
#include "base/err.h"

enum {
	SL_HPACK_MEMORY = 65536,
	/* of one section; twice what the usual limit of a list, 64 KiB at 32 and more a field, lets through */
	SL_HPACK_FIELDS = 4096,
};

struct sl_hpack_pool;
typedef uint32_t sl_hpack; /* a decoder of the pool; 0 = none */

/* decoders  how many connections there may be at once, 1..2^20. */
int sl_hpack_pool_new(uint32_t decoders, struct sl_hpack_pool **out);
void sl_hpack_pool_free(struct sl_hpack_pool **pool);

/* The decoder of a new connection. 0 when the pool is empty. */
sl_hpack sl_hpack_open(struct sl_hpack_pool *pool);
void sl_hpack_close(struct sl_hpack_pool *pool, sl_hpack *decoder); /* leaves 0 behind; may be 0 */
uint32_t sl_hpack_in_use(const struct sl_hpack_pool *pool);         /* decoders */

/* The views end with the call. */
typedef void (*sl_hpack_field)(void *ctx, struct sl_bytes name, struct sl_bytes value);

/* The next bytes of a field section, in pieces that may end anywhere; last: it ends here. Calls field() for each field that is
 * complete, in order.
 * Returns SL_OK; SL_EMALF  the server ends the connection with COMPRESSION_ERROR (RFC 9113 §4.3)
 *         SL_ELIMIT  more memory or more fields than allowed. After a failure the decoder is of no more use. */
int sl_hpack_decode(struct sl_hpack_pool *pool, sl_hpack decoder, struct sl_bytes piece, bool last,
                    sl_hpack_field field, void *ctx);

#endif
