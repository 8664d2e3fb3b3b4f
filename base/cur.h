/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cur.h - the bounded reader: the only code that walks along bytes from strangers.
 *
 * Running out of a *stream* means wait (SL_EMORE); running out of a *block* inside it means that the sender lied about
 * a length (SL_EMALF). The cursor knows which of the two it is, so no parser decides. The first failure sticks; every
 * later read yields zeros and empty views, and the parser looks at the error once, at its end.
 * Pure, no allocation; a cursor belongs to one thread and borrows its bytes. Integers are in network byte order. */
#ifndef SL_BASE_CUR_H
#define SL_BASE_CUR_H

#include <assert.h>

#include "base/bytes.h"
#include "base/err.h"

struct sl_cur {
	const uint8_t *p; /* next unread byte */
	size_t left;      /* bytes not yet read; one unsigned compare guards every read */
	int err;          /* the first failure */
	int short_err;    /* what running out means: SL_EMORE or SL_EMALF */
};

/* A reader of bytes that may go on later. */
static inline struct sl_cur sl_cur_stream(struct sl_bytes b)
{
	return (struct sl_cur){ b.p, b.len, SL_OK, SL_EMORE };
}

/* A reader of bytes that are all there is. */
static inline struct sl_cur sl_cur_whole(struct sl_bytes b)
{
	return (struct sl_cur){ b.p, b.len, SL_OK, SL_EMALF };
}

static inline void sl_cur_fail(struct sl_cur *c, int err)
{
	if (c->err == SL_OK)
		c->err = err;
}

/* n bytes, or NULL when they are not there. */
static inline const uint8_t *sl_cur_take(struct sl_cur *c, size_t n)
{
	if (c->err == SL_OK && n > c->left)
		c->err = c->short_err;
	if (c->err != SL_OK)
		return NULL;
	assert(c->p != NULL || c->left == 0); /* else a view was made of nothing, by us */
	const uint8_t *at = c->p;
	if (n > 0)
		c->p += n;
	c->left -= n;
	return at;
}

static inline void sl_cur_skip(struct sl_cur *c, size_t n)
{
	(void)sl_cur_take(c, n);
}

static inline uint8_t sl_cur_u8(struct sl_cur *c)
{
	const uint8_t *p = sl_cur_take(c, 1);
	return p == NULL ? 0 : p[0];
}

static inline uint16_t sl_cur_u16(struct sl_cur *c)
{
	const uint8_t *p = sl_cur_take(c, 2);
	return p == NULL ? 0 : (uint16_t)((p[0] << 8) | p[1]);
}

static inline uint32_t sl_cur_u24(struct sl_cur *c)
{
	const uint8_t *p = sl_cur_take(c, 3);
	return p == NULL ? 0 : ((uint32_t)p[0] << 16) | ((uint32_t)p[1] << 8) | p[2];
}

static inline uint32_t sl_cur_u32(struct sl_cur *c)
{
	const uint8_t *p = sl_cur_take(c, 4);
	return p == NULL ? 0 : ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) | p[3];
}

/* A view of n bytes; absent (p NULL) when they are not there. */
static inline struct sl_bytes sl_cur_bytes(struct sl_cur *c, size_t n)
{
	const uint8_t *p = sl_cur_take(c, n);
	return (struct sl_bytes){ p, p == NULL ? 0 : n };
}

/* A reader of the next n bytes as a block of their own. It carries on the failure of its parent. */
static inline struct sl_cur sl_cur_block(struct sl_cur *c, size_t n)
{
	struct sl_bytes b = sl_cur_bytes(c, n);
	return (struct sl_cur){ b.p, b.len, c->err, SL_EMALF };
}

/* Is there something left to read? False after a failure. */
static inline bool sl_cur_more(const struct sl_cur *c)
{
	return c->err == SL_OK && c->left > 0;
}

static inline struct sl_bytes sl_cur_rest(struct sl_cur *c)
{
	return sl_cur_bytes(c, c->err == SL_OK ? c->left : 0);
}

/* The answer of a parser that must have read all: bytes left over are SL_EMALF. */
static inline int sl_cur_end(const struct sl_cur *c)
{
	return c->err != SL_OK ? c->err : c->left > 0 ? SL_EMALF : SL_OK;
}

/* One line without its end (LF, a CR before it taken off). The last line of a block needs no LF; that of a stream does.
 * Absent (p NULL) at the end of the input, which is no failure of a block. */
static inline struct sl_bytes sl_cur_line(struct sl_cur *c)
{
	struct sl_bytes all = { c->p, c->err == SL_OK ? c->left : 0 };
	size_t n = sl_bytes_find(all, '\n');
	if (n == all.len && c->short_err == SL_EMORE)
		sl_cur_fail(c, SL_EMORE);
	if (c->err != SL_OK || all.len == 0)
		return (struct sl_bytes){ NULL, 0 };
	sl_cur_skip(c, n < all.len ? n + 1 : n);
	struct sl_bytes line = { all.p, n };
	if (line.len > 0 && line.p[line.len - 1] == '\r')
		line.len--;
	return line;
}

#endif
