/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/policy/rows.h"

enum { LISTS = 4 };
enum { BELOW = 1, SUBDOMAINS = 2 };

struct list_spec {
	enum sl_list_kind kind;
	enum sl_list_format format;
	int options;
	const char *text;
};

#define BLOCK(text)                                       \
	{                                                 \
		SL_LIST_BLOCK, SL_FORMAT_DOMAINS, 0, text \
	}
#define BLOCK_BELOW(text)                                     \
	{                                                     \
		SL_LIST_BLOCK, SL_FORMAT_DOMAINS, BELOW, text \
	}
#define BLOCK_HOSTS(text)                               \
	{                                               \
		SL_LIST_BLOCK, SL_FORMAT_HOSTS, 0, text \
	}
#define BLOCK_URLS(text)                               \
	{                                              \
		SL_LIST_BLOCK, SL_FORMAT_URLS, 0, text \
	}
#define ALLOW(text)                                       \
	{                                                 \
		SL_LIST_ALLOW, SL_FORMAT_DOMAINS, 0, text \
	}
#define ALLOW_HOSTS(text)                               \
	{                                               \
		SL_LIST_ALLOW, SL_FORMAT_HOSTS, 0, text \
	}
#define ALLOW_URLS(text)                               \
	{                                              \
		SL_LIST_ALLOW, SL_FORMAT_URLS, 0, text \
	}
#define NEVER(text)                                       \
	{                                                 \
		SL_LIST_NEVER, SL_FORMAT_DOMAINS, 0, text \
	}
#define NEVER_HOSTS(text)                               \
	{                                               \
		SL_LIST_NEVER, SL_FORMAT_HOSTS, 0, text \
	}
#define NONE UINT16_MAX

static void add(struct sl_policy_builder *b, unsigned number, const struct list_spec *spec)
{
	char name[8];
	struct sl_policy_list list = { .name = name, .kind = spec->kind };
	(void)snprintf(name, sizeof(name), "l%u", number);
	list.cfg = (struct sl_list_cfg){ "file", spec->format, (spec->options & BELOW) != 0,
		                         (spec->options & SUBDOMAINS) != 0, 0 };
	assert_int_equal(sl_policy_builder_add(b, &list, sl_bytes_str(spec->text), NULL, NULL), SL_OK);
}

static struct sl_policy *make(const struct list_spec *specs, unsigned n)
{
	struct sl_policy_builder *b = NULL;
	struct sl_policy *p = NULL;
	assert_int_equal(sl_policy_builder_new(&b), SL_OK);
	for (unsigned i = 0; i < n && specs[i].text != NULL; i++)
		add(b, i, &specs[i]);
	assert_int_equal(sl_policy_builder_finish(b, &p), SL_OK);
	sl_policy_builder_free(&b);
	assert_null(b);
	return p;
}

static const struct decide_case {
	const char *name;
	struct list_spec lists[LISTS];
	const char *host, *path; /* path NULL: only the host is known */
	uint16_t port;
	char letter;
	uint16_t list;
	uint32_t line;
	const char *key;
} cases[] = {
	{ "line 6h: what no list names is allowed",
	  { BLOCK("a.example\n") },
	  "b.example",
	  NULL,
	  443,
	  'h',
	  NONE,
	  0,
	  "" },
	{ "line 6h: without lists all is allowed", { { 0 } }, "b.example", "/x", 80, 'h', NONE, 0, "" },
	{ "line 6g: a name on a block list is blocked",
	  { BLOCK("\na.example\n") },
	  "a.example",
	  NULL,
	  443,
	  'g',
	  0,
	  2,
	  "a.example" },
	{ "line 5: any case and the root's dot",
	  { BLOCK("a.example\n") },
	  "A.Example.",
	  NULL,
	  443,
	  'g',
	  0,
	  1,
	  "a.example" },
	{ "line 6: a tree counts at any depth",
	  { BLOCK("example\n") },
	  "c.b.a.example",
	  NULL,
	  443,
	  'g',
	  0,
	  1,
	  "example" },
	{ "line 5: a name that only ends alike is another",
	  { BLOCK("example.com\n") },
	  "badexample.com",
	  NULL,
	  443,
	  'h',
	  NONE,
	  0,
	  "" },
	{ "line 5: a parent of a listed name is not listed",
	  { BLOCK("www.a.example\n") },
	  "a.example",
	  NULL,
	  443,
	  'h',
	  NONE,
	  0,
	  "" },
	{ "line 5: www is a label like any other",
	  { BLOCK("www.a.example\n") },
	  "www.a.example",
	  NULL,
	  443,
	  'g',
	  0,
	  1,
	  "www.a.example" },
	{ "line 6: an exact entry counts at depth 0",
	  { BLOCK_HOSTS("0.0.0.0 a.example\n") },
	  "a.example",
	  NULL,
	  443,
	  'g',
	  0,
	  1,
	  "a.example" },
	{ "line 6: and at no other",
	  { BLOCK_HOSTS("0.0.0.0 a.example\n") },
	  "www.a.example",
	  NULL,
	  443,
	  'h',
	  NONE,
	  0,
	  "" },
	{ "line 2: hosts with subdomains = yes are trees",
	  { { SL_LIST_BLOCK, SL_FORMAT_HOSTS, SUBDOMAINS, "0.0.0.0 a.example\n" } },
	  "www.a.example",
	  NULL,
	  443,
	  'g',
	  0,
	  1,
	  "a.example" },
	{ "line 6: a below entry counts at depth > 0",
	  { BLOCK_BELOW("*.a.example\n") },
	  "b.a.example",
	  NULL,
	  443,
	  'g',
	  0,
	  1,
	  "*.a.example" },
	{ "line 6: and not at depth 0",
	  { BLOCK_BELOW("*.a.example\n") },
	  "a.example",
	  NULL,
	  443,
	  'h',
	  NONE,
	  0,
	  "" },
	{ "line 6f: an allow list wins over a block list",
	  { BLOCK("a.example\n"), ALLOW("a.example\n") },
	  "a.example",
	  NULL,
	  443,
	  'f',
	  1,
	  1,
	  "a.example" },
	{ "line 6f: an allowed parent frees all below it",
	  { BLOCK("b.a.example\n"), ALLOW("a.example\n") },
	  "c.b.a.example",
	  NULL,
	  443,
	  'f',
	  1,
	  1,
	  "a.example" },
	{ "line 6f: an allowed child frees itself",
	  { BLOCK("a.example\n"), ALLOW("b.a.example\n") },
	  "b.a.example",
	  NULL,
	  443,
	  'f',
	  1,
	  1,
	  "b.a.example" },
	{ "line 6f: an allowed child frees what is below it",
	  { BLOCK("a.example\n"), ALLOW("b.a.example\n") },
	  "c.b.a.example",
	  NULL,
	  443,
	  'f',
	  1,
	  1,
	  "b.a.example" },
	{ "line 6f: and not its parent",
	  { BLOCK("a.example\n"), ALLOW("b.a.example\n") },
	  "a.example",
	  NULL,
	  443,
	  'g',
	  0,
	  1,
	  "a.example" },
	{ "line 6f: an exact allow entry frees nothing below it",
	  { BLOCK("a.example\n"), ALLOW_HOSTS("0.0.0.0 b.a.example\n") },
	  "c.b.a.example",
	  NULL,
	  443,
	  'g',
	  0,
	  1,
	  "a.example" },
	{ "line 6f: an allowed host frees its paths",
	  { BLOCK_URLS("a.example/x\n"), ALLOW("a.example\n") },
	  "a.example",
	  "/x",
	  80,
	  'f',
	  1,
	  1,
	  "a.example" },
	{ "line 6f: an allowed path frees only itself",
	  { BLOCK("a.example\n"), ALLOW_URLS("a.example/x\n") },
	  "a.example",
	  "/x/y",
	  80,
	  'f',
	  1,
	  1,
	  "a.example/x" },
	{ "line 6f: where the path is not known, it frees nothing",
	  { BLOCK("a.example\n"), ALLOW_URLS("a.example/x\n") },
	  "a.example",
	  NULL,
	  443,
	  'g',
	  0,
	  1,
	  "a.example" },
	{ "line 6d: the never-block set wins over block lists",
	  { BLOCK("a.example\n"), NEVER("a.example\n") },
	  "a.example",
	  NULL,
	  443,
	  'd',
	  1,
	  1,
	  "a.example" },
	{ "line 6d: it speaks before an allow list",
	  { ALLOW("b.a.example\n"), NEVER("a.example\n") },
	  "b.a.example",
	  NULL,
	  443,
	  'd',
	  1,
	  1,
	  "a.example" },
	{ "line 6d: its names are trees, whatever the file says",
	  { BLOCK("a.example\n"), NEVER_HOSTS("0.0.0.0 a.example\n") },
	  "b.a.example",
	  NULL,
	  443,
	  'd',
	  1,
	  1,
	  "a.example" },
	{ "line 6d: its wildcards too",
	  { BLOCK("a.example\n"), { SL_LIST_NEVER, SL_FORMAT_DOMAINS, BELOW, "*.a.example\n" } },
	  "a.example",
	  NULL,
	  443,
	  'd',
	  1,
	  1,
	  "a.example" },
	{ "line 6g: the longest key is reported",
	  { BLOCK("example\na.example\n"), BLOCK("b.a.example\n") },
	  "b.a.example",
	  NULL,
	  443,
	  'g',
	  1,
	  1,
	  "b.a.example" },
	{ "line 6g: of equal keys, the first list is reported",
	  { BLOCK("z.example\n"), BLOCK("a.example\n"), BLOCK("a.example\n") },
	  "a.example",
	  NULL,
	  443,
	  'g',
	  1,
	  1,
	  "a.example" },
	{ "line 6g: a path makes a key longer",
	  { BLOCK("a.example\n"), BLOCK_URLS("a.example/x\n") },
	  "a.example",
	  "/x",
	  80,
	  'g',
	  1,
	  1,
	  "a.example/x" },
	{ "line 6g: of one list, the first line is reported",
	  { BLOCK("a.example\nA.example\n") },
	  "a.example",
	  NULL,
	  443,
	  'g',
	  0,
	  1,
	  "a.example" },
	{ "line 1: a path counts for the host tree",
	  { BLOCK_URLS("a.example/x\n") },
	  "b.a.example",
	  "/x?y",
	  80,
	  'g',
	  0,
	  1,
	  "a.example/x" },
	{ "line 1: a path never widens to the host",
	  { BLOCK_URLS("a.example/x\n") },
	  "a.example",
	  NULL,
	  443,
	  'h',
	  NONE,
	  0,
	  "" },
	{ "line 1: a path entry matches below it",
	  { BLOCK_URLS("a.example/ads\n") },
	  "a.example",
	  "/ads/x",
	  80,
	  'g',
	  0,
	  1,
	  "a.example/ads" },
	{ "line 1: and at a segment boundary only",
	  { BLOCK_URLS("a.example/ads\n") },
	  "a.example",
	  "/adsense",
	  80,
	  'h',
	  NONE,
	  0,
	  "" },
	{ "line 1: a sibling passes",
	  { BLOCK_URLS("a.example/ads\n") },
	  "a.example",
	  "/news",
	  80,
	  'h',
	  NONE,
	  0,
	  "" },
	{ "line 1: a query is a boundary",
	  { BLOCK_URLS("a.example/ads\n") },
	  "a.example",
	  "/ads?x=1",
	  80,
	  'g',
	  0,
	  1,
	  "a.example/ads" },
	{ "line 5: a final slash of the entry says nothing",
	  { BLOCK_URLS("a.example/ads/\n") },
	  "a.example",
	  "/ads",
	  80,
	  'g',
	  0,
	  1,
	  "a.example/ads" },
	{ "line 5: nor does one of the request",
	  { BLOCK_URLS("a.example/ads\n") },
	  "a.example",
	  "/ads/",
	  80,
	  'g',
	  0,
	  1,
	  "a.example/ads" },
	{ "line 5: the fragment of an entry says nothing",
	  { BLOCK_URLS("a.example/ads#top\n") },
	  "a.example",
	  "/ads",
	  80,
	  'g',
	  0,
	  1,
	  "a.example/ads" },
	{ "the case of a path matters",
	  { BLOCK_URLS("a.example/Ads\n") },
	  "a.example",
	  "/ads",
	  80,
	  'h',
	  NONE,
	  0,
	  "" },
	{ "escapes and dots hide no path",
	  { BLOCK_URLS("a.example/ads\n") },
	  "a.example",
	  "/x/..//%61d%73/",
	  80,
	  'g',
	  0,
	  1,
	  "a.example/ads" },
	{ "an entry with a query matches it",
	  { BLOCK_URLS("a.example/x?id=1\n") },
	  "a.example",
	  "/x?id=1",
	  80,
	  'g',
	  0,
	  1,
	  "a.example/x?id=1" },
	{ "line 5: as a whole, not what goes on behind an & (NE-URL-35)",
	  { BLOCK_URLS("a.example/x?id=1\n") },
	  "a.example",
	  "/x?id=1&b",
	  80,
	  'h',
	  NONE,
	  0,
	  "" },
	{ "and no longer value",
	  { BLOCK_URLS("a.example/x?id=1\n") },
	  "a.example",
	  "/x?id=12",
	  80,
	  'h',
	  NONE,
	  0,
	  "" },
	{ "and no slash in the query",
	  { BLOCK_URLS("a.example/x?u=\n") },
	  "a.example",
	  "/x?u=/",
	  80,
	  'h',
	  NONE,
	  0,
	  "" },
	{ "a query on the root",
	  { BLOCK_URLS("a.example/?x\n") },
	  "a.example",
	  "/?x",
	  80,
	  'g',
	  0,
	  1,
	  "a.example/?x" },
	{ "line 5: a port counts where an entry names one",
	  { BLOCK_URLS("a.example:8080\n") },
	  "b.a.example",
	  NULL,
	  8080,
	  'g',
	  0,
	  1,
	  "a.example:8080" },
	{ "line 5: and no other port does",
	  { BLOCK_URLS("a.example:8080\n") },
	  "a.example",
	  NULL,
	  443,
	  'h',
	  NONE,
	  0,
	  "" },
	{ "a port and a path",
	  { BLOCK_URLS("a.example:8080/x\na.example:80/y\n") },
	  "a.example",
	  "/x/z",
	  8080,
	  'g',
	  0,
	  1,
	  "a.example:8080/x" },
	{ "a path of another port says nothing",
	  { BLOCK_URLS("a.example:8080/x\na.example:80/y\n") },
	  "a.example",
	  "/y",
	  8080,
	  'h',
	  NONE,
	  0,
	  "" },
	{ "line 6g: a port makes a key longer",
	  { BLOCK("a.example\n"), BLOCK_URLS("a.example:80\n") },
	  "a.example",
	  NULL,
	  80,
	  'g',
	  1,
	  1,
	  "a.example:80" },
	{ "line 5: an address has no parents",
	  { BLOCK("1\n"), BLOCK_HOSTS("0.0.0.0 0.2.1\n") },
	  "192.0.2.1",
	  NULL,
	  443,
	  'h',
	  NONE,
	  0,
	  "" },
	{ "an address in any spelling",
	  { BLOCK("192.0.2.1\n") },
	  "0xc0.0.513",
	  NULL,
	  80,
	  'g',
	  0,
	  1,
	  "192.0.2.1" },
	{ "IPv6 with a path is shown in brackets",
	  { BLOCK_URLS("[2001:db8::1]/x\n") },
	  "[2001:DB8::1]",
	  "/x",
	  80,
	  'g',
	  0,
	  1,
	  "[2001:db8::1]/x" },
	{ "IDN is compared as A-labels",
	  { BLOCK("b\xc3\xbc"
	          "cher.example\n") },
	  "xn--bcher-kva.example",
	  NULL,
	  443,
	  'g',
	  0,
	  1,
	  "xn--bcher-kva.example" },
	{ "odd bytes in front of a listed name hide nothing",
	  { BLOCK("a.example\n") },
	  "x!y.a.example",
	  NULL,
	  443,
	  'g',
	  0,
	  1,
	  "a.example" },
};

static void test_decide(void **state)
{
	const struct decide_case *c = *state;
	struct sl_policy *p = make(c->lists, LISTS);
	struct sl_query q = { .host = sl_bytes_str(c->host), .port = c->port, .path = sl_bytes_str(c->path) };
	struct sl_decision d;
	char key[512];
	sl_policy_decide(p, &q, &d);
	sl_decision_key(&d, &q, key, sizeof(key));
	assert_int_equal(d.letter, c->letter);
	assert_int_equal(d.block, c->letter == 'g');
	assert_int_equal(d.list, c->list);
	assert_int_equal(d.line, c->line);
	assert_false(d.bad_host);
	assert_string_equal(key, c->key);
	sl_policy_free(&p);
	assert_null(p);
}

static void test_bad_host(void **state)
{
	static const struct list_spec lists[] = { BLOCK("a.example\n") };
	struct sl_policy *p = make(lists, 1);
	struct sl_query q = { .host = SL_BYTES_LIT("x..a.example"), .port = 443 };
	struct sl_decision d;
	char key[8];
	(void)state;
	sl_policy_decide(p, &q, &d);
	assert_true(d.bad_host && !d.block && d.letter == 'h' && d.list == NONE);
	sl_decision_key(&d, &q, key, sizeof(key));
	assert_string_equal(key, "");
	sl_policy_free(&p);
}

static void test_short_key(void **state)
{
	static const struct list_spec lists[] = { BLOCK("a.example\n") };
	struct sl_policy *p = make(lists, 1);
	struct sl_query q = { .host = SL_BYTES_LIT("a.example"), .port = 443 };
	struct sl_decision d;
	char key[10] = "zzzzzzzzz";
	(void)state;
	sl_policy_decide(p, &q, &d);
	sl_decision_key(&d, &q, key, 0);
	assert_string_equal(key, "zzzzzzzzz");
	sl_decision_key(&d, &q, key, 9);
	assert_string_equal(key, "");
	sl_decision_key(&d, &q, key, 10);
	assert_string_equal(key, "a.example");
	sl_policy_free(&p);
}

/* A list that fails leaves nothing behind, and the builder goes on. */
static void test_rollback(void **state)
{
	struct sl_policy_builder *b = NULL;
	struct sl_policy *p = NULL;
	struct sl_policy_list list = { "bad", SL_LIST_BLOCK, { "f", SL_FORMAT_DOMAINS, false, false, 10 } };
	struct sl_list_stats stats;
	struct sl_query q = { .host = SL_BYTES_LIT("a.example"), .port = 443 };
	struct sl_decision d;
	(void)state;
	assert_int_equal(sl_policy_builder_new(&b), SL_OK);
	assert_int_equal(sl_policy_builder_add(b, &list, SL_BYTES_LIT("a.example\n/\n"), NULL, &stats),
	                 SL_EMALF);
	assert_int_equal(stats.refused, 1);
	list.name = "good";
	assert_int_equal(sl_policy_builder_add(b, &list, SL_BYTES_LIT("b.example\n"), NULL, NULL), SL_OK);
	assert_int_equal(sl_policy_builder_add(b, &list, SL_BYTES_LIT("a.example\n"), NULL, NULL), SL_EEXIST);
	list.name = NULL;
	assert_int_equal(sl_policy_builder_add(b, &list, SL_BYTES_LIT("a.example\n"), NULL, NULL), SL_EINVAL);
	assert_int_equal(sl_policy_builder_finish(b, &p), SL_OK);
	assert_int_equal(sl_policy_lists(p), 1);
	assert_int_equal(sl_policy_entries(p), 1);
	assert_string_equal(sl_policy_list_name(p, 0), "good");
	assert_string_equal(sl_policy_list_file(p, 0), "f");
	assert_int_equal(sl_policy_list_kind(p, 0), SL_LIST_BLOCK);
	assert_null(sl_policy_list_name(p, 1));
	assert_null(sl_policy_list_file(p, 1));
	sl_policy_decide(p, &q, &d);
	assert_int_equal(d.letter, 'h');
	sl_policy_free(&p);
	assert_int_equal(sl_policy_builder_finish(b, &p), SL_OK); /* finish left it empty, and usable */
	assert_int_equal(sl_policy_lists(p), 0);
	sl_policy_free(&p);
	sl_policy_free(&p);
	sl_policy_builder_free(&b);
	sl_policy_builder_free(&b);
}

static void test_64_lists(void **state)
{
	static const struct list_spec spec = BLOCK("a.example\n");
	struct sl_policy_builder *b = NULL;
	struct sl_policy *p = NULL;
	struct sl_policy_list list = { "one more",
		                       SL_LIST_BLOCK,
		                       { "f", SL_FORMAT_DOMAINS, false, false, 0 } };
	struct sl_query q = { .host = SL_BYTES_LIT("a.example"), .port = 443 };
	struct sl_decision d;
	(void)state;
	assert_int_equal(sl_policy_builder_new(&b), SL_OK);
	for (unsigned i = 0; i < 64; i++)
		add(b, i, &spec);
	assert_int_equal(sl_policy_builder_add(b, &list, SL_BYTES_LIT("b\n"), NULL, NULL), SL_ELIMIT);
	assert_int_equal(sl_policy_builder_finish(b, &p), SL_OK);
	assert_int_equal(sl_policy_entries(p), 64);
	sl_policy_decide(p, &q, &d);
	assert_int_equal(d.list, 0);
	sl_policy_free(&p);
	sl_policy_builder_free(&b);
}

static void test_shipped(void **state)
{
	struct sl_policy_builder *b = NULL;
	struct sl_policy *p = NULL;
	struct sl_policy_list never = { "shipped",
		                        SL_LIST_NEVER,
		                        { "shipped", SL_FORMAT_DOMAINS, false, false, 0 } };
	static const struct list_spec block = BLOCK("com\n");
	struct sl_query captive = { .host = SL_BYTES_LIT("captive.apple.com"),
		                    .port = 80,
		                    .path = SL_BYTES_LIT("/hotspot-detect.html") };
	struct sl_query other = { .host = SL_BYTES_LIT("www.apple.com"),
		                  .port = 80,
		                  .path = SL_BYTES_LIT("/") };
	struct sl_decision d;
	(void)state;
	assert_int_equal(sl_policy_builder_new(&b), SL_OK);
	assert_int_equal(sl_policy_builder_add(b, &never, sl_policy_never_block(), NULL, NULL), SL_OK);
	add(b, 1, &block);
	assert_int_equal(sl_policy_builder_finish(b, &p), SL_OK);
	sl_policy_decide(p, &captive, &d);
	assert_true(!d.block && d.letter == 'd' && d.list == 0);
	sl_policy_decide(p, &other, &d);
	assert_true(d.block && d.letter == 'g' && d.list == 1);
	sl_policy_free(&p);
	sl_policy_builder_free(&b);
}

/* The reference: policy-resolution lines 1, 5 and 6 as a linear scan over the entries. */

enum { ENTRIES = 24, TEXT = 64, POLICIES = 10000, QUESTIONS = 20 };

struct ref_entry {
	char host[TEXT], path[TEXT];
	uint16_t port, list;
	uint32_t line;
	enum sl_scope scope;
	enum sl_list_kind kind;
};

struct ref {
	struct ref_entry entry[ENTRIES];
	unsigned n;
};

struct ref_answer {
	char letter;
	const struct ref_entry *entry;
};

static bool ref_host(const struct ref_entry *e, const char *host)
{
	size_t have = strlen(host), want = strlen(e->host);
	bool same = strcmp(host, e->host) == 0;
	bool under = have > want && host[have - want - 1] == '.' && strcmp(host + have - want, e->host) == 0;
	if (e->kind == SL_LIST_NEVER)
		return same || under;
	return e->scope == SL_SCOPE_EXACT ? same : e->scope == SL_SCOPE_BELOW ? under : same || under;
}

static bool ref_path(const struct ref_entry *e, const char *path)
{
	size_t n = strlen(e->path);
	if (n == 0)
		return true;
	if (path == NULL || strncmp(path, e->path, n) != 0)
		return false;
	if (path[n] == '\0')
		return true;
	return strchr(e->path, '?') == NULL && (path[n] == '/' || path[n] == '?');
}

static void ref_key(const struct ref_entry *e, char out[2 * TEXT + 16])
{
	char port[8] = "";
	if (e->port != 0)
		(void)snprintf(port, sizeof(port), ":%u", e->port);
	(void)snprintf(out, 2 * TEXT + 16, "%s%s%s%s",
	               e->scope == SL_SCOPE_BELOW && e->kind != SL_LIST_NEVER ? "*." : "", e->host, port,
	               e->path);
}

static size_t ref_len(const struct ref_entry *e)
{
	char key[2 * TEXT + 16];
	ref_key(e, key);
	return strlen(key) - (key[0] == '*' ? 2 : 0);
}

static struct ref_answer ref_decide(const struct ref *r, const char *host, const char *path, uint16_t port)
{
	static const struct {
		enum sl_list_kind kind;
		char letter;
	} order[] = { { SL_LIST_NEVER, 'd' }, { SL_LIST_ALLOW, 'f' }, { SL_LIST_BLOCK, 'g' } };
	for (unsigned o = 0; o < 3; o++) {
		const struct ref_entry *best = NULL;
		for (unsigned i = 0; i < r->n; i++) { /* in the order of adding: the first of equals stays */
			const struct ref_entry *e = &r->entry[i];
			if (e->kind == order[o].kind && ref_host(e, host) && ref_path(e, path) &&
			    (e->port == 0 || e->port == port) && (best == NULL || ref_len(e) > ref_len(best)))
				best = e;
		}
		if (best != NULL)
			return (struct ref_answer){ order[o].letter, best };
	}
	return (struct ref_answer){ 'h', NULL };
}

static uint32_t pick(uint64_t *seed, uint32_t n)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 33) % n;
}

static void append(char out[TEXT], const char *more)
{
	size_t len = strlen(out), n = strlen(more);
	assert_true(len + n < TEXT);
	memcpy(out + len, more, n + 1);
}

static void pick_host(uint64_t *seed, char out[TEXT])
{
	unsigned n = 1 + pick(seed, 4);
	out[0] = '\0';
	for (unsigned i = 0; i < n; i++) {
		static const char *const labels[] = { "a", "b", "ab", "xn--a" };
		if (i > 0)
			append(out, ".");
		append(out, labels[pick(seed, 8) < 6 ? pick(seed, 2) : pick(seed, 4)]);
	}
}

/* "" or a canonical path; one of an entry has no final slash. */
static void pick_path(uint64_t *seed, bool entry, char out[TEXT])
{
	static const char *const names[] = { "x", "y", "xy" };
	static const char *const queries[] = { "", "", "?x", "?x&y", "?xy", "?x/y" };
	unsigned n = pick(seed, 4);
	out[0] = '\0';
	for (unsigned i = 0; i < n; i++) {
		append(out, "/");
		append(out, names[pick(seed, 3)]);
	}
	const char *query = queries[pick(seed, 6)];
	if ((out[0] == '\0' && (query[0] != '\0' || !entry)) ||
	    (!entry && query[0] == '\0' && pick(seed, 3) == 0))
		append(out, "/");
	append(out, query);
}

static uint16_t pick_port(uint64_t *seed, bool entry)
{
	static const uint16_t ports[] = { 80, 8080, 0 };
	return entry && pick(seed, 4) > 0 ? 0 : ports[pick(seed, entry ? 3 : 2)];
}

/* One list: its entries into the reference, its lines into text. */
static void pick_list(uint64_t *seed, struct ref *r, uint16_t number, struct list_spec *spec, char *text)
{
	static const enum sl_list_format formats[] = { SL_FORMAT_DOMAINS, SL_FORMAT_HOSTS, SL_FORMAT_URLS };
	unsigned kind = pick(seed, 8), n = pick(seed, ENTRIES / LISTS + 1);
	spec->kind = kind == 0 ? SL_LIST_NEVER : kind < 3 ? SL_LIST_ALLOW : SL_LIST_BLOCK;
	spec->format = formats[pick(seed, 3)];
	spec->options = (int)pick(seed, 4);
	spec->text = text;
	text[0] = '\0';
	for (unsigned i = 0; i < n; i++) {
		struct ref_entry *e = &r->entry[r->n++];
		char key[2 * TEXT + 16];
		*e = (struct ref_entry){
			.list = number, .line = i + 1, .kind = spec->kind, .scope = SL_SCOPE_TREE
		};
		pick_host(seed, e->host);
		bool star = spec->format != SL_FORMAT_HOSTS && pick(seed, 3) == 0;
		if (spec->format == SL_FORMAT_HOSTS && (spec->options & SUBDOMAINS) == 0)
			e->scope = SL_SCOPE_EXACT;
		if (star && (spec->options & BELOW) != 0)
			e->scope = SL_SCOPE_BELOW;
		if (spec->format == SL_FORMAT_URLS && !star) {
			e->port = pick_port(seed, true);
			pick_path(seed, true, e->path);
			e->scope = e->path[0] != '\0' ? SL_SCOPE_PATH : e->scope;
		}
		ref_key(e, key);
		(void)sprintf(text + strlen(text), "%s%s%s\n",
		              spec->format == SL_FORMAT_HOSTS ? "0.0.0.0 " : "", star ? "*." : "",
		              key[0] == '*' ? key + 2 : key);
	}
}

static void check_one(const struct sl_policy *p, const struct ref *r, uint64_t *seed)
{
	char host[TEXT], path[TEXT], want[2 * TEXT + 16] = "", got[2 * TEXT + 16];
	struct sl_decision d;
	pick_host(seed, host);
	pick_path(seed, false, path);
	bool known = pick(seed, 3) > 0;
	struct sl_query q = { .host = sl_bytes_str(host),
		              .port = pick_port(seed, false),
		              .path = sl_bytes_str(known ? path : NULL) };
	struct ref_answer a = ref_decide(r, host, known ? path : NULL, q.port);
	sl_policy_decide(p, &q, &d);
	sl_decision_key(&d, &q, got, sizeof(got));
	if (a.entry != NULL)
		ref_key(a.entry, want);
	assert_int_equal(d.letter, a.letter);
	assert_int_equal(d.block, a.letter == 'g');
	assert_int_equal(d.list, a.entry == NULL ? NONE : a.entry->list);
	assert_int_equal(d.line, a.entry == NULL ? 0 : a.entry->line);
	assert_string_equal(got, want);
}

static void test_reference(void **state)
{
	static char text[LISTS][ENTRIES * (2 * TEXT + 32)];
	uint64_t seed = 20;
	unsigned letters[256] = { 0 };
	(void)state;
	for (unsigned i = 0; i < POLICIES; i++) {
		struct ref r = { .n = 0 };
		struct list_spec specs[LISTS] = { { 0 } };
		unsigned n = 1 + pick(&seed, LISTS);
		for (unsigned l = 0; l < n; l++)
			pick_list(&seed, &r, (uint16_t)l, &specs[l], text[l]);
		struct sl_policy *p = make(specs, n);
		for (unsigned j = 0; j < QUESTIONS; j++)
			check_one(p, &r, &seed);
		sl_policy_free(&p);
		char host[TEXT];
		pick_host(&seed, host);
		letters[(uint8_t)ref_decide(&r, host, "/x/y", 80).letter]++;
	}
	for (const char *l = "dfgh"; *l != '\0';
	     l++) /* a reference that always says the same would prove nothing */
		assert_true(letters[(uint8_t)*l] > POLICIES / 50);
}

int main(void)
{
	struct rows rows = { .n = 0 };
	ADD_ROWS(&rows, cases, test_decide);
	add_row(&rows, "a host that is no host name is allowed, and said to be bad", test_bad_host, NULL);
	add_row(&rows, "a key that does not fit is cut, never overrun", test_short_key, NULL);
	add_row(&rows, "a list that fails leaves nothing behind", test_rollback, NULL);
	add_row(&rows, "line 3: 64 lists are the most", test_64_lists, NULL);
	add_row(&rows, "line 6d: the shipped set frees captive portals, and not their companies",
	        test_shipped, NULL);
	add_row(&rows, "lines 1, 5, 6: 200,000 questions are answered as the slow reference does",
	        test_reference, NULL);
	return run_rows("policy/policy", &rows);
}
