/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <jansson.h>
#include <stdio.h>

#include "policy/suburl.h"
#include "tests/policy/rows.h"

#define VECTORS SL_SOURCE_DIR "/tests/policy/vectors/suburls.json"

enum { TEXT = 8192 };

/* ---- sets of sub-URLs ---- */

/* All keys of a URL; a key that comes twice fails. */
static json_t *expand(const char *url, enum sl_suburl_profile profile,
                      const struct sl_suburl_parsing *parsing)
{
	static struct sl_suburls s;
	char text[TEXT];
	json_t *set = json_object();
	assert_int_equal(sl_suburls_of(sl_bytes_str(url), profile, parsing, &s), SL_OK);
	for (unsigned head = 0; head < s.n_heads; head++)
		for (unsigned tail = 0; tail < s.n_tails; tail++) {
			if (!sl_suburl_is_key(&s, head, tail))
				continue;
			size_t n = sl_suburl_write(&s, head, tail, text, sizeof(text));
			assert_null(json_object_getn(set, text, n));
			assert_int_equal(json_object_setn_new(set, text, n, json_true()), 0);
		}
	assert_int_equal(json_object_size(set), sl_suburls_count(&s));
	return set;
}

static void print_missing(const char *what, json_t *from, json_t *in)
{
	const char *key;
	json_t *value;
	json_object_foreach(from, key, value) if (json_object_get(in, key) == NULL)
	        print_message("%s: %s\n", what, key);
}

static void assert_set(const char *url, enum sl_suburl_profile profile,
                       const struct sl_suburl_parsing *parsing, const json_t *list)
{
	json_t *got = expand(url, profile, parsing), *want = json_object(), *one;
	size_t i;
	json_array_foreach(list, i, one) json_object_set_new(want, json_string_value(one), json_true());
	print_missing("too many", got, want);
	print_missing("missing", want, got);
	assert_true(json_equal(got, want));
	json_decref(got);
	json_decref(want);
}

/* ---- the documented and recommended expansions ---- */

static json_t *vectors(void)
{
	json_error_t error;
	json_t *all = json_load_file(VECTORS, 0, &error);
	if (all == NULL)
		fail_msg("%s: %s", VECTORS, error.text);
	return all;
}

static void test_documented(void **state)
{
	json_t *all = vectors(), *one;
	size_t i;
	(void)state;
	assert_int_equal(json_array_size(json_object_get(all, "documented")), 2);
	json_array_foreach(json_object_get(all, "documented"), i, one)
	{
		bool old = strcmp(json_string_value(json_object_get(one, "profile")), "ne26") == 0;
		const json_t *list = json_object_get(one, "sub_urls");
		assert_int_equal(json_array_size(list), json_integer_value(json_object_get(one, "count")));
		assert_set(json_string_value(json_object_get(one, "url")),
		           old ? SL_SUBURL_NE26 : SL_SUBURL_NE27, NULL, list);
	}
	json_decref(all);
}

static void test_recommended(void **state)
{
	json_t *all = vectors(), *one;
	size_t i;
	(void)state;
	assert_int_equal(json_array_size(json_object_get(all, "recommended")), 6);
	json_array_foreach(json_object_get(all, "recommended"), i, one)
	{
		const char *url = json_string_value(json_object_get(one, "url"));
		assert_set(url, SL_SUBURL_NE26, NULL, json_object_get(one, "ne26"));
		assert_set(url, SL_SUBURL_NE27, NULL, json_object_get(one, "ne27"));
	}
	json_decref(all);
}

/* ---- what the vectors leave open ---- */

static const struct open_case {
	const char *name, *url;
	enum sl_suburl_profile profile;
	const char *want[28];
} opens[] = {
	{ "NE-CHOICE-31: the case of host and scheme goes, that of the path stays",
	  "HTTPS://Example.COM/A",
	  SL_SUBURL_NE26,
	  { "example.com", "example.com/", "example.com/A", "example.com/A/" } },
	{ "NE-CHOICE-32: a trailing dot goes, U-labels become A-labels (NE-URL-30)",
	  "https://b\xc3\xbc"
	  "cher.example./",
	  SL_SUBURL_NE26,
	  { "xn--bcher-kva.example", "xn--bcher-kva.example/" } },
	{ "NE-CHOICE-33: escapes, dots and repeated slashes stay",
	  "https://example.com/%61/..//b",
	  SL_SUBURL_NE26,
	  { "example.com", "example.com/", "example.com/%61", "example.com/%61/", "example.com/%61/..",
	    "example.com/%61/../", "example.com/%61/..//", "example.com/%61/..//b",
	    "example.com/%61/..//b/" } },
	{ "NE-CHOICE-34: userinfo goes; ne26 drops a default port",
	  "https://u:p@example.com:443/",
	  SL_SUBURL_NE26,
	  { "example.com", "example.com/" } },
	{ "NE-CHOICE-34: another port is the only form of ne26",
	  "http://example.com:443/",
	  SL_SUBURL_NE26,
	  { "example.com:443", "example.com:443/" } },
	{ "NE-CHOICE-34: ne27 has both forms of another port",
	  "http://example.com:8080",
	  SL_SUBURL_NE27,
	  { "example.com", "example.com/", "example.com:8080", "example.com:8080/" } },
	{ "NE-CHOICE-35: IPv6 in brackets",
	  "http://[2001:DB8::1]/",
	  SL_SUBURL_NE27,
	  { "[2001:db8::1]", "[2001:db8::1]/", "[2001:db8::1]:80", "[2001:db8::1]:80/" } },
	{ "NE-CHOICE-38: an empty query and an empty fragment are none",
	  "https://example.com/a?#",
	  SL_SUBURL_NE26,
	  { "example.com", "example.com/", "example.com/a", "example.com/a/" } },
	{ "an empty query before a fragment",
	  "https://example.com/a?#f",
	  SL_SUBURL_NE26,
	  { "example.com", "example.com/", "example.com/a", "example.com/a/", "example.com/a#f",
	    "example.com/a#f/" } },
	{ "ne26 takes the path before a query as it is",
	  "https://example.com/a/?q",
	  SL_SUBURL_NE26,
	  { "example.com", "example.com/", "example.com/a", "example.com/a/", "example.com/a/?q",
	    "example.com/a/?q/" } },
	{ "a query without a path",
	  "https://example.com?q",
	  SL_SUBURL_NE26,
	  { "example.com", "example.com/", "example.com?q", "example.com?q/" } },
	{ "ne27 has both forms of a query of the root",
	  "https://www.example.com/?q",
	  SL_SUBURL_NE27,
	  { "example.com", "example.com/", "example.com?q", "example.com/?q", "example.com:443",
	    "example.com:443/", "example.com:443?q", "example.com:443/?q" } },
	{ "only one www is stripped, and only a whole label",
	  "https://www.www1.example.com",
	  SL_SUBURL_NE27,
	  { "example.com", "example.com/", "example.com:443", "example.com:443/", "www1.example.com",
	    "www1.example.com/", "www1.example.com:443", "www1.example.com:443/" } },
	{ "www is not stripped where it would leave one label, which nobody looks up (NE-URL-34)",
	  "https://www.com",
	  SL_SUBURL_NE27,
	  { "www.com", "www.com/", "www.com:443", "www.com:443/" } },
	{ "without a scheme the port is 443",
	  "example.com",
	  SL_SUBURL_NE27,
	  { "example.com", "example.com/", "example.com:443", "example.com:443/" } },
	{ "both: www from ne26, the port from ne27, and no two crossed",
	  "https://www.example.com/?q",
	  SL_SUBURL_BOTH,
	  { "example.com", "example.com/", "example.com?q", "example.com/?q", "example.com/?q/",
	    "example.com:443", "example.com:443/", "example.com:443?q", "example.com:443/?q",
	    "www.example.com", "www.example.com/", "www.example.com/?q", "www.example.com/?q/" } },
};

static void test_open(void **state)
{
	const struct open_case *c = *state;
	json_t *want = json_array();
	for (size_t i = 0; c->want[i] != NULL; i++)
		json_array_append_new(want, json_string(c->want[i]));
	assert_set(c->url, c->profile, NULL, want);
	json_decref(want);
}

/* NE-CHOICE-30: `both` is the union, for every URL of the vectors and of the table. */
static void assert_union(const char *url)
{
	json_t *old = expand(url, SL_SUBURL_NE26, NULL), *new = expand(url, SL_SUBURL_NE27, NULL);
	json_t *both = expand(url, SL_SUBURL_BOTH, NULL);
	json_object_update(old, new);
	print_missing("too many", both, old);
	print_missing("missing", old, both);
	assert_true(json_equal(old, both));
	json_decref(old);
	json_decref(new);
	json_decref(both);
}

static void test_union(void **state)
{
	json_t *all = vectors(), *one;
	size_t i;
	(void)state;
	json_array_foreach(json_object_get(all, "documented"), i, one)
	        assert_union(json_string_value(json_object_get(one, "url")));
	json_array_foreach(json_object_get(all, "recommended"), i, one)
	        assert_union(json_string_value(json_object_get(one, "url")));
	for (i = 0; i < sizeof(opens) / sizeof(opens[0]); i++)
		assert_union(opens[i].url);
	json_decref(all);
}

static void test_deep(void **state)
{
	static struct sl_suburls s;
	char url[TEXT] = "a.example";
	(void)state;
	for (unsigned i = 0; i < SL_SUBURL_SEGMENTS; i++)
		strcat(url, "/x");
	strcat(url, "/?q#f"); /* the final slash starts no segment */
	assert_int_equal(sl_suburls_of(sl_bytes_str(url), SL_SUBURL_BOTH, NULL, &s), SL_OK);
	assert_false(s.deep);
	assert_int_equal(s.n_tails, SL_SUBURL_TAILS);
	*strchr(url, '?') = 'x';
	assert_int_equal(sl_suburls_of(sl_bytes_str(url), SL_SUBURL_BOTH, NULL, &s), SL_OK);
	assert_true(s.deep);
	assert_int_equal(s.n_tails, 2 + 2 * SL_SUBURL_SEGMENTS);
}

/* ---- parsing configuration ---- */

#define DOC "https://www.example.com/a/b/c?id=123#fragment"

static const struct sl_bytes id_external[] = { SL_BYTES_LIT("id"), SL_BYTES_LIT("external") };
static const struct sl_bytes none_such[] = { SL_BYTES_LIT("none") };

#define NARROW .exclude_scheme = true, .domain = { .strip_www = true }, .path = { .hierarchy = false }

static const struct parsing_case {
	const char *name, *url;
	struct sl_suburl_parsing parsing;
	const char *want; /* among them */
	unsigned n;       /* how many there are */
} parsings[] = {
	{ "NE-URL-38: documented: scheme and path excluded, www stripped",
	  DOC,
	  { .exclude_scheme = true, .domain = { .strip_www = true }, .path = { .excluded = true } },
	  "example.com/%*?id=123#fragment",
	  8 },
	{ "NE-URL-37: documented: parameters in their order",
	  "http://example.com/a/b/c?external&id=123&type=abc",
	  { .exclude_scheme = false, .query = { .parameters = id_external, .n_parameters = 2 } },
	  "http://example.com/a/b/c?id=123&external",
	  4 },
	{ "NE-URL-37: documented: two levels of four",
	  "https://www.sub.example.com",
	  { .exclude_scheme = true, .domain = { .strip_www = true, .levels = 2 } },
	  "example.com",
	  4 },
	{ "levels with the hierarchy: every suffix up to that many",
	  "https://a.b.c.example.com",
	  { .exclude_scheme = true, .domain = { .levels = 3, .hierarchy = true } },
	  "c.example.com",
	  8 },
	{ "more levels than there are",
	  "https://a.example.com",
	  { .exclude_scheme = true, .domain = { .levels = 9 } },
	  "a.example.com",
	  4 },
	{ "www is kept where it is not stripped",
	  "https://www.example.com",
	  { .exclude_scheme = true, .domain = { .strip_www = false } },
	  "www.example.com",
	  4 },
	{ "NE-URL-38: the domain excluded",
	  DOC,
	  { NARROW, .domain.excluded = true },
	  "%*/a/b/c?id=123#fragment",
	  8 },
	{ "NE-URL-38: the query excluded",
	  DOC,
	  { NARROW, .query = { .excluded = true } },
	  "example.com/a/b/c?%*#fragment",
	  8 },
	{ "NE-URL-38: the fragment excluded",
	  DOC,
	  { NARROW, .fragment_excluded = true },
	  "example.com/a/b/c?id=123#%*",
	  8 },
	{ "NE-URL-38: what was not there leaves no placeholder",
	  "https://example.com/a",
	  { NARROW, .query = { .excluded = true }, .fragment_excluded = true },
	  "example.com/a",
	  4 },
	{ "two segments of three",
	  "https://example.com/a/b/c",
	  { .exclude_scheme = true, .path = { .segments = 2 } },
	  "example.com/a/b",
	  4 },
	{ "two segments of three with the hierarchy",
	  "https://example.com/a/b/c",
	  { .exclude_scheme = true, .path = { .segments = 2, .hierarchy = true } },
	  "example.com/a",
	  12 },
	{ "no parameter is left: no query",
	  "https://example.com/a?b=1",
	  { NARROW, .query = { .parameters = none_such, .n_parameters = 1 } },
	  "example.com/a",
	  4 },
	{ "the scheme in front, in lower case",
	  "HTTPS://example.com",
	  { .exclude_scheme = false },
	  "https://example.com",
	  4 },
};

static void test_parsing(void **state)
{
	const struct parsing_case *c = *state;
	json_t *set = expand(c->url, SL_SUBURL_NE27, &c->parsing), *value;
	const char *key;
	if (json_object_get(set, c->want) == NULL || json_object_size(set) != c->n)
		json_object_foreach(set, key, value) print_message("%s\n", key);
	assert_non_null(json_object_get(set, c->want));
	assert_int_equal(json_object_size(set), c->n);
	json_decref(set);
}

static void test_refused(void **state)
{
	static struct sl_suburls s;
	struct sl_suburl_parsing parsing = sl_suburl_parsing_default;
	char url[TEXT] = "example.com/?id=";
	(void)state;
	assert_int_equal(sl_suburls_of(SL_BYTES_LIT("http:///x"), SL_SUBURL_BOTH, NULL, &s), SL_EMALF);
	assert_int_equal(sl_suburls_of(SL_BYTES_LIT("a.example"), SL_SUBURL_NE26, &parsing, &s), SL_EINVAL);
	memset(&url[strlen(url)], 'a', SL_SUBURL_QUERY_MAX);
	parsing.query.parameters = id_external;
	parsing.query.n_parameters = 2;
	assert_int_equal(sl_suburls_of(sl_bytes_str(url), SL_SUBURL_NE27, &parsing, &s), SL_ELIMIT);
}

/* The defaults are those of the documented list (NE-URL-32). */
static void test_default(void **state)
{
	json_t *with = expand(DOC, SL_SUBURL_NE27, &sl_suburl_parsing_default),
	       *without = expand(DOC, SL_SUBURL_NE27, NULL);
	(void)state;
	assert_true(json_equal(with, without));
	json_decref(with);
	json_decref(without);
}

/* ---- entries ---- */

static const struct entry_case {
	const char *name, *in;
	const char *keep, *strip; /* keep NULL: refused; strip NULL: the same */
	unsigned lint;
} entries[] = {
	{ "NE-URL-30: no scheme", "https://example.com/a", "example.com/a", NULL, 0 },
	{ "NE-CHOICE-37: no final slash on a bare host", "http://example.com/", "example.com", NULL, 0 },
	{ "a path keeps its final slash", "example.com/a/", "example.com/a/", NULL, 0 },
	{ "the root keeps its slash before a query", "example.com/?q", "example.com/?q", NULL, 0 },
	{ "an empty query on a bare host", "example.com/?", "example.com", NULL, 0 },
	{ "blanks before an empty fragment are round the entry", "a.example/b?c \t# ", "a.example/b?c", NULL,
	  0 },
	{ "blanks and marks in turn", "a.example/b ? \t# ", "a.example/b", NULL, 0 },
	{ "a question mark in a query is data", "a.example/b??", "a.example/b??", NULL, 0 },
	{ "a question mark in a fragment is data", "a.example/b#?", "a.example/b#?", NULL, 0 },
	{ "a hash in a fragment is data", "a.example/b##", "a.example/b##", NULL, 0 },
	{ "a fragment is kept", "example.com/a#f", "example.com/a#f", NULL, 0 },
	{ "an empty query before a fragment goes", "example.com/a?#f", "example.com/a#f", NULL, 0 },
	{ "userinfo goes", "ftp://u@example.com", "example.com", NULL, 0 },
	{ "a port that the scheme implies goes", "https://example.com:443/a", "example.com/a", NULL, 0 },
	{ "a port that somebody wrote without a scheme stays", "example.com:443/a", "example.com:443/a", NULL,
	  0 },
	{ "another port stays", "http://example.com:8080", "example.com:8080", NULL, 0 },
	{ "IPv6 in brackets", "http://[2001:DB8::1]/", "[2001:db8::1]", NULL, 0 },
	{ "the host in A-labels and lower case, the path as it is",
	  "B\xc3\xbc"
	  "cher.example/A",
	  "xn--bcher-kva.example/A", NULL, 0 },
	{ "NE-URL-33: www", "https://www.example.com/a", "www.example.com/a", "example.com/a", SL_LINT_WWW },
	{ "www of a site that is called so", "www.com", "www.com", NULL, 0 },
	{ "one label", "localhost", "localhost", NULL, SL_LINT_LABEL },
	{ "an escape in lower case", "a.example/%c3%BC", "a.example/%c3%BC", NULL, SL_LINT_ESCAPE },
	{ "an escape of a letter", "a.example/%41", "a.example/%41", NULL, SL_LINT_ESCAPE },
	{ "an escape that is as it should be", "a.example/%C3%BC%2F", "a.example/%C3%BC%2F", NULL, 0 },
	{ "an escape that is none", "a.example/%zz", "a.example/%zz", NULL, SL_LINT_BYTES },
	{ "a cut escape", "a.example/%4", "a.example/%4", NULL, SL_LINT_BYTES },
	{ "dot segments", "a.example/b/../c", "a.example/b/../c", NULL, SL_LINT_DOTS },
	{ "empty segments", "a.example//b", "a.example//b", NULL, SL_LINT_SLASHES },
	{ "bytes that no client sends", "a.example/\xc3\xbc", "a.example/\xc3\xbc", NULL, SL_LINT_BYTES },
	{ "a slash behind a query", "a.example/b?c/", "a.example/b?c/", NULL, SL_LINT_END },
	{ "no host is refused", "https:///a", NULL, NULL, 0 },
};

static void assert_form(const struct sl_suburl_entry *e, enum sl_suburl_www www, unsigned i, const char *want)
{
	char text[TEXT];
	size_t n = sl_suburl_entry_write(e, www, i, text, sizeof(text) - 1);
	text[n] = '\0';
	assert_string_equal(text, want);
}

static void test_entry(void **state)
{
	const struct entry_case *c = *state;
	struct sl_suburl_entry e;
	const char *strip = c->strip == NULL ? c->keep : c->strip;
	assert_int_equal(sl_suburl_entry_read(sl_bytes_str(c->in), &e), c->keep == NULL ? SL_EMALF : SL_OK);
	if (c->keep == NULL)
		return;
	assert_int_equal(e.lint, c->lint);
	assert_int_equal(e.www, c->strip != NULL);
	assert_int_equal(sl_suburl_entry_forms(&e, SL_WWW_KEEP), 1);
	assert_form(&e, SL_WWW_KEEP, 0, c->keep);
	assert_int_equal(sl_suburl_entry_forms(&e, SL_WWW_STRIP), 1);
	assert_form(&e, SL_WWW_STRIP, 0, strip);
	assert_int_equal(sl_suburl_entry_forms(&e, SL_WWW_BOTH), c->strip == NULL ? 1 : 2);
	assert_form(&e, SL_WWW_BOTH, 0, strip);
	assert_form(&e, SL_WWW_BOTH, 1, c->keep);
}

/* NE-PIR-13: an entry in canonical form is among the sub-URLs of the URL that it was made from, or its lint says why not. */
static void test_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		const struct entry_case *c = &entries[i];
		if (c->keep == NULL)
			continue;
		json_t *old = expand(c->in, SL_SUBURL_NE26, NULL), *new = expand(c->in, SL_SUBURL_NE27, NULL);
		const char *strip = c->strip == NULL ? c->keep : c->strip;
		bool port = strstr(c->keep, ":443") != NULL; /* ne26 drops it */
		assert_int_equal(json_object_get(old, c->keep) != NULL, !port);
		assert_int_equal(json_object_get(new, strip) != NULL, 1);
		assert_int_equal(json_object_get(new, c->keep) != NULL, (c->lint & SL_LINT_WWW) == 0);
		json_decref(old);
		json_decref(new);
	}
}

int main(void)
{
	struct rows rows = { .n = 0 };
	add_row(&rows, "NE-URL-31, -32: both documented lists, 24 and 48 sub-URLs", test_documented, NULL);
	add_row(&rows, "NE-URL-33..35, NE-CHOICE-30..36: the recommended expansions", test_recommended, NULL);
	ADD_ROWS(&rows, opens, test_open);
	add_row(&rows, "NE-CHOICE-30: both is the union, no key twice", test_union, NULL);
	add_row(&rows, "a path that is too deep says so", test_deep, NULL);
	ADD_ROWS(&rows, parsings, test_parsing);
	add_row(&rows, "what cannot be expanded is refused", test_refused, NULL);
	add_row(&rows, "NE-URL-32: the default parsing configuration is that of the documented list",
	        test_default, NULL);
	ADD_ROWS(&rows, entries, test_entry);
	add_row(&rows, "NE-PIR-13: what an entry is written as is what is asked for", test_found, NULL);
	return run_rows("policy/suburl", &rows);
}
