/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_verdict.h - what a provider may answer: the verdicts of Network Extension's content filters, with the names and raw
 * values of NEFilterNewFlowVerdict, NEFilterDataVerdict, NEFilterReport and NETrafficDirection. Pure; any thread. */
#ifndef SL_FILTER_NE_VERDICT_H
#define SL_FILTER_NE_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"
#include "filter/ne_window.h"

/* NETrafficDirection (NE-RULE-10). ANY is for rules and updates; a flow and its bytes have one of the others. */
enum sl_ne_direction { SL_NE_ANY = 0, SL_NE_INBOUND = 1, SL_NE_OUTBOUND = 2 };
/* NEFilterAction (NE-REP-02) */
enum sl_ne_action {
	SL_NE_ACTION_INVALID = 0,
	SL_NE_ACTION_ALLOW = 1,
	SL_NE_ACTION_DROP = 2,
	SL_NE_ACTION_REMEDIATE = 3,
	SL_NE_ACTION_FILTER_DATA = 4
};
/* NEFilterReport.Frequency (NE-REP-02) */
enum sl_ne_frequency {
	SL_NE_FREQUENCY_NONE = 0,
	SL_NE_FREQUENCY_LOW = 1,
	SL_NE_FREQUENCY_MEDIUM = 2,
	SL_NE_FREQUENCY_HIGH = 3
};

/* Whose verdicts are legal: pause is macOS's; needRules, remediate and urlAppendString are iOS's. A gateway takes all. */
enum sl_ne_platform { SL_NE_GATEWAY, SL_NE_MACOS, SL_NE_IOS };

enum sl_ne_verdict_of { SL_NE_NEW_FLOW_VERDICT, SL_NE_DATA_VERDICT };

enum sl_ne_verdict_kind {
	SL_NE_VERDICT_ALLOW,             /* NE-NFV-01, NE-DV-01 */
	SL_NE_VERDICT_DROP,              /* NE-NFV-02, NE-DV-02 */
	SL_NE_VERDICT_FILTER_DATA,       /* NE-NFV-03 */
	SL_NE_VERDICT_DATA,              /* NE-DV-03 */
	SL_NE_VERDICT_PAUSE,             /* NE-NFV-04, NE-DV-04 */
	SL_NE_VERDICT_NEED_RULES,        /* NE-NFV-05, NE-DV-05 */
	SL_NE_VERDICT_REMEDIATE,         /* NE-NFV-06, NE-DV-06 */
	SL_NE_VERDICT_URL_APPEND_STRING, /* NE-NFV-07 */
	SL_NE_VERDICT_LATER, /* ours, not NE's: the provider is another process, sl_ne_answer_flow() will bring its verdict */
	SL_NE_VERDICT_KINDS
};

/* Only the members that the kind's maker takes mean anything, and the last two (NE-NFV-08, NE-NFV-09). Texts are borrowed for the
 * call. */
struct sl_ne_verdict {
	enum sl_ne_verdict_of of;
	enum sl_ne_verdict_kind kind;
	bool filter_inbound, filter_outbound;
	uint64_t peek_inbound_bytes, peek_outbound_bytes;
	uint64_t pass_bytes,
	        peek_bytes; /* from the first byte of the callback; NE's negative Int saturates (NE-CHOICE-10) */
	const char *remediation_url_map_key, *remediation_button_text_map_key;
	const char *map_key;
	enum sl_ne_frequency statistics_report_frequency;
	bool should_report;
};

static inline struct sl_ne_verdict sl_ne_new_flow_verdict(enum sl_ne_verdict_kind kind)
{
	return (struct sl_ne_verdict){ .of = SL_NE_NEW_FLOW_VERDICT, .kind = kind };
}

static inline struct sl_ne_verdict sl_ne_new_flow_verdict_allow(void)
{
	return sl_ne_new_flow_verdict(SL_NE_VERDICT_ALLOW);
}

static inline struct sl_ne_verdict sl_ne_new_flow_verdict_drop(void)
{
	return sl_ne_new_flow_verdict(SL_NE_VERDICT_DROP);
}

static inline struct sl_ne_verdict sl_ne_new_flow_verdict_pause(void)
{
	return sl_ne_new_flow_verdict(SL_NE_VERDICT_PAUSE);
}

static inline struct sl_ne_verdict sl_ne_new_flow_verdict_need_rules(void)
{
	return sl_ne_new_flow_verdict(SL_NE_VERDICT_NEED_RULES);
}

/* A direction that is not filtered passes without being shown; neither filtered is the same as allow (NE-NFV-10). */
static inline struct sl_ne_verdict sl_ne_filter_data_verdict(bool filter_inbound, uint64_t peek_inbound_bytes,
                                                             bool filter_outbound,
                                                             uint64_t peek_outbound_bytes)
{
	return (struct sl_ne_verdict){ .of = SL_NE_NEW_FLOW_VERDICT,
		                       .kind = SL_NE_VERDICT_FILTER_DATA,
		                       .filter_inbound = filter_inbound,
		                       .filter_outbound = filter_outbound,
		                       .peek_inbound_bytes = peek_inbound_bytes,
		                       .peek_outbound_bytes = peek_outbound_bytes };
}

/* Both keys are needed here, none in a data verdict. */
static inline struct sl_ne_verdict sl_ne_new_flow_verdict_remediate(const char *remediation_url_map_key,
                                                                    const char *button_text_map_key)
{
	return (struct sl_ne_verdict){ .of = SL_NE_NEW_FLOW_VERDICT,
		                       .kind = SL_NE_VERDICT_REMEDIATE,
		                       .remediation_url_map_key = remediation_url_map_key,
		                       .remediation_button_text_map_key = button_text_map_key };
}

static inline struct sl_ne_verdict sl_ne_url_append_string_verdict(const char *map_key)
{
	return (struct sl_ne_verdict){ .of = SL_NE_NEW_FLOW_VERDICT,
		                       .kind = SL_NE_VERDICT_URL_APPEND_STRING,
		                       .map_key = map_key };
}

static inline struct sl_ne_verdict sl_ne_data_verdict_of(enum sl_ne_verdict_kind kind)
{
	return (struct sl_ne_verdict){ .of = SL_NE_DATA_VERDICT, .kind = kind };
}

static inline struct sl_ne_verdict sl_ne_data_verdict_allow(void)
{
	return sl_ne_data_verdict_of(SL_NE_VERDICT_ALLOW);
}

static inline struct sl_ne_verdict sl_ne_data_verdict_drop(void)
{
	return sl_ne_data_verdict_of(SL_NE_VERDICT_DROP);
}

static inline struct sl_ne_verdict sl_ne_data_verdict_pause(void)
{
	return sl_ne_data_verdict_of(SL_NE_VERDICT_PAUSE);
}

static inline struct sl_ne_verdict sl_ne_data_verdict_need_rules(void)
{
	return sl_ne_data_verdict_of(SL_NE_VERDICT_NEED_RULES);
}

static inline struct sl_ne_verdict sl_ne_data_verdict(uint64_t pass_bytes, uint64_t peek_bytes)
{
	return (struct sl_ne_verdict){ .of = SL_NE_DATA_VERDICT,
		                       .kind = SL_NE_VERDICT_DATA,
		                       .pass_bytes = pass_bytes,
		                       .peek_bytes = peek_bytes };
}

static inline struct sl_ne_verdict sl_ne_data_verdict_remediate(const char *remediation_url_map_key,
                                                                const char *button_text_map_key)
{
	return (struct sl_ne_verdict){ .of = SL_NE_DATA_VERDICT,
		                       .kind = SL_NE_VERDICT_REMEDIATE,
		                       .remediation_url_map_key = remediation_url_map_key,
		                       .remediation_button_text_map_key = button_text_map_key };
}

/* May a provider on that platform give it at all? False: a kind that the class or the platform does not have, a frequency that is
 * none, a key that is missing. Who gave it is told nothing: it is ignored and counted (NE-CHOICE-14). */
bool sl_ne_verdict_is_legal(const struct sl_ne_verdict *v, enum sl_ne_platform platform);
/* And as an update from outside of callbacks: a data verdict allow, drop or pass and peek (NE-CB-09). */
bool sl_ne_verdict_may_update(const struct sl_ne_verdict *v, enum sl_ne_platform platform);

/* What it does, as a report names it; INVALID where it decides nothing (pause, needRules, later). */
enum sl_ne_action sl_ne_verdict_action(const struct sl_ne_verdict *v);
/* Does shouldReport send a report for it? (NE-REP-04) */
bool sl_ne_verdict_reports(const struct sl_ne_verdict *v);
/* 5 s, 1 s, 0.5 s; 0 for none (NE-REP-03) */
struct sl_span sl_ne_frequency_period(enum sl_ne_frequency frequency);

/* NE's names: "allow", "filterDataVerdict", "urlAppendStringVerdict" ...; "inbound"; "low"; "filterData". Static text. */
const char *sl_ne_verdict_kind_name(enum sl_ne_verdict_kind kind);
const char *sl_ne_direction_name(enum sl_ne_direction direction);
const char *sl_ne_frequency_name(enum sl_ne_frequency frequency);
const char *sl_ne_action_name(enum sl_ne_action action);

#endif
