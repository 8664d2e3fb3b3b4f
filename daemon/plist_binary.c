/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plist_binary.c - bplist00: "bplist00", objects, a table of their offsets, and a trailer of 32 bytes that says where the
 * table is. Objects name each other by number; only the outermost dictionary's keys and values are looked at, so that
 * nothing can go round in circles. */
#include "base/cur.h"
#include "daemon/plist.h"

enum { TRAILER = 32, HEADER = 8 };
enum { INTEGER = 0x1, REAL = 0x2, DATA = 0x4, ASCII = 0x5, DICT = 0xd }; /* the high half of a marker */

struct file {
	struct sl_bytes objects; /* the file up to the table */
	struct sl_bytes table;
	uint8_t offset_size, ref_size;
	uint64_t n, top;
};

/* Big endian, of 1 to 8 bytes. */
static uint64_t read_sized(struct sl_cur *c, size_t size)
{
	uint64_t v = 0;

	for (size_t i = 0; i < size; i++)
		v = v << 8 | sl_cur_u8(c);
	return v;
}

static int read_trailer(struct sl_bytes all, struct file *f)
{
	if (all.len < HEADER + TRAILER)
		return SL_EMALF;
	struct sl_cur c = sl_cur_whole(sl_bytes_skip(all, all.len - TRAILER));
	sl_cur_skip(&c, 6);
	f->offset_size = sl_cur_u8(&c);
	f->ref_size = sl_cur_u8(&c);
	f->n = read_sized(&c, 8);
	f->top = read_sized(&c, 8);
	uint64_t table = read_sized(&c, 8), behind = all.len - TRAILER;
	if (f->offset_size < 1 || f->offset_size > 8 || f->ref_size < 1 || f->ref_size > 8 ||
	    table < HEADER || table > behind || f->n > (behind - table) / f->offset_size)
		return SL_EMALF;
	f->objects = sl_bytes_first(all, table);
	f->table = sl_bytes_first(sl_bytes_skip(all, table), f->n * f->offset_size);
	return SL_OK;
}

/* A reader at object number ref. */
static struct sl_cur object(const struct file *f, uint64_t ref)
{
	if (ref >= f->n)
		return (struct sl_cur){ .err = SL_EMALF, .short_err = SL_EMALF };
	struct sl_cur c = sl_cur_whole(sl_bytes_skip(f->table, ref * f->offset_size));
	uint64_t offset = read_sized(&c, f->offset_size);
	if (c.err != SL_OK || offset < HEADER || offset >= f->objects.len)
		return (struct sl_cur){ .err = SL_EMALF, .short_err = SL_EMALF };
	return sl_cur_whole(sl_bytes_skip(f->objects, offset));
}

/* How many: in the low half of the marker, or as an integer object behind it. */
static uint64_t read_count(struct sl_cur *c, uint8_t marker)
{
	if ((marker & 15) != 15)
		return marker & 15;
	uint8_t size = sl_cur_u8(c);
	if (size >> 4 != INTEGER || (size & 15) > 3)
		sl_cur_fail(c, SL_EMALF);
	return read_sized(c, (size_t)1 << (size & 3));
}

/* Integers of 1, 2 and 4 bytes are unsigned, of 8 signed; 16 bytes hold what 8 cannot, which we do not need. */
static void read_integer(struct sl_cur *c, uint8_t marker, struct sl_plist_value *v)
{
	if ((marker & 15) > 3)
		return;
	v->type = SL_PLIST_INTEGER;
	v->integer = (int64_t)read_sized(c, (size_t)1 << (marker & 15));
	v->real = (double)v->integer;
}

static void read_real(struct sl_cur *c, uint8_t marker, struct sl_plist_value *v)
{
	if ((marker & 15) == 2) {
		uint32_t bits = sl_cur_u32(c);
		float single;
		memcpy(&single, &bits, sizeof(single));
		v->real = single;
		v->type = SL_PLIST_REAL;
	} else if ((marker & 15) == 3) {
		uint64_t bits = read_sized(c, 8);
		memcpy(&v->real, &bits, sizeof(v->real));
		v->type = SL_PLIST_REAL;
	}
}

static int read_value(const struct file *f, uint64_t ref, struct sl_plist_value *v)
{
	struct sl_cur c = object(f, ref);
	uint8_t marker = sl_cur_u8(&c);

	switch (marker >> 4) {
	case INTEGER:
		read_integer(&c, marker, v);
		break;
	case REAL:
		read_real(&c, marker, v);
		break;
	case DATA:
	case ASCII:
		v->type = marker >> 4 == DATA ? SL_PLIST_DATA : SL_PLIST_STRING;
		v->bytes = sl_cur_bytes(&c, read_count(&c, marker));
		break;
	default:
		break;
	}
	return c.err;
}

static int read_members(const struct file *f, struct sl_cur refs, uint64_t n, sl_plist_sink *sink, void *ctx)
{
	struct sl_cur keys = sl_cur_block(&refs, n * f->ref_size),
	              values = sl_cur_block(&refs, n * f->ref_size);
	int err = values.err;

	for (uint64_t i = 0; i < n && err == SL_OK; i++) {
		struct sl_plist_value key = { .type = SL_PLIST_OTHER }, value = { .type = SL_PLIST_OTHER };
		err = read_value(f, read_sized(&keys, f->ref_size), &key);
		if (err == SL_OK)
			err = read_value(f, read_sized(&values, f->ref_size), &value);
		if (err == SL_OK && key.type == SL_PLIST_STRING)
			sink(ctx, key.bytes, &value); /* keys in UTF-16 are none of those that we know */
	}
	return err;
}

int sl_plist_read_binary(struct sl_bytes file, sl_plist_sink *sink, void *ctx)
{
	struct file f;

	if (!sl_bytes_equal(sl_bytes_first(file, HEADER), SL_BYTES_LIT("bplist00")))
		return SL_EPROTO;
	int err = read_trailer(file, &f);
	if (err != SL_OK)
		return err;
	struct sl_cur c = object(&f, f.top);
	uint8_t marker = sl_cur_u8(&c);
	uint64_t n = read_count(&c, marker);
	if (c.err != SL_OK || marker >> 4 != DICT || n > c.left / (2 * (size_t)f.ref_size))
		return SL_EMALF;
	return read_members(&f, c, n, sink, ctx);
}
