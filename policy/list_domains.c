/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list_domains.c - one name a line, which counts with all below it (policy-resolution line 2). */
#include "policy/list_reader.h"

static const char *read_domain(const struct sl_list_reader *r, struct sl_bytes text, struct sl_host *host,
                               enum sl_scope *scope)
{
	bool below = false;
	struct sl_bytes name = text;
	const char *why = sl_list_wildcard(r, &name, &below);
	if (why != NULL)
		return why;
	if (sl_bytes_find(name, '/') < name.len)
		return sl_list_is_prefix(name) ? "a prefix of addresses, and lists hold names"
		                               : "a path in a list of names; the format \"urls\" has paths";
	why = sl_list_host(name, host);
	if (why == NULL && host->address && name.len != text.len)
		return "an address has nothing below it";
	*scope = host->address ? SL_SCOPE_EXACT : below ? SL_SCOPE_BELOW : SL_SCOPE_TREE;
	return why;
}

int sl_list_line_domains(struct sl_list_reader *r, struct sl_bytes line)
{
	struct sl_host host;
	enum sl_scope scope = SL_SCOPE_TREE;
	struct sl_bytes rest = line, name = sl_list_word(&rest);
	const char *why = rest.len > 0 ? "more than one word; a list of names has one a line"
	                               : read_domain(r, name, &host, &scope);
	if (why == NULL)
		return sl_list_emit(r, &host, scope);
	sl_list_refuse(r, line, why);
	return SL_OK;
}
