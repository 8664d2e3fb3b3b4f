/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_stream.c - the input is a list of segments with gaps, overlaps, holes and consumption. Properties: the stream says
 * what a plain array of bytes would say; and the pieces of one string, in any order, give that string. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "filter/stream.h"

enum { BUDGET = 512 + 37, MIDDLE = 1 << 17, SPACE = 1 << 18, OPS = 60 };
enum { NONE, CAME, HOLE };

/* Positions are counted from MIDDLE. */
struct model {
	uint8_t state[SPACE], value[SPACE], other[SPACE]; /* other: the last that differed */
	size_t base;                                      /* of the first unconsumed byte */
	uint32_t seq;
	bool consumed;
};

static void must(bool ok)
{
	if (!ok)
		abort();
}

static bool model_move(struct model *m, size_t to)
{
	bool whole = true;
	for (size_t i = sl_max(to + BUDGET, m->base); i < m->base + BUDGET; i++) {
		whole = whole && m->state[i] == NONE;
		m->state[i] = NONE;
	}
	m->base = to;
	return whole;
}

static int model_push(struct model *m, size_t at, struct sl_bytes seg, uint32_t wire, bool rebase,
                      uint32_t *differs)
{
	bool whole = true;
	*differs = 0;
	if (wire > 0 && rebase && !m->consumed && at < m->base)
		whole = model_move(m, at);
	for (size_t i = 0; i < wire; i++) {
		size_t pos = at + i;
		if (pos < m->base)
			continue;
		if (pos >= m->base + BUDGET) {
			whole = false;
		} else if (m->state[pos] == NONE) {
			m->state[pos] = i < seg.len ? CAME : HOLE;
			m->value[pos] = m->other[pos] = i < seg.len ? seg.p[i] : 0;
		} else if (m->state[pos] == CAME && i < seg.len && m->value[pos] != seg.p[i]) {
			m->other[pos] = seg.p[i];
			(*differs)++;
		}
	}
	return whole ? SL_OK : SL_ELIMIT;
}

static void compare(const struct model *m, const struct sl_stream *s)
{
	struct sl_bytes head = sl_stream_head(s);
	size_t end = m->base, next;
	bool empty = true;
	while (m->state[end] == CAME)
		end++;
	for (next = end; m->state[next] != NONE;)
		next++;
	for (size_t i = m->base; i < m->base + BUDGET; i++)
		empty = empty && m->state[i] == NONE;
	must(head.len == end - m->base && memcmp(head.p, m->value + m->base, head.len) == 0);
	struct sl_bytes other = sl_stream_other(s);
	enum sl_readings readings = sl_stream_readings(s);
	bool two = false;
	for (size_t i = m->base; i < m->base + BUDGET; i++)
		two = two || (m->state[i] == CAME && m->value[i] != m->other[i]);
	must(other.len == head.len && two == (readings != SL_READINGS_ONE));
	must(readings == SL_READINGS_MANY || memcmp(other.p, m->other + m->base, other.len) == 0);
	must(sl_stream_cut(s) == (m->state[end] == HOLE));
	must(sl_stream_seq(s) == m->seq + (uint32_t)(m->base - MIDDLE));
	must(sl_stream_next(s) == m->seq + (uint32_t)(next - MIDDLE));
	must(sl_stream_empty(s) == empty);
}

/* Five bytes a step: what, where (two), how long, how much of it was not copied. */
static void against_model(const uint8_t *data, size_t size, struct sl_stream *s, uint32_t seq)
{
	static struct model m;
	memset(&m, 0, sizeof(m));
	m.base = MIDDLE;
	m.seq = seq;
	for (size_t i = 0; i < OPS && size >= 5; i++, data += 5, size -= 5) {
		int32_t where = (data[1] | data[2] << 8) % 1600 - 800;
		if ((data[0] & 7) == 7) {
			uint32_t n = (uint32_t)(where < 0 ? -where : where);
			sl_stream_consume(s, n);
			m.base += n;
			m.consumed = true;
		} else {
			struct sl_bytes seg = sl_bytes_first(sl_bytes_of(data, size), data[3]);
			uint32_t wire = (uint32_t)seg.len + (data[4] > 200 ? data[4] : 0), a, b;
			size_t at = (size_t)((int64_t)m.base + where);
			int got = sl_stream_push(s, m.seq + (uint32_t)(at - MIDDLE), seg, wire, data[0] & 8,
			                         &a);
			must(got == model_push(&m, at, seg, wire, data[0] & 8, &b) && a == b);
		}
		compare(&m, s);
	}
}

/* Each byte of the input says where the next piece begins: it takes what is left of one of 16 parts. */
static void any_order(const uint8_t *data, size_t size, struct sl_stream *s, uint32_t seq)
{
	enum { LEN = 480, PART = LEN / 16 };
	uint8_t text[LEN];
	uint32_t differs, first = LEN;
	bool have[LEN] = { false };
	for (uint32_t i = 0; i < LEN; i++)
		text[i] = (uint8_t)(i * 31 + i / 256);
	for (size_t i = 0; i < size + 16; i++) {
		uint32_t from =
		        (uint32_t)(i < size ? data[i] % 16U * PART + data[i] / 16U : (i - size) * PART);
		uint32_t n = i < size ? PART / 2 : PART;
		if (first == LEN)
			first = from;
		(void)sl_stream_push(s, seq + from - first, sl_bytes_of(text + from, n), n, true, &differs);
		must(differs == 0);
		memset(have + from, true, n);
		uint32_t low = 0, high;
		while (!have[low])
			low++;
		for (high = low; high < LEN && have[high];)
			high++;
		struct sl_bytes head = sl_stream_head(s);
		must(head.len == high - low && memcmp(head.p, text + low, head.len) == 0);
	}
	must(sl_stream_head(s).len == LEN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_stream_pool *pool = NULL;
	if (size < 2)
		return 0;
	must(sl_stream_pool_new(1, BUDGET, &pool) == SL_OK);
	for (int i = 0; i < 2; i++) { /* the second time in memory that was used */
		uint32_t seq = data[0] < 128 ? data[0] : UINT32_MAX - data[0];
		struct sl_stream *s = sl_stream_open(pool, seq);
		against_model(data + 1, size - 1, s, seq);
		sl_stream_close(pool, &s);
		s = sl_stream_open(pool, seq);
		any_order(data + 1, sl_min(size - 1, 64), s, seq);
		sl_stream_close(pool, &s);
	}
	sl_stream_pool_free(&pool);
	return 0;
}
