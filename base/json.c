/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/json.h"

#include <inttypes.h>

#include "base/utf8.h"

static void escape(struct sl_out *o, uint8_t c)
{
	switch (c) {
	case '"':
		sl_out_str(o, "\\\"");
		break;
	case '\\':
		sl_out_str(o, "\\\\");
		break;
	case '\n':
		sl_out_str(o, "\\n");
		break;
	case '\r':
		sl_out_str(o, "\\r");
		break;
	case '\t':
		sl_out_str(o, "\\t");
		break;
	default:
		sl_out_fmt(o, "\\u%04x", c);
	}
}

void sl_json_string(struct sl_out *o, struct sl_bytes text)
{
	sl_out_u8(o, '"');
	while (text.len > 0) {
		size_t n = sl_utf8_len(text);
		uint8_t c = text.p[0];
		if (n == 0 || c < 0x20 || c == 0x7f || c == '"' || c == '\\') {
			escape(o, c);
			n = 1;
		} else {
			sl_out_bytes(o, text.p, n);
		}
		text = sl_bytes_skip(text, n);
	}
	sl_out_u8(o, '"');
}

void sl_json_key(struct sl_out *o, const char *key)
{
	if (o->len > 0 && o->p[o->len - 1] != '{')
		sl_out_u8(o, ',');
	sl_out_u8(o, '"');
	sl_out_str(o, key);
	sl_out_str(o, "\":");
}

void sl_json_field_str(struct sl_out *o, const char *key, struct sl_bytes text)
{
	sl_json_key(o, key);
	sl_json_string(o, text);
}

void sl_json_field_u64(struct sl_out *o, const char *key, uint64_t value)
{
	sl_json_key(o, key);
	sl_out_fmt(o, "%" PRIu64, value);
}
