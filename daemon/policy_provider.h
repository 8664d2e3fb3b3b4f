/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy_provider.h - where filter and policy meet: the filter asks, the policy of the batch answers, the flow log hears. */
#ifndef SL_DAEMON_POLICY_PROVIDER_H
#define SL_DAEMON_POLICY_PROVIDER_H

#include "daemon/flow_log.h"
#include "daemon/pause.h"
#include "daemon/verdict_counts.h"
#include "filter/provider.h"
#include "policy/policy.h"

struct sl_policy_provider {
	const struct sl_policy *policy; /* set for the length of a batch, NULL outside */
	struct sl_flow_log *log;        /* NULL: none */
	unsigned worker;
	int64_t realtime_us;              /* of the batch */
	struct sl_verdict_counts *counts; /* NULL: they are not counted */
	struct sl_list_places places;     /* of the batch's policy */
	/* Of the batch: nothing is refused, and what would be is counted here; else NULL. */
	struct sl_pause_counts *paused;
};

/* The provider's table over p, which outlives it. */
struct sl_provider sl_policy_provider_table(struct sl_policy_provider *p);

#endif
