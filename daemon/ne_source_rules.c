/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_source_rules.c - a provider that has nothing but rules: the settings decide, and what they leave to it passes. */
#include <stdlib.h>

#include "daemon/ne_scenario_value.h"
#include "daemon/ne_source_of.h"

struct rules {
	struct sl_ne_source source;
	struct sl_ne_scenario_settings *settings;
};

static void on_start(void *ctx, struct sl_ne_filter *filter, struct sl_mono now)
{
	const struct rules *r = (const struct rules *)ctx;
	(void)sl_ne_filter_started(filter, sl_ne_filter_apply(filter, &r->settings->settings, now), now);
}

static struct sl_ne_verdict on_new_flow(void *ctx, struct sl_ne_flow *flow, struct sl_mono now)
{
	(void)ctx, (void)flow, (void)now;
	return sl_ne_new_flow_verdict_allow();
}

static void close_it(struct sl_ne_source *source)
{
	struct rules *r = (struct rules *)source->ctx;
	sl_ne_scenario_settings_free(r->settings);
	free(r);
}

/* What apply() would refuse is said now, with the file's name. */
static bool read_settings(const struct sl_ne_scenario_place *at, struct sl_bytes text, struct rules *r)
{
	json_error_t error;
	json_t *json = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, &error);
	bool ok = json_is_object(json);
	if (!ok)
		(void)sl_ne_scenario_wrong(
		        at,
		        "no object of JSON (%s, line %d); write {\"rules\": [...], \"defaultAction\": ...}",
		        json == NULL ? error.text : "something else", json == NULL ? error.line : 1);
	ok = ok && sl_ne_scenario_settings(at, json, &r->settings);
	if (ok && sl_ne_settings_check(&r->settings->settings) != SL_OK)
		ok = sl_ne_scenario_wrong(at, "these are no settings that can be applied; write at most 1000 "
		                              "rules, and at least one where the default action is allow or "
		                              "drop");
	json_decref(json);
	return ok;
}

int sl_ne_source_rules(const char *name, struct sl_bytes text, const struct sl_diag *diag,
                       struct sl_ne_source **out)
{
	struct sl_ne_scenario_place at = { name, 1, diag };
	struct rules *r = (struct rules *)calloc(1, sizeof(*r));
	if (r == NULL)
		return SL_ENOMEM;
	if (!read_settings(&at, text, r)) {
		sl_ne_scenario_settings_free(r->settings);
		free(r);
		return SL_EMALF;
	}
	r->source = (struct sl_ne_source){
		.provider = { .ctx = r, .start_filter = on_start, .handle_new_flow = on_new_flow },
		.needs = sl_ne_source_needs(SL_PROVIDER_RULES),
		.ctx = r,
		.fd = -1,
		.close = close_it,
	};
	*out = &r->source;
	return SL_OK;
}
