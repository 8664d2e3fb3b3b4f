/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_ne_verdict.c - which verdicts are legal where, what they do, and the raw values that vectors/enums.json lists. */
#include "filter/ne_verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/util.h"

enum { GATEWAY = 1, MACOS = 2, IOS = 4, ALL = GATEWAY | MACOS | IOS };

static const struct verdict_case {
	const char *name;
	struct sl_ne_verdict v;
	unsigned legal, update; /* where */
	enum sl_ne_action action;
	bool reports; /* with shouldReport */
} cases[] = {
	{ "NE-NFV-01: allow",
	  { .of = SL_NE_NEW_FLOW_VERDICT, .kind = SL_NE_VERDICT_ALLOW, .should_report = true },
	  ALL,
	  0,
	  SL_NE_ACTION_ALLOW,
	  true },
	{ "NE-NFV-02: drop",
	  { .of = SL_NE_NEW_FLOW_VERDICT, .kind = SL_NE_VERDICT_DROP, .should_report = true },
	  ALL,
	  0,
	  SL_NE_ACTION_DROP,
	  true },
	{ "NE-NFV-03, NE-REP-04: filterData reports on a new flow",
	  { .of = SL_NE_NEW_FLOW_VERDICT, .kind = SL_NE_VERDICT_FILTER_DATA, .should_report = true },
	  ALL,
	  0,
	  SL_NE_ACTION_FILTER_DATA,
	  true },
	{ "NE-NFV-04: pause is macOS's",
	  { .of = SL_NE_NEW_FLOW_VERDICT, .kind = SL_NE_VERDICT_PAUSE, .should_report = true },
	  GATEWAY | MACOS,
	  0,
	  SL_NE_ACTION_INVALID,
	  false },
	{ "NE-NFV-05: needRules is iOS's",
	  { .of = SL_NE_NEW_FLOW_VERDICT, .kind = SL_NE_VERDICT_NEED_RULES, .should_report = true },
	  GATEWAY | IOS,
	  0,
	  SL_NE_ACTION_INVALID,
	  false },
	{ "NE-NFV-06: remediate is iOS's",
	  { .of = SL_NE_NEW_FLOW_VERDICT,
	    .kind = SL_NE_VERDICT_REMEDIATE,
	    .remediation_url_map_key = "u",
	    .remediation_button_text_map_key = "b",
	    .should_report = true },
	  GATEWAY | IOS,
	  0,
	  SL_NE_ACTION_REMEDIATE,
	  true },
	{ "NE-NFV-06: of a new flow with both keys",
	  { .of = SL_NE_NEW_FLOW_VERDICT, .kind = SL_NE_VERDICT_REMEDIATE, .remediation_url_map_key = "u" },
	  0,
	  0,
	  SL_NE_ACTION_REMEDIATE,
	  false },
	{ "NE-NFV-07: urlAppendString allows, and is iOS's",
	  { .of = SL_NE_NEW_FLOW_VERDICT,
	    .kind = SL_NE_VERDICT_URL_APPEND_STRING,
	    .map_key = "k",
	    .should_report = true },
	  GATEWAY | IOS,
	  0,
	  SL_NE_ACTION_ALLOW,
	  true },
	{ "NE-NFV-07: urlAppendString without a key is none",
	  { .of = SL_NE_NEW_FLOW_VERDICT, .kind = SL_NE_VERDICT_URL_APPEND_STRING },
	  0,
	  0,
	  SL_NE_ACTION_ALLOW,
	  false },
	{ "NE-NFV-03: pass and peek are no answer for a new flow",
	  { .of = SL_NE_NEW_FLOW_VERDICT, .kind = SL_NE_VERDICT_DATA },
	  0,
	  0,
	  SL_NE_ACTION_FILTER_DATA,
	  false },
	{ "NE-NFV-08: a frequency that is none",
	  { .of = SL_NE_NEW_FLOW_VERDICT,
	    .kind = SL_NE_VERDICT_ALLOW,
	    .statistics_report_frequency = (enum sl_ne_frequency)4 },
	  0,
	  0,
	  SL_NE_ACTION_ALLOW,
	  false },
	{ "NE-DV-01, NE-CB-09: allow",
	  { .of = SL_NE_DATA_VERDICT, .kind = SL_NE_VERDICT_ALLOW, .should_report = true },
	  ALL,
	  GATEWAY | MACOS,
	  SL_NE_ACTION_ALLOW,
	  true },
	{ "NE-DV-02, NE-CB-09: drop",
	  { .of = SL_NE_DATA_VERDICT, .kind = SL_NE_VERDICT_DROP, .should_report = true },
	  ALL,
	  GATEWAY | MACOS,
	  SL_NE_ACTION_DROP,
	  true },
	{ "NE-DV-03, NE-CB-09, NE-REP-04: pass and peek do not report",
	  { .of = SL_NE_DATA_VERDICT, .kind = SL_NE_VERDICT_DATA, .should_report = true },
	  ALL,
	  GATEWAY | MACOS,
	  SL_NE_ACTION_FILTER_DATA,
	  false },
	{ "NE-DV-04, NE-CB-09: pause is macOS's, and no update",
	  { .of = SL_NE_DATA_VERDICT, .kind = SL_NE_VERDICT_PAUSE, .should_report = true },
	  GATEWAY | MACOS,
	  0,
	  SL_NE_ACTION_INVALID,
	  false },
	{ "NE-DV-05, NE-CB-09: needRules is iOS's, and no update",
	  { .of = SL_NE_DATA_VERDICT, .kind = SL_NE_VERDICT_NEED_RULES },
	  GATEWAY | IOS,
	  0,
	  SL_NE_ACTION_INVALID,
	  false },
	{ "NE-DV-06: remediate needs no keys here",
	  { .of = SL_NE_DATA_VERDICT, .kind = SL_NE_VERDICT_REMEDIATE, .should_report = true },
	  GATEWAY | IOS,
	  0,
	  SL_NE_ACTION_REMEDIATE,
	  true },
	{ "NE-NFV-03: filterData is no answer to data",
	  { .of = SL_NE_DATA_VERDICT, .kind = SL_NE_VERDICT_FILTER_DATA },
	  0,
	  0,
	  SL_NE_ACTION_FILTER_DATA,
	  false },
	{ "NE-NFV-07: urlAppendString is no answer to data",
	  { .of = SL_NE_DATA_VERDICT, .kind = SL_NE_VERDICT_URL_APPEND_STRING, .map_key = "k" },
	  0,
	  0,
	  SL_NE_ACTION_ALLOW,
	  false },
};

static void test_verdict(void **state)
{
	const struct verdict_case *c = (const struct verdict_case *)*state;
	for (unsigned p = SL_NE_GATEWAY; p <= SL_NE_IOS; p++) {
		assert_int_equal(sl_ne_verdict_is_legal(&c->v, (enum sl_ne_platform)p), (c->legal >> p) & 1);
		assert_int_equal(sl_ne_verdict_may_update(&c->v, (enum sl_ne_platform)p),
		                 (c->update >> p) & 1);
	}
	assert_int_equal(sl_ne_verdict_action(&c->v), c->action);
	assert_int_equal(sl_ne_verdict_reports(&c->v), c->reports);
}

static void test_makers(void **state)
{
	struct sl_ne_verdict v = sl_ne_filter_data_verdict(true, 7, false, SL_NE_BYTES_MAX);
	(void)state;
	assert_true(v.of == SL_NE_NEW_FLOW_VERDICT && v.kind == SL_NE_VERDICT_FILTER_DATA);
	assert_true(v.filter_inbound && !v.filter_outbound && v.peek_inbound_bytes == 7 &&
	            v.peek_outbound_bytes == SL_NE_BYTES_MAX);
	assert_true(!v.should_report && v.statistics_report_frequency == SL_NE_FREQUENCY_NONE);
	v = sl_ne_data_verdict(3, 4);
	assert_true(v.of == SL_NE_DATA_VERDICT && v.kind == SL_NE_VERDICT_DATA && v.pass_bytes == 3 &&
	            v.peek_bytes == 4);
	v = sl_ne_data_verdict_remediate(NULL, "b");
	assert_true(v.of == SL_NE_DATA_VERDICT && v.kind == SL_NE_VERDICT_REMEDIATE);
	assert_string_equal(v.remediation_button_text_map_key, "b");
	v = sl_ne_new_flow_verdict_remediate("u", "b");
	assert_string_equal(v.remediation_url_map_key, "u");
	v = sl_ne_url_append_string_verdict("k");
	assert_string_equal(v.map_key, "k");
	assert_int_equal(sl_ne_data_verdict_pause().kind, sl_ne_new_flow_verdict_pause().kind);
	assert_int_not_equal(sl_ne_data_verdict_pause().of, sl_ne_new_flow_verdict_pause().of);
	assert_int_equal(sl_ne_new_flow_verdict_need_rules().kind, SL_NE_VERDICT_NEED_RULES);
	assert_int_equal(sl_ne_data_verdict_need_rules().of, SL_NE_DATA_VERDICT);
	assert_int_equal(sl_ne_new_flow_verdict_drop().kind, sl_ne_data_verdict_drop().kind);
}

/* Each name of ours with its raw value stands in the reference. */
static void look_up(json_t *root, const char *group, const char *name, long long value)
{
	json_t *raw = json_object_get(json_object_get(root, group), name);
	if (!json_is_integer(raw) || json_integer_value(raw) != value)
		fail_msg("%s.%s is not %lld", group, name, value);
}

static void test_enums(void **state)
{
	json_error_t error;
	json_t *root = json_load_file(SL_SOURCE_DIR "/tests/filter/vectors/enums.json", 0, &error);
	(void)state;
	assert_non_null(root);
	for (int i = 0; i <= SL_NE_OUTBOUND; i++)
		look_up(root, "NETrafficDirection", sl_ne_direction_name((enum sl_ne_direction)i), i);
	for (int i = 0; i <= SL_NE_ACTION_FILTER_DATA; i++)
		look_up(root, "NEFilterAction", sl_ne_action_name((enum sl_ne_action)i), i);
	for (int i = 0; i <= SL_NE_FREQUENCY_HIGH; i++) {
		enum sl_ne_frequency f = (enum sl_ne_frequency)i;
		look_up(root, "NEFilterReport.Frequency", sl_ne_frequency_name(f), i);
		if (i > 0)
			look_up(root, "NEFilterReport.Frequency_interval_ms", sl_ne_frequency_name(f),
			        sl_ne_frequency_period(f).us / 1000);
	}
	assert_int_equal(sl_ne_frequency_period(SL_NE_FREQUENCY_NONE).us, 0);
	assert_true(strtoull(json_string_value(json_object_get(root, "NEFilterFlowBytesMax")), NULL, 10) ==
	            SL_NE_BYTES_MAX);
	json_decref(root);
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(cases) + 2];
	size_t n = 0;
	for (; n < SL_COUNT(cases); n++)
		tests[n] = (struct CMUnitTest){ cases[n].name, test_verdict, NULL, NULL,
			                        (void *)(uintptr_t)&cases[n] };
	tests[n++] = (struct CMUnitTest){ "NE-NFV-08, NE-NFV-09: a verdict says no more than it is told to",
		                          test_makers, NULL, NULL, NULL };
	tests[n++] = (struct CMUnitTest){ "NE-REP-02, NE-REP-03, NE-FLOW-03: raw values and intervals",
		                          test_enums, NULL, NULL, NULL };
	return _cmocka_run_group_tests("filter/ne_verdict", tests, n, NULL, NULL);
}
