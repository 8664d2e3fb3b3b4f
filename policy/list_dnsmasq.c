/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list_dnsmasq.c - of dnsmasq.conf what makes names go nowhere (dnsmasq(8)): `address=/x/` with no address or with one that
 * leads nowhere, `server=/x/` and `local=/x/` with no server. Each name counts with all below it (policy-resolution line 2). */
#include "base/util.h"
#include "policy/list_reader.h"

enum key { ADDRESS, SERVER, KEYS };

static enum key key_of(struct sl_bytes word)
{
	if (sl_bytes_equal_nocase(word, SL_BYTES_LIT("address")))
		return ADDRESS;
	bool server = sl_bytes_equal_nocase(word, SL_BYTES_LIT("server")) ||
	              sl_bytes_equal_nocase(word, SL_BYTES_LIT("local"));
	return server ? SERVER : KEYS;
}

/* Between two slashes: "x", ".x" the same, "*.x" what is below it, "#" every name. */
static int read_name(struct sl_bytes text, struct sl_host *host, enum sl_scope *scope)
{
	bool star = false, dot = false;
	if (sl_bytes_equal(text, SL_BYTES_LIT("#")))
		return SL_REFUSED_EVERY;
	int why = sl_list_wildcard(&text, &star, &dot);
	if (why == SL_LIST_FINE)
		why = sl_list_host(text, host);
	if (why == SL_LIST_FINE && host->address && dot)
		why = SL_REFUSED_BELOW_ADDRESS;
	*scope = star ? SL_SCOPE_BELOW : SL_SCOPE_TREE;
	return why;
}

static int emit_names(struct sl_list_reader *r, struct sl_bytes names)
{
	int err = SL_OK;
	for (bool more = true; more && err == SL_OK;) {
		struct sl_host host;
		enum sl_scope scope = SL_SCOPE_TREE;
		size_t slash = sl_bytes_find(names, '/');
		more = slash < names.len;
		struct sl_bytes name = sl_bytes_first(names, slash);
		int why = read_name(name, &host, &scope);
		err = why == SL_LIST_FINE ? sl_list_emit_host(r, &host, scope)
		                          : sl_list_refuse(r, name, (enum sl_list_refused)why);
		names = sl_bytes_skip(names, slash + 1);
	}
	return err;
}

/* Where names go: nowhere, or why it is none of this reader's business. */
static int read_target(struct sl_list_reader *r, enum key key, struct sl_bytes target)
{
	if (target.len == 0)
		return SL_LIST_FINE;
	if (key == SERVER)
		return SL_REFUSED_SERVER;
	if (sl_bytes_equal(target, SL_BYTES_LIT("#")))
		return SL_LIST_FINE;
	return sl_list_sink(r, target) == SL_LIST_FINE ? SL_LIST_FINE : SL_REFUSED_SERVER;
}

int sl_list_line_dnsmasq(struct sl_list_reader *r, struct sl_bytes line)
{
	struct sl_bytes body = sl_list_body(r, line);
	size_t equals = sl_bytes_find(body, '=');
	enum key key = key_of(sl_bytes_trim(sl_bytes_first(body, equals)));
	struct sl_bytes value = sl_bytes_trim(sl_bytes_skip(body, equals + 1));
	size_t last = value.len;
	if (body.len == 0)
		return SL_OK;
	if (key == KEYS)
		return sl_list_refuse(r, body, SL_REFUSED_DIRECTIVE);
	while (last > 0 && value.p[last - 1] != '/')
		last--;
	if (last == 0 || value.p[0] != '/') /* a server for all names, or an address by itself */
		return sl_list_refuse(r, body, SL_REFUSED_SERVER);
	int why = last == 1 ? SL_REFUSED_HOST : read_target(r, key, sl_bytes_skip(value, last));
	if (why != SL_LIST_FINE)
		return sl_list_refuse(r, body, (enum sl_list_refused)why);
	return emit_names(r, sl_bytes_skip(sl_bytes_first(value, last - 1), 1));
}
