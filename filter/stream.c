/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A window of bytes with a bit each for "came", "came, but was not copied" and "a segment's first". Bits and not ranges,
 * since segments of one byte in random order are cheap to send and would need a range each. The window begins at `start` in the buffer, which
 * has room for some more bytes than the budget, so that the bits move by whole words only. */
#include "filter/stream.h"

#include <stdlib.h>

#include "base/lines.h"
#include "base/util.h"

enum { WORD = 64, MAX_STREAMS = 1 << 20, MIN_BUDGET = 512, MAX_BUDGET = 65536 };

struct sl_stream {
	struct sl_stream *next_free;
	uint8_t *byte;  /* `room` of them */
	uint64_t *came; /* `room` bits each */
	uint64_t *cut;
	uint64_t *first; /* the first of those that a segment brought */
	uint8_t *
	        other; /* the second reading, while there is one: equal to byte[] but where copies differed */
	uint32_t room; /* a multiple of WORD, more than a word above the budget */
	uint32_t budget;
	uint32_t seq;   /* of the first unconsumed byte */
	uint32_t start; /* where it stands in byte[] */
	uint32_t ready; /* bytes from start up to the first gap or hole */
	uint32_t top;   /* bytes from start up to the last one that came */
	bool consumed;
	bool forked; /* other[] is in use */
	bool mixed;  /* more readings than two */
};

struct sl_stream_pool {
	struct sl_stream *stream, *free;
	uint32_t used;
	uint8_t *bytes;
	uint64_t *bits;
};

enum { BUFFERS = 2, MAPS = 3 }; /* of each stream */

int sl_stream_pool_new(uint32_t streams, uint32_t budget, struct sl_stream_pool **out)
{
	if (streams == 0 || streams > MAX_STREAMS || budget < MIN_BUDGET || budget > MAX_BUDGET)
		return SL_EINVAL;
	struct sl_stream_pool *pool = sl_lines_new(1, sizeof(*pool));
	if (pool == NULL)
		return SL_ENOMEM;
	uint32_t room = (budget / WORD + 2) * WORD;
	size_t words = room / WORD;
	pool->stream = sl_lines_new(streams, sizeof(*pool->stream));
	pool->bytes =
	        malloc((size_t)streams * room * BUFFERS); /* pages come into being when a stream is used */
	pool->bits = sl_lines_new((size_t)streams * words * MAPS, sizeof(*pool->bits));
	if (pool->stream == NULL || pool->bytes == NULL || pool->bits == NULL) {
		sl_stream_pool_free(&pool);
		return SL_ENOMEM;
	}
	for (size_t i = streams; i-- > 0;) {
		struct sl_stream *s = &pool->stream[i];
		*s = (struct sl_stream){ .next_free = pool->free, .room = room, .budget = budget };
		s->byte = pool->bytes + i * room * BUFFERS;
		s->other = s->byte + room;
		s->came = pool->bits + i * words * MAPS;
		s->cut = s->came + words;
		s->first = s->cut + words;
		pool->free = s;
	}
	*out = pool;
	return SL_OK;
}

void sl_stream_pool_free(struct sl_stream_pool **pool)
{
	struct sl_stream_pool *old = sl_take(pool);
	if (old == NULL)
		return;
	free(old->stream);
	free(old->bytes);
	free(old->bits);
	free(old);
}

/* Forgets all bytes; what comes next has sequence number seq. */
static void clear(struct sl_stream *s, uint32_t seq)
{
	size_t words = sl_min((s->start + s->top) / WORD + 1, s->room / WORD);
	memset(s->came, 0, words * sizeof(*s->came));
	memset(s->cut, 0, words * sizeof(*s->cut));
	memset(s->first, 0, words * sizeof(*s->first));
	s->seq = seq;
	s->start = s->ready = s->top = 0;
	s->forked = s->mixed = false;
}

struct sl_stream *sl_stream_open(struct sl_stream_pool *pool, uint32_t seq)
{
	struct sl_stream *s = pool->free;
	if (s == NULL)
		return NULL;
	pool->free = s->next_free;
	pool->used++;
	s->seq = seq;
	s->consumed = false;
	return s;
}

void sl_stream_close(struct sl_stream_pool *pool, struct sl_stream **stream)
{
	struct sl_stream *s = sl_take(stream);
	if (s == NULL)
		return;
	clear(s, 0);
	s->next_free = pool->free;
	pool->free = s;
	pool->used--;
}

uint32_t sl_stream_in_use(const struct sl_stream_pool *pool)
{
	return pool->used;
}

static bool bit(const uint64_t *map, uint32_t at)
{
	return (map[at / WORD] >> (at % WORD)) & 1;
}

static void bit_set(uint64_t *map, uint32_t at)
{
	map[at / WORD] |= UINT64_C(1) << (at % WORD);
}

static void bit_clear(uint64_t *map, uint32_t at)
{
	map[at / WORD] &= ~(UINT64_C(1) << (at % WORD));
}

/* How many of `n` bits from `at` on are like the first, if that is `set`. A word at a time. */
static uint32_t run_of(const uint64_t *map, uint32_t at, uint32_t n, bool set)
{
	uint32_t i = 0;
	while (i < n) {
		uint64_t word = map[(at + i) / WORD] >> (at + i) % WORD, other = set ? ~word : word;
		uint32_t left = WORD - (at + i) % WORD;
		uint32_t same = other == 0 ? WORD : (uint32_t)__builtin_ctzll(other);
		i += (uint32_t)sl_min(same, left);
		if (same < left)
			break;
	}
	return (uint32_t)sl_min(i, n);
}

/* How many of `n` bits from `at` on are set without a break. */
static uint32_t run(const uint64_t *map, uint32_t at, uint32_t n)
{
	return run_of(map, at, n, true);
}

static void set_all(uint64_t *map, uint32_t at, uint32_t n)
{
	while (n > 0) {
		uint32_t some = (uint32_t)sl_min(n, WORD - at % WORD);
		uint64_t mask = some == WORD ? UINT64_MAX : (UINT64_C(1) << some) - 1;
		map[at / WORD] |= mask << at % WORD;
		at += some;
		n -= some;
	}
}

/* The window moves to the front of the buffer, by whole words. */
static void move_front(struct sl_stream *s)
{
	size_t by = s->start / WORD, words = (s->start + s->top) / WORD + 1;
	if (by == 0)
		return;
	words = sl_min(words, s->room / WORD);
	memmove(s->byte, s->byte + by * WORD, (words - by) * WORD);
	if (s->forked)
		memmove(s->other, s->other + by * WORD, (words - by) * WORD);
	uint64_t *map[MAPS] = { s->came, s->cut, s->first };
	for (size_t i = 0; i < MAPS; i++) {
		memmove(map[i], map[i] + by, (words - by) * sizeof(*map[i]));
		memset(map[i] + words - by, 0, by * sizeof(*map[i]));
	}
	s->start %= WORD;
}

/* The window moves up in the buffer, by whole words: `used` bytes of the buffer. */
static void move_up(struct sl_stream *s, size_t by, uint32_t used)
{
	size_t words = used == 0 ? 0 : (used - 1) / WORD + 1;
	uint64_t *map[MAPS] = { s->came, s->cut, s->first };
	memmove(s->byte + by * WORD, s->byte, used);
	if (s->forked)
		memmove(s->other + by * WORD, s->other, used);
	for (size_t i = 0; i < MAPS; i++) {
		memmove(map[i] + by, map[i], words * sizeof(*map[i]));
		memset(map[i], 0, by * sizeof(*map[i]));
	}
	s->start += (uint32_t)(by * WORD);
}

/* Bytes have gone: is there still one that can be read in two ways? */
static void look_for_fork(struct sl_stream *s)
{
	bool differ = false;
	for (uint32_t i = s->start; s->forked && !differ && i < s->start + s->top; i++)
		differ = bit(s->came, i) && !bit(s->cut, i) && s->byte[i] != s->other[i];
	s->forked = differ;
	s->mixed = s->mixed && differ;
}

/* Byte 0 moves down by n. Nothing was consumed, so all before start is unset. False when bytes fell off the far end. */
static bool move_down(struct sl_stream *s, uint32_t n)
{
	if (n >= s->budget) {
		bool had = s->top > 0;
		clear(s, s->seq - n);
		return !had;
	}
	uint32_t kept = (uint32_t)sl_min(s->top, s->budget - n);
	bool whole = kept == s->top;
	for (uint32_t i = kept; i < s->top; i++) {
		bit_clear(s->came, s->start + i);
		bit_clear(s->cut, s->start + i);
		bit_clear(s->first, s->start + i);
	}
	while (kept > 0 && !bit(s->came, s->start + kept - 1))
		kept--;
	if (n > s->start)
		move_up(s, (n - s->start + WORD - 1) / WORD, kept == 0 ? 0 : s->start + kept);
	s->start -= n;
	s->seq -= n;
	s->top = kept == 0 ? 0 : kept + n;
	s->ready = 0;
	look_for_fork(s);
	return whole;
}

/* Bytes none of which came before, as nearly all are: flow/tls/two_segments */
static void take_new(struct sl_stream *s, uint32_t at, struct sl_bytes seg)
{
	memcpy(s->byte + at, seg.p, seg.len);
	if (s->forked)
		memcpy(s->other + at, seg.p, seg.len);
	set_all(s->came, at, (uint32_t)seg.len);
	bit_set(s->first, at);
}

/* Where a segment says something else than the first copies do. */
struct clash {
	uint32_t bytes, from, to; /* how many, the first, the last */
	bool as_other;            /* it says what the second reading says */
};

static struct clash find_clash(const struct sl_stream *s, uint32_t at, struct sl_bytes seg)
{
	struct clash c = { .as_other = s->forked };
	for (uint32_t i = 0; i < seg.len; i++) {
		if (!bit(s->came, at + i) || bit(s->cut, at + i))
			continue;
		c.as_other = c.as_other && s->other[at + i] == seg.p[i];
		if (s->byte[at + i] == seg.p[i])
			continue;
		if (c.bytes++ == 0)
			c.from = at + i;
		c.to = at + i;
	}
	return c;
}

/* Who got which segment is not known here: a copy that differs from several segments at once, or from both readings, may
 * make any mixture of them. */
static void fork_off(struct sl_stream *s, const struct clash *c)
{
	if (s->forked && !c->as_other)
		s->mixed = true;
	if (run_of(s->first, c->from + 1, c->to - c->from, false) < c->to - c->from)
		s->mixed = true;
	if (!s->forked)
		memcpy(s->other, s->byte, s->start + s->top);
	s->forked = true;
}

/* Bytes some of which came before. */
static void take_again(struct sl_stream *s, uint32_t at, struct sl_bytes seg, uint32_t *differs)
{
	struct clash c = find_clash(s, at, seg);
	bool before = true;
	if (c.bytes > 0)
		fork_off(s, &c);
	for (uint32_t i = 0; i < seg.len; i++) {
		bool came = bit(s->came, at + i);
		if (!came && before)
			bit_set(s->first, at + i);
		before = came;
		if (s->forked && (!came || (!bit(s->cut, at + i) && s->byte[at + i] != seg.p[i])))
			s->other[at + i] = seg.p[i];
		if (came)
			continue;
		bit_set(s->came, at + i);
		s->byte[at + i] = seg.p[i];
	}
	*differs = c.bytes;
}

static void take_hole(struct sl_stream *s, uint32_t at)
{
	if (bit(s->came, at))
		return;
	bit_set(s->came, at);
	bit_set(s->cut, at);
}

static void extend_ready(struct sl_stream *s)
{
	uint32_t from = s->start + s->ready;
	uint32_t more = run(s->came, from, s->top - s->ready);
	s->ready += run_of(s->cut, from, more, false);
}

int sl_stream_push(struct sl_stream *s, uint32_t seq, struct sl_bytes seg, uint32_t wire_len, bool may_rebase,
                   uint32_t *differs)
{
	int64_t from = sl_seq_diff(seq, s->seq);
	int64_t to = from + wire_len;
	bool whole = true;
	*differs = 0;
	if (wire_len == 0)
		return SL_OK;
	if (from < 0 && may_rebase && !s->consumed) {
		whole = move_down(s, (uint32_t)-from);
		to -= from;
		from = 0;
	} else if (from < 0) {
		seg = sl_bytes_skip(seg, (size_t)-from);
		from = 0;
	}
	if (to > s->budget) {
		whole = false;
		to = s->budget;
	}
	if (from < to) {
		if (s->start + (uint32_t)to > s->room)
			move_front(s);
		uint32_t at = s->start + (uint32_t)from, n = (uint32_t)(to - from);
		uint32_t copied = (uint32_t)sl_min(n, seg.len);
		seg = sl_bytes_first(seg, copied);
		if (copied > 0 && run_of(s->came, at, copied, false) == copied)
			take_new(s, at, seg);
		else
			take_again(s, at, seg, differs);
		for (uint32_t i = copied; i < n; i++)
			take_hole(s, at + i);
		s->top = (uint32_t)sl_max(s->top, (size_t)to);
		extend_ready(s);
	}
	return whole ? SL_OK : SL_ELIMIT;
}

struct sl_bytes sl_stream_head(const struct sl_stream *s)
{
	return sl_bytes_of(s->byte + s->start, s->ready);
}

struct sl_bytes sl_stream_other(const struct sl_stream *s)
{
	return sl_bytes_of((s->forked ? s->other : s->byte) + s->start, s->ready);
}

enum sl_readings sl_stream_readings(const struct sl_stream *s)
{
	return s->mixed ? SL_READINGS_MANY : s->forked ? SL_READINGS_TWO : SL_READINGS_ONE;
}

uint32_t sl_stream_seq(const struct sl_stream *s)
{
	return s->seq;
}

uint32_t sl_stream_next(const struct sl_stream *s)
{
	return s->seq + s->ready + run(s->came, s->start + s->ready, s->top - s->ready);
}

bool sl_stream_cut(const struct sl_stream *s)
{
	return s->ready < s->top && bit(s->cut, s->start + s->ready);
}

void sl_stream_consume(struct sl_stream *s, uint32_t n)
{
	s->consumed = true;
	if (n >= s->top) {
		clear(s, s->seq + n);
		return;
	}
	s->seq += n;
	s->start += n;
	s->top -= n;
	s->ready = s->ready > n ? s->ready - n : 0;
	extend_ready(s);
	look_for_fork(s);
}

bool sl_stream_empty(const struct sl_stream *s)
{
	return s->top == 0;
}
