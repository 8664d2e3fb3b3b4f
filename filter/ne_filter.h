/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_filter.h - a content filter of Network Extension and its life: start, settings, stop, crash, sleep, and the flows that it, or
 * nobody, watches meanwhile (NE-LIFE, NE-FAIL, NE-CHOICE-15..21). Pure; one thread; memory is fixed at birth.
 *
 * The driver starts it, opens flows and hands over their events (ne_flow.h: sl_ne_flow_data, _finish, _close ...), and calls
 * sl_ne_filter_tick() when sl_ne_filter_due() says so. */
#ifndef SL_FILTER_NE_FILTER_H
#define SL_FILTER_NE_FILTER_H

#include "filter/ne_flow.h"
#include "filter/ne_rule.h"

struct sl_ne_filter; /* opaque */

enum sl_ne_filter_state {
	SL_NE_FILTER_STOPPED,  /* nobody wants it: flows pass (NE-FAIL-04) */
	SL_NE_FILTER_STARTING, /* start_filter was called (NE-FAIL-01) */
	SL_NE_FILTER_RUNNING,
	SL_NE_FILTER_STOPPING, /* stop_filter was called */
	SL_NE_FILTER_DOWN /* it is wanted, and crashed or failed to start: as while starting (NE-FAIL-02) */
};

/* NEFilterProviderConfiguration, as far as a gateway has it (NE-MGR-04). Text is borrowed until the next one. */
struct sl_ne_configuration {
	bool filter_sockets;                  /* false: no flow is shown to it */
	struct sl_bytes vendor_configuration; /* the provider's own */
};

struct sl_ne_filter_config {
	struct sl_ne_options options;
	struct sl_ne_provider provider;
	struct sl_ne_control control;
	struct sl_ne_sink sink;
	struct sl_ne_trace trace;
	struct sl_ne_configuration configuration;
};

/* Memory: about 900 bytes a flow, 40 a packet that may wait, 400 KB of rules. Stopped at first; now begins its clocks. */
int sl_ne_filter_new(const struct sl_ne_filter_config *config, struct sl_mono now, struct sl_ne_filter **out);
/* Whatever is open or waits is given up without a word to anybody: stop it first. */
void sl_ne_filter_free(struct sl_ne_filter **filter);

enum sl_ne_filter_state sl_ne_filter_state(const struct sl_ne_filter *filter);
const struct sl_ne_counters *sl_ne_filter_counters(const struct sl_ne_filter *filter);
const struct sl_ne_configuration *sl_ne_filter_configuration(const struct sl_ne_filter *filter);
/* For those who look into flows: tests, status. */
struct sl_ne_env *sl_ne_filter_env(struct sl_ne_filter *filter);

/* ---- the system ---- */

/* From STOPPED or DOWN; SL_EBUSY otherwise. */
int sl_ne_filter_start(struct sl_ne_filter *filter, struct sl_mono now);
/* From STARTING or RUNNING, or DOWN, of which nobody is told; SL_EBUSY otherwise. When it has stopped, what it had not decided is let
 * go, and nothing of the instance is left but the flows (NE-CHOICE-18, NE-LIFE-09). */
int sl_ne_filter_stop(struct sl_ne_filter *filter, enum sl_ne_stop_reason reason, struct sl_mono now);
/* The provider's process is gone (NE-LIFE-13): flows that it watched are let go and stay open (NE-FAIL-03), those that waited for a
 * start go on waiting. SL_EBUSY where there is no process. */
int sl_ne_filter_crash(struct sl_ne_filter *filter, struct sl_mono now);
/* The machine goes to sleep, by a clock that stands still meanwhile, and wakes: datagram flows end (NE-LIFE-08, NE-CHOICE-20). */
void sl_ne_filter_sleep(struct sl_ne_filter *filter, struct sl_mono now);
void sl_ne_filter_wake(struct sl_ne_filter *filter, struct sl_mono now);
/* Is the provider still busy with sleep? */
bool sl_ne_filter_is_falling_asleep(const struct sl_ne_filter *filter);
/* An update without outage (NE-CHOICE-19): another instance starts beside the one that judges, which goes on judging until
 * sl_ne_filter_upgraded(). SL_EBUSY where none runs, or one starts already. */
int sl_ne_filter_upgrade(struct sl_ne_filter *filter, struct sl_mono now);
/* The successor has started, with its own settings (NULL: none), and the old instance is stopped (appUpdate); or it has not, error says
 * why, and the old one goes on. Without this call that is so after options.upgrade, SL_ETIME. Which instance the provider's functions
 * stand for is their affair. False: none was starting. */
bool sl_ne_filter_upgraded(struct sl_ne_filter *filter, int error, const struct sl_ne_settings *settings,
                           struct sl_mono now);
/* NE-LIFE-07 */
void sl_ne_filter_configure(struct sl_ne_filter *filter, const struct sl_ne_configuration *configuration,
                            struct sl_mono now);
/* The control provider: rules changed without its having been asked (NE-CTL-03). */
void sl_ne_filter_notify_rules_changed(struct sl_ne_filter *filter, struct sl_mono now);

/* ---- what the provider answers and calls ---- */

/* The handler of start_filter; error SL_OK or why it failed. False: nobody waits for it. */
bool sl_ne_filter_started(struct sl_ne_filter *filter, int error, struct sl_mono now);
/* The handler of stop_filter. */
bool sl_ne_filter_stopped(struct sl_ne_filter *filter, struct sl_mono now);
/* The handler of sleep. */
bool sl_ne_filter_asleep(struct sl_ne_filter *filter, struct sl_mono now);
/* apply(): the rules are copied. NULL restores the defaults (NE-LIFE-04). Of use before the start handler too (NE-LIFE-05).
 * SL_OK; what sl_ne_settings_check() says, SL_EPERM where the filter is not running or starting: then the old ones stay. */
int sl_ne_filter_apply(struct sl_ne_filter *filter, const struct sl_ne_settings *settings,
                       struct sl_mono now);

/* ---- the driver ---- */

struct sl_ne_opening {
	struct sl_ne_flow_info info;
	bool answered; /* the end that did not open it has answered already */
	bool older;    /* TCP whose beginning nobody saw: it is older than the filter (NE-CHOICE-03) */
	struct sl_bytes
	        first; /* what its first packet carries, for rules on DNS; p NULL where that is not known */
	void *driver;  /* for struct sl_ne_flow; the sink may be called before this returns */
};

/* A flow begins; its first packet is handed over afterwards. out is NULL where it ended at once, as the sink was told.
 * SL_OK; SL_ELIMIT where no flow is free. */
int sl_ne_filter_open_flow(struct sl_ne_filter *filter, const struct sl_ne_opening *opening,
                           struct sl_mono now, struct sl_ne_flow **out);
/* sl_ne_flow_data(), after a look at rules that have changed (NE-CHOICE-21). */
void sl_ne_filter_data(struct sl_ne_filter *filter, struct sl_ne_flow *flow, enum sl_ne_direction direction,
                       const struct sl_ne_packet *packet, struct sl_mono now);

bool sl_ne_filter_due(const struct sl_ne_filter *filter, struct sl_mono *due);
void sl_ne_filter_tick(struct sl_ne_filter *filter, struct sl_mono now);

#endif
