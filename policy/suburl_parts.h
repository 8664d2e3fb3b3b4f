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

static inline struct sl_suburl_parts sl_suburl_split(struct sl_bytes tail)
{
	struct sl_bytes head = sl_bytes_first(tail, sl_bytes_find(tail, '#'));
	size_t path = sl_bytes_find(head, '?');
	struct sl_suburl_parts out = { sl_bytes_first(head, path), sl_bytes_skip(head, path),
		                       sl_bytes_skip(tail, head.len) };
	if (out.query.len == 1)
		out.query.len = 0;
	if (out.fragment.len == 1)
		out.fragment.len = 0;
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
