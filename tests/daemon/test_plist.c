/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_plist.c - property lists: what members the outermost dictionary has. The files in tests/bloom/files/ were written by
 * Python's plistlib. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/out.h"
#include "daemon/file.h"
#include "daemon/plist.h"
#include "tests/policy/rows.h"

/* Writes "key=type:value " for each member. */
static void show(void *ctx, struct sl_bytes key, const struct sl_plist_value *v)
{
	static const char *const types[] = { "int", "real", "string", "data", "base64", "other" };
	struct sl_out *o = ctx;

	sl_out_bytes(o, key.p, key.len);
	sl_out_fmt(o, "=%s:", types[v->type]);
	if (v->type == SL_PLIST_INTEGER)
		sl_out_fmt(o, "%lld", (long long)v->integer);
	else if (v->type == SL_PLIST_REAL)
		sl_out_fmt(o, "%g", v->real);
	else if (v->type == SL_PLIST_DATA)
		sl_out_fmt(o, "%zu", v->bytes.len);
	else if (v->type != SL_PLIST_OTHER)
		sl_out_bytes(o, v->bytes.p, v->bytes.len);
	sl_out_u8(o, ' ');
}

static void check(struct sl_bytes text, int err, const char *want)
{
	char got[2048] = "";
	struct sl_out o = sl_out_of(got, sizeof(got) - 1);
	uint8_t *copy = malloc(text.len == 0 ? 1 : text.len);

	assert_non_null(copy);
	memcpy(copy, text.p, text.len);
	assert_int_equal(sl_plist_read(sl_bytes_of(copy, text.len), show, &o), err);
	if (err == SL_OK)
		assert_string_equal(got, want);
	free(copy);
}

#define DICT(members) "<plist version=\"1.0\"><dict>" members "</dict></plist>"

static const struct xml_case {
	const char *name, *in;
	int err;
	const char *want;
} xml[] = {
	{ "an integer", DICT("<key>a</key><integer>7</integer>"), SL_OK, "a=int:7 " },
	{ "space round a number", DICT("<key>a</key><integer>\n 7\t</integer>"), SL_OK, "a=int:7 " },
	{ "a negative integer", DICT("<key>a</key><integer>-7</integer>"), SL_OK, "a=int:-7 " },
	{ "a plus", DICT("<key>a</key><integer>+7</integer>"), SL_OK, "a=int:7 " },
	{ "the largest integer", DICT("<key>a</key><integer>9223372036854775807</integer>"), SL_OK,
	  "a=int:9223372036854775807 " },
	{ "an integer beyond is other", DICT("<key>a</key><integer>9223372036854775808</integer>"), SL_OK,
	  "a=other: " },
	{ "an integer far beyond is other", DICT("<key>a</key><integer>99999999999999999999999</integer>"),
	  SL_OK, "a=other: " },
	{ "no digits are no integer", DICT("<key>a</key><integer>-</integer>"), SL_EMALF, NULL },
	{ "letters are no integer", DICT("<key>a</key><integer>1x</integer>"), SL_EMALF, NULL },
	{ "a real", DICT("<key>a</key><real>1e-3</real>"), SL_OK, "a=real:0.001 " },
	{ "a real that is none", DICT("<key>a</key><real>p</real>"), SL_EMALF, NULL },
	{ "an empty real", DICT("<key>a</key><real/>"), SL_EMALF, NULL },
	{ "a string", DICT("<key>a</key><string>x &amp; y</string>"), SL_OK, "a=string:x &amp; y " },
	{ "an empty string", DICT("<key>a</key><string/>"), SL_OK, "a=string: " },
	{ "data", DICT("<key>a</key><data>AAE=</data>"), SL_OK, "a=base64:AAE= " },
	{ "booleans and dates are other", DICT("<key>a</key><true/><key>b</key><date>2026</date>"), SL_OK,
	  "a=other: b=other: " },
	{ "what is nested is walked over",
	  DICT("<key>a</key><dict><key>b</key><array><true/></array></dict><key>c</key><true/>"), SL_OK,
	  "a=other: c=other: " },
	{ "a repeated key comes twice", DICT("<key>a</key><true/><key>a</key><true/>"), SL_OK,
	  "a=other: a=other: " },
	{ "comments stand between elements", "<!--x--><plist><!-- - -- --><dict><!----></dict></plist><!-- >",
	  SL_EMALF, NULL },
	{ "comments that end", "<!--x--><plist><!-- - -- --><dict><!-- > < --></dict><!-- y --></plist>",
	  SL_OK, "" },
	{ "a comment within a text is refused", DICT("<key>a<!--x--></key><true/>"), SL_EMALF, NULL },
	{ "byte order mark, declaration and document type",
	  "\xef\xbb\xbf<?xml version=\"1.0\"?>\n<!DOCTYPE plist>\n" DICT(""), SL_OK, "" },
	{ "an empty dictionary", "<plist><dict/></plist>", SL_OK, "" },
	{ "attributes are let be", "<plist a='1'><dict ><key b=''>a</key><true /></dict ></plist >\n", SL_OK,
	  "a=other: " },
	{ "an array is no dictionary", "<plist><array/></plist>", SL_EMALF, NULL },
	{ "a key without a value", DICT("<key>a</key>"), SL_EMALF, NULL },
	{ "a value without a key", DICT("<true/>"), SL_EMALF, NULL },
	{ "text between elements", DICT("x<key>a</key><true/>"), SL_EMALF, NULL },
	{ "a closing tag that closes another", DICT("<key>a</string><true/>"), SL_EMALF, NULL },
	{ "the end is missing", "<plist><dict>", SL_EMALF, NULL },
	{ "something behind the end", "<plist><dict/></plist>x", SL_EMALF, NULL },
	{ "an empty tag", "<plist><></plist>", SL_EMALF, NULL },
	{ "HTML is no property list", "<html><body></body></html>", SL_EPROTO, NULL },
	{ "JSON is no property list", "{}", SL_EPROTO, NULL },
	{ "nothing is no property list", "", SL_EPROTO, NULL },
	{ "another version of the binary format", "bplist15xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", SL_EPROTO,
	  NULL },
	{ "a binary header alone", "bplist00", SL_EMALF, NULL },
};

static void test_xml(void **state)
{
	const struct xml_case *c = *state;
	check(sl_bytes_str(c->in), c->err, c->want);
}

#define D8  "<dict><key>a</key><dict><key>a</key><dict><key>a</key><dict><key>a</key>"
#define E8  "</dict></dict></dict></dict>"
#define D32 D8 D8 D8 D8 D8 D8 D8 D8

static void test_deep(void **state)
{
	(void)state;
	check(SL_BYTES_LIT("<plist><dict><key>a</key>" D32 D32 D32), SL_ELIMIT, NULL);
	check(SL_BYTES_LIT(DICT("<key>a</key>" D8 "<true/>" E8)), SL_OK, "a=other: ");
}

static const struct file_case {
	const char *name, *file, *want;
} files[] = {
	{ "XML by plistlib", "sample.xml",
	  "bitCount=int:144 byteCount=int:18 data=base64:\n\tJGguOvZzlBEHYkUWJC5vw/eH\n\t "
	  "falsePositiveTolerance=real:0.001 "
	  "hashCount=int:10 itemCount=int:10 murmurSeed=int:1267652889 " },
	{ "binary by plistlib", "sample.bplist",
	  "bitCount=int:144 byteCount=int:18 data=data:18 falsePositiveTolerance=real:0.001 hashCount=int:10 "
	  "itemCount=int:10 "
	  "murmurSeed=int:1267652889 " },
	{ "XML with more in it", "nested.xml",
	  "big=other: bitCount=int:144 byteCount=int:18 data=base64:\n\tJGguOvZzlBEHYkUWJC5vw/eH\n\t "
	  "date=other: "
	  "falsePositiveTolerance=real:0.001 hashCount=int:10 itemCount=int:10 murmurSeed=int:1267652889 "
	  "nested=other: "
	  "note=string:text &amp; more " },
	{ "binary with more in it", "nested.bplist",
	  "big=other: bitCount=int:144 byteCount=int:18 data=data:18 date=other: "
	  "falsePositiveTolerance=real:0.001 "
	  "hashCount=int:10 itemCount=int:10 murmurSeed=int:1267652889 nested=other: note=string:text & "
	  "more " },
	{ "binary with a length of its own object", "long.bplist",
	  "bitCount=int:8192 byteCount=int:1024 data=data:1024 falsePositiveTolerance=real:0.001 "
	  "hashCount=int:10 "
	  "itemCount=int:10 murmurSeed=int:1267652889 " },
};

static struct sl_bytes load(const char *file)
{
	char path[512];
	struct sl_bytes text;
	(void)snprintf(path, sizeof(path), SL_SOURCE_DIR "/tests/bloom/files/%s", file);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(sl_file_read(fd, &text), SL_OK);
	(void)close(fd);
	return text;
}

static void test_file(void **state)
{
	const struct file_case *c = *state;
	struct sl_bytes text = load(c->file);
	check(text, SL_OK, c->want);
	sl_file_free(&text);
}

static const struct damage_case {
	const char *name;
	size_t from_end; /* the byte of sample.bplist that is changed */
	uint8_t to;
} damages[] = {
	{ "binary: offsets of no bytes", 26, 0 },
	{ "binary: offsets of nine bytes", 26, 9 },
	{ "binary: references of no bytes", 25, 0 },
	{ "binary: references of nine bytes", 25, 9 },
	{ "binary: more objects than the table has room for", 17, 0xff },
	{ "binary: objects without end", 24, 0xff },
	{ "binary: a top object that is not there", 9, 0xee },
	{ "binary: a top object that is no dictionary", 9, 1 },
	{ "binary: a table behind the end", 2, 0xff },
	{ "binary: a table within the header", 1, 3 },
};

static void test_damage(void **state)
{
	const struct damage_case *c = *state;
	struct sl_bytes text = load("sample.bplist");
	((uint8_t *)(uintptr_t)text.p)[text.len - c->from_end] = c->to;
	check(text, SL_EMALF, NULL);
	sl_file_free(&text);
}

/* Whatever is cut off the end, or changed in one byte, is read without harm; ASan watches. */
static void test_mutants(void **state)
{
	struct sl_bytes text = load("nested.bplist");
	char got[4096];
	(void)state;

	for (size_t i = 0; i < text.len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			struct sl_out o = sl_out_of(got, sizeof(got));
			((uint8_t *)(uintptr_t)text.p)[i] ^= (uint8_t)(1U << bit);
			int err = sl_plist_read(text, show, &o);
			assert_true(err == SL_OK || err == SL_EMALF || err == SL_EPROTO);
			((uint8_t *)(uintptr_t)text.p)[i] ^= (uint8_t)(1U << bit);
		}
		check(sl_bytes_first(text, i), i < 8 ? SL_EPROTO : SL_EMALF, NULL);
	}
	sl_file_free(&text);
}

int main(void)
{
	struct rows rows = { .n = 0 };
	ADD_ROWS(&rows, xml, test_xml);
	add_row(&rows, "what is nested too deep is refused", test_deep, NULL);
	ADD_ROWS(&rows, files, test_file);
	ADD_ROWS(&rows, damages, test_damage);
	add_row(&rows, "binary: every bit flipped, every length", test_mutants, NULL);
	return run_rows("daemon/plist", &rows);
}
