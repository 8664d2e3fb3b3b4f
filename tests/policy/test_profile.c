/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_profile.c [ENTRIES] - snapshots of the profiles ne26, ne27 and both: what NEURLFilter would block with such lists
 * (NE-URL-10, NE-URL-30..36, NE-CHOICE-30..38), row by row and, against sorted strings, at any size. */
#include <stdio.h>

#include "policy/compile.h"
#include "policy/decide.h"
#include "policy/suburl.h"
#include "tests/policy/made.h"
#include "tests/policy/rows.h"

static size_t entries = 20000;

#define NE26 SL_PROFILE_NE26
#define NE27 SL_PROFILE_NE27
#define BOTH SL_PROFILE_BOTH

static const struct profile_case {
	const char *name;
	enum sl_profile profile;
	enum sl_suburl_www www;
	enum sl_list_format format;
	const char *list, *url;
	const char *key; /* that blocks; NULL: allowed */
	uint64_t unfit, widened, unreachable;
} cases[] = {
	{ "NE-URL-36: a host covers its subdomains and all paths", NE27, SL_WWW_KEEP, SL_FORMAT_URLS,
	  "example.com", "https://a.b.example.com/x?y#z", "example.com", 0, 0, 0 },
	{ "NE-URL-36: a path covers what is below it", NE27, SL_WWW_KEEP, SL_FORMAT_URLS, "example.com/a/b",
	  "https://www.example.com/a/b/c?d", "example.com/a/b", 0, 0, 0 },
	{ "NE-URL-35: but not what only begins alike", NE27, SL_WWW_KEEP, SL_FORMAT_URLS, "example.com/a/b",
	  "https://example.com/a/bc", NULL, 0, 0, 0 },
	{ "NE-URL-33: ne27 never asks for www.", NE27, SL_WWW_KEEP, SL_FORMAT_URLS, "www.example.com",
	  "https://www.example.com/", NULL, 0, 0, 1 },
	{ "NE-URL-33: ne26 does", NE26, SL_WWW_KEEP, SL_FORMAT_URLS, "www.example.com",
	  "https://www.example.com/", "www.example.com", 0, 0, 1 },
	{ "NE-CHOICE-37: www = strip makes it one that ne27 finds", NE27, SL_WWW_STRIP, SL_FORMAT_URLS,
	  "www.example.com/a", "https://www.example.com/a", "example.com/a", 0, 0, 0 },
	{ "NE-CHOICE-37: www = both is found by either", NE26, SL_WWW_BOTH, SL_FORMAT_URLS,
	  "www.example.com/a", "https://www.example.com/a", "www.example.com/a", 0, 0, 0 },
	{ "NE-CHOICE-37: and widens", NE27, SL_WWW_BOTH, SL_FORMAT_URLS, "www.example.com/a",
	  "https://x.example.com/a", "example.com/a", 0, 0, 0 },
	{ "NE-URL-33: ne27 adds the port that is in effect", NE27, SL_WWW_KEEP, SL_FORMAT_URLS,
	  "example.com:443/a", "https://example.com/a", "example.com:443/a", 0, 0, 0 },
	{ "NE-CHOICE-34: ne26 does not", NE26, SL_WWW_KEEP, SL_FORMAT_URLS, "example.com:443/a",
	  "https://example.com/a", NULL, 0, 0, 0 },
	{ "NE-CHOICE-34: of another port ne26 knows only the form that names it", NE26, SL_WWW_KEEP,
	  SL_FORMAT_URLS, "example.com", "https://example.com:8443/a", NULL, 0, 0, 0 },
	{ "NE-CHOICE-34: and ne27 both", NE27, SL_WWW_KEEP, SL_FORMAT_URLS, "example.com",
	  "https://example.com:8443/a", "example.com", 0, 0, 0 },
	{ "NE-CHOICE-30: both profiles are their union", BOTH, SL_WWW_KEEP, SL_FORMAT_URLS,
	  "www.example.com\nexample.com:443/a", "https://example.com/a", "example.com:443/a", 0, 0, 1 },
	{ "NE-CHOICE-33: escapes stay as they are", NE27, SL_WWW_KEEP, SL_FORMAT_URLS, "example.com/%7Ea",
	  "https://example.com/%7Ea", "example.com/%7Ea", 0, 0, 0 },
	{ "NE-CHOICE-33: and another spelling is another key", NE27, SL_WWW_KEEP, SL_FORMAT_URLS,
	  "example.com/%7Ea", "https://example.com/~a", NULL, 0, 0, 0 },
	{ "NE-CHOICE-31: upper case counts in a path", NE27, SL_WWW_KEEP, SL_FORMAT_URLS, "example.com/A",
	  "https://EXAMPLE.com/a", NULL, 0, 0, 0 },
	{ "NE-URL-35: an entry with a query right behind the host", NE26, SL_WWW_KEEP, SL_FORMAT_URLS,
	  "example.com?a=1", "https://example.com?a=1", "example.com?a=1", 0, 0, 0 },
	{ "NE-URL-35: is not the one with a slash between", NE26, SL_WWW_KEEP, SL_FORMAT_URLS,
	  "example.com/?a=1", "https://example.com?a=1", NULL, 0, 0, 0 },
	{ "NE-URL-35: a query behind a port", NE27, SL_WWW_KEEP, SL_FORMAT_URLS, "example.com:80?a=1",
	  "http://example.com?a=1", "example.com:80?a=1", 0, 0, 0 },
	{ "NE-URL-35: a fragment is part of a key", NE27, SL_WWW_KEEP, SL_FORMAT_URLS, "example.com/a#b",
	  "https://example.com/a#b", "example.com/a#b", 0, 0, 0 },
	{ "NE-URL-35: a slash at the end is part of a key, and every URL below has it", NE27, SL_WWW_KEEP,
	  SL_FORMAT_URLS, "example.com/a/", "https://example.com/a/b", "example.com/a/", 0, 0, 0 },
	{ "NE-CHOICE-35: IPv6 in brackets", NE27, SL_WWW_KEEP, SL_FORMAT_URLS, "http://[2001:db8::1]/a",
	  "http://[2001:DB8::1]/a/b", "[2001:db8::1]/a", 0, 0, 0 },
	{ "NE-CHOICE-35: an address with its port", NE27, SL_WWW_KEEP, SL_FORMAT_URLS, "192.0.2.1:80/a",
	  "http://192.0.2.1/a", "192.0.2.1:80/a", 0, 0, 0 },
	{ "NE-CHOICE-35: an address has no parents", NE27, SL_WWW_KEEP, SL_FORMAT_URLS, "0.2.1.example",
	  "http://192.0.2.1/", NULL, 0, 0, 0 },
	{ "NE-URL-34: a single label covers nothing below it", NE27, SL_WWW_KEEP, SL_FORMAT_URLS, "example",
	  "https://a.example/", NULL, 0, 0, 0 },
	{ "NE-URL-10: there are no exceptions", NE27, SL_WWW_KEEP, SL_FORMAT_ADBLOCK,
	  "||example.com^\n@@||a.example.com^", "https://a.example.com/", "example.com", 1, 0, 0 },
	{ "a hosts file means hosts, and covers more here", NE27, SL_WWW_KEEP, SL_FORMAT_HOSTS,
	  "0.0.0.0 example.com", "https://a.example.com/", "example.com", 0, 1, 0 },
	{ "an address of a list is the host of URLs", NE27, SL_WWW_KEEP, SL_FORMAT_ADDRESSES, "192.0.2.1",
	  "http://192.0.2.1/x", "192.0.2.1", 0, 0, 0 },
	{ "a prefix of addresses is none", NE27, SL_WWW_KEEP, SL_FORMAT_ADDRESSES,
	  "192.0.2.0/24\n198.51.100.1", "http://192.0.2.1/x", NULL, 1, 0, 0 },
	{ "control characters are in no key", NE27, SL_WWW_KEEP, SL_FORMAT_URLS,
	  "example.com/a\001b\nexample.net", "https://example.com/a\001b", NULL, 1, 0, 0 },
	{ "BloomFilterTool's input is taken to the letter", NE26, SL_WWW_KEEP, SL_FORMAT_APPLE,
	  "example.com/a/?b=c/", "https://example.com/a/?b=c", "example.com/a/?b=c/", 0, 0, 0 },
};

struct built {
	struct sl_compile *c;
	struct sl_snapshot *s;
	struct sl_compile_stats stats;
	struct made image;
};

static void build_begin(struct built *b, enum sl_profile profile, enum sl_suburl_www www)
{
	const struct sl_compile_cfg cfg = { .fold = true, .profile = profile, .www = www };
	const struct sl_compile_list list = { .name = "one", .file = "one" };
	uint16_t category = 0;
	*b = (struct built){ .c = NULL };
	assert_int_equal(sl_compile_new(&cfg, &b->c), SL_OK);
	assert_int_equal(sl_compile_category(b->c, "ads", SL_LIST_BLOCK, &category), SL_OK);
	assert_int_equal(sl_compile_begin(b->c, &list), SL_OK);
}

static void build_end(struct built *b)
{
	const struct sl_image_sink sink = { &b->image, made_write };
	const char *why = "";
	sl_compile_end(b->c);
	assert_int_equal(sl_compile_finish(b->c, &sink, &b->stats), SL_OK);
	sl_compile_free(&b->c);
	assert_int_equal(sl_snapshot_open(sl_bytes_of(b->image.p, b->image.len), NULL, &b->s), SL_OK);
	if (sl_snapshot_verify(b->s, &why) != SL_OK)
		fail_msg("%s", why);
}

static void build_free(struct built *b)
{
	sl_snapshot_free(&b->s);
	made_free(&b->image);
}

struct found {
	unsigned keys, found;
	bool named; /* the key that decided is among them */
	const char *key;
};

static int tell(void *ctx, const struct sl_tried *t)
{
	struct found *f = (struct found *)ctx;
	f->keys++;
	f->found += t->number != UINT64_MAX;
	assert_true(t->number == UINT64_MAX || t->perhaps);
	f->named |= t->number != UINT64_MAX && sl_bytes_equal(t->key, sl_bytes_str(f->key));
	return SL_OK;
}

static void test_profile(void **state)
{
	const struct profile_case *c = (const struct profile_case *)*state;
	const struct sl_list_cfg cfg = { .file = "one", .format = c->format };
	const struct sl_query q = { .url = sl_bytes_str(c->url) };
	struct sl_list_stats stats;
	struct sl_decision d, many;
	struct found found = { .key = c->key == NULL ? "" : c->key };
	struct built b;
	char key[256], text[SL_SNAPSHOT_KEY + 1];
	build_begin(&b, c->profile, c->www);
	assert_int_equal(sl_list_read(&cfg, sl_bytes_str(c->list), sl_compile_add, b.c, NULL, &stats), SL_OK);
	build_end(&b);
	sl_decide(b.s, &q, &d);
	sl_decide_many(b.s, &q, 1, &many);
	sl_decision_key(&d, &q, key, sizeof(key));
	assert_string_equal(key, found.key);
	assert_int_equal(d.block, c->key != NULL);
	assert_int_equal(d.letter, c->key != NULL ? 'g' : 'h');
	assert_true(many.block == d.block && many.line == d.line);
	assert_int_equal(sl_explain(b.s, &q, tell, &found), SL_OK);
	assert_true(found.keys > 0 && (found.found > 0) == d.block && found.named == d.block);
	assert_int_equal(b.stats.unfit, c->unfit);
	assert_int_equal(b.stats.widened, c->widened);
	assert_int_equal(b.stats.www_unreachable, c->unreachable);
	bool listed = false;
	size_t len;
	for (uint64_t n = 0; c->key != NULL && sl_snapshot_key(b.s, n, text, &len) == SL_OK; n++)
		listed |= strcmp(text, c->key) == 0;
	assert_int_equal(listed, c->key != NULL);
	build_free(&b);
}

/* ---- exact, against sorted strings ---- */

enum { TEXT = 128 };

static uint64_t mixed(uint64_t x)
{
	x *= UINT64_C(0x9e3779b97f4a7c15);
	return (x ^ x >> 29) * UINT64_C(0xbf58476d1ce4e5b9) >> 7;
}

/* URLs much alike: few hosts, few segments, every form that tells two keys apart by one byte. */
static void nth_url(uint64_t i, char out[TEXT])
{
	static const char *const port[] = { "", "", "", ":443", ":80", ":8443" };
	static const char *const path[] = { "",    "/",     "/a", "/a/",    "/a/b",
		                            "/ab", "/a//b", "/A", "/a%2Fb", "/%61" };
	static const char *const end[] = { "", "", "", "/", "?", "?a", "?a/", "?/", "#f", "?a#f", "?a#f/" };
	uint64_t x = mixed(i);
	(void)snprintf(out, TEXT, "%s%s%u.h%u.%s%s%s%s", x % 7 == 0 ? "www." : "", x % 11 == 0 ? "x." : "",
	               (unsigned)(x >> 8) % 100, (unsigned)(x >> 16) % (unsigned)(entries / 20 + 10),
	               x % 5 == 0 ? "example" : "example.com", port[(x >> 32) % 6], path[(x >> 36) % 10],
	               end[(x >> 40) % 11]);
}

static int by_text(const void *a, const void *b)
{
	return strcmp((const char *)a, (const char *)b);
}

/* The entries as text, sorted; what the reader will not take is not among them. */
static size_t make_reference(char *sorted)
{
	struct sl_suburl_entry e;
	char url[TEXT];
	size_t n = 0;
	for (size_t i = 0; i < entries; i++) {
		nth_url(i, url);
		assert_int_equal(sl_suburl_entry_read(sl_bytes_str(url), &e), SL_OK);
		size_t len = sl_suburl_entry_write(&e, SL_WWW_KEEP, 0, &sorted[n * TEXT], TEXT - 1);
		sorted[n++ * TEXT + len] = '\0';
	}
	qsort(sorted, n, TEXT, by_text);
	return n;
}

static void add_all(struct built *b)
{
	const struct sl_list_cfg cfg = { .file = "one", .format = SL_FORMAT_URLS };
	struct sl_list_reader *r = NULL;
	struct sl_list_stats stats;
	char url[TEXT + 1];
	assert_int_equal(sl_list_reader_new(&cfg, sl_compile_add, b->c, NULL, &r), SL_OK);
	for (size_t i = 0; i < entries; i++) {
		nth_url(i, url);
		size_t len = strlen(url);
		url[len++] = '\n';
		assert_int_equal(sl_list_reader_feed(r, sl_bytes_of(url, len)), SL_OK);
	}
	assert_int_equal(sl_list_reader_end(r, &stats), SL_OK);
	sl_list_reader_free(&r);
	assert_int_equal(stats.entries, entries);
}

static bool is_listed(const char *sorted, size_t n, const char *url, enum sl_suburl_profile profile,
                      uint64_t *keys)
{
	static struct sl_suburls s;
	char key[2 * TEXT];
	bool listed = false;
	assert_int_equal(sl_suburls_of(sl_bytes_str(url), profile, NULL, &s), SL_OK);
	for (unsigned head = 0; head < s.n_heads; head++)
		for (unsigned tail = 0; tail < s.n_tails; tail++) {
			if (!sl_suburl_is_key(&s, head, tail))
				continue;
			size_t len = sl_suburl_write(&s, head, tail, key, sizeof(key) - 1);
			key[len] = '\0';
			++*keys;
			listed |= len < TEXT && bsearch(key, sorted, n, TEXT, by_text) != NULL;
		}
	return listed;
}

/* Ten keys for each entry: of entries as URLs, of what is above and below them, and of strangers of the same make. */
static void test_exact(void **state)
{
	enum sl_profile profile = (enum sl_profile)(uintptr_t)*state;
	enum sl_suburl_profile suburls = profile == NE26   ? SL_SUBURL_NE26
	                                 : profile == NE27 ? SL_SUBURL_NE27
	                                                   : SL_SUBURL_BOTH;
	char *sorted = (char *)calloc(entries, TEXT), url[2 * TEXT];
	uint64_t keys = 0, wrong = 0, blocked = 0, asked = 0;
	struct built b;
	assert_non_null(sorted);
	size_t n = make_reference(sorted);
	build_begin(&b, profile, SL_WWW_KEEP);
	add_all(&b);
	build_end(&b);
	for (uint64_t i = 0; keys < entries * 10; i++, asked++) {
		char text[TEXT];
		nth_url(i % 4 == 0 ? i * 7 % entries : entries + i, text);
		(void)snprintf(url, sizeof(url), "%s%s%s", i % 3 == 0 ? "http://" : "https://", text,
		               i % 8 == 0 ? "/b/c" : "");
		const struct sl_query q = { .url = sl_bytes_str(url) };
		struct sl_decision d;
		sl_decide(b.s, &q, &d);
		bool want = is_listed(sorted, n, url, suburls, &keys);
		if (d.block != want && wrong++ == 0)
			print_message("%s: %d\n", url, d.block);
		blocked += want;
	}
	assert_int_equal(wrong, 0);
	assert_true(blocked > asked / 20 && blocked < asked * 19 / 20);
	build_free(&b);
	free(sorted);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		enum sl_profile profile;
	} exact[] = {
		{ "ne26 is exact: against sorted strings, for entries, what is near them, and strangers",
		  NE26 },
		{ "ne27 is exact: likewise", NE27 },
		{ "both is exact: likewise", BOTH },
	};
	struct rows rows = { .n = 0 };
	if (argc > 1)
		entries = (size_t)strtoul(argv[1], NULL, 10);
	ADD_ROWS(&rows, cases, test_profile);
	for (size_t i = 0; i < sizeof(exact) / sizeof(exact[0]); i++)
		add_row(&rows, exact[i].name, test_exact, (const void *)(uintptr_t)exact[i].profile);
	return run_rows("policy/profile", &rows);
}
