/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_scenario.h - a scenario: what happens to the flows of a content filter and what its provider answers, as JSON lines with a time
 * of their own (docs/ne-scenario.md). Read here, played by ne_replay.h. */
#ifndef SL_DAEMON_NE_SCENARIO_H
#define SL_DAEMON_NE_SCENARIO_H

#include <jansson.h>

#include "base/diag.h"
#include "filter/ne_chain.h"

/* Name in the file, and the keys that it takes besides time, event and note. */
#define SL_NE_SCENARIO_EVENTS(X)                                                                       \
	X(START, "filterStart", "handler settings")                                                    \
	X(STARTED, "filterStarted", "fails")                                                           \
	X(STOP, "filterStop", "handler reason")                                                        \
	X(STOPPED, "filterStopped", "")                                                                \
	X(CRASH, "crash", "")                                                                          \
	X(APPLY, "apply", "settings")                                                                  \
	X(SLEEP, "sleep", "handler")                                                                   \
	X(ASLEEP, "asleep", "")                                                                        \
	X(WAKE, "wake", "")                                                                            \
	X(CONFIGURE, "configure", "filterSockets")                                                     \
	X(RULES_CHANGED, "notifyRulesChanged", "")                                                     \
	X(UPGRADE, "upgrade", "handler settings")                                                      \
	X(UPGRADED, "upgraded", "settings fails")                                                      \
	X(TICK, "tick", "")                                                                            \
	X(OPEN, "open",                                                                                \
	  "flow direction protocol local remote remoteHostname hostnameOrigin url older asks answers") \
	X(ANSWERED, "answered", "flow")                                                                \
	X(DATA, "data", "flow direction len text hex answers")                                         \
	X(FINISH, "finish", "flow direction answers")                                                  \
	X(CLOSE, "close", "flow answers")                                                              \
	X(RESUME, "resumeFlow", "flow verdict answers")                                                \
	X(UPDATE, "updateFlow", "flow direction verdict answers")                                      \
	X(ANSWER, "answerFlow", "flow verdict answers")                                                \
	X(CONTROL, "controlVerdict", "flow control updateRules answers")
enum sl_ne_scenario_kind {
#define X(name, text, keys) SL_NE_SCENARIO_##name,
	SL_NE_SCENARIO_EVENTS(X)
#undef X
	        SL_NE_SCENARIO_KINDS
};

enum {
	SL_NE_SCENARIO_DATA_MAX = 1 << 20, /* bytes of one data event */
	SL_NE_SCENARIO_EVENTS_MAX = 100000,
	SL_NE_SCENARIO_TIME_MAX = 86400 /* seconds */
};

struct sl_ne_scenario_settings {
	struct sl_ne_settings settings; /* of the rules below */
	struct sl_ne_rule *rule;
};

/* Which members mean something is said by the keys of its kind. Texts are borrowed from json. */
struct sl_ne_scenario_event {
	enum sl_ne_scenario_kind kind;
	unsigned line; /* in the file */
	struct sl_mono time;
	uint32_t flow; /* from 1 */
	enum sl_ne_direction direction;
	bool later;                               /* the handler is not called at once */
	bool fails;                               /* the start */
	bool filter_sockets, older, update_rules; /* as their keys */
	enum sl_ne_stop_reason reason;
	enum sl_ne_control_verdict control;
	struct sl_ne_verdict verdict; /* its class is that of the callback that it stands in for */
	struct sl_ne_verdict *answer; /* of the flow's next callbacks, in their order */
	uint8_t *answerer;            /* of each: whose provider's, as an index of the scenario's filters */
	size_t answers;
	int filter;                               /* whose event it is: an index; -1: of all of them */
	struct sl_ne_scenario_settings *settings; /* NULL: nil, or none */
	struct sl_ne_flow_info info;              /* of open */
	struct sl_bytes bytes; /* of data; p NULL where only its length is said. Of open: a DNS message */
	uint8_t *owned;        /* bytes, where they are not json's */
	json_t *json;
};

struct sl_ne_scenario_filter {
	const char *name; /* borrowed from json; NULL: the only one */
	enum sl_ne_grade grade;
	/* To a callback for which no other one is left: by enum sl_ne_event, from NEW_FLOW on; and is there one? */
	struct sl_ne_verdict answer[5];
	bool answers[5];
};

struct sl_ne_scenario {
	const char *title; /* borrowed from json */
	json_t *json;
	enum sl_ne_profile profile;
	struct sl_ne_options options; /* of the profile, and as the head changes them */
	bool control;                 /* there is a control provider */
	struct sl_ne_scenario_filter filter[SL_NE_CHAIN_MAX]; /* in the order of the head */
	size_t filters;                                       /* 1 where the head names none */
	struct sl_ne_scenario_event *event;
	size_t events, flows; /* how many, and how many of them open one */
};

/* name  of the file, for messages, of which there is at least one where it fails: file, line, what is wrong, and what to do.
 * Returns SL_OK; SL_EMALF; SL_ENOMEM. */
int sl_ne_scenario_read(const char *name, struct sl_bytes text, const struct sl_diag *diag,
                        struct sl_ne_scenario **out);
void sl_ne_scenario_free(struct sl_ne_scenario **scenario);

/* What the filter's provider answers by the head to the callback. False, and *out as it was, where it says nothing. */
bool sl_ne_scenario_default(const struct sl_ne_scenario_filter *filter, enum sl_ne_event callback,
                            struct sl_ne_verdict *out);

const char *sl_ne_scenario_kind_name(enum sl_ne_scenario_kind kind);

#endif
