/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_flow.h - one flow as a content filter of Network Extension handles it: callbacks and their order (NE-CB), verdicts (NE-NFV,
 * NE-DV), pass and peek (NE-PEEK), pause (NE-PAUSE), drops (NE-DROP), reports (NE-REP) and limits of time.
 *
 * A driver opens flows through ne_filter.h, hands over their packets in order (of TCP: ordered and without copies, NE-CHOICE-27),
 * and is told through a sink what becomes of each. Nothing here reads a clock, allocates or blocks. One thread a filter. */
#ifndef SL_FILTER_NE_FLOW_H
#define SL_FILTER_NE_FLOW_H

#include "filter/ne_held.h"
#include "filter/ne_options.h"
#include "filter/ne_timer.h"
#include "filter/ne_trace.h"

/* Whom a drop is told to (NE-DROP-02, NE-CHOICE-23, NE-CHOICE-24). */
enum sl_ne_refusal {
	SL_NE_RESET_OPENER = 1,   /* TCP: the end that sent the SYN */
	SL_NE_RESET_ANSWERER = 2, /* TCP: the other, where it has answered */
	SL_NE_PROHIBITED = 4,     /* datagrams: ICMP administratively prohibited to the opener */
	SL_NE_REMEDIATION = 8     /* with a block page, where one can be shown (NE-NFV-06) */
};

/* What becomes of what the driver handed over. All may be NULL but release and drop. A call may come from inside of any call of the
 * driver's or the provider's. */
struct sl_ne_sink {
	void *ctx;
	/* The first verdict was no drop: the connection may be shown to who waits for it (NE-FLOW-08). Before any release. */
	void (*decided)(void *ctx, struct sl_ne_flow *flow, struct sl_mono now);
	void (*release)(void *ctx, struct sl_ne_flow *flow, enum sl_ne_direction direction,
	                const struct sl_ne_packet *packet, struct sl_mono now);
	void (*drop)(void *ctx, struct sl_ne_flow *flow, enum sl_ne_direction direction,
	             const struct sl_ne_packet *packet, struct sl_mono now);
	/* The direction's end goes on, after all of its bytes (NE-PEEK-15). */
	void (*finish)(void *ctx, struct sl_ne_flow *flow, enum sl_ne_direction direction,
	               struct sl_mono now);
	/* Nothing will be asked about it any more: what comes from now on may pass by (NE-PEEK-11). */
	void (*detached)(void *ctx, struct sl_ne_flow *flow, struct sl_mono now);
	void (*refuse)(void *ctx, struct sl_ne_flow *flow, unsigned refusal, struct sl_mono now);
	/* The last word, but for the drop of a packet that is just being handed over. The flow is gone when the outermost call
	 * returns. */
	void (*closed)(void *ctx, struct sl_ne_flow *flow, struct sl_mono now);
};

/* Everything that is ignored or thrown away for lack of room moves one of these. */
struct sl_ne_counters {
	uint64_t illegal[SL_NE_ILLEGAL_COUNT];
	uint64_t flows, in_vain;                 /* opened; of which no filter was there for (NE-FAIL-04) */
	uint64_t no_room;                        /* not opened: max_flows */
	uint64_t stalls;                         /* flows that stalled at least once (NE-CHOICE-09) */
	uint64_t refused_packets, refused_bytes; /* NE-FAIL-12, NE-CHOICE-26 */
	uint64_t undecided_ended, idle_ended, close_wait_ended, answers_late;
};

enum sl_ne_flow_state {
	SL_NE_FLOW_NEW,      /* no verdict yet: nothing passes (NE-NFV-11) */
	SL_NE_FLOW_FILTERED, /* in one direction at least */
	SL_NE_FLOW_OPEN,     /* both directions are unlimited */
	SL_NE_FLOW_DROPPED,  /* a datagram flow: it swallows what comes until it is idle (NE-DROP-03) */
	SL_NE_FLOW_CLOSED
};
enum sl_ne_wait { SL_NE_WAIT_NONE, SL_NE_WAIT_START, SL_NE_WAIT_PAUSE, SL_NE_WAIT_RULES, SL_NE_WAIT_ANSWER };

struct sl_ne_side {
	struct sl_ne_window window;
	struct sl_ne_held_queue held;
	uint64_t received, released, dropped;
	bool finished;   /* nothing more will come */
	bool finish_due; /* a FIN is to go on */
	bool completed;  /* its Complete callback was made */
	bool stalled;    /* and it was told */
};

/* The callback that waits for a verdict, or was the last. */
struct sl_ne_question {
	enum sl_ne_event callback; /* NEW_FLOW .. OUTBOUND_COMPLETE */
	enum sl_ne_direction direction;
	uint64_t offset, end; /* of the bytes that were shown */
};

struct sl_ne_env;

struct sl_ne_flow {
	struct sl_ne_env *env;
	struct sl_ne_flow *next,
	        *prev; /* of the live ones, in the order of their numbers; or of the spare ones */
	struct sl_ne_flow *stat_next, *stat_prev; /* of those with statistics, in a ring */
	struct sl_ne_timer_entry timer;
	uint64_t number;
	struct sl_ne_flow_info info;
	char hostname[SL_NE_HOSTNAME_MAX + 1];
	void *user;   /* the provider's */
	void *driver; /* the driver's */

	enum sl_ne_flow_state state;
	enum sl_ne_wait wait;
	struct sl_ne_question question;
	struct sl_ne_side side[2]; /* see sl_ne_flow_side() */
	struct sl_mono acted;      /* a verdict, resume or update came */
	struct sl_mono waiting;    /* wait began */
	struct sl_mono undecided;  /* since when */
	struct sl_mono seen;       /* its last packet */
	struct sl_mono close_due;
	struct sl_mono overflow_due;  /* NE-FAIL-12, where the collector has a clock */
	struct sl_mono collect_after; /* the collector had enough of them in its last run */
	enum sl_ne_action action;     /* the last one that decided something */
	enum sl_ne_frequency frequency;
	struct sl_mono stat_since;
	uint64_t stat_counts[2];
	uint32_t settings;         /* the generation of those that it was matched against */
	uint32_t busy;             /* calls under way */
	uint8_t rounds;            /* of needRules and updateRules in the one that is */
	enum sl_ne_action matched; /* by the settings */
	bool attached;             /* a filter watched it, ever */
	bool known;                /* to the provider that is there now */
	bool older;                /* its beginning was not seen */
	bool loopback;
	bool stream;   /* TCP */
	bool answered; /* bytes or a handshake came from the end that did not open it */
	bool closing;  /* the socket's end came */
	bool ending;   /* what is left of it is being thrown away */
	bool settling; /* guards against a second loop */
	bool again;    /* question is to be asked */
	bool detached; /* and it was told */
	bool dropped;
	bool is_undecided;
	bool overflowed; /* NE-FAIL-12 */
	bool reportable; /* some verdict set shouldReport */
	bool remediated; /* dropped so, without a URL key (NE-DV-06) */
};

/* What the flows of one filter share. */
struct sl_ne_env {
	struct sl_ne_options options;
	struct sl_ne_provider provider;
	struct sl_ne_control control;
	struct sl_ne_sink sink;
	struct sl_ne_trace trace;
	struct sl_ne_filter *filter;
	struct sl_ne_counters counters;
	struct sl_ne_held_pool held;
	struct sl_ne_timers timers;
	struct sl_ne_flow *slot, *spare, *first, *last; /* all; free ones; live ones */
	struct sl_ne_flow *stat_at;                     /* whose statistics are next */
	uint32_t stat_flows;
	struct sl_mono ticked;    /* the last tick of statistics */
	struct sl_mono epoch;     /* the collector and the statistics tick count from here */
	struct sl_mono collected; /* the collector's last run, and how many it ended as idle */
	uint32_t collected_idle;
	uint32_t live;
	uint64_t last_number;
};

/* A control provider that answers updateRules at once to a provider that answers needRules at once would never end: so many rounds
 * without an event from outside are let, and the next updateRules is an illegal move (NE-CHOICE-14): the flow waits on. */
enum { SL_NE_ROUNDS_MAX = 8 };

int sl_ne_env_init(struct sl_ne_env *env, const struct sl_ne_options *options);
void sl_ne_env_end(struct sl_ne_env *env);

/* A flow in state NEW that nobody was asked about. NULL where max_flows are there. The caller is inside of enter and leave. */
struct sl_ne_flow *sl_ne_flow_new(struct sl_ne_env *env, const struct sl_ne_flow_info *info,
                                  struct sl_mono now);
/* Every way in and out: what ended meanwhile is freed at the last leave, timers are set anew. */
void sl_ne_flow_enter(struct sl_ne_flow *flow);
void sl_ne_flow_leave(struct sl_ne_flow *flow, struct sl_mono now);

/* The provider is gone, or will be: it lets go of the flow, and gets no reports of it. */
void sl_ne_flow_forget(struct sl_ne_flow *flow, struct sl_mono now);
/* Asks handle_new_flow. */
void sl_ne_flow_ask(struct sl_ne_flow *flow, struct sl_mono now);
/* Both directions become unlimited, whatever waits goes on (NE-FAIL-03). */
void sl_ne_flow_open_up(struct sl_ne_flow *flow, struct sl_mono now);
/* NE-DROP. remediation: of enum sl_ne_refusal, or 0 */
void sl_ne_flow_drop(struct sl_ne_flow *flow, unsigned remediation, struct sl_mono now);
/* At once, without waiting for anybody; what is held is thrown away. */
void sl_ne_flow_end(struct sl_ne_flow *flow, struct sl_mono now);

/* ---- the driver's events ---- */

/* direction  INBOUND or OUTBOUND. The packet is the sink's before or after the call returns. */
void sl_ne_flow_data(struct sl_ne_flow *flow, enum sl_ne_direction direction,
                     const struct sl_ne_packet *packet, struct sl_mono now);
/* The end that did not open it has answered (SYN and ACK): a drop is told to it too. */
void sl_ne_flow_answered(struct sl_ne_flow *flow);
/* A FIN, or shutdown: no bytes will come in this direction. */
void sl_ne_flow_finish(struct sl_ne_flow *flow, enum sl_ne_direction direction, struct sl_mono now);
/* The socket is closed: it ends once nothing waits, at deadline at the latest (NE-FAIL-11). */
void sl_ne_flow_close(struct sl_ne_flow *flow, struct sl_mono deadline, struct sl_mono now);
/* A user followed the link of a block page (NE-CTL-06). False where the flow was not remediated without a URL key, or the provider
 * does not take the question. */
bool sl_ne_flow_remediation(struct sl_ne_flow *flow, struct sl_mono now, enum sl_ne_remediation_verdict *out);

/* When something of the flow is due; false where nothing is. */
bool sl_ne_flow_due(const struct sl_ne_flow *flow, struct sl_mono *due);
/* It is due, perhaps. */
void sl_ne_flow_timeout(struct sl_ne_flow *flow, struct sl_mono now);

/* ---- reports: ne_report.c ---- */

enum { SL_NE_STATISTICS_MAX = 50, SL_NE_COLLECT_MAX = 100 };

/* A verdict came: what it says of statistics (NE-REP-08), and its report if it asks for one. */
void sl_ne_flow_note_verdict(struct sl_ne_flow *flow, const struct sl_ne_verdict *v, struct sl_mono now);
/* flowClosed, if it is due (NE-CHOICE-13). */
void sl_ne_flow_report_closed(struct sl_ne_flow *flow, struct sl_mono now);
void sl_ne_flow_set_frequency(struct sl_ne_flow *flow, enum sl_ne_frequency frequency, struct sl_mono now);
/* One tick of statistics, for at most SL_NE_STATISTICS_MAX flows (NE-REP-07). */
void sl_ne_env_statistics(struct sl_ne_env *env, struct sl_mono now);

/* When tick() has something to do; false where nothing is to come. */
bool sl_ne_env_due(const struct sl_ne_env *env, struct sl_mono *due);
/* Everything that is due by now: limits of time in their order, then statistics. */
void sl_ne_env_tick(struct sl_ne_env *env, struct sl_mono now);

/* direction  INBOUND or OUTBOUND */
static inline struct sl_ne_side *sl_ne_flow_side(struct sl_ne_flow *flow, enum sl_ne_direction direction)
{
	return &flow->side[direction == SL_NE_INBOUND];
}

void sl_ne_flow_trace(struct sl_ne_flow *flow, struct sl_ne_trace_event *event, struct sl_mono now);
void sl_ne_env_illegal(struct sl_ne_env *env, struct sl_ne_flow *flow, enum sl_ne_illegal illegal,
                       struct sl_mono now);

#endif
