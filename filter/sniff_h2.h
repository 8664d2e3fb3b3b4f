/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sniff_h2.h - what is an HTTP/2 client asking for in the clear, stream after stream? (RFC 9113; after prior knowledge, its
 * §3.3, or an upgrade, RFC 7540 §3.2: either way the client's bytes of HTTP/2 begin with the preface.)
 *
 * A field section is read when all of it is there, HEADERS and its CONTINUATIONs; every other frame is stepped over by its
 * length, seen or unseen, so that a body is never kept. Whatever ends the connection at a server is SL_EMALF; whatever ends a
 * stream only, as a request that lacks a part or has one twice, is told as far as it can be, since the next stream goes on.
 * A pool has decoders (hpack.h) and room for the texts of one request. One thread. */
#ifndef SL_FILTER_SNIFF_H2_H
#define SL_FILTER_SNIFF_H2_H

#include "filter/http_request.h"

enum { SL_H2_PREFACE = 24 }; /* bytes */

struct sl_h2_pool;
typedef uint32_t sl_h2_flow; /* what a connection has of the pool; 0 = nothing */

/* connections  that may be open at once, 1..2^20. */
int sl_h2_pool_new(uint32_t connections, struct sl_h2_pool **out);
void sl_h2_pool_free(struct sl_h2_pool **pool);

/* The client connection preface (§3.4): SL_OK, SL_EMORE, SL_EPROTO. Pure; any thread. */
int sl_h2_preface_read(struct sl_bytes stream);

/* For a connection whose preface was read. 0 when the pool is empty. */
sl_h2_flow sl_h2_open(struct sl_h2_pool *pool);
void sl_h2_close(struct sl_h2_pool *pool, sl_h2_flow *flow); /* leaves 0 behind; may be 0 */
uint32_t sl_h2_in_use(const struct sl_h2_pool *pool);        /* connections that are open */

/* stream   the client's bytes from the start of a frame, borrowed
 * used     how many bytes are done with: the next call is for what follows them. It may be more than there are, where a
 *          frame is stepped over. Written whatever is returned.
 * out      written only on SL_OK; its views live until the next call with this pool. len and body are 0.
 *          target is :path; for CONNECT without one, :authority. host_field is :authority as sent, or Host where there is none.
 *          host is read from them in this order: an absolute :path, :authority, Host; further names are other_host (§8.3.1).
 *          Of any other part that comes twice the first counts.
 *          tunnel: CONNECT (§8.5); one with a :protocol has a path too (RFC 8441 §4).
 * Returns  SL_OK      a request                           SL_EMORE  no more of them so far: ask again with more bytes
 *          SL_EMALF   the server ends the connection      SL_ELIMIT a section takes more than hpack.h allows,
 *                                                                   or its request more than 128 KiB
 * Any split of the bytes gives the same requests. Trailers are read over: a section without a part of a request line. */
int sl_h2_read(struct sl_h2_pool *pool, sl_h2_flow flow, struct sl_bytes stream, size_t *used,
               struct sl_http_request *out);
/* What has come of a request whose end will not be waited for, at the start of a frame as above. SL_EMORE when nothing has.
 * The flow is of no use afterwards but to be closed. */
int sl_h2_begun(struct sl_h2_pool *pool, sl_h2_flow flow, struct sl_bytes stream,
                struct sl_http_request *out);

#endif
