/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ne_field.h"

#include <arpa/inet.h>

#include "base/json.h"

enum { URL_MAX = 2048, KEY_MAX = SL_NE_FIELD_KEY_MAX };

void sl_ne_field_text(struct sl_out *o, const char *key, const char *text, size_t max)
{
	if (text != NULL)
		sl_json_field_str(o, key, sl_bytes_first(sl_bytes_str(text), max));
}

void sl_ne_field_word(struct sl_out *o, const char *key, const char *word)
{
	sl_json_field_str(o, key, sl_bytes_str(word));
}

void sl_ne_field_bool(struct sl_out *o, const char *key, bool value)
{
	sl_json_key(o, key);
	sl_out_str(o, value ? "true" : "false");
}

void sl_ne_field_amount(struct sl_out *o, const char *key, uint64_t amount)
{
	if (amount == SL_NE_BYTES_MAX)
		sl_ne_field_word(o, key, "max");
	else
		sl_json_field_u64(o, key, amount);
}

void sl_ne_field_open(struct sl_out *o, const char *key)
{
	sl_json_key(o, key);
	sl_out_u8(o, '{');
}

static void field_endpoint(struct sl_out *o, const char *key, const struct sl_ne_endpoint *e)
{
	char text[INET6_ADDRSTRLEN] = "";
	if (e->type != SL_NE_HOST_IPV4 && e->type != SL_NE_HOST_IPV6)
		return;
	bool v4 = e->type == SL_NE_HOST_IPV4;
	(void)inet_ntop(v4 ? AF_INET : AF_INET6, e->addr, text, sizeof(text));
	sl_json_key(o, key);
	sl_out_fmt(o, v4 ? "\"%s:%u\"" : "\"[%s]:%u\"", text, e->port);
}

static void field_identifier(struct sl_out *o, const uint8_t id[16])
{
	sl_json_key(o, "identifier");
	sl_out_u8(o, '"');
	for (unsigned i = 0; i < 16; i++)
		sl_out_fmt(o, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02X" : "%02X", id[i]);
	sl_out_u8(o, '"');
}

void sl_ne_field_hostname(struct sl_out *o, const struct sl_ne_flow_info *info)
{
	static const char *const origins[] = { NULL, "dns", "connect", "sniffed" };
	sl_ne_field_text(o, "remoteHostname", info->remote_hostname, SL_NE_HOSTNAME_MAX);
	if (info->remote_hostname != NULL)
		sl_ne_field_text(o, "hostnameOrigin", origins[info->hostname_origin], KEY_MAX);
}

void sl_ne_field_flow(struct sl_out *o, const struct sl_ne_flow_info *info)
{
	static const char *const types[] = { NULL, "stream", "datagram", "raw" };
	sl_ne_field_word(o, "direction", sl_ne_direction_name(info->direction));
	sl_json_field_u64(o, "protocol", info->socket_protocol);
	sl_json_field_u64(o, "family", info->socket_family);
	sl_ne_field_text(o, "type", types[info->socket_type], KEY_MAX);
	field_endpoint(o, "local", &info->local);
	field_endpoint(o, "remote", &info->remote);
	field_identifier(o, info->identifier);
	sl_ne_field_hostname(o, info);
	sl_ne_field_text(o, "url", info->url, URL_MAX);
}

void sl_ne_field_report(struct sl_out *o, const struct sl_ne_report *r)
{
	sl_ne_field_open(o, "report");
	sl_ne_field_word(o, "event", sl_ne_report_event_name(r->event));
	sl_ne_field_word(o, "action", sl_ne_action_name(r->action));
	sl_json_field_u64(o, "bytesInboundCount", r->bytes_inbound_count);
	sl_json_field_u64(o, "bytesOutboundCount", r->bytes_outbound_count);
	sl_out_u8(o, '}');
}
