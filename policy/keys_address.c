/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/keys_address.h"

#include "base/cur.h"
#include "base/out.h"
#include "base/util.h"
#include "policy/address.h"

enum { GROUPS = 8, NO_GAP = -1 };

static unsigned hex(uint8_t c)
{
	return c <= '9' ? (unsigned)(c - '0') & 15 : (unsigned)(c - 'a' + 10) & 15;
}

static void read_v4(struct sl_bytes text, uint8_t addr[SL_KEY_V4])
{
	struct sl_cur c = sl_cur_whole(text);
	unsigned part = 0, value = 0;
	memset(addr, 0, SL_KEY_V4);
	while (sl_cur_more(&c) && part < SL_KEY_V4) {
		uint8_t byte = sl_cur_u8(&c);
		value = byte == '.' ? 0 : value * 10 + hex(byte);
		part += byte == '.';
		if (part < SL_KEY_V4)
			addr[part] = (uint8_t)value;
	}
}

/* Groups of hexadecimal digits; the first empty one is the gap. Returns where it stands. */
static int read_groups(struct sl_bytes text, uint16_t group[GROUPS], int *n)
{
	int gap = NO_GAP;
	*n = 0;
	if (text.len > 0 && text.p[0] == ':')
		text = sl_bytes_skip(text, 1); /* "::1": one colon is enough for an empty group */
	while (text.len > 0 && *n < GROUPS) {
		size_t colon = sl_bytes_find(text, ':');
		unsigned value = 0;
		for (size_t i = 0; i < colon; i++)
			value = value << 4 | hex(text.p[i]);
		if (colon == 0)
			gap = *n;
		else
			group[(*n)++] = (uint16_t)value;
		text = sl_bytes_skip(text, colon + 1);
	}
	return gap;
}

static void read_v6(struct sl_bytes text, uint8_t addr[SL_KEY_V6])
{
	uint16_t group[GROUPS] = { 0 };
	int n = 0, gap = read_groups(text, group, &n);
	memset(addr, 0, SL_KEY_V6);
	for (int i = 0; i < n; i++) {
		size_t at = (size_t)(gap == NO_GAP || i < gap ? i : GROUPS - n + i) * 2;
		addr[at] = (uint8_t)(group[i] >> 8);
		addr[at + 1] = (uint8_t)group[i];
	}
}

size_t sl_key_address_read(struct sl_bytes text, uint8_t addr[SL_KEY_V6])
{
	static const struct sl_bytes mapped = SL_BYTES_LIT("::ffff:");
	if (!sl_key_is_v6(text)) {
		read_v4(text, addr);
		return SL_KEY_V4;
	}
	if (sl_bytes_find(text, '.') == text.len) {
		read_v6(text, addr);
	} else {
		memset(addr, 0, SL_KEY_V6);
		addr[10] = addr[11] = 0xff;
		read_v4(sl_bytes_skip(text, mapped.len), &addr[SL_KEY_V6 - SL_KEY_V4]);
	}
	return SL_KEY_V6;
}

size_t sl_key_address_write(bool v6, const uint8_t *addr, char text[SL_KEY_PREFIX_MAX + 1])
{
	char groups[SL_ADDRESS_MAX + 1];
	struct sl_out o = sl_out_of(v6 ? groups : text, SL_ADDRESS_MAX + 1);
	if (!v6) {
		sl_out_fmt(&o, "%u.%u.%u.%u", addr[0], addr[1], addr[2], addr[3]);
		return o.len;
	}
	for (size_t i = 0; i < SL_KEY_V6; i += 2)
		sl_out_fmt(&o, i == 0 ? "%x" : ":%x", (unsigned)addr[i] << 8 | addr[i + 1]);
	return sl_address_v6(sl_bytes_of(groups, o.len), text);
}

void sl_key_address_mask(bool v6, const uint8_t *addr, uint8_t len, uint8_t out[SL_KEY_V6])
{
	size_t n = v6 ? SL_KEY_V6 : SL_KEY_V4, whole = sl_min(len / 8u, n);
	memset(out, 0, SL_KEY_V6);
	memcpy(out, addr, whole);
	if (whole < n)
		out[whole] = (uint8_t)(addr[whole] & 0xff00 >> len % 8);
}
