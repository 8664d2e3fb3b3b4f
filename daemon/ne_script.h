/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_script.h - the provider that a scenario describes (ne_scenario.h): it answers callbacks as the scenario says, in their order,
 * and does what the scenario says the provider, its control provider or the system do. The events of the network are its
 * driver's: ne_replay.h plays them at once, ne_scripted.h waits until they happen. One thread. */
#ifndef SL_DAEMON_NE_SCRIPT_H
#define SL_DAEMON_NE_SCRIPT_H

#include "daemon/ne_scenario.h"

struct sl_ne_script_answer { /* that waits for a callback */
	struct sl_ne_verdict verdict;
	unsigned line;
	struct sl_ne_script_answer *next;
};

struct sl_ne_script_flow {
	struct sl_ne_script_answer *first, **last;
};

struct sl_ne_script {
	const char *name; /* of the file, for messages */
	const struct sl_ne_scenario *scenario;
	const struct sl_diag *diag;
	const struct sl_ne_scenario_event *at; /* what happens now */
	struct sl_ne_filter *filter;           /* set by the driver */
	struct sl_ne_script_flow *flow;        /* by number - 1 */
	struct sl_ne_script_answer *answer;    /* room for all of them */
	size_t answers;
	unsigned whose; /* the index of its filter in the scenario */
	/* The flow's number in the scenario; NULL: the filter's own. */
	uint64_t (*number_of)(const struct sl_ne_flow *flow);
	int err; /* SL_OK, or something was wrong, of which diag was told */
};

/* Borrows all it is given. SL_OK; SL_ENOMEM. */
int sl_ne_script_init(struct sl_ne_script *script, const char *name, const struct sl_ne_scenario *scenario,
                      const struct sl_diag *diag);
void sl_ne_script_end(struct sl_ne_script *script);

/* Flows beyond those of the scenario are allowed. A callback for which no answer is left is wrong, and answered with allow. */
struct sl_ne_provider sl_ne_script_provider(struct sl_ne_script *script);
/* Without functions where the scenario has no control provider. */
struct sl_ne_control sl_ne_script_control(struct sl_ne_script *script);

/* The event is at hand: its answers wait for the callbacks of its flow from now on. */
void sl_ne_script_add_answers(struct sl_ne_script *script, const struct sl_ne_scenario_event *event);
/* Is it an event of the network, or of time? */
bool sl_ne_script_is_outside(const struct sl_ne_scenario_event *event);
/* Is it an answer, or a call, of the provider itself? */
bool sl_ne_script_is_of_provider(const struct sl_ne_scenario_event *event);
/* One that is not. flow  of its number, NULL where it has none, or it is closed: then a call about it is wrong. */
void sl_ne_script_play(struct sl_ne_script *script, const struct sl_ne_scenario_event *event,
                       struct sl_ne_flow *flow, struct sl_mono now);
/* Tells of answers that nobody asked for. */
void sl_ne_script_check_answers(struct sl_ne_script *script);

/* Something is wrong on that line. */
SL_PRINTF(3, 4) void sl_ne_script_wrong(struct sl_ne_script *script, unsigned line, const char *fmt, ...);

#endif
