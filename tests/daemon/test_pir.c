/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_pir.c - the input of Apple's PIR server: what is read and refused, what is written, to which shard it goes. */
#include <jansson.h>
#include <stdio.h>

#include "daemon/pir_set.h"
#include "tests/policy/rows.h"

#define VECTORS SL_SOURCE_DIR "/tests/daemon/export/pir.json"

/* ---- reading: rows as "keyword=value;" ---- */

struct got {
	char text[512];
	struct sl_out o;
};

static int collect(void *ctx, const struct sl_pir_row *row)
{
	struct got *g = ctx;
	sl_out_bytes(&g->o, row->keyword.p, row->keyword.len);
	sl_out_str(&g->o, "=");
	sl_out_bytes(&g->o, row->value.p, row->value.len);
	sl_out_str(&g->o, ";");
	return SL_OK;
}

static const struct text_case {
	const char *name, *in, *want; /* NULL: refused */
	uint64_t line;
} texts[] = {
	{ "NE-PIR-02: repeated blocks",
	  "rows { keyword: \"a.com\" value: \"1\" }\nrows { keyword: \"b\" value: \"1\" }\n", "a.com=1;b=1;",
	  0 },
	{ "NE-PIR-02: one list",
	  "rows: [{\n keyword: \"a\",\n value: \"1\"\n },\n { keyword: \"b\", value: \"1\" }]", "a=1;b=1;",
	  0 },
	{ "an empty list", "rows: []", "", 0 },
	{ "an empty file", "", "", 0 },
	{ "a block behind a colon", "rows: { keyword: \"a\" }", "a=;", 0 },
	{ "angle brackets", "rows < keyword: \"a\" value: \"1\" >", "a=1;", 0 },
	{ "semicolons and commas behind fields", "rows { keyword: \"a\"; value: \"1\", };", "a=1;", 0 },
	{ "comments", "# head\nrows { # in\nkeyword: \"a#b\" # x\nvalue: '1' }", "a#b=1;", 0 },
	{ "a string in pieces, in both quotes", "rows { keyword: \"a\" '.com' \"/\" value: \"1\" }",
	  "a.com/=1;", 0 },
	{ "an empty row", "rows {}", "=;", 0 },
	{ "NE-PIR-02: escapes of quotes and backslash", "rows { keyword: \"a\\\"b\\\\c\\'\" }", "a\"b\\c'=;",
	  0 },
	{ "NE-PIR-02: octal and hex", "rows { keyword: \"\\141\\x62\\7z\\x7a\" }",
	  "ab\az"
	  "z=;",
	  0 },
	{ "code points", "rows { keyword: \"\\u00fc\\U0001f600\" }", "\xc3\xbc\xf0\x9f\x98\x80=;", 0 },
	{ "a row that does not end", "rows {\n keyword: \"a\"\n", NULL, 3 },
	{ "a string that does not end", "rows { keyword: \"a\n\" }", NULL, 2 },
	{ "a field that is not known", "rows {\n keywords: \"a\" }", NULL, 2 },
	{ "a field twice", "rows { keyword: \"a\"\nkeyword: \"b\" }", NULL, 2 },
	{ "a field without colon", "rows { keyword \"a\" }", NULL, 1 },
	{ "a number for a string", "rows { keyword: 1 }", NULL, 1 },
	{ "a list without commas", "rows: [{ keyword: \"a\" } { keyword: \"b\" }]", NULL, 1 },
	{ "a list without colon", "rows [{ keyword: \"a\" }]", NULL, 1 },
	{ "brackets that do not match", "rows { keyword: \"a\" >", NULL, 1 },
	{ "another message", "shard { }", NULL, 1 },
	{ "an octal escape beyond a byte", "rows { keyword: \"\\777\" }", NULL, 1 },
	{ "a hex escape without digits", "rows { keyword: \"\\xg\" }", NULL, 1 },
	{ "half a surrogate pair", "rows { keyword: \"\\ud800\" }", NULL, 1 },
	{ "an escape that is none", "rows { keyword: \"\\q\" }", NULL, 1 },
};

static void test_text(void **state)
{
	const struct text_case *c = *state;
	struct got g = { .text = "" };
	uint64_t line = 0;

	g.o = sl_out_of(g.text, sizeof(g.text) - 1);
	int err = sl_pir_read_text(sl_bytes_str(c->in), collect, &g, &line);
	assert_int_equal(err, c->want == NULL ? SL_EMALF : SL_OK);
	assert_int_equal(line, c->line);
	if (c->want != NULL)
		assert_string_equal(g.text, c->want);
}

#define BIN(text)                                         \
	{                                                 \
		(const uint8_t *)(text), sizeof(text) - 1 \
	}

static const struct binary_case {
	const char *name;
	struct sl_bytes in;
	const char *want;
	uint64_t byte;
} binaries[] = {
	{ "two rows",
	  BIN("\x0a\x06\x0a\x01"
	      "a\x12\x01"
	      "1\x0a\x03\x0a\x01"
	      "b"),
	  "a=1;b=;", 0 },
	{ "value before keyword",
	  BIN("\x0a\x06\x12\x01"
	      "1\x0a\x01"
	      "a"),
	  "a=1;", 0 },
	{ "of a field that comes twice the last counts",
	  BIN("\x0a\x06\x0a\x01"
	      "a\x0a\x01"
	      "b"),
	  "b=;", 0 },
	{ "fields that are not known are skipped",
	  BIN("\x10\x96\x01\x19"
	      "12345678\x25"
	      "1234\x0a\x08\x1a\x01"
	      "x\x20\x05\x0a\x01"
	      "a"),
	  "a=;", 0 },
	{ "an empty row", BIN("\x0a\x00"), "=;", 0 },
	{ "a length beyond the file",
	  BIN("\x0a\x02\x0a\x00\x0a\x05\x0a\x01"
	      "a"),
	  NULL, 4 },
	{ "a length beyond the row",
	  BIN("\x0a\x03\x0a\x02"
	      "ab"),
	  NULL, 0 },
	{ "a length that does not end", BIN("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), NULL, 0 },
	{ "a length of 2^64 - 1", BIN("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), NULL, 0 },
	{ "a group", BIN("\x0b\x0c"), NULL, 0 },
	{ "field number 0", BIN("\x02\x00"), NULL, 0 },
	{ "a text file", BIN("rows { keyword: \"a\" }"), NULL, 0 },
};

static void test_binary(void **state)
{
	const struct binary_case *c = *state;
	struct got g = { .text = "" };
	uint64_t byte = 0;

	g.o = sl_out_of(g.text, sizeof(g.text) - 1);
	int err = sl_pir_read_binary(c->in, collect, &g, &byte);
	assert_int_equal(err, c->want == NULL ? SL_EMALF : SL_OK);
	assert_int_equal(byte, c->byte);
	if (c->want != NULL)
		assert_string_equal(g.text, c->want);
}

static void test_long_string(void **state)
{
	static char text[SL_PIR_STRING_MAX + 64];
	struct got g = { .text = "" };
	uint64_t line = 0;

	(void)state;
	(void)snprintf(text, sizeof(text), "rows { keyword: \"%0*d\" }", SL_PIR_STRING_MAX + 1, 0);
	assert_int_equal(sl_pir_read_text(sl_bytes_str(text), collect, &g, &line), SL_ELIMIT);
	(void)snprintf(text, sizeof(text), "rows { keyword: \"%0*d\" }", SL_PIR_STRING_MAX, 0);
	assert_int_equal(sl_pir_read_text(sl_bytes_str(text), collect, &g, &line), SL_OK);
}

/* ---- writing ---- */

static void test_write(void **state)
{
	char text[128];
	struct sl_out o = sl_out_of(text, sizeof(text));

	(void)state;
	sl_pir_write(SL_PIR_TEXT,
	             &(struct sl_pir_row){ SL_BYTES_LIT("a\"\\\n\xff"
	                                                "1"),
	                                   SL_PIR_VALUE },
	             &o);
	assert_int_equal(o.len, strlen("rows { keyword: \"a\\\"\\\\\\012\\3771\" value: \"1\" }\n"));
	assert_memory_equal(text, "rows { keyword: \"a\\\"\\\\\\012\\3771\" value: \"1\" }\n", o.len);
}

static void test_write_long(void **state)
{
	static char keyword[300], text[400];
	struct sl_out o = sl_out_of(text, sizeof(text));

	(void)state;
	memset(keyword, 'k', sizeof(keyword));
	sl_pir_write(SL_PIR_BINARY, &(struct sl_pir_row){ sl_bytes_of(keyword, 300), SL_PIR_VALUE }, &o);
	assert_int_equal(o.len, 3 + 3 + 300 + 3);
	assert_memory_equal(text, "\x0a\xb2\x02\x0a\xac\x02kkk", 9);
}

/* ---- the vectors ---- */

static json_t *vectors(void)
{
	json_error_t error;
	json_t *root = json_load_file(VECTORS, 0, &error);
	if (root == NULL)
		fail_msg("%s: %s", VECTORS, error.text);
	return root;
}

static void test_examples(void **state)
{
	json_t *root = vectors();
	char text[128], hex[256] = "";
	struct sl_out o = sl_out_of(text, sizeof(text));
	const struct sl_pir_row row = { SL_BYTES_LIT("example.com"), SL_PIR_VALUE };

	(void)state;
	sl_pir_write(SL_PIR_TEXT, &row, &o);
	const char *want = json_string_value(json_object_get(root, "text_format_row_example"));
	assert_int_equal(o.len, strlen(want) + 1);
	assert_memory_equal(text, want, strlen(want));
	o = sl_out_of(text, sizeof(text));
	sl_pir_write(SL_PIR_BINARY, &row, &o);
	for (size_t i = 0; i < o.len; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", (uint8_t)text[i]);
	assert_string_equal(hex, json_string_value(json_object_get(root, "binary_format_row_example_hex")));
	json_decref(root);
}

static void test_shards(void **state)
{
	json_t *root = vectors(), *one, *rows = json_object_get(root, "shard_vectors"),
	       *counts = json_object_get(root, "entryCountPerShard_vectors");
	size_t i;

	(void)state;
	assert_true(json_array_size(rows) >= 9 && json_array_size(counts) >= 5);
	json_array_foreach(rows, i, one)
	{
		const char *keyword = json_string_value(json_object_get(one, "keyword"));
		uint64_t shards = (uint64_t)json_integer_value(json_object_get(one, "shardCount"));
		assert_int_equal(sl_pir_shard(sl_bytes_str(keyword), shards),
		                 json_integer_value(json_object_get(one, "shard")));
	}
	json_array_foreach(counts, i, one) assert_int_equal(
	        sl_pir_shards((uint64_t)json_integer_value(json_object_get(one, "rows")),
	                      (uint64_t)json_integer_value(json_object_get(one, "entryCountPerShard"))),
	        json_integer_value(json_object_get(one, "shardCount")));
	json_decref(root);
}

/* ---- sets ---- */

static void test_set(void **state)
{
	static const char a_text[] =
	        "rows { keyword: \"b\" value: \"1\" } rows { keyword: \"a\\x2f\" value: \"2\" }"
	        "rows { keyword: \"b\" value: \"1\" } rows { value: \"1\" }";
	struct sl_pir_set a, b;
	struct sl_bytes first;
	uint64_t at = 0;

	(void)state;
	assert_int_equal(sl_pir_set_read(SL_PIR_TEXT, sl_bytes_str(a_text), &a, &at), SL_OK);
	assert_int_equal(sl_pir_set_lines(SL_BYTES_LIT("c\r\n\na/\n"), &b), SL_OK);
	assert_int_equal(a.rows, 4);
	assert_int_equal(a.n, 2);
	assert_int_equal(a.empty, 1);
	assert_int_equal(a.odd_values, 1);
	assert_true(sl_bytes_equal(a.repeated, SL_BYTES_LIT("b")));
	assert_true(sl_pir_set_has(&a, SL_BYTES_LIT("a/")));
	assert_false(sl_pir_set_has(&a, SL_BYTES_LIT("a")));
	assert_int_equal(b.n, 2);
	assert_int_equal(sl_pir_set_missing(&a, &b, &first), 1);
	assert_true(sl_bytes_equal(first, SL_BYTES_LIT("b")));
	assert_int_equal(sl_pir_set_missing(&b, &a, &first), 1);
	assert_true(sl_bytes_equal(first, SL_BYTES_LIT("c")));
	sl_pir_set_free(&a);
	sl_pir_set_free(&b);
}

int main(void)
{
	static struct rows rows;
	ADD_ROWS(&rows, texts, test_text);
	ADD_ROWS(&rows, binaries, test_binary);
	add_row(&rows, "a string longer than the limit is refused, one as long is not", test_long_string,
	        NULL);
	add_row(&rows, "NE-PIR-02: bytes that are not printable are written as octal escapes", test_write,
	        NULL);
	add_row(&rows, "lengths beyond 127 take two bytes", test_write_long, NULL);
	add_row(&rows, "NE-PIR-01, -02, -03: the example rows, byte for byte", test_examples, NULL);
	add_row(&rows, "NE-PIR-06, -07: every shard vector", test_shards, NULL);
	add_row(&rows, "NE-PIR-04: a set knows its duplicates, and what another has not", test_set, NULL);
	return run_rows("daemon/pir", &rows);
}
