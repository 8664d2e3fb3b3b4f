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

/* A dotted quad: four decimal parts, no leading zeros; c fails where it is none or goes on. */
static uint32_t read_quad(struct sl_cur *c)
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
	if (sl_cur_end(c) != SL_OK)
		sl_cur_fail(c, SL_EMALF);
	return ip;
}

/* The dotted quad at the end of an IPv6 address (RFC 4291 §2.2 item 3). */
static void read_tail(struct sl_cur *c, struct v6 *v)
{
	uint32_t ip = read_quad(c);
	if (c->err != SL_OK || v->n > V6_GROUPS - 2) {
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
		read_tail(c, v);
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

static size_t write_v6(const uint16_t group[V6_GROUPS], char out[SL_ADDRESS_MAX + 1])
{
	struct sl_out o = sl_out_of(out, SL_ADDRESS_MAX + 1);
	int zeros = 0;
	if (is_v4_mapped(group)) {
		sl_out_fmt(&o, "::ffff:%u.%u.%u.%u", group[6] >> 8, group[6] & 0xffu, group[7] >> 8,
		           group[7] & 0xffu);
		return o.len;
	}
	int gap = longest_zeros(group, &zeros);
	for (int i = 0; i < V6_GROUPS; i++) {
		if (i == gap) {
			sl_out_str(&o, "::");
			i += zeros - 1;
			continue;
		}
		sl_out_fmt(&o, i == 0 || i == gap + zeros ? "%x" : ":%x", group[i]);
	}
	return o.len;
}

size_t sl_address_v6(struct sl_bytes text, char out[SL_ADDRESS_MAX + 1])
{
	struct v6 v = { .gap = NO_GAP };
	if (read_v6(text, &v) != SL_OK)
		return 0;
	fill_gap(&v);
	return write_v6(v.group, out);
}

static int read_whole_v4(struct sl_bytes text, struct sl_prefix *out)
{
	struct sl_cur c = sl_cur_whole(text);
	uint32_t ip = read_quad(&c);
	for (unsigned i = 0; i < V4_PARTS; i++)
		out->addr[i] = (uint8_t)(ip >> (24 - 8 * i));
	out->len = SL_PREFIX_V4;
	return c.err;
}

static int read_whole_v6(struct sl_bytes text, struct sl_prefix *out)
{
	struct v6 v = { .gap = NO_GAP };
	int err = read_v6(text, &v);
	fill_gap(&v);
	for (size_t i = 0; i < V6_GROUPS; i++) {
		out->addr[2 * i] = (uint8_t)(v.group[i] >> 8);
		out->addr[2 * i + 1] = (uint8_t)v.group[i];
	}
	out->v6 = true;
	out->len = SL_PREFIX_V6;
	return err;
}

/* The number of bits behind the slash, which replaces that of the whole address. */
static int read_length(struct sl_bytes text, struct sl_prefix *out)
{
	unsigned value = 0;
	if (text.len == 0 || text.len > 3 || !all_digits(text, 10) || (text.len > 1 && text.p[0] == '0'))
		return SL_EMALF;
	for (size_t i = 0; i < text.len; i++)
		value = value * 10 + digit(text.p[i]);
	if (value > out->len)
		return SL_EMALF;
	out->len = (uint8_t)value;
	return SL_OK;
}

static bool has_host_bits(const struct sl_prefix *p)
{
	for (unsigned i = p->len / 8u; i < sizeof(p->addr); i++) {
		unsigned kept = i == p->len / 8u ? p->len % 8u : 0;
		if ((p->addr[i] & (0xffu >> kept)) != 0)
			return true;
	}
	return false;
}

static void unmap(struct sl_prefix *p)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	if (!p->v6 || p->len < 96 || memcmp(p->addr, mapped, sizeof(mapped)) != 0)
		return;
	memmove(p->addr, &p->addr[12], V4_PARTS);
	memset(&p->addr[V4_PARTS], 0, sizeof(p->addr) - V4_PARTS);
	p->v6 = false;
	p->len -= 96;
}

int sl_prefix_read(struct sl_bytes text, struct sl_prefix *out)
{
	struct sl_prefix p = { 0 };
	size_t slash = sl_bytes_find(text, '/');
	struct sl_bytes address = sl_bytes_first(text, slash);
	bool v6 = sl_bytes_find(address, ':') < address.len;
	int err = v6 ? read_whole_v6(address, &p) : read_whole_v4(address, &p);
	if (err == SL_OK && slash < text.len)
		err = read_length(sl_bytes_skip(text, slash + 1), &p);
	if (err != SL_OK)
		return SL_EMALF;
	if (has_host_bits(&p))
		return SL_EINVAL;
	unmap(&p);
	*out = p;
	return SL_OK;
}

size_t sl_prefix_write(const struct sl_prefix *p, char out[SL_PREFIX_MAX + 1])
{
	const uint8_t *a = p->addr;
	uint16_t group[V6_GROUPS];
	for (size_t i = 0; i < V6_GROUPS; i++)
		group[i] = (uint16_t)(a[2 * i] << 8 | a[2 * i + 1]);
	size_t n = p->v6 ? write_v6(group, out) : write_v4((uint32_t)group[0] << 16 | group[1], out);
	struct sl_out o = sl_out_of(out + n, SL_PREFIX_MAX + 1 - n);
	if (!sl_prefix_whole(p))
		sl_out_fmt(&o, "/%u", p->len);
	return n + o.len;
}
