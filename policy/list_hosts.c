/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list_hosts.c - hosts files (hosts(5)): an address that leads nowhere, then names, each for itself alone
 * (policy-resolution line 2). */
#include "base/util.h"
#include "policy/list_reader.h"

/* The names that every hosts file has for the machine itself. Blocking them was nobody's wish. */
static bool is_own(struct sl_bytes name)
{
	static const struct sl_bytes own[] = {
		SL_BYTES_LIT("localhost"),     SL_BYTES_LIT("localhost.localdomain"),
		SL_BYTES_LIT("local"),         SL_BYTES_LIT("broadcasthost"),
		SL_BYTES_LIT("ip6-localhost"), SL_BYTES_LIT("ip6-loopback"),
		SL_BYTES_LIT("ip6-localnet"),  SL_BYTES_LIT("ip6-mcastprefix"),
		SL_BYTES_LIT("ip6-allnodes"),  SL_BYTES_LIT("ip6-allrouters"),
		SL_BYTES_LIT("ip6-allhosts"),  SL_BYTES_LIT("0.0.0.0"),
	};
	uint8_t first = sl_ascii_lower(name.p[0]);
	if (first != 'l' && first != 'i' && first != 'b' && first != '0')
		return false;
	for (size_t i = 0; i < SL_COUNT(own); i++)
		if (sl_bytes_equal_nocase(own[i], name))
			return true;
	return false;
}

static bool starts(const struct sl_host *host, const char *head)
{
	struct sl_bytes want = sl_bytes_str(head);
	return sl_bytes_equal(sl_bytes_first(sl_bytes_of(host->name, host->len), want.len), want);
}

/* Unspecified, loopback, broadcast, and what stands for link and multicast in the preamble of systems. */
static int read_sink(struct sl_bytes word)
{
	struct sl_host host;
	struct sl_bytes address = sl_bytes_first(word, sl_bytes_find(word, '%')); /* fe80::1%lo0 */
	if (sl_host_canon(address, &host) != SL_OK || !host.address)
		return SL_REFUSED_HOSTS_ADDRESS;
	if (starts(&host, "0.") || starts(&host, "127.") || starts(&host, "255.255.255.255") ||
	    strcmp(host.name, "::") == 0 || strcmp(host.name, "::1") == 0 || starts(&host, "fe80::") ||
	    starts(&host, "fe00::") || starts(&host, "ff0"))
		return SL_LIST_FINE;
	return SL_REFUSED_SINK;
}

/* Lines of a file have the same address for the most part: one that is spelt as the last is not read again. */
int sl_list_sink(struct sl_list_reader *r, struct sl_bytes text)
{
	if (SL_LIKELY(sl_bytes_equal(sl_bytes_of(r->sink, r->sink_len), text)))
		return SL_LIST_FINE;
	int why = read_sink(text);
	if (why == SL_LIST_FINE && text.len <= sizeof(r->sink)) {
		memcpy(r->sink, text.p, text.len);
		r->sink_len = (uint8_t)text.len;
	}
	return why;
}

static int read_name(struct sl_list_reader *r, struct sl_bytes name)
{
	struct sl_host host;
	int why = sl_list_host(name, &host);
	if (SL_LIKELY(why == SL_LIST_FINE))
		return sl_list_emit_host(r, &host, r->cfg.hosts_tree ? SL_SCOPE_TREE : SL_SCOPE_EXACT);
	if (why == SL_REFUSED_STAR)
		why = SL_REFUSED_HOSTS_STAR;
	return sl_list_refuse(r, name, (enum sl_list_refused)why);
}

int sl_list_line_hosts(struct sl_list_reader *r, struct sl_bytes line)
{
	struct sl_bytes body = sl_list_body(r, line), rest = body, address = sl_list_word(&rest);
	bool own = false;
	int err = SL_OK;
	if (address.p == NULL)
		return SL_OK;
	int why = sl_list_sink(r, address);
	if (why == SL_LIST_FINE && rest.len == 0)
		why = SL_REFUSED_HOSTS_NAME;
	if (why != SL_LIST_FINE)
		return sl_list_refuse(r, body, (enum sl_list_refused)why);
	for (struct sl_bytes name = sl_list_word(&rest); err == SL_OK && name.p != NULL;
	     name = sl_list_word(&rest)) {
		if (is_own(name))
			own = true;
		else
			err = read_name(r, name);
	}
	r->stats.comments += own ? 1 : 0;
	return err;
}
