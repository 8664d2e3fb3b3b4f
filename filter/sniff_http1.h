/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sniff_http1.h - what is an HTTP/1 client asking for, request after request? (RFC 9112)
 * Reads the head of one request at the head of the client's bytes; says how the body that follows is framed, so that
 * a body never reads as a request; and walks over a body without keeping it. */
#ifndef SL_FILTER_SNIFF_HTTP1_H
#define SL_FILTER_SNIFF_HTTP1_H

#include "base/bytes.h"
#include "base/err.h"

/* Where a request is in its body. Zero at the start; 16 bytes; copied and compared as a value. */
struct sl_http1_body {
	uint64_t left;     /* bytes of the body, or of the chunk, still to come */
	uint8_t state;     /* private to sniff_http1.c; 0 = no body or body done */
	uint8_t digits;    /* of the chunk size read so far */
} __attribute__((packed)); /* no tail: a flow is two cache lines */

struct sl_http1_request {
	size_t len; /* bytes of the head, empty line included (leading empty lines too: RFC 9112 §2.2) */
	struct sl_bytes method;
	struct sl_bytes target; /* request-target as sent (RFC 9112 §3.2) */
	/* The host asked for, as sent, without port: of the absolute-form or authority-form target where there is one,
	 * else of Host; NULL when neither. */
	struct sl_bytes host;
	uint16_t port; /* as sent with it; 0 = none */
	/* Path and query of the target, "/" at least, "?..." where an absolute-form has a query but no path; NULL for
	 * authority-form and "*". */
	struct sl_bytes path;
	/* A Host that says something else than host does; NULL when all agree. Judged too. */
	struct sl_bytes other_host;
	struct sl_bytes host_field; /* the first Host, as sent; NULL when there is none */
	bool tunnel; /* CONNECT, or Upgrade: what follows is another protocol (RFC 9110 §7.8, §9.3.6) */
	struct sl_http1_body body;
};

/* stream   the client's bytes from the start of a request, borrowed
 * out      written only on SL_OK; its views borrow from stream
 * Returns  SL_OK      the head is complete               SL_EMORE  consistent so far: ask again with more bytes
 *          SL_EPROTO  not HTTP/1: try another sniffer
 * A client preface of HTTP/2 (RFC 9113 §3.4) is SL_EPROTO. The answer for a part is SL_EMORE or the answer for all.
 * Lenient where servers are, so that what a server reads is judged: bare LF, several blanks in the request
 * line, raw blanks after the path, "Host :", any method. Where servers differ over framing or name, the body is broken
 * and nothing can be read after the head, but the names that were read stand in out: Content-Lengths that differ, a
 * last coding that is not chunked, folded or blank-padded framing fields, a folded Host, a Host or a target that is no
 * authority, three different hosts. A GET line without a version (HTTP/0.9) is complete by itself
 * when its target names a host; else fields are awaited.
 * Pure; any thread. */
int sl_http1_request_read(struct sl_bytes stream, struct sl_http1_request *out);
/* For a head whose end nobody will wait for: SL_OK once the request line is complete, with what the complete lines behind it
 * say and, where the end is missing, a broken body. Else as above. */
int sl_http1_request_begun(struct sl_bytes stream, struct sl_http1_request *out);

/* Walks over the body. *used says how many bytes of stream belong to it (perhaps all).
 * Returns SL_OK when the body ended (the next request begins at *used), SL_EMORE when it goes on, SL_EMALF when a
 * chunk is broken (RFC 9112 §7.1). sl_http1_body_skippable() bytes may be skipped without being seen. */
int sl_http1_body_walk(struct sl_http1_body *body, struct sl_bytes stream, size_t *used);
bool sl_http1_body_broken(const struct sl_http1_body *body);
/* How many bytes may be skipped unseen, for instance because the copy was cut: 0 where framing must be read. */
uint64_t sl_http1_body_skippable(const struct sl_http1_body *body);
void sl_http1_body_skip(struct sl_http1_body *body, uint64_t n);

#endif
