/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/sniff_http1.h"

#include "base/cur.h"
#include "base/util.h"

enum { METHOD_MAX = 32, BLANK_LINES_MAX = 8, CHUNK_DIGITS_MAX = 16 };

/* ---- classes of bytes ---- */

enum {
	IS_TOKEN = 1,   /* tchar, RFC 9110 §5.6.2 */
	IS_VISIBLE = 2, /* neither a control nor a blank; bytes above 0x7f too, as servers take them */
	IS_BLANK = 4,   /* space and tab */
	IS_DIGIT = 8,
	IS_HOST = 16,   /* may stand in a host: visible, and ends no part of an authority (RFC 3986 §3.2) */
	IS_SCHEME = 32, /* RFC 3986 §3.1 */
};

enum {
	CLASS_PUNCT = IS_VISIBLE | IS_TOKEN | IS_HOST,
	CLASS_ALPHA = IS_VISIBLE | IS_TOKEN | IS_HOST | IS_SCHEME,
	CLASS_DIGIT = IS_VISIBLE | IS_TOKEN | IS_HOST | IS_SCHEME | IS_DIGIT,
	CLASS_OTHER = IS_VISIBLE | IS_HOST,
};

static const uint8_t classes[256] = {
	['\t'] = IS_BLANK,
	[' '] = IS_BLANK,
	['!'] = CLASS_PUNCT,
	['"'] = CLASS_OTHER,
	['#'] = IS_VISIBLE | IS_TOKEN,
	['$' ... '\''] = CLASS_PUNCT,
	['(' ... ')'] = CLASS_OTHER,
	['*'] = CLASS_PUNCT,
	['+'] = CLASS_PUNCT | IS_SCHEME,
	[','] = CLASS_OTHER,
	['-' ... '.'] = CLASS_PUNCT | IS_SCHEME,
	['/'] = IS_VISIBLE,
	['0' ... '9'] = CLASS_DIGIT,
	[':'] = CLASS_OTHER,
	[';' ... '>'] = CLASS_OTHER,
	['?' ... '@'] = IS_VISIBLE,
	['A' ... 'Z'] = CLASS_ALPHA,
	['['] = CLASS_OTHER,
	['\\'] = IS_VISIBLE,
	[']'] = CLASS_OTHER,
	['^' ... '`'] = CLASS_PUNCT,
	['a' ... 'z'] = CLASS_ALPHA,
	['{'] = CLASS_OTHER,
	['|'] = CLASS_PUNCT,
	['}'] = CLASS_OTHER,
	['~'] = CLASS_PUNCT,
	[0x80 ... 0xff] = CLASS_OTHER,
};

/* How many bytes at the head of b are of these classes. */
static size_t span(struct sl_bytes b, uint8_t class)
{
	size_t n = 0;
	while (n < b.len && (classes[b.p[n]] & class) != 0)
		n++;
	return n;
}

static struct sl_bytes take_span(struct sl_cur *c, uint8_t class, size_t max)
{
	return sl_cur_bytes(c, span((struct sl_bytes){ c->p, sl_min(c->left, max) }, class));
}

static bool starts_with(struct sl_bytes b, uint8_t c)
{
	return b.len > 0 && b.p[0] == c;
}

/* ---- hosts ---- */

static uint16_t read_port(struct sl_bytes digits)
{
	uint32_t port = 0;
	for (size_t i = 0; i < digits.len; i++) {
		port = port * 10 + (uint32_t)(digits.p[i] - '0');
		if ((classes[digits.p[i]] & IS_DIGIT) == 0 || port > UINT16_MAX)
			return 0;
	}
	return (uint16_t)port;
}

/* uri-host [ ":" port ], RFC 9110 §7.2. A port that is none is as absent: there are servers that read no
 * further than the colon, so the host before it counts. host is NULL where it is empty. */
static int read_authority(struct sl_bytes a, struct sl_bytes *host, uint16_t *port)
{
	bool literal = starts_with(a, '[');
	size_t n = literal ? sl_bytes_find(a, ']') + 1 : sl_bytes_find(a, ':');
	struct sl_bytes name = sl_bytes_first(a, n), rest = sl_bytes_skip(a, n);
	if (n > a.len || span(a, IS_HOST) != a.len || (rest.len > 0 && rest.p[0] != ':'))
		return SL_EMALF;
	struct sl_bytes digits = sl_bytes_skip(rest, 1);
	if (sl_bytes_find(digits, ':') != digits.len) /* an IPv6 address without brackets, or nonsense */
		return SL_EMALF;
	*host = name.len > 0 ? name : (struct sl_bytes){ NULL, 0 };
	*port = read_port(digits);
	return SL_OK;
}

/* ---- the request line ---- */

enum field { FIELD_OTHER, FIELD_HOST, FIELD_CONNECTION, FIELD_UPGRADE, FIELD_LENGTH, FIELD_CODING };

/* A head on its way through the parser. */
struct head {
	struct sl_http1_request r;
	enum field last;    /* what a folded line goes on with (RFC 9112 §5.2) */
	uint8_t minor;      /* of the version, capped; 0 too where no version was sent */
	bool ended;         /* a request line after which no field lines follow */
	bool wants_upgrade; /* Connection: upgrade */
	bool names_upgrade; /* Upgrade: something */
	bool has_length, has_coding;
	bool broken;  /* servers differ over what it says */
	bool chunked; /* the last coding so far */
	uint64_t length;
};

/* "http://": a scheme and an authority. rest is what stands after the "//". */
static bool is_absolute(struct sl_bytes target, struct sl_bytes *rest)
{
	size_t n = span(target, IS_SCHEME);
	struct sl_bytes after = sl_bytes_skip(target, n);
	*rest = sl_bytes_skip(after, 3);
	return n > 0 && sl_bytes_equal(sl_bytes_first(after, 3), SL_BYTES_LIT("://"));
}

static int read_absolute(struct sl_bytes rest, struct sl_http1_request *r)
{
	size_t n = 0;
	while (n < rest.len && rest.p[n] != '/' && rest.p[n] != '?' && rest.p[n] != '#')
		n++;
	struct sl_bytes authority = sl_bytes_first(rest, n);
	for (size_t at = sl_bytes_find(authority, '@'); at < authority.len;
	     at = sl_bytes_find(authority, '@'))
		authority = sl_bytes_skip(authority, at + 1); /* userinfo, RFC 3986 §3.2.1 */
	r->path = n < rest.len ? sl_bytes_skip(rest, n) : SL_BYTES_LIT("/");
	return read_authority(authority, &r->host, &r->port);
}

/* The four forms of a request-target, RFC 9112 §3.2. What is none of them is a path as sent: servers take it
 * for one. */
static int read_target(struct sl_http1_request *r)
{
	struct sl_bytes rest;
	r->tunnel = sl_bytes_equal(r->method, SL_BYTES_LIT("CONNECT"));
	if (is_absolute(r->target, &rest))
		return read_absolute(rest, r);
	if (r->tunnel && !starts_with(r->target, '/'))
		return read_authority(r->target, &r->host, &r->port);
	if (!sl_bytes_equal(r->target, SL_BYTES_LIT("*")))
		r->path = r->target;
	return SL_OK;
}

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
	return minor.len <= 3 && span(minor, IS_DIGIT) == minor.len && (!complete || minor.len > 0);
}

/* The last token of a line that has no blanks at its end. */
static struct sl_bytes last_token(struct sl_bytes line)
{
	size_t n = line.len;
	while (n > 0 && (classes[line.p[n - 1]] & IS_BLANK) == 0)
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
		h->ended = is_absolute(h->r.target, &rest);
		bool simple = h->ended || starts_with(h->r.target, '/');
		return simple && sl_bytes_equal(h->r.method, SL_BYTES_LIT("GET")) ? SL_OK : SL_EPROTO;
	}
	if (!is_version(version, true) || (!paths && version.len < sl_bytes_trim(tail).len))
		return SL_EPROTO;
	h->minor = (uint8_t)sl_min(read_port(sl_bytes_skip(version, 7)), UINT8_MAX);
	return SL_OK;
}

/* The part of the line after its target: what cannot become a version ends the matter before the line does.
 * */
static int read_tail(struct sl_cur *c, struct head *h)
{
	struct sl_bytes tail = take_span(c, IS_VISIBLE | IS_BLANK, SIZE_MAX);
	uint8_t b = sl_cur_u8(c);
	if (b == '\r')
		b = sl_cur_u8(c);
	if (c->err == SL_OK)
		return b == '\n' ? read_version(tail, h) : SL_EPROTO;
	struct sl_bytes token = sl_bytes_skip(tail, span(tail, IS_BLANK));
	size_t n = span(token, IS_VISIBLE);
	bool paths = sl_bytes_find(h->r.target, '/') < h->r.target.len;
	return paths || is_version(sl_bytes_first(token, n), n < token.len) ? c->err : SL_EPROTO;
}

static int read_request_line(struct sl_cur *c, struct head *h)
{
	int err = skip_blank_lines(c);
	if (err != SL_OK)
		return err;
	h->r.method = take_span(c, IS_TOKEN, METHOD_MAX);
	if (c->left == 0)
		return SL_EMORE;
	if (h->r.method.len == 0 || take_span(c, IS_BLANK, SIZE_MAX).len == 0)
		return SL_EPROTO;
	h->r.target = take_span(c, IS_VISIBLE, SIZE_MAX);
	if (c->left == 0)
		return SL_EMORE;
	if (h->r.target.len == 0)
		return SL_EPROTO;
	err = read_tail(c, h);
	if (err == SL_OK && read_target(&h->r) != SL_OK)
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

static int read_host(struct sl_bytes value, struct head *h)
{
	struct sl_bytes host;
	uint16_t port;
	if (h->r.host_field.p == NULL)
		h->r.host_field = value;
	int err = read_authority(value, &host, &port);
	if (err != SL_OK || host.p == NULL)
		return err;
	if (h->r.host.p == NULL) {
		h->r.host = host;
		h->r.port = port;
	} else if (!sl_bytes_equal_nocase(host, h->r.host)) {
		if (h->r.other_host.p != NULL && !sl_bytes_equal_nocase(host, h->r.other_host))
			return SL_EMALF; /* a third name: no telling which one a server takes */
		h->r.other_host = host;
	}
	return SL_OK;
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
		if (digits.len == 0 || span(digits, IS_DIGIT) != digits.len)
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
		return read_host(value, h);
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
	if ((classes[line.p[0]] & IS_BLANK) != 0) {
		bool list = h->last == FIELD_CONNECTION || h->last == FIELD_UPGRADE;
		if (!list && h->last != FIELD_OTHER)
			return SL_EMALF;
		return read_value(h->last, sl_bytes_trim(line), h);
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

/* ---- the body ---- */

enum {
	BODY_NONE,
	BODY_LENGTH,       /* left bytes, then done */
	BODY_SIZE,         /* hex digits of a chunk's size, RFC 9112 §7.1 */
	BODY_EXTENSION,    /* the rest of that line */
	BODY_SIZE_LF,      /* its LF */
	BODY_CHUNK,        /* left bytes, then their line end */
	BODY_CHUNK_END,    /* CR or LF */
	BODY_CHUNK_LF,     /* LF */
	BODY_TRAILER,      /* the first byte of a trailer line, or of the empty line that ends the body */
	BODY_TRAILER_LINE, /* the rest of a trailer line */
	BODY_LAST_LF,      /* the LF of the empty line */
	BODY_BROKEN,
};

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = sl_ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The size line is over: that many bytes follow, or after the last chunk (size 0) the trailers. */
static uint8_t after_size(const struct sl_http1_body *b)
{
	return b->left > 0 ? BODY_CHUNK : BODY_TRAILER;
}

static uint8_t step_size(struct sl_http1_body *b, uint8_t c)
{
	int digit = hex_value(c);
	if (digit >= 0 && b->digits < CHUNK_DIGITS_MAX) {
		b->digits++;
		b->left = b->left << 4 | (unsigned)digit;
		return BODY_SIZE;
	}
	if (b->digits == 0)
		return BODY_BROKEN;
	if (c == ';' || (classes[c] & IS_BLANK) != 0)
		return BODY_EXTENSION;
	return c == '\r' ? BODY_SIZE_LF : c == '\n' ? after_size(b) : BODY_BROKEN;
}

/* One byte of the framing; the answer is the next state. */
static uint8_t step(struct sl_http1_body *b, uint8_t c)
{
	switch (b->state) {
	case BODY_SIZE:
		return step_size(b, c);
	case BODY_EXTENSION:
		return c == '\r' ? BODY_SIZE_LF : c == '\n' ? after_size(b) : BODY_EXTENSION;
	case BODY_SIZE_LF:
		return c == '\n' ? after_size(b) : BODY_BROKEN;
	case BODY_CHUNK_END:
		if (c == '\r')
			return BODY_CHUNK_LF;
		__attribute__((fallthrough));
	case BODY_CHUNK_LF:
		b->left = 0;
		b->digits = 0;
		return c == '\n' ? BODY_SIZE : BODY_BROKEN;
	case BODY_TRAILER:
		return c == '\r' ? BODY_LAST_LF : c == '\n' ? BODY_NONE : BODY_TRAILER_LINE;
	case BODY_TRAILER_LINE:
		return c == '\n' ? BODY_TRAILER : BODY_TRAILER_LINE;
	case BODY_LAST_LF:
		return c == '\n' ? BODY_NONE : BODY_BROKEN;
	default:
		return BODY_BROKEN;
	}
}

uint64_t sl_http1_body_skippable(const struct sl_http1_body *body)
{
	return body->state == BODY_LENGTH || body->state == BODY_CHUNK ? body->left : 0;
}

void sl_http1_body_skip(struct sl_http1_body *body, uint64_t n)
{
	uint64_t most = sl_http1_body_skippable(body);
	if (most == 0)
		return;
	body->left -= n < most ? n : most;
	if (body->left == 0)
		body->state = body->state == BODY_LENGTH ? BODY_NONE : BODY_CHUNK_END;
}

int sl_http1_body_walk(struct sl_http1_body *body, struct sl_bytes stream, size_t *used)
{
	struct sl_cur c = sl_cur_whole(stream);
	while (body->state != BODY_NONE && body->state != BODY_BROKEN && sl_cur_more(&c)) {
		uint64_t n = sl_http1_body_skippable(body);
		if (n > 0) {
			n = n < c.left ? n : c.left;
			sl_cur_skip(&c, (size_t)n);
			sl_http1_body_skip(body, n);
		} else {
			body->state = step(body, sl_cur_u8(&c));
		}
	}
	*used = stream.len - c.left;
	return body->state == BODY_NONE ? SL_OK : body->state == BODY_BROKEN ? SL_EMALF : SL_EMORE;
}

/* ---- the whole head ---- */

/* RFC 9112 §6.3: Transfer-Encoding beats Content-Length, and its last coding must be chunked. RFC 9110
 * §9.3.6: CONNECT has no body. RFC 9110 §7.8: a server takes no Upgrade from HTTP/1.0. */
static void finish(struct head *h)
{
	if (h->has_coding)
		h->r.body.state = BODY_SIZE;
	else if (h->length > 0)
		h->r.body = (struct sl_http1_body){ .left = h->length, .state = BODY_LENGTH };
	if (h->r.tunnel)
		h->r.body = (struct sl_http1_body){ 0 };
	else
		h->r.tunnel = h->wants_upgrade && h->names_upgrade && h->minor > 0;
	if (h->broken || (h->has_coding && !h->chunked))
		h->r.body = (struct sl_http1_body){ .state = BODY_BROKEN };
}

bool sl_http1_body_broken(const struct sl_http1_body *body)
{
	return body->state == BODY_BROKEN;
}

int sl_http1_request_read(struct sl_bytes stream, struct sl_http1_request *out)
{
	struct head h = { 0 };
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

int sl_http1_request_begun(struct sl_bytes stream, struct sl_http1_request *out)
{
	struct head h = { 0 };
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
