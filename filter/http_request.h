/* SPDX-License-Identifier: GPL-2.0-or-later */
/* http_request.h - one HTTP request, whatever version carried it, and how its target and its hosts are read (RFC 9110 §7.1, §7.2).
 */
#ifndef SL_FILTER_HTTP_REQUEST_H
#define SL_FILTER_HTTP_REQUEST_H

#include "base/bytes.h"
#include "filter/http1_body.h"

enum { SL_HTTP_OTHER_HOSTS = 3 };

struct sl_http_request {
	size_t len; /* HTTP/1: bytes of the head, empty line included (leading empty lines too: RFC 9112 §2.2) */
	struct sl_bytes method;
	struct sl_bytes target; /* request-target as sent (RFC 9112 §3.2) */
	/* The host asked for, as sent, without port: of the absolute-form or authority-form target where there is one,
	 * else of Host; NULL when neither. */
	struct sl_bytes host;
	uint16_t port; /* as sent with it; 0 = none */
	/* Path and query of the target, "/" at least, "?..." where an absolute-form has a query but no path; NULL for
	 * authority-form and "*". */
	struct sl_bytes path;
	/* Hosts that say something else than host does, each once; NULL where there are fewer. Judged too. */
	struct sl_bytes other_host[SL_HTTP_OTHER_HOSTS];
	struct sl_bytes host_field; /* the first Host, as sent; NULL when there is none */
	uint8_t major;              /* of the version: 1 or 2 */
	struct sl_bytes scheme;     /* HTTP/2: as sent */
	bool tunnel; /* CONNECT, or Upgrade: what follows is another protocol (RFC 9110 §7.8, §9.3.6) */
	struct sl_http1_body body;
};

/* "http://": a scheme and an authority. rest is what stands after the "//". */
bool sl_http_is_absolute(struct sl_bytes target, struct sl_bytes *rest);
/* What of an authority is host and port: without userinfo (RFC 3986 §3.2.1). */
struct sl_bytes sl_http_without_userinfo(struct sl_bytes authority);
/* Reads r->target, knowing r->method: writes host, port, path, tunnel. SL_EMALF: its authority is none. */
int sl_http_target_read(struct sl_http_request *r);
/* Takes the value of a Host field, to be read after the target: writes host_field, and host, port or other_host.
 * SL_EMALF: it is no authority, or one name too many. Of what is none, the name is taken that a lenient server reads in it:
 * behind userinfo, and up to the first byte that stands in no host. */
int sl_http_host_add(struct sl_bytes value, struct sl_http_request *r);

#endif
