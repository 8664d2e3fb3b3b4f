/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_export_except.c - which blocks can be exported beside an exception (policy-resolution line 12). */
#include <stdio.h>

#include "daemon/export_except.h"
#include "tests/policy/rows.h"

static struct sl_export_entry entry_of(const char *text, enum sl_scope scope, bool important)
{
	struct sl_export_entry e;
	sl_export_entry_split(sl_bytes_str(text), &e);
	e.scope = scope;
	e.important = important;
	return e;
}

static const struct except_case {
	const char *name, *except;
	enum sl_scope except_scope;
	const char *block;
	enum sl_scope scope;
	enum sl_export_fate fate;
	bool except_important, important;
} cases[] = {
	{ "an exception takes its own host", "a.org", SL_SCOPE_TREE, "a.org", SL_SCOPE_TREE,
	  SL_EXPORT_COVERED, false, false },
	{ "and what is below it", "a.org", SL_SCOPE_TREE, "x.a.org", SL_SCOPE_TREE, SL_EXPORT_COVERED, false,
	  false },
	{ "and its paths", "a.org", SL_SCOPE_TREE, "x.a.org/p?q", SL_SCOPE_PATH, SL_EXPORT_COVERED, false,
	  false },
	{ "not a name that ends alike", "a.org", SL_SCOPE_TREE, "ba.org", SL_SCOPE_TREE, SL_EXPORT_FREE,
	  false, false },
	{ "a block above an exception would block it", "x.a.org", SL_SCOPE_TREE, "a.org", SL_SCOPE_TREE,
	  SL_EXPORT_CONFLICT, false, false },
	{ "also where it means one host: Apple's entry covers subdomains", "x.a.org", SL_SCOPE_TREE, "a.org",
	  SL_SCOPE_EXACT, SL_EXPORT_CONFLICT, false, false },
	{ "a block beside an exception is free", "x.a.org", SL_SCOPE_TREE, "y.a.org", SL_SCOPE_TREE,
	  SL_EXPORT_FREE, false, false },
	{ "one host excepted of a tree", "a.org", SL_SCOPE_EXACT, "a.org", SL_SCOPE_TREE, SL_EXPORT_CONFLICT,
	  false, false },
	{ "one host excepted of one host", "a.org", SL_SCOPE_EXACT, "a.org", SL_SCOPE_EXACT,
	  SL_EXPORT_COVERED, false, false },
	{ "one host excepted, and a block below it", "a.org", SL_SCOPE_EXACT, "x.a.org", SL_SCOPE_TREE,
	  SL_EXPORT_FREE, false, false },
	{ "subdomains excepted of a tree", "a.org", SL_SCOPE_BELOW, "a.org", SL_SCOPE_TREE,
	  SL_EXPORT_CONFLICT, false, false },
	{ "subdomains excepted of subdomains", "a.org", SL_SCOPE_BELOW, "a.org", SL_SCOPE_BELOW,
	  SL_EXPORT_COVERED, false, false },
	{ "subdomains excepted, and a block of one", "a.org", SL_SCOPE_BELOW, "x.a.org", SL_SCOPE_TREE,
	  SL_EXPORT_COVERED, false, false },
	{ "a path excepted of a host", "a.org/p", SL_SCOPE_PATH, "a.org", SL_SCOPE_TREE, SL_EXPORT_CONFLICT,
	  false, false },
	{ "a path excepted of a deeper path", "a.org/p", SL_SCOPE_PATH, "a.org/p/q", SL_SCOPE_PATH,
	  SL_EXPORT_COVERED, false, false },
	{ "a path excepted of one that begins alike", "a.org/p", SL_SCOPE_PATH, "a.org/pq", SL_SCOPE_PATH,
	  SL_EXPORT_FREE, false, false },
	{ "a deeper path excepted", "a.org/p/q", SL_SCOPE_PATH, "a.org/p", SL_SCOPE_PATH, SL_EXPORT_CONFLICT,
	  false, false },
	{ "a path of a subdomain excepted", "x.a.org/p", SL_SCOPE_PATH, "a.org/p", SL_SCOPE_PATH,
	  SL_EXPORT_CONFLICT, false, false },
	{ "a query excepted of a path", "a.org/p?q=/r", SL_SCOPE_PATH, "a.org/p", SL_SCOPE_PATH,
	  SL_EXPORT_CONFLICT, false, false },
	{ "a query is no prefix of another", "a.org/p?q=", SL_SCOPE_PATH, "a.org/p?q=/r", SL_SCOPE_PATH,
	  SL_EXPORT_FREE, false, false },
	{ "a port excepted of all", "a.org:8080", SL_SCOPE_TREE, "a.org", SL_SCOPE_TREE, SL_EXPORT_CONFLICT,
	  false, false },
	{ "another port excepted", "a.org:8080", SL_SCOPE_TREE, "a.org:8443", SL_SCOPE_TREE, SL_EXPORT_FREE,
	  false, false },
	{ "all ports excepted of one", "a.org", SL_SCOPE_TREE, "a.org:8443", SL_SCOPE_TREE, SL_EXPORT_COVERED,
	  false, false },
	{ "line 6e: an important block is not excepted by a plain exception", "a.org", SL_SCOPE_TREE, "a.org",
	  SL_SCOPE_TREE, SL_EXPORT_FREE, false, true },
	{ "line 6e: an important one does", "a.org", SL_SCOPE_TREE, "a.org", SL_SCOPE_TREE, SL_EXPORT_COVERED,
	  true, true },
	{ "line 6e: but it may not be widened over one", "x.a.org", SL_SCOPE_TREE, "a.org", SL_SCOPE_EXACT,
	  SL_EXPORT_CONFLICT, false, true },
	{ "an address", "192.0.2.1", SL_SCOPE_TREE, "192.0.2.1/p", SL_SCOPE_PATH, SL_EXPORT_COVERED, false,
	  false },
	{ "an address has no parents", "2.1", SL_SCOPE_TREE, "192.0.2.1", SL_SCOPE_TREE, SL_EXPORT_FREE,
	  false, false },
	{ "an IPv6 address with a port", "[2001:db8::1]:8080", SL_SCOPE_TREE, "[2001:db8::1]:8080",
	  SL_SCOPE_TREE, SL_EXPORT_COVERED, false, false },
};

static void test_judge(void **state)
{
	const struct except_case *c = *state;
	struct sl_export_except *x = NULL;
	struct sl_export_entry e = entry_of(c->except, c->except_scope, c->except_important);
	struct sl_export_entry b = entry_of(c->block, c->scope, c->important);
	char text[128] = "";

	assert_int_equal(sl_export_except_new(&x), SL_OK);
	assert_int_equal(sl_export_except_add(x, &e), SL_OK);
	sl_export_except_finish(x);
	assert_int_equal(sl_export_except_judge(x, &b), c->fate);
	assert_int_equal(sl_export_entry_write(&b, text, sizeof(text)), strlen(c->block));
	assert_memory_equal(text, c->block, strlen(c->block));
	sl_export_except_free(&x);
	assert_null(x);
}

static void test_prefix(void **state)
{
	static const char *const in[] = { "10.1.2.3", "10.1.255.255/p", "[2001:db8::5]" }, *const out[] = {
		"10.2.0.1", "[2001:db9::5]", "a.org"
	};
	struct sl_export_except *x = NULL;
	struct sl_prefix v4, v6;

	(void)state;
	assert_int_equal(sl_export_except_new(&x), SL_OK);
	assert_int_equal(sl_prefix_read(SL_BYTES_LIT("10.1.0.0/16"), &v4), SL_OK);
	assert_int_equal(sl_export_except_add_prefix(x, &v4, false), SL_OK);
	assert_int_equal(sl_prefix_read(SL_BYTES_LIT("2001:db8::/33"), &v6), SL_OK);
	assert_int_equal(sl_export_except_add_prefix(x, &v6, false), SL_OK);
	sl_export_except_finish(x);
	for (size_t i = 0; i < 3; i++) {
		struct sl_export_entry e = entry_of(in[i], SL_SCOPE_TREE, false);
		assert_int_equal(sl_export_except_judge(x, &e), SL_EXPORT_COVERED);
		e = entry_of(out[i], SL_SCOPE_TREE, false);
		assert_int_equal(sl_export_except_judge(x, &e), SL_EXPORT_FREE);
	}
	sl_export_except_free(&x);
}

/* ---- a small world, in which every URL can be asked ---- */

enum { HOSTS = 10, PATHS = 6, PORTS = 3, EXCEPTIONS = 3, WORLDS = 20000 };
static const char *const hosts[HOSTS] = { "o",    "a.o",   "b.o",     "a.a.o",   "b.a.o",
	                                  "ab.o", "a.b.o", "a.b.a.o", "b.b.a.o", "b.b.o" };
static const char *const paths[PATHS] = { "", "/p", "/pq", "/p/q", "/p?x", "/p/q?x" };
static const uint16_t ports[PORTS] = { 0, 81, 82 };

static bool host_matches(enum sl_scope scope, const char *entry, const char *host)
{
	size_t n = strlen(entry), m = strlen(host);
	bool same = strcmp(entry, host) == 0,
	     below = m > n && host[m - n - 1] == '.' && strcmp(host + m - n, entry) == 0;
	return scope == SL_SCOPE_EXACT ? same : scope == SL_SCOPE_BELOW ? below : same || below;
}

static bool path_matches(const char *entry, const char *path)
{
	size_t n = strlen(entry);
	if (strncmp(entry, path, n) != 0)
		return false;
	return n == 0 || path[n] == '\0' ||
	       (strchr(entry, '?') == NULL && (path[n] == '/' || path[n] == '?'));
}

/* By the words of policy-resolution line 1. Port 0 of a URL stands for a port that no entry names. */
static bool matches(const struct sl_export_entry *e, enum sl_scope scope, unsigned url)
{
	char host[16], path[16];
	(void)snprintf(host, sizeof(host), "%.*s", (int)e->host.len, (const char *)e->host.p);
	(void)snprintf(path, sizeof(path), "%.*s", (int)e->path.len, (const char *)e->path.p);
	uint16_t port = ports[url % PORTS];
	return host_matches(scope, host, hosts[url / PORTS / PATHS]) &&
	       path_matches(path, paths[url / PORTS % PATHS]) && (e->port == 0 || e->port == port);
}

static uint32_t next(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005U + 1442695040888963407U;
	return (uint32_t)(*seed >> 33);
}

static struct sl_export_entry any_entry(uint64_t *seed)
{
	static const enum sl_scope scopes[] = { SL_SCOPE_TREE, SL_SCOPE_TREE, SL_SCOPE_EXACT,
		                                SL_SCOPE_BELOW };
	struct sl_export_entry e = { .host = sl_bytes_str(hosts[next(seed) % HOSTS]) };

	if (next(seed) % 3 == 0)
		e.port = ports[next(seed) % PORTS];
	e.scope = scopes[next(seed) % 4];
	if (next(seed) % 2 == 0) {
		e.path = sl_bytes_str(paths[next(seed) % PATHS]);
		e.scope = e.path.len > 0 ? SL_SCOPE_PATH : e.scope;
	}
	return e;
}

/* Of one exception and one block: does it take all of the block, does what would be written meet it? */
static void relate(const struct sl_export_entry *x, const struct sl_export_entry *b, bool *all, bool *meets)
{
	*all = true;
	*meets = false;
	for (unsigned url = 0; url < HOSTS * PATHS * PORTS; url++) {
		enum sl_scope written = b->scope == SL_SCOPE_PATH ? SL_SCOPE_PATH : SL_SCOPE_TREE;
		*all = *all && (!matches(b, b->scope, url) || matches(x, x->scope, url));
		*meets = *meets || (matches(b, written, url) && matches(x, x->scope, url));
	}
}

/* Leaves have nothing below them in this world, which the code cannot know: blocks of inner hosts are asked about only. */
static bool is_inner(const struct sl_export_entry *e)
{
	return e->host.len <= 3;
}

static void say(const char *what, const struct sl_export_entry *e)
{
	char text[64] = "";
	size_t len = sl_export_entry_write(e, text, sizeof(text));
	print_error("%s %.*s, scope %d\n", what, (int)len, text, e->scope);
}

static void fail_world(const struct sl_export_entry *b, const struct sl_export_entry *list,
                       enum sl_export_fate fate)
{
	say("block", b);
	for (unsigned i = 0; i < EXCEPTIONS; i++)
		say("exception", &list[i]);
	fail_msg("fate %d", fate);
}

static void test_world(void **state)
{
	uint64_t seed = 12;
	unsigned seen[3] = { 0 };

	(void)state;
	for (unsigned w = 0; w < WORLDS; w++) {
		struct sl_export_except *x = NULL;
		struct sl_export_entry list[EXCEPTIONS], b = any_entry(&seed);
		bool all = false, meets = false, one_all, one_meets;
		if (!is_inner(&b))
			continue;
		assert_int_equal(sl_export_except_new(&x), SL_OK);
		for (unsigned i = 0; i < EXCEPTIONS; i++) {
			list[i] = any_entry(&seed);
			assert_int_equal(sl_export_except_add(x, &list[i]), SL_OK);
			relate(&list[i], &b, &one_all, &one_meets);
			all |= one_all;
			meets |= one_meets;
		}
		sl_export_except_finish(x);
		enum sl_export_fate fate = sl_export_except_judge(x, &b);
		seen[fate]++;
		if ((fate == SL_EXPORT_FREE && meets) ||
		    (fate != SL_EXPORT_FREE && all != (fate == SL_EXPORT_COVERED)))
			fail_world(&b, list, fate);
		sl_export_except_free(&x);
	}
	assert_true(seen[0] > 500 && seen[1] > 500 && seen[2] > 500);
}

int main(void)
{
	static struct rows rows;
	ADD_ROWS(&rows, cases, test_judge);
	add_row(&rows, "prefixes of addresses that are allowed", test_prefix, NULL);
	add_row(&rows,
	        "line 12: in a small world, nothing that is written meets an exception, and nothing is lost",
	        test_world, NULL);
	return run_rows("daemon/export_except", &rows);
}
