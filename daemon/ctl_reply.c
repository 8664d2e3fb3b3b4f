/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl_reply.c - what clients of the control socket are told: replies and events. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/clock.h"
#include "daemon/ctl_impl.h"
#include "daemon/json_text.h"

enum { EVENTS_MAX = 256 * 1024 };

static char *reply_text(json_t *reply, size_t *len)
{
	char *text = NULL;
	if (reply != NULL && json_object_set_new(reply, "v", json_integer(1)) == 0)
		text = json_dumps(reply, JSON_COMPACT);
	if (text == NULL)
		text = strdup("{\"v\":1,\"ok\":false,\"error\":\"out of memory\"}");
	if (text != NULL) {
		*len = strlen(text) + 1;
		text[*len - 1] = '\n'; /* in the place of the NUL: sent by length */
	}
	return text;
}

void sl_ctl_reply(struct sl_ctl *ctl, uint64_t client, json_t *reply)
{
	struct sl_ctl_client *c = client < SL_CTL_ID_FIRST_CLIENT ? NULL : sl_ctl_find(ctl, client);

	if (ctl->handler.replied != NULL)
		ctl->handler.replied(ctl->handler.ctx, client, reply);
	if (c != NULL && c->asked) {
		size_t len = 0;
		char *text = reply_text(reply, &len);
		c->asked = false;
		sl_ctl_conn_put(&c->conn, text, len, sl_clock_now());
		sl_ctl_pump(ctl, c);
	}
	json_decref(reply);
}

void sl_ctl_reply_error(struct sl_ctl *ctl, uint64_t client, const char *text)
{
	sl_ctl_reply(ctl, client,
	             json_pack("{s:b, s:o}", "ok", 0, "error", sl_json_text(sl_bytes_str(text))));
}

void sl_ctl_reply_refused(struct sl_ctl *ctl, uint64_t client, const char *code, const char *text)
{
	sl_ctl_reply(ctl, client,
	             json_pack("{s:b, s:s, s:o}", "ok", 0, "code", code, "error",
	                       sl_json_text(sl_bytes_str(text))));
}

void sl_ctl_subscribe(struct sl_ctl *ctl, uint64_t client, unsigned events)
{
	struct sl_ctl_client *c = client < SL_CTL_ID_FIRST_CLIENT ? NULL : sl_ctl_find(ctl, client);

	if (c != NULL)
		c->wants = events;
}

unsigned sl_ctl_subscribed(const struct sl_ctl *ctl)
{
	unsigned all = 0;

	for (size_t i = 0; i < SL_CTL_CLIENTS; i++)
		all |= ctl->client[i].wants;
	return all;
}

/* First how many were lost before it. */
static bool add_event(struct sl_ctl_client *c, struct sl_bytes line)
{
	struct sl_mono now = sl_clock_now();
	char lost[64];

	if (c->lost > 0) {
		int n = snprintf(lost, sizeof(lost), "{\"v\":1,\"event\":\"lost\",\"count\":%llu}\n",
		                 (unsigned long long)c->lost);
		if (sl_ctl_conn_waiting(&c->conn) + line.len > EVENTS_MAX ||
		    !sl_ctl_conn_add(&c->conn, sl_bytes_of(lost, (size_t)n), SIZE_MAX, now))
			return false;
		c->lost = 0;
	}
	return line.len == 0 || sl_ctl_conn_add(&c->conn, line, EVENTS_MAX, now);
}

void sl_ctl_event(struct sl_ctl *ctl, unsigned event, struct sl_bytes text, uint64_t lines, uint64_t lost)
{
	for (size_t i = 0; i < SL_CTL_CLIENTS; i++) {
		struct sl_ctl_client *c = &ctl->client[i];
		if ((c->wants & event) == 0)
			continue;
		c->lost += lost;
		if (!add_event(c, text))
			c->lost += lines;
		sl_ctl_pump(ctl, c);
	}
}
