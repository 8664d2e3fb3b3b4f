/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suburl_parts.h - what sub-URLs and entries must see alike, or an entry is never found. Private to policy/suburl*.c. */
#ifndef SL_POLICY_SUBURL_PARTS_H
#define SL_POLICY_SUBURL_PARTS_H

#include "policy/suburl.h"

struct sl_suburl_parts {
	struct sl_bytes path; /* empty or starts with "/" */
	struct sl_bytes query,
	        fragment; /* with "?" and "#"; empty where nothing follows these (NE-CHOICE-38) */
};

/* A final "#" or "?" with nothing behind it goes, and blanks that were hidden by it: they are round the URL, not in it. */
static inline struct sl_bytes sl_suburl_strip(struct sl_bytes tail)
{
	for (size_t n = tail.len + 1; tail.len > 0 && tail.len < n;) {
		n = tail.len;
		uint8_t last = tail.p[n - 1];
		size_t fragment = sl_bytes_find(tail, '#'), query = sl_bytes_find(tail, '?');
		bool empty = (last == '#' && fragment == n - 1) ||
		             (last == '?' && query == n - 1 && fragment == n);
		if (empty || last == ' ' || last == '\t')
			tail.len--;
	}
	return tail;
}

static inline struct sl_suburl_parts sl_suburl_split(struct sl_bytes tail)
{
	tail = sl_suburl_strip(tail);
	struct sl_bytes head = sl_bytes_first(tail, sl_bytes_find(tail, '#'));
	size_t path = sl_bytes_find(head, '?');
	struct sl_suburl_parts out = { sl_bytes_first(head, path), sl_bytes_skip(head, path),
		                       sl_bytes_skip(tail, head.len) };
	if (out.query.len == 1) /* with a fragment behind it */
		out.query.len = 0;
	return out;
}

/* Bytes of a leading "www." that ne27 takes off: 4 or 0. Not where a single label would be left, which is no suffix that
 * is looked up (NE-URL-34): "www.com" is a site. */
static inline size_t sl_suburl_www_len(const struct sl_host *host)
{
	static const struct sl_bytes www = SL_BYTES_LIT("www.");
	struct sl_bytes name = sl_bytes_of(host->name, host->len), rest = sl_bytes_skip(name, www.len);
	bool stripped = !host->address && sl_bytes_equal(sl_bytes_first(name, www.len), www) &&
	                sl_bytes_find(rest, '.') < rest.len;
	return stripped ? www.len : 0;
}

static inline bool sl_suburl_is_v6(const struct sl_host *host)
{
	return host->address && sl_bytes_find(sl_bytes_of(host->name, host->len), ':') < host->len;
}

/* The port that a scheme implies; 443 where there is none or we do not know it. */
static inline uint16_t sl_suburl_port(struct sl_bytes scheme)
{
	bool plain = sl_bytes_equal_nocase(scheme, SL_BYTES_LIT("http")) ||
	             sl_bytes_equal_nocase(scheme, SL_BYTES_LIT("ws"));
	return plain ? 80 : 443;
}

#endif
