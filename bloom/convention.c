/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bloom/convention.h"

#include "base/util.h"
#include "bloom/apple_hash.h"

enum { MEMBERS = 7 };
static const uint8_t choices[MEMBERS] = { 2, 2, SL_CONV_SUMS, 2, 2, SL_CONV_SEEDS, SL_CONV_TEXTS };

_Static_assert(sizeof(struct sl_convention) == MEMBERS, "a convention is a number of MEMBERS digits");

struct sl_bytes sl_convention_no_scheme(struct sl_bytes entry)
{
	size_t colon = sl_bytes_find(entry, ':');

	if (colon == 0 || sl_bytes_find(sl_bytes_first(entry, colon), '/') < colon ||
	    !sl_bytes_equal(sl_bytes_first(sl_bytes_skip(entry, colon), 3), SL_BYTES_LIT("://")))
		return entry;
	return sl_bytes_skip(entry, colon + 3);
}

static struct sl_bytes joined(struct sl_bytes head, struct sl_bytes tail, char buf[SL_CONV_TEXT_MAX])
{
	struct sl_out o = sl_out_of(buf, SL_CONV_TEXT_MAX);
	sl_out_bytes(&o, head.p, head.len);
	sl_out_bytes(&o, tail.p, tail.len);
	return o.overflow ? (struct sl_bytes){ NULL, 0 } : sl_bytes_of(buf, o.len);
}

struct sl_bytes sl_convention_text(const struct sl_convention *c, struct sl_bytes entry,
                                   char buf[SL_CONV_TEXT_MAX])
{
	switch ((enum sl_conv_text)c->text) {
	case SL_CONV_NO_SCHEME:
		return sl_convention_no_scheme(entry);
	case SL_CONV_HTTPS:
		return joined(SL_BYTES_LIT("https://"), sl_convention_no_scheme(entry), buf);
	case SL_CONV_HTTP:
		return joined(SL_BYTES_LIT("http://"), sl_convention_no_scheme(entry), buf);
	case SL_CONV_NEWLINE:
		return joined(entry, SL_BYTES_LIT("\n"), buf);
	case SL_CONV_CRLF:
		return joined(entry, SL_BYTES_LIT("\r\n"), buf);
	case SL_CONV_CR:
		return joined(entry, SL_BYTES_LIT("\r"), buf);
	case SL_CONV_NUL:
		return joined(entry, SL_BYTES_LIT("\0"), buf);
	case SL_CONV_SLASH:
		return joined(entry, SL_BYTES_LIT("/"), buf);
	case SL_CONV_AS_GIVEN:
	case SL_CONV_TEXTS:
		break;
	}
	return entry;
}

static uint32_t fnv1(struct sl_bytes text) /* multiplies before it xors: NE-BLOOM-13 */
{
	uint32_t h = 0x811c9dc5U;
	for (size_t i = 0; i < text.len; i++)
		h = h * 0x01000193U ^ text.p[i];
	return h;
}

static uint32_t seed_of(const struct sl_convention *c, uint32_t seed)
{
	return c->seed == SL_CONV_SEED_ZERO      ? 0
	       : c->seed == SL_CONV_SEED_SWAPPED ? __builtin_bswap32(seed)
	                                         : seed;
}

/* The two hashes of an entry, in the order in which they are summed. */
struct pair {
	uint32_t first, second;
};

static bool hash_entry(const struct sl_convention *c, uint32_t seed, struct sl_bytes entry, struct pair *out)
{
	char buf[SL_CONV_TEXT_MAX];
	struct sl_bytes text = sl_convention_text(c, entry, buf);

	if (text.p == NULL)
		return false;
	uint64_t key = sl_apple_key(text, seed_of(c, seed));
	uint32_t fnv = c->hash == SL_CONV_FNV1 ? fnv1(text) : SL_APPLE_KEY_FNV(key),
	         murmur = SL_APPLE_KEY_MURMUR(key);
	*out = c->role == SL_CONV_FNV_FIRST ? (struct pair){ fnv, murmur } : (struct pair){ murmur, fnv };
	return true;
}

static uint64_t magnitude(int64_t x)
{
	return x < 0 ? (uint64_t)-x : (uint64_t)x;
}

static uint64_t index_of(const struct sl_convention *c, struct pair h, uint32_t i, uint64_t bits)
{
	int32_t sum = (int32_t)(h.first + i * h.second);
	int64_t rest = (int64_t)sum % (int64_t)bits;

	switch ((enum sl_conv_sum)c->sum) {
	case SL_CONV_WIDE:
		return (h.first + (uint64_t)i * h.second) % bits;
	case SL_CONV_SIGNED_ABS:
		return magnitude(sum) % bits;
	case SL_CONV_SIGNED_FLOOR:
		return (uint64_t)(rest < 0 ? rest + (int64_t)bits : rest);
	case SL_CONV_SIGNED_FLIP:
		return (uint64_t)(sum < 0 ? ~sum : sum) % bits;
	case SL_CONV_WIDE_SIGNED:
		return magnitude((int32_t)h.first + (int64_t)i * (int32_t)h.second) % bits;
	case SL_CONV_WRAP:
	case SL_CONV_SUMS:
		break;
	}
	return (uint32_t)sum % bits;
}

static uint8_t mask_of(const struct sl_convention *c, uint64_t index)
{
	return (uint8_t)(c->order == SL_CONV_MSB_FIRST ? 0x80U >> (index & 7) : 1U << (index & 7));
}

bool sl_convention_has(const struct sl_convention *c, const struct sl_prefilter_shape *shape,
                       const uint8_t *bits, struct sl_bytes entry)
{
	uint32_t from = c->start == SL_CONV_FROM_ONE;
	struct pair h;

	if (!hash_entry(c, shape->seed, entry, &h))
		return false;
	for (uint32_t i = from; i < from + shape->hashes; i++) {
		uint64_t index = index_of(c, h, i, shape->bits);
		if ((bits[index >> 3] & mask_of(c, index)) == 0)
			return false;
	}
	return true;
}

void sl_convention_add(const struct sl_convention *c, const struct sl_prefilter_shape *shape, uint8_t *bits,
                       struct sl_bytes entry)
{
	uint32_t from = c->start == SL_CONV_FROM_ONE;
	struct pair h;

	if (!hash_entry(c, shape->seed, entry, &h))
		return;
	for (uint32_t i = from; i < from + shape->hashes; i++) {
		uint64_t index = index_of(c, h, i, shape->bits);
		bits[index >> 3] |= mask_of(c, index);
	}
}

static void digits_of(const struct sl_convention *c, uint8_t digit[MEMBERS])
{
	memcpy(digit, c, MEMBERS);
}

unsigned sl_convention_faults(const struct sl_convention *c)
{
	uint8_t digit[MEMBERS];
	unsigned faults = 0;

	digits_of(c, digit);
	for (unsigned i = 0; i < MEMBERS; i++)
		faults += digit[i] != 0;
	return faults;
}

/* Counts up by one; false when it starts again at zero. */
static bool count_up(struct sl_convention *c)
{
	uint8_t digit[MEMBERS];
	bool carry = true;

	digits_of(c, digit);
	for (unsigned i = 0; i < MEMBERS && carry; i++) {
		carry = ++digit[i] == choices[i];
		if (carry)
			digit[i] = 0;
	}
	memcpy(c, digit, MEMBERS);
	return !carry;
}

bool sl_convention_next(struct sl_convention *c)
{
	unsigned faults = sl_convention_faults(c);

	for (; faults <= MEMBERS; faults++) {
		while (count_up(c))
			if (sl_convention_faults(c) == faults)
				return true;
	}
	return false;
}

static const char *const said_sum[SL_CONV_SUMS] = {
	NULL,
	"wide arithmetic: h1 + i*h2 is not reduced modulo 2^32 before the modulo by bitCount",
	"signed arithmetic: the magnitude of a signed 32-bit h1 + i*h2 is used",
	"signed arithmetic: h1 + i*h2 is a signed 32-bit number when the modulo by bitCount is taken",
	"signed arithmetic: a negative h1 + i*h2 is complemented",
	"signed arithmetic: h1 and h2 are signed and summed without wrapping",
};
static const char *const said_seed[SL_CONV_SEEDS] = {
	NULL,
	"MurmurHash3 was seeded with 0 instead of murmurSeed",
	"the bytes of murmurSeed are swapped",
};
static const char *const said_text[SL_CONV_TEXTS] = {
	NULL,
	"built from the entries without their scheme, as it should be",
	"scheme left in: built from https:// and the entry",
	"scheme left in: built from http:// and the entry",
	"the line feed behind each entry was hashed too",
	"the line end (CR LF) behind each entry was hashed too",
	"a carriage return behind each entry was hashed too",
	"a NUL behind each entry was hashed too",
	"a slash was put behind each entry",
};

static void clause(struct sl_out *o, const char *text)
{
	if (text == NULL)
		return;
	if (o->len > 0)
		sl_out_str(o, "; ");
	sl_out_str(o, text);
}

void sl_convention_say(const struct sl_convention *c, struct sl_out *out)
{
	struct sl_out mine = sl_out_of(out->p + out->len, out->cap - out->len);

	clause(&mine, said_sum[c->sum]);
	clause(&mine, c->hash == SL_CONV_FNV1 ? "FNV-1 for FNV-1a: it multiplies before it xors" : NULL);
	clause(&mine, c->order == SL_CONV_MSB_FIRST
	                      ? "MSB first: bit 0 is at 0x80 of its byte instead of 0x01"
	                      : NULL);
	clause(&mine, c->role == SL_CONV_MURMUR_FIRST
	                      ? "hash roles swapped: MurmurHash3 is h1 and FNV-1a is h2"
	                      : NULL);
	clause(&mine, c->start == SL_CONV_FROM_ONE ? "i counts from 1 instead of 0" : NULL);
	clause(&mine, said_seed[c->seed]);
	clause(&mine, said_text[c->text]);
	if (mine.len == 0)
		sl_out_str(&mine, "correct");
	out->len += mine.len;
	out->overflow |= mine.overflow;
}
