/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_corpus.c - real lists and the vectors of others, where they stand beside the source; skipped where they do not. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "policy/policy.h"
#include "tests/policy/rows.h"

#define SHARED SL_SOURCE_DIR "/../shared/corpus/"

enum { SKIPPED = 77 };

/* A whole file, unpacked where it is gzip, and a NUL that *len does not count. The caller frees. */
static char *slurp(const char *name, size_t *len)
{
	char command[512];
	size_t cap = 1 << 16;
	char *text = malloc(cap);
	assert_non_null(text);
	(void)snprintf(command, sizeof(command), "gzip -dcf '" SHARED "%s'", name);
	FILE *f = popen(command, "r");
	assert_non_null(f);
	*len = 0;
	for (size_t n = 1; n > 0; *len += n) {
		if (*len + 1 == cap) {
			char *more = realloc(text, cap *= 2);
			assert_non_null(more);
			text = more;
		}
		n = fread(text + *len, 1, cap - *len - 1, f);
	}
	assert_int_equal(pclose(f), 0);
	text[*len] = '\0';
	return text;
}

static struct sl_policy *load(const char *name, enum sl_list_format format, uint32_t percent,
                              struct sl_list_stats *stats)
{
	struct sl_policy_builder *b = NULL;
	struct sl_policy *p = NULL;
	struct sl_policy_list list = { name, SL_LIST_BLOCK, { name, format, false, false, percent } };
	size_t len = 0;
	char *text = slurp(name, &len);
	assert_int_equal(sl_policy_builder_new(&b), SL_OK);
	assert_int_equal(sl_policy_builder_add(b, &list, sl_bytes_of(text, len), NULL, stats), SL_OK);
	assert_int_equal(sl_policy_builder_finish(b, &p), SL_OK);
	sl_policy_builder_free(&b);
	free(text);
	return p;
}

/* How many of the popular names are blocked. */
static unsigned count_blocked(const struct sl_policy *p)
{
	size_t len = 0;
	char *text = slurp("lists/clean-top100k.domains.txt.gz", &len), *save = NULL;
	unsigned n = 0;
	for (char *name = strtok_r(text, "\n", &save); name != NULL; name = strtok_r(NULL, "\n", &save)) {
		struct sl_query q = { .host = sl_bytes_str(name), .port = 443 };
		struct sl_decision d;
		sl_policy_decide(p, &q, &d);
		n += d.block;
	}
	free(text);
	return n;
}

/* Expected: the lists' NAMES.tsv, whose blocked names are of the column "exact" for lists of exact names (hosts, RPZ) and of
 * "self or parent" for trees. Entries are those that differ. Found formats are those of AUTO. */
static const struct list_case {
	const char *name;
	enum sl_list_format format;
	uint64_t entries;
	unsigned errors, blocked;
} lists[] = {
	{ "lists/ph00lt0.domains.txt.gz", SL_FORMAT_DOMAINS, 29498, 0, 1614 },
	{ "lists/ph00lt0.wildcard.txt.gz", SL_FORMAT_WILDCARD, 29498, 0, 1614 },
	{ "lists/ph00lt0.hosts.txt.gz", SL_FORMAT_HOSTS, 29498, 0, 1564 },
	{ "lists/ph00lt0.rpz.txt.gz", SL_FORMAT_RPZ, 29498, 0, 1564 },
	{ "lists/ph00lt0.unbound.conf.gz", SL_FORMAT_UNBOUND, 29498, 0, 1614 },
	{ "lists/adaway.hosts.txt.gz", SL_FORMAT_HOSTS, 6540, 0, 152 },
	{ "lists/blp-basic.hosts.txt.gz", SL_FORMAT_HOSTS, 76036, 0, 778 },
	{ "lists/hagezi-light.wildcard.txt.gz", SL_FORMAT_WILDCARD, 122680, 0, 1290 },
	{ "lists/hagezi-fake.unbound.conf.gz", SL_FORMAT_UNBOUND, 7355, 0, 16 },
	{ "lists/hagezi-personal.dnsmasq.conf.gz", SL_FORMAT_DNSMASQ, 9671, 0, 155 },
	{ "lists/blp-ransomware.dnsmasq.conf", SL_FORMAT_DNSMASQ, 1904, 0, 0 },
	{ "lists/blp-scam.adblock.txt.gz", SL_FORMAT_ADBLOCK, 8527, 0, 74 },
	{ "lists/blp-malware.ip.txt.gz", SL_FORMAT_ADDRESSES, 20907, 0, 0 },
	{ "lists/ut1-bank.domains.txt", SL_FORMAT_DOMAINS, 6646, 0, 783 },
	/* and 14, 26 and 74 addresses, which NAMES.tsv leaves out */
	{ "lists/ut1-gambling.domains.txt.gz", SL_FORMAT_DOMAINS, 32233 + 14, 0, 200 },
	{ "lists/ut1-games.domains.txt.gz", SL_FORMAT_DOMAINS, 33715 + 26, 0, 1758 },
	{ "lists/ut1-publicite.domains.txt", SL_FORMAT_DOMAINS, 4270 + 74, 0, 311 },
};

static void test_list(void **state)
{
	const struct list_case *c = *state;
	struct sl_list_stats stats;
	struct sl_policy *p = load(c->name, SL_FORMAT_AUTO, 0, &stats);
	assert_string_equal(sl_list_format_name(stats.format), sl_list_format_name(c->format));
	assert_int_equal(stats.errors, c->errors);
	assert_int_equal(sl_policy_entries(p), c->entries);
	assert_int_equal(count_blocked(p), c->blocked);
	sl_policy_free(&p);
}

/* Lists of hosts and paths as they are out there: nearly all of each is read. */
static const struct url_list_case {
	const char *name;
} url_lists[] = {
	{ "lists/ut1-adult.urls.txt" },       { "lists/ut1-games.urls.txt" },
	{ "lists/ut1-phishing.urls.txt.gz" }, { "lists/ut1-publicite.urls.txt" },
	{ "lists/clean-urls-kasztp.txt.gz" },
};

static void test_url_list(void **state)
{
	const struct url_list_case *c = *state;
	struct sl_list_stats stats;
	struct sl_policy *p = load(c->name, SL_FORMAT_AUTO, 1, &stats);
	assert_true(sl_policy_entries(p) > 0 && stats.refused * 200 <= stats.lines);
	sl_policy_free(&p);
}

static bool is_surrogate(const char *at, const char *second)
{
	return at[0] == '\\' && at[1] == 'u' && (at[2] | 0x20) == 'd' && strchr(second, at[3] | 0x20) != NULL;
}

/* Half a surrogate pair is no Unicode and no JSON for jansson: it becomes U+FFFD. */
static void mend_surrogates(char *text, size_t len)
{
	for (size_t i = 0; i + 12 <= len; i++) {
		if (is_surrogate(text + i, "89ab") && is_surrogate(text + i + 6, "cdef"))
			i += 11;
		else if (is_surrogate(text + i, "89abcdef"))
			memcpy(text + i + 2, "fffd", 4);
	}
}

static json_t *vectors(const char *name)
{
	size_t len = 0;
	char *text = slurp(name, &len);
	mend_surrogates(text, len);
	json_t *all = json_loadb(text, len, JSON_ALLOW_NUL, NULL);
	free(text);
	assert_true(json_is_array(all));
	return all;
}

static struct sl_bytes bytes_of(const json_t *string)
{
	return sl_bytes_of(json_string_value(string), json_string_length(string));
}

/* Whatever both take for a name has one form. What only one takes is left open: WHATWG allows empty and over-long labels,
 * and libidn2 may follow an older Unicode, in which capital sharp s (U+1E9E) was "ss". */
static void test_idna(void **state)
{
	json_t *all = vectors(*state), *one;
	size_t i, agree = 0, differ = 0;
	json_array_foreach(all, i, one)
	{
		const json_t *in = json_object_get(one, "input"), *want = json_object_get(one, "output");
		struct sl_host got;
		if (!json_is_string(in) || !json_is_string(want) ||
		    sl_host_canon(bytes_of(in), &got) != SL_OK ||
		    strstr(json_string_value(in), "\xe1\xba\x9e") != NULL)
			continue;
		struct sl_bytes text = bytes_of(want);
		if (text.len > 0 && text.p[text.len - 1] == '.')
			text.len--;
		bool same = sl_bytes_equal(text, sl_bytes_of(got.name, got.len));
		agree += same;
		differ += !same;
		if (!same)
			print_message("%s: got %s\n", json_string_value(in), got.name);
	}
	json_decref(all);
	print_message("%zu names agree\n", agree);
	assert_int_equal(differ, 0);
	assert_true(agree > 20);
}

/* Absolute web URLs: the host is the one that a browser would ask for, and the port where it is not the default. */
static void test_urls(void **state)
{
	json_t *all = vectors(*state), *one;
	size_t i, agree = 0;
	json_array_foreach(all, i, one)
	{
		struct sl_bytes in = bytes_of(json_object_get(one, "input"));
		struct sl_bytes want = bytes_of(json_object_get(one, "hostname"));
		struct sl_host host;
		struct sl_url got;
		bool web = sl_bytes_equal_nocase(sl_bytes_first(in, 7), SL_BYTES_LIT("http://")) ||
		           sl_bytes_equal_nocase(sl_bytes_first(in, 8), SL_BYTES_LIT("https://"));
		if (!web || want.len == 0 || sl_url_canon(in, &got) != SL_OK)
			continue;
		assert_int_equal(sl_host_canon(want, &host), SL_OK);
		if (strcmp(host.name, got.host.name) != 0)
			print_message("%.*s: got %s\n", (int)in.len, in.p, got.host.name);
		assert_string_equal(got.host.name, host.name);
		agree++;
	}
	print_message("%zu URLs are read\n", agree);
	assert_true(agree > 50);
	json_decref(all);
}

int main(void)
{
	struct rows rows = { .n = 0 };
	if (access(SHARED "lists", R_OK) != 0) {
		print_message("skipped: no corpus at " SHARED "\n");
		return SKIPPED;
	}
	ADD_ROWS(&rows, lists, test_list);
	ADD_ROWS(&rows, url_lists, test_url_list);
	add_row(&rows, "names of the WHATWG's toascii vectors", test_idna, "url/wpt-toascii.json");
	add_row(&rows, "names of Unicode's IdnaTestV2 vectors", test_idna, "url/wpt-IdnaTestV2.json");
	add_row(&rows, "hosts of the WHATWG's URL vectors", test_urls, "url/wpt-urltestdata.json");
	return run_rows("policy/corpus", &rows);
}
