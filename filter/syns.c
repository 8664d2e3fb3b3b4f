/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of four entries behind a number each (base/seqlock.h). */
#include "filter/syns.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/seqlock.h"
#include "base/util.h"

enum {
	WAYS = 4,
	NUMBERS_MAX = 3,
	MIN_SYNS = 64,
	MAX_SYNS = 1 << 24,
	AGAIN_MS = 120000, /* servers wait for the first bytes as long, or less */
};

struct entry {
	struct sl_flow_key key;
	uint8_t ttl;
	uint8_t numbers; /* 0: free */
	bool fresh;
	uint32_t seq, other;
	int64_t at; /* microseconds */
};

enum { WORDS = sizeof(struct entry) / sizeof(uint64_t) };
_Static_assert(sizeof(struct entry) == WORDS * sizeof(uint64_t), "an entry is words");

struct set {
	_Atomic uint64_t number;
	_Atomic uint64_t word[WAYS][WORDS];
};

struct sl_syns {
	struct set *set;
	uint32_t mask;
	uint64_t seed;
};

int sl_syns_new(uint32_t max, uint64_t seed, struct sl_syns **out)
{
	if (max < MIN_SYNS || max > MAX_SYNS)
		return SL_EINVAL;
	uint32_t sets = MIN_SYNS / WAYS;
	while (sets * WAYS < max)
		sets *= 2;
	struct sl_syns *t = calloc(1, sizeof(*t));
	if (t == NULL)
		return SL_ENOMEM;
	t->mask = sets - 1;
	t->seed = seed;
	t->set = calloc(sets, sizeof(*t->set));
	if (t->set == NULL) {
		sl_syns_free(&t);
		return SL_ENOMEM;
	}
	*out = t;
	return SL_OK;
}

void sl_syns_free(struct sl_syns **t)
{
	struct sl_syns *old = sl_take(t);
	if (old == NULL)
		return;
	free(old->set);
	free(old);
}

static struct set *set_of(const struct sl_syns *t, const struct sl_flow_key *key)
{
	return &t->set[sl_hash(key, sizeof(*key), t->seed) & t->mask];
}

/* The way in which the entry of key stands; WAYS where none does. */
static size_t find(const struct set *set, const struct sl_flow_key *key, struct entry *out)
{
	size_t way = 0;
	for (; way < WAYS; way++) {
		sl_seqlock_load(set->word[way], WORDS, out);
		if (out->numbers != 0 && memcmp(&out->key, key, sizeof(*key)) == 0)
			break;
	}
	return way;
}

/* An unused one, or the oldest. Only who writes the set calls it. */
static size_t place_for(const struct set *set)
{
	size_t place = 0;
	int64_t oldest = INT64_MAX;
	for (size_t way = 0; way < WAYS; way++) {
		struct entry old;
		sl_seqlock_load(set->word[way], WORDS, &old);
		int64_t at = old.numbers != 0 ? old.at : INT64_MIN;
		if (at < oldest) {
			place = way;
			oldest = at;
		}
	}
	return place;
}

bool sl_syns_put(struct sl_syns *t, const struct sl_flow_key *key, uint32_t seq, uint8_t ttl, bool fresh,
                 struct sl_mono now)
{
	struct set *set = set_of(t, key);
	struct entry old,
	        entry = { .key = *key, .ttl = ttl, .numbers = 1, .fresh = fresh, .seq = seq, .at = now.us };
	uint64_t number;
	if (!sl_seqlock_write(&set->number, &number))
		return false;
	size_t way = find(set, key, &old);
	if (way < WAYS && !fresh && now.us - old.at < sl_span_ms(AGAIN_MS).us) {
		entry.fresh = old.fresh;
		entry.ttl = (uint8_t)sl_max(ttl, old.ttl);
		entry.numbers = (uint8_t)sl_min(old.numbers + (old.seq != seq), NUMBERS_MAX);
		entry.other = old.seq != seq ? old.seq : old.other;
	}
	if (way == WAYS)
		way = place_for(set);
	sl_seqlock_store(set->word[way], WORDS, &entry);
	sl_seqlock_written(&set->number, number);
	return true;
}

static bool is_there(const struct set *set, const struct sl_flow_key *key)
{
	struct entry entry;
	for (int i = 0; i < SL_SEQLOCK_TRIES; i++) {
		uint64_t number = sl_seqlock_read(&set->number);
		bool found = find(set, key, &entry) < WAYS;
		if (sl_seqlock_was_whole(&set->number, number))
			return found;
	}
	return false;
}

bool sl_syns_take(struct sl_syns *t, const struct sl_flow_key *key, struct sl_syn *out)
{
	static const struct entry nothing = { .numbers = 0 };
	struct set *set = set_of(t, key);
	struct entry entry;
	uint64_t number;
	if (!is_there(set, key) || !sl_seqlock_write(&set->number, &number))
		return false;
	size_t way = find(set, key, &entry);
	if (way < WAYS) {
		sl_seqlock_store(set->word[way], WORDS, &nothing);
		*out = (struct sl_syn){ entry.seq, entry.other, entry.ttl, entry.fresh, entry.numbers };
	}
	sl_seqlock_written(&set->number, number);
	return way < WAYS;
}
