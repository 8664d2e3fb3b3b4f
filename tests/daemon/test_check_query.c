/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/check_query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/util.h"

static struct sl_policy *policy;

static void add(struct sl_policy_builder *b, const char *name, enum sl_list_kind kind,
                enum sl_list_format format, const char *text)
{
	const struct sl_policy_list list = { .name = name,
		                             .kind = kind,
		                             .cfg = { .file = name, .format = format } };
	assert_int_equal(sl_policy_builder_add(b, &list, sl_bytes_str(text), NULL, NULL), SL_OK);
}

static int build(void **state)
{
	struct sl_policy_builder *b = NULL;
	(void)state;
	assert_int_equal(sl_policy_builder_new(&b), SL_OK);
	add(b, "ads", SL_LIST_BLOCK, SL_FORMAT_DOMAINS, "# ads\nads.example\n*.cdn.example\n");
	add(b, "urls", SL_LIST_BLOCK, SL_FORMAT_URLS, "news.example/ads\n");
	add(b, "mine", SL_LIST_ALLOW, SL_FORMAT_DOMAINS, "good.ads.example\n");
	int err = sl_policy_builder_finish(b, &policy);
	sl_policy_builder_free(&b);
	return err;
}

static int drop(void **state)
{
	(void)state;
	sl_policy_free(&policy);
	return 0;
}

#define NOTHING "\"list\":null,\"line\":null,\"key\":null,"

static struct query_case {
	const char *name, *input,
	        *want; /* without "input", which is compared with input where that is UTF-8 */
} cases[] = {
	{ "no list speaks of it", "example.com",
	  "{\"verdict\":\"allow\"," NOTHING "\"letter\":\"h\",\"host\":\"example.com\"}" },
	{ "a blocked domain, in another spelling", "ADS.example.",
	  "{\"verdict\":\"block\",\"list\":\"ads\",\"line\":2,\"key\":\"ads.example\",\"letter\":\"g\","
	  "\"host\":\"ads.example\"}" },
	{ "a subdomain of it, as a URL with a port", "https://x.ads.example:8443/a?b",
	  "{\"verdict\":\"block\",\"list\":\"ads\",\"line\":2,\"key\":\"ads.example\",\"letter\":\"g\","
	  "\"host\":\"x.ads.example\"}" },
	{ "an allow list wins", "good.ads.example",
	  "{\"verdict\":\"allow\",\"list\":\"mine\",\"line\":1,\"key\":\"good.ads.example\",\"letter\":\"f\","
	  "\"host\":\"good.ads.example\"}" },
	{ "NE-CHOICE-39: a path counts with http", "http://news.example/ads/1",
	  "{\"verdict\":\"block\",\"list\":\"urls\",\"line\":1,\"key\":\"news.example/"
	  "ads\",\"letter\":\"g\",\"host\":\"news.example\"}" },
	{ "and where no scheme is named", "news.example/ads/1",
	  "{\"verdict\":\"block\",\"list\":\"urls\",\"line\":1,\"key\":\"news.example/"
	  "ads\",\"letter\":\"g\",\"host\":\"news.example\"}" },
	{ "its sibling passes", "http://news.example/adsense",
	  "{\"verdict\":\"allow\"," NOTHING "\"letter\":\"h\",\"host\":\"news.example\"}" },
	{ "NE-CHOICE-39: with https only the host counts, and the difference is told",
	  "HTTPS://news.example/ads/1",
	  "{\"verdict\":\"allow\"," NOTHING
	  "\"letter\":\"h\",\"host\":\"news.example\",\"over_http\":{\"verdict\":\"block\","
	  "\"list\":\"urls\",\"line\":1,\"key\":\"news.example/ads\"}}" },
	{ "NE-CHOICE-39: a fragment never counts", "http://news.example/#/ads",
	  "{\"verdict\":\"allow\"," NOTHING "\"letter\":\"h\",\"host\":\"news.example\"}" },
	{ "with https and another path there is no difference", "https://news.example/other",
	  "{\"verdict\":\"allow\"," NOTHING "\"letter\":\"h\",\"host\":\"news.example\"}" },
	{ "a URL inside a path is no scheme", "news.example/ads?u=https://x.example/",
	  "{\"verdict\":\"block\",\"list\":\"urls\",\"line\":1,\"key\":\"news.example/"
	  "ads\",\"letter\":\"g\",\"host\":\"news.example\"}" },
	{ "what is no host is an error, not an allow", "not a host",
	  "{\"verdict\":null," NOTHING
	  "\"letter\":null,\"host\":null,\"error\":\"not a host name or URL\"}" },
	{ "nothing at all is an error", "",
	  "{\"verdict\":null," NOTHING
	  "\"letter\":null,\"host\":null,\"error\":\"not a host name or URL\"}" },
	{ "bytes that are not UTF-8 are an error", "ads\xff.example",
	  "{\"verdict\":null," NOTHING "\"letter\":null,\"host\":null,\"error\":\"not UTF-8\"}" },
};

static void test_query(void **state)
{
	const struct query_case *c = *state;
	json_t *got = sl_check_query(policy, c->input, false), *want = json_loads(c->want, 0, NULL);

	assert_non_null(got);
	assert_non_null(want);
	if (sl_check_query_unfit(c->input) == NULL)
		assert_string_equal(json_string_value(json_object_get(got, "input")), c->input);
	(void)json_object_del(got, "input");
	if (!json_equal(got, want))
		fail_msg("got  %s\nwant %s", json_dumps(got, 0), c->want);
	json_decref(got);
	json_decref(want);
}

static void test_too_long(void **state)
{
	static char input[SL_CHECK_INPUT_MAX + 2];
	(void)state;
	memset(input, 'a', SL_CHECK_INPUT_MAX + 1);
	json_t *got = sl_check_query(NULL, input, false);
	assert_string_equal(json_string_value(json_object_get(got, "error")), "longer than 8192 bytes");
	json_decref(got);
}

int main(void)
{
	struct CMUnitTest tests[SL_COUNT(cases) + 1];
	for (size_t i = 0; i < SL_COUNT(cases); i++)
		tests[i] = (struct CMUnitTest){ cases[i].name, test_query, NULL, NULL, &cases[i] };
	tests[SL_COUNT(cases)] =
	        (struct CMUnitTest){ "an input over 8 KiB is an error", test_too_long, NULL, NULL, NULL };
	return cmocka_run_group_tests_name("daemon/check_query", tests, build, drop);
}
