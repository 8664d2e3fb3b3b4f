/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/sniff_http1.h"

#include "base/cur.h"
#include "base/util.h"
#include "filter/http_char.h"

enum { METHOD_MAX = 32, BLANK_LINES_MAX = 8 };

static struct sl_bytes take_span(struct sl_cur *c, uint8_t class, size_t max)
{
	return sl_cur_bytes(c, sl_http_span((struct sl_bytes){ c->p, sl_min(c->left, max) }, class));
}

/* ---- the request line ---- */

enum field { FIELD_OTHER, FIELD_HOST, FIELD_CONNECTION, FIELD_UPGRADE, FIELD_LENGTH, FIELD_CODING };

/* A head on its way through the parser. */
struct head {
	struct sl_http_request r;
	enum field last;    /* what a folded line goes on with (RFC 9112 §5.2) */
	bool may_upgrade;   /* its version is later than HTTP/1.0 */
	bool ended;         /* a request line after which no field lines follow */
	bool wants_upgrade; /* Connection: upgrade */
	bool names_upgrade; /* Upgrade: something */
	bool has_length, has_coding;
	bool broken;  /* servers differ over what it says */
	bool chunked; /* the last coding so far */
	uint64_t length;
};

/* Empty lines before the request, which some clients send after a body (RFC 9112 §2.2). */
static int skip_blank_lines(struct sl_cur *c)
{
	for (int n = 0; n <= BLANK_LINES_MAX; n++) {
		struct sl_cur ahead = *c;
		uint8_t b = sl_cur_u8(&ahead);
		bool cr = b == '\r';
		if (cr)
			b = sl_cur_u8(&ahead);
		if (ahead.err != SL_OK)
			return ahead.err;
		if (b != '\n')
			return cr ? SL_EPROTO : SL_OK;
		*c = ahead;
	}
	return SL_EPROTO;
}

/* HTTP/1.N, RFC 9112 §2.3; three digits of N at most, in any case: lenient servers ask for no more. Where the
 * token is not complete, could it become that? */
static bool is_version(struct sl_bytes token, bool complete)
{
	static const struct sl_bytes name = SL_BYTES_LIT("HTTP/1.");
	if (!sl_bytes_equal_nocase(sl_bytes_first(token, name.len), sl_bytes_first(name, token.len)))
		return false;
	struct sl_bytes minor = sl_bytes_skip(token, name.len);
	return minor.len <= 3 && sl_http_span(minor, SL_HTTP_DIGIT) == minor.len &&
	       (!complete || minor.len > 0);
}

/* The last token of a line that has no blanks at its end. */
static struct sl_bytes last_token(struct sl_bytes line)
{
	size_t n = line.len;
	while (n > 0 && (sl_http_class[line.p[n - 1]] & SL_HTTP_BLANK) == 0)
		n--;
	return sl_bytes_skip(line, n);
}

/* What stands after the target of a complete request line: the version. A target with raw blanks in it, which
 * clients send and servers read up to the first of them, is known by its path. Without a version it is a
 * simple request of HTTP/0.9 (RFC 1945 §4.1), or malware that forgot it and sends Host all the same: one with
 * a host in its target is complete, for any other the fields are awaited, since there is nothing to judge
 * without them. */
static int read_version(struct sl_bytes tail, struct head *h)
{
	struct sl_bytes rest, version = last_token(sl_bytes_trim(tail));
	bool paths = sl_bytes_find(h->r.target, '/') < h->r.target.len;
	if (version.len == 0) {
		h->ended = sl_http_is_absolute(h->r.target, &rest);
		bool simple = h->ended || sl_bytes_starts_with(h->r.target, '/');
		return simple && sl_bytes_equal(h->r.method, SL_BYTES_LIT("GET")) ? SL_OK : SL_EPROTO;
	}
	if (!is_version(version, true) || (!paths && version.len < sl_bytes_trim(tail).len))
		return SL_EPROTO;
	for (size_t i = sizeof("HTTP/1.") - 1; i < version.len; i++)
		h->may_upgrade = h->may_upgrade || version.p[i] != '0';
	return SL_OK;
}

/* The part of the line after its target: what cannot become a version ends the matter before the line does.
 * */
static int read_tail(struct sl_cur *c, struct head *h)
{
	struct sl_bytes tail = take_span(c, SL_HTTP_VISIBLE | SL_HTTP_BLANK, SIZE_MAX);
	uint8_t b = sl_cur_u8(c);
	if (b == '\r')
		b = sl_cur_u8(c);
	if (c->err == SL_OK)
		return b == '\n' ? read_version(tail, h) : SL_EPROTO;
	struct sl_bytes token = sl_bytes_skip(tail, sl_http_span(tail, SL_HTTP_BLANK));
	size_t n = sl_http_span(token, SL_HTTP_VISIBLE);
	bool paths = sl_bytes_find(h->r.target, '/') < h->r.target.len;
	return paths || is_version(sl_bytes_first(token, n), n < token.len) ? c->err : SL_EPROTO;
}

static int read_request_line(struct sl_cur *c, struct head *h)
{
	int err = skip_blank_lines(c);
	if (err != SL_OK)
		return err;
	h->r.method = take_span(c, SL_HTTP_TOKEN, METHOD_MAX);
	if (c->left == 0)
		return SL_EMORE;
	if (h->r.method.len == 0 || take_span(c, SL_HTTP_BLANK, SIZE_MAX).len == 0)
		return SL_EPROTO;
	h->r.target = take_span(c, SL_HTTP_VISIBLE, SIZE_MAX);
	if (c->left == 0)
		return SL_EMORE;
	if (h->r.target.len == 0)
		return SL_EPROTO;
	err = read_tail(c, h);
	if (err == SL_OK && sl_http_target_read(&h->r) != SL_OK)
		h->broken = true;
	return err;
}

/* ---- fields ---- */

/* The next element of a comma-separated list, without blanks round it (RFC 9110 §5.6.1). */
static struct sl_bytes next_element(struct sl_bytes *list)
{
	size_t n = sl_bytes_find(*list, ',');
	struct sl_bytes element = sl_bytes_trim(sl_bytes_first(*list, n));
	*list = sl_bytes_skip(*list, n + 1);
	return element;
}

static void read_connection(struct sl_bytes value, struct head *h)
{
	while (value.len > 0)
		if (sl_bytes_equal_nocase(next_element(&value), SL_BYTES_LIT("upgrade")))
			h->wants_upgrade = true;
}

/* Codings over all Transfer-Encoding lines: chunked comes once and last (RFC 9112 §6.1). */
static int read_coding(struct sl_bytes value, struct head *h)
{
	h->has_coding = true;
	if (sl_bytes_find(value, '"') < value.len)
		return SL_EMALF; /* a comma in a quoted parameter would be read in two ways */
	while (value.len > 0) {
		struct sl_bytes coding = next_element(&value);
		if (coding.len == 0)
			continue;
		if (h->chunked)
			return SL_EMALF;
		h->chunked = sl_bytes_equal_nocase(coding, SL_BYTES_LIT("chunked"));
	}
	return SL_OK;
}

/* Content-Length, also as a list of equal values (RFC 9110 §8.6). */
static int read_length(struct sl_bytes value, struct head *h)
{
	do {
		bool last = sl_bytes_find(value, ',') == value.len;
		struct sl_bytes digits = next_element(&value);
		uint64_t n = 0;
		if (digits.len == 0 || sl_http_span(digits, SL_HTTP_DIGIT) != digits.len)
			return SL_EMALF;
		for (size_t i = 0; i < digits.len; i++)
			if (__builtin_mul_overflow(n, 10, &n) ||
			    __builtin_add_overflow(n, digits.p[i] - '0', &n))
				return SL_EMALF;
		if (h->has_length && n != h->length)
			return SL_EMALF;
		h->has_length = true;
		h->length = n;
		if (last)
			return SL_OK;
	} while (true);
}

/* Whatever is wrong with one field, the others are read: a server that is lenient takes a name from them. */
static int read_value(enum field field, struct sl_bytes value, struct head *h)
{
	switch (field) {
	case FIELD_HOST:
		return sl_http_host_add(value, &h->r);
	case FIELD_CONNECTION:
		read_connection(value, h);
		return SL_OK;
	case FIELD_UPGRADE:
		h->names_upgrade = h->names_upgrade || value.len > 0;
		return SL_OK;
	case FIELD_LENGTH:
		return read_length(value, h);
	case FIELD_CODING:
		return read_coding(value, h);
	case FIELD_OTHER:
	default:
		return SL_OK;
	}
}

/* The lengths of the names that count are all different: most fields are told apart by theirs alone. */
static enum field field_of(struct sl_bytes name)
{
	switch (name.len) {
	case sizeof("host") - 1:
		return sl_bytes_equal_nocase(name, SL_BYTES_LIT("host")) ? FIELD_HOST : FIELD_OTHER;
	case sizeof("upgrade") - 1:
		return sl_bytes_equal_nocase(name, SL_BYTES_LIT("upgrade")) ? FIELD_UPGRADE : FIELD_OTHER;
	case sizeof("connection") - 1:
		return sl_bytes_equal_nocase(name, SL_BYTES_LIT("connection")) ? FIELD_CONNECTION
		                                                               : FIELD_OTHER;
	case sizeof("content-length") - 1:
		return sl_bytes_equal_nocase(name, SL_BYTES_LIT("content-length")) ? FIELD_LENGTH
		                                                                   : FIELD_OTHER;
	case sizeof("transfer-encoding") - 1:
		return sl_bytes_equal_nocase(name, SL_BYTES_LIT("transfer-encoding")) ? FIELD_CODING
		                                                                      : FIELD_OTHER;
	default:
		return FIELD_OTHER;
	}
}

/* One field line: SL_EMALF where servers differ, as over a folded Host or framing field, and over blanks before the colon
 * of a framing field (RFC 9112 §5.1, §5.2). A line without a colon is skipped, as servers do. */
static int read_field(struct sl_bytes line, struct head *h)
{
	if ((sl_http_class[line.p[0]] & SL_HTTP_BLANK) != 0) {
		bool framing = h->last == FIELD_LENGTH || h->last == FIELD_CODING;
		int err = framing ? SL_EMALF : read_value(h->last, sl_bytes_trim(line), h);
		return h->last == FIELD_HOST ? SL_EMALF : err;
	}
	size_t colon = sl_bytes_find(line, ':');
	struct sl_bytes name = sl_bytes_trim(sl_bytes_first(line, colon));
	h->last = colon == line.len ? FIELD_OTHER : field_of(name);
	if (h->last == FIELD_OTHER)
		return SL_OK;
	if (name.len != colon && (h->last == FIELD_LENGTH || h->last == FIELD_CODING))
		return SL_EMALF;
	return read_value(h->last, sl_bytes_trim(sl_bytes_skip(line, colon + 1)), h);
}

static int read_fields(struct sl_cur *c, struct head *h)
{
	while (true) {
		struct sl_bytes line = sl_cur_line(c);
		if (c->err != SL_OK || line.len == 0)
			return c->err;
		if (read_field(line, h) != SL_OK)
			h->broken = true;
	}
}

/* ---- the whole head ---- */

/* RFC 9112 §6.3: Transfer-Encoding beats Content-Length, and its last coding must be chunked. RFC 9110
 * §9.3.6: CONNECT has no body. RFC 9110 §7.8: a server takes no Upgrade from HTTP/1.0. */
static void finish(struct head *h)
{
	if (h->has_coding)
		h->r.body = sl_http1_body_of_chunks();
	else
		h->r.body = sl_http1_body_of_length(h->length);
	if (h->r.tunnel)
		h->r.body = (struct sl_http1_body){ 0 };
	else
		h->r.tunnel = h->wants_upgrade && h->names_upgrade && h->may_upgrade;
	if (h->broken || (h->has_coding && !h->chunked))
		h->r.body = sl_http1_body_of_unknown_end();
}

int sl_http1_request_read(struct sl_bytes stream, struct sl_http_request *out)
{
	struct head h = { .r.major = 1 };
	struct sl_cur c = sl_cur_stream(stream);
	int err = read_request_line(&c, &h);
	if (err == SL_OK && !h.ended)
		err = read_fields(&c, &h);
	if (err != SL_OK)
		return err;
	finish(&h);
	h.r.len = stream.len - c.left;
	*out = h.r;
	return SL_OK;
}

int sl_http1_request_begun(struct sl_bytes stream, struct sl_http_request *out)
{
	struct head h = { .r.major = 1 };
	struct sl_cur c = sl_cur_stream(stream);
	int err = read_request_line(&c, &h);
	if (err != SL_OK)
		return err;
	if (!h.ended && read_fields(&c, &h) != SL_OK)
		h.broken = true; /* no one knows where it ends */
	finish(&h);
	h.r.len = stream.len - c.left;
	*out = h.r;
	return SL_OK;
}
