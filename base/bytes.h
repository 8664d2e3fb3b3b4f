/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bytes.h - a borrowed view of bytes. Never owns, never ends in NUL. p is NULL where the thing is absent. */
#ifndef SL_BASE_BYTES_H
#define SL_BASE_BYTES_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct sl_bytes {
	const uint8_t *p;
	size_t len;
};

#define SL_BYTES_LIT(text) ((struct sl_bytes){ (const uint8_t *)("" text), sizeof(text) - 1 })

static inline struct sl_bytes sl_bytes_of(const void *p, size_t len)
{
	return (struct sl_bytes){ (const uint8_t *)p, len };
}

static inline struct sl_bytes sl_bytes_str(const char *text)
{
	return sl_bytes_of(text, text == NULL ? 0 : strlen(text));
}

static inline bool sl_bytes_equal(struct sl_bytes a, struct sl_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* ASCII letters only: what the protocols call case-insensitive (RFC 9110 §5.1, RFC 4343). */
static inline uint8_t sl_ascii_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static inline bool sl_bytes_equal_nocase(struct sl_bytes a, struct sl_bytes b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (sl_ascii_lower(a.p[i]) != sl_ascii_lower(b.p[i]))
			return false;
	return true;
}

/* The first n bytes, or all where there are fewer. */
static inline struct sl_bytes sl_bytes_first(struct sl_bytes b, size_t n)
{
	return (struct sl_bytes){ b.p, n < b.len ? n : b.len };
}

/* What is left after the first n bytes; empty where there are fewer. */
static inline struct sl_bytes sl_bytes_skip(struct sl_bytes b, size_t n)
{
	assert(b.p != NULL || b.len == 0);
	if (n > b.len)
		n = b.len;
	return (struct sl_bytes){ b.p == NULL ? NULL : b.p + n, b.len - n };
}

static inline bool sl_bytes_starts_with(struct sl_bytes b, uint8_t c)
{
	return b.len > 0 && b.p[0] == c;
}

/* Index of the first c, or b.len. */
static inline size_t sl_bytes_find(struct sl_bytes b, uint8_t c)
{
	const uint8_t *at = b.len == 0 ? NULL : (const uint8_t *)memchr(b.p, c, b.len);
	return at == NULL ? b.len : (size_t)(at - b.p);
}

/* Without spaces and tabs at either end (OWS, RFC 9110 §5.6.3). */
static inline struct sl_bytes sl_bytes_trim(struct sl_bytes b)
{
	while (b.len > 0 && (b.p[0] == ' ' || b.p[0] == '\t'))
		b = sl_bytes_skip(b, 1);
	while (b.len > 0 && (b.p[b.len - 1] == ' ' || b.p[b.len - 1] == '\t'))
		b.len--;
	return b;
}

#endif
