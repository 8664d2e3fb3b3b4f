/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list_addresses.c - one address or prefix a line, each a destination (policy-resolution line 2). What follows "#" or ";"
 * is a comment. */
#include "policy/list_reader.h"

int sl_list_line_addresses(struct sl_list_reader *r, struct sl_bytes line)
{
	struct sl_list_entry e = { .scope = SL_SCOPE_ADDRESS };
	size_t comment = sl_bytes_find(sl_bytes_first(line, sl_bytes_find(line, '#')), ';');
	struct sl_bytes body = sl_bytes_trim(sl_bytes_first(line, comment));
	struct sl_bytes rest = body, word = sl_list_word(&rest);
	if (word.p == NULL) {
		r->stats.comments += comment < line.len;
		return SL_OK;
	}
	int why = rest.len > 0 ? SL_REFUSED_WORDS : sl_list_prefix(word, &e.prefix);
	return why == SL_LIST_FINE ? sl_list_emit(r, e) : sl_list_refuse(r, body, (enum sl_list_refused)why);
}
