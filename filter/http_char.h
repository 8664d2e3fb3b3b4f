/* SPDX-License-Identifier: GPL-2.0-or-later */
/* http_char.h - the classes of bytes of HTTP's grammar, as servers take them. */
#ifndef SL_FILTER_HTTP_CHAR_H
#define SL_FILTER_HTTP_CHAR_H

#include "base/bytes.h"

enum {
	SL_HTTP_TOKEN = 1,   /* tchar, RFC 9110 §5.6.2 */
	SL_HTTP_VISIBLE = 2, /* neither a control nor a blank; bytes above 0x7f too, as servers take them */
	SL_HTTP_BLANK = 4,   /* space and tab */
	SL_HTTP_DIGIT = 8,
	SL_HTTP_HOST =
	        16, /* may stand in a host: visible, and ends no part of an authority (RFC 3986 §3.2) */
	SL_HTTP_SCHEME = 32, /* RFC 3986 §3.1 */
};

/* Which of them a byte is of. */
extern const uint8_t sl_http_class[256];

/* How many bytes at the head of b are of these classes. */
static inline size_t sl_http_span(struct sl_bytes b, uint8_t class)
{
	size_t n = 0;
	while (n < b.len && (sl_http_class[b.p[n]] & class) != 0)
		n++;
	return n;
}

#endif
