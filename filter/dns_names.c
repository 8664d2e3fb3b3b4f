/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of eight names behind a number each (base/seqlock.h). */
#include "filter/dns_names.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/seqlock.h"
#include "base/util.h"

enum { WAYS = 8, MIN_NAMES = 64, MAX_NAMES = 1 << 20 };

struct ends {
	uint8_t client[16], address[16];
};

struct fact {
	struct ends ends;
	int64_t since, until; /* microseconds; until = 0: free */
	uint8_t family, len;
	char name[SL_DNS_NAMES_TEXT + 1];
};

enum { WORDS = sizeof(struct fact) / sizeof(uint64_t), ENDS_WORDS = sizeof(struct ends) / sizeof(uint64_t) };
_Static_assert(sizeof(struct fact) == WORDS * sizeof(uint64_t), "a fact is words");

struct set {
	_Atomic uint64_t number;
	_Atomic uint64_t word[WAYS][WORDS];
};

struct sl_dns_names {
	struct set *set;
	uint32_t mask;
	uint64_t seed;
};

int sl_dns_names_new(uint32_t max, uint64_t seed, struct sl_dns_names **out)
{
	if (max < MIN_NAMES || max > MAX_NAMES)
		return SL_EINVAL;
	uint32_t sets = MIN_NAMES / WAYS;
	while (sets * WAYS < max)
		sets *= 2;
	struct sl_dns_names *t = calloc(1, sizeof(*t));
	if (t == NULL)
		return SL_ENOMEM;
	t->mask = sets - 1;
	t->seed = seed;
	t->set = calloc(sets, sizeof(*t->set));
	if (t->set == NULL) {
		sl_dns_names_free(&t);
		return SL_ENOMEM;
	}
	*out = t;
	return SL_OK;
}

void sl_dns_names_free(struct sl_dns_names **t)
{
	struct sl_dns_names *old = sl_take(t);
	if (old == NULL)
		return;
	free(old->set);
	free(old);
}

static struct set *set_of(const struct sl_dns_names *t, const struct sl_flow_key *flow, struct ends *ends)
{
	memcpy(ends->client, flow->src, sizeof(ends->client));
	memcpy(ends->address, flow->dst, sizeof(ends->address));
	return &t->set[sl_hash(ends, sizeof(*ends), t->seed + flow->family) & t->mask];
}

static bool is_of(const struct fact *fact, const struct ends *ends, uint8_t family)
{
	return fact->family == family && memcmp(&fact->ends, ends, sizeof(*ends)) == 0;
}

/* Where the fact may stand: in place of what was known of the same ends, else of what has ended, else of the one taught first.
 * Only who writes the set calls it. */
static size_t place_for(struct set *set, const struct fact *fact, struct sl_mono now, bool *full)
{
	size_t place = 0;
	int64_t first = INT64_MAX;
	for (size_t way = 0; way < WAYS; way++) {
		struct fact old;
		sl_seqlock_load(set->word[way], WORDS, &old);
		int64_t since = old.until <= now.us ? INT64_MIN : old.since;
		if (is_of(&old, &fact->ends, fact->family)) {
			*full = false;
			return way;
		}
		if (since < first) {
			place = way;
			first = since;
		}
	}
	*full = first != INT64_MIN;
	return place;
}

enum sl_dns_taught sl_dns_names_teach(struct sl_dns_names *t, const struct sl_flow_key *flow,
                                      struct sl_bytes name, struct sl_mono now, struct sl_mono until)
{
	struct fact fact = { .family = flow->family, .since = now.us, .until = until.us };
	struct set *set = set_of(t, flow, &fact.ends);
	uint64_t number;
	bool full;
	if (name.len == 0 || name.len > SL_DNS_NAMES_TEXT || !sl_seqlock_write(&set->number, &number))
		return SL_DNS_TAUGHT_NOT;
	fact.len = (uint8_t)name.len;
	memcpy(fact.name, name.p, name.len);
	sl_seqlock_store(set->word[place_for(set, &fact, now, &full)], WORDS, &fact);
	sl_seqlock_written(&set->number, number);
	return full ? SL_DNS_TAUGHT_FULL : SL_DNS_TAUGHT;
}

/* False where there is none. */
static bool find(const struct set *set, const struct ends *ends, uint8_t family, struct fact *out)
{
	for (size_t way = 0; way < WAYS; way++) {
		struct ends at;
		sl_seqlock_load(set->word[way], ENDS_WORDS, &at);
		if (memcmp(&at, ends, sizeof(at)) != 0)
			continue;
		sl_seqlock_load(set->word[way], WORDS, out);
		if (is_of(out, ends, family))
			return true;
	}
	return false;
}

size_t sl_dns_names_find(const struct sl_dns_names *t, const struct sl_flow_key *flow, struct sl_mono now,
                         char out[SL_DNS_NAMES_TEXT])
{
	struct ends ends;
	struct fact fact;
	const struct set *set = set_of(t, flow, &ends);
	for (int i = 0; i < SL_SEQLOCK_TRIES; i++) {
		uint64_t number = sl_seqlock_read(&set->number);
		bool found = find(set, &ends, flow->family, &fact);
		if (!sl_seqlock_was_whole(&set->number, number))
			continue;
		if (!found || fact.until <= now.us)
			return 0;
		memcpy(out, fact.name, fact.len);
		return fact.len;
	}
	return 0;
}
