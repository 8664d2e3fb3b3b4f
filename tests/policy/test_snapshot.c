/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/snapshot.h"

#include <stdio.h>

#include "policy/decide.h"
#include "policy/snapshot_format.h"
#include "policy/string_heap.h"
#include "tests/policy/made.h"
#include "tests/policy/rows.h"

enum { NAMES = 1000 };

static void add_host(struct sl_compile *c, const char *text, enum sl_scope scope, uint32_t line)
{
	static struct sl_url url;
	assert_int_equal(sl_url_canon(sl_bytes_str(text), &url), SL_OK);
	struct sl_list_entry e = { .host = &url.host, .port = url.port, .scope = scope, .line = line };
	if (scope == SL_SCOPE_PATH)
		e.path = sl_bytes_of(url.path, url.path_len);
	assert_int_equal(sl_compile_add(c, &e), SL_OK);
}

/* seed 0: from the entries. */
static void make(struct made *image, uint64_t seed)
{
	const struct sl_compile_cfg cfg = { .seed = seed, .generation = 42 };
	const struct sl_image_sink sink = { image, made_write };
	const struct sl_compile_list list = { "list", "file", 0, false };
	struct sl_compile *c = NULL;
	uint16_t n = 0;
	char text[64];
	assert_int_equal(sl_compile_new(&cfg, &c), SL_OK);
	assert_int_equal(sl_compile_category(c, "ads", SL_LIST_BLOCK, &n), SL_OK);
	assert_int_equal(sl_compile_begin(c, &list), SL_OK);
	for (unsigned i = 0; i < NAMES; i++) {
		(void)snprintf(text, sizeof(text), "host%u.example%u.com", i, i % 37);
		add_host(c, text, SL_SCOPE_TREE, i + 1);
	}
	add_host(c, "b.example:8080/ads/x", SL_SCOPE_PATH, 5000);
	sl_compile_end(c);
	assert_int_equal(sl_compile_finish(c, &sink, NULL), SL_OK);
	sl_compile_free(&c);
}

static void test_opens(void **state)
{
	struct made image = { 0 };
	struct sl_snapshot *s = NULL;
	struct sl_snapshot_info info;
	struct sl_snapshot_mention m;
	char key[SL_SNAPSHOT_KEY + 1];
	size_t len = 0;
	(void)state;
	make(&image, 0);
	assert_int_equal(sl_snapshot_open(sl_bytes_of(image.p, image.len), NULL, &s), SL_OK);
	assert_int_equal(sl_snapshot_verify(s, NULL), SL_OK);
	sl_snapshot_info(s, &info);
	assert_int_equal(info.keys, NAMES + 1);
	assert_int_equal(info.entries, NAMES + 1);
	assert_int_equal(info.generation, 42);
	assert_int_equal(info.paths, 1);
	assert_int_equal(info.labels_min, 2);
	assert_int_equal(info.labels_max, 3);
	assert_int_equal(info.segments_min, 0);
	assert_int_equal(info.segments_max, 2);
	assert_string_equal(sl_snapshot_list_name(s, 0), "list");
	assert_string_equal(sl_snapshot_list_file(s, 0), "file");
	assert_string_equal(sl_snapshot_category_name(s, 0), "ads");
	assert_null(sl_snapshot_list_name(s, 1));
	assert_int_equal(sl_snapshot_key(s, info.keys - 1, key, &len), SL_OK);
	assert_string_equal(key, "b.example:8080/ads/x");
	assert_int_equal(sl_snapshot_mention(s, info.keys - 1, 0, &m), SL_OK);
	assert_int_equal(m.line, 5000);
	assert_int_equal(m.scope, SL_SCOPE_PATH);
	assert_int_equal(sl_snapshot_mention(s, info.keys - 1, 1, &m), SL_ENOENT);
	assert_int_equal(sl_snapshot_key(s, info.keys, key, &len), SL_ENOENT);
	sl_snapshot_free(&s);
	sl_snapshot_free(&s);
	made_free(&image);
}

static void mend(uint8_t *p)
{
	struct sl_snapshot_header h;
	memcpy(&h, p, sizeof(h));
	h.checksum = 0;
	h.checksum = sl_snapshot_checksum(sl_bytes_of(&h, sizeof(h)), 0);
	memcpy(p, &h, sizeof(h));
}

#define AT(member) offsetof(struct sl_snapshot_header, member)
#define SECTION(n, member)                                        \
	(AT(section) + (n) * sizeof(struct sl_snapshot_section) + \
	 offsetof(struct sl_snapshot_section, member))

static const struct refuse_case {
	const char *name;
	size_t at; /* of the byte that is changed by xor */
	uint8_t change;
	bool mended; /* and the checksum made good */
	long cut;    /* bytes taken off, or, negative, added */
	int err;
	const char *why;
} refusals[] = {
	{ "another file is refused", 0, 1, false, 0, SL_EMALF, "it is no snapshot of sluice" },
	{ "line ends that somebody mended are seen", 7, 7, false, 0, SL_EMALF,
	  "it is no snapshot of sluice" },
	{ "an older version is refused", AT(version), 2, true, 0, SL_EUNSUP,
	  "an older sluice made it; compile the lists again" },
	{ "a newer version is refused", AT(version), 1, true, 0, SL_EUNSUP,
	  "a newer sluice made it; compile the lists again" },
	{ "a flipped bit of the header is seen", AT(keys), 1, false, 0, SL_EMALF, "its header is damaged" },
	{ "a flipped bit of the section table is seen", SECTION(4, offset), 64, false, 0, SL_EMALF,
	  "its header is damaged" },
	{ "a file cut by a byte is refused", 0, 0, false, 1, SL_EMALF, "it was cut short" },
	{ "a file cut in its header is refused", 0, 0, false, 1 << 30, SL_EMALF, "it was cut short" },
	{ "a longer file is refused", 0, 0, false, -1, SL_EMALF, "it is longer than it says" },
	{ "more keys than the sections hold are refused", AT(keys), 1, true, 0, SL_EMALF,
	  "its sections contradict its header" },
	{ "a section beyond the end is refused", SECTION(SL_SECTION_INDEX, offset) + 3, 0x7f, true, 0,
	  SL_EMALF, "its sections contradict its header" },
	{ "a section that wraps round is refused", SECTION(SL_SECTION_STRINGS, len) + 7, 0xff, true, 0,
	  SL_EMALF, "its sections contradict its header" },
	{ "a section over the header is refused", SECTION(SL_SECTION_STRINGS, offset) + 1, 0x03, true, 0,
	  SL_EMALF, "its sections contradict its header" },
	{ "a prefilter of another kind is refused", AT(prefilter), 0x10, true, 0, SL_EMALF, NULL },
	{ "more than 64 categories are refused", AT(categories), 0x40, true, 0, SL_EMALF,
	  "its sections contradict its header" },
	{ "combinations of three bytes are refused", AT(combo_width), 2, true, 0, SL_EMALF,
	  "its sections contradict its header" },
};

static void test_refused(void **state)
{
	const struct refuse_case *c = *state;
	struct made image = { 0 };
	struct sl_snapshot *s = NULL;
	const char *why = NULL;
	make(&image, 0);
	image.p[c->at] ^= c->change;
	if (c->mended)
		mend(image.p);
	size_t len = c->cut > (long)image.len ? 100 : (size_t)((long)image.len - c->cut);
	assert_int_equal(sl_snapshot_open(sl_bytes_of(image.p, len), &why, &s), c->err);
	assert_null(s);
	if (c->why != NULL)
		assert_string_equal(why, c->why);
	assert_non_null(why);
	made_free(&image);
}

static void test_unaligned(void **state)
{
	struct made image = { 0 };
	struct sl_snapshot *s = NULL;
	(void)state;
	make(&image, 0);
	memmove(image.p + 8, image.p, image.len);
	assert_int_equal(sl_snapshot_open(sl_bytes_of(image.p + 8, image.len), NULL, &s), SL_EINVAL);
	made_free(&image);
}

/* Each byte of each section is covered by its checksum. */
static void test_body(void **state)
{
	struct made image = { 0 };
	struct sl_snapshot_header h;
	(void)state;
	make(&image, 0);
	memcpy(&h, image.p, sizeof(h));
	for (unsigned i = 0; i < SL_SECTIONS; i++) {
		size_t places[] = { 0, h.section[i].len / 2, h.section[i].len - 1 };
		for (unsigned k = 0; k < 3; k++) {
			uint8_t *byte = image.p + h.section[i].offset + places[k];
			struct sl_snapshot *s = NULL;
			const char *why = NULL;
			*byte ^= 4;
			if (sl_snapshot_open(sl_bytes_of(image.p, image.len), &why, &s) == SL_OK)
				assert_int_equal(sl_snapshot_verify(s, &why), SL_EMALF);
			assert_non_null(why);
			sl_snapshot_free(&s);
			*byte ^= 4;
		}
	}
	made_free(&image);
}

/* A copy of the prefilter is asked instead of the image's. */
static void test_prefilter(void **state)
{
	struct made image = { 0 };
	struct sl_snapshot *s = NULL;
	struct sl_decision d;
	const struct sl_query q = { .host = SL_BYTES_LIT("host7.example7.com"), .port = 443 };
	(void)state;
	make(&image, 0);
	assert_int_equal(sl_snapshot_open(sl_bytes_of(image.p, image.len), NULL, &s), SL_OK);
	struct sl_bytes bits = sl_snapshot_prefilter(s);
	uint8_t *copy = aligned_alloc(64, bits.len / 64 * 64 + 64);
	assert_non_null(copy);
	memcpy(copy, bits.p, bits.len);
	assert_int_equal(sl_snapshot_move_prefilter(s, sl_bytes_of(copy, bits.len - 1)), SL_EINVAL);
	assert_int_equal(sl_snapshot_move_prefilter(s, sl_bytes_of(copy, bits.len)), SL_OK);
	sl_decide(s, &q, &d);
	assert_true(d.block);
	memset(copy, 0, bits.len);
	sl_decide(s, &q, &d);
	assert_false(d.block);
	free(copy);
	sl_snapshot_free(&s);
	made_free(&image);
}

static void test_sort_key(void **state)
{
	static const struct {
		const char *url, *form;
	} rows[] = { { "www.example.com", "com\1example\1www" },
		     { "com", "com" },
		     { "example.com/ads", "com\1example\2ads" },
		     { "example.com:8080", "com\1example\0038080" },
		     { "example.com:80/ads/x?a", "com\1example\00380/ads/x?a" },
		     { "1.2.3.4", "1.2.3.4" },
		     { "1.2.3.0/24", "1.2.3.0\00224" },
		     { "2001:db8::1", "2001:db8::1" },
		     { "[2001:db8::1]:443/x", "2001:db8::1\003443/x" } };
	/* What only NE's keys have: a tail right behind the host, a bare slash. */
	static const struct {
		struct sl_key key;
		const char *form;
	} tails[] = { { { SL_BYTES_LIT("a.com"), SL_BYTES_LIT("?x"), 0, false }, "com\1a\4?x" },
		      { { SL_BYTES_LIT("a.com"), SL_BYTES_LIT("/?x"), 0, false }, "com\1a\2?x" },
		      { { SL_BYTES_LIT("a.com"), SL_BYTES_LIT("/"), 0, false }, "com\1a\2" },
		      { { SL_BYTES_LIT("a.com"), SL_BYTES_LIT("#x"), 80, false }, "com\1a\00380#x" } };
	uint8_t form[SL_SORT_MAX], text[SL_SORT_MAX];
	static struct sl_url url;
	struct sl_key back;
	(void)state;
	for (size_t i = 0; i < SL_COUNT(rows); i++) {
		assert_int_equal(sl_url_canon(sl_bytes_str(rows[i].url), &url), SL_OK);
		struct sl_key key = sl_key_of(&url.host, url.port, sl_bytes_of(url.path, url.path_len));
		size_t n = sl_sort_write(&key, form);
		assert_int_equal(n, strlen(rows[i].form));
		assert_memory_equal(form, rows[i].form, n);
		assert_int_equal(sl_sort_read(sl_bytes_of(form, n), text, &back), SL_OK);
		assert_true(sl_bytes_equal(back.host, key.host) && sl_bytes_equal(back.path, key.path));
		assert_true(back.port == key.port && back.address == key.address);
	}
	for (size_t i = 0; i < SL_COUNT(tails); i++) {
		size_t n = sl_sort_write(&tails[i].key, form);
		assert_int_equal(n, strlen(tails[i].form));
		assert_memory_equal(form, tails[i].form, n);
		assert_int_equal(sl_sort_read(sl_bytes_of(form, n), text, &back), SL_OK);
		assert_true(sl_bytes_equal(back.path, tails[i].key.path) && back.port == tails[i].key.port);
	}
	assert_int_equal(sl_sort_read(SL_BYTES_LIT(""), text, &back), SL_EMALF);
	assert_int_equal(sl_sort_read(SL_BYTES_LIT("com\4"), text, &back), SL_EMALF);
	assert_int_equal(sl_sort_read(SL_BYTES_LIT("com\4/a"), text, &back), SL_EMALF);
	assert_int_equal(sl_sort_read(SL_BYTES_LIT("com\3"), text, &back), SL_EMALF);
	assert_int_equal(sl_sort_read(SL_BYTES_LIT("com\00370000"), text, &back), SL_EMALF);
	assert_int_equal(sl_sort_read(SL_BYTES_LIT("com\00308"), text, &back), SL_EMALF);
}

/* Every byte, long and short, shared by much and little. */
static void test_heap(void **state)
{
	static struct sl_heap_writer w, r;
	static uint8_t key[16][SL_SORT_MAX], coded[16 * SL_HEAP_MAX];
	size_t len[16], n = 0;
	uint64_t seed = 1;
	(void)state;
	for (unsigned i = 0; i < 16; i++) {
		len[i] = i == 9 ? SL_SORT_MAX : i * 31 % 300;
		for (size_t k = 0; k < len[i]; k++) {
			seed = seed * UINT64_C(6364136223846793005) + 1;
			key[i][k] = i > 0 && k < len[i] / 2 ? key[i - 1][k] : (uint8_t)(seed >> 56);
		}
		n += sl_heap_put(&w, sl_bytes_of(key[i], len[i]), i == 0, &coded[n]);
	}
	struct sl_cur c = sl_cur_whole(sl_bytes_of(coded, n));
	for (unsigned i = 0; i < 16; i++) {
		assert_int_equal(sl_heap_read(&c, &r), SL_OK);
		assert_int_equal(r.len, len[i]);
		assert_memory_equal(r.last, key[i], len[i]);
		for (unsigned k = 0; k < 16; k++) {
			bool same = len[i] == len[k] && memcmp(key[i], key[k], len[i]) == 0;
			assert_int_equal(sl_heap_is(sl_cur_whole(sl_bytes_of(coded, n)), i,
			                            sl_bytes_of(key[k], len[k])),
			                 same);
		}
	}
	assert_int_equal(c.left, 0);
	assert_int_equal(sl_heap_read(&c, &r), SL_EMALF);
}

int main(void)
{
	struct rows rows = { .n = 0 };
	add_row(&rows, "a snapshot opens, verifies and says what it holds", test_opens, NULL);
	ADD_ROWS(&rows, refusals, test_refused);
	add_row(&rows, "an image that is not aligned is refused", test_unaligned, NULL);
	add_row(&rows, "a flipped bit anywhere in a section is found by verify", test_body, NULL);
	add_row(&rows, "a copy of the prefilter is asked in the place of the image's", test_prefilter, NULL);
	add_row(&rows, "a key has one sort form, and the form one key", test_sort_key, NULL);
	add_row(&rows, "front-coded strings come back, and are told from their neighbours", test_heap, NULL);
	return run_rows("policy/snapshot", &rows);
}
