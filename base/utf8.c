/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/utf8.h"

static bool tail(struct sl_bytes b, size_t from, size_t n)
{
	if (b.len < n)
		return false;
	for (size_t i = from; i < n; i++)
		if ((b.p[i] & 0xc0) != 0x80)
			return false;
	return true;
}

size_t sl_utf8_len(struct sl_bytes b)
{
	if (b.len == 0)
		return 0;
	uint8_t c = b.p[0], next = b.len > 1 ? b.p[1] : 0;
	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		return tail(b, 1, 2) ? 2 : 0;
	if (c >= 0xe0 && c <= 0xef) {
		uint8_t low = c == 0xe0 ? 0xa0 : 0x80,
		        high = c == 0xed ? 0x9f : 0xbf; /* no overlong, no surrogate */
		return next >= low && next <= high && tail(b, 2, 3) ? 3 : 0;
	}
	if (c >= 0xf0 && c <= 0xf4) {
		uint8_t low = c == 0xf0 ? 0x90 : 0x80, high = c == 0xf4 ? 0x8f : 0xbf; /* up to U+10FFFF */
		return next >= low && next <= high && tail(b, 2, 4) ? 4 : 0;
	}
	return 0;
}
