/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wire.h - numbers of packet headers, in network byte order. */
#ifndef SL_BENCH_WIRE_H
#define SL_BENCH_WIRE_H

#include <stddef.h>
#include <stdint.h>

static inline void sl_put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void sl_put32(uint8_t *p, uint32_t v)
{
	sl_put16(p, v >> 16);
	sl_put16(p + 2, v & 0xffff);
}

#endif
