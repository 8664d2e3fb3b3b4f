/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ne_timeline.h"

#include <stdlib.h>

#include "base/err.h"
#include "daemon/ne_captured.h"

static int make(size_t n, struct sl_ne_timeline *out)
{
	*out = (struct sl_ne_timeline){ .event = calloc(n + 1, sizeof(*out->event)) };
	return out->event == NULL ? SL_ENOMEM : SL_OK;
}

void sl_ne_timeline_free(struct sl_ne_timeline *t)
{
	free(t->event);
	*t = (struct sl_ne_timeline){ 0 };
}

int sl_ne_timeline_of_scenario(const struct sl_ne_scenario *scenario, struct sl_ne_timeline *out)
{
	int err = make(scenario->events, out);
	for (size_t i = 0; err == SL_OK && i < scenario->events; i++)
		if (scenario->event[i].kind < SL_NE_SCENARIO_OPEN)
			out->event[out->events++] = scenario->event[i];
	if (err == SL_OK && out->events == 0)
		out->event[out->events++] = (struct sl_ne_scenario_event){ .kind = SL_NE_SCENARIO_START };
	return err;
}

static bool kind_of(enum sl_ne_seen_event event, enum sl_ne_scenario_kind *out)
{
	static const struct {
		enum sl_ne_seen_event event;
		enum sl_ne_scenario_kind kind;
	} kinds[] = {
		{ SL_NE_SEEN_FILTER_START, SL_NE_SCENARIO_START },
		{ SL_NE_SEEN_FILTER_STARTED, SL_NE_SCENARIO_STARTED },
		{ SL_NE_SEEN_FILTER_STOP, SL_NE_SCENARIO_STOP },
		{ SL_NE_SEEN_FILTER_STOPPED, SL_NE_SCENARIO_STOPPED },
		{ SL_NE_SEEN_FILTER_CRASHED, SL_NE_SCENARIO_CRASH },
		{ SL_NE_SEEN_SLEEP, SL_NE_SCENARIO_SLEEP },
		{ SL_NE_SEEN_WAKE, SL_NE_SCENARIO_WAKE },
	};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].event == event) {
			*out = kinds[i].kind;
			return true;
		}
	return false;
}

static void add(struct sl_ne_timeline *t, enum sl_ne_scenario_kind kind, int64_t time, unsigned line)
{
	time = time > SL_NE_CAPTURED_MAX ? SL_NE_CAPTURED_MAX : time;
	int64_t last = t->events == 0 ? 0 : t->event[t->events - 1].time.us;
	t->event[t->events++] = (struct sl_ne_scenario_event){ .kind = kind,
		                                               .line = line,
		                                               .time = { time > last ? time : last },
		                                               .later = kind == SL_NE_SCENARIO_START ||
		                                                        kind == SL_NE_SCENARIO_STOP };
}

/* A recording may have missed what came before: only what can follow is taken. */
static bool follows(enum sl_ne_scenario_kind kind, enum sl_ne_scenario_kind *state)
{
	bool runs = *state == SL_NE_SCENARIO_STARTED || *state == SL_NE_SCENARIO_START;
	bool ok = true;
	if (kind == SL_NE_SCENARIO_START)
		ok = !runs && *state != SL_NE_SCENARIO_STOP;
	else if (kind == SL_NE_SCENARIO_STARTED)
		ok = *state == SL_NE_SCENARIO_START;
	else if (kind == SL_NE_SCENARIO_STOP)
		ok = runs;
	else if (kind == SL_NE_SCENARIO_STOPPED)
		ok = *state == SL_NE_SCENARIO_STOP;
	else if (kind == SL_NE_SCENARIO_CRASH)
		ok = runs || *state == SL_NE_SCENARIO_STOP;
	if (ok && kind != SL_NE_SCENARIO_SLEEP && kind != SL_NE_SCENARIO_WAKE)
		*state = kind;
	return ok;
}

int sl_ne_timeline_of_trace(const struct sl_ne_recording *trace, int64_t offset, struct sl_ne_timeline *out)
{
	size_t n = trace == NULL ? 0 : trace->filter.n;
	bool complete = trace != NULL && !trace->mac && trace->head; /* sluice tells of each start */
	enum sl_ne_scenario_kind kind, state = complete ? SL_NE_SCENARIO_STOPPED : SL_NE_SCENARIO_STARTED;
	int err = make(n + 1, out);
	if (err != SL_OK)
		return err;
	if (!complete)
		out->event[out->events++] = (struct sl_ne_scenario_event){ .kind = SL_NE_SCENARIO_START };
	for (size_t i = 0; i < n; i++) {
		const struct sl_ne_seen *e = &trace->filter.event[i];
		if (kind_of(e->event, &kind) && follows(kind, &state))
			add(out, kind, e->time + offset, e->line);
	}
	return SL_OK;
}
