/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_suburl.c - of any URL: `both` holds the keys of ne26 and of ne27 and no others, no key twice; a tail's base stands
 * before it; and the canonical form of an entry reads as itself and, but for what its lint says, is among the sub-URLs of
 * the text that it was made from. The first byte: profile and parsing configuration. */
#include <stdlib.h>

#include "base/hash.h"
#include "policy/suburl.h"

enum { TEXT = 1 << 16, KEYS = 1500, NO_LINT = SL_LINT_DEEP };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

struct set {
	uint64_t hash[KEYS]; /* of each key's text */
	size_t n;
};

/* False where there are more than KEYS. */
static bool collect(const struct sl_suburls *s, struct set *out)
{
	static char text[TEXT];
	out->n = 0;
	for (unsigned head = 0; head < s->n_heads; head++)
		for (unsigned tail = 0; tail < s->n_tails; tail++) {
			if (!sl_suburl_is_key(s, head, tail))
				continue;
			if (out->n == KEYS)
				return false;
			size_t n = sl_suburl_write(s, head, tail, text, sizeof(text));
			must(n > 0 && n <= sizeof(text));
			out->hash[out->n++] = sl_hash(text, n, 0);
		}
	must(out->n == sl_suburls_count(s));
	return true;
}

static unsigned times(const struct set *set, uint64_t hash)
{
	unsigned n = 0;
	for (size_t i = 0; i < set->n; i++)
		n += set->hash[i] == hash;
	return n;
}

static void check_shape(const struct sl_suburls *s)
{
	must(s->n_heads <= SL_SUBURL_HEADS && s->n_tails <= SL_SUBURL_TAILS);
	must(s->n_heads == 0 || s->n_tails >= 2);
	for (unsigned i = 0; i < s->n_tails; i++)
		must(s->tail[i].base == SL_SUBURL_NONE ? i == 0 : s->tail[i].base < i);
}

/* Every key of one is a key of the other, exactly once. */
static void check_within(const struct sl_suburls *part, const struct sl_suburls *whole)
{
	static struct set few, all;
	if (!collect(whole, &all) || !collect(part, &few))
		return;
	for (size_t i = 0; i < few.n; i++)
		must(times(&all, few.hash[i]) == 1);
}

static void check_profiles(struct sl_bytes in)
{
	static struct sl_suburls old, new, both;
	int err = sl_suburls_of(in, SL_SUBURL_BOTH, NULL, &both);
	must(sl_suburls_of(in, SL_SUBURL_NE26, NULL, &old) == err);
	must(sl_suburls_of(in, SL_SUBURL_NE27, NULL, &new) == err);
	if (err != SL_OK)
		return;
	check_shape(&both);
	check_shape(&old);
	check_shape(&new);
	check_within(&old, &both);
	check_within(&new, &both);
	must(sl_suburls_count(&both) <= sl_suburls_count(&old) + sl_suburls_count(&new));
	must(sl_suburls_count(&both) >= sl_suburls_count(&new));
}

static void check_parsing(struct sl_bytes in, uint8_t bits)
{
	static struct sl_suburls s;
	static const struct sl_bytes names[] = { SL_BYTES_LIT("id"), SL_BYTES_LIT("a") };
	struct sl_suburl_parsing p = {
		.exclude_scheme = bits & 1,
		.domain = { .excluded = (bits & 6) == 6,
		            .strip_www = bits & 2,
		            .hierarchy = bits & 4,
		            .levels = bits & 3 },
		.path = { .excluded = (bits & 24) == 24, .hierarchy = bits & 8, .segments = bits >> 3 & 3 },
		.query = { .excluded = bits & 32, .parameters = bits & 64 ? names : NULL, .n_parameters = 2 },
		.fragment_excluded = bits & 128,
	};
	if (sl_suburls_of(in, SL_SUBURL_NE27, &p, &s) == SL_OK) {
		check_shape(&s);
		check_within(&s, &s);
	}
}

static void check_entry(struct sl_bytes in)
{
	static struct sl_suburls s;
	static char text[TEXT], again[TEXT];
	struct sl_suburl_entry e, f;
	static struct set keys;
	if (sl_suburl_entry_read(in, &e) != SL_OK)
		return;
	for (unsigned i = 0; i < sl_suburl_entry_forms(&e, SL_WWW_BOTH); i++) {
		size_t n = sl_suburl_entry_write(&e, SL_WWW_BOTH, i, text, sizeof(text));
		must(sl_suburl_entry_read(sl_bytes_of(text, n), &f) == SL_OK);
		struct sl_bytes twice =
		        sl_bytes_of(again, sl_suburl_entry_write(&f, SL_WWW_KEEP, 0, again, sizeof(again)));
		must(sl_bytes_equal(twice, sl_bytes_of(text, n)));
		must(sl_suburls_of(in, SL_SUBURL_BOTH, NULL, &s) == SL_OK);
		must((e.lint & NO_LINT) != 0 || !collect(&s, &keys) ||
		     times(&keys, sl_hash(twice.p, twice.len, 0)) == 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || size > TEXT / 2)
		return 0;
	uint8_t *copy = malloc(size);
	must(copy != NULL);
	memcpy(copy, data, size);
	struct sl_bytes in = sl_bytes_of(copy + 1, size - 1);
	check_profiles(in);
	check_parsing(in, copy[0]);
	check_entry(in);
	free(copy);
	return 0;
}
