/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pir_text.c - the text format of Protocol Buffers, as far as a KeywordDatabase needs it:
 *   rows { keyword: "example.com" value: "1" }        rows: [ { ... }, { ... } ]
 * with "<" for "{", "," or ";" behind a field, comments from "#" on, strings in either quotes and in pieces. A field that is
 * not known, or comes twice, is an error, as it is for Apple's tool. */
#include "base/cur.h"
#include "daemon/pir.h"

struct text {
	struct sl_cur c;
	uint64_t line;
	sl_pir_sink *sink;
	void *ctx;
	uint8_t keyword[SL_PIR_STRING_MAX], value[SL_PIR_STRING_MAX];
};

static uint8_t peek(const struct text *t)
{
	return sl_cur_more(&t->c) ? *t->c.p : 0;
}

static uint8_t take(struct text *t)
{
	uint8_t c = sl_cur_u8(&t->c);
	t->line += c == '\n';
	return c;
}

static void fail(struct text *t)
{
	sl_cur_fail(&t->c, SL_EMALF);
}

static void skip_blanks(struct text *t)
{
	while (sl_cur_more(&t->c)) {
		uint8_t c = peek(t);
		if (c == '#')
			while (sl_cur_more(&t->c) && peek(t) != '\n')
				(void)take(t);
		else if (c == ' ' || (c >= '\t' && c <= '\r'))
			(void)take(t);
		else
			break;
	}
}

/* Is c next? Then it is taken. */
static bool accept(struct text *t, uint8_t c)
{
	skip_blanks(t);
	if (!sl_cur_more(&t->c) || peek(t) != c)
		return false;
	(void)take(t);
	return true;
}

static void skip_separator(struct text *t)
{
	if (!accept(t, ','))
		(void)accept(t, ';');
}

static struct sl_bytes read_name(struct text *t)
{
	struct sl_bytes all;
	size_t n = 0;

	skip_blanks(t);
	all = sl_bytes_of(t->c.p, t->c.err == SL_OK ? t->c.left : 0);
	while (n < all.len &&
	       ((sl_ascii_lower(all.p[n]) >= 'a' && sl_ascii_lower(all.p[n]) <= 'z') || all.p[n] == '_'))
		n++;
	if (n == 0)
		fail(t);
	return sl_cur_bytes(&t->c, n);
}

static int digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = sl_ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* At least min and at most max digits of a base. */
static uint32_t read_digits(struct text *t, int base, unsigned min, unsigned max)
{
	uint32_t value = 0;
	unsigned n = 0;

	for (; n < max && sl_cur_more(&t->c) && digit(peek(t)) < base; n++)
		value = value * (uint32_t)base + (uint32_t)digit(take(t));
	if (n < min)
		fail(t);
	return value;
}

static void put_code_point(struct text *t, uint32_t cp, struct sl_out *o)
{
	if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff)) {
		fail(t);
	} else if (cp < 0x80) {
		sl_out_u8(o, (uint8_t)cp);
	} else if (cp < 0x800) {
		sl_out_u8(o, (uint8_t)(0xc0 | cp >> 6));
		sl_out_u8(o, (uint8_t)(0x80 | (cp & 0x3f)));
	} else {
		if (cp < 0x10000) {
			sl_out_u8(o, (uint8_t)(0xe0 | cp >> 12));
		} else {
			sl_out_u8(o, (uint8_t)(0xf0 | cp >> 18));
			sl_out_u8(o, (uint8_t)(0x80 | (cp >> 12 & 0x3f)));
		}
		sl_out_u8(o, (uint8_t)(0x80 | (cp >> 6 & 0x3f)));
		sl_out_u8(o, (uint8_t)(0x80 | (cp & 0x3f)));
	}
}

/* Behind the backslash. */
static void read_escape(struct text *t, struct sl_out *o)
{
	static const char from[] = "abfnrtv\\'\"?", to[] = "\a\b\f\n\r\t\v\\'\"?";
	uint8_t c = peek(t);
	const char *at = c == 0 ? NULL : strchr(from, c);

	if (c >= '0' && c <= '7') {
		uint32_t value = read_digits(t, 8, 1, 3);
		if (value > 0xff)
			fail(t);
		sl_out_u8(o, (uint8_t)value);
		return;
	}
	(void)take(t);
	if (at != NULL)
		sl_out_u8(o, (uint8_t)to[at - from]);
	else if (c == 'x' || c == 'X')
		sl_out_u8(o, (uint8_t)read_digits(t, 16, 1, 2));
	else if (c == 'u' || c == 'U')
		put_code_point(t, read_digits(t, 16, c == 'u' ? 4 : 8, c == 'u' ? 4 : 8), o);
	else
		fail(t);
}

/* One piece of a string, behind its opening quote. */
static void read_piece(struct text *t, uint8_t quote, struct sl_out *o)
{
	for (;;) {
		uint8_t c = take(t);
		if (t->c.err != SL_OK || c == quote)
			return;
		if (c == '\n')
			fail(t);
		else if (c == '\\')
			read_escape(t, o);
		else
			sl_out_u8(o, c);
	}
}

static struct sl_bytes read_string(struct text *t, uint8_t buf[SL_PIR_STRING_MAX])
{
	struct sl_out o = sl_out_of(buf, SL_PIR_STRING_MAX);
	unsigned pieces = 0;

	for (;; pieces++) {
		if (accept(t, '"'))
			read_piece(t, '"', &o);
		else if (accept(t, '\''))
			read_piece(t, '\'', &o);
		else
			break;
	}
	if (pieces == 0)
		fail(t);
	if (o.overflow)
		sl_cur_fail(&t->c, SL_ELIMIT);
	return sl_bytes_of(buf, o.len);
}

static void read_row_field(struct text *t, struct sl_pir_row *row)
{
	struct sl_bytes name = read_name(t);
	bool keyword = sl_bytes_equal(name, SL_BYTES_LIT("keyword"));
	struct sl_bytes *to = keyword ? &row->keyword : &row->value;

	if ((!keyword && !sl_bytes_equal(name, SL_BYTES_LIT("value"))) || to->p != NULL || !accept(t, ':'))
		fail(t);
	*to = read_string(t, keyword ? t->keyword : t->value);
	skip_separator(t);
}

/* A message with its brackets. */
static void read_row(struct text *t)
{
	struct sl_pir_row row = { { NULL, 0 }, { NULL, 0 } };
	uint8_t close = accept(t, '{') ? '}' : accept(t, '<') ? '>' : 0;

	if (close == 0)
		fail(t);
	while (t->c.err == SL_OK && !accept(t, close))
		read_row_field(t, &row);
	if (t->c.err == SL_OK)
		sl_cur_fail(&t->c, t->sink(t->ctx, &row));
}

static void read_rows(struct text *t)
{
	if (!sl_bytes_equal(read_name(t), SL_BYTES_LIT("rows")))
		fail(t);
	bool colon = accept(t, ':');
	if (colon && accept(t, '[')) {
		if (!accept(t, ']')) {
			do
				read_row(t);
			while (t->c.err == SL_OK && accept(t, ','));
			if (!accept(t, ']'))
				fail(t);
		}
	} else {
		read_row(t);
	}
	skip_separator(t);
}

int sl_pir_read_text(struct sl_bytes file, sl_pir_sink *sink, void *ctx, uint64_t *line)
{
	struct text t = { .c = sl_cur_whole(file), .line = 1, .sink = sink, .ctx = ctx };

	for (skip_blanks(&t); sl_cur_more(&t.c); skip_blanks(&t))
		read_rows(&t);
	if (t.c.err != SL_OK)
		*line = t.line;
	return t.c.err;
}
