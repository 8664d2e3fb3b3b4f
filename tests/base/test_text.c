/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writers: bounded output, JSON strings, UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/json.h"
#include "base/utf8.h"

static const struct json_case {
	const char *name;
	const char *in;
	size_t len;
	const char *want;
} json_cases[] = {
	{ "plain text passes", "abc", 3, "\"abc\"" },
	{ "quotes and backslashes are escaped (RFC 8259 §7)", "a\"\\", 3, "\"a\\\"\\\\\"" },
	{ "control characters are escaped", "\n\x01\x7f", 3, "\"\\n\\u0001\\u007f\"" },
	{ "UTF-8 passes", "\xc3\xa9\xf0\x9f\x98\x80", 6, "\"\xc3\xa9\xf0\x9f\x98\x80\"" },
	{ "a byte that is not UTF-8 becomes its value", "a\xff", 2, "\"a\\u00ff\"" },
	{ "an overlong form is not UTF-8 (RFC 3629 §3)", "\xc0\xaf", 2, "\"\\u00c0\\u00af\"" },
	{ "a surrogate is not UTF-8", "\xed\xa0\x80", 3, "\"\\u00ed\\u00a0\\u0080\"" },
	{ "a sequence cut short is not UTF-8", "\xe2\x82", 2, "\"\\u00e2\\u0082\"" },
};

static void json_string(void **state)
{
	const struct json_case *c = *state;
	char buf[128];
	struct sl_out o = sl_out_of(buf, sizeof(buf));

	sl_json_string(&o, sl_bytes_of(c->in, c->len));
	assert_false(o.overflow);
	assert_true(sl_bytes_equal(sl_bytes_of(buf, o.len), sl_bytes_str(c->want)));
}

static void fields_are_separated(void **state)
{
	(void)state;
	char buf[64];
	struct sl_out o = sl_out_of(buf, sizeof(buf));

	sl_out_u8(&o, '{');
	sl_json_field_u64(&o, "a", 18446744073709551615U);
	sl_json_field_str(&o, "b", SL_BYTES_LIT("{"));
	sl_json_field_u64(&o, "c", 0);
	sl_out_u8(&o, '}');
	assert_true(sl_bytes_equal(sl_bytes_of(buf, o.len),
	                           SL_BYTES_LIT("{\"a\":18446744073709551615,\"b\":\"{\",\"c\":0}")));
}

static void what_does_not_fit_is_not_written_in_part(void **state)
{
	(void)state;
	char buf[4] = "...";
	struct sl_out o = sl_out_of(buf, 3);

	sl_out_u16(&o, 0x4142);
	sl_out_u16(&o, 0x4344);
	assert_true(o.overflow);
	assert_int_equal(o.len, 2);
	sl_out_u8(&o, 'x');
	assert_int_equal(o.len, 2);
	assert_int_equal(buf[2], '.');
}

static void words_for_every_error(void **state)
{
	(void)state;
	for (int i = 0; i >= -SL_ERR_COUNT; i--)
		assert_string_not_equal(sl_strerror(i), "unknown error");
	assert_string_equal(sl_strerror(-SL_ERR_COUNT - 1), "unknown error");
	assert_string_equal(sl_strerror(SL_EMORE), "consistent so far, more bytes are needed");
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(json_cases) + 3] = { { 0 } };
	size_t n = 0;

	for (; n < SL_COUNT(json_cases); n++)
		tests[n] = (struct CMUnitTest){ json_cases[n].name, json_string, NULL, NULL,
			                        (void *)(uintptr_t)&json_cases[n] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(fields_are_separated);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(what_does_not_fit_is_not_written_in_part);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(words_for_every_error);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
