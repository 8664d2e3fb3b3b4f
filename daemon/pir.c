/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/pir.h"

#include <nettle/sha2.h>

enum { TAG_ROWS = 0x0a, TAG_KEYWORD = 0x0a, TAG_VALUE = 0x12 }; /* field << 3 | 2: bytes with a length */

int sl_pir_read(enum sl_pir_form form, struct sl_bytes file, sl_pir_sink *sink, void *ctx, uint64_t *at)
{
	return form == SL_PIR_TEXT ? sl_pir_read_text(file, sink, ctx, at)
	                           : sl_pir_read_binary(file, sink, ctx, at);
}

static void put_varint(struct sl_out *o, uint64_t value)
{
	for (; value > 0x7f; value >>= 7)
		sl_out_u8(o, (uint8_t)(value | 0x80));
	sl_out_u8(o, (uint8_t)value);
}

static size_t varint_len(uint64_t value)
{
	size_t n = 1;
	for (; value > 0x7f; value >>= 7)
		n++;
	return n;
}

static size_t field_len(struct sl_bytes text)
{
	return 1 + varint_len(text.len) + text.len;
}

static void put_field(struct sl_out *o, uint8_t tag, struct sl_bytes text)
{
	sl_out_u8(o, tag);
	put_varint(o, text.len);
	sl_out_bytes(o, text.p, text.len);
}

static void put_string(struct sl_out *o, struct sl_bytes text)
{
	sl_out_u8(o, '"');
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.p[i];
		if (c == '"' || c == '\\')
			sl_out_u8(o, '\\');
		if (c >= ' ' && c < 0x7f)
			sl_out_u8(o, c);
		else
			sl_out_fmt(o, "\\%03o", c);
	}
	sl_out_u8(o, '"');
}

void sl_pir_write(enum sl_pir_form form, const struct sl_pir_row *row, struct sl_out *out)
{
	if (form == SL_PIR_BINARY) {
		sl_out_u8(out, TAG_ROWS);
		put_varint(out, field_len(row->keyword) + field_len(row->value));
		put_field(out, TAG_KEYWORD, row->keyword);
		put_field(out, TAG_VALUE, row->value);
		return;
	}
	sl_out_str(out, "rows { keyword: ");
	put_string(out, row->keyword);
	sl_out_str(out, " value: ");
	put_string(out, row->value);
	sl_out_str(out, " }\n");
}

uint64_t sl_pir_shard(struct sl_bytes keyword, uint64_t shards)
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx sha;
	uint64_t first = 0;

	sha256_init(&sha);
	sha256_update(&sha, keyword.len, keyword.p);
	sha256_digest(&sha, sizeof(digest), digest);
	for (int i = 7; i >= 0; i--)
		first = first << 8 | digest[i];
	return first % shards;
}

uint64_t sl_pir_shards(uint64_t rows, uint64_t per_shard)
{
	return rows < per_shard ? 1 : rows / per_shard;
}
