/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_canonical.c - our canonical form beside those of others, class by class. Two spellings agree where they are one key:
 * what another standard writes is read again by ours. Each vector that does not agree must have a reason, and how many have
 * which stands in docs/canonical.md: a line that is not there fails. The counts are those of libidn2 2.3.3 (Debian 12). */
#include <unistd.h>

#include "policy/keys.h"
#include "tests/policy/vectors.h"
#include "tests/support/hex.h"

#define DOC SL_SOURCE_DIR "/docs/canonical.md"

enum { SKIPPED = 77, LINE = 256 };

enum reason {
	SHARP_S,
	PORT,
	UNESCAPE,
	LAST_DOTS,
	NO_NAME,
	IDN,
	BLANK,
	SLASHES,
	BACKSLASH,
	DOTS,
	BARE_V6,
	UNKNOWN
};

static const char *const reason_text[] = {
	[SHARP_S] = "capital sharp s",
	[PORT] = "a default port that is named",
	[UNESCAPE] = "escapes of escapes",
	[LAST_DOTS] = "several dots at the end of a host",
	[NO_NAME] = "no name of the DNS, or port 0",
	[IDN] = "U-label that libidn2 refuses",
	[BLANK] = "tab or line end inside",
	[SLASHES] = "scheme without two slashes",
	[BACKSLASH] = "backslash",
	[DOTS] = "dots behind an empty segment",
	[BARE_V6] = "IPv6 without brackets",
};

enum kind { HOST, URL, PATH };

struct canon { /* of any kind */
	bool ok;
	struct sl_url url;
};

struct vector {
	enum kind kind;
	struct sl_bytes in, want; /* want absent: refused */
	struct canon ours, theirs;
};

struct tally {
	unsigned n, agree, refused, reason[UNKNOWN];
};

static void canon(enum kind kind, struct sl_bytes text, struct canon *out)
{
	memset(out, 0, sizeof(*out));
	out->ok = true;
	if (kind == HOST)
		out->ok = sl_host_canon(text, &out->url.host) == SL_OK;
	else if (kind == PATH)
		sl_path_canon(text, out->url.path, &out->url.path_len);
	else
		out->ok = sl_url_canon(text, &out->url) == SL_OK;
}

static bool same_place(const struct vector *v)
{
	return strcmp(v->ours.url.host.name, v->theirs.url.host.name) == 0 &&
	       strcmp(v->ours.url.path, v->theirs.url.path) == 0;
}

static bool has(struct sl_bytes text, const char *what)
{
	return memmem(text.p, text.len, what, strlen(what)) != NULL;
}

static bool is_ascii(struct sl_bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] >= 0x80)
			return false;
	return !has(text, "%");
}

static bool is_scheme(struct sl_bytes in, const char *scheme)
{
	struct sl_bytes want = sl_bytes_str(scheme);
	return sl_bytes_equal_nocase(sl_bytes_first(in, want.len), want);
}

static enum reason reason_of(const struct vector *v)
{
	if (has(v->in, "\xe1\xba\x9e"))
		return SHARP_S;
	if (v->kind == URL && has(v->in, "%25"))
		return UNESCAPE;
	if (v->kind == URL && has(v->in, ".../") && v->theirs.ok)
		return LAST_DOTS;
	if (has(v->in, "\t") || has(v->in, "\r") || has(v->in, "\n"))
		return BLANK;
	if (has(v->in, "\\"))
		return BACKSLASH;
	if (v->ours.ok && v->theirs.ok && v->ours.url.port != 0 && v->theirs.url.port == 0 && same_place(v))
		return PORT;
	if (v->kind == URL && !has(v->in, "://"))
		return SLASHES;
	if (!v->ours.ok && !v->theirs.ok)
		return NO_NAME;
	if (!v->ours.ok && !is_ascii(v->in))
		return IDN;
	if (v->kind != HOST && has(v->in, "/") && has(v->in, ".."))
		return DOTS;
	return v->ours.ok && v->want.p == NULL && v->ours.url.host.address ? BARE_V6 : UNKNOWN;
}

static void judge(struct tally *t, enum kind kind, struct sl_bytes in, struct sl_bytes want)
{
	static struct vector v;
	v = (struct vector){ .kind = kind, .in = in, .want = want };
	canon(kind, in, &v.ours);
	if (want.p != NULL)
		canon(kind, want, &v.theirs);
	t->n++;
	if (want.p == NULL && !v.ours.ok) {
		t->refused++;
	} else if (v.ours.ok && v.theirs.ok && v.ours.url.port == v.theirs.url.port && same_place(&v)) {
		t->agree++;
	} else {
		enum reason reason = reason_of(&v);
		if (reason == UNKNOWN)
			fail_msg("%.*s: without a reason: \"%s%s\" for \"%.*s\"", (int)in.len, in.p,
			         v.ours.url.host.name, v.ours.url.path, (int)want.len, want.p);
		t->reason[reason]++;
	}
}

/* ---- the document ---- */

static bool assert_documented(const char *line)
{
	static char doc[1 << 16];
	FILE *f = fopen(DOC, "r");
	assert_non_null(f);
	doc[fread(doc, 1, sizeof(doc) - 1, f)] = '\0';
	(void)fclose(f);
	const char *at = strstr(doc, line);
	if (at == NULL || at[strlen(line)] != '\n')
		print_message("not in docs/canonical.md: %s\n", line);
	return at != NULL && at[strlen(line)] == '\n';
}

static void report(const char *class, const struct tally *t)
{
	char line[LINE];
	unsigned differ = t->n - t->agree - t->refused;
	(void)snprintf(line, sizeof(line), "| %s | %u | %u | %u | %u |", class, t->n, t->agree, t->refused,
	               differ);
	bool ok = assert_documented(line);
	for (int i = 0; i < UNKNOWN; i++) {
		if (t->reason[i] == 0)
			continue;
		(void)snprintf(line, sizeof(line), "| %s | %s | %u |", class, reason_text[i], t->reason[i]);
		ok = assert_documented(line) && ok;
	}
	assert_true(ok);
}

/* ---- the classes ---- */

static bool is_web(struct sl_bytes in, bool base)
{
	static const char *const schemes[] = { "http:", "https:", "ws:", "wss:", "ftp:" };
	while (in.len > 0 && in.p[0] <= ' ')
		in = sl_bytes_skip(in, 1);
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (is_scheme(in, schemes[i]))
			return !base || has(sl_bytes_first(in, strlen(schemes[i]) + 2), "://");
	return false;
}

static void test_wpt_urls(void **state)
{
	json_t *all = vectors_json("wpt-urltestdata.json"), *one;
	struct tally t = { 0 };
	size_t i;
	(void)state;
	json_array_foreach(all, i, one)
	{
		struct sl_bytes in = vectors_bytes(json_object_get(one, "input"));
		if (json_is_object(one) && is_web(in, json_is_string(json_object_get(one, "base"))))
			judge(&t, URL, in, vectors_bytes(json_object_get(one, "href")));
	}
	report("WHATWG URLs", &t);
	json_decref(all);
}

static void hosts(const char *file, const char *class)
{
	json_t *all = vectors_json(file), *one;
	struct tally t = { 0 };
	size_t i;
	json_array_foreach(all, i, one) if (json_is_object(one))
	        judge(&t, HOST, vectors_bytes(json_object_get(one, "input")),
	              vectors_bytes(json_object_get(one, "output")));
	report(class, &t);
	json_decref(all);
}

static void test_toascii(void **state)
{
	(void)state;
	hosts("wpt-toascii.json", "WHATWG names");
}

static void test_idna(void **state)
{
	(void)state;
	hosts("wpt-IdnaTestV2.json", "IdnaTestV2");
}

static void test_safe_browsing(void **state)
{
	json_t *all = vectors_json("safebrowsing-canonical.json"), *one;
	struct tally t = { 0 };
	uint8_t in[1024];
	size_t i;
	(void)state;
	json_array_foreach(all, i, one)
	{
		size_t n = sl_test_unhex(json_string_value(json_object_get(one, "input_hex")), in);
		judge(&t, URL, sl_bytes_of(in, n), vectors_bytes(json_object_get(one, "canonical")));
	}
	report("Safe Browsing URLs", &t);
	json_decref(all);
}

static void test_dots(void **state)
{
	json_t *all = vectors_json("urlcanon-path_dots.json"), *want;
	struct tally t = { 0 };
	const char *in;
	(void)state;
	json_object_foreach(json_object_get(all, "special"), in, want)
	        judge(&t, PATH, sl_bytes_str(in), vectors_bytes(want));
	report("dots in paths", &t);
	json_decref(all);
}

static void test_percent(void **state)
{
	json_t *all = vectors_json("wpt-percent-encoding.json"), *one;
	struct tally t = { 0 };
	size_t i;
	(void)state;
	json_array_foreach(all, i, one)
	{
		const char *utf8 =
		        json_string_value(json_object_get(json_object_get(one, "output"), "utf-8"));
		char in[64], want[64];
		if (utf8 == NULL)
			continue;
		(void)snprintf(in, sizeof(in), "/?%s", json_string_value(json_object_get(one, "input")));
		(void)snprintf(want, sizeof(want), "/?%s", utf8);
		judge(&t, PATH, sl_bytes_str(in), sl_bytes_str(want));
	}
	report("percent encoding (UTF-8)", &t);
	json_decref(all);
}

/* ---- keys ---- */

/* Is an entry of that text among the keys of the URL? */
static bool is_asked(const struct sl_url *url, const struct sl_url *entry)
{
	static struct sl_keys keys;
	struct sl_key_shape shape = { .ports = 0 };
	struct sl_key key = sl_key_of(&entry->host, entry->port, sl_bytes_of(entry->path, entry->path_len));
	struct sl_keys_at at = { 0 };
	struct sl_key_probes probes;
	assert_int_equal(sl_key_shape_add(&shape, &key), SL_OK);
	sl_keys_of(&url->host, url->port, sl_bytes_of(url->path, url->path_len), &shape, 0, &keys);
	uint64_t want = sl_key_hash(&key, 0);
	while (sl_keys_next(&keys, &at, &probes) > 0)
		for (uint32_t i = 0; i < probes.n; i++)
			if (probes.hash[i] == want)
				return true;
	return false;
}

static void report_asked(const char *class, unsigned n, unsigned asked)
{
	char line[LINE];
	(void)snprintf(line, sizeof(line), "| %s | %u | %u |", class, n, asked);
	assert_true(assert_documented(line));
}

static void test_expressions(void **state)
{
	json_t *all = vectors_json("safebrowsing-expressions.json"), *one, *text;
	static struct sl_url url, entry;
	unsigned n = 0, asked = 0;
	size_t i, j;
	(void)state;
	json_array_foreach(all, i, one)
	{
		assert_int_equal(sl_url_canon(vectors_bytes(json_object_get(one, "url")), &url), SL_OK);
		json_array_foreach(json_object_get(one, "expressions"), j, text)
		{
			assert_int_equal(sl_url_canon(vectors_bytes(text), &entry), SL_OK);
			n++;
			asked += is_asked(&url, &entry);
		}
	}
	report_asked("Safe Browsing expressions", n, asked);
	json_decref(all);
}

/* An entry for the registrable domain covers the name, whatever the public suffix is. */
static void test_registrable(void **state)
{
	size_t len = 0;
	char *text = vectors_text("psl-tests.txt", &len), *save = NULL, name[LINE], domain[LINE];
	static struct sl_url url, entry;
	unsigned n = 0, asked = 0;
	(void)state;
	for (char *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		if (line[0] == '/' || sscanf(line, "%255s %255s", name, domain) != 2 ||
		    strcmp(domain, "null") == 0)
			continue;
		assert_int_equal(sl_url_canon(sl_bytes_str(name), &url), SL_OK);
		assert_int_equal(sl_url_canon(sl_bytes_str(domain), &entry), SL_OK);
		n++;
		asked += is_asked(&url, &entry);
	}
	report_asked("registrable domains (psl-tests.txt)", n, asked);
	free(text);
}

/* Every public suffix is a name that may be listed, U-labels included. */
static void test_suffixes(void **state)
{
	size_t len = 0;
	char *text = vectors_text("public_suffix_list.dat.gz", &len), *save = NULL;
	struct sl_host host;
	unsigned n = 0, read = 0;
	(void)state;
	for (char *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		if (line[0] == '/' || line[0] == '\0')
			continue;
		line += line[0] == '!' ? 1 : strncmp(line, "*.", 2) == 0 ? 2 : 0;
		n++;
		if (sl_host_canon(sl_bytes_str(line), &host) == SL_OK && !host.address)
			read++;
		else
			print_message("%s is no name\n", line);
	}
	report_asked("public suffixes (public_suffix_list.dat)", n, read);
	free(text);
}

int main(void)
{
	struct rows rows = { .n = 0 };
	if (access(VECTORS_DIR, R_OK) != 0) {
		print_message("skipped: no vectors at " VECTORS_DIR "\n");
		return SKIPPED;
	}
	add_row(&rows, "URLs of the WHATWG's tests", test_wpt_urls, NULL);
	add_row(&rows, "names of the WHATWG's tests", test_toascii, NULL);
	add_row(&rows, "names of Unicode's IdnaTestV2", test_idna, NULL);
	add_row(&rows, "URLs of Safe Browsing's documentation", test_safe_browsing, NULL);
	add_row(&rows, "dots in paths of urlcanon's tests", test_dots, NULL);
	add_row(&rows, "percent encoding of the WHATWG's tests", test_percent, NULL);
	add_row(&rows, "line 5: Safe Browsing's expressions are among our keys", test_expressions, NULL);
	add_row(&rows, "line 5: an entry for a registrable domain covers all its names", test_registrable,
	        NULL);
	add_row(&rows, "every public suffix is a name that may be listed", test_suffixes, NULL);
	return run_rows("policy/canonical", &rows);
}
