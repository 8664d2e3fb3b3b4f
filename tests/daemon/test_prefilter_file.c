/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_prefilter_file.c - prefilters as files: what is read, what is refused and in which words, what is written. */
#include <stdio.h>

#include "base/out.h"
#include "daemon/prefilter_file.h"
#include "tests/policy/rows.h"

struct said {
	char text[256];
};

static void emit(void *ctx, const char *file, unsigned line, const char *text)
{
	struct said *s = ctx;
	(void)snprintf(s->text, sizeof(s->text), "%s:%u: %s", file, line, text);
}

#define PLIST(members) "<plist version=\"1.0\"><dict>" members "</dict></plist>"
#define NUMBERS        "<key>bitCount</key><integer>9</integer><key>hashCount</key><integer>3</integer>"
#define SEED           "<key>murmurSeed</key><integer>5</integer>"

static const struct read_case {
	const char *name, *in;
	struct sl_prefilter_beside beside; /* bits, hashes, seed */
	enum sl_prefilter_kind kind;
	uint64_t bits;
	uint32_t hashes, seed;
	const char *data; /* two bytes, or one */
} reads[] = {
	{ "NE-BLOOM-08: a property list",
	  PLIST(NUMBERS SEED "<key>data</key><data> AA\n E= </data>"),
	  { { 0 }, { 0 }, { 0 } },
	  SL_PREFILTER_PLIST_XML,
	  9,
	  3,
	  5,
	  "\x00\x01" },
	{ "JSON as in the forum",
	  "{\"bits\":9,\"hashes\":3,\"seed\":4294967295,\"content\":\"AAE=\"}",
	  { { 0 }, { 0 }, { 0 } },
	  SL_PREFILTER_JSON,
	  9,
	  3,
	  4294967295,
	  "\x00\x01" },
	{ "JSON with the keys of Apple's tool",
	  " {\"bitCount\":9,\"hashCount\":3,\"murmurSeed\":1,\"data\":\"AAE=\"}",
	  { { 0 }, { 0 }, { 0 } },
	  SL_PREFILTER_JSON,
	  9,
	  3,
	  1,
	  "\x00\x01" },
	{ "what is given beside counts",
	  "{\"bits\":9,\"hashes\":3,\"seed\":1,\"content\":\"AAE=\"}",
	  { { true, 16 }, { 0 }, { true, 0 } },
	  SL_PREFILTER_JSON,
	  16,
	  3,
	  0,
	  "\x00\x01" },
	{ "what is given beside fills gaps",
	  "{\"content\":\"AAE=\", \"bits\": 9}",
	  { { 0 }, { true, 4 }, { true, 2 } },
	  SL_PREFILTER_JSON,
	  9,
	  4,
	  2,
	  "\x00\x01" },
	{ "a negative seed is the same 32 bits",
	  "{\"bits\":9,\"hashes\":3,\"seed\":-1756908916,\"content\":\"AAE=\"}",
	  { { 0 }, { 0 }, { 0 } },
	  SL_PREFILTER_JSON,
	  9,
	  3,
	  2538058380U,
	  "\x00\x01" },
	{ "NE-BLOOM-14: raw bits",
	  "ab",
	  { { true, 9 }, { true, 3 }, { true, 7 } },
	  SL_PREFILTER_RAW,
	  9,
	  3,
	  7,
	  "ab" },
	{ "raw bits that begin like JSON",
	  "{!",
	  { { true, 9 }, { true, 3 }, { true, 7 } },
	  SL_PREFILTER_RAW,
	  9,
	  3,
	  7,
	  "{!" },
	{ "the largest numbers",
	  "a",
	  { { true, 4294967288 }, { true, 2048 }, { true, 4294967295 } },
	  SL_PREFILTER_RAW,
	  4294967288,
	  2048,
	  4294967295,
	  "a" },
};

static void test_read(void **state)
{
	const struct read_case *c = *state;
	struct sl_prefilter_file f;
	struct said said = { "" };
	const struct sl_diag diag = { emit, &said };
	size_t len = c->kind == SL_PREFILTER_RAW ? strlen(c->in) : 2;

	if (sl_prefilter_file_read("x", sl_bytes_str(c->in), &c->beside, &diag, &f) != SL_OK)
		fail_msg("%s", said.text);
	assert_int_equal(f.kind, c->kind);
	assert_int_equal(f.shape.format, SL_PREFILTER_APPLE);
	assert_int_equal(f.shape.bits, c->bits);
	assert_int_equal(f.shape.hashes, c->hashes);
	assert_int_equal(f.shape.seed, c->seed);
	assert_int_equal(f.signed_seed, strstr(c->in, "-17") != NULL);
	assert_int_equal(f.data.len, len);
	assert_memory_equal(f.data.p, c->data, len);
	sl_prefilter_file_free(&f);
	assert_null(f.data.p);
}

static const struct refuse_case {
	const char *name, *in;
	struct sl_prefilter_beside beside;
	const char *said;
} refuses[] = {
	{ "raw bits without numbers",
	  "ab",
	  { { 0 }, { 0 }, { 0 } },
	  "x:0: bitCount is missing; give it with --bits" },
	{ "raw bits without hashes",
	  "ab",
	  { { true, 8 }, { 0 }, { 0 } },
	  "x:0: hashCount is missing; give it with --hashes" },
	{ "raw bits without seed",
	  "ab",
	  { { true, 8 }, { true, 1 }, { 0 } },
	  "x:0: murmurSeed is missing; give it with --seed" },
	{ "no bits", "ab", { { true, 0 }, { true, 1 }, { true, 1 } }, "x:0: bitCount is out of range" },
	{ "NE-BLOOM-09: too many bits",
	  "ab",
	  { { true, 4294967289 }, { true, 1 }, { true, 1 } },
	  "x:0: bitCount is out of range" },
	{ "no hashes", "ab", { { true, 8 }, { true, 0 }, { true, 1 } }, "x:0: hashCount is out of range" },
	{ "too many hashes",
	  "ab",
	  { { true, 8 }, { true, 2049 }, { true, 1 } },
	  "x:0: hashCount is out of range" },
	{ "a seed beyond 32 bits",
	  "ab",
	  { { true, 8 }, { true, 1 }, { true, 4294967296 } },
	  "x:0: murmurSeed is out of range" },
	{ "a seed below 32 bits",
	  "{\"bits\":8,\"hashes\":1,\"seed\":-2147483649,\"data\":\"\"}",
	  { { 0 }, { 0 }, { 0 } },
	  "x:0: murmurSeed is out of range" },
	{ "a number in quotes",
	  "{\"bits\":\"8\",\"hashes\":1,\"seed\":1,\"data\":\"\"}",
	  { { 0 }, { 0 }, { 0 } },
	  "x:0: bitCount is no whole number; give it with --bits" },
	{ "a broken number",
	  "{\"bits\":8.5,\"hashes\":1,\"seed\":1,\"data\":\"\"}",
	  { { 0 }, { 0 }, { 0 } },
	  "x:0: bitCount is no whole number; give it with --bits" },
	{ "two names for one thing",
	  "{\"bits\":8,\"bitCount\":8,\"hashes\":1,\"seed\":1,\"data\":\"\"}",
	  { { 0 }, { 0 }, { 0 } },
	  "x:0: bitCount is there twice" },
	{ "no data",
	  "{\"bits\":8,\"hashes\":1,\"seed\":1}",
	  { { 0 }, { 0 }, { 0 } },
	  "x:0: data is missing" },
	{ "data that is a list",
	  "{\"bits\":8,\"hashes\":1,\"seed\":1,\"data\":[1]}",
	  { { 0 }, { 0 }, { 0 } },
	  "x:0: data is neither bytes nor base64" },
	{ "data that is no base64",
	  "{\"bits\":8,\"hashes\":1,\"seed\":1,\"data\":\"A*==\"}",
	  { { 0 }, { 0 }, { 0 } },
	  "x:0: the data is no base64" },
	{ "base64 that is cut",
	  "{\"bits\":8,\"hashes\":1,\"seed\":1,\"data\":\"AAE\"}",
	  { { 0 }, { 0 }, { 0 } },
	  "x:0: the data is no base64" },
	{ "a broken property list",
	  "<plist><dict></plist>",
	  { { 0 }, { 0 }, { 0 } },
	  "x:0: broken property list: malformed" },
};

static void test_refuse(void **state)
{
	const struct refuse_case *c = *state;
	struct sl_prefilter_file f = { .kind = SL_PREFILTER_RAW };
	struct said said = { "" };
	const struct sl_diag diag = { emit, &said };

	assert_int_equal(sl_prefilter_file_read("x", sl_bytes_str(c->in), &c->beside, &diag, &f), SL_EMALF);
	assert_string_equal(said.text, c->said);
	assert_null(f.data.p);
}

static void test_json_line(void **state)
{
	struct sl_prefilter_file f;
	struct said said = { "" };
	const struct sl_diag diag = { emit, &said };
	(void)state;

	assert_int_equal(sl_prefilter_file_read("x", SL_BYTES_LIT("{\n\"bits\": 1,\n!}"), NULL, &diag, &f),
	                 SL_EMALF);
	assert_int_equal(strncmp(said.text, "x:3: broken JSON: ", 18), 0);
}

static int put(void *ctx, const void *p, size_t n)
{
	sl_out_bytes(ctx, p, n);
	return ((struct sl_out *)ctx)->overflow ? SL_ELIMIT : SL_OK;
}

/* The tag's quote shows that it is escaped. */
static const struct sl_prefilter_file sample = {
	.shape = { SL_PREFILTER_APPLE, 10, 456, 1267652889, 0 },
	.items = { true, 10 },
	.bytes = { true, 57 },
	.tolerance = 0.001,
	.tag = { (const uint8_t *)"a\"b", 3 },
	.data = { (const uint8_t *)"0123456789012345678901234567890123456789012345678901234567", 57 },
};

static const struct write_case {
	const char *name;
	enum sl_prefilter_kind kind;
	const char *want;
} writes[] = {
	{ "NE-BLOOM-08: a property list with the keys of Apple's tool", SL_PREFILTER_PLIST_XML,
	  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	  "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
	  "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
	  "<plist version=\"1.0\">\n<dict>\n"
	  "\t<key>itemCount</key>\n\t<integer>10</integer>\n"
	  "\t<key>falsePositiveTolerance</key>\n\t<real>0.001</real>\n"
	  "\t<key>murmurSeed</key>\n\t<integer>1267652889</integer>\n"
	  "\t<key>bitCount</key>\n\t<integer>456</integer>\n"
	  "\t<key>byteCount</key>\n\t<integer>57</integer>\n"
	  "\t<key>hashCount</key>\n\t<integer>10</integer>\n"
	  "\t<key>data</key>\n\t<data>\n"
	  "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz\nNDU2\n"
	  "\t</data>\n</dict>\n</plist>\n" },
	{ "JSON with the same keys", SL_PREFILTER_JSON,
	  "{\n  \"itemCount\": 10,\n  \"falsePositiveTolerance\": 0.001,\n  \"murmurSeed\": 1267652889,\n"
	  "  \"bitCount\": 456,\n  \"byteCount\": 57,\n  \"hashCount\": 10,\n  \"tag\": \"a\\\"b\",\n"
	  "  \"data\": "
	  "\"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2\"\n}\n" },
	{ "NE-BLOOM-14: raw bits have no header", SL_PREFILTER_RAW,
	  "012345678901234567890123456789012345678901234567890123456" },
};

static void test_write(void **state)
{
	const struct write_case *c = *state;
	char got[2048] = "";
	struct sl_out o = sl_out_of(got, sizeof(got) - 1);

	assert_int_equal(sl_prefilter_file_write(&sample, c->kind, put, &o), SL_OK);
	assert_string_equal(got, c->want);
	o = sl_out_of(got, o.len - 1);
	assert_int_equal(sl_prefilter_file_write(&sample, c->kind, put, &o), SL_ELIMIT);
}

static void test_write_binary(void **state)
{
	struct sl_out o = sl_out_of(NULL, 0);
	(void)state;
	assert_int_equal(sl_prefilter_file_write(&sample, SL_PREFILTER_PLIST_BINARY, put, &o), SL_EUNSUP);
}

int main(void)
{
	struct rows rows = { .n = 0 };
	ADD_ROWS(&rows, reads, test_read);
	ADD_ROWS(&rows, refuses, test_refuse);
	add_row(&rows, "broken JSON is named with its line", test_json_line, NULL);
	ADD_ROWS(&rows, writes, test_write);
	add_row(&rows, "a binary property list is not written", test_write_binary, NULL);
	return run_rows("daemon/prefilter_file", &rows);
}
