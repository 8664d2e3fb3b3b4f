/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/address.h"

#include "base/cur.h"
#include "base/out.h"

enum { V4_PARTS = 4, V6_GROUPS = 8, NO_GAP = -1 };

struct v6 {
	uint16_t group[V6_GROUPS];
	int n;   /* groups read */
	int gap; /* index of the group before which "::" stood */
};

/* Value of a digit; 255 where c is none. */
static unsigned digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = sl_ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10u : 255;
}

static bool all_digits(struct sl_bytes text, unsigned base)
{
	for (size_t i = 0; i < text.len; i++)
		if (digit(text.p[i]) >= base)
			return false;
	return true;
}

static bool is_hex(struct sl_bytes text)
{
	return text.len >= 2 && text.p[0] == '0' && sl_ascii_lower(text.p[1]) == 'x';
}

bool sl_address_number(struct sl_bytes label)
{
	if (label.len == 0)
		return false;
	return is_hex(label) ? all_digits(sl_bytes_skip(label, 2), 16) : all_digits(label, 10);
}

/* One part of an IPv4 address: 0x.. hexadecimal, 0.. octal, else decimal; "0x" alone is 0. */
static bool read_part(struct sl_bytes text, uint64_t *out)
{
	unsigned base = is_hex(text) ? 16 : text.len > 1 && text.p[0] == '0' ? 8 : 10;
	if (text.len == 0)
		return false;
	text = sl_bytes_skip(text, base == 16 ? 2 : 0);
	if (!all_digits(text, base))
		return false;
	uint64_t value = 0;
	for (size_t i = 0; i < text.len && value <= UINT32_MAX; i++)
		value = value * base + digit(text.p[i]);
	*out = value;
	return value <= UINT32_MAX;
}

static size_t write_v4(uint32_t ip, char out[SL_ADDRESS_MAX + 1])
{
	struct sl_out o = sl_out_of(out, SL_ADDRESS_MAX + 1);
	sl_out_fmt(&o, "%u.%u.%u.%u", ip >> 24, (ip >> 16) & 0xff, (ip >> 8) & 0xff, ip & 0xff);
	return o.len;
}

size_t sl_address_v4(struct sl_bytes text, char out[SL_ADDRESS_MAX + 1])
{
	uint64_t ip = 0;
	for (int parts = 1; parts <= V4_PARTS; parts++) {
		size_t dot = sl_bytes_find(text, '.');
		uint64_t part = 0;
		if (!read_part(sl_bytes_first(text, dot), &part))
			return 0;
		if (dot == text.len) { /* the last part fills what is left */
			unsigned bits = 8u * (unsigned)(V4_PARTS + 1 - parts);
			return part >> bits != 0 ? 0 : write_v4((uint32_t)((ip << bits) | part), out);
		}
		if (part > 0xff)
			return 0;
		ip = (ip << 8) | part;
		text = sl_bytes_skip(text, dot + 1);
	}
	return 0;
}

static int peek(const struct sl_cur *c)
{
	return sl_cur_more(c) ? c->p[0] : -1;
}

static bool accept(struct sl_cur *c, uint8_t want)
{
	if (peek(c) != want)
		return false;
	sl_cur_skip(c, 1);
	return true;
}

/* The dotted quad at the end of an IPv6 address: four decimal parts, no leading zeros (RFC 4291 §2.2 item 3). */
static void read_quad(struct sl_cur *c, struct v6 *v)
{
	uint32_t ip = 0;
	for (int i = 0; i < V4_PARTS; i++) {
		unsigned part = 0, digits = 0;
		if (i > 0 && !accept(c, '.'))
			sl_cur_fail(c, SL_EMALF);
		for (; peek(c) >= '0' && peek(c) <= '9' && digits < 4; digits++) {
			if (digits > 0 && part == 0)
				sl_cur_fail(c, SL_EMALF);
			part = part * 10 + digit(sl_cur_u8(c));
		}
		if (digits == 0 || part > 0xff)
			sl_cur_fail(c, SL_EMALF);
		ip = (ip << 8) | part;
	}
	if (sl_cur_end(c) != SL_OK || v->n > V6_GROUPS - 2) {
		sl_cur_fail(c, SL_EMALF);
		return;
	}
	v->group[v->n++] = (uint16_t)(ip >> 16);
	v->group[v->n++] = (uint16_t)ip;
}

static void read_group(struct sl_cur *c, struct v6 *v)
{
	struct sl_cur start = *c;
	unsigned value = 0, digits = 0;
	for (; digits < 4 && peek(c) >= 0 && digit((uint8_t)peek(c)) < 16; digits++)
		value = value << 4 | digit(sl_cur_u8(c));
	if (digits > 0 && peek(c) == '.') {
		*c = start;
		read_quad(c, v);
	} else if (digits == 0 || v->n == V6_GROUPS) {
		sl_cur_fail(c, SL_EMALF);
	} else {
		v->group[v->n++] = (uint16_t)value;
	}
}

static int read_v6(struct sl_bytes text, struct v6 *v)
{
	struct sl_cur c = sl_cur_whole(text);
	if (accept(&c, ':')) {
		if (!accept(&c, ':'))
			return SL_EMALF;
		v->gap = 0;
	} else if (!sl_cur_more(&c)) {
		return SL_EMALF;
	}
	while (sl_cur_more(&c)) {
		read_group(&c, v);
		if (!sl_cur_more(&c))
			break;
		bool colon = accept(&c, ':');
		if (!colon || (v->gap != NO_GAP && peek(&c) == ':') || !sl_cur_more(&c))
			return SL_EMALF;
		if (accept(&c, ':'))
			v->gap = v->n;
	}
	bool full = v->n == V6_GROUPS;
	return c.err != SL_OK || full != (v->gap == NO_GAP) ? SL_EMALF : SL_OK;
}

/* Puts the zeros in that "::" stood for. */
static void fill_gap(struct v6 *v)
{
	uint16_t full[V6_GROUPS] = { 0 };
	for (int i = 0; i < v->n; i++)
		full[i < v->gap || v->gap == NO_GAP ? i : V6_GROUPS - v->n + i] = v->group[i];
	memcpy(v->group, full, sizeof(full));
}

/* The longest run of two or more zero groups, the first of equals (RFC 5952 §4.2). */
static int longest_zeros(const uint16_t group[V6_GROUPS], int *len)
{
	int best = NO_GAP;
	*len = 1;
	for (int i = 0; i < V6_GROUPS;) {
		int n = 0;
		while (i + n < V6_GROUPS && group[i + n] == 0)
			n++;
		if (n > *len) {
			best = i;
			*len = n;
		}
		i += n > 0 ? n : 1;
	}
	return best;
}

static bool is_v4_mapped(const uint16_t g[V6_GROUPS])
{
	return (g[0] | g[1] | g[2] | g[3] | g[4]) == 0 && g[5] == 0xffff;
}

size_t sl_address_v6(struct sl_bytes text, char out[SL_ADDRESS_MAX + 1])
{
	struct v6 v = { .gap = NO_GAP };
	struct sl_out o = sl_out_of(out, SL_ADDRESS_MAX + 1);
	int zeros = 0;
	if (read_v6(text, &v) != SL_OK)
		return 0;
	fill_gap(&v);
	if (is_v4_mapped(v.group)) {
		sl_out_fmt(&o, "::ffff:%u.%u.%u.%u", v.group[6] >> 8, v.group[6] & 0xffu, v.group[7] >> 8,
		           v.group[7] & 0xffu);
		return o.len;
	}
	int gap = longest_zeros(v.group, &zeros);
	for (int i = 0; i < V6_GROUPS; i++) {
		if (i == gap) {
			sl_out_str(&o, "::");
			i += zeros - 1;
			continue;
		}
		sl_out_fmt(&o, i == 0 || i == gap + zeros ? "%x" : ":%x", v.group[i]);
	}
	return o.len;
}
