/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/policy.h"
#include "tests/policy/list_rows.h"

static const struct list_case lists[] = {
	{ "line 2: a name of a domain list is a tree", SL_FORMAT_DOMAINS, 0, "example.com\n",
	  "1 example.com tree", NULL, 0 },
	{ "line 5: a single label is a name", SL_FORMAT_DOMAINS, 0, "com\n", "1 com tree", NULL, 0 },
	{ "line 2: *.x in a list file is a tree", SL_FORMAT_DOMAINS, 0, "*.example.com\n",
	  "1 example.com tree", NULL, 0 },
	{ "line 2: *.x with wildcard = below is below", SL_FORMAT_DOMAINS, BELOW, "*.a.example\nb.example\n",
	  "1 a.example below, 2 b.example tree", NULL, 0 },
	{ "a leading dot is a tree, whatever wildcards are", SL_FORMAT_DOMAINS, BELOW, ".example.com\n",
	  "1 example.com tree", NULL, 0 },
	{ "comments, blank lines, CRLF, blanks and a BOM are no names", SL_FORMAT_DOMAINS, 0,
	  "\xef\xbb\xbf# c\r\n! c\r\n\r\n  A.example \t\r\nb.example # c\r\nc.example\t#c\r\n \r\nd.example",
	  "4 a.example tree, 5 b.example tree, 6 c.example tree, 8 d.example tree", NULL, 0 },
	{ "a # inside a word is no comment, or an element rule would widen to its site", SL_FORMAT_DOMAINS, 0,
	  "example.com##.ad\n", "", "l:1: refused \"example.com##.ad\": not a valid host name", 1 },
	{ "IDN and the root's dot are brought into one form", SL_FORMAT_DOMAINS, 0,
	  "B\xc3\xbc"
	  "cher.example.\n",
	  "1 xn--bcher-kva.example tree", NULL, 0 },
	{ "line 2: an address is one of destinations", SL_FORMAT_DOMAINS, 0, "192.0.2.1\n2001:DB8::1\n",
	  "1 192.0.2.1 address, 2 2001:db8::1 address", NULL, 0 },
	{ "a wildcard below an address is refused", SL_FORMAT_DOMAINS, 0, "*.192.0.2.1\n", "",
	  "nothing below", 1 },
	{ "line 2: what would match everything is refused", SL_FORMAT_DOMAINS, 0, "*\n*.\n.\na.example\n",
	  "4 a.example tree", "l:2: refused \"*.\": would match every name", 3 },
	{ "a star elsewhere is refused", SL_FORMAT_DOMAINS, 0, "ads*.example\n*ads.example\na.*.example\n",
	  "", "l:1: refused \"ads*.example\": a \"*\" is known only", 3 },
	{ "line 2: a path in a list of names is refused, not widened", SL_FORMAT_DOMAINS, 0,
	  "example.com/ads\n", "", "the format \"urls\" has paths", 1 },
	{ "a port in a list of names is refused, not widened", SL_FORMAT_DOMAINS, 0, "example.com:80\n", "",
	  "not a valid", 1 },
	{ "line 2: a prefix of addresses is one of destinations", SL_FORMAT_DOMAINS, 0,
	  "192.0.2.0/24\n2001:db8::/32\n", "1 192.0.2.0/24 address, 2 2001:db8::/32 address", NULL, 0 },
	{ "a prefix with bits beyond its length is refused", SL_FORMAT_DOMAINS, 0, "192.0.2.1/24\n", "",
	  "with bits set beyond its length", 1 },
	{ "a prefix of all addresses is refused", SL_FORMAT_DOMAINS, 0, "0.0.0.0/0\n::/0\n", "",
	  "would match every address", 2 },
	{ "two words are refused", SL_FORMAT_DOMAINS, 0, "0.0.0.0 example.com\n", "", "more than one word",
	  1 },
	{ "bytes that names in lists do not have are refused", SL_FORMAT_DOMAINS, 0,
	  "||a.example^\na$b.example\n", "", "l:2: refused \"a$b.example\": a character", 2 },
	{ "messages show no control characters", SL_FORMAT_DOMAINS, 0, "a\x1b[2J.example\n", "",
	  "refused \"a?[2J.example\"", 1 },
	{ "the first five refused lines are told, then the total", SL_FORMAT_DOMAINS, 0,
	  "/\n/\n/\n/\n/\n/\nx\n", "7 x tree",
	  "l:5: refused \"/\": a path in a list of names; the format \"urls\" has paths\n"
	  "l:0: 6 of 7 lines were refused; the first 5 are named above\n"
	  "l:1: 6 refused, this line first: a path in a list of names; the format \"urls\" has paths\n",
	  6 },

	{ "line 2: a name of a hosts file is exact", SL_FORMAT_HOSTS, 0, "0.0.0.0 Example.com\n",
	  "1 example.com exact", NULL, 0 },
	{ "line 2: with subdomains it is a tree", SL_FORMAT_HOSTS, TREE,
	  "0.0.0.0 example.com\n0.0.0.0 192.0.2.1\n", "1 example.com tree, 2 192.0.2.1 address", NULL, 0 },
	{ "every address that leads nowhere is known", SL_FORMAT_HOSTS, 0,
	  "127.0.0.1 a.example\n:: b.example\n::1\tc.example\n0 d.example\n127.0.1.1 e.example\n",
	  "1 a.example exact, 2 b.example exact, 3 c.example exact, 4 d.example exact, 5 e.example exact",
	  NULL, 0 },
	{ "a line may have several names", SL_FORMAT_HOSTS, 0,
	  "0.0.0.0 a.example  b.example\tc.example # d.example\n",
	  "1 a.example exact, 1 b.example exact, 1 c.example exact", NULL, 0 },
	{ "the preamble is skipped as comments are", SL_FORMAT_HOSTS, 0,
	  "127.0.0.1 localhost localhost.localdomain\n255.255.255.255 broadcasthost\n::1 ip6-localhost "
	  "ip6-loopback\n"
	  "fe80::1%lo0 localhost\nff02::1 ip6-allnodes\n0.0.0.0 0.0.0.0\n0.0.0.0 a.example\n",
	  "7 a.example exact", NULL, 0 },
	{ "a real address is no wish to block", SL_FORMAT_HOSTS, 0, "192.0.2.7 nas.example\n", "",
	  "the address is none that blocks", 1 },
	{ "a name without an address is refused", SL_FORMAT_HOSTS, 0, "a.example\n", "",
	  "starts with an address", 1 },
	{ "an address without a name is refused", SL_FORMAT_HOSTS, 0, "0.0.0.0\n", "", "no name behind", 1 },
	{ "one bad name on a line refuses the line once and keeps the good", SL_FORMAT_HOSTS, 0,
	  "0.0.0.0 a..b a.example c..d\n", "1 a.example exact", "l:1: refused \"a..b\"", 1 },
	{ "hosts files know no wildcards", SL_FORMAT_HOSTS, 0, "0.0.0.0 *.example.com\n", "", "no wildcards",
	  1 },

	{ "line 2: a bare host in a URL list is a tree", SL_FORMAT_URLS, 0,
	  "http://example.com/\nb.example\n", "1 example.com tree, 2 b.example tree", NULL, 0 },
	{ "line 1: a path is kept as a path, without its final slash", SL_FORMAT_URLS, 0,
	  "https://Example.com/Ads/\nb.example/x/y\n", "1 example.com/Ads path, 2 b.example/x/y path", NULL,
	  0 },
	{ "the scheme says nothing, the port does", SL_FORMAT_URLS, 0,
	  "https://a.example:8443\nb.example:80/x\n", "1 a.example:8443 tree, 2 b.example:80/x path", NULL,
	  0 },
	{ "a query is part of the key, a fragment is not", SL_FORMAT_URLS, 0,
	  "a.example/x/?y=/#z\nb.example/#z\n", "1 a.example/x?y=/ path, 2 b.example tree", NULL, 0 },
	{ "userinfo goes", SL_FORMAT_URLS, 0, "http://u:p@a.example/x\n", "1 a.example/x path", NULL, 0 },
	{ "wildcards are known here as well", SL_FORMAT_URLS, 0, "*.a.example\n*.b.example/x\n",
	  "1 a.example tree, 2 b.example/x path", NULL, 0 },
	{ "a path below a wildcard would widen, and is refused", SL_FORMAT_URLS, BELOW,
	  "*.a.example\n*.b.example/x\n", "1 a.example below", "without widening", 1 },
	{ "addresses in URLs", SL_FORMAT_URLS, 0, "http://192.0.2.1/24\nhttp://[2001:db8::1]:80/\n0x7f.1\n",
	  "1 192.0.2.1/24 path, 2 2001:db8::1:80 exact, 3 127.0.0.1 address", NULL, 0 },
	{ "what can only be a path is one", SL_FORMAT_URLS, 0, "192.0.2.1/24\n192.0.2.1/42\n",
	  "1 192.0.2.1/24 path, 2 192.0.2.1/42 path", NULL, 0 },
	{ "a prefix of addresses is no path", SL_FORMAT_URLS, 0, "192.0.2.0/24\n", "", "prefix of addresses",
	  1 },
	{ "rules of other formats are no URLs", SL_FORMAT_URLS, 0,
	  "||a.example^\n@@||b.example^\nserver=/c.example/\n", "", "l:2: refused \"@@||b.example^\"", 3 },
	{ "a space in a URL is refused", SL_FORMAT_URLS, 0, "a.example/b c\n", "", "%20", 1 },

	{ "names are found to be a domain list", SL_FORMAT_AUTO, 0, "# c\na.example\n*.b.example\n",
	  "2 a.example tree, 3 b.example tree", NULL, 0 },
	{ "addresses with names are found to be a hosts file", SL_FORMAT_AUTO, 0,
	  "# c\n127.0.0.1 localhost\n0.0.0.0 a.example\n", "3 a.example exact", NULL, 0 },
	{ "URLs are found to be URLs", SL_FORMAT_AUTO, 0, "a.example\nb.example/x\n",
	  "1 a.example tree, 2 b.example/x path", NULL, 0 },
	{ "bare addresses are a list of names", SL_FORMAT_AUTO, 0, "192.0.2.1\n2001:db8::1\n",
	  "1 192.0.2.1 address, 2 2001:db8::1 address", NULL, 0 },
	{ "a list of comments is an empty list", SL_FORMAT_AUTO, 0, "# nothing\n\n", "", NULL, 0 },
	{ "no bytes are an empty list", SL_FORMAT_AUTO, 0, "", "", NULL, 0 },
};

static const struct found_case {
	const char *name;
	enum sl_list_format want;
	const char *text;
} found[] = {
	{ "names are found to be domains", SL_FORMAT_DOMAINS, "# c\na.example\n*.b.example\n" },
	{ "names with stars are found to be wildcard", SL_FORMAT_WILDCARD, "*.a.example\n*.b.example\n" },
	{ "addresses with names are found to be hosts", SL_FORMAT_HOSTS,
	  "127.0.0.1 localhost\n:: a.example\n" },
	{ "paths are found to be urls", SL_FORMAT_URLS, "a.example\nb.example/x\n" },
	{ "adblock rules are found", SL_FORMAT_ADBLOCK, "! t\n||a.example^\n||b.example^\n" },
	{ "an adblock header is enough", SL_FORMAT_ADBLOCK,
	  "[Adblock Plus 2.0]\na.example\nb.example\nc.example\nd.example\ne.example\n" },
	{ "general adblock rules are found", SL_FORMAT_ADBLOCK,
	  "-ad-manager/$~stylesheet\n/ads.$domain=a.example\n||a^\n" },
	{ "a zone is found", SL_FORMAT_RPZ,
	  "$TTL 60\n@ SOA localhost. root.localhost. 1 2 3 4 5\na.example CNAME .\n" },
	{ "a zone without its head is found", SL_FORMAT_RPZ,
	  "; c\na.example CNAME .\n*.a.example CNAME .\n" },
	{ "dnsmasq is found", SL_FORMAT_DNSMASQ, "address=/a.example/\nserver=/b.example/\n" },
	{ "unbound is found", SL_FORMAT_UNBOUND, "server:\nlocal-zone: \"a.example.\" always_null\n" },
	{ "bare addresses are found", SL_FORMAT_ADDRESSES, "192.0.2.1\n2001:db8::1\n" },
	{ "prefixes with comments are found", SL_FORMAT_ADDRESSES,
	  "; c\n192.0.2.0/24 ; SBL1\n198.51.100.0/24 ; SBL2\n" },
	{ "names with some addresses are names", SL_FORMAT_DOMAINS, "192.0.2.1\na.example\n192.0.2.0/24\n" },
	{ "comments alone are an empty list of names", SL_FORMAT_DOMAINS, "# nothing\n" },
};

static void test_found(void **state)
{
	const struct found_case *c = *state;
	struct sl_list_cfg cfg = { .file = "l", .max_refused_percent = 0 };
	struct heard h = { .n = 0 };
	struct sl_list_stats stats;
	(void)listen_to(&h, &cfg, sl_bytes_str(c->text), &stats);
	assert_string_equal(sl_list_format_name(stats.format), sl_list_format_name(c->want));
	assert_int_equal(stats.errors, 0);
}

static const struct foreign_case {
	const char *name;
	enum sl_list_format format;
	struct sl_bytes text;
	const char *told;
} foreign[] = {
	{ "a web page is no list", SL_FORMAT_AUTO, SL_BYTES_LIT("\n <!DOCTYPE html>\na.example\n"),
	  "it is a web page" },
	{ "a web page is no list, whatever format was named", SL_FORMAT_DOMAINS,
	  SL_BYTES_LIT("<HTML>\na.example\n"), "check the address" },
	{ "gzip is no list", SL_FORMAT_DOMAINS, SL_BYTES_LIT("\x1f\x8b\x08\0\0\0\0\0"), "unpack it first" },
	{ "a NUL makes it binary", SL_FORMAT_DOMAINS, SL_BYTES_LIT("a.example\nb\0.example\n"),
	  "binary file" },
	{ "UTF-16 is told apart", SL_FORMAT_AUTO,
	  SL_BYTES_LIT("\xff\xfe"
	               "a\0.\0b\0"),
	  "save it as UTF-8" },
	{ "what is mostly no UTF-8 is binary", SL_FORMAT_DOMAINS, SL_BYTES_LIT("\x80\x90\xff\xfe\xc0\n"),
	  "not UTF-8" },
	{ "prose is not recognised", SL_FORMAT_AUTO,
	  SL_BYTES_LIT("The list has moved.\nSee elsewhere please.\n"), "name it in the configuration" },
};

static void test_foreign(void **state)
{
	const struct foreign_case *c = *state;
	struct sl_list_cfg cfg = { .file = "l", .format = c->format, .max_refused_percent = 100 };
	struct heard h = { .n = 0 };
	struct sl_list_stats stats;
	assert_int_equal(listen_to(&h, &cfg, c->text, &stats), SL_EMALF);
	assert_string_equal(h.entries, "");
	if (strstr(h.told, c->told) == NULL)
		assert_string_equal(h.told, c->told);
}

static const struct percent_case {
	const char *name;
	uint32_t max;
	const char *text;
	int want;
} percents[] = {
	{ "one of four is 25 %", 25, "/\na\nb\nc\n", SL_OK },
	{ "one of four is more than 24 %", 24, "/\na\nb\nc\n", SL_EMALF },
	{ "comments and blank lines do not count", 25, "/\n#\n\n!\na\n", SL_EMALF },
	{ "with 0 none may be refused", 0, "/\na\nb\nc\n", SL_EMALF },
	{ "with 0 a clean list passes", 0, "a\n", SL_OK },
	{ "with 100 all may be refused", 100, "/\n", SL_OK },
};

static void test_percent(void **state)
{
	const struct percent_case *c = *state;
	struct sl_list_cfg cfg = { .file = "l", .format = SL_FORMAT_DOMAINS, .max_refused_percent = c->max };
	struct heard h = { .n = 0 };
	struct sl_list_stats stats;
	assert_int_equal(listen_to(&h, &cfg, sl_bytes_str(c->text), &stats), c->want);
	assert_int_equal(stats.refused, c->max == 0 && c->want == SL_OK ? 0 : 1);
	assert_int_equal(strstr(h.told, "the list is refused: ") != NULL, c->want != SL_OK);
}

static void test_stop(void **state)
{
	struct sl_list_cfg cfg = { .file = "l", .format = SL_FORMAT_DOMAINS, .max_refused_percent = 100 };
	struct heard h = { .answer = SL_ENOMEM, .stop_after = 2 };
	struct sl_list_stats stats;
	(void)state;
	assert_int_equal(listen_to(&h, &cfg, SL_BYTES_LIT("a\nb\nc\n"), &stats), SL_ENOMEM);
	assert_string_equal(h.entries, "1 a tree, 2 b tree");
}

static void test_stats(void **state)
{
	struct sl_list_cfg cfg = { .file = "l", .format = SL_FORMAT_HOSTS, .max_refused_percent = 100 };
	struct heard h = { .n = 0 };
	struct sl_list_stats stats;
	(void)state;
	assert_int_equal(listen_to(&h, &cfg,
	                           SL_BYTES_LIT("# c\n\n127.0.0.1 localhost\n0.0.0.0 a b\n0.0.0.0 c..d\n"),
	                           &stats),
	                 SL_OK);
	assert_int_equal(stats.lines, 5);
	assert_int_equal(stats.comments, 2);
	assert_int_equal(stats.entries, 2);
	assert_int_equal(stats.refused, 1);
}

static const struct weigh_case {
	const char *name;
	uint32_t max;
	const char *text;
	int want;
	const char *told;
} weighed[] = {
	{ "what is understood and left out does not count towards the ceiling", 0,
	  "||a.example^\n##.ad\n##.b\n", SL_OK, "refused \"##.ad\": a rule on what is inside a page" },
	{ "a list of which nothing can be kept is refused", 50, "##.ad\n##.b\n", SL_EMALF,
	  "2 lines of format adblock, and none of them can be kept" },
	{ "unless all may be refused", 100, "##.ad\n##.b\n", SL_OK, "" },
	{ "totals come by reason, with the first line of each", 100,
	  "##1\n||a.example^\n/x/\n##2\n@@/y/\n##4\n##5\n", SL_OK,
	  "l:0: 6 of 7 lines were refused; the first 5 are named above\n"
	  "l:1: 4 refused, this line first: a rule on what is inside a page\n"
	  "l:3: 2 refused, this line first: a regular expression\n"
	  "l:0: 1 of them are exceptions: what they would have freed stays blocked\n" },
};

static void test_weighed(void **state)
{
	const struct weigh_case *c = *state;
	struct sl_list_cfg cfg = { "l", SL_FORMAT_ADBLOCK, false, false, c->max };
	struct heard h = { .n = 0 };
	struct sl_list_stats stats;
	assert_int_equal(listen_to(&h, &cfg, sl_bytes_str(c->text), &stats), c->want);
	if (strstr(h.told, c->told) == NULL)
		assert_string_equal(h.told, c->told);
	check_pieces(&cfg, sl_bytes_str(c->text), c->want, &h, &stats);
}

enum { LONG = 400000 }; /* longer than the head by which the format is found, and than any line */

/* A text of n lines like "line", then "end". The caller frees. */
static char *repeat(const char *line, size_t n, const char *end)
{
	size_t len = strlen(line);
	char *text = malloc(len * n + strlen(end) + 1);
	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		memcpy(&text[i * len], line, len);
	memcpy(&text[len * n], end, strlen(end) + 1);
	return text;
}

static const struct long_case {
	const char *name;
	const char *line, *end;
	int want;
	uint32_t lines, entries, refused;
} longs[] = {
	{ "a long line is refused, and the next one is read", "a", "\nb.example\n", SL_OK, 2, 1, 1 },
	{ "a long line at the end is refused", "a", "", SL_OK, 1, 0, 1 },
	{ "a long comment is a comment", "#", "\nb.example\n", SL_OK, 2, 1, 0 },
	{ "many blank lines are no entries", "\n", "b.example", SL_OK, LONG + 1, 1, 0 },
};

static void test_long(void **state)
{
	const struct long_case *c = *state;
	struct sl_list_cfg cfg = { .file = "l", .format = SL_FORMAT_DOMAINS, .max_refused_percent = 100 };
	struct heard h = { .n = 0 }, again = { .n = 0 };
	struct sl_list_stats stats, pieces;
	char *text = repeat(c->line, LONG, c->end);
	assert_int_equal(listen_to(&h, &cfg, sl_bytes_str(text), &stats), c->want);
	assert_int_equal(stats.lines, c->lines);
	assert_int_equal(stats.entries, c->entries);
	assert_int_equal(stats.refused, c->refused);
	assert_int_equal(listen_to_pieces(&again, &cfg, sl_bytes_str(text), 1000, &pieces), c->want);
	assert_memory_equal(&pieces, &stats, sizeof(stats));
	assert_string_equal(again.entries, h.entries);
	free(text);
}

/* Entries come while the text does: what a reader holds does not grow with it. */
static void test_streams(void **state)
{
	struct sl_list_cfg cfg = { .file = "l", .format = SL_FORMAT_AUTO };
	struct heard h = { .n = 0 };
	struct sl_diag diag = { hear_told, &h };
	struct sl_list_reader *r = NULL;
	struct sl_list_stats stats;
	char *text = repeat("a.example\n", LONG / 10, "");
	(void)state;
	assert_int_equal(sl_list_reader_new(&cfg, hear_entry, &h, &diag, &r), SL_OK);
	assert_int_equal(sl_list_reader_feed(r, sl_bytes_of(text, 1000)), SL_OK);
	assert_int_equal(h.n, 0);
	assert_int_equal(sl_list_reader_feed(r, sl_bytes_of(text + 1000, LONG - 1000)), SL_OK);
	assert_int_equal(h.n, LONG / 10);
	assert_int_equal(sl_list_reader_feed(r, SL_BYTES_LIT("b.exa\0mple\n")), SL_EMALF);
	assert_int_equal(sl_list_reader_feed(r, SL_BYTES_LIT("c.example\n")), SL_EMALF);
	assert_int_equal(sl_list_reader_end(r, &stats), SL_EMALF);
	assert_int_equal(stats.entries, LONG / 10);
	assert_string_equal(
	        h.told, "l:40001: this is no list: it is a binary file; check that it is the list that was "
	                "meant\n");
	sl_list_reader_free(&r);
	free(text);
}

/* A path that loses its end would match more than was written (line 2). */
static void test_long_path(void **state)
{
	struct sl_list_cfg cfg = { .file = "l", .format = SL_FORMAT_URLS, .max_refused_percent = 100 };
	struct heard h = { .n = 0 };
	struct sl_list_stats stats;
	char text[SL_PATH_MAX + 64];
	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, "a.example/b/", 12);
	assert_int_equal(listen_to(&h, &cfg, sl_bytes_of(text, sizeof(text)), &stats), SL_OK);
	assert_int_equal(stats.refused, 1);
	assert_string_equal(h.entries, "");
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(sl_list_format_name(SL_FORMAT_AUTO), "auto");
	assert_string_equal(sl_list_format_name(SL_FORMAT_DOMAINS), "domains");
	assert_string_equal(sl_list_format_name(SL_FORMAT_HOSTS), "hosts");
	assert_string_equal(sl_list_format_name(SL_FORMAT_URLS), "urls");
	assert_string_equal(sl_list_format_name(SL_FORMAT_APPLE), "apple");
	assert_string_equal(sl_list_format_name(SL_FORMAT_COUNT), "unknown");
	assert_string_equal(sl_list_refused_name(SL_REFUSED_BADFILTER), "BADFILTER");
	assert_string_equal(sl_list_refused_text(SL_REFUSED_REGEX), "a regular expression");
	assert_true(sl_list_refused_error(SL_REFUSED_HOST) && !sl_list_refused_error(SL_REFUSED_REGEX));
}

static void test_never_block(void **state)
{
	struct sl_list_cfg cfg = { .file = "shipped", .format = SL_FORMAT_AUTO };
	struct heard h = { .n = 0 };
	struct sl_list_stats stats;
	(void)state;
	assert_int_equal(listen_to(&h, &cfg, sl_policy_never_block(), &stats), SL_OK);
	assert_string_equal(h.told, "");
	assert_true(stats.entries > 30);
	assert_non_null(strstr(h.entries, " captive.apple.com tree"));
	assert_null(strstr(h.entries, " exact"));
}

int main(void)
{
	struct rows rows = { .n = 0 };
	ADD_ROWS(&rows, lists, test_list);
	ADD_ROWS(&rows, found, test_found);
	ADD_ROWS(&rows, foreign, test_foreign);
	ADD_ROWS(&rows, percents, test_percent);
	ADD_ROWS(&rows, weighed, test_weighed);
	ADD_ROWS(&rows, longs, test_long);
	add_row(&rows, "entries come while the text does, and a zero byte ends it", test_streams, NULL);
	add_row(&rows, "the sink's answer ends the reading", test_stop, NULL);
	add_row(&rows, "lines, comments, entries and refused lines are counted", test_stats, NULL);
	add_row(&rows, "line 2: a path too long to be kept is refused, not cut", test_long_path, NULL);
	add_row(&rows, "every format has its name", test_names, NULL);
	add_row(&rows, "line 6d: the shipped never-block set is a clean domain list", test_never_block, NULL);
	return run_rows("policy/list", &rows);
}
