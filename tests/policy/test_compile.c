/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_compile.c [NAMES] - what the compiler makes of lists: the same bytes whatever the budget, folded, counted, exact. */
#include "policy/compile.h"

#include <stdio.h>

#include "policy/compile_impl.h"
#include "policy/decide.h"
#include "tests/policy/made.h"
#include "tests/policy/rows.h"

static size_t names = 100000;

struct told {
	unsigned n, line;
	char text[256], file[64];
};

static void tell(void *ctx, const char *file, unsigned line, const char *text)
{
	struct told *t = ctx;
	t->n++;
	t->line = line;
	(void)snprintf(t->file, sizeof(t->file), "%s", file);
	(void)snprintf(t->text, sizeof(t->text), "%s", text);
}

static struct sl_compile *start(const struct sl_compile_cfg *cfg)
{
	struct sl_compile *c = NULL;
	assert_int_equal(sl_compile_new(cfg, &c), SL_OK);
	return c;
}

static uint16_t category(struct sl_compile *c, const char *name, enum sl_list_kind kind)
{
	uint16_t n = 0;
	assert_int_equal(sl_compile_category(c, name, kind, &n), SL_OK);
	return n;
}

static void begin(struct sl_compile *c, const char *name, uint16_t of)
{
	const struct sl_compile_list list = { name, name, of, false };
	assert_int_equal(sl_compile_begin(c, &list), SL_OK);
}

static int add(struct sl_compile *c, const char *text, enum sl_scope scope, uint32_t line)
{
	static struct sl_url url;
	assert_int_equal(sl_url_canon(sl_bytes_str(text), &url), SL_OK);
	struct sl_list_entry e = { .host = &url.host, .port = url.port, .scope = scope, .line = line };
	if (scope == SL_SCOPE_PATH)
		e.path = sl_bytes_of(url.path, url.path_len);
	return sl_compile_add(c, &e);
}

static struct sl_snapshot *finish(struct sl_compile *c, struct made *image, struct sl_compile_stats *stats)
{
	const struct sl_image_sink sink = { image, made_write };
	struct sl_snapshot *s = NULL;
	assert_int_equal(sl_compile_finish(c, &sink, stats), SL_OK);
	sl_compile_free(&c);
	assert_int_equal(sl_snapshot_open(sl_bytes_of(image->p, image->len), NULL, &s), SL_OK);
	assert_int_equal(sl_snapshot_verify(s, NULL), SL_OK);
	return s;
}

/* Names that are much alike, in no order, some twice. */
static void nth_name(uint64_t i, char out[64])
{
	uint64_t x = i * UINT64_C(0x9e3779b97f4a7c15);
	x ^= x >> 29;
	(void)snprintf(out, 64, "h%u.%s%u.%s", (unsigned)(x % 1000), i % 3 == 0 ? "ab" : "abc",
	               (unsigned)(x >> 40) % 5000, i % 5 == 0 ? "com" : "example.org");
}

static int add_names(struct sl_compile *c, size_t n)
{
	char text[64];
	int err = SL_OK;
	for (size_t i = 0; i < n && err == SL_OK; i++) {
		nth_name(i, text);
		err = add(c, text, SL_SCOPE_EXACT, (uint32_t)i + 1);
	}
	return err;
}

/* ---- budget ---- */

static void make(uint64_t memory, struct made *image, struct made *outside, struct sl_compile_stats *stats)
{
	const struct sl_spill spill = { outside, made_write, made_read };
	const struct sl_compile_cfg cfg = { .memory = memory, .spill = &spill, .fold = true };
	struct sl_compile *c = start(&cfg);
	begin(c, "one", category(c, "ads", SL_LIST_BLOCK));
	assert_int_equal(add_names(c, names), SL_OK);
	sl_compile_end(c);
	begin(c, "two", 0);
	assert_int_equal(add_names(c, names / 2), SL_OK);
	sl_compile_end(c);
	struct sl_snapshot *s = finish(c, image, stats);
	sl_snapshot_free(&s);
}

static void test_budget(void **state)
{
	struct made plenty = { 0 }, little = { 0 }, outside = { 0 }, none = { 0 };
	struct sl_compile_stats a, b;
	uint64_t memory = names * 60 < SL_COMPILE_MEMORY_MIN ? SL_COMPILE_MEMORY_MIN : names * 60;
	(void)state;
	make(0, &plenty, &none, &a);
	make(memory, &little, &outside, &b);
	assert_int_equal(a.spilled, 0);
	assert_true(b.spilled > 0 && b.runs > a.runs);
	assert_int_equal(b.spilled_bytes, outside.len);
	assert_true(b.memory_peak <= memory);
	assert_int_equal(plenty.len, little.len);
	assert_memory_equal(plenty.p, little.p, plenty.len);
	assert_int_equal(a.keys, b.keys);
	assert_int_equal(a.duplicates, b.duplicates);
	assert_int_equal(a.entries, names + names / 2);
	made_free(&plenty);
	made_free(&little);
	made_free(&outside);
}

/* ---- failures come back as they are ---- */

static int fail_write(void *ctx, uint64_t offset, struct sl_bytes b)
{
	(void)ctx, (void)offset, (void)b;
	return SL_EPERM;
}

static void test_failures(void **state)
{
	const struct sl_compile_cfg small = { .memory = 1 }; /* and nowhere to spill */
	struct made outside = { 0 }, image = { .fail_at = 3000 };
	struct sl_spill spill = { &outside, fail_write, made_read };
	const struct sl_compile_cfg bad = { .memory = 1, .spill = &spill };
	const struct sl_image_sink sink = { &image, made_write };
	const struct sl_compile_cfg roomy = { .memory = 0 };
	(void)state;
	struct sl_compile *c = start(&small);
	begin(c, "one", category(c, "ads", SL_LIST_BLOCK));
	assert_int_equal(add_names(c, 300000), SL_ELIMIT);
	sl_compile_free(&c);
	assert_null(c);
	c = start(&bad);
	begin(c, "one", category(c, "ads", SL_LIST_BLOCK));
	assert_int_equal(add_names(c, 300000), SL_EPERM);
	sl_compile_free(&c);
	c = start(&roomy);
	begin(c, "one", category(c, "ads", SL_LIST_BLOCK));
	assert_int_equal(add_names(c, 1000), SL_OK);
	assert_int_equal(sl_compile_finish(c, &sink, NULL), SL_EINVAL); /* a list is open */
	sl_compile_free(&c);
	c = start(&roomy);
	begin(c, "one", category(c, "ads", SL_LIST_BLOCK));
	assert_int_equal(add_names(c, 1000), SL_OK);
	sl_compile_end(c);
	assert_int_equal(sl_compile_finish(c, &sink, NULL), SL_ESYS);
	sl_compile_free(&c);
	spill.write = made_write;
	c = start(&bad);
	begin(c, "one", category(c, "ads", SL_LIST_BLOCK));
	assert_int_equal(add_names(c, 100000), SL_OK);
	sl_compile_end(c);
	assert_true(outside.len > 100);
	memset(outside.p, 0xff, outside.len); /* it comes back otherwise */
	image.fail_at = 0;
	int err = sl_compile_finish(c, &sink, NULL);
	assert_true(err == SL_EMALF || err == SL_ELIMIT);
	sl_compile_free(&c);
	made_free(&outside);
	made_free(&image);
}

/* ---- names and numbers ---- */

static void test_lists(void **state)
{
	const struct sl_compile_cfg cfg = { .memory = 0 };
	struct sl_compile *c = start(&cfg);
	struct sl_compile_stats stats;
	struct made image = { 0 };
	const struct sl_compile_list again = { "one", "f", 0, false }, nowhere = { "x", "f", 9, false };
	uint16_t n = 0;
	(void)state;
	assert_int_equal(category(c, "ads", SL_LIST_BLOCK), 0);
	assert_int_equal(sl_compile_category(c, "ads", SL_LIST_BLOCK, &n), SL_EEXIST);
	assert_int_equal(add(c, "a.example", SL_SCOPE_TREE, 1), SL_EINVAL); /* no list is open */
	begin(c, "one", 0);
	assert_int_equal(sl_compile_begin(c, &nowhere), SL_EINVAL); /* one is */
	assert_int_equal(add(c, "a.example", SL_SCOPE_TREE, 7), SL_OK);
	assert_int_equal(add(c, "a.example", SL_SCOPE_TREE, 5), SL_OK);
	assert_int_equal(add(c, "a.example", SL_SCOPE_EXACT, 9), SL_OK);
	sl_compile_end(c);
	assert_int_equal(sl_compile_begin(c, &again), SL_EEXIST);
	assert_int_equal(sl_compile_begin(c, &nowhere), SL_EINVAL);
	begin(c, "dropped", category(c, "gone", SL_LIST_ALLOW));
	assert_int_equal(add(c, "a.example", SL_SCOPE_TREE, 1), SL_OK);
	assert_int_equal(add(c, "b.example", SL_SCOPE_TREE, 1), SL_OK);
	sl_compile_drop(c);
	begin(c, "two", category(c, "more", SL_LIST_BLOCK));
	assert_int_equal(add(c, "a.example", SL_SCOPE_TREE, 3), SL_OK);
	sl_compile_end(c);
	struct sl_snapshot *s = finish(c, &image, &stats);
	assert_int_equal(stats.keys, 1);
	assert_int_equal(stats.entries, 4);
	assert_int_equal(stats.duplicates, 1);
	assert_string_equal(sl_snapshot_list_name(s, 1), "two");
	assert_string_equal(sl_snapshot_category_name(s, 1), "more");
	assert_null(sl_snapshot_category_name(s, 2));
	struct sl_snapshot_mention m;
	assert_int_equal(sl_snapshot_mention(s, 0, 0, &m), SL_OK);
	assert_true(m.list == 0 && m.scope == SL_SCOPE_EXACT && m.line == 9);
	assert_int_equal(sl_snapshot_mention(s, 0, 1, &m), SL_OK);
	assert_true(m.list == 0 && m.scope == SL_SCOPE_TREE && m.line == 5); /* the first of the two */
	assert_int_equal(sl_snapshot_mention(s, 0, 2, &m), SL_OK);
	assert_true(m.list == 1 && m.category == 1 && m.line == 3);
	sl_snapshot_free(&s);
	made_free(&image);
}

/* ---- line 10 ---- */

static const struct fold_case {
	const char *name;
	struct {
		const char *key;
		enum sl_scope scope;
		bool other, allow, except,
		        important; /* other: of another category; allow: which is an allow category */
	} entry[4];
	unsigned keys, folded;
} folds[] = {
	{ "line 10: a child of a tree goes",
	  { { .key = "example", .scope = SL_SCOPE_TREE }, { .key = "a.example", .scope = SL_SCOPE_TREE } },
	  1,
	  1 },
	{ "line 10: whatever its scope",
	  { { .key = "example", .scope = SL_SCOPE_TREE },
	    { .key = "a.example", .scope = SL_SCOPE_EXACT },
	    { .key = "b.example", .scope = SL_SCOPE_BELOW },
	    { .key = "c.example/x", .scope = SL_SCOPE_PATH } },
	  1,
	  3 },
	{ "line 10: and however far below",
	  { { .key = "example", .scope = SL_SCOPE_TREE },
	    { .key = "a.b.c.example", .scope = SL_SCOPE_TREE } },
	  1,
	  1 },
	{ "line 10: a path of the tree itself goes",
	  { { .key = "example", .scope = SL_SCOPE_TREE }, { .key = "example:80/x", .scope = SL_SCOPE_PATH } },
	  1,
	  1 },
	{ "line 10: an exact parent folds nothing",
	  { { .key = "example", .scope = SL_SCOPE_EXACT }, { .key = "a.example", .scope = SL_SCOPE_TREE } },
	  2,
	  0 },
	{ "line 10: nor does one for strict subdomains",
	  { { .key = "example", .scope = SL_SCOPE_BELOW }, { .key = "a.example", .scope = SL_SCOPE_TREE } },
	  2,
	  0 },
	{ "line 10: a name that only ends alike stays",
	  { { .key = "example", .scope = SL_SCOPE_TREE },
	    { .key = "a-example", .scope = SL_SCOPE_TREE },
	    { .key = "xexample", .scope = SL_SCOPE_TREE } },
	  3,
	  0 },
	{ "line 10: a sibling with a hyphen does not part a tree from its paths",
	  { { .key = "a.example", .scope = SL_SCOPE_TREE },
	    { .key = "a-b.example", .scope = SL_SCOPE_TREE },
	    { .key = "a.example/x", .scope = SL_SCOPE_PATH } },
	  2,
	  1 },
	{ "line 10: another category's stays",
	  { { .key = "example", .scope = SL_SCOPE_TREE },
	    { .key = "a.example", .scope = SL_SCOPE_TREE, .other = true } },
	  2,
	  0 },
	{ "line 10: per category: what is left of the bits stays",
	  { { .key = "example", .scope = SL_SCOPE_TREE },
	    { .key = "a.example", .scope = SL_SCOPE_TREE },
	    { .key = "a.example", .scope = SL_SCOPE_TREE, .other = true } },
	  2,
	  1 },
	{ "line 10: an exception is not folded by a block",
	  { { .key = "example", .scope = SL_SCOPE_TREE },
	    { .key = "a.example", .scope = SL_SCOPE_TREE, .except = true } },
	  2,
	  0 },
	{ "line 10: but by an exception",
	  { { .key = "example", .scope = SL_SCOPE_TREE, .except = true },
	    { .key = "a.example", .scope = SL_SCOPE_TREE, .except = true } },
	  1,
	  1 },
	{ "line 10: an important one is not folded by a plain one",
	  { { .key = "example", .scope = SL_SCOPE_TREE },
	    { .key = "a.example", .scope = SL_SCOPE_TREE, .important = true } },
	  2,
	  0 },
	{ "line 10: a port's tree is no parent without that port",
	  { { .key = "example:80", .scope = SL_SCOPE_TREE },
	    { .key = "a.example", .scope = SL_SCOPE_TREE },
	    { .key = "example:80/x", .scope = SL_SCOPE_PATH } },
	  2,
	  1 },
	{ "line 10: the never-block set is not folded",
	  { { .key = "example", .scope = SL_SCOPE_TREE, .allow = true },
	    { .key = "a.example", .scope = SL_SCOPE_TREE, .allow = true } },
	  2,
	  0 },
};

static void test_fold(void **state)
{
	const struct fold_case *f = *state;
	const struct sl_compile_cfg cfg = { .fold = true };
	struct sl_compile *c = start(&cfg);
	struct made image = { 0 };
	struct sl_compile_stats stats;
	static struct sl_url url;
	(void)category(c, "first", SL_LIST_BLOCK);
	(void)category(c, "other", SL_LIST_BLOCK);
	(void)category(c, "never", SL_LIST_NEVER);
	for (uint16_t of = 0; of < 3; of++) {
		char name[8] = { (char)('a' + of) };
		begin(c, name, of);
		for (unsigned i = 0; i < 4 && f->entry[i].key != NULL; i++) {
			if ((f->entry[i].allow ? 2 : f->entry[i].other ? 1 : 0) != of)
				continue;
			assert_int_equal(sl_url_canon(sl_bytes_str(f->entry[i].key), &url), SL_OK);
			struct sl_list_entry e = { .host = &url.host,
				                   .port = url.port,
				                   .scope = f->entry[i].scope,
				                   .effect = f->entry[i].except ? SL_EFFECT_EXCEPT
				                                                : SL_EFFECT_BLOCK,
				                   .important = f->entry[i].important };
			if (e.scope == SL_SCOPE_PATH)
				e.path = sl_bytes_of(url.path, url.path_len);
			assert_int_equal(sl_compile_add(c, &e), SL_OK);
		}
		sl_compile_end(c);
	}
	struct sl_snapshot *s = finish(c, &image, &stats);
	assert_int_equal(stats.keys, f->keys);
	assert_int_equal(stats.folded, f->folded);
	assert_int_equal(stats.keys_unfolded >= stats.keys, true);
	sl_snapshot_free(&s);
	made_free(&image);
}

/* ---- line 11 ---- */

static void test_never(void **state)
{
	struct told told = { 0 };
	const struct sl_diag diag = { tell, &told };
	const struct sl_compile_cfg cfg = { .diag = &diag };
	struct sl_compile *c = start(&cfg);
	struct made image = { 0 };
	struct sl_compile_stats stats;
	struct sl_decision d;
	const struct sl_query q = { .host = SL_BYTES_LIT("x.time.example"), .port = 443 };
	(void)state;
	begin(c, "ads", category(c, "ads", SL_LIST_BLOCK));
	assert_int_equal(add(c, "example", SL_SCOPE_TREE, 1), SL_OK);
	assert_int_equal(add(c, "x.time.example", SL_SCOPE_EXACT, 12), SL_OK);
	assert_int_equal(add(c, "time-x.example", SL_SCOPE_EXACT, 13), SL_OK);
	sl_compile_end(c);
	begin(c, "never", category(c, "never", SL_LIST_NEVER));
	assert_int_equal(add(c, "time.example", SL_SCOPE_EXACT, 1), SL_OK);
	sl_compile_end(c);
	struct sl_snapshot *s = finish(c, &image, &stats);
	assert_int_equal(told.n, 1);
	assert_int_equal(stats.never_named, 1);
	assert_int_equal(told.line, 12);
	assert_string_equal(told.file, "ads");
	assert_string_equal(told.text, "x.time.example is in the never-block set and stays allowed");
	sl_decide(s, &q, &d);
	assert_true(d.letter == 'd' && !d.block && d.category == 1 && d.line == 1);
	sl_snapshot_free(&s);
	made_free(&image);
}

static void test_deep(void **state)
{
	const struct sl_compile_cfg cfg = { .fold = false };
	struct sl_compile *c = start(&cfg);
	struct made image = { 0 };
	struct sl_compile_stats stats;
	char text[512] = "a.example";
	(void)state;
	begin(c, "one", category(c, "ads", SL_LIST_BLOCK));
	for (unsigned i = 0; i <= SL_KEY_SEGMENTS; i++) {
		if (i == SL_KEY_SEGMENTS)
			assert_int_equal(add(c, text, SL_SCOPE_PATH, 1), SL_OK);
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "/x");
	}
	assert_int_equal(add(c, text, SL_SCOPE_PATH, 2), SL_OK);
	sl_compile_end(c);
	struct sl_snapshot *s = finish(c, &image, &stats);
	assert_int_equal(stats.keys, 1);
	assert_int_equal(stats.too_deep, 1);
	assert_int_equal(stats.paths, 1);
	sl_snapshot_free(&s);
	made_free(&image);
}

/* ---- exactness ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void ask_name(const struct sl_snapshot *s, const char *text, const char *sorted, size_t n,
                     uint64_t *wrong)
{
	const struct sl_query q = { .host = sl_bytes_str(text), .port = 443 };
	struct sl_decision d;
	sl_decide(s, &q, &d);
	if (!d.bad_host)
		*wrong += d.block != (bsearch(text, sorted, n, 64, by_text) != NULL);
}

/* Every name, and its neighbours by a character, and names of the same make that were not added. */
static void test_exact(void **state)
{
	const struct sl_compile_cfg cfg = { .fold = false };
	struct sl_compile *c = start(&cfg);
	struct made image = { 0 };
	struct sl_compile_stats stats;
	char *sorted = calloc(names, 64), text[72];
	uint64_t wrong = 0;
	(void)state;
	assert_non_null(sorted);
	begin(c, "one", category(c, "ads", SL_LIST_BLOCK));
	for (size_t i = 0; i < names; i++) {
		nth_name(i, &sorted[i * 64]);
		assert_int_equal(add(c, &sorted[i * 64], SL_SCOPE_EXACT, 1), SL_OK);
	}
	sl_compile_end(c);
	qsort(sorted, names, 64, by_text);
	struct sl_snapshot *s = finish(c, &image, &stats);
	for (size_t i = 0; i < names; i++) {
		const char *name = &sorted[i * 64];
		size_t n = strlen(name), at = i % n;
		ask_name(s, name, sorted, names, &wrong);
		ask_name(s, name + 1, sorted, names, &wrong);
		(void)snprintf(text, sizeof(text), "%s0", name);
		ask_name(s, text, sorted, names, &wrong);
		(void)snprintf(text, sizeof(text), "0%s", name);
		ask_name(s, text, sorted, names, &wrong);
		(void)snprintf(text, sizeof(text), "%s", name);
		text[at] = (char)(text[at] == '.' ? '-' : text[at] == 'a' ? 'b' : 'a');
		ask_name(s, text, sorted, names, &wrong);
		memmove(text + at, text + at + 1, n - at);
		ask_name(s, text, sorted, names, &wrong);
		for (unsigned k = 1; k <= 4; k++) {
			nth_name(names * k + i, text);
			ask_name(s, text, sorted, names, &wrong);
		}
	}
	assert_int_equal(wrong, 0);
	sl_snapshot_free(&s);
	made_free(&image);
	free(sorted);
}

/* ---- collisions ---- */

enum { SEED = 12345, TRIES = 400000, CROWD = 600 };

static uint64_t hash_of(const char *text)
{
	const struct sl_key key = { .host = sl_bytes_str(text) };
	return sl_key_hash(&key, SEED);
}

/* All names whose home is one bucket: the index overflows far, and still finds each, and only those. */
static void test_crowd(void **state)
{
	const struct sl_compile_cfg cfg = { .seed = SEED };
	struct sl_compile *c = start(&cfg);
	struct made image = { 0 };
	uint64_t buckets = CROWD * 100 / 82 / SL_BUCKET_WAYS + 1;
	unsigned in = 0, out = 0, wrong = 0;
	char text[64];
	struct sl_decision d;
	(void)state;
	begin(c, "one", category(c, "ads", SL_LIST_BLOCK));
	for (unsigned i = 0; in < CROWD; i++) {
		(void)snprintf(text, sizeof(text), "c%u.example", i);
		if (sl_bucket_of(hash_of(text), buckets) == buckets - 1 && ++in > 0)
			assert_int_equal(add(c, text, SL_SCOPE_EXACT, i), SL_OK);
	}
	sl_compile_end(c);
	struct sl_snapshot *s = finish(c, &image, NULL);
	in = 0;
	for (unsigned i = 0; out < CROWD; i++) {
		(void)snprintf(text, sizeof(text), "c%u.example", i);
		if (sl_bucket_of(hash_of(text), buckets) != buckets - 1)
			continue;
		const struct sl_query q = { .host = sl_bytes_str(text), .port = 443 };
		sl_decide(s, &q, &d);
		bool want = ++in <= CROWD;
		out += !want;
		wrong += d.block != want;
	}
	assert_int_equal(wrong, 0);
	sl_snapshot_free(&s);
	made_free(&image);
}

struct tagged {
	uint32_t tag, number;
};

static int by_tag(const void *a, const void *b)
{
	const struct tagged *x = a, *y = b;
	return x->tag != y->tag ? (x->tag < y->tag ? -1 : 1)
	                        : (x->number > y->number) - (x->number < y->number);
}

/* Names of equal tags in the only bucket: the bytes tell them apart. Of each pair one is listed. */
static void test_tags(void **state)
{
	const struct sl_compile_cfg cfg = { .seed = SEED };
	struct tagged *t = calloc(TRIES, sizeof(*t));
	struct sl_compile *c = start(&cfg);
	struct made image = { 0 };
	char text[64], other[64];
	unsigned pairs = 0;
	(void)state;
	assert_non_null(t);
	for (uint32_t i = 0; i < TRIES; i++) {
		(void)snprintf(text, sizeof(text), "n%u.example", i);
		t[i] = (struct tagged){ sl_bucket_tag(hash_of(text)), i };
	}
	qsort(t, TRIES, sizeof(*t), by_tag);
	begin(c, "one", category(c, "ads", SL_LIST_BLOCK));
	for (uint32_t i = 0; i + 1 < TRIES && pairs < 6; i++) {
		if (t[i].tag != t[i + 1].tag)
			continue;
		t[pairs] = t[i]; /* behind us */
		t[pairs++].tag = t[i + 1].number;
		(void)snprintf(text, sizeof(text), "n%u.example", t[pairs - 1].number);
		assert_int_equal(add(c, text, SL_SCOPE_EXACT, pairs), SL_OK);
	}
	sl_compile_end(c);
	assert_true(pairs >= 3);
	struct sl_snapshot *s = finish(c, &image, NULL);
	/* A damaged prefilter that says "perhaps" to all, so that the index is asked for each. */
	struct sl_bytes bits = sl_snapshot_prefilter(s);
	uint8_t *full = aligned_alloc(64, bits.len + 64 - bits.len % 64);
	assert_non_null(full);
	memset(full, 0xff, bits.len);
	assert_int_equal(sl_snapshot_move_prefilter(s, sl_bytes_of(full, bits.len)), SL_OK);
	for (unsigned i = 0; i < pairs; i++) {
		struct sl_decision d;
		(void)snprintf(text, sizeof(text), "n%u.example", t[i].number);
		(void)snprintf(other, sizeof(other), "n%u.example", t[i].tag);
		assert_int_equal(sl_bucket_tag(hash_of(text)), sl_bucket_tag(hash_of(other)));
		const struct sl_query listed = { .host = sl_bytes_str(text) },
		                      not = { .host = sl_bytes_str(other) };
		sl_decide(s, &listed, &d);
		assert_true(d.block && d.line == i + 1);
		sl_decide(s, &not, &d);
		assert_false(d.block);
	}
	sl_snapshot_free(&s);
	made_free(&image);
	free(full);
	free(t);
}

int main(int argc, char **argv)
{
	struct rows rows = { .n = 0 };
	if (argc > 1)
		names = (size_t)strtoul(argv[1], NULL, 10);
	add_row(&rows, "a small budget spills, keeps to it, and gives the same bytes", test_budget, NULL);
	add_row(&rows, "failures of budget, spill and sink come back as they are", test_failures, NULL);
	add_row(&rows, "lists and categories: unique, ordered, dropped without a trace", test_lists, NULL);
	ADD_ROWS(&rows, folds, test_fold);
	add_row(&rows, "line 11: a list that names a never-block host is warned of, with file and line",
	        test_never, NULL);
	add_row(&rows, "a path deeper than any request is asked with is refused and counted", test_deep,
	        NULL);
	add_row(&rows, "answers are exact: against sorted strings, for names, their neighbours and strangers",
	        test_exact, NULL);
	add_row(&rows, "names planned into one bucket are all found, and no others", test_crowd, NULL);
	add_row(&rows, "names of equal tags are told apart by their bytes", test_tags, NULL);
	return run_rows("policy/compile", &rows);
}
