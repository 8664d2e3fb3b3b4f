/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/json_text.h"

#include <stdlib.h>

#include "base/json.h"

json_t *sl_json_text(struct sl_bytes text)
{
	size_t cap = 6 * text.len + 3; /* every byte as \u00XX, and the quotes */
	struct sl_out out = sl_out_of(malloc(cap), cap);
	json_t *value = NULL;

	if (out.p == NULL)
		return NULL;
	sl_json_string(&out, text);
	value = json_loadb((const char *)out.p, out.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	free(out.p);
	return value;
}
