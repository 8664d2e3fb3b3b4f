/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list_urls.c - URLs (RFC 3986), with or without scheme. A bare host counts with all below it, a path only for itself and
 * never for the whole host (policy-resolution lines 1 and 2). The scheme says nothing. */
#include "policy/list_reader.h"

/* The final slash goes (policy-resolution line 5), unless it is part of a query. */
static struct sl_bytes entry_path(const struct sl_url *url)
{
	struct sl_bytes path = sl_bytes_of(url->path, url->path_len);
	bool query = sl_bytes_find(path, '?') < path.len;
	return sl_bytes_first(path, !query && path.p[path.len - 1] == '/' ? path.len - 1 : path.len);
}

static const char *read_url(struct sl_list_reader *r, struct sl_bytes text, struct sl_list_entry *e)
{
	bool below = false;
	struct sl_url *url = &r->url;
	struct sl_host check;
	struct sl_bytes rest = text;
	const char *why = sl_list_wildcard(r, &rest, &below);
	if (why != NULL)
		return why;
	if (sl_list_is_prefix(rest))
		return "a prefix of addresses, and lists hold names";
	if (sl_url_canon(rest, url) != SL_OK)
		return "no URL with a valid host and port";
	why = sl_list_host(sl_bytes_of(url->host.name, url->host.len), &check);
	if (why != NULL)
		return why;
	if (url->cut)
		return "the path is too long to be kept whole";
	if (url->host.address && rest.len != text.len)
		return "an address has nothing below it";
	if (url->has_path && below)
		return "a path below a wildcard cannot be kept without widening it";
	*e = (struct sl_list_entry){ .host = &url->host, .port = url->port, .line = r->stats->lines };
	e->path = url->has_path ? entry_path(url) : (struct sl_bytes){ NULL, 0 };
	e->scope = url->has_path       ? SL_SCOPE_PATH
	           : url->host.address ? SL_SCOPE_EXACT
	           : below             ? SL_SCOPE_BELOW
	                               : SL_SCOPE_TREE;
	return NULL;
}

int sl_list_line_urls(struct sl_list_reader *r, struct sl_bytes line)
{
	struct sl_list_entry e;
	struct sl_bytes rest = line, word = sl_list_word(&rest);
	const char *why =
	        rest.len > 0 ? "more than one word; a space in a URL is written %20" : read_url(r, word, &e);
	if (why == NULL) {
		r->stats->entries++;
		return r->entry(r->ctx, &e);
	}
	sl_list_refuse(r, line, why);
	return SL_OK;
}
