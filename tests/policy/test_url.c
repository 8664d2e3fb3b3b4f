/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "policy/url.h"
#include "tests/policy/rows.h"

static const struct url_case {
	const char *name, *in;
	const char *host, *path; /* host NULL: refused */
	uint16_t port;
} urls[] = {
	{ "a bare host", "Example.com", "example.com", "/", 0 },
	{ "scheme and host in any case", "HTTPS://EXAMPLE.com", "example.com", "/", 0 },
	{ "no scheme but slashes", "//example.com/x", "example.com", "/x", 0 },
	{ "userinfo is no part of the host", "http://user:pw@example.com/", "example.com", "/", 0 },
	{ "the host is behind the last @", "http://a@evil.example@example.com/", "example.com", "/", 0 },
	{ "an @ in the path is no userinfo", "example.com/@evil.example", "example.com", "/@evil.example",
	  0 },
	{ "an @ in the query is no userinfo", "example.com?@evil.example", "example.com", "/?@evil.example",
	  0 },
	{ "a port is told apart", "example.com:8080/x", "example.com", "/x", 8080 },
	{ "leading zeros of a port", "http://example.com:00443/", "example.com", "/", 443 },
	{ "an empty port is none (RFC 3986 3.2.3)", "http://example.com:/x", "example.com", "/x", 0 },
	{ "a scheme that lost a slash is no host with an empty port", "http:/example.com", NULL, NULL, 0 },
	{ "what stands before the @ is userinfo, whatever it looks like", "mailto:a@example.com",
	  "example.com", "/", 0 },
	{ "a port above 65535 is refused", "example.com:65536", NULL, NULL, 0 },
	{ "port 0 is refused", "example.com:0", NULL, NULL, 0 },
	{ "a port of letters is refused", "example.com:http/x", NULL, NULL, 0 },
	{ "IPv6 with a port", "http://[2001:db8::1]:8080/x", "2001:db8::1", "/x", 8080 },
	{ "IPv6 in brackets without a port", "[2001:db8::1]/x", "2001:db8::1", "/x", 0 },
	{ "bare IPv6", "2001:db8::1", "2001:db8::1", "/", 0 },
	{ "something between bracket and port is refused", "[::1]x:80", NULL, NULL, 0 },
	{ "an odd IPv4 literal", "http://0x7f.1/x", "127.0.0.1", "/x", 0 },
	{ "an IDN",
	  "http://b\xc3\xbc"
	  "cher.example/\xc3\xbc",
	  "xn--bcher-kva.example", "/%C3%BC", 0 },
	{ "a fragment directly behind the host", "http://example.com#x", "example.com", "/", 0 },
	{ "a query directly behind the host", "http://example.com?a=1", "example.com", "/?a=1", 0 },
	{ "a URL in the query is no scheme", "example.com?u=http://a.example/", "example.com",
	  "/?u=http://a.example/", 0 },
	{ "blanks round it are not part of it", "  example.com/x \t", "example.com", "/x", 0 },
	{ "a backslash in the authority is refused", "http://example.com\\@a.example/", NULL, NULL, 0 },
	{ "no host is refused", "http:///x", NULL, NULL, 0 },
	{ "a path alone is refused", "/x", NULL, NULL, 0 },
	{ "nothing is refused", "", NULL, NULL, 0 },
};

static void test_url(void **state)
{
	const struct url_case *c = *state;
	struct sl_url got;
	assert_int_equal(sl_url_canon(sl_bytes_str(c->in), &got), c->host == NULL ? SL_EMALF : SL_OK);
	if (c->host == NULL)
		return;
	assert_string_equal(got.host.name, c->host);
	assert_string_equal(got.path, c->path);
	assert_int_equal(got.path_len, strlen(c->path));
	assert_int_equal(got.has_path, strcmp(c->path, "/") != 0);
	assert_int_equal(got.port, c->port);
	assert_false(got.cut);
}

static const struct path_case {
	const char *name, *in, *want;
} paths[] = {
	{ "nothing is the root", "", "/" },
	{ "the case of a path matters", "/Ads", "/Ads" },
	{ "what does not start with a slash gets one", "ads", "/ads" },
	{ "a query alone", "?a", "/?a" },
	{ "dot segments go (RFC 3986 5.2.4)", "/a/b/c/./../../g", "/a/g" },
	{ "the other example of RFC 3986", "mid/content=5/../6", "/mid/6" },
	{ "a dot at the end leaves the slash", "/a/.", "/a/" },
	{ "two dots at the end leave the slash", "/a/b/..", "/a/" },
	{ "two dots do not climb above the root", "/../../a", "/a" },
	{ "three dots are a name", "/a/.../b", "/a/.../b" },
	{ "a name that starts with dots is one", "/..a/.b", "/..a/.b" },
	{ "escaped dots are dots", "/a/%2e%2E/b", "/b" },
	{ "half escaped dots are dots", "/a/.%2e/b", "/b" },
	{ "empty segments are merged", "//a///b//", "/a/b/" },
	{ "two dots behind merged segments take a name back", "/a//../b", "/b" },
	{ "escapes of unreserved characters are decoded (6.2.2.2)", "/%61%44%73%7e%5F", "/aDs~_" },
	{ "escapes of others are upper case (6.2.2.1)", "/a%2fb%3f", "/a%2Fb%3F" },
	{ "escapes are decoded once", "/%2561", "/%2561" },
	{ "a percent sign that starts no escape is data", "/100%", "/100%25" },
	{ "a percent sign before one digit is data", "/%4", "/%254" },
	{ "a percent sign before letters is data", "/%zz", "/%25zz" },
	{ "raw bytes are written as clients write them", "/a b\"<\xc3\xbc>", "/a%20b%22%3C%C3%BC%3E" },
	{ "a fragment goes", "/a#b", "/a" },
	{ "a fragment goes with the question mark in it", "/a#b?c", "/a" },
	{ "a query is kept", "/a?b=1&c=2", "/a?b=1&c=2" },
	{ "an empty query is none", "/a?", "/a" },
	{ "dots and slashes in a query are data", "/a?b=/../c//d", "/a?b=/../c//d" },
	{ "NE-URL-32: a slash before the query makes no difference", "/a/b/?c", "/a/b?c" },
	{ "but for that of the root", "/?c", "/?c" },
	{ "and what dots leave", "/a/b/..?c", "/a?c" },
	{ "dots that are half escaped and followed by more are a name", "/a/%2e.b", "/a/..b" },
	{ "escapes in a query are brought into one form", "/a?%62=%2f", "/a?b=%2F" },
	{ "browsers escape an apostrophe in a query", "/a'b?c='d'", "/a'b?c=%27d%27" },
	{ "a second question mark is data", "/a?b?c", "/a?b?c" },
};

static void test_path(void **state)
{
	const struct path_case *c = *state;
	char got[SL_PATH_MAX + 1];
	uint16_t len = 0;
	sl_path_canon(sl_bytes_str(c->in), got, &len);
	assert_string_equal(got, c->want);
	assert_int_equal(len, strlen(c->want));
}

/* A path of a head, n times a byte, and a tail. */
static const struct long_case {
	const char *name, *head;
	int byte;
	size_t n;
	const char *tail;
	size_t want_len;
	bool cut;
} longs[] = {
	{ "a path that just fits is kept", "/", 'a', SL_PATH_MAX - 1, "", SL_PATH_MAX, false },
	{ "a longer segment is cut off whole", "/b/", 'a', SL_PATH_MAX, "", 3, true },
	{ "one byte too many cuts too", "/", 'a', SL_PATH_MAX, "", 1, true },
	{ "a slash that does not fit cuts its segment", "/b/", 'a', SL_PATH_MAX - 3, "/", 3, true },
	{ "a long segment that is taken back was never there", "/b/", 'a', 3UL * SL_PATH_MAX, "/../c", 4,
	  false },
	{ "dots that take back one of two long ones", "/b/", 'a', SL_PATH_MAX, "/x/../c", 3, true },
	{ "dots behind a path that is nearly full", "/", 'a', SL_PATH_MAX - 2, "/../c", 2, false },
	{ "NE-URL-35: a query that does not fit goes whole, or it would be another one", "/b?x=1&y=", 'a',
	  SL_PATH_MAX, "", 2, true },
	{ "so does one of a root", "?y=", 'a', SL_PATH_MAX, "", 1, true },
	{ "a query that just fits is kept", "/b?y=", 'a', SL_PATH_MAX - 5, "", SL_PATH_MAX, false },
	{ "a query behind a path that was cut goes", "/b/", 'a', SL_PATH_MAX, "?x", 3, true },
	{ "escapes count as they are written", "/", ' ', SL_PATH_MAX / 3, "", 1 + SL_PATH_MAX / 3 * 3,
	  false },
};

static void test_long(void **state)
{
	const struct long_case *c = *state;
	static const char host[] = "example.com";
	size_t head = strlen(c->head), tail = strlen(c->tail), len = sizeof(host) - 1 + head + c->n + tail;
	char *text = malloc(len);
	struct sl_url url;
	assert_non_null(text);
	memcpy(text, host, sizeof(host) - 1);
	memcpy(text + sizeof(host) - 1, c->head, head);
	memset(text + sizeof(host) - 1 + head, c->byte, c->n);
	memcpy(text + len - tail, c->tail, tail);
	if (c->byte == ' ')
		text[len - 1] = '<'; /* blanks at the end would be trimmed */
	assert_int_equal(sl_url_canon(sl_bytes_of(text, len), &url), SL_OK);
	assert_int_equal(url.path_len, c->want_len);
	assert_int_equal(url.path_len, strlen(url.path));
	assert_int_equal(url.cut, c->cut);
	free(text);
}

int main(void)
{
	struct rows rows = { .n = 0 };
	ADD_ROWS(&rows, urls, test_url);
	ADD_ROWS(&rows, paths, test_path);
	ADD_ROWS(&rows, longs, test_long);
	return run_rows("policy/url", &rows);
}
