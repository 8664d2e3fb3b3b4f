/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An update without outage (NE-CHOICE-19). */
#include "filter/ne_filter_priv.h"

int sl_ne_filter_upgrade(struct sl_ne_filter *f, struct sl_mono now)
{
	if (f->state != SL_NE_FILTER_RUNNING || f->upgrading)
		return SL_EBUSY;
	f->upgrading = true;
	f->upgrade_due = sl_mono_add(now, f->env.options.upgrade);
	sl_ne_filter_trace(f, (struct sl_ne_trace_event){ .event = SL_NE_EVENT_FILTER_START }, now);
	return SL_OK;
}

/* What is decided stays so. What waits for its first verdict is the successor's to decide; what was shown to the old one in part goes on
 * unfiltered, as ever when a filter goes (NE-FAIL-03): nobody can show the successor what went on already. */
static void hand_over(struct sl_ne_filter *f, struct sl_ne_flow *flow, struct sl_mono now)
{
	sl_ne_flow_forget(flow, now);
	if (flow->state == SL_NE_FLOW_NEW)
		sl_ne_filter_judge(f, flow, sl_ne_filter_first_held(flow), now);
	else if (flow->state == SL_NE_FLOW_FILTERED)
		sl_ne_flow_open_up(flow, now);
}

bool sl_ne_filter_upgraded(struct sl_ne_filter *f, int error, const struct sl_ne_settings *settings,
                           struct sl_mono now)
{
	if (!f->upgrading) {
		sl_ne_env_illegal(&f->env, NULL, SL_NE_ILLEGAL_LIFECYCLE, now);
		return false;
	}
	f->upgrading = false;
	if (error == SL_OK && settings != NULL)
		error = sl_ne_settings_check(settings);
	if (error == SL_OK) {
		f->falling_asleep = false;
		sl_ne_filter_trace(f,
		                   (struct sl_ne_trace_event){ .event = SL_NE_EVENT_FILTER_STOP,
		                                               .reason = SL_NE_STOP_appUpdate },
		                   now);
		sl_ne_filter_trace(f, (struct sl_ne_trace_event){ .event = SL_NE_EVENT_FILTER_STOPPED }, now);
		sl_ne_filter_set_settings(f, settings);
	}
	sl_ne_filter_trace(
	        f, (struct sl_ne_trace_event){ .event = SL_NE_EVENT_FILTER_STARTED, .error = error }, now);
	if (error == SL_OK)
		sl_ne_filter_for_each(f, hand_over, now);
	return true;
}
