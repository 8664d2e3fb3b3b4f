/* SPDX-License-Identifier: GPL-2.0-or-later */
/* out.h - the bounded writer: appends to a fixed buffer, never past its end; one overflow flag instead of a check a call.
 * Pure; one thread; the buffer is the caller's. */
#ifndef SL_BASE_OUT_H
#define SL_BASE_OUT_H

#include <stdarg.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/util.h"

struct sl_out {
	uint8_t *p;
	size_t len;    /* bytes written */
	size_t cap;    /* bytes there is room for */
	bool overflow; /* something did not fit; nothing of it was written */
};

static inline struct sl_out sl_out_of(void *p, size_t cap)
{
	return (struct sl_out){ (uint8_t *)p, 0, cap, false };
}

static inline void sl_out_bytes(struct sl_out *o, const void *p, size_t n)
{
	if (o->overflow || n > o->cap - o->len) {
		o->overflow = true;
		return;
	}
	if (n > 0)
		memcpy(o->p + o->len, p, n);
	o->len += n;
}

static inline void sl_out_u8(struct sl_out *o, uint8_t v)
{
	sl_out_bytes(o, &v, 1);
}

static inline void sl_out_u16(struct sl_out *o, uint16_t v)
{
	uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };
	sl_out_bytes(o, b, sizeof(b));
}

static inline void sl_out_u32(struct sl_out *o, uint32_t v)
{
	uint8_t b[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };
	sl_out_bytes(o, b, sizeof(b));
}

static inline void sl_out_str(struct sl_out *o, const char *text)
{
	sl_out_bytes(o, text, strlen(text));
}

SL_PRINTF(2, 3) static inline void sl_out_fmt(struct sl_out *o, const char *fmt, ...)
{
	va_list ap;
	if (o->overflow)
		return;
	va_start(ap, fmt);
	int n = vsnprintf((char *)o->p + o->len, o->cap - o->len, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= o->cap - o->len)
		o->overflow = true;
	else
		o->len += (size_t)n;
}

#endif
