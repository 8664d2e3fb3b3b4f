/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_provider_external.c - a provider at the other end of a socket: what it is asked, what its answers do, and what becomes of flows when
 * it is late, stuck, gone, does not read, or writes nonsense. */
#include "daemon/provider_external.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/provider_message.h"
#include "tests/support/provider_stage.h"

enum { TCP = 6, UDP = 17, DEADLINE_MS = 1000, FLOWS = 64 };

static const uint8_t page[4096] = "GET / HTTP/1.1\r\n";

static const struct sl_provider_counters *counters(const struct stage *s)
{
	return sl_provider_external_counters(s->source);
}

static json_t *must_hear(struct stage *s, const char *message)
{
	json_t *m = stage_hear_a(s, message);
	if (m == NULL)
		fail_msg("no %s came", message);
	return m;
}

static long long number_of(const json_t *m, const char *key)
{
	return json_integer_value(json_object_get(m, key));
}

static void assert_said(const struct stage *s, const char *text)
{
	if (strstr(s->said, text) == NULL)
		fail_msg("\"%s\" was not said, but\n%s", text, s->said);
}

/* What the provider is told last, before it is closed. */
static void assert_closed_with(struct stage *s, const char *text)
{
	json_t *m = must_hear(s, "error");
	const char *error = json_string_value(json_object_get(m, "text"));
	if (strstr(error, text) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", text, error);
	json_decref(m);
	assert_null(stage_hear(s));
	assert_int_equal(s->peer.fd, -1);
}

/* The callback of a new flow. */
static json_t *ask_new(struct stage *s, int protocol, size_t *flow)
{
	*flow = stage_open(s, protocol);
	stage_pump(s);
	json_t *m = must_hear(s, "handleNewFlow");
	assert_int_equal(number_of(m, "flow"), *flow + 1);
	return m;
}

/* ---- what it decides ---- */

static void test_decides(void **state)
{
	struct stage s;
	size_t a, b;
	(void)state;
	stage_begin(&s, SL_NE_PROFILE_MACOS, DEADLINE_MS, FLOWS);
	stage_start(&s);
	json_t *of_a = ask_new(&s, TCP, &a), *of_b = ask_new(&s, TCP, &b);
	stage_data(&s, a, SL_NE_OUTBOUND, page, 100);
	stage_data(&s, b, SL_NE_OUTBOUND, page, 100);
	assert_int_equal(s.flow[a].released[0] + s.flow[b].released[0], 0);
	stage_answer(&s, of_b, "\"drop\""); /* out of order */
	assert_true(s.flow[b].refused);
	assert_false(s.flow[a].decided);
	stage_answer(&s, of_a, "\"allow\"");
	assert_true(s.flow[a].open);
	assert_int_equal(s.flow[a].released[0], 100);
	assert_int_equal(s.flow[b].dropped[0], 100);
	json_t *m = must_hear(&s, "flowReleased");
	assert_int_equal(number_of(m, "flow"), b + 1);
	json_decref(m);
	assert_int_equal(counters(&s)->answers, 2);
	stage_end(&s);
}

static void test_data(void **state)
{
	struct stage s;
	size_t f;
	(void)state;
	stage_begin(&s, SL_NE_PROFILE_MACOS, DEADLINE_MS, FLOWS);
	stage_start(&s);
	stage_answer(&s, ask_new(&s, TCP, &f),
	             "{\"kind\":\"filterDataVerdict\",\"filterInbound\":true,\"filterOutbound\":true,"
	             "\"peekInboundBytes\":\"max\",\"peekOutboundBytes\":16}");
	stage_data(&s, f, SL_NE_OUTBOUND, page, 10);
	stage_pump(&s);
	json_t *m = must_hear(&s, "handleOutboundData");
	assert_int_equal(number_of(m, "offset"), 0);
	assert_int_equal(number_of(m, "len"), 10);
	assert_string_equal(json_string_value(json_object_get(m, "bytes")), "R0VUIC8gSFRUUA==");
	stage_answer(&s, m, "{\"kind\":\"passBytes\",\"passBytes\":10,\"peekBytes\":\"max\"}");
	assert_int_equal(s.flow[f].released[0], 10);
	stage_data(&s, f, SL_NE_INBOUND, page, 7);
	sl_ne_flow_finish(s.flow[f].flow, SL_NE_INBOUND, s.now);
	stage_pump(&s);
	m = must_hear(&s, "handleInboundData");
	stage_answer(&s, m, "{\"kind\":\"passBytes\",\"passBytes\":7,\"peekBytes\":1}");
	m = must_hear(&s, "handleInboundDataComplete");
	stage_answer(&s, m, "\"allow\"");
	stage_say(&s,
	          "{\"message\":\"updateFlow\",\"flow\":1,\"direction\":\"outbound\",\"verdict\":\"allow\"}");
	assert_true(s.flow[f].open);
	assert_int_equal(counters(&s)->illegal, 0);
	stage_end(&s);
}

/* NE-PAUSE-02, NE-PAUSE-04 */
static void test_pause(void **state)
{
	struct stage s;
	size_t f;
	(void)state;
	stage_begin(&s, SL_NE_PROFILE_MACOS, DEADLINE_MS, FLOWS);
	stage_start(&s);
	stage_answer(&s, ask_new(&s, TCP, &f), "\"pause\"");
	stage_data(&s, f, SL_NE_OUTBOUND, page, 5);
	stage_time(&s, INT64_C(3600000)); /* a pause has no deadline */
	assert_false(s.flow[f].decided);
	stage_say(&s, "{\"message\":\"resumeFlow\",\"flow\":1,\"verdict\":\"allow\"}");
	assert_int_equal(s.flow[f].released[0], 5);
	stage_say(&s, "{\"message\":\"resumeFlow\",\"flow\":1,\"verdict\":\"allow\"}");
	json_t *m = must_hear(&s, "ignored");
	assert_string_equal(json_string_value(json_object_get(m, "of")), "resumeFlow");
	assert_string_equal(json_string_value(json_object_get(m, "why")), "illegal");
	json_decref(m);
	stage_end(&s);
}

/* NE-LIFE-04, NE-RULE-04 */
static void test_settings(void **state)
{
	struct stage s;
	(void)state;
	stage_begin(&s, SL_NE_PROFILE_MACOS, DEADLINE_MS, FLOWS);
	stage_start(&s);
	stage_say(&s, "{\"message\":\"apply\",\"settings\":{\"rules\":[{\"remoteNetwork\":\"192.0.2.0:0\","
	              "\"remotePrefix\":24,\"protocol\":\"tcp\",\"action\":\"drop\"}]}}");
	json_t *m = must_hear(&s, "settingsApplied");
	assert_null(json_object_get(m, "error"));
	json_decref(m);
	size_t f = stage_open(&s, TCP);
	assert_true(s.flow[f].refused);
	stage_pump(&s);
	assert_null(stage_hear_a(&s, "handleNewFlow"));
	stage_say(&s, "{\"message\":\"apply\",\"settings\":{\"rules\":[],\"defaultAction\":\"drop\"}}");
	m = must_hear(&s, "settingsApplied"); /* a default without a rule */
	assert_non_null(json_object_get(m, "error"));
	json_decref(m);
	stage_end(&s);
}

static void test_life(void **state)
{
	struct stage s;
	(void)state;
	stage_begin(&s, SL_NE_PROFILE_MACOS, DEADLINE_MS, FLOWS);
	stage_start(&s);
	sl_ne_filter_sleep(s.filter, s.now);
	stage_pump(&s);
	json_decref(must_hear(&s, "sleep"));
	assert_true(sl_ne_filter_is_falling_asleep(s.filter));
	stage_say(&s, "{\"message\":\"asleep\"}");
	assert_false(sl_ne_filter_is_falling_asleep(s.filter));
	sl_ne_filter_wake(s.filter, s.now);
	stage_pump(&s);
	json_decref(must_hear(&s, "wake"));
	assert_int_equal(sl_ne_filter_stop(s.filter, SL_NE_STOP_superceded, s.now), SL_OK);
	stage_pump(&s);
	json_t *m = must_hear(&s, "stopFilter");
	assert_string_equal(json_string_value(json_object_get(m, "reason")), "superceded");
	json_decref(m);
	assert_int_equal(sl_ne_filter_state(s.filter), SL_NE_FILTER_STOPPING);
	stage_say(&s, "{\"message\":\"filterStopped\"}");
	assert_int_equal(sl_ne_filter_state(s.filter), SL_NE_FILTER_STOPPED);
	stage_end(&s);
}

static void test_start_fails(void **state)
{
	struct stage s;
	(void)state;
	stage_begin(&s, SL_NE_PROFILE_MACOS, DEADLINE_MS, FLOWS);
	stage_connect(&s);
	stage_say(&s, "{\"message\":\"hello\",\"protocol\":\"sluice-provider\",\"version\":1}");
	stage_say(&s, "{\"message\":\"filterStarted\",\"error\":\"no list\"}");
	assert_int_equal(sl_ne_filter_state(s.filter), SL_NE_FILTER_DOWN);
	assert_said(&s, "it cannot start: no list");
	stage_start(&s); /* and again */
	stage_end(&s);
}

/* ---- one that fails ---- */

struct profile_case {
	const char *name;
	enum sl_ne_profile profile;
	bool allows;
	void (*fails)(struct stage *s);
};

static void is_late(struct stage *s)
{
	stage_time(s, DEADLINE_MS - 1);
	assert_false(s->flow[0].decided || s->flow[0].refused);
	stage_time(s, 1);
	assert_int_equal(sl_ne_filter_counters(s->filter)->answers_late, 1);
}

static void is_killed(struct stage *s)
{
	stage_close(s);
	stage_pump(s);
	assert_int_equal(counters(s)->absent, 1);
	assert_int_equal(counters(s)->lost, 1);
	assert_said(s, "! provider: it went away; it may come again");
}

static void writes_nonsense(struct stage *s)
{
	stage_say(s, "{\"message\":\"alow\"}");
	assert_closed_with(s, "\"message\" is none of its words");
	assert_int_equal(counters(s)->nonsense, 1);
}

static void test_fails(void **state)
{
	const struct profile_case *c = (const struct profile_case *)*state;
	struct stage s;
	size_t f;
	stage_begin(&s, c->profile, DEADLINE_MS, FLOWS);
	stage_start(&s);
	json_decref(ask_new(&s, TCP, &f));
	stage_data(&s, f, SL_NE_OUTBOUND, page, 9);
	c->fails(&s);
	assert_int_equal(s.flow[f].open, c->allows);
	assert_int_equal(s.flow[f].refused, !c->allows);
	assert_int_equal(s.flow[f].released[0], c->allows ? 9 : 0);
	assert_int_equal(s.flow[f].dropped[0], c->allows ? 0 : 9);
	stage_end(&s);
}

static const struct profile_case profiles[] = {
	{ "late: a gateway lets it pass", SL_NE_PROFILE_GATEWAY, true, is_late },
	{ "late: macos drops it", SL_NE_PROFILE_MACOS, false, is_late },
	{ "killed: a gateway lets it pass", SL_NE_PROFILE_GATEWAY, true, is_killed },
	{ "killed: macos drops it", SL_NE_PROFILE_MACOS, false, is_killed },
	{ "nonsense: a gateway lets it pass", SL_NE_PROFILE_GATEWAY, true, writes_nonsense },
	{ "nonsense: macos drops it", SL_NE_PROFILE_MACOS, false, writes_nonsense },
};

/* New flows wait for a start where the filter fails closed, and those that it filtered go on (NE-FAIL-01..03). */
static void test_absent(void **state)
{
	struct stage s;
	size_t filtered, waits, passes;
	(void)state;
	stage_begin(&s, SL_NE_PROFILE_MACOS, DEADLINE_MS, FLOWS);
	stage_start(&s);
	stage_answer(&s, ask_new(&s, TCP, &filtered),
	             "{\"kind\":\"filterDataVerdict\",\"filterInbound\":true,\"filterOutbound\":true}");
	stage_close(&s);
	stage_pump(&s);
	assert_int_equal(sl_ne_filter_state(s.filter), SL_NE_FILTER_DOWN);
	assert_true(s.flow[filtered].open);
	waits = stage_open(&s, TCP);
	assert_false(s.flow[waits].decided);
	stage_start(&s); /* the next one is asked about who waited */
	stage_answer(&s, must_hear(&s, "handleNewFlow"), "\"allow\"");
	assert_true(s.flow[waits].open);
	assert_int_equal(counters(&s)->connections, 2);
	stage_end(&s);

	stage_begin(&s, SL_NE_PROFILE_GATEWAY, DEADLINE_MS, FLOWS);
	passes = stage_open(&s, TCP);
	assert_true(s.flow[passes].open); /* nobody was ever there */
	stage_end(&s);
}

/* One that is stopped: after a deadline of silence flows do not wait for it any more, but for one in ten deadlines. */
static void test_stuck(void **state)
{
	struct stage s;
	size_t f;
	(void)state;
	stage_begin(&s, SL_NE_PROFILE_GATEWAY, DEADLINE_MS, FLOWS);
	stage_start(&s);
	json_t *first = ask_new(&s, TCP, &f);
	stage_time(&s, DEADLINE_MS);
	assert_true(s.flow[f].open);
	for (int i = 0; i < 5; i++)
		assert_true(s.flow[stage_open(&s, TCP)].open);
	assert_int_equal(counters(&s)->stuck, 5);
	stage_time(&s, INT64_C(9) * DEADLINE_MS);
	f = stage_open(&s, TCP); /* one is tried */
	assert_false(s.flow[f].open);
	assert_true(s.flow[stage_open(&s, TCP)].open);
	stage_answer(&s, first,
	             "\"drop\""); /* it moves again: too late for this one, and it is asked again */
	json_t *m = must_hear(&s, "ignored");
	assert_string_equal(json_string_value(json_object_get(m, "why")), "answerUnasked");
	json_decref(m);
	f = stage_open(&s, TCP);
	assert_false(s.flow[f].decided);
	stage_pump(&s);
	json_decref(must_hear(&s, "handleNewFlow"));
	assert_int_equal(counters(&s)->stuck, 6);
	stage_end(&s);
}

/* One that does not read: what cannot be sent is not waited for, and at last it is closed. */
static void test_unread(void **state)
{
	static const uint8_t much[1024 * 1024];
	struct stage s;
	size_t f;
	(void)state;
	stage_begin(&s, SL_NE_PROFILE_GATEWAY, 0, 16384);
	stage_start(&s);
	for (int i = 0; i < 5; i++) { /* 1.4 MB each, of a buffer of 4 MiB */
		stage_answer(&s, ask_new(&s, TCP, &f),
		             "{\"kind\":\"filterDataVerdict\",\"filterInbound\":true,\"filterOutbound\":true,"
		             "\"peekOutboundBytes\":\"max\"}");
	}
	for (size_t i = 0; i < 5; i++) {
		stage_data(&s, i, SL_NE_OUTBOUND, much, sizeof(much));
		s.source->flush(s.source->ctx, s.now);
	}
	assert_true(counters(&s)->full >= 2);
	assert_int_equal(s.flow[4].released[0], sizeof(much)); /* did not wait */
	assert_int_equal(s.flow[0].released[0], 0);
	assert_int_equal(counters(&s)->unread, 0);
	for (size_t i = 0; counters(&s)->unread == 0; i++) {
		assert_true(i < 60000);
		sl_ne_filter_notify_rules_changed(s.filter, s.now);
	}
	assert_true(s.peer.fd >= 0);
	stage_pump(&s);
	assert_said(&s, "it does not read them");
	assert_true(s.flow[0].open);
	assert_int_equal(sl_ne_filter_state(s.filter), SL_NE_FILTER_DOWN);
	stage_end(&s);
}

static const struct nonsense_case {
	const char *name, *frame;
	size_t len; /* of frame; 0: a message of JSON */
	const char *error;
} nonsenses[] = {
	{ "a giant's length", "\xff\xff\xff\xff", 4, "more than any message has; write 1 to 524288" },
	{ "a length of nothing", "\0\0\0\0", 4, "its length is 0" },
	{ "HTTP", "GET / HTTP/1.1\r\n\r\n", 18, "its length is more" },
	{ "a second hello", "{\"message\":\"hello\",\"protocol\":\"sluice-provider\",\"version\":1}", 0,
	  "message 3: another hello; write it once" },
	{ "a flow that was never there", "{\"message\":\"resumeFlow\",\"flow\":99,\"verdict\":\"allow\"}", 0,
	  "there was no flow 99; write the number of a handleNewFlow" },
	{ "a question that was never asked",
	  "{\"message\":\"verdict\",\"flow\":1,\"question\":50,\"verdict\":\"allow\"}", 0,
	  "there was no question 50" },
	{ "no JSON", "{\"message\":", 0, "message 3, {\"message\":: no object of JSON" },
};

static void test_nonsense(void **state)
{
	const struct nonsense_case *c = (const struct nonsense_case *)*state;
	struct stage s;
	size_t f;
	stage_begin(&s, SL_NE_PROFILE_GATEWAY, DEADLINE_MS, FLOWS);
	stage_start(&s);
	json_decref(ask_new(&s, TCP, &f));
	if (c->len > 0)
		stage_raw(&s, c->frame, c->len);
	else
		stage_say(&s, "%s", c->frame);
	assert_closed_with(&s, c->error);
	assert_said(&s, c->error);
	assert_true(s.flow[f].open);
	/* The next one is listened to a second later, so that a flood of them is none. */
	stage_connect(&s);
	assert_null(stage_hear(&s));
	stage_time(&s, 1000);
	json_decref(must_hear(&s, "hello"));
	stage_end(&s);
}

static void test_no_hello(void **state)
{
	struct stage s;
	(void)state;
	stage_begin(&s, SL_NE_PROFILE_GATEWAY, DEADLINE_MS, FLOWS);
	stage_connect(&s);
	stage_say(&s, "{\"message\":\"filterStarted\"}");
	assert_closed_with(&s, "the first message is no hello");
	stage_time(&s, 1000);
	stage_connect(&s);
	json_decref(must_hear(&s, "hello"));
	stage_time(&s, 5000);
	assert_null(stage_hear(&s));
	assert_int_equal(s.peer.fd, -1);
	assert_said(&s, "it said no hello in 5 s");
	stage_connect(&s);
	stage_say(&s, "{\"message\":\"hello\",\"protocol\":\"sluice-provider\",\"version\":2}");
	assert_closed_with(&s, "version 2 is not known here; write 1");
	assert_int_equal(counters(&s)->connections, 0);
	stage_end(&s);
}

static void test_second(void **state)
{
	struct stage s;
	size_t f;
	(void)state;
	stage_begin(&s, SL_NE_PROFILE_GATEWAY, DEADLINE_MS, FLOWS);
	stage_start(&s);
	struct stage_peer first = s.peer;
	s.peer.fd = -1;
	s.peer.len = 0;
	s.peer.in = (uint8_t *)malloc(s.peer.cap);
	assert_non_null(s.peer.in);
	stage_connect(&s);
	assert_closed_with(&s, "there is a provider already");
	assert_int_equal(counters(&s)->refused, 1);
	free(s.peer.in);
	s.peer = first;
	stage_answer(&s, ask_new(&s, TCP, &f), "\"allow\"");
	stage_end(&s);
}

/* Bytes of a message may come one by one. */
static void test_halves(void **state)
{
	static const char object[] = "{\"message\":\"log\",\"text\":\"a\\nb\"}";
	struct stage s;
	(void)state;
	stage_begin(&s, SL_NE_PROFILE_GATEWAY, DEADLINE_MS, FLOWS);
	stage_start(&s);
	stage_raw(&s, "\0\0\0", 3);
	stage_raw(&s, &(uint8_t){ sizeof(object) - 1 }, 1);
	for (size_t i = 0; i < sizeof(object) - 1; i++)
		stage_raw(&s, object + i, 1);
	assert_said(&s, "provider says: a.b\n");
	stage_raw(&s, "\0\0\0\7{", 5); /* and one that never comes */
	stage_close(&s);
	stage_pump(&s);
	assert_int_equal(counters(&s)->nonsense, 0);
	assert_int_equal(counters(&s)->lost, 1);
	stage_end(&s);
}

static void test_late_verdicts(void **state)
{
	struct stage s;
	size_t f;
	(void)state;
	stage_begin(&s, SL_NE_PROFILE_MACOS, DEADLINE_MS, FLOWS);
	stage_start(&s);
	stage_answer(&s, ask_new(&s, UDP, &f), "\"drop\""); /* a datagram flow stays, and swallows */
	stage_say(&s, "{\"message\":\"verdict\",\"flow\":1,\"question\":1,\"verdict\":\"allow\"}");
	json_t *m = must_hear(&s, "ignored");
	assert_string_equal(json_string_value(json_object_get(m, "why")), "answerUnasked");
	json_decref(m);
	assert_int_equal(counters(&s)->unasked, 1);
	/* Of a class that the callback does not take: it is asked still. */
	m = ask_new(&s, TCP, &f);
	json_incref(m);
	stage_answer(&s, m, "{\"kind\":\"passBytes\",\"passBytes\":1,\"peekBytes\":1}");
	assert_int_equal(counters(&s)->illegal, 1);
	stage_answer(&s, m, "\"allow\"");
	assert_true(s.flow[f].open);
	stage_end(&s);
}

/* ---- many ---- */

enum { MANY = 10000, OTHERS = 100 };

/* All of them paused at once, and each resumed with a verdict of its own, while others are asked about and answered. */
static void test_many(void **state)
{
	struct stage s;
	size_t f, allowed = 0, refused = 0;
	(void)state;
	stage_begin(&s, SL_NE_PROFILE_MACOS, DEADLINE_MS, MANY + OTHERS);
	stage_start(&s);
	for (size_t i = 0; i < MANY; i++)
		stage_data(&s, stage_open(&s, TCP), SL_NE_OUTBOUND, page, 1 + i % 100);
	for (size_t i = 0; i < MANY; i++)
		stage_answer(&s, must_hear(&s, "handleNewFlow"), "\"pause\"");
	assert_int_equal(counters(&s)->full, 0);
	for (size_t i = 0; i < OTHERS; i++) {
		stage_answer(&s, ask_new(&s, TCP, &f), "\"allow\"");
		assert_true(s.flow[f].open);
	}
	stage_time(&s, 60000);
	for (size_t i = 0; i < MANY; i++)
		assert_false(s.flow[i].decided || s.flow[i].refused);
	for (size_t i = MANY; i-- > 0;) /* the last one first */
		stage_say(&s, "{\"message\":\"resumeFlow\",\"flow\":%zu,\"verdict\":\"%s\"}", i + 1,
		          i % 3 == 0 ? "drop" : "allow");
	for (size_t i = 0; i < MANY; i++) {
		uint64_t bytes = 1 + i % 100;
		allowed += s.flow[i].open && s.flow[i].released[0] == bytes && i % 3 != 0;
		refused += s.flow[i].refused && s.flow[i].dropped[0] == bytes && i % 3 == 0;
	}
	assert_int_equal(allowed, MANY - (MANY + 2) / 3);
	assert_int_equal(refused, (MANY + 2) / 3);
	assert_int_equal(counters(&s)->illegal + counters(&s)->unknown + counters(&s)->unasked, 0);
	stage_end(&s);
}

int main(void)
{
	static const struct CMUnitTest single[] = {
		cmocka_unit_test(test_decides),       cmocka_unit_test(test_data),
		cmocka_unit_test(test_pause),         cmocka_unit_test(test_settings),
		cmocka_unit_test(test_life),          cmocka_unit_test(test_start_fails),
		cmocka_unit_test(test_absent),        cmocka_unit_test(test_stuck),
		cmocka_unit_test(test_unread),        cmocka_unit_test(test_no_hello),
		cmocka_unit_test(test_second),        cmocka_unit_test(test_halves),
		cmocka_unit_test(test_late_verdicts), cmocka_unit_test(test_many),
	};
	struct CMUnitTest tests[SL_COUNT(single) + SL_COUNT(profiles) + SL_COUNT(nonsenses)];
	size_t n = 0;
	for (size_t i = 0; i < SL_COUNT(single); i++)
		tests[n++] = single[i];
	for (size_t i = 0; i < SL_COUNT(profiles); i++)
		tests[n++] = (struct CMUnitTest){ .name = profiles[i].name,
			                          .test_func = test_fails,
			                          .initial_state = (void *)(uintptr_t)&profiles[i] };
	for (size_t i = 0; i < SL_COUNT(nonsenses); i++)
		tests[n++] = (struct CMUnitTest){ .name = nonsenses[i].name,
			                          .test_func = test_nonsense,
			                          .initial_state = (void *)(uintptr_t)&nonsenses[i] };
	return _cmocka_run_group_tests("daemon/provider_external", tests, n, NULL, NULL);
}
