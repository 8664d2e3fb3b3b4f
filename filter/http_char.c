/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/http_char.h"

enum {
	CLASS_PUNCT = SL_HTTP_VISIBLE | SL_HTTP_TOKEN | SL_HTTP_HOST,
	CLASS_ALPHA = SL_HTTP_VISIBLE | SL_HTTP_TOKEN | SL_HTTP_HOST | SL_HTTP_SCHEME,
	CLASS_DIGIT = SL_HTTP_VISIBLE | SL_HTTP_TOKEN | SL_HTTP_HOST | SL_HTTP_SCHEME | SL_HTTP_DIGIT,
	CLASS_OTHER = SL_HTTP_VISIBLE | SL_HTTP_HOST,
};

const uint8_t sl_http_class[256] = {
	['\t'] = SL_HTTP_BLANK,
	[' '] = SL_HTTP_BLANK,
	['!'] = CLASS_PUNCT,
	['"'] = CLASS_OTHER,
	['#'] = SL_HTTP_VISIBLE | SL_HTTP_TOKEN,
	['$' ... '\''] = CLASS_PUNCT,
	['(' ... ')'] = CLASS_OTHER,
	['*'] = CLASS_PUNCT,
	['+'] = CLASS_PUNCT | SL_HTTP_SCHEME,
	[','] = CLASS_OTHER,
	['-' ... '.'] = CLASS_PUNCT | SL_HTTP_SCHEME,
	['/'] = SL_HTTP_VISIBLE,
	['0' ... '9'] = CLASS_DIGIT,
	[':'] = CLASS_OTHER,
	[';' ... '>'] = CLASS_OTHER,
	['?' ... '@'] = SL_HTTP_VISIBLE,
	['A' ... 'Z'] = CLASS_ALPHA,
	['['] = CLASS_OTHER,
	['\\'] = SL_HTTP_VISIBLE,
	[']'] = CLASS_OTHER,
	['^' ... '`'] = CLASS_PUNCT,
	['a' ... 'z'] = CLASS_ALPHA,
	['{'] = CLASS_OTHER,
	['|'] = CLASS_PUNCT,
	['}'] = CLASS_OTHER,
	['~'] = CLASS_PUNCT,
	[0x80 ... 0xff] = CLASS_OTHER,
};
