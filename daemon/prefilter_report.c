/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/prefilter_report.h"

#include <math.h>
#include <nettle/base64.h>
#include <stdlib.h>

#include "base/out.h"
#include "base/util.h"
#include "bloom/apple_size.h"
#include "bloom/diagnosis.h"
#include "bloom/gauge.h"

static const struct sl_convention right = { 0 };

/* A report while it is written. */
struct report {
	const struct sl_prefilter_file *file;
	const struct sl_bytes *entry;
	size_t n;
	json_t *root, *faults, *notes;
	struct sl_bytes bits; /* as many as the shape asks for; absent where there are fewer */
};

SL_PRINTF(2, 3) static void say(json_t *to, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	(void)json_array_append_new(to, json_vsprintf(fmt, ap));
	va_end(ap);
}

static void set_u64(json_t *object, const char *name, uint64_t value)
{
	(void)json_object_set_new(object, name, json_integer((json_int_t)value));
}

static void set_base64(json_t *object, const char *name, struct sl_bytes data)
{
	char text[BASE64_ENCODE_RAW_LENGTH(SL_PREFILTER_SHOWN_MAX)];

	if (data.len > SL_PREFILTER_SHOWN_MAX) {
		(void)json_object_set_new(object, name, json_null());
		return;
	}
	base64_encode_raw(text, data.len, data.p);
	(void)json_object_set_new(object, name, json_stringn(text, BASE64_ENCODE_RAW_LENGTH(data.len)));
}

/* ------------------------------------------------------------------ the file by itself */

static void report_file(struct report *r, const char *name)
{
	const struct sl_prefilter_file *f = r->file;
	char tag[SL_APPLE_TAG];

	sl_apple_tag(f->data, tag);
	(void)json_object_set_new(r->root, "file", json_string(name));
	(void)json_object_set_new(r->root, "kind", json_string(sl_prefilter_kind_name(f->kind)));
	set_u64(r->root, "bitCount", f->shape.bits);
	set_u64(r->root, "hashCount", f->shape.hashes);
	set_u64(r->root, "murmurSeed", f->shape.seed);
	set_u64(r->root, "bytes", f->data.len);
	(void)json_object_set_new(r->root, "tag", json_string(tag));
	(void)json_object_set_new(r->root, "itemCount",
	                          f->items.given ? json_integer((json_int_t)f->items.value) : json_null());
	(void)json_object_set_new(r->root, "falsePositiveTolerance",
	                          f->tolerance > 0 ? json_real(f->tolerance) : json_null());
	if (f->tag.p != NULL && !sl_bytes_equal(f->tag, sl_bytes_str(tag)))
		say(r->notes, "the tag in the file is not the SHA-256 of its data");
	if (f->signed_seed)
		say(r->notes,
		    "murmurSeed is written as a negative number; NEURLFilterPrefilter takes an unsigned one: "
		    "%u",
		    f->shape.seed);
}

/* NE-BLOOM-01, -05: as many bytes as the bits take, and nothing behind the last bit. */
static void report_length(struct report *r)
{
	const struct sl_prefilter_file *f = r->file;
	size_t need = sl_prefilter_bytes(&f->shape);
	unsigned used = f->shape.bits % 8;

	if (f->data.len != need)
		say(r->faults, "the data is %zu bytes long, %llu bits take %zu", f->data.len,
		    (unsigned long long)f->shape.bits, need);
	if (f->bytes.given && f->bytes.value != f->data.len)
		say(r->notes, "byteCount is %llu, the data is %zu bytes long",
		    (unsigned long long)f->bytes.value, f->data.len);
	if (f->data.len < need)
		return;
	r->bits = sl_bytes_first(f->data, need);
	if (used != 0 && r->bits.p[need - 1] >> used != 0)
		say(r->notes, "bits behind the last are set: bitCount is not the one that the data was made "
		              "with, or its bytes "
		              "are filled MSB first");
}

static void report_rates(struct report *r, const struct sl_gauge *g)
{
	double page = sl_gauge_per_request(g->per_key, 24), tolerance = r->file->tolerance;

	(void)json_object_set_new(r->root, "rate_per_key", json_real(g->per_key));
	(void)json_object_set_new(r->root, "rate_24_keys", json_real(page));
	(void)json_object_set_new(r->root, "rate_48_keys", json_real(sl_gauge_per_request(g->per_key, 48)));
	if (g->fill >= 1)
		say(r->faults, "all bits are 1: every key passes");
	else if (page >= 0.2)
		say(r->notes,
		    "%.0f to %.0f %% of requests for pages on no list go to PIR: too few bits, or too few "
		    "entries "
		    "for a random spread (NE-BLOOM-12); sluice makes at least %d bits",
		    page * 100, sl_gauge_per_request(g->per_key, 48) * 100, SL_APPLE_BITS_MIN);
	else if (tolerance > 0 && g->per_key > 2 * tolerance)
		say(r->notes,
		    "absent keys pass at %.4f %%, more than twice the tolerance that it was made for",
		    g->per_key * 100);
	if (g->set == 0)
		say(r->faults, "no bit is 1: no key passes");
}

static void report_fill(struct report *r)
{
	const struct sl_prefilter *pf;
	union sl_prefilter_mem mem;
	struct sl_gauge g;

	if (r->bits.p == NULL || sl_prefilter_open(&mem, &r->file->shape, r->bits, &pf) != SL_OK)
		return;
	sl_gauge(pf, r->bits, &g);
	set_u64(r->root, "set", g.set);
	(void)json_object_set_new(r->root, "fill", json_real(g.fill));
	(void)json_object_set_new(r->root, "entries_by_fill",
	                          isfinite(g.entries) ? json_real(g.entries) : json_null());
	report_rates(r, &g);
}

/* ------------------------------------------------------------------ the file and its entries */

static int by_bytes(const void *a, const void *b)
{
	const struct sl_bytes *x = (const struct sl_bytes *)a, *y = (const struct sl_bytes *)b;
	int diff = memcmp(x->p, y->p, sl_min(x->len, y->len));
	return diff != 0 ? diff : (x->len > y->len) - (x->len < y->len);
}

/* The distinct ones of the entries, without their scheme where asked for. Freed with free(). */
static struct sl_bytes *distinct(const struct report *r, bool no_scheme, size_t *n)
{
	struct sl_bytes *all = (struct sl_bytes *)calloc(r->n, sizeof(*all));
	size_t kept = 0;

	for (size_t i = 0; i < r->n && all != NULL; i++)
		all[i] = no_scheme ? sl_convention_no_scheme(r->entry[i]) : r->entry[i];
	if (all != NULL)
		qsort(all, r->n, sizeof(*all), by_bytes);
	for (size_t i = 0; i < r->n && all != NULL; i++)
		if (kept == 0 || !sl_bytes_equal(all[kept - 1], all[i]))
			all[kept++] = all[i];
	*n = kept;
	return all;
}

/* What the right arithmetic makes of the entries, as a member of the report. */
static int set_right(const struct report *r, const char *name, const struct sl_prefilter_shape *shape,
                     const struct sl_bytes *entry, size_t n)
{
	size_t len = sl_prefilter_bytes(shape);
	uint8_t *bits = (uint8_t *)calloc(1, len);
	json_t *one = json_object();

	for (size_t i = 0; i < n && bits != NULL; i++)
		sl_convention_add(&right, shape, bits, entry[i]);
	set_u64(one, "bitCount", shape->bits);
	set_u64(one, "hashCount", shape->hashes);
	if (bits != NULL)
		set_base64(one, "data", sl_bytes_of(bits, len));
	free(bits);
	return json_object_set_new(r->root, name, one) == 0 && bits != NULL ? SL_OK : SL_ENOMEM;
}

static int report_schemes(struct report *r)
{
	struct sl_apple_want want = { .strict = true };
	struct sl_prefilter_shape shape;
	size_t with = 0, n = 0;

	for (size_t i = 0; i < r->n; i++)
		with += sl_convention_no_scheme(r->entry[i]).len != r->entry[i].len;
	if (with == 0)
		return SL_OK;
	struct sl_bytes *bare = distinct(r, true, &n);
	want.lines = n;
	want.tolerance = r->file->tolerance > 0 ? r->file->tolerance : SL_APPLE_TOLERANCE;
	want.seed = r->file->shape.seed;
	int err = bare == NULL ? SL_ENOMEM : sl_apple_size(&want, &shape);
	if (err == SL_OK)
		err = set_right(r, "right_without_scheme", &shape, bare, n);
	say(r->notes,
	    "%zu of the %zu entries have a scheme, which no sub-URL has (NE-URL-30): they can only be found "
	    "without "
	    "it",
	    with, r->n);
	free(bare);
	return err;
}

static void report_entries(struct report *r, size_t distinct_entries)
{
	json_t *one = json_object();
	size_t found = 0;

	for (size_t i = 0; i < r->n; i++)
		found += sl_convention_has(&right, &r->file->shape, r->bits.p, r->entry[i]);
	set_u64(one, "given", r->n);
	set_u64(one, "distinct", distinct_entries);
	set_u64(one, "found", found);
	(void)json_object_set_new(r->root, "entries", one);
}

/* Entries with a scheme that were hashed as they are. */
static bool scheme_left_in(const struct report *r, const struct sl_diagnosis *d)
{
	bool scheme = false;

	for (size_t i = 0; i < r->n && !scheme; i++)
		scheme = sl_convention_no_scheme(r->entry[i]).len != r->entry[i].len;
	return scheme && d->convention.text != SL_CONV_NO_SCHEME;
}

static bool is_right(const struct sl_diagnosis *d)
{
	struct sl_convention c = d->convention;
	if (c.text == SL_CONV_NO_SCHEME)
		c.text = SL_CONV_AS_GIVEN;
	return sl_convention_faults(&c) == 0;
}

static void say_arithmetic(struct report *r, const struct sl_diagnosis *d)
{
	char text[SL_CONV_SAYING + 1] = "";
	struct sl_out o = sl_out_of(text, SL_CONV_SAYING);

	sl_convention_say(&d->convention, &o);
	(void)json_object_set_new(r->root, "arithmetic", json_string(text));
	if (!is_right(d))
		say(r->faults, "%s", text);
	if (d->others > 0)
		say(r->notes, "other explanations fit as well (%u): more entries tell them apart", d->others);
}

/* Entries that the right arithmetic does not find, and no other is proven. */
static void say_unproven(struct report *r, const struct sl_diagnosis *d)
{
	char text[SL_CONV_SAYING + 1] = "";
	struct sl_out o = sl_out_of(text, SL_CONV_SAYING);

	(void)json_object_set_new(r->root, "arithmetic", json_null());
	if (d->kind == SL_DIAGNOSIS_UNKNOWN) {
		say(r->faults,
		    "%zu of the first %zu entries are found, and no arithmetic known here makes this data of "
		    "them: "
		    "another list, another seed or other hashes",
		    d->found, d->sampled);
		return;
	}
	sl_convention_say(&d->convention, &o);
	say(r->faults,
	    "%zu of the first %zu entries are found, and they are too few to prove another arithmetic: name "
	    "more",
	    d->found, d->sampled);
	say(r->notes, "perhaps, since it fits: %s", text);
}

static void say_diagnosis(struct report *r, const struct sl_diagnosis *d)
{
	if (d->kind == SL_DIAGNOSIS_UNKNOWN || d->kind == SL_DIAGNOSIS_FEW) {
		say_unproven(r, d);
		return;
	}
	say_arithmetic(r, d);
	if (d->kind == SL_DIAGNOSIS_SOME)
		say(r->faults, "%zu of the first %zu entries are not in it: it was built from another list",
		    d->sampled - d->found, d->sampled);
	if (d->kind == SL_DIAGNOSIS_MORE)
		say(r->notes, "all entries are in it, and more: it was built from more than these");
	if (scheme_left_in(r, d))
		say(r->faults, "scheme left in: entries were hashed with their scheme, which no sub-URL has");
}

static int report_diagnosis(struct report *r)
{
	uint8_t *scratch = (uint8_t *)malloc(r->bits.len);
	struct sl_diagnosis d;

	int err = scratch == NULL ? SL_ENOMEM
	                          : sl_diagnose(&r->file->shape, r->bits, r->entry, r->n, scratch, &d);
	free(scratch);
	if (err != SL_OK)
		return err;
	say_diagnosis(r, &d);
	if (d.kind >= SL_DIAGNOSIS_SOME || !is_right(&d))
		err = set_right(r, "right", &r->file->shape, r->entry, r->n);
	return err;
}

static int report_list(struct report *r)
{
	char text[SL_PREFILTER_SENTENCE];
	size_t n = 0;
	struct sl_bytes *list = r->n == 0 ? NULL : distinct(r, false, &n);
	int err = r->n > 0 && list == NULL ? SL_ENOMEM : SL_OK;

	free(list);
	sl_prefilter_numbers(r->file, r->n, n, text);
	(void)json_object_set_new(r->root, "numbers", json_string(text));
	if (err == SL_OK && r->n > 0 && r->bits.p != NULL) {
		report_entries(r, n);
		err = report_diagnosis(r);
	}
	return err == SL_OK && r->n > 0 ? report_schemes(r) : err;
}

int sl_prefilter_report(const char *name, const struct sl_prefilter_file *file, const struct sl_bytes *entry,
                        size_t n, json_t **out)
{
	struct report r = { .file = file, .entry = entry, .n = n, .root = json_object() };

	r.faults = json_array();
	r.notes = json_array();
	report_file(&r, name);
	for (const char *const *later =
	             (const char *const[]){ "entries", "right", "right_without_scheme", NULL };
	     *later != NULL; later++)
		(void)json_object_set_new(r.root, *later, json_null());
	report_length(&r);
	report_fill(&r);
	int err = report_list(&r);
	(void)json_object_set_new(r.root, "faults", r.faults);
	if (json_object_set_new(r.root, "notes", r.notes) != 0 && err == SL_OK)
		err = SL_ENOMEM;
	if (err == SL_OK)
		*out = r.root;
	else
		json_decref(r.root);
	return err;
}
