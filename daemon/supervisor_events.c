/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/supervisor_events.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/out.h"
#include "daemon/flow_record.h"
#include "daemon/supervisor_requests.h"

static const struct kind {
	const char *name;
	unsigned bit;
} kinds[] = {
	{ "flow", SL_EVENT_FLOW },
	{ "state", SL_EVENT_STATE },
	{ "generation", SL_EVENT_GENERATION },
};

void sl_supervisor_tell(struct sl_supervisor *s, unsigned kind, json_t *event)
{
	const char *name = "";

	for (size_t i = 0; i < SL_COUNT(kinds); i++)
		if (kinds[i].bit == kind)
			name = kinds[i].name;
	if (s->ctl != NULL && (sl_ctl_subscribed(s->ctl) & kind) != 0 && event != NULL) {
		(void)json_object_set_new(event, "v", json_integer(1));
		(void)json_object_set_new(event, "event", json_string(name));
		char *text = json_dumps(event, JSON_COMPACT);
		size_t len = text == NULL ? 0 : strlen(text);
		if (text != NULL) {
			text[len] = '\n'; /* in the place of the NUL: by length */
			sl_ctl_event(s->ctl, kind, sl_bytes_of(text, len + 1), 1, 0);
		}
		free(text);
	}
	json_decref(event);
}

void sl_supervisor_tell_state(struct sl_supervisor *s, const char *state, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sl_supervisor_tell(s, SL_EVENT_STATE, json_pack("{s:s, s:s}", "state", state, "text", text));
}

/* ---- subscribe ---- */

static const char *read_kinds(const json_t *events, unsigned *bits)
{
	const json_t *name;
	size_t i, k;

	*bits = events == NULL ? SL_EVENT_FLOW | SL_EVENT_STATE | SL_EVENT_GENERATION : 0;
	if (events != NULL && (!json_is_array(events) || json_array_size(events) == 0))
		return "\"events\" is an array of flow, state, generation; without it, all of them";
	json_array_foreach(events, i, name)
	{
		for (k = 0; k < SL_COUNT(kinds); k++)
			if (json_is_string(name) && strcmp(json_string_value(name), kinds[k].name) == 0)
				break;
		if (k == SL_COUNT(kinds))
			return "an unknown event; known: flow, state, generation";
		*bits |= kinds[k].bit;
	}
	return NULL;
}

void sl_supervisor_ctl_subscribe(struct sl_supervisor *s, uint64_t client, json_t *args)
{
	unsigned bits;
	const char *why = read_kinds(json_object_get(args, "events"), &bits);

	if (why != NULL) {
		sl_ctl_reply_error(s->ctl, client, why);
		return;
	}
	sl_ctl_subscribe(s->ctl, client, bits);
	sl_ctl_reply(s->ctl, client,
	             json_pack("{s:b, s:I, s:o}", "ok", 1, "generation", (json_int_t)s->generation, "paused",
	                       sl_supervisor_pause_status(s)));
}

/* ---- flows ---- */

/* Each line of the engine's stands in an object of ours, so that nothing in it can be taken for another event. */
static void tell_flows(struct sl_supervisor *s, struct sl_bytes lines, uint64_t lost)
{
	static const char head[] = "{\"v\":1,\"event\":\"flow\",\"flow\":";
	uint64_t n = sl_flow_lines(lines);
	size_t cap = lines.len + n * sizeof(head);

	char *text = (char *)malloc(cap + 1);
	struct sl_out out = sl_out_of(text, text == NULL ? 0 : cap);
	while (lines.len > 0 && text != NULL) {
		size_t len = sl_bytes_find(lines, '\n');
		sl_out_str(&out, head);
		sl_out_bytes(&out, lines.p, len);
		sl_out_str(&out, "}\n");
		lines = sl_bytes_skip(lines, len + 1);
	}
	if (text == NULL || out.overflow)
		sl_ctl_event(s->ctl, SL_EVENT_FLOW, (struct sl_bytes){ NULL, 0 }, 0, lost + n);
	else
		sl_ctl_event(s->ctl, SL_EVENT_FLOW, sl_bytes_of(out.p, out.len), n, lost);
	free(text);
}

/* One message a turn: whoever floods the log does not keep the supervisor from its work. */
void sl_supervisor_tap_message(struct sl_supervisor *s)
{
	if (sl_ipc_receive(s->tap[0], &s->msg) != SL_OK)
		return;
	if (s->msg.type == SL_IPC_FLOWS_HEARD)
		tell_flows(s, s->msg.text, s->msg.number);
	sl_ipc_close_fds(&s->msg);
}

void sl_supervisor_tap_engine(struct sl_supervisor *s)
{
	s->tapped = false;
	sl_supervisor_events_timers(s);
}

static void tap(struct sl_supervisor *s, bool on)
{
	if (sl_ipc_send(s->engine.ipc, SL_IPC_TAP, 0, (struct sl_bytes){ NULL, 0 }, &s->tap[1], on ? 1 : 0,
	                0) == SL_OK)
		s->tapped = on;
}

static bool make_tap(struct sl_supervisor *s)
{
	if (s->tap[0] >= 0)
		return true;
	if (sl_ipc_pair(s->tap) != SL_OK) {
		s->tap[0] = s->tap[1] = -1;
		return false;
	}
	(void)fcntl(s->tap[0], F_SETFL, O_NONBLOCK);
	(void)fcntl(s->tap[1], F_SETFL, O_NONBLOCK);
	return true;
}

void sl_supervisor_events_timers(struct sl_supervisor *s)
{
	bool wanted = (sl_ctl_subscribed(s->ctl) & SL_EVENT_FLOW) != 0;

	if (wanted != s->tapped && s->engine.state == SL_CHILD_ACTIVE && make_tap(s))
		tap(s, wanted);
}

void sl_supervisor_events_close(struct sl_supervisor *s)
{
	for (size_t i = 0; i < SL_COUNT(s->tap); i++)
		if (s->tap[i] >= 0)
			(void)close(s->tap[i]);
}

void sl_supervisor_ctl_flows(struct sl_supervisor *s, uint64_t client, json_t *args)
{
	(void)args;
	if (s->engine.state != SL_CHILD_ACTIVE)
		sl_ctl_reply_refused(s->ctl, client, "again", "no engine is ready; try again");
	else if (sl_ipc_send(s->engine.ipc, SL_IPC_FLOWS, client, (struct sl_bytes){ NULL, 0 }, NULL, 0, 0) !=
	         SL_OK)
		sl_ctl_reply_refused(s->ctl, client, "again",
		                     "the engine did not take the question; try again");
}

void sl_supervisor_flows_are(struct sl_supervisor *s)
{
	struct sl_bytes rest = s->msg.text;
	json_t *flows = json_array();

	while (rest.len > 0) {
		size_t len = sl_bytes_find(rest, '\n');
		json_t *flow = json_loadb((const char *)rest.p, len, JSON_ALLOW_NUL, NULL);
		if (flow != NULL)
			(void)json_array_append_new(flows, flow);
		rest = sl_bytes_skip(rest, len + 1);
	}
	sl_ctl_reply(s->ctl, s->msg.number, json_pack("{s:b, s:o}", "ok", 1, "flows", flows));
}
