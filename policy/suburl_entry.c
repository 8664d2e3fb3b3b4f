/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suburl_entry.c - entries of a data set for NEURLFilter: the form in which a sub-URL can equal them. */
#include "base/cur.h"
#include "base/out.h"
#include "policy/suburl_parts.h"

static bool is_unreserved(uint8_t c)
{
	uint8_t lower = sl_ascii_lower(c);
	return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
	       c == '~';
}

static int hex(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = sl_ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_lower(uint8_t c)
{
	return c >= 'a' && c <= 'f';
}

/* The two bytes behind a "%". */
static unsigned lint_escape(struct sl_bytes digits)
{
	int high = digits.len < 2 ? -1 : hex(digits.p[0]), low = digits.len < 2 ? -1 : hex(digits.p[1]);
	if (high < 0 || low < 0)
		return SL_LINT_BYTES;
	bool odd =
	        is_lower(digits.p[0]) || is_lower(digits.p[1]) || is_unreserved((uint8_t)(high << 4 | low));
	return odd ? SL_LINT_ESCAPE : 0;
}

static unsigned lint_bytes(struct sl_bytes text)
{
	unsigned lint = 0;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.p[i];
		if (c == '%')
			lint |= lint_escape(sl_bytes_first(sl_bytes_skip(text, i + 1), 2));
		else if (c <= ' ' || c >= 0x7f || strchr("\"<>\\^`{|}", c) != NULL)
			lint |= SL_LINT_BYTES;
	}
	return lint;
}

static unsigned lint_path(struct sl_bytes path)
{
	unsigned lint = 0, n = 0;
	for (path = sl_bytes_skip(path, 1); path.len > 0; n++) {
		struct sl_bytes segment = sl_bytes_first(path, sl_bytes_find(path, '/'));
		path = sl_bytes_skip(path, segment.len + 1);
		if (segment.len == 0)
			lint |= SL_LINT_SLASHES;
		if (sl_bytes_equal(segment, SL_BYTES_LIT(".")) || sl_bytes_equal(segment, SL_BYTES_LIT("..")))
			lint |= SL_LINT_DOTS;
	}
	return n > SL_SUBURL_SEGMENTS ? lint | SL_LINT_DEEP : lint;
}

static unsigned lint_host(const struct sl_host *host, bool www)
{
	bool single = !host->address && sl_bytes_find(sl_bytes_of(host->name, host->len), '.') == host->len;
	return (www ? SL_LINT_WWW : 0) | (single ? SL_LINT_LABEL : 0);
}

int sl_suburl_entry_read(struct sl_bytes in, struct sl_suburl_entry *out)
{
	struct sl_url_parts url;
	int err = sl_url_split(in, &url);
	if (err != SL_OK)
		return err;
	struct sl_suburl_parts p = sl_suburl_split(url.tail);
	struct sl_bytes end = p.fragment.len > 0 ? p.fragment : p.query;
	out->host = url.host;
	out->port = url.scheme.p != NULL && url.port == sl_suburl_port(url.scheme) ? 0 : url.port;
	out->tail = sl_bytes_first(url.tail, p.path.len + p.query.len);
	out->fragment = p.fragment;
	if (sl_bytes_equal(out->tail, SL_BYTES_LIT("/")) && p.fragment.len == 0)
		out->tail.len = 0;
	out->www = sl_suburl_www_len(&out->host) > 0;
	unsigned lint = lint_host(&out->host, out->www) | lint_path(p.path) | lint_bytes(p.path) |
	                lint_bytes(p.query) | lint_bytes(p.fragment);
	if (end.len > 0 && end.p[end.len - 1] == '/')
		lint |= SL_LINT_END;
	out->lint = (uint8_t)lint;
	return SL_OK;
}

unsigned sl_suburl_entry_forms(const struct sl_suburl_entry *e, enum sl_suburl_www www)
{
	return e->www && www == SL_WWW_BOTH ? 2 : 1;
}

size_t sl_suburl_entry_write(const struct sl_suburl_entry *e, enum sl_suburl_www www, unsigned i, char *out,
                             size_t cap)
{
	struct sl_out o = sl_out_of(out, cap);
	bool strip = www == SL_WWW_STRIP || (www == SL_WWW_BOTH && i == 0), v6 = sl_suburl_is_v6(&e->host);
	size_t from = strip ? sl_suburl_www_len(&e->host) : 0;
	sl_out_str(&o, v6 ? "[" : "");
	sl_out_bytes(&o, &e->host.name[from], e->host.len - from);
	sl_out_str(&o, v6 ? "]" : "");
	if (e->port != 0)
		sl_out_fmt(&o, ":%u", e->port);
	sl_out_bytes(&o, e->tail.p, e->tail.len);
	sl_out_bytes(&o, e->fragment.p, e->fragment.len);
	return o.len;
}
