/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/cli/flow_match.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "daemon/cli/cli.h"
#include "daemon/conf_inside.h"

static const char *const verdicts[] = { "drop", "pass", "unjudged" };

bool sl_flow_match_read(const char *client, const char *name, const char *verdict, struct sl_flow_match *out)
{
	char why[SL_CONF_WHY_MAX] = "no address";

	*out = (struct sl_flow_match){ .any_client = client == NULL, .name = name, .verdict = verdict };
	if (client != NULL &&
	    (sl_conf_inside_read(client, &out->client, why) != SL_OK || out->client.family == 0)) {
		sl_cli_error(
		        "flows: --client %s: an address or a prefix is expected, as 192.0.2.5 or fd00::/8",
		        client);
		return false;
	}
	return verdict == NULL ||
	       sl_cli_word("flows", "verdict", verdict, verdicts, (int)SL_COUNT(verdicts)) >= 0;
}

const char *sl_flow_text(const json_t *object, const char *member)
{
	return json_string_value(json_object_get(object, member));
}

const char *sl_flow_name(const json_t *flow)
{
	static const char *const places[][2] = {
		{ "tls", "sni" },    { "quic", "sni" },    { "http", "hostname" },
		{ "dns", "rrname" }, { "sluice", "name" },
	};

	for (size_t i = 0; i < SL_COUNT(places); i++) {
		const char *name = sl_flow_text(json_object_get(flow, places[i][0]), places[i][1]);
		if (name != NULL)
			return name;
	}
	return NULL;
}

const char *sl_flow_verdict(const json_t *flow)
{
	const char *action = sl_flow_text(json_object_get(flow, "verdict"), "action");

	return action == NULL ? "?" : action;
}

static bool is_within(const struct sl_inside *prefix, const char *text)
{
	uint8_t addr[16] = { 0 };
	unsigned whole = prefix->prefix / 8, rest = prefix->prefix % 8;

	if (text == NULL || inet_pton(prefix->family == 4 ? AF_INET : AF_INET6, text, addr) != 1)
		return false;
	if (memcmp(addr, prefix->addr, whole) != 0)
		return false;
	return rest == 0 || ((addr[whole] ^ prefix->addr[whole]) >> (8 - rest)) == 0;
}

/* The name itself, and what is below it, a last dot and the case not minded. */
static bool is_below(const char *name, const char *wanted)
{
	size_t n = strlen(name), w = strlen(wanted);

	n -= n > 0 && name[n - 1] == '.';
	w -= w > 0 && wanted[w - 1] == '.';
	return n >= w && strncasecmp(name + n - w, wanted, w) == 0 && (n == w || name[n - w - 1] == '.');
}

bool sl_flow_matches(const struct sl_flow_match *match, const json_t *flow)
{
	const char *name = sl_flow_name(flow);
	bool unjudged = sl_flow_text(json_object_get(flow, "sluice"), "cause") != NULL;

	if (!match->any_client && !is_within(&match->client, sl_flow_text(flow, "src_ip")))
		return false;
	if (match->name != NULL && (name == NULL || !is_below(name, match->name)))
		return false;
	if (match->verdict == NULL)
		return true;
	return strcmp(match->verdict, "unjudged") == 0 ? unjudged
	                                               : strcmp(match->verdict, sl_flow_verdict(flow)) == 0;
}
