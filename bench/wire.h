/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wire.h - numbers of packet headers, in network byte order, and their checksums. */
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

static inline uint32_t sl_get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t sl_get32(const uint8_t *p)
{
	return sl_get16(p) << 16 | sl_get16(p + 2);
}

/* The checksum of IP, TCP and UDP (RFC 1071): the sum of some bytes, to be added to others'; and what is written of the whole. */
static inline uint32_t sl_wire_sum(const uint8_t *p, size_t len)
{
	uint32_t s = 0;
	for (size_t i = 0; i + 1 < len; i += 2)
		s += sl_get16(p + i);
	return len % 2 != 0 ? s + ((uint32_t)p[len - 1] << 8) : s;
}

static inline uint32_t sl_wire_fold(uint32_t s)
{
	s = (s & 0xffff) + (s >> 16);
	return ~((s & 0xffff) + (s >> 16)) & 0xffff;
}

#endif
