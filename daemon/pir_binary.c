/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pir_binary.c - the wire format of Protocol Buffers, as far as a KeywordDatabase needs it. Fields that are not known are
 * skipped, as every protobuf reader does; groups are not. */
#include "base/cur.h"
#include "daemon/pir.h"

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

/* Ten bytes of seven bits at most; what does not fit 64 bits is broken. */
static uint64_t read_varint(struct sl_cur *c)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = sl_cur_u8(c);
		if (shift == 63 && byte > 1)
			break;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0)
			return value;
	}
	sl_cur_fail(c, SL_EMALF);
	return 0;
}

/* The next field: its number, and its bytes where it has a length; others are walked over and have none. */
static uint64_t read_field(struct sl_cur *c, struct sl_bytes *bytes)
{
	uint64_t tag = read_varint(c);

	*bytes = (struct sl_bytes){ NULL, 0 };
	switch (tag & 7) {
	case WIRE_VARINT:
		(void)read_varint(c);
		break;
	case WIRE_64:
		sl_cur_skip(c, 8);
		break;
	case WIRE_BYTES:
		*bytes = sl_cur_bytes(c, read_varint(c));
		break;
	case WIRE_32:
		sl_cur_skip(c, 4);
		break;
	default:
		sl_cur_fail(c, SL_EMALF);
	}
	if (tag >> 3 == 0)
		sl_cur_fail(c, SL_EMALF);
	return tag >> 3;
}

/* Of a field that comes twice the last one counts. */
static int read_row(struct sl_bytes in, struct sl_pir_row *row)
{
	struct sl_cur c = sl_cur_whole(in);
	struct sl_bytes bytes;

	*row = (struct sl_pir_row){ { NULL, 0 }, { NULL, 0 } };
	while (sl_cur_more(&c)) {
		uint64_t number = read_field(&c, &bytes);
		if (number == 1 && bytes.p != NULL)
			row->keyword = bytes;
		else if (number == 2 && bytes.p != NULL)
			row->value = bytes;
	}
	return c.err;
}

int sl_pir_read_binary(struct sl_bytes file, sl_pir_sink *sink, void *ctx, uint64_t *byte)
{
	struct sl_cur c = sl_cur_whole(file);
	struct sl_bytes bytes;
	struct sl_pir_row row;
	int err = SL_OK;

	while (err == SL_OK && sl_cur_more(&c)) {
		uint64_t start = file.len - c.left;
		bool is_row = read_field(&c, &bytes) == 1 && bytes.p != NULL;
		err = c.err;
		if (err == SL_OK && is_row)
			err = read_row(bytes, &row);
		if (err != SL_OK)
			*byte = start;
		else if (is_row)
			err = sink(ctx, &row);
	}
	return err;
}
