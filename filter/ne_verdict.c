/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/ne_verdict.h"

#include <stddef.h>

enum { NEW_FLOW = 1, DATA = 2, MACOS = 4, IOS = 8, EVERYWHERE = MACOS | IOS };

/* What each kind is a verdict of, and where. */
static const struct {
	unsigned where;
	const char *name;
} kinds[SL_NE_VERDICT_KINDS] = {
	[SL_NE_VERDICT_ALLOW] = { NEW_FLOW | DATA | EVERYWHERE, "allow" },
	[SL_NE_VERDICT_DROP] = { NEW_FLOW | DATA | EVERYWHERE, "drop" },
	[SL_NE_VERDICT_FILTER_DATA] = { NEW_FLOW | EVERYWHERE, "filterDataVerdict" },
	[SL_NE_VERDICT_DATA] = { DATA | EVERYWHERE, "passBytes" },
	[SL_NE_VERDICT_PAUSE] = { NEW_FLOW | DATA | MACOS, "pause" },
	[SL_NE_VERDICT_NEED_RULES] = { NEW_FLOW | DATA | IOS, "needRules" },
	[SL_NE_VERDICT_REMEDIATE] = { NEW_FLOW | DATA | IOS, "remediateVerdict" },
	[SL_NE_VERDICT_URL_APPEND_STRING] = { NEW_FLOW | IOS, "urlAppendStringVerdict" },
	[SL_NE_VERDICT_LATER] = { NEW_FLOW | DATA | EVERYWHERE, "later" },
};

static bool keys_are_there(const struct sl_ne_verdict *v)
{
	if (v->of == SL_NE_NEW_FLOW_VERDICT && v->kind == SL_NE_VERDICT_REMEDIATE)
		return v->remediation_url_map_key != NULL && v->remediation_button_text_map_key != NULL;
	return v->kind != SL_NE_VERDICT_URL_APPEND_STRING || v->map_key != NULL;
}

bool sl_ne_verdict_is_legal(const struct sl_ne_verdict *v, enum sl_ne_platform platform)
{
	if ((unsigned)v->kind >= SL_NE_VERDICT_KINDS || (unsigned)v->of > SL_NE_DATA_VERDICT ||
	    (unsigned)v->statistics_report_frequency > SL_NE_FREQUENCY_HIGH)
		return false;
	unsigned where = kinds[v->kind].where;
	unsigned here = platform == SL_NE_MACOS ? MACOS : platform == SL_NE_IOS ? IOS : EVERYWHERE;
	return (where & (v->of == SL_NE_DATA_VERDICT ? DATA : NEW_FLOW)) != 0 && (where & here) != 0 &&
	       keys_are_there(v);
}

bool sl_ne_verdict_may_update(const struct sl_ne_verdict *v, enum sl_ne_platform platform)
{
	return sl_ne_verdict_is_legal(v, platform) && v->of == SL_NE_DATA_VERDICT && platform != SL_NE_IOS &&
	       (v->kind == SL_NE_VERDICT_ALLOW || v->kind == SL_NE_VERDICT_DROP ||
	        v->kind == SL_NE_VERDICT_DATA);
}

enum sl_ne_action sl_ne_verdict_action(const struct sl_ne_verdict *v)
{
	switch (v->kind) {
	case SL_NE_VERDICT_ALLOW:
	case SL_NE_VERDICT_URL_APPEND_STRING:
		return SL_NE_ACTION_ALLOW;
	case SL_NE_VERDICT_DROP:
		return SL_NE_ACTION_DROP;
	case SL_NE_VERDICT_REMEDIATE:
		return SL_NE_ACTION_REMEDIATE;
	case SL_NE_VERDICT_FILTER_DATA:
	case SL_NE_VERDICT_DATA:
		return SL_NE_ACTION_FILTER_DATA;
	default:
		return SL_NE_ACTION_INVALID;
	}
}

bool sl_ne_verdict_reports(const struct sl_ne_verdict *v)
{
	return v->should_report && v->kind != SL_NE_VERDICT_DATA &&
	       sl_ne_verdict_action(v) != SL_NE_ACTION_INVALID;
}

struct sl_span sl_ne_frequency_period(enum sl_ne_frequency frequency)
{
	static const int16_t ms[] = { 0, 5000, 1000, 500 };
	return sl_span_ms(ms[frequency]);
}

const char *sl_ne_verdict_kind_name(enum sl_ne_verdict_kind kind)
{
	return kinds[kind].name;
}

const char *sl_ne_direction_name(enum sl_ne_direction direction)
{
	static const char *const names[] = { "any", "inbound", "outbound" };
	return names[direction];
}

const char *sl_ne_frequency_name(enum sl_ne_frequency frequency)
{
	static const char *const names[] = { "none", "low", "medium", "high" };
	return names[frequency];
}

const char *sl_ne_action_name(enum sl_ne_action action)
{
	static const char *const names[] = { "invalid", "allow", "drop", "remediate", "filterData" };
	return names[action];
}
