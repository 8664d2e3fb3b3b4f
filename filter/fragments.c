/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/fragments.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/cur.h"
#include "base/util.h"

enum {
	DATAGRAM_MAX = 65535,
	HEAD_MAX =
	        512, /* the part that stands in every fragment: more extension headers than that nobody sends */
	UNITS = 8192, /* of 8 bytes */
	WORD = 64,
	IP4_HEADER = 20,
	IP6_HEADER = 40,
	IP4_MORE = 0x2000,
	IP4_OFFSET = 0x1fff,
	NEXT_HOP_BY_HOP = 0,
	NEXT_ROUTING = 43,
	NEXT_FRAGMENT = 44,
	NEXT_DEST_OPTIONS = 60,
	KEPT_MS = 30000,
};

/* Compared as bytes. */
struct key {
	uint8_t src[16], dst[16];
	uint32_t id;
	uint8_t family, proto, zero[2];
};

/* One fragment as it came. */
struct piece {
	struct key key;
	struct sl_bytes head; /* without the fragment header */
	size_t next_at;       /* where head says what follows it */
	struct sl_bytes data;
	uint32_t offset; /* of data, in bytes */
	bool last;
};

struct datagram {
	struct key key;
	struct sl_mono born;
	bool used;
	uint32_t head_len, next_at; /* head_len 0: the first fragment has not come */
	uint32_t have, top;         /* bytes that came; where the furthest of them ends */
	uint32_t total;             /* 0: the last fragment has not come */
	uint64_t came[UNITS / WORD];
	uint64_t begins[UNITS / WORD]; /* where pieces begin, to tell a copy from an overlap */
	uint8_t head[HEAD_MAX];
	uint8_t data[DATAGRAM_MAX + 1];
};

struct sl_fragments {
	unsigned n;
	uint8_t whole[HEAD_MAX + DATAGRAM_MAX];
	struct datagram datagram[];
};

int sl_fragments_new(unsigned datagrams, struct sl_fragments **out)
{
	if (datagrams == 0 || datagrams > 1024)
		return SL_EINVAL;
	struct sl_fragments *f = calloc(1, sizeof(*f) + datagrams * sizeof(f->datagram[0]));
	if (f == NULL)
		return SL_ENOMEM;
	f->n = datagrams;
	*out = f;
	return SL_OK;
}

void sl_fragments_free(struct sl_fragments **f)
{
	free(sl_take(f));
}

/* ---- reading ---- */

static int read_ip4(struct sl_bytes ip, struct piece *p)
{
	struct sl_cur c = sl_cur_whole(ip);
	size_t header = (size_t)(sl_cur_u8(&c) & 15) * 4;
	sl_cur_skip(&c, 1);
	size_t total = sl_cur_u16(&c);
	p->key.id = sl_cur_u16(&c);
	uint16_t place = sl_cur_u16(&c);
	sl_cur_skip(&c, 1);
	p->key.proto = sl_cur_u8(&c);
	sl_cur_skip(&c, 2);
	struct sl_bytes ends = sl_cur_bytes(&c, 8);
	if (c.err == SL_OK && (place & (IP4_MORE | IP4_OFFSET)) == 0)
		return SL_EPROTO;
	if (c.err != SL_OK || header < IP4_HEADER || total < header || total > ip.len)
		return SL_EMALF;
	memcpy(p->key.src, ends.p, 4);
	memcpy(p->key.dst, ends.p + 4, 4);
	p->key.family = 4;
	p->head = sl_bytes_first(ip, header);
	p->data = sl_bytes_skip(sl_bytes_first(ip, total), header);
	p->offset = (place & IP4_OFFSET) * 8U;
	p->last = (place & IP4_MORE) == 0;
	return SL_OK;
}

/* Walks over what stands before the fragment header (RFC 8200 §4.5: the per-fragment headers). */
static int find_fragment_header(struct sl_cur *c, struct sl_bytes ip, size_t *next_at)
{
	struct sl_cur peek = sl_cur_whole(sl_bytes_skip(ip, *next_at));
	uint8_t next = sl_cur_u8(&peek);
	while (next != NEXT_FRAGMENT) {
		if (next != NEXT_HOP_BY_HOP && next != NEXT_ROUTING && next != NEXT_DEST_OPTIONS)
			return SL_EPROTO;
		*next_at = ip.len - c->left;
		next = sl_cur_u8(c);
		sl_cur_skip(c, sl_cur_u8(c) * 8U + 6);
		if (c->err != SL_OK)
			return SL_EMALF;
	}
	return SL_OK;
}

static int read_ip6(struct sl_bytes ip, struct piece *p)
{
	struct sl_cur c = sl_cur_whole(ip);
	sl_cur_skip(&c, 4);
	size_t total = (size_t)sl_cur_u16(&c) + IP6_HEADER;
	p->next_at = 6;
	sl_cur_skip(&c, 2);
	struct sl_bytes ends = sl_cur_bytes(&c, 32);
	if (c.err != SL_OK || total > ip.len)
		return SL_EMALF;
	ip = sl_bytes_first(ip, total);
	c = sl_cur_whole(sl_bytes_skip(ip, IP6_HEADER));
	int err = find_fragment_header(&c, ip, &p->next_at);
	if (err != SL_OK)
		return err;
	p->head = sl_bytes_first(ip, total - c.left);
	p->key.proto = sl_cur_u8(&c);
	sl_cur_skip(&c, 1);
	uint16_t place = sl_cur_u16(&c);
	p->key.id = sl_cur_u32(&c);
	if (c.err != SL_OK)
		return SL_EMALF;
	if (place >> 3 == 0 && (place & 1) == 0)
		return SL_EPROTO;
	memcpy(p->key.src, ends.p, 16);
	memcpy(p->key.dst, ends.p + 16, 16);
	p->key.family = 6;
	p->data = sl_cur_rest(&c);
	p->offset = place & ~7U;
	p->last = (place & 1) == 0;
	return SL_OK;
}

static int read_piece(struct sl_bytes ip, struct piece *p)
{
	uint8_t version = ip.len == 0 ? 0 : ip.p[0] >> 4;
	int err = version == 4 ? read_ip4(ip, p) : version == 6 ? read_ip6(ip, p) : SL_EPROTO;
	if (err != SL_OK)
		return err;
	/* All but the last are whole units; none reaches beyond what a length can say. */
	bool whole_units = p->last || p->data.len % 8 == 0;
	bool fits = p->head.len <= HEAD_MAX && p->offset + p->data.len <= DATAGRAM_MAX;
	return p->data.len > 0 && whole_units && fits ? SL_OK : SL_EMALF;
}

/* ---- keeping ---- */

static bool bit(const uint64_t *map, uint32_t at)
{
	return (map[at / WORD] >> at % WORD & 1) != 0;
}

static void set_bit(uint64_t *map, uint32_t at)
{
	map[at / WORD] |= UINT64_C(1) << at % WORD;
}

static struct datagram *find(struct sl_fragments *f, const struct key *key, struct sl_mono now)
{
	struct datagram *best = &f->datagram[0];
	for (unsigned i = 0; i < f->n; i++) {
		struct datagram *d = &f->datagram[i];
		if (d->used && sl_mono_reached(now, sl_mono_add(d->born, sl_span_ms(KEPT_MS))))
			d->used = false;
		if (d->used && memcmp(&d->key, key, sizeof(*key)) == 0)
			return d;
		if (best->used && (!d->used || d->born.us < best->born.us))
			best = d;
	}
	memset(best, 0, offsetof(struct datagram, head));
	best->key = *key;
	best->born = now;
	best->used = true;
	return best;
}

/* SL_OK: all units are free; SL_EEXIST: the piece is a copy of one that came; SL_EMALF: it overlaps. */
static int look(const struct datagram *d, uint32_t unit, uint32_t units)
{
	uint32_t came = 0;
	for (uint32_t i = unit; i < unit + units; i++)
		came += bit(d->came, i);
	if (came == 0)
		return SL_OK;
	bool same = came == units && bit(d->begins, unit);
	for (uint32_t i = unit + 1; i < unit + units && same; i++)
		same = !bit(d->begins, i);
	return same ? SL_EEXIST : SL_EMALF;
}

static int keep(struct datagram *d, const struct piece *p)
{
	uint32_t end = p->offset + (uint32_t)p->data.len;
	uint32_t unit = p->offset / 8, units = (uint32_t)(p->data.len + 7) / 8;
	int err = look(d, unit, units);
	if (err != SL_OK)
		return err;
	if ((d->total != 0 && (end > d->total || p->last)) || (p->last && end < d->top))
		return SL_EMALF;
	for (uint32_t i = unit; i < unit + units; i++)
		set_bit(d->came, i);
	set_bit(d->begins, unit);
	memcpy(d->data + p->offset, p->data.p, p->data.len);
	d->have += (uint32_t)p->data.len;
	d->top = end > d->top ? end : d->top;
	if (p->last)
		d->total = end;
	if (p->offset == 0) {
		memcpy(d->head, p->head.p, p->head.len);
		d->head_len = (uint32_t)p->head.len;
		d->next_at = (uint32_t)p->next_at;
	}
	return SL_OK;
}

static void put_u16(uint8_t *to, size_t v)
{
	to[0] = (uint8_t)(v >> 8);
	to[1] = (uint8_t)v;
}

/* Checksums are left as they were: nobody looks at them behind this. */
static int finish(struct sl_fragments *f, struct datagram *d, struct sl_bytes *whole)
{
	size_t len = (size_t)d->head_len + d->total;
	d->used = false;
	if (len > DATAGRAM_MAX)
		return SL_EMALF;
	memcpy(f->whole, d->head, d->head_len);
	memcpy(f->whole + d->head_len, d->data, d->total);
	if (d->key.family == 4) {
		put_u16(f->whole + 2, len);
		put_u16(f->whole + 6, 0);
	} else {
		put_u16(f->whole + 4, len - IP6_HEADER);
		f->whole[d->next_at] = d->key.proto;
	}
	*whole = sl_bytes_of(f->whole, len);
	return SL_OK;
}

int sl_fragments_add(struct sl_fragments *f, struct sl_bytes ip, struct sl_mono now, struct sl_bytes *whole)
{
	struct piece p = { 0 };
	int err = read_piece(ip, &p);
	if (err != SL_OK)
		return err;
	struct datagram *d = find(f, &p.key, now);
	err = keep(d, &p);
	if (err == SL_EMALF)
		d->used = false;
	if (err != SL_OK)
		return err == SL_EEXIST ? SL_EMORE : err;
	if (d->total == 0 || d->head_len == 0 || d->have < d->total)
		return SL_EMORE;
	return finish(f, d, whole);
}
