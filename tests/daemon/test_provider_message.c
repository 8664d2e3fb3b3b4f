/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_provider_message.c - what a provider may write, and what it is told where it wrote something else; what it is sent is JSON with the
 * members of sluice-provider(7). */
#include "daemon/provider_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define M "{\"message\":"

static const struct read_case {
	const char *name, *text;
	const char *wrong; /* part of what is said; NULL: nothing is wrong */
} cases[] = {
	{ "a hello", M "\"hello\",\"protocol\":\"sluice-provider\",\"version\":1}", NULL },
	{ "a verdict of one word", M "\"verdict\",\"flow\":1,\"question\":2,\"verdict\":\"drop\"}", NULL },
	{ "settings of null", M "\"apply\",\"settings\":null}", NULL },
	{ "no JSON", "{", "no object of JSON" },
	{ "a list", "[1]", "write {\"message\": ...}" },
	{ "what came is shown", M "\"verdit\"}", "message 7, {\"message\":\"verdit\"}: \"message\" is none" },
	{ "no message", "{\"flow\":1}", "an object without \"message\"" },
	{ "a key that is none", M "\"resumeFlow\",\"flw\":1}",
	  "no key \"flw\" here; take it away, or write one of: message flow verdict" },
	{ "a key of another message", M "\"asleep\",\"flow\":1}", "no key \"flow\" here" },
	{ "a key twice", M "\"log\",\"text\":\"a\",\"text\":\"b\"}", "duplicate object key" },
	{ "no verdict", M "\"verdict\",\"flow\":1,\"question\":1}",
	  "no key \"verdict\"; it has to be there" },
	{ "no question", M "\"verdict\",\"flow\":1,\"verdict\":\"allow\"}", "no key \"question\"" },
	{ "another protocol", M "\"hello\",\"protocol\":\"x\",\"version\":1}",
	  "write one of: sluice-provider" },
	{ "a flow below zero", M "\"resumeFlow\",\"flow\":-1,\"verdict\":\"allow\"}",
	  "no whole number from 0" },
	{ "a flow that is text", M "\"resumeFlow\",\"flow\":\"1\",\"verdict\":\"allow\"}",
	  "no whole number from 0" },
	{ "a verdict that is none", M "\"resumeFlow\",\"flow\":1,\"verdict\":\"alow\"}",
	  "write one of: allow, drop" },
	{ "a verdict that comes later", M "\"verdict\",\"flow\":1,\"question\":1,\"verdict\":\"later\"}",
	  "\"later\" is no verdict of a provider" },
	{ "no direction", M "\"updateFlow\",\"flow\":1,\"verdict\":\"allow\",\"direction\":\"up\"}",
	  "write one of: any, inbound, outbound" },
	{ "a rule that is none", M "\"apply\",\"settings\":{\"rules\":[{\"action\":\"drop\",\"host\":1}]}}",
	  "no key \"host\"" },
	{ "a text with NUL", M "\"log\",\"text\":\"a\\u0000\"}", "no object of JSON" },
};

static void keep(void *ctx, const char *file, unsigned line, const char *text)
{
	char *out = (char *)ctx;
	(void)file, (void)line;
	assert_string_equal(out, "");
	(void)snprintf(out, 1024, "%s", text);
}

static void test_read(void **state)
{
	const struct read_case *c = (const struct read_case *)*state;
	char said[1024] = "";
	const struct sl_diag diag = { keep, said };
	struct sl_provider_message m;
	int err = sl_provider_message_read(sl_bytes_str(c->text), 7, &diag, &m);
	assert_int_equal(err, c->wrong == NULL ? SL_OK : SL_EMALF);
	if (c->wrong == NULL)
		sl_provider_message_free(&m);
	else if (strstr(said, c->wrong) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", c->wrong, said);
}

static void test_frame(void **state)
{
	static const uint8_t two[] = { 0, 0, 0, 2, '{', '}', 0, 0 }, zero[4] = { 0 },
	                     giant[] = { 0, 8, 0, 1 };
	struct sl_bytes object = { NULL, 0 };
	(void)state;
	for (size_t n = 0; n < 6; n++)
		assert_int_equal(sl_provider_frame(sl_bytes_of(two, n), &object), SL_EMORE);
	assert_int_equal(sl_provider_frame(sl_bytes_of(two, sizeof(two)), &object), SL_OK);
	assert_int_equal(object.len, 2);
	assert_ptr_equal(object.p, two + 4);
	assert_int_equal(sl_provider_frame(sl_bytes_of(zero, sizeof(zero)), &object), SL_EMALF);
	/* Told by its length alone: nobody waits for half a megabyte. */
	assert_int_equal(sl_provider_frame(sl_bytes_of(giant, sizeof(giant)), &object), SL_ELIMIT);
}

/* ---- to a provider ---- */

static uint8_t line[4096];

static json_t *said(const struct sl_out *o)
{
	assert_false(o->overflow);
	json_t *m = json_loadb((const char *)o->p, o->len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(m);
	return m;
}

#define TEXT_OF(m, key)   json_string_value(json_object_get(m, key))
#define NUMBER_OF(m, key) json_integer_value(json_object_get(m, key))

static void test_say_new_flow(void **state)
{
	const struct sl_ne_flow_info info = { .direction = SL_NE_INBOUND,
		                              .local = { SL_NE_HOST_IPV6, { 0x20, 1 }, NULL, 443 },
		                              .remote = { SL_NE_HOST_IPV4, { 192, 0, 2, 1 }, NULL, 1 },
		                              .socket_family = 6,
		                              .socket_type = SL_NE_SOCK_STREAM,
		                              .socket_protocol = 6,
		                              .remote_hostname = "a\"b",
		                              .hostname_origin = SL_NE_HOSTNAME_DNS };
	struct sl_out o = sl_out_of(line, sizeof(line));
	(void)state;
	sl_provider_say_new_flow(&o, 5, 9, &info);
	json_t *m = said(&o);
	assert_string_equal(TEXT_OF(m, "message"), "handleNewFlow");
	assert_int_equal(NUMBER_OF(m, "flow"), 5);
	assert_int_equal(NUMBER_OF(m, "question"), 9);
	assert_string_equal(TEXT_OF(m, "direction"), "inbound");
	assert_string_equal(TEXT_OF(m, "local"), "[2001::]:443");
	assert_string_equal(TEXT_OF(m, "remote"), "192.0.2.1:1");
	assert_string_equal(TEXT_OF(m, "remoteHostname"), "a\"b");
	assert_string_equal(TEXT_OF(m, "hostnameOrigin"), "dns");
	json_decref(m);
}

static void test_say_data(void **state)
{
	static uint8_t scratch[SL_PROVIDER_BYTES_MAX];
	struct sl_ne_held held = { .packet = { sl_bytes_str("abcdef"), 0 }, .end = 16 };
	struct sl_ne_read_bytes bytes = { .start_offset = 12, .len = 3, .at = &held, .offset = 12 };
	struct sl_ne_flow_info info = { .remote_hostname = "sni.example",
		                        .hostname_origin = SL_NE_HOSTNAME_SNIFFED };
	struct sl_out o = sl_out_of(line, sizeof(line));
	(void)state;
	sl_provider_say_data(&o, SL_NE_EVENT_OUTBOUND_DATA, 1, 2, &info, &bytes, scratch);
	json_t *m = said(&o);
	assert_string_equal(TEXT_OF(m, "message"), "handleOutboundData");
	assert_int_equal(NUMBER_OF(m, "offset"), 12);
	assert_int_equal(NUMBER_OF(m, "len"), 3);
	assert_string_equal(TEXT_OF(m, "bytes"), "Y2Rl"); /* cde */
	assert_string_equal(TEXT_OF(m, "remoteHostname"), "sni.example");
	assert_string_equal(TEXT_OF(m, "hostnameOrigin"), "sniffed");
	json_decref(m);
	/* What is not known is absent. */
	held.packet.bytes.p = NULL;
	info.hostname_origin = SL_NE_HOSTNAME_DNS; /* said with the flow */
	o = sl_out_of(line, sizeof(line));
	sl_provider_say_data(&o, SL_NE_EVENT_INBOUND_DATA, 1, 2, &info, &bytes, scratch);
	m = said(&o);
	assert_null(json_object_get(m, "bytes"));
	assert_null(json_object_get(m, "remoteHostname"));
	json_decref(m);
	/* What does not fit is told by the writer. */
	o = sl_out_of(line, 40);
	sl_provider_say_data(&o, SL_NE_EVENT_INBOUND_DATA, 1, 2, &info, &bytes, scratch);
	assert_true(o.overflow);
}

static void test_say_hello(void **state)
{
	struct sl_out o = sl_out_of(line, sizeof(line));
	(void)state;
	sl_provider_say_hello(&o, SL_NE_MACOS, sl_span_ms(1500), SL_NE_LATE_DROP);
	json_t *m = said(&o);
	assert_string_equal(TEXT_OF(m, "protocol"), "sluice-provider");
	assert_int_equal(NUMBER_OF(m, "version"), 1);
	assert_string_equal(TEXT_OF(m, "platform"), "macos");
	assert_string_equal(TEXT_OF(m, "late"), "drop");
	assert_int_equal(NUMBER_OF(m, "deadline"), 1500000);
	json_decref(m);
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(cases) + 4];
	size_t n = 0;
	for (; n < SL_COUNT(cases); n++)
		tests[n] = (struct CMUnitTest){ .name = cases[n].name,
			                        .test_func = test_read,
			                        .initial_state = (void *)(uintptr_t)&cases[n] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_frame);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_say_new_flow);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_say_data);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_say_hello);
	return _cmocka_run_group_tests("daemon/provider_message", tests, n, NULL, NULL);
}
