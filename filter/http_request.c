/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/http_request.h"

#include "base/err.h"
#include "filter/http_char.h"

/* ---- hosts ---- */

static uint16_t read_port(struct sl_bytes digits)
{
	uint32_t port = 0;
	for (size_t i = 0; i < digits.len; i++) {
		port = port * 10 + (uint32_t)(digits.p[i] - '0');
		if ((sl_http_class[digits.p[i]] & SL_HTTP_DIGIT) == 0 || port > UINT16_MAX)
			return 0;
	}
	return (uint16_t)port;
}

/* uri-host [ ":" port ], RFC 9110 §7.2. A port that is none is as absent: there are servers that read no
 * further than the colon, so the host before it counts. host is NULL where it is empty. */
static int read_authority(struct sl_bytes a, struct sl_bytes *host, uint16_t *port)
{
	bool literal = sl_bytes_starts_with(a, '[');
	size_t n = literal ? sl_bytes_find(a, ']') + 1 : sl_bytes_find(a, ':');
	struct sl_bytes name = sl_bytes_first(a, n), rest = sl_bytes_skip(a, n);
	if (n > a.len || sl_http_span(a, SL_HTTP_HOST) != a.len || (rest.len > 0 && rest.p[0] != ':'))
		return SL_EMALF;
	struct sl_bytes digits = sl_bytes_skip(rest, 1);
	if (sl_bytes_find(digits, ':') != digits.len) /* an IPv6 address without brackets, or nonsense */
		return SL_EMALF;
	*host = name.len > 0 ? name : (struct sl_bytes){ NULL, 0 };
	*port = read_port(digits);
	return SL_OK;
}

/* ---- targets ---- */

/* "http://": a scheme and an authority. rest is what stands after the "//". */
bool sl_http_is_absolute(struct sl_bytes target, struct sl_bytes *rest)
{
	size_t n = sl_http_span(target, SL_HTTP_SCHEME);
	struct sl_bytes after = sl_bytes_skip(target, n);
	*rest = sl_bytes_skip(after, 3);
	return n > 0 && sl_bytes_equal(sl_bytes_first(after, 3), SL_BYTES_LIT("://"));
}

struct sl_bytes sl_http_without_userinfo(struct sl_bytes authority)
{
	for (size_t at = sl_bytes_find(authority, '@'); at < authority.len;
	     at = sl_bytes_find(authority, '@'))
		authority = sl_bytes_skip(authority, at + 1);
	return authority;
}

static int read_absolute(struct sl_bytes rest, struct sl_http_request *r)
{
	size_t n = 0;
	while (n < rest.len && rest.p[n] != '/' && rest.p[n] != '?' && rest.p[n] != '#')
		n++;
	struct sl_bytes authority = sl_http_without_userinfo(sl_bytes_first(rest, n));
	r->path = n < rest.len ? sl_bytes_skip(rest, n) : SL_BYTES_LIT("/");
	return read_authority(authority, &r->host, &r->port);
}

/* The four forms of a request-target, RFC 9112 §3.2. What is none of them is a path as sent: servers take it
 * for one. */
int sl_http_target_read(struct sl_http_request *r)
{
	struct sl_bytes rest;
	r->tunnel = sl_bytes_equal(r->method, SL_BYTES_LIT("CONNECT"));
	if (sl_http_is_absolute(r->target, &rest))
		return read_absolute(rest, r);
	if (r->tunnel && !sl_bytes_starts_with(r->target, '/'))
		return read_authority(r->target, &r->host, &r->port);
	if (!sl_bytes_equal(r->target, SL_BYTES_LIT("*")))
		r->path = r->target;
	return SL_OK;
}

/* True when there was room for the name, or it is there already. */
static bool add_host(struct sl_bytes host, uint16_t port, struct sl_http_request *r)
{
	if (r->host.p == NULL) {
		r->host = host;
		r->port = port;
		return true;
	}
	if (sl_bytes_equal_nocase(host, r->host))
		return true;
	for (size_t i = 0; i < SL_HTTP_OTHER_HOSTS; i++) {
		if (r->other_host[i].p == NULL)
			r->other_host[i] = host;
		if (sl_bytes_equal_nocase(host, r->other_host[i]))
			return true;
	}
	return false;
}

static int read_leniently(struct sl_bytes value, struct sl_bytes *host, uint16_t *port)
{
	struct sl_bytes rest = sl_http_without_userinfo(value);
	return read_authority(sl_bytes_first(rest, sl_http_span(rest, SL_HTTP_HOST)), host, port);
}

int sl_http_host_add(struct sl_bytes value, struct sl_http_request *r)
{
	struct sl_bytes host;
	uint16_t port;
	if (r->host_field.p == NULL)
		r->host_field = value;
	int err = read_authority(value, &host, &port);
	if (err != SL_OK && read_leniently(value, &host, &port) != SL_OK)
		return err;
	if (host.p != NULL && !add_host(host, port, r))
		return SL_EMALF;
	return err;
}
