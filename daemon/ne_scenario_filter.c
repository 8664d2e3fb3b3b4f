/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The filters of a scenario, and what their providers answer. */
#include <stdlib.h>

#include "daemon/ne_scenario_value.h"

enum { NAME_MAX_LEN = 32 };

bool sl_ne_scenario_default(const struct sl_ne_scenario_filter *filter, enum sl_ne_event callback,
                            struct sl_ne_verdict *out)
{
	unsigned i = (unsigned)callback - SL_NE_EVENT_NEW_FLOW;
	if (i >= SL_COUNT(filter->answer) || !filter->answers[i])
		return false;
	*out = filter->answer[i];
	return true;
}

/* Callbacks by their names, each with its verdict. */
static bool read_provider(const struct sl_ne_scenario_place *at, const json_t *object,
                          struct sl_ne_scenario_filter *out)
{
	const json_t *provider = json_object_get(object, "provider");
	if (provider == NULL)
		return true;
	if (!json_is_object(provider))
		return sl_ne_scenario_wrong(
		        at, "\"provider\" is no object; write {\"handleNewFlow\": VERDICT, ...}");
	if (!sl_ne_scenario_keys(at, provider,
	                         "handleNewFlow handleInboundData handleOutboundData "
	                         "handleInboundDataComplete handleOutboundDataComplete",
	                         ""))
		return false;
	for (unsigned i = 0; i < SL_COUNT(out->answer); i++) {
		const char *name = sl_ne_event_name((enum sl_ne_event)(SL_NE_EVENT_NEW_FLOW + i));
		const json_t *verdict = json_object_get(provider, name);
		out->answers[i] = verdict != NULL;
		if (verdict != NULL && !sl_ne_scenario_verdict(at, verdict, &out->answer[i]))
			return false;
	}
	return true;
}

/* -1: none. */
static int filter_of(const struct sl_ne_scenario *s, const char *name)
{
	for (size_t i = 0; i < s->filters; i++)
		if (s->filter[i].name != NULL && strcmp(s->filter[i].name, name) == 0)
			return (int)i;
	return -1;
}

static bool read_filter(const struct sl_ne_scenario_place *at, const json_t *object,
                        struct sl_ne_scenario *out)
{
	static const char *const grades[] = { NULL, "firewall", "inspector" };
	struct sl_ne_scenario_filter *f = &out->filter[out->filters];
	unsigned grade = SL_NE_GRADE_FIREWALL;
	if (!json_is_object(object))
		return sl_ne_scenario_wrong(at, "a filter is an object; write {\"name\": ...}");
	if (!sl_ne_scenario_keys(at, object, "name grade provider", "note") ||
	    !sl_ne_scenario_text(at, object, "name", NAME_MAX_LEN, &f->name) ||
	    !sl_ne_scenario_word(at, object, "grade", grades, SL_COUNT(grades), &grade) ||
	    !read_provider(at, object, f))
		return false;
	f->grade = (enum sl_ne_grade)grade;
	if (f->name == NULL || filter_of(out, f->name) >= 0)
		return sl_ne_scenario_wrong(at,
		                            "each of several filters has a \"name\" of its own; write one");
	out->filters++;
	return true;
}

bool sl_ne_scenario_filters(const struct sl_ne_scenario_place *at, const json_t *head,
                            struct sl_ne_scenario *out)
{
	const json_t *list = json_object_get(head, "filters");
	if (list == NULL) {
		out->filters = 1;
		out->filter[0].grade = SL_NE_GRADE_FIREWALL;
		return read_provider(at, head, &out->filter[0]);
	}
	if (json_object_get(head, "provider") != NULL)
		return sl_ne_scenario_wrong(
		        at, "each of several filters has its own \"provider\"; write it there");
	if (!json_is_array(list) || json_array_size(list) < 2 || json_array_size(list) > SL_NE_CHAIN_MAX)
		return sl_ne_scenario_wrong(at,
		                            "\"filters\" is no list of 2 to %d; write [{\"name\": ...}, ...]",
		                            SL_NE_CHAIN_MAX);
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!read_filter(at, json_array_get(list, i), out))
			return false;
	return true;
}

static bool is_of_network(enum sl_ne_scenario_kind kind)
{
	return kind == SL_NE_SCENARIO_TICK || kind == SL_NE_SCENARIO_OPEN ||
	       kind == SL_NE_SCENARIO_ANSWERED || kind == SL_NE_SCENARIO_DATA ||
	       kind == SL_NE_SCENARIO_FINISH || kind == SL_NE_SCENARIO_CLOSE;
}

bool sl_ne_scenario_whose(const struct sl_ne_scenario_place *at, const struct sl_ne_scenario *s,
                          struct sl_ne_scenario_event *e)
{
	const char *name = NULL;
	if (!sl_ne_scenario_text(at, e->json, "filter", NAME_MAX_LEN, &name))
		return false;
	e->filter = name == NULL ? -1 : filter_of(s, name);
	if (name != NULL && e->filter < 0)
		return sl_ne_scenario_wrong(at, "there is no filter \"%s\"; write one of the head's names",
		                            name);
	if (name != NULL && is_of_network(e->kind))
		return sl_ne_scenario_wrong(
		        at, "what happens on the network is no filter's; take \"filter\" away");
	if (name == NULL && s->filters > 1 && e->kind >= SL_NE_SCENARIO_RESUME)
		return sl_ne_scenario_wrong(at, "it is not said whose provider does it; write \"filter\"");
	return true;
}

static bool add_answers(const struct sl_ne_scenario_place *at, const json_t *list, int filter,
                        struct sl_ne_scenario_event *e)
{
	size_t n = e->answers + json_array_size(list);
	if (!json_is_array(list))
		return sl_ne_scenario_wrong(at, "\"answers\" is no list; write [VERDICT, ...]");
	struct sl_ne_verdict *answer = reallocarray(e->answer, n + 1, sizeof(*answer));
	e->answer = answer == NULL ? e->answer : answer;
	uint8_t *answerer = reallocarray(e->answerer, n + 1, sizeof(*answerer));
	e->answerer = answerer == NULL ? e->answerer : answerer;
	if (answer == NULL || answerer == NULL)
		return sl_ne_scenario_wrong(at, "out of memory; write fewer answers");
	for (size_t i = 0; e->answers < n; i++, e->answers++) {
		e->answer[e->answers] = (struct sl_ne_verdict){ 0 };
		e->answerer[e->answers] = (uint8_t)filter;
		if (!sl_ne_scenario_verdict(at, json_array_get(list, i), &e->answer[e->answers]))
			return false;
	}
	return true;
}

bool sl_ne_scenario_answers(const struct sl_ne_scenario_place *at, const struct sl_ne_scenario *s,
                            struct sl_ne_scenario_event *e)
{
	const json_t *answers = json_object_get(e->json, "answers");
	const char *name;
	json_t *list;
	if (answers == NULL)
		return true;
	if (s->filters == 1 || (e->filter >= 0 && json_is_array(answers)))
		return add_answers(at, answers, e->filter < 0 ? 0 : e->filter, e);
	if (!json_is_object(answers))
		return sl_ne_scenario_wrong(
		        at, "it is not said whose \"answers\" these are; write {\"name\": [VERDICT, ...]}");
	json_object_foreach((json_t *)(uintptr_t)answers, name, list)
	{
		int filter = filter_of(s, name);
		if (filter < 0)
			return sl_ne_scenario_wrong(
			        at, "there is no filter \"%s\"; write one of the head's names", name);
		if (!add_answers(at, list, filter, e))
			return false;
	}
	return true;
}
