/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_filter_priv.h - what the files of a filter share: ne_filter.c has its life and its flows, ne_upgrade.c its successor. Private to
 * them. */
#ifndef SL_FILTER_NE_FILTER_PRIV_H
#define SL_FILTER_NE_FILTER_PRIV_H

#include "filter/ne_filter.h"

struct sl_ne_filter {
	struct sl_ne_env env;
	enum sl_ne_filter_state state;
	struct sl_ne_configuration configuration;
	uint32_t generation; /* of the settings */
	bool falling_asleep;
	bool upgrading; /* a successor is starting */
	struct sl_mono upgrade_due;
	struct sl_ne_settings settings; /* of the rules below */
	struct sl_ne_rule rule[SL_NE_RULES_MAX];
};

/* An event of the filter, not of a flow. */
void sl_ne_filter_trace(struct sl_ne_filter *f, struct sl_ne_trace_event event, struct sl_mono now);
/* All flows that are there now; each may end, and others with it. */
void sl_ne_filter_for_each(struct sl_ne_filter *f,
                           void (*visit)(struct sl_ne_filter *, struct sl_ne_flow *, struct sl_mono),
                           struct sl_mono now);
/* By the settings, and by the provider where they say so. first: as of an opening */
void sl_ne_filter_judge(struct sl_ne_filter *f, struct sl_ne_flow *flow, struct sl_bytes first,
                        struct sl_mono now);
/* What the first packet that waits carries. */
struct sl_bytes sl_ne_filter_first_held(struct sl_ne_flow *flow);
void sl_ne_filter_reset_settings(struct sl_ne_filter *f);
/* Checked ones; NULL: the defaults. */
void sl_ne_filter_set_settings(struct sl_ne_filter *f, const struct sl_ne_settings *settings);

#endif
