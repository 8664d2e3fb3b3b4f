/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sniff_http1.h - what is an HTTP/1 client asking for, request after request? (RFC 9112)
 * Reads the head of one request at the head of the client's bytes; says how the body that follows is framed, so that
 * a body never reads as a request (http1_body.h). */
#ifndef SL_FILTER_SNIFF_HTTP1_H
#define SL_FILTER_SNIFF_HTTP1_H

#include "filter/http_request.h"

/* stream   the client's bytes from the start of a request, borrowed
 * out      written only on SL_OK; its views borrow from stream
 * Returns  SL_OK      the head is complete               SL_EMORE  consistent so far: ask again with more bytes
 *          SL_EPROTO  not HTTP/1: try another sniffer
 * A client preface of HTTP/2 (RFC 9113 §3.4) is SL_EPROTO. The answer for a part is SL_EMORE or the answer for all.
 * Lenient where servers are, so that what a server reads is judged: bare LF, several blanks in the request
 * line, raw blanks after the path, "Host :", any method. Where servers differ over framing or name, the body is broken
 * and nothing can be read after the head, but the names that were read stand in out: Content-Lengths that differ, a
 * last coding that is not chunked, folded or blank-padded framing fields, a folded Host, a Host or a target that is no
 * authority, more than SL_HTTP_OTHER_HOSTS + 1 different hosts. A GET line without a version (HTTP/0.9) is complete by itself
 * when its target names a host; else fields are awaited.
 * Pure; any thread. */
int sl_http1_request_read(struct sl_bytes stream, struct sl_http_request *out);
/* For a head whose end nobody will wait for: SL_OK once the request line is complete, with what the complete lines behind it
 * say and, where the end is missing, a broken body. Else as above. */
int sl_http1_request_begun(struct sl_bytes stream, struct sl_http_request *out);

#endif
