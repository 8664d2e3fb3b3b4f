/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <time.h>

#include "policy/suburl.h"
#include "tests/policy/rows.h"

enum { TEXT = 2 * SL_SUBURL_REGEX_URL };

#define HOST "https?://(?<host>[^/:]+)"

static const struct text_case {
	const char *name, *pattern, *url;
	const char *want; /* NULL: nothing is looked up */
} texts[] = {
	{ "NE-URL-39: documented: the domain by the name host", "https?://(?<host>[^/]+)",
	  "https://www.example.com/a", "host=www.example.com" },
	{ "NE-URL-39: documented: a space between pairs, in the order of the groups",
	  HOST "(?<path>/[^?]*)\\?id=(?<id>[0-9]+)", "http://example.com/a/b?id=7",
	  "host=example.com path=/a/b id=7" },
	{ "the order is that of the groups, not of the names", "https?://(?<z>[^/]+)/(?<a>.*)",
	  "http://example.com/x", "z=example.com a=x" },
	{ "NE-URL-39: documented: groups without a name do not appear", "(https?)://(?<host>[^/]+)(/.*)",
	  "http://example.com/x", "host=example.com" },
	{ "NE-URL-39: documented: without regard to case", "HTTPS://(?<host>[A-Z.]+)/ADS",
	  "https://example.com/ads", "host=example.com" },
	{ "values stay as they are", HOST "(?<path>/.*)", "https://example.com/A%2f//?B#C",
	  "host=example.com path=/A%2f//?B#C" },
	{ "NE-URL-30: the host is in A-labels and lower case before it is matched", HOST,
	  "HTTPS://B\xc3\xbc"
	  "cher.Example./",
	  "host=xn--bcher-kva.example" },
	{ "NE-CHOICE-34: userinfo goes, a port that is named stays", "https?://(?<a>[^/]+)",
	  "http://u:p@example.com:80/", "a=example.com:80" },
	{ "without a scheme it is https", "(?<all>.*)", "example.com", "all=https://example.com" },
	{ "IPv6 in brackets", "//(?<a>[^/]+)", "http://[2001:DB8::1]/", "a=[2001:db8::1]" },
	{ "a group that took no part does not appear", HOST "(/b(?<b>.*)|/c(?<c>.*))",
	  "https://example.com/cx", "host=example.com c=x" },
	{ "a group that is empty has an empty value", HOST "/(?<rest>.*)", "https://example.com/",
	  "host=example.com rest=" },
	{ "what does not match is not looked up", "http://(?<host>[^/]+)/ads", "https://example.com/ads",
	  NULL },
	{ "what matches, but by no named group, is not looked up", "(https)|(?<ftp>ftp)",
	  "https://example.com/", NULL },
	{ "the dialect's other names", "(?P<host>example\\.com)(?'path'/.*)", "https://example.com/a",
	  "host=example.com path=/a" },
};

static void make(const char *pattern, struct sl_suburl_regex **out)
{
	struct sl_suburl_regex_fault why = { 0, "" };
	if (sl_suburl_regex_new(sl_bytes_str(pattern), out, &why) != SL_OK)
		fail_msg("%s: at %zu: %s", pattern, why.at, why.text);
}

static void test_text(void **state)
{
	const struct text_case *c = *state;
	static struct sl_suburls s;
	char text[TEXT];
	struct sl_suburl_parsing parsing = sl_suburl_parsing_default;
	struct sl_suburl_regex *regex = NULL;
	make(c->pattern, &regex);
	parsing.regex = regex;
	parsing.domain.excluded = parsing.path.excluded = true; /* which has no effect */
	assert_int_equal(sl_suburls_of(sl_bytes_str(c->url), SL_SUBURL_NE27, &parsing, &s), SL_OK);
	assert_int_equal(sl_suburls_count(&s), c->want == NULL ? 0 : 1);
	if (c->want != NULL) {
		text[sl_suburl_write(&s, 0, 0, text, sizeof(text) - 1)] = '\0';
		assert_string_equal(text, c->want);
		assert_true(sl_suburl_regex_is_text(regex, sl_bytes_str(text)));
	}
	assert_false(sl_suburl_regex_is_text(regex, SL_BYTES_LIT("example.com")));
	sl_suburl_regex_free(&regex);
	assert_null(regex);
}

static const struct refused_case {
	const char *name, *pattern;
	int err;
	const char *why; /* a part of it */
	size_t at;
} refused[] = {
	{ "NE-URL-39: documented: without a named group", "https?://([^/]+)", SL_EINVAL, "no named group",
	  0 },
	{ "NE-URL-39: documented: a name that is not alphanumeric", "(?<a_b>x)", SL_EINVAL, "ASCII letters",
	  0 },
	{ "a parenthesis that nobody closes", "(?<host>[^/]+", SL_EMALF, "parenthesis", 13 },
	{ "two groups of one name", "(?<a>x)(?<a>y)", SL_EMALF, "same name", 12 },
	{ "single bytes of characters", "(?<a>\\C)", SL_EMALF, "", 0 },
	{ "what is no UTF-8", "(?<a>\xff)", SL_EMALF, "UTF-8", 0 },
	{ "nothing", "", SL_EINVAL, "no named group", 0 },
};

static void test_refused(void **state)
{
	const struct refused_case *c = *state;
	struct sl_suburl_regex *regex = NULL;
	struct sl_suburl_regex_fault why = { 99, "" };
	assert_int_equal(sl_suburl_regex_new(sl_bytes_str(c->pattern), &regex, &why), c->err);
	assert_null(regex);
	assert_true(why.text[0] != '\0');
	if (strstr(why.text, c->why) == NULL)
		fail_msg("%s", why.text);
	assert_true(c->at == 0 || why.at == c->at);
}

static void test_too_long(void **state)
{
	static char pattern[SL_SUBURL_REGEX_PATTERN + 2], url[TEXT] = "https://example.com/";
	struct sl_suburl_regex *regex = NULL;
	struct sl_suburl_regex_fault why;
	char text[TEXT];
	size_t len = 99;
	(void)state;
	memset(pattern, 'a', SL_SUBURL_REGEX_PATTERN + 1);
	memcpy(pattern, "(?<a>x)", 7);
	assert_int_equal(sl_suburl_regex_new(sl_bytes_str(pattern), &regex, &why), SL_ELIMIT);
	pattern[SL_SUBURL_REGEX_PATTERN] = '\0';
	make(pattern, &regex);
	sl_suburl_regex_free(&regex);
	make("(?<a>.*)", &regex);
	memset(url + strlen(url), 'b', SL_SUBURL_REGEX_URL - strlen(url));
	assert_int_equal(sl_suburl_regex_text(regex, sl_bytes_str(url), text, sizeof(text), &len), SL_OK);
	assert_int_equal(len, SL_SUBURL_REGEX_URL + 2);
	assert_int_equal(sl_suburl_regex_text(regex, sl_bytes_str(url), text, len - 1, &len), SL_ELIMIT);
	assert_int_equal(len, 0);
	url[SL_SUBURL_REGEX_URL] = 'b';
	assert_int_equal(sl_suburl_regex_text(regex, sl_bytes_str(url), text, sizeof(text), &len), SL_ELIMIT);
	sl_suburl_regex_free(&regex);
}

/* Patterns that take exponential, cubic and quadratic time, on a URL made for them: an answer or SL_ELIMIT, in time. */
static void test_time(void **state)
{
	static const struct {
		const char *pattern;
		int want;
	} slow[] = {
		{ "(?<a>(a+)+)b$", SL_ELIMIT },
		{ "(?<a>a*a*a*)[jk]", SL_ELIMIT },
		{ "(?<a>(a|aa)+)b$", SL_ELIMIT },
		{ "(?<a>(?:a{0,20}){0,40})[jk]", SL_ELIMIT },
		{ "(?<a>(.*)(.*)(.*)[jk]\\1)", SL_ELIMIT },
		{ "^https://(?<a>.*)/(?<b>[^/]*)$", SL_OK },
		{ "(?<a>a*)[jk]", SL_ENOENT }, /* quadratic */
	};
	char url[SL_SUBURL_REGEX_URL + 1] = "https://a.example/", text[TEXT];
	(void)state;
	memset(url + strlen(url), 'a', SL_SUBURL_REGEX_URL - strlen(url));
	memcpy(url + SL_SUBURL_REGEX_URL - 2, "bc", 3); /* what is looked for last is there */
	for (size_t i = 0; i < sizeof(slow) / sizeof(slow[0]); i++) {
		struct sl_suburl_regex *regex = NULL;
		size_t len;
		make(slow[i].pattern, &regex);
		clock_t from = clock();
		int err = sl_suburl_regex_text(regex, sl_bytes_str(url), text, sizeof(text), &len);
		double seconds = (double)(clock() - from) / CLOCKS_PER_SEC;
		if (err != slow[i].want || seconds > 2)
			fail_msg("%s: %d after %.3f s", slow[i].pattern, err, seconds);
		sl_suburl_regex_free(&regex);
	}
}

static void test_profiles(void **state)
{
	static struct sl_suburls s;
	struct sl_suburl_parsing parsing = sl_suburl_parsing_default;
	struct sl_suburl_regex *regex = NULL;
	(void)state;
	make(HOST, &regex);
	parsing.regex = regex;
	assert_int_equal(sl_suburls_of(SL_BYTES_LIT("a.example"), SL_SUBURL_NE26, &parsing, &s), SL_EINVAL);
	assert_int_equal(sl_suburls_of(SL_BYTES_LIT("a.example"), SL_SUBURL_BOTH, &parsing, &s), SL_EINVAL);
	assert_int_equal(sl_suburls_of(SL_BYTES_LIT("http:///x"), SL_SUBURL_NE27, &parsing, &s), SL_EMALF);
	sl_suburl_regex_free(&regex);
}

int main(void)
{
	struct rows rows = { .n = 0 };
	ADD_ROWS(&rows, texts, test_text);
	ADD_ROWS(&rows, refused, test_refused);
	add_row(&rows, "a pattern, a URL and a text that are too long", test_too_long, NULL);
	add_row(&rows, "no pattern takes long", test_time, NULL);
	add_row(&rows, "NE-URL-39: ne27 alone has it", test_profiles, NULL);
	return run_rows("policy/suburl_regex", &rows);
}
