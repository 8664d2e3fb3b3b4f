/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/string_heap.h"

enum { SINGLES = 12, PAIRS = 48, RAW = 15 };

/* By how often they stand in the part of a name that its neighbour does not share. */
static const uint8_t char_of[SINGLES + PAIRS + 1] = "\x01"
                                                    "aeiosntrcld"
                                                    "bfghjkmpquvwxyz0123456789-_."
                                                    "\x02\x03"
                                                    "/:?=&%+~@,;!ABCDEF";
/* Their places in it, and one more. */
static const uint8_t code_of[256] = {
	['\x01'] = 1,  ['a'] = 2,     ['e'] = 3,  ['i'] = 4,  ['o'] = 5,  ['s'] = 6,  ['n'] = 7,  ['t'] = 8,
	['r'] = 9,     ['c'] = 10,    ['l'] = 11, ['d'] = 12, ['b'] = 13, ['f'] = 14, ['g'] = 15, ['h'] = 16,
	['j'] = 17,    ['k'] = 18,    ['m'] = 19, ['p'] = 20, ['q'] = 21, ['u'] = 22, ['v'] = 23, ['w'] = 24,
	['x'] = 25,    ['y'] = 26,    ['z'] = 27, ['0'] = 28, ['1'] = 29, ['2'] = 30, ['3'] = 31, ['4'] = 32,
	['5'] = 33,    ['6'] = 34,    ['7'] = 35, ['8'] = 36, ['9'] = 37, ['-'] = 38, ['_'] = 39, ['.'] = 40,
	['\x02'] = 41, ['\x03'] = 42, ['/'] = 43, [':'] = 44, ['?'] = 45, ['='] = 46, ['&'] = 47, ['%'] = 48,
	['+'] = 49,    ['~'] = 50,    ['@'] = 51, [','] = 52, [';'] = 53, ['!'] = 54, ['A'] = 55, ['B'] = 56,
	['C'] = 57,    ['D'] = 58,    ['E'] = 59, ['F'] = 60,
};

/* The half bytes of a character; returns how many, the high one first in *bits. */
static unsigned code(uint8_t c, unsigned *bits)
{
	unsigned at = code_of[c];
	if (at == 0) {
		*bits = (unsigned)RAW << 8 | c;
		return 3;
	}
	if (at <= SINGLES) {
		*bits = at - 1;
		return 1;
	}
	at -= 1 + SINGLES;
	*bits = (SINGLES + at / 16) << 4 | at % 16;
	return 2;
}

/* Returns how many bytes it wrote. */
static size_t pack(struct sl_bytes text, uint8_t *out)
{
	unsigned held = 0, halves = 0; /* halves that make no byte yet: 0 or 1 between characters */
	size_t n = 0;
	for (size_t i = 0; i < text.len; i++) {
		unsigned bits, more = code(text.p[i], &bits);
		held = held << 4 * more | bits;
		for (halves += more; halves >= 2; halves -= 2)
			out[n++] = (uint8_t)(held >> 4 * (halves - 2));
	}
	if (halves > 0)
		out[n++] = (uint8_t)(held << 4 | RAW);
	return n;
}

/* Half bytes on their way in. */
struct packed {
	const uint8_t *p;
	size_t n, end; /* half bytes */
};

static inline unsigned get_half(struct packed *h)
{
	uint8_t byte = h->p[h->n / 2];
	return h->n++ % 2 == 0 ? byte >> 4 : byte & 15;
}

/* The next character, -1 after the last. */
static inline int get_char(struct packed *h)
{
	if (h->n >= h->end)
		return -1;
	unsigned half = get_half(h);
	if (half < SINGLES)
		return char_of[half];
	if (h->end - h->n < (half == RAW ? 2 : 1)) {
		h->n = h->end;
		return -1;
	}
	unsigned next = get_half(h);
	return half == RAW ? (int)(next << 4 | get_half(h)) : char_of[SINGLES + (half - SINGLES) * 16 + next];
}

static size_t put_length(uint8_t *out, size_t n)
{
	if (n < 255) {
		out[0] = (uint8_t)n;
		return 1;
	}
	out[0] = 255;
	out[1] = (uint8_t)(n >> 8);
	out[2] = (uint8_t)n;
	return 3;
}

static uint8_t change_of(size_t before, size_t now)
{
	if (now >= before)
		return now - before <= 7 ? (uint8_t)((now - before) * 2) : 15;
	return before - now <= 7 ? (uint8_t)((before - now) * 2 - 1) : 15;
}

size_t sl_heap_put(struct sl_heap_writer *w, struct sl_bytes key, bool restart, uint8_t *out)
{
	if (restart)
		w->len = w->shared = 0;
	uint8_t packed[(SL_SORT_MAX * 3 + 1) / 2];
	size_t shared = sl_sort_shared(sl_bytes_of(w->last, w->len), key), n = 1;
	size_t rest = pack(sl_bytes_skip(key, shared), packed);
	uint8_t change = change_of(w->shared, shared);
	out[0] = (uint8_t)(change << 4 | (rest < 15 ? rest : 15));
	if (change == 15)
		n += put_length(out + n, shared);
	if (rest >= 15)
		n += put_length(out + n, rest);
	memcpy(out + n, packed, rest);
	memcpy(w->last + shared, key.p + shared, key.len - shared);
	w->len = (uint16_t)key.len;
	w->shared = (uint16_t)shared;
	return n + rest;
}

struct item {
	size_t shared;
	struct packed rest;
};

static size_t get_length(struct sl_cur *c)
{
	size_t n = sl_cur_u8(c);
	return n < 255 ? n : sl_cur_u16(c);
}

/* The next string of a block, from any bytes: shared is at most SL_SORT_MAX, and the reader compares it with what it has.
 * It carries from one item to the next, 0 at the head of a block. */
static struct item next_item(struct sl_cur *c, size_t shared)
{
	uint8_t head = sl_cur_u8(c);
	size_t change = head >> 4, len = head & 15;
	if (change == 15)
		shared = get_length(c);
	else
		shared = (change & 1) != 0 ? shared - (change + 1) / 2 : shared + change / 2;
	if (len == 15)
		len = get_length(c);
	if (shared > SL_SORT_MAX)
		sl_cur_fail(c, SL_EMALF);
	const uint8_t *p = sl_cur_take(c, len);
	return (struct item){ shared, { p, 0, p == NULL ? 0 : len * 2 } };
}

/* How much a key shares with the string before says, with no look at that string, how it compares with one that shares
 * more or less with it. */
bool sl_heap_is(struct sl_cur c, unsigned n, struct sl_bytes key)
{
	size_t common = 0, shared = 0; /* with key; with the string before */
	for (unsigned i = 0;; i++) {
		struct item item = next_item(&c, shared);
		int next = 0;
		shared = item.shared;
		if (c.err != SL_OK)
			return false;
		if (shared < common)
			common = shared;
		if (shared == common) {
			next = get_char(&item.rest);
			while (common < key.len && next == key.p[common]) {
				common++;
				next = get_char(&item.rest);
			}
		}
		if (i == n)
			return shared <= common && common == key.len && next == -1;
	}
}

/* Behind the *len characters that are there. Most bytes are two characters. False where they are too many. */
static bool unpack(struct packed h, uint8_t out[SL_SORT_MAX], size_t *len)
{
	size_t n = *len;
	for (;;) {
		unsigned high = 15, low = 15;
		if (h.n % 2 == 0 && h.n < h.end) {
			high = h.p[h.n / 2] >> 4;
			low = h.p[h.n / 2] & 15;
		}
		if (high < SINGLES && low < SINGLES && n + 2 <= SL_SORT_MAX) {
			out[n++] = char_of[high];
			out[n++] = char_of[low];
			h.n += 2;
			continue;
		}
		int next = get_char(&h);
		if (next < 0)
			break;
		if (n == SL_SORT_MAX)
			return false;
		out[n++] = (uint8_t)next;
	}
	*len = n;
	return true;
}

int sl_heap_read(struct sl_cur *c, struct sl_heap_writer *at)
{
	struct item item = next_item(c, at->shared);
	size_t len = item.shared;
	if (c->err != SL_OK || item.shared > at->len)
		return SL_EMALF;
	if (!unpack(item.rest, at->last, &len))
		return SL_EMALF;
	at->len = (uint16_t)len;
	at->shared = (uint16_t)item.shared;
	return SL_OK;
}
