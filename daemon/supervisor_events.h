/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor_events.h - what those who have subscribed at the control socket are told: sluice-control(7) has each event's members. */
#ifndef SL_DAEMON_SUPERVISOR_EVENTS_H
#define SL_DAEMON_SUPERVISOR_EVENTS_H

#include "daemon/supervisor_state.h"

enum {
	SL_EVENT_FLOW = 1,       /* "flow": a record of the flow log */
	SL_EVENT_STATE = 2,      /* "state": what has become of sluiced, "pause" and "log_level" */
	SL_EVENT_GENERATION = 4, /* "generation": a new policy is in force, or was refused */
};

/* event is taken over; "v" and "event", the kind's name, are added. */
void sl_supervisor_tell(struct sl_supervisor *s, unsigned kind, json_t *event);
/* A state of it that has a name, with words for people. */
SL_PRINTF(3, 4)
void sl_supervisor_tell_state(struct sl_supervisor *s, const char *state, const char *fmt, ...);
/* The engine has something for those who wait for flows. */
void sl_supervisor_tap_message(struct sl_supervisor *s);
/* The engine is another one now. */
void sl_supervisor_tap_engine(struct sl_supervisor *s);
/* Opens and closes the tap, as somebody waits for flows or nobody does. */
void sl_supervisor_events_timers(struct sl_supervisor *s);
void sl_supervisor_flows_are(struct sl_supervisor *s); /* s->msg: SL_IPC_FLOWS_ARE */
void sl_supervisor_events_close(struct sl_supervisor *s);

#endif
