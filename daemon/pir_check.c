/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/pir_check.h"

#include <math.h>
#include <stdlib.h>

#include "bloom/apple_hash.h"
#include "bloom/gauge.h"
#include "daemon/prefilter_report.h"

/* What is asked and held against each other: the first of each kind. */
struct checking {
	const struct sl_pir_check *check;
	struct sl_pir_folder folder;
	const struct sl_pir_file *filter, *database;
	union sl_prefilter_mem mem;
	const struct sl_prefilter *pf; /* NULL where there is none to ask */
	struct sl_pir_mended mended;
	uint64_t unasked; /* keywords that the prefilter does not pass */
	json_t *root, *faults, *notes;
};

static const struct sl_pir_set no_set = { .n = 0 };

void sl_pir_say(json_t *to, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	(void)json_array_append_new(to, json_vsprintf(fmt, ap));
	va_end(ap);
}

enum { SHOWN = 120 }; /* bytes of an entry in a sentence */
#define SHOW(bytes) (int)sl_min((bytes).len, SHOWN), (const char *)(bytes).p

static const struct sl_pir_set *set_of(const struct checking *c)
{
	return c->database == NULL ? &no_set : &c->database->set;
}

static bool passes(const struct checking *c, struct sl_bytes key)
{
	return c->pf != NULL && sl_prefilter_maybe(c->pf, sl_apple_key(key, c->filter->prefilter.shape.seed));
}

/* Text as JSON; a byte that is not UTF-8 as "?", since a key may hold any. */
static json_t *json_bytes(struct sl_bytes text)
{
	json_t *out = json_stringn((const char *)text.p, text.len);
	uint8_t copy[SL_PIR_ENTRY_MAX];

	if (out != NULL)
		return out;
	size_t n = sl_min(text.len, sizeof(copy));
	for (size_t i = 0; i < n; i++)
		copy[i] = text.p[i] < 0x80 ? text.p[i] : '?';
	return json_stringn((const char *)copy, n);
}

/* ------------------------------------------------------------------ the files */

static void list_files(struct checking *c)
{
	static const char *const what[] = { "prefilter", "bits of a prefilter", "PIR input", "processing",
		                            "service",   "canonical list" };
	json_t *files = json_array();

	for (size_t i = 0; i < c->folder.n; i++) {
		const struct sl_pir_file *f = &c->folder.file[i];
		json_t *one = json_pack("{s:s, s:s}", "name", f->name, "what", what[f->kind]);
		if (f->kind == SL_PIR_DATABASE || f->kind == SL_PIR_ENTRIES)
			(void)json_object_set_new(one, "rows", json_integer((json_int_t)f->set.rows));
		if (f->kind == SL_PIR_PREFILTER)
			(void)json_object_set_new(one, "bits",
			                          json_integer((json_int_t)f->prefilter.shape.bits));
		(void)json_array_append_new(files, one);
	}
	(void)json_object_set_new(c->root, "files", files);
}

/* Two prefilters, of which a device gets one. */
static void compare_filter(struct checking *c, const struct sl_pir_file *other)
{
	const struct sl_prefilter_file *a = &c->filter->prefilter, *b = &other->prefilter;
	const char *differ = a->shape.seed != b->shape.seed       ? "murmurSeed"
	                     : a->shape.bits != b->shape.bits     ? "bitCount"
	                     : a->shape.hashes != b->shape.hashes ? "hashCount"
	                     : !sl_bytes_equal(a->data, b->data)  ? "their data"
	                                                          : NULL;
	if (differ != NULL)
		sl_pir_say(c->faults, "%s and %s differ in %s: they are not of one run", c->filter->name,
		           other->name, differ);
}

/* Two lists, of which one is asked for and the other answers (NE-PIR-13). */
static void compare_set(struct checking *c, const struct sl_pir_file *other)
{
	struct sl_bytes lost, more;
	uint64_t missing = sl_pir_set_missing(&c->database->set, &other->set, &lost),
	         extra = sl_pir_set_missing(&other->set, &c->database->set, &more);

	if (missing > 0)
		sl_pir_say(c->faults,
		           "two lists that differ: %llu entries of %s are not in %s, as %.*s (NE-PIR-13)",
		           (unsigned long long)missing, c->database->name, other->name, SHOW(lost));
	if (extra > 0)
		sl_pir_say(c->faults,
		           "two lists that differ: %llu entries of %s are not in %s, as %.*s (NE-PIR-13)",
		           (unsigned long long)extra, other->name, c->database->name, SHOW(more));
}

static void compare_files(struct checking *c)
{
	for (size_t i = 0; i < c->folder.n; i++) {
		const struct sl_pir_file *f = &c->folder.file[i];
		if (f->kind == SL_PIR_PREFILTER && c->filter != NULL && f != c->filter)
			compare_filter(c, f);
		else if (f->kind == SL_PIR_BITS && c->filter != NULL &&
		         !sl_bytes_equal(f->text, c->filter->prefilter.data))
			sl_pir_say(c->faults, "%s holds other bits than %s", f->name, c->filter->name);
		else if ((f->kind == SL_PIR_DATABASE || f->kind == SL_PIR_ENTRIES) && c->database != NULL &&
		         f != c->database)
			compare_set(c, f);
	}
}

/* ------------------------------------------------------------------ the lists by themselves and against each other */

static void check_rows(struct checking *c)
{
	const struct sl_pir_set *set = &c->database->set;
	const char *name = c->database->name;

	if (set->n == 0)
		sl_pir_say(c->faults, "%s: no rows", name);
	if (set->repeated.p != NULL)
		sl_pir_say(c->faults,
		           "%s: %llu rows repeat another, as %.*s: PIRProcessDatabase refuses duplicates "
		           "(NE-PIR-04)",
		           name, (unsigned long long)(set->rows - set->empty - set->n), SHOW(set->repeated));
	if (set->empty > 0)
		sl_pir_say(c->faults, "%s: %llu rows have no keyword", name, (unsigned long long)set->empty);
	if (set->odd_values > 0)
		sl_pir_say(c->notes, "%s: %llu rows have another value than \"1\" (NE-PIR-03)", name,
		           (unsigned long long)set->odd_values);
}

static int check_spelling(struct checking *c)
{
	int err = sl_pir_mended_of(&c->database->set, &c->check->asking, &c->mended);

	for (int i = SL_PIR_FAULT_NONE + 1; err == SL_OK && i < SL_PIR_FAULTS; i++) {
		/* some of a list may well be for the other clients; all of it may not */
		bool other = i == SL_PIR_FAULT_WWW || i == SL_PIR_FAULT_PORT || i == SL_PIR_FAULT_SLASH;
		bool all = c->mended.count[i] == c->database->set.n;
		if (c->mended.count[i] > 0)
			sl_pir_say(other && !all ? c->notes : c->faults,
			           "%s: %llu of %zu entries are %s, as %.*s: %s", c->database->name,
			           (unsigned long long)c->mended.count[i], c->database->set.n,
			           i == SL_PIR_FAULT_SLASH ? "asked for by URLs only that end so, too"
			                                   : "never asked for",
			           SHOW(c->mended.example[i]), sl_pir_fault_text((enum sl_pir_fault)i));
	}
	return err;
}

/* Which arithmetic, which seed, another list: bloom/diagnosis.h, by way of the report. */
static int diagnose(struct checking *c)
{
	json_t *report = NULL, *one;
	const struct sl_pir_set *set = set_of(c);
	size_t i;

	int err = sl_prefilter_report(c->filter->name, &c->filter->prefilter, set->keyword, set->n, &report);
	if (err != SL_OK)
		return err;
	json_array_foreach(json_object_get(report, "faults"), i, one)
	        sl_pir_say(c->faults, "%s: %s", c->filter->name, json_string_value(one));
	json_array_foreach(json_object_get(report, "notes"), i, one)
	        sl_pir_say(c->notes, "%s: %s", c->filter->name, json_string_value(one));
	json_decref(report);
	return SL_OK;
}

/* More in the prefilter than in the PIR input: asked for and then allowed. Told from the share of bits that are set, and only
 * beyond what chance does to it. */
static void check_surplus(struct checking *c)
{
	struct sl_gauge g;
	double n = (double)c->database->set.n;

	sl_gauge(c->pf, c->filter->prefilter.data, &g);
	double slack = 4 * sqrt(n) + 0.02 * n + 2;
	if (isfinite(g.entries) && c->unasked == 0 && g.entries > n + slack)
		sl_pir_say(c->faults,
		           "two lists that differ: %s holds as many bits as of %.0f entries, %s has %.0f: "
		           "the others "
		           "are asked for and then allowed (NE-PIR-13)",
		           c->filter->name, g.entries, c->database->name, n);
}

static int check_both(struct checking *c)
{
	const struct sl_pir_set *set = &c->database->set;
	struct sl_bytes first = { NULL, 0 };

	for (size_t i = 0; i < set->n; i++) {
		if (passes(c, set->keyword[i]))
			continue;
		if (c->unasked++ == 0)
			first = set->keyword[i];
	}
	if (c->unasked > 0)
		sl_pir_say(c->faults,
		           "%llu of %zu entries of %s do not pass %s, as %.*s: a device never asks for them "
		           "(NE-PIR-13)",
		           (unsigned long long)c->unasked, set->n, c->database->name, c->filter->name,
		           SHOW(first));
	check_surplus(c);
	return SL_OK;
}

static int check_lists(struct checking *c)
{
	int err = SL_OK;

	if (c->filter == NULL)
		sl_pir_say(c->faults, "no prefilter that can be read is here (*.plist or *.json): a device "
		                      "asks for nothing");
	if (c->database == NULL)
		sl_pir_say(c->faults, "no PIR input that can be read is here (*.txtpb, *.binpb)");
	else
		check_rows(c);
	if (c->database != NULL)
		err = check_spelling(c);
	if (err == SL_OK && c->filter != NULL)
		err = diagnose(c);
	if (err == SL_OK && c->pf != NULL && c->database != NULL)
		err = check_both(c);
	return err;
}

/* ------------------------------------------------------------------ onboarding (NE-PIR-12, NE-PIR-14) */

static void check_onboarding(struct checking *c)
{
	static const struct sl_bytes with = SL_BYTES_LIT("www.apple.com/url-filter-test"),
	                             bare = SL_BYTES_LIT("apple.com/url-filter-test");
	const struct sl_pir_set *set = &c->database->set;
	bool old = sl_pir_set_has(set, with), new = sl_pir_set_has(set, bare);

	if (c->check->asking.parsing != NULL && c->check->asking.parsing->regex != NULL)
		return; /* its keywords are other texts */
	if (!old && !new)
		sl_pir_say(c->notes,
		           "%s has no test entry www.apple.com/url-filter-test: Apple asks for it at "
		           "onboarding, and for "
		           "the DNS record TXT \"apple-url-filter=%s\" (NE-PIR-12)",
		           c->database->name,
		           c->check->bundle == NULL ? "<app bundle identifier>" : c->check->bundle);
	else if (!new && c->check->asking.profile != SL_SUBURL_NE26)
		sl_pir_say(c->notes,
		           "%s has the test entry with www. only, which ne27 never asks for: put in both "
		           "forms, as "
		           "sluice export --www both does (NE-PIR-14)",
		           c->database->name);
	else if (!old)
		sl_pir_say(c->notes,
		           "%s has the test entry without www. only; every device finds it, but Apple's own "
		           "check may ask "
		           "for www.apple.com/url-filter-test to the letter: put in both forms (NE-PIR-14)",
		           c->database->name);
}

/* ------------------------------------------------------------------ one URL */

struct asking {
	json_t *hits, *found, *unasked;
	const struct sl_pir_mended_one *mended; /* the entry that would be found, were it written well */
	unsigned keys;
};

static void ask_key(struct checking *c, struct asking *a, struct sl_bytes key)
{
	bool hit = passes(c, key), in = sl_pir_set_has(set_of(c), key);

	a->keys++;
	if (hit)
		(void)json_array_append_new(a->hits, json_bytes(key));
	if (in)
		(void)json_array_append_new(hit ? a->found : a->unasked, json_bytes(key));
	else if (a->mended == NULL)
		a->mended = sl_pir_mended_find(&c->mended, key);
}

static void ask_keys(struct checking *c, struct asking *a, const struct sl_suburls *s)
{
	char key[SL_PIR_ENTRY_MAX];

	for (unsigned head = 0; head < s->n_heads; head++)
		for (unsigned tail = 0; tail < s->n_tails; tail++)
			if (sl_suburl_is_key(s, head, tail))
				ask_key(c, a,
				        sl_bytes_of(key, sl_suburl_write(s, head, tail, key, sizeof(key))));
}

/* Why the verdict is what it is: the likely fault first. */
static json_t *why(const struct checking *c, const struct asking *a)
{
	if (json_array_size(a->found) > 0)
		return json_sprintf("%s is in both", json_string_value(json_array_get(a->found, 0)));
	if (json_array_size(a->unasked) > 0)
		return json_sprintf("%s is in %s, but %s does not pass it: never asked for (NE-PIR-13)",
		                    json_string_value(json_array_get(a->unasked, 0)), c->database->name,
		                    c->filter == NULL ? "no prefilter" : c->filter->name);
	if (a->mended != NULL)
		return json_sprintf("the entry %.*s would be found, were it written %.*s: %s",
		                    SHOW(a->mended->keyword), SHOW(a->mended->form),
		                    sl_pir_fault_text(a->mended->fault));
	if (json_array_size(a->hits) > 0)
		return json_string(
		        "PIR is asked and holds none of its keys: a false positive, or an entry that only "
		        "the prefilter has");
	if (a->keys == 0)
		return json_string("the regular expression does not match: nothing is looked up (NE-URL-39)");
	return json_string("none of its keys is listed");
}

static json_t *check_url(struct checking *c, const char *url)
{
	struct sl_suburls s;
	struct asking a = { json_array(), json_array(), json_array(), NULL, 0 };
	const struct sl_pir_asking *asking = &c->check->asking;
	int err = sl_suburls_of(sl_bytes_str(url), asking->profile, asking->parsing, &s);
	bool valid = err == SL_OK;

	if (valid)
		ask_keys(c, &a, &s);
	json_t *text = err == SL_OK ? why(c, &a)
	               : err == SL_EMALF
	                       ? json_string("no valid host")
	                       : json_string("the parsing gives up on it: too long, or too much to try");
	bool deny = json_array_size(a.found) > 0;
	json_t *out =
	        json_pack("{s:o, s:i, s:o, s:o, s:o, s:o, s:o}", "url", json_bytes(sl_bytes_str(url)), "keys",
	                  (int)a.keys, "hits", a.hits, "found", a.found, "unasked", a.unasked, "verdict",
	                  !valid ? json_null() : json_string(deny ? "deny" : "allow"), "why", text);
	return out;
}

/* ------------------------------------------------------------------ all */

static const char *profile_name(enum sl_suburl_profile profile)
{
	return profile == SL_SUBURL_BOTH ? "both" : profile == SL_SUBURL_NE26 ? "ne26" : "ne27";
}

static int check_all(struct checking *c)
{
	json_t *urls = json_array();

	c->filter = sl_pir_folder_first(&c->folder, SL_PIR_PREFILTER);
	c->database = sl_pir_folder_first(&c->folder, SL_PIR_DATABASE);
	if (c->filter != NULL && sl_prefilter_open(&c->mem, &c->filter->prefilter.shape,
	                                           c->filter->prefilter.data, &c->pf) != SL_OK)
		c->pf = NULL; /* the report says why */
	list_files(c);
	int err = check_lists(c);
	compare_files(c);
	if (c->database != NULL)
		check_onboarding(c);
	sl_pir_check_conf(&c->folder, c->check->bundle, c->faults, c->notes);
	for (size_t i = 0; i < c->check->urls && err == SL_OK; i++)
		if (json_array_append_new(urls, check_url(c, c->check->url[i])) != 0)
			err = SL_ENOMEM;
	(void)json_object_set_new(c->root, "profile", json_string(profile_name(c->check->asking.profile)));
	return json_object_set_new(c->root, "urls", urls) == 0 ? err : SL_ENOMEM;
}

int sl_pir_check(const struct sl_pir_check *check, json_t **out)
{
	struct checking c = {
		.check = check, .root = json_object(), .faults = json_array(), .notes = json_array()
	};

	(void)json_object_set_new(c.root, "faults", c.faults);
	bool good = json_object_set_new(c.root, "notes", c.notes) == 0;
	int err = good ? sl_pir_folder_read(check->dir, c.faults, &c.folder) : SL_ENOMEM;
	if (err == SL_OK)
		err = check_all(&c);
	sl_pir_mended_free(&c.mended);
	sl_pir_folder_free(&c.folder);
	if (err == SL_OK)
		*out = c.root;
	else
		json_decref(c.root);
	return err;
}
