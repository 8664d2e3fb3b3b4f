/* SPDX-License-Identifier: GPL-2.0-or-later */
/* http1_body.h - how the body of an HTTP/1 request is framed, and where it ends (RFC 9112 §6, §7). It is walked over, and not
 * kept. */
#ifndef SL_FILTER_HTTP1_BODY_H
#define SL_FILTER_HTTP1_BODY_H

#include "base/bytes.h"
#include "base/err.h"

/* Where a request is in its body. Zero: no body, or body done. Copied and compared as a value. */
struct sl_http1_body {
	uint64_t left;     /* bytes of the body, or of the chunk, still to come */
	uint8_t state;     /* private to http1_body.c; 0 = no body or body done */
	uint8_t digits;    /* of the chunk size read so far */
} __attribute__((packed)); /* no tail: a flow is two cache lines */

/* The start of a body: by Content-Length, chunked, and one of which servers differ where it ends. */
struct sl_http1_body sl_http1_body_of_length(uint64_t length);
struct sl_http1_body sl_http1_body_of_chunks(void);
struct sl_http1_body sl_http1_body_of_unknown_end(void);

/* Walks over the body. *used says how many bytes of stream belong to it (perhaps all).
 * Returns SL_OK when the body ended (the next request begins at *used), SL_EMORE when it goes on, SL_EMALF when a
 * chunk is broken (RFC 9112 §7.1). sl_http1_body_skippable() bytes may be skipped without being seen. Pure; any thread. */
int sl_http1_body_walk(struct sl_http1_body *body, struct sl_bytes stream, size_t *used);
bool sl_http1_body_broken(const struct sl_http1_body *body);
/* How many bytes may be skipped unseen, for instance because the copy was cut: 0 where framing must be read. */
uint64_t sl_http1_body_skippable(const struct sl_http1_body *body);
void sl_http1_body_skip(struct sl_http1_body *body, uint64_t n);

#endif
