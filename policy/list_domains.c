/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list_domains.c - one name a line, which counts with all below it (policy-resolution line 2); also addresses and
 * prefixes of them, as lists of names have some. */
#include "policy/list_reader.h"

static int read_name(const struct sl_list_reader *r, struct sl_bytes text, struct sl_host *host,
                     enum sl_scope *scope)
{
	bool star = false, dot = false;
	int why = sl_list_wildcard(&text, &star, &dot);
	if (why == SL_LIST_FINE && sl_bytes_find(text, '/') < text.len)
		why = SL_REFUSED_NAME_PATH;
	if (why == SL_LIST_FINE)
		why = sl_list_host(text, host);
	if (why == SL_LIST_FINE && host->address && dot)
		why = SL_REFUSED_BELOW_ADDRESS;
	*scope = star && r->cfg.wildcard_below ? SL_SCOPE_BELOW : SL_SCOPE_TREE;
	return why;
}

static int read_prefix(struct sl_list_reader *r, struct sl_bytes text)
{
	struct sl_list_entry e = { .scope = SL_SCOPE_ADDRESS };
	int why = sl_list_prefix(text, &e.prefix);
	return why == SL_LIST_FINE ? sl_list_emit(r, e) : sl_list_refuse(r, text, (enum sl_list_refused)why);
}

int sl_list_line_domains(struct sl_list_reader *r, struct sl_bytes line)
{
	struct sl_host host;
	enum sl_scope scope = SL_SCOPE_TREE;
	struct sl_bytes rest = sl_list_body(r, line), body = rest, name = sl_list_word(&rest);
	if (name.p == NULL)
		return SL_OK;
	if (rest.len > 0)
		return sl_list_refuse(r, body, SL_REFUSED_WORDS);
	int why = read_name(r, name, &host, &scope);
	if (why == SL_LIST_FINE)
		return sl_list_emit_host(r, &host, scope);
	if (why == SL_REFUSED_NAME_PATH && sl_list_is_prefix(name))
		return read_prefix(r, name);
	return sl_list_refuse(r, body, (enum sl_list_refused)why);
}
