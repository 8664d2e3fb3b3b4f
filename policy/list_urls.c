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

/* What a URL says, as an entry without scope yet. */
static int read_url(struct sl_list_reader *r, struct sl_bytes text, struct sl_list_entry *e)
{
	struct sl_url *url = &r->url;
	if (sl_url_canon(text, url) != SL_OK)
		return SL_REFUSED_URL;
	int why = sl_list_plain_host(&url->host);
	if (why != SL_LIST_FINE)
		return why;
	if (url->cut)
		return SL_REFUSED_URL_LONG;
	*e = (struct sl_list_entry){ .host = &url->host, .port = url->port, .url = text };
	e->path = url->has_path ? entry_path(url) : (struct sl_bytes){ NULL, 0 };
	return SL_LIST_FINE;
}

/* "192.0.2.0/24" without a scheme may mean a prefix or a path; one with bits beyond its length is no prefix. */
static bool is_either(struct sl_bytes text)
{
	struct sl_prefix prefix;
	bool digit = text.len > 0 && text.p[0] >= '0' && text.p[0] <= '9';
	return digit && sl_bytes_find(text, '/') < text.len && sl_prefix_read(text, &prefix) == SL_OK;
}

static int read_entry(struct sl_list_reader *r, struct sl_bytes text, struct sl_list_entry *e)
{
	bool star = false, dot = false;
	int why = sl_list_wildcard(&text, &star, &dot);
	bool below = star && r->cfg.wildcard_below;
	if (why == SL_LIST_FINE && is_either(text))
		why = SL_REFUSED_URL_PREFIX;
	if (why == SL_LIST_FINE)
		why = read_url(r, text, e);
	if (why != SL_LIST_FINE)
		return why;
	if (e->host->address && dot)
		return SL_REFUSED_BELOW_ADDRESS;
	if (e->path.p != NULL && below)
		return SL_REFUSED_PATH_BELOW;
	e->scope = e->path.p != NULL  ? SL_SCOPE_PATH
	           : e->host->address ? SL_SCOPE_EXACT
	           : below            ? SL_SCOPE_BELOW
	                              : SL_SCOPE_TREE;
	sl_list_aim(e);
	return SL_LIST_FINE;
}

int sl_list_line_urls(struct sl_list_reader *r, struct sl_bytes line)
{
	struct sl_list_entry e;
	struct sl_bytes body = sl_list_body(r, line), rest = body, word = sl_list_word(&rest);
	if (word.p == NULL)
		return SL_OK;
	int why = rest.len > 0 ? SL_REFUSED_URL_SPACE : read_entry(r, word, &e);
	return why == SL_LIST_FINE ? sl_list_emit(r, e) : sl_list_refuse(r, body, (enum sl_list_refused)why);
}

/* What Apple's BloomFilterTool takes: each line is a key to the letter, so that a scheme or a "*" would make it one that no
 * URL has. */
static int read_apple(struct sl_list_reader *r, struct sl_bytes text, struct sl_list_entry *e)
{
	if (memmem(text.p, text.len, "://", 3) != NULL)
		return SL_REFUSED_APPLE_SCHEME;
	int why = read_url(r, text, e);
	if (why == SL_LIST_FINE) {
		e->scope = e->path.p != NULL  ? SL_SCOPE_PATH
		           : e->host->address ? SL_SCOPE_EXACT
		                              : SL_SCOPE_TREE;
		sl_list_aim(e);
	}
	return why;
}

int sl_list_line_apple(struct sl_list_reader *r, struct sl_bytes line)
{
	struct sl_list_entry e;
	struct sl_bytes body = sl_list_body(r, line), rest = body, word = sl_list_word(&rest);
	if (word.p == NULL)
		return SL_OK;
	int why = rest.len > 0 ? SL_REFUSED_URL_SPACE : read_apple(r, word, &e);
	return why == SL_LIST_FINE ? sl_list_emit(r, e) : sl_list_refuse(r, body, (enum sl_list_refused)why);
}
