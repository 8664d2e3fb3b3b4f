/* SPDX-License-Identifier: GPL-2.0-or-later */
/* json.h - writes JSON (RFC 8259) into a bounded writer, for records that are too many for a tree of objects.
 * Strings that come from strangers may hold any byte: valid UTF-8 passes, control characters are escaped, and a byte
 * that is not UTF-8 becomes \u00XX of its value, so that the line stays valid JSON and the byte can be read back. */
#ifndef SL_BASE_JSON_H
#define SL_BASE_JSON_H

#include "base/bytes.h"
#include "base/out.h"

/* The string with its quotes. */
void sl_json_string(struct sl_out *o, struct sl_bytes text);
/* ,"key": - without the comma directly after an opening brace. key is ours and needs no escape. */
void sl_json_key(struct sl_out *o, const char *key);
void sl_json_field_str(struct sl_out *o, const char *key, struct sl_bytes text);
void sl_json_field_u64(struct sl_out *o, const char *key, uint64_t value);

#endif
