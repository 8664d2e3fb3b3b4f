/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/ne_rule.h"

#include "base/util.h"
#include "filter/flow_key.h"
#include "filter/sniff_dns.h"

enum {
	V4_BITS = 32,
	V6_BITS = 128,
	MAPPED_BITS = 96,
	PORT_DNS = 53,
	LOOPBACK_V4 = 127,
	LOOPBACK_V4_BITS = 8
};

/* ---- networks ---- */

static bool is_mapped(const uint8_t addr[16])
{
	static const uint8_t head[12] = { [10] = 0xff, [11] = 0xff };
	return memcmp(addr, head, sizeof(head)) == 0;
}

static struct sl_ne_endpoint unmapped(struct sl_ne_endpoint e)
{
	if (e.type != SL_NE_HOST_IPV6 || !is_mapped(e.addr))
		return e;
	e.type = SL_NE_HOST_IPV4;
	memmove(e.addr, e.addr + 12, 4);
	memset(e.addr + 4, 0, 12);
	return e;
}

static int read_network(const struct sl_ne_endpoint *e, unsigned prefix, struct sl_ne_network *out)
{
	struct sl_ne_endpoint plain = *e;
	if ((e->type != SL_NE_HOST_IPV4 && e->type != SL_NE_HOST_IPV6) ||
	    prefix > (e->type == SL_NE_HOST_IPV4 ? V4_BITS : V6_BITS))
		return SL_EINVAL;
	if (prefix >= MAPPED_BITS)
		plain = unmapped(*e);
	*out = (struct sl_ne_network){ .type = plain.type,
		                       .prefix = (uint8_t)(plain.type == e->type ? prefix
		                                                                 : prefix - MAPPED_BITS),
		                       .port = e->port };
	memcpy(out->addr, plain.addr, sizeof(out->addr));
	return SL_OK;
}

static bool equal_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;
	return memcmp(a, b, whole) == 0 && (rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0);
}

static bool network_holds(const struct sl_ne_network *n, const struct sl_ne_endpoint *e)
{
	struct sl_ne_endpoint plain = unmapped(*e);
	if (n->type == SL_NE_HOST_NONE)
		return true;
	return plain.type == n->type && equal_bits(n->addr, plain.addr, n->prefix) &&
	       (n->port == 0 || n->port == e->port);
}

bool sl_ne_endpoint_is_loopback(const struct sl_ne_endpoint *endpoint)
{
	static const uint8_t one[16] = { [15] = 1 };
	struct sl_ne_endpoint e = unmapped(*endpoint);
	return e.type == SL_NE_HOST_IPV4 ? e.addr[0] == LOOPBACK_V4
	                                 : e.type == SL_NE_HOST_IPV6 && memcmp(e.addr, one, sizeof(one)) == 0;
}

/* Is it all loopback? */
static bool network_is_loopback(const struct sl_ne_network *n)
{
	struct sl_ne_endpoint e = { .type = n->type };
	memcpy(e.addr, n->addr, sizeof(e.addr));
	return n->type != SL_NE_HOST_NONE &&
	       n->prefix >= (n->type == SL_NE_HOST_IPV4 ? LOOPBACK_V4_BITS : V6_BITS) &&
	       sl_ne_endpoint_is_loopback(&e);
}

/* ---- hosts ---- */

static bool at_end(char c)
{
	return c == '.' || c == '*';
}

/* Would a client take it for an address? (WHATWG URL, "ends in a number"; IPv6 has colons) */
static bool is_address(const char *host)
{
	const char *dot = strrchr(host, '.'), *label = dot == NULL ? host : dot + 1;
	if (strchr(host, ':') != NULL || strncmp(label, "0x", 2) == 0)
		return true;
	return label[strspn(label, "0123456789")] == '\0';
}

static int read_host(const char *name, struct sl_ne_network_rule *out)
{
	size_t n = name == NULL ? 0 : strlen(name);
	while (n > 0 && at_end(name[0])) {
		name++;
		n--;
	}
	while (n > 0 && at_end(name[n - 1]))
		n--;
	if (n == 0 || n > SL_NE_HOSTNAME_MAX)
		return SL_EINVAL;
	out->labels = 1;
	for (size_t i = 0; i < n; i++) {
		out->host[i] = (char)sl_ascii_lower((uint8_t)name[i]);
		out->labels += name[i] == '.';
	}
	out->host[n] = '\0';
	return is_address(out->host) || strstr(out->host, "..") != NULL ? SL_EINVAL : SL_OK;
}

/* Is the dot at i one between labels? A backslash makes it part of one (the text of sniff_dns.h). */
static bool is_boundary(struct sl_bytes name, size_t i)
{
	size_t before = 0;
	while (before < i && name.p[i - 1 - before] == '\\')
		before++;
	return name.p[i] == '.' && before % 2 == 0;
}

/* NE-RULE-14, NE-RULE-15 */
static bool host_holds(const struct sl_ne_network_rule *rule, struct sl_bytes name)
{
	struct sl_bytes host = sl_bytes_str(rule->host);
	if (name.len > 0 && name.p[name.len - 1] == '.')
		name.len--;
	if (name.len <= host.len || rule->labels < 2)
		return sl_bytes_equal_nocase(name, host);
	size_t cut = name.len - host.len;
	return is_boundary(name, cut - 1) && sl_bytes_equal_nocase(sl_bytes_skip(name, cut), host);
}

/* ---- DNS ---- */

static bool all_questions_in(const struct sl_ne_network_rule *rule, struct sl_dns *dns)
{
	struct sl_dns_name name;
	uint16_t type = 0;
	if (dns->questions == 0)
		return false;
	while (dns->questions > 0)
		if (sl_dns_question(dns, &name, &type) != SL_OK ||
		    !host_holds(rule, sl_bytes_of(name.text, name.len)))
			return false;
	return true;
}

/* A domain with port 0 matches queries, with port 53 queries and responses (NE-RULE-14). */
static bool dns_matches(const struct sl_ne_network_rule *rule, const struct sl_ne_match *m)
{
	const struct sl_ne_flow_info *info = m->info;
	struct sl_bytes message = m->first;
	struct sl_dns dns;
	size_t taken = 0;
	if (info->remote.port != PORT_DNS || rule->labels < 2 || m->first.p == NULL ||
	    (rule->host_port != 0 && rule->host_port != PORT_DNS))
		return false;
	if (info->socket_protocol == SL_PROTO_TCP && sl_dns_stream_read(m->first, &message, &taken) != SL_OK)
		return false;
	if (sl_dns_open(message, &dns) != SL_OK ||
	    (dns.response ? rule->host_port != PORT_DNS : info->direction != SL_NE_OUTBOUND))
		return false;
	return all_questions_in(rule, &dns);
}

static bool host_rule_matches(const struct sl_ne_network_rule *rule, const struct sl_ne_match *m)
{
	const struct sl_ne_flow_info *info = m->info;
	/* Without a name no host rule matches (NE-RULE-17, NE-CHOICE-47). */
	if (info->direction == SL_NE_OUTBOUND && info->remote_hostname != NULL &&
	    (rule->host_port == 0 || rule->host_port == info->remote.port) &&
	    host_holds(rule, sl_bytes_str(info->remote_hostname)))
		return true;
	return dns_matches(rule, m);
}

/* ---- rules ---- */

static bool is_protocol(enum sl_ne_protocol protocol)
{
	return (unsigned)protocol <= SL_NE_PROTOCOL_UDP;
}

int sl_ne_rule_destination_network(const struct sl_ne_endpoint *destination, unsigned prefix,
                                   enum sl_ne_protocol protocol, struct sl_ne_network_rule *out)
{
	struct sl_ne_network_rule rule = { .kind = SL_NE_RULE_DESTINATION_NETWORK,
		                           .protocol = protocol,
		                           .direction = SL_NE_OUTBOUND };
	if (!is_protocol(protocol) || read_network(destination, prefix, &rule.remote) != SL_OK)
		return SL_EINVAL;
	*out = rule;
	return SL_OK;
}

int sl_ne_rule_destination_host(const struct sl_ne_endpoint *destination, enum sl_ne_protocol protocol,
                                struct sl_ne_network_rule *out)
{
	struct sl_ne_network_rule rule = { .kind = SL_NE_RULE_DESTINATION_HOST,
		                           .protocol = protocol,
		                           .direction = SL_NE_OUTBOUND,
		                           .host_port = destination->port };
	if (!is_protocol(protocol) || destination->type != SL_NE_HOST_NAME ||
	    read_host(destination->name, &rule) != SL_OK)
		return SL_EINVAL;
	*out = rule;
	return SL_OK;
}

int sl_ne_rule_remote_network(const struct sl_ne_endpoint *remote, unsigned remote_prefix,
                              const struct sl_ne_endpoint *local, unsigned local_prefix,
                              enum sl_ne_protocol protocol, enum sl_ne_direction direction,
                              struct sl_ne_network_rule *out)
{
	struct sl_ne_network_rule rule = { .kind = SL_NE_RULE_REMOTE_NETWORK,
		                           .protocol = protocol,
		                           .direction = direction };
	if (!is_protocol(protocol) || (unsigned)direction > SL_NE_OUTBOUND ||
	    (remote != NULL && read_network(remote, remote_prefix, &rule.remote) != SL_OK) ||
	    (local != NULL && read_network(local, local_prefix, &rule.local) != SL_OK))
		return SL_EINVAL;
	*out = rule;
	return SL_OK;
}

int64_t sl_ne_rule_match_remote_prefix(const struct sl_ne_network_rule *rule)
{
	return rule->remote.type == SL_NE_HOST_NONE ? SL_NE_NOT_FOUND : rule->remote.prefix;
}

int64_t sl_ne_rule_match_local_prefix(const struct sl_ne_network_rule *rule)
{
	return rule->local.type == SL_NE_HOST_NONE ? SL_NE_NOT_FOUND : rule->local.prefix;
}

static bool protocol_matches(enum sl_ne_protocol protocol, uint8_t number)
{
	return (number == SL_PROTO_TCP && protocol != SL_NE_PROTOCOL_UDP) ||
	       (number == SL_PROTO_UDP && protocol != SL_NE_PROTOCOL_TCP);
}

bool sl_ne_rule_matches(const struct sl_ne_network_rule *rule, const struct sl_ne_match *m)
{
	if (!protocol_matches(rule->protocol, m->info->socket_protocol))
		return false;
	if (rule->kind == SL_NE_RULE_DESTINATION_HOST)
		return host_rule_matches(rule, m);
	return (rule->direction == SL_NE_ANY || rule->direction == m->info->direction) &&
	       network_holds(&rule->remote, &m->info->remote) && network_holds(&rule->local, &m->info->local);
}

/* ---- settings ---- */

static bool is_rule_action(enum sl_ne_action action)
{
	return action == SL_NE_ACTION_ALLOW || action == SL_NE_ACTION_DROP ||
	       action == SL_NE_ACTION_FILTER_DATA;
}

int sl_ne_settings_check(const struct sl_ne_settings *settings)
{
	if (settings->rules > SL_NE_RULES_MAX)
		return SL_ELIMIT;
	for (size_t i = 0; i < settings->rules; i++)
		if (!is_rule_action(settings->rule[i].action))
			return SL_EINVAL;
	if (!is_rule_action(settings->default_action) ||
	    (settings->rules == 0 && settings->default_action != SL_NE_ACTION_FILTER_DATA))
		return SL_EINVAL;
	return SL_OK;
}

/* Rules for loopback are those that can match nothing else. */
static bool names_loopback(const struct sl_ne_network_rule *rule)
{
	return network_is_loopback(&rule->remote) || network_is_loopback(&rule->local) ||
	       strcmp(rule->host, "localhost") == 0;
}

enum sl_ne_action sl_ne_settings_match(const struct sl_ne_settings *settings, const struct sl_ne_match *m,
                                       int *rule)
{
	bool loopback =
	        sl_ne_endpoint_is_loopback(&m->info->remote) || sl_ne_endpoint_is_loopback(&m->info->local);
	for (size_t i = 0; i < settings->rules; i++) {
		const struct sl_ne_rule *r = &settings->rule[i];
		if ((!loopback || names_loopback(&r->network)) && sl_ne_rule_matches(&r->network, m)) {
			*rule = (int)i;
			return r->action;
		}
	}
	*rule = -1;
	return loopback ? SL_NE_ACTION_ALLOW : settings->default_action;
}
