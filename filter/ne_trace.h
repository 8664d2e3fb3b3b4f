/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_trace.h - what happened, as plain structs: what a replay prints, a test compares and a log keeps. */
#ifndef SL_FILTER_NE_TRACE_H
#define SL_FILTER_NE_TRACE_H

#include "filter/ne_provider.h"

/* Name in the trace. */
#define SL_NE_EVENTS(X)                                                                                    \
	X(FILTER_START, "filterStart")     /* start_filter was called */                                   \
	X(FILTER_STARTED, "filterStarted") /* its handler; error */                                        \
	X(FILTER_STOP, "filterStop")       /* stop_filter was called; reason */                            \
	X(FILTER_STOPPED, "filterStopped") /* its handler */                                               \
	X(FILTER_CRASHED, "filterCrashed")                                                                 \
	X(SETTINGS, "settingsApplied") /* error */                                                         \
	X(SLEEP, "sleep")                                                                                  \
	X(WAKE, "wake")                                                                                    \
	X(RULES_CHANGED, "handleRulesChanged")                                                             \
	X(CONFIGURATION, "filterConfiguration")                                                            \
	X(OPENED, "opened")          /* the flow is known; unattached where no filter will see it */       \
	X(RULE, "rule")              /* a rule or the default decided; action, rule */                     \
	X(NEW_FLOW, "handleNewFlow") /* with the verdict, as the next ones */                              \
	X(INBOUND_DATA, "handleInboundData")                                                               \
	X(OUTBOUND_DATA, "handleOutboundData")                                                             \
	X(INBOUND_COMPLETE, "handleInboundDataComplete")                                                   \
	X(OUTBOUND_COMPLETE, "handleOutboundDataComplete")                                                 \
	X(CONTROL, "controlHandleNewFlow") /* needRules: the control provider is asked */                  \
	X(CONTROL_VERDICT, "controlVerdict")                                                               \
	X(RESUME, "resumeFlow")                                                                            \
	X(UPDATE, "updateFlow")                                                                            \
	X(ANSWER, "answerFlow") /* of a verdict that came later, or did not */                             \
	X(DATA, "data")         /* len bytes came */                                                       \
	X(FINISH, "finish")     /* a direction's end came */                                               \
	X(CLOSE, "close")       /* the socket's end came */                                                \
	X(RELEASE, "release")   /* len bytes went on */                                                    \
	X(DISCARD, "discard")   /* len bytes that waited were thrown away */                               \
	X(REFUSED, "refused")   /* len bytes were not taken: a limit of what may wait (NE-FAIL-12) */      \
	X(STALL, "stall")       /* bytes wait, and no callback will come (NE-PEEK-09); once a direction */ \
	X(DROPPED, "dropped")   /* the flow is; refusal */                                                 \
	X(DETACHED, "detached") /* both directions are unlimited, or the filter is gone (NE-PEEK-11) */    \
	X(TIMER, "timer")                                                                                  \
	X(REPORT, "report")                                                                                \
	X(ILLEGAL, "illegal") /* a move that was ignored (NE-CHOICE-14) */                                 \
	X(CLOSED, "closed")   /* the last of its flow */
enum sl_ne_event {
#define X(name, text) SL_NE_EVENT_##name,
	SL_NE_EVENTS(X)
#undef X
	        SL_NE_EVENT_COUNT
};

#define SL_NE_ILLEGALS(X)                                                                               \
	X(VERDICT, "verdict") /* of a kind that is not one here; or a resume's, of the wrong kind */    \
	X(PAUSE_PAUSED, "pausePaused")       /* NE-PAUSE-04 */                                          \
	X(RESUME_UNPAUSED, "resumeUnpaused") /* NE-PAUSE-04 */                                          \
	X(ANSWER_UNASKED, "answerUnasked")                                                              \
	X(AFTER_DROP, "verdictAfterDrop") /* NE-DROP-04 */                                              \
	X(AFTER_CLOSE, "verdictAfterClose")                                                             \
	X(UPDATE_KIND, "updateKind")   /* pause, needRules ... (NE-CB-09) */                            \
	X(DETACHED, "verdictDetached") /* nothing filters it any more, or not yet */                    \
	X(CONTROL, "control")          /* nobody asked the control provider; or updateRules for ever */ \
	X(LIFECYCLE, "lifecycle")      /* a handler called twice, settings before the start */
enum sl_ne_illegal {
#define X(name, text) SL_NE_ILLEGAL_##name,
	SL_NE_ILLEGALS(X)
#undef X
	        SL_NE_ILLEGAL_COUNT
};

enum sl_ne_timer { SL_NE_TIMER_UNDECIDED, SL_NE_TIMER_IDLE, SL_NE_TIMER_CLOSE_WAIT, SL_NE_TIMER_ANSWER };

/* Static text. */
const char *sl_ne_event_name(enum sl_ne_event event);
const char *sl_ne_illegal_name(enum sl_ne_illegal illegal);
const char *sl_ne_timer_name(enum sl_ne_timer timer);

/* Where a direction stands after the event. received = released + dropped + what waits. */
struct sl_ne_trace_side {
	struct sl_ne_window window;
	uint64_t received, released, dropped;
};

struct sl_ne_trace_event {
	struct sl_mono time;
	enum sl_ne_event event;
	const struct sl_ne_flow *flow;       /* NULL: of the filter */
	uint64_t number;                     /* of the flow, from 1 */
	enum sl_ne_direction direction;      /* of data, finish, update; ANY where there is none */
	uint64_t start_offset, len;          /* of a callback; len of data, release, discard, refused */
	const struct sl_ne_verdict *verdict; /* NULL where there is none; borrowed, as report */
	const struct sl_ne_report *report;
	enum sl_ne_action action; /* of a rule */
	int rule;                 /* its number in the settings; -1: the default */
	enum sl_ne_timer timer;
	enum sl_ne_illegal illegal;
	enum sl_ne_stop_reason reason;
	enum sl_ne_control_verdict control;
	unsigned refusal; /* enum sl_ne_refusal */
	int error;        /* SL_OK or why not */
	struct sl_ne_trace_side inbound, outbound;
};

struct sl_ne_trace {
	void *ctx;
	void (*event)(void *ctx, const struct sl_ne_trace_event *event); /* may be NULL */
};

#endif
