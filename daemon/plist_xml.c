/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plist_xml.c - property lists in XML: the elements of Apple's PropertyList-1.0 document type and no more of XML. */
#include <stdio.h>
#include <stdlib.h>

#include "base/cur.h"
#include "daemon/plist.h"

enum { DEPTH_MAX = 64, NUMBER_MAX = 63 };

/* <name attributes>, </name> or <name/>. */
struct tag {
	struct sl_bytes text; /* what stood before it */
	struct sl_bytes name;
	bool end, empty;
};

static struct sl_bytes ahead(const struct sl_cur *c)
{
	return (struct sl_bytes){ c->p, c->err == SL_OK && c->p != NULL ? c->left : 0 };
}

static bool starts(struct sl_bytes b, struct sl_bytes with)
{
	return sl_bytes_equal(sl_bytes_first(b, with.len), with);
}

static bool is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct sl_bytes trim(struct sl_bytes b)
{
	while (b.len > 0 && is_space(b.p[0]))
		b = sl_bytes_skip(b, 1);
	while (b.len > 0 && is_space(b.p[b.len - 1]))
		b.len--;
	return b;
}

/* Everything up to c, which is taken too. */
static struct sl_bytes take_until(struct sl_cur *c, uint8_t stop)
{
	struct sl_bytes text = sl_cur_bytes(c, sl_bytes_find(ahead(c), stop));
	sl_cur_skip(c, 1);
	return text;
}

/* Behind "<!--". */
static void skip_comment(struct sl_cur *c)
{
	while (c->err == SL_OK && !starts(ahead(c), SL_BYTES_LIT("-->"))) {
		sl_cur_skip(c, 1);
		sl_cur_skip(c, sl_bytes_find(ahead(c), '-'));
	}
	sl_cur_skip(c, 3);
}

static struct tag read_tag(struct sl_cur *c)
{
	struct tag t = { .text = take_until(c, '<') };

	if (starts(ahead(c), SL_BYTES_LIT("!--")))
		sl_cur_fail(c, SL_EMALF); /* comments are legal between elements; next_tag() takes those */
	struct sl_bytes inside = take_until(c, '>');
	t.end = inside.len > 0 && inside.p[0] == '/';
	inside = sl_bytes_skip(inside, t.end);
	t.empty = inside.len > 0 && inside.p[inside.len - 1] == '/';
	inside.len -= t.empty;
	t.name = inside;
	for (size_t i = 0; i < inside.len && t.name.len == inside.len; i++)
		if (is_space(inside.p[i]))
			t.name.len = i;
	if (t.name.len == 0 || (t.end && t.empty))
		sl_cur_fail(c, SL_EMALF);
	return t;
}

/* The next tag where only space and comments may stand before it. */
static struct tag next_tag(struct sl_cur *c)
{
	for (;;) {
		struct sl_bytes b = ahead(c);
		while (b.len > 0 && is_space(b.p[0]))
			b = sl_bytes_skip(b, 1);
		sl_cur_skip(c, c->left - b.len);
		if (c->err != SL_OK || !starts(b, SL_BYTES_LIT("<!--")))
			break;
		sl_cur_skip(c, 4);
		skip_comment(c);
	}
	struct tag t = read_tag(c);
	if (t.text.len > 0)
		sl_cur_fail(c, SL_EMALF);
	return t;
}

static bool is(const struct tag *t, const char *name)
{
	return sl_bytes_equal(t->name, sl_bytes_str(name));
}

/* The text of an element that has no elements, behind its opening tag. */
static struct sl_bytes read_text(struct sl_cur *c, const struct tag *open)
{
	if (open->empty)
		return (struct sl_bytes){ open->name.p, 0 };
	struct tag t = read_tag(c);
	if (!t.end || !sl_bytes_equal(t.name, open->name))
		sl_cur_fail(c, SL_EMALF);
	return t.text;
}

/* Everything up to the end of an element whose opening tag was read. */
static void skip_element(struct sl_cur *c, const struct tag *open)
{
	unsigned depth = open->empty ? 0 : 1;

	while (depth > 0 && c->err == SL_OK) {
		struct tag t = read_tag(c);
		if (t.end)
			depth--;
		else if (!t.empty)
			depth++;
		if (depth > DEPTH_MAX)
			sl_cur_fail(c, SL_ELIMIT);
	}
}

/* Decimal, with or without a sign. What is no number fails; what does not fit is OTHER. */
static void read_integer(struct sl_cur *c, struct sl_bytes text, struct sl_plist_value *v)
{
	struct sl_bytes digits = trim(text);
	bool minus = digits.len > 0 && digits.p[0] == '-';
	uint64_t number = 0;

	if (minus || (digits.len > 0 && digits.p[0] == '+'))
		digits = sl_bytes_skip(digits, 1);
	if (digits.len == 0)
		sl_cur_fail(c, SL_EMALF);
	v->type = SL_PLIST_INTEGER;
	for (size_t i = 0; i < digits.len; i++) {
		uint8_t digit = digits.p[i];
		if (digit < '0' || digit > '9')
			sl_cur_fail(c, SL_EMALF);
		else if (number > ((uint64_t)INT64_MAX - (digit - '0')) / 10)
			v->type = SL_PLIST_OTHER;
		else
			number = number * 10 + (digit - '0');
	}
	v->integer = minus ? -(int64_t)number : (int64_t)number;
	v->real = (double)v->integer;
}

static void read_real(struct sl_cur *c, struct sl_bytes text, struct sl_plist_value *v)
{
	struct sl_bytes digits = trim(text);
	char buf[NUMBER_MAX + 1] = "", *end = buf;

	if (digits.len == 0 || digits.len > NUMBER_MAX) {
		sl_cur_fail(c, SL_EMALF);
		return;
	}
	memcpy(buf, digits.p, digits.len);
	v->type = SL_PLIST_REAL;
	v->real = strtod(buf, &end);
	if (end != buf + digits.len)
		sl_cur_fail(c, SL_EMALF);
}

static void read_value(struct sl_cur *c, struct sl_plist_value *v)
{
	struct tag t = next_tag(c);

	if (t.end)
		sl_cur_fail(c, SL_EMALF);
	if (is(&t, "integer")) {
		read_integer(c, read_text(c, &t), v);
	} else if (is(&t, "real")) {
		read_real(c, read_text(c, &t), v);
	} else if (is(&t, "string") || is(&t, "data")) {
		v->type = is(&t, "data") ? SL_PLIST_BASE64 : SL_PLIST_STRING;
		v->bytes = read_text(c, &t);
	} else {
		v->type = SL_PLIST_OTHER;
		skip_element(c, &t);
	}
}

static void read_members(struct sl_cur *c, sl_plist_sink *sink, void *ctx)
{
	for (;;) {
		struct sl_plist_value v = { .type = SL_PLIST_OTHER };
		struct tag t = next_tag(c);
		if (c->err != SL_OK || (t.end && is(&t, "dict")))
			return;
		if (t.end || !is(&t, "key"))
			sl_cur_fail(c, SL_EMALF);
		struct sl_bytes key = read_text(c, &t);
		read_value(c, &v);
		if (c->err == SL_OK)
			sink(ctx, key, &v);
	}
}

/* <?xml ...?> and <!DOCTYPE ...>, neither of which says anything that we do not know. */
static struct tag skip_prolog(struct sl_cur *c)
{
	struct tag t = next_tag(c);

	while (c->err == SL_OK && (t.name.p[0] == '?' || t.name.p[0] == '!'))
		t = next_tag(c);
	return t;
}

int sl_plist_read_xml(struct sl_bytes file, sl_plist_sink *sink, void *ctx)
{
	bool marked = starts(file, SL_BYTES_LIT("\xef\xbb\xbf"));
	struct sl_cur c = sl_cur_whole(sl_bytes_skip(file, marked ? 3 : 0));
	struct tag t = skip_prolog(&c);

	if (c.err != SL_OK || !is(&t, "plist"))
		return SL_EPROTO;
	t = next_tag(&c);
	if (t.end || !is(&t, "dict"))
		sl_cur_fail(&c, SL_EMALF);
	if (!t.empty)
		read_members(&c, sink, ctx);
	t = next_tag(&c);
	if (!t.end || !is(&t, "plist") || trim(ahead(&c)).len > 0)
		sl_cur_fail(&c, SL_EMALF);
	return c.err;
}
