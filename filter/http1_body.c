/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/http1_body.h"

#include "base/cur.h"
#include "filter/http_char.h"

enum { CHUNK_DIGITS_MAX = 16 };

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
	if (c == ';' || (sl_http_class[c] & SL_HTTP_BLANK) != 0)
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

struct sl_http1_body sl_http1_body_of_length(uint64_t length)
{
	return (struct sl_http1_body){ .left = length, .state = length > 0 ? BODY_LENGTH : BODY_NONE };
}

struct sl_http1_body sl_http1_body_of_chunks(void)
{
	return (struct sl_http1_body){ .state = BODY_SIZE };
}

struct sl_http1_body sl_http1_body_of_unknown_end(void)
{
	return (struct sl_http1_body){ .state = BODY_BROKEN };
}

bool sl_http1_body_broken(const struct sl_http1_body *body)
{
	return body->state == BODY_BROKEN;
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
