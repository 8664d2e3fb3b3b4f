/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list_unbound.c - of unbound.conf(5) the zones that answer nothing: `local-zone: "x" always_nxdomain` and its kin, each
 * with all below it, and `local-data: "x A 0.0.0.0"`, for itself alone (policy-resolution line 2). A zone of the type
 * redirect answers for all below it with the data of its own name: both lines together block the tree. */
#include "base/util.h"
#include "policy/list_reader.h"

/* Types under which no name of the zone is answered, but for names with data of their own, which lists have none of. */
static const struct sl_bytes blocking[] = {
	SL_BYTES_LIT("always_nxdomain"),
	SL_BYTES_LIT("always_null"),
	SL_BYTES_LIT("always_nodata"),
	SL_BYTES_LIT("always_refuse"),
	SL_BYTES_LIT("always_deny"),
	SL_BYTES_LIT("refuse"),
	SL_BYTES_LIT("deny"),
	SL_BYTES_LIT("static"),
	SL_BYTES_LIT("inform_deny"),
};

static const struct sl_bytes types[] = {
	SL_BYTES_LIT("redirect"),        SL_BYTES_LIT("inform_redirect"), SL_BYTES_LIT("transparent"),
	SL_BYTES_LIT("typetransparent"), SL_BYTES_LIT("inform"),          SL_BYTES_LIT("always_transparent"),
	SL_BYTES_LIT("block_a"),         SL_BYTES_LIT("nodefault"),       SL_BYTES_LIT("noview"),
};

static bool is_one_of(struct sl_bytes word, const struct sl_bytes *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (sl_bytes_equal_nocase(words[i], word))
			return true;
	return false;
}

/* The next word; one in quotes may have blanks. */
static struct sl_bytes take_quoted(struct sl_bytes *text)
{
	*text = sl_bytes_trim(*text);
	if (text->len == 0 || (text->p[0] != '"' && text->p[0] != '\''))
		return sl_list_word(text);
	struct sl_bytes rest = sl_bytes_skip(*text, 1);
	size_t end = sl_bytes_find(rest, text->p[0]);
	*text = sl_bytes_trim(sl_bytes_skip(rest, end + 1));
	return sl_bytes_first(rest, end);
}

static void note_redirect(struct sl_list_reader *r, const struct sl_host *host)
{
	r->redirect = *host;
	r->stats.comments++; /* its data says whether it blocks */
}

static int read_zone(struct sl_list_reader *r, struct sl_bytes line, struct sl_bytes value)
{
	struct sl_host host;
	struct sl_bytes name = take_quoted(&value), type = take_quoted(&value);
	if (name.p == NULL || type.p == NULL || value.len > 0)
		return sl_list_refuse(r, line, SL_REFUSED_UNBOUND_FORM);
	bool block = is_one_of(type, blocking, SL_COUNT(blocking));
	if (!block && !is_one_of(type, types, SL_COUNT(types)))
		return sl_list_refuse(r, line, SL_REFUSED_UNBOUND_FORM);
	if (sl_bytes_equal(name, SL_BYTES_LIT(".")))
		return sl_list_refuse(r, line, SL_REFUSED_EVERY);
	int why = sl_list_host(name, &host);
	if (why != SL_LIST_FINE)
		return sl_list_refuse(r, line, (enum sl_list_refused)why);
	if (block)
		return sl_list_emit_host(r, &host, SL_SCOPE_TREE);
	if (!is_one_of(type, types, 2))
		return sl_list_refuse(r, line, SL_REFUSED_ZONE_TYPE);
	note_redirect(r, &host);
	return SL_OK;
}

static bool is_number(struct sl_bytes word)
{
	for (size_t i = 0; i < word.len; i++)
		if (word.p[i] < '0' || word.p[i] > '9')
			return false;
	return word.len > 0;
}

/* name [ttl] [IN] A|AAAA address */
static int read_data(struct sl_list_reader *r, struct sl_bytes line, struct sl_bytes value)
{
	struct sl_host host;
	struct sl_bytes record = take_quoted(&value), name = sl_list_word(&record);
	struct sl_bytes type = sl_list_word(&record);
	if (is_number(type))
		type = sl_list_word(&record);
	if (sl_bytes_equal_nocase(type, SL_BYTES_LIT("IN")))
		type = sl_list_word(&record);
	struct sl_bytes address = sl_list_word(&record);
	if (name.p == NULL || address.p == NULL || value.len > 0)
		return sl_list_refuse(r, line, SL_REFUSED_UNBOUND_FORM);
	bool a = sl_bytes_equal_nocase(type, SL_BYTES_LIT("A")) ||
	         sl_bytes_equal_nocase(type, SL_BYTES_LIT("AAAA"));
	if (!a || record.len > 0 || sl_list_sink(r, address) != SL_LIST_FINE)
		return sl_list_refuse(r, line, SL_REFUSED_SERVER);
	int why = sl_list_host(name, &host);
	if (why != SL_LIST_FINE)
		return sl_list_refuse(r, line, (enum sl_list_refused)why);
	bool tree = r->cfg.hosts_tree ||
	            (host.len == r->redirect.len && strcmp(host.name, r->redirect.name) == 0);
	return sl_list_emit_host(r, &host, tree ? SL_SCOPE_TREE : SL_SCOPE_EXACT);
}

int sl_list_line_unbound(struct sl_list_reader *r, struct sl_bytes line)
{
	struct sl_bytes body = sl_list_body(r, line);
	size_t colon = sl_bytes_find(body, ':');
	struct sl_bytes key = sl_bytes_trim(sl_bytes_first(body, colon));
	struct sl_bytes value = sl_bytes_trim(sl_bytes_skip(body, colon + 1));
	if (body.len == 0)
		return SL_OK;
	if (colon == body.len)
		return sl_list_refuse(r, body, SL_REFUSED_UNBOUND_FORM);
	if (sl_bytes_equal_nocase(key, SL_BYTES_LIT("local-zone")))
		return read_zone(r, body, value);
	if (sl_bytes_equal_nocase(key, SL_BYTES_LIT("local-data")))
		return read_data(r, body, value);
	if (sl_bytes_equal_nocase(key, SL_BYTES_LIT("include")))
		return sl_list_refuse(r, body, SL_REFUSED_INCLUDE);
	if (!sl_bytes_equal_nocase(key, SL_BYTES_LIT("server")) || value.len > 0)
		return sl_list_refuse(r, body, SL_REFUSED_DIRECTIVE);
	r->stats.comments++;
	return SL_OK;
}
