/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/quic_crypto.h"

#include "base/util.h"

enum { WORD = 64 };

/* n bits from bit `at` on, 0 < n. */
static uint64_t bits(uint32_t at, uint32_t n)
{
	return (n == WORD ? UINT64_MAX : (UINT64_C(1) << n) - 1) << at;
}

/* n bytes that belong to one word of bits. */
static void take(struct sl_quic_crypto *s, uint32_t at, const uint8_t *from, uint32_t n, uint32_t *differs)
{
	uint64_t *word = &s->came[at / WORD];
	uint64_t mask = bits(at % WORD, n);
	if ((*word & mask) == 0)
		memcpy(s->byte + at, from, n);
	for (uint32_t i = 0; (*word & mask) != 0 && i < n; i++) {
		if ((*word & bits((at + i) % WORD, 1)) == 0)
			s->byte[at + i] = from[i];
		else if (s->byte[at + i] != from[i])
			(*differs)++;
	}
	*word |= mask;
}

static void extend_ready(struct sl_quic_crypto *s)
{
	while (s->ready < s->top) {
		uint64_t gaps = ~s->came[s->ready / WORD] >> (s->ready % WORD);
		if (gaps != 0) {
			s->ready += (uint32_t)__builtin_ctzll(gaps);
			return;
		}
		s->ready += WORD - s->ready % WORD;
	}
}

int sl_quic_crypto_push(struct sl_quic_crypto *s, uint64_t offset, struct sl_bytes data, uint32_t *differs)
{
	size_t fits = offset >= s->room ? 0 : sl_min(data.len, s->room - (size_t)offset);
	uint32_t at = (uint32_t)offset, end = at + (uint32_t)fits;
	for (uint32_t i = 0; i < fits;) {
		uint32_t n = (uint32_t)sl_min(WORD - (at + i) % WORD, fits - i);
		take(s, at + i, data.p + i, n, differs);
		i += n;
	}
	if (fits > 0) {
		s->top = (uint32_t)sl_max(s->top, end);
		extend_ready(s);
	}
	return fits < data.len ? SL_ELIMIT : SL_OK;
}

struct sl_bytes sl_quic_crypto_head(const struct sl_quic_crypto *s)
{
	return sl_bytes_of(s->byte, s->ready);
}

void sl_quic_crypto_clear(struct sl_quic_crypto *s)
{
	memset(s->came, 0, (s->top + WORD - 1) / WORD * sizeof(*s->came));
	s->ready = s->top = 0;
}
