/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chained buckets over arrays of indices; entry 0 of the flows is the head of the ring by age and never a flow, so that
 * an index of 0 says "none". */
#include "filter/flow_table.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/lines.h"

enum { MIN_FLOWS = 1 << 6, MAX_FLOWS = 1 << 24, SPARED_AT_ONCE = 8 };

struct sl_flow_table {
	struct sl_flow_table_cfg cfg;
	struct sl_flow *flow; /* 0..max_flows */
	uint32_t *bucket;
	uint32_t mask;   /* buckets - 1 */
	uint32_t unused; /* entries from here on were never used, so their pages may not exist yet */
	uint32_t free;   /* list of used ones, by chain */
	uint32_t count;
};

int sl_flow_table_new(const struct sl_flow_table_cfg *cfg, struct sl_flow_table **out)
{
	if (cfg->max_flows < MIN_FLOWS || cfg->max_flows > MAX_FLOWS)
		return SL_EINVAL;
	struct sl_flow_table *ft = sl_lines_new(1, sizeof(*ft));
	if (ft == NULL)
		return SL_ENOMEM;
	uint32_t buckets = MIN_FLOWS;
	while (buckets < cfg->max_flows)
		buckets *= 2;
	ft->cfg = *cfg;
	ft->mask = buckets - 1;
	ft->unused = 1;
	ft->bucket = sl_lines_new(buckets, sizeof(*ft->bucket));
	ft->flow = aligned_alloc(SL_CACHE_LINE, ((size_t)cfg->max_flows + 1) * sizeof(*ft->flow));
	if (ft->bucket == NULL || ft->flow == NULL) {
		sl_flow_table_free(&ft);
		return SL_ENOMEM;
	}
	ft->flow[0] = (struct sl_flow){ 0 };
	*out = ft;
	return SL_OK;
}

void sl_flow_table_free(struct sl_flow_table **ft)
{
	struct sl_flow_table *old = sl_take(ft);
	if (old == NULL)
		return;
	free(old->bucket);
	free(old->flow);
	free(old);
}

static uint32_t *bucket_of(const struct sl_flow_table *ft, const struct sl_flow_key *ordered)
{
	return &ft->bucket[sl_hash(ordered, sizeof(*ordered), ft->cfg.seed) & ft->mask];
}

static uint32_t chain_find(const struct sl_flow_table *ft, uint32_t at, const struct sl_flow_key *ordered)
{
	while (at != 0 && memcmp(&ft->flow[at].key, ordered, sizeof(*ordered)) != 0)
		at = ft->flow[at].chain;
	return at;
}

static void age_unlink(struct sl_flow_table *ft, const struct sl_flow *flow)
{
	ft->flow[flow->newer].older = flow->older;
	ft->flow[flow->older].newer = flow->newer;
}

/* The ring's head is newer than the newest and older than the oldest. */
static void age_youngest(struct sl_flow_table *ft, uint32_t at)
{
	struct sl_flow *head = &ft->flow[0];
	ft->flow[at].newer = 0;
	ft->flow[at].older = head->older;
	ft->flow[head->older].newer = at;
	head->older = at;
}

void sl_flow_table_drop(struct sl_flow_table *ft, struct sl_flow *flow)
{
	uint32_t at = (uint32_t)(flow - ft->flow);
	uint32_t *link = bucket_of(ft, &flow->key);
	while (*link != at)
		link = &ft->flow[*link].chain;
	*link = flow->chain;
	age_unlink(ft, flow);
	flow->chain = ft->free;
	ft->free = at;
	ft->count--;
}

static void put_out(struct sl_flow_table *ft, struct sl_flow *flow, bool evicted)
{
	if (ft->cfg.gone != NULL)
		ft->cfg.gone(ft->cfg.ctx, flow, evicted);
	sl_flow_table_drop(ft, flow);
}

/* False: it goes. */
static bool spare(struct sl_flow_table *ft, struct sl_flow *flow)
{
	if (ft->cfg.spared == NULL || !ft->cfg.spared(ft->cfg.ctx, flow))
		return false;
	age_unlink(ft, flow);
	age_youngest(ft, (uint32_t)(flow - ft->flow));
	return true;
}

static uint32_t take_entry(struct sl_flow_table *ft)
{
	if (ft->free == 0 && ft->unused <= ft->cfg.max_flows)
		return ft->unused++;
	for (int i = 0; i < SPARED_AT_ONCE && ft->free == 0; i++)
		if (!spare(ft, &ft->flow[ft->flow[0].newer]))
			put_out(ft, &ft->flow[ft->flow[0].newer], true);
	if (ft->free == 0)
		put_out(ft, &ft->flow[ft->flow[0].newer], true);
	uint32_t at = ft->free;
	ft->free = ft->flow[at].chain;
	return at;
}

struct sl_flow *sl_flow_table_get(struct sl_flow_table *ft, const struct sl_flow_key *key, struct sl_mono now,
                                  bool *fresh)
{
	struct sl_flow_key ordered = *key;
	bool swapped = sl_flow_key_order(&ordered);
	uint32_t *bucket = bucket_of(ft, &ordered);
	uint32_t at = chain_find(ft, *bucket, &ordered);
	*fresh = at == 0;
	if (*fresh) {
		at = take_entry(ft);
		ft->flow[at] =
		        (struct sl_flow){ .key = ordered, .swapped = swapped, .chain = *bucket, .born = now };
		*bucket = at;
		ft->count++;
	} else {
		age_unlink(ft, &ft->flow[at]);
	}
	age_youngest(ft, at);
	ft->flow[at].seen = now;
	return &ft->flow[at];
}

struct sl_flow *sl_flow_table_find(struct sl_flow_table *ft, const struct sl_flow_key *key)
{
	struct sl_flow_key ordered = *key;
	(void)sl_flow_key_order(&ordered);
	uint32_t at = chain_find(ft, *bucket_of(ft, &ordered), &ordered);
	return at == 0 ? NULL : &ft->flow[at];
}

uint32_t sl_flow_table_expect(const struct sl_flow_table *ft, const struct sl_flow_key *key)
{
	struct sl_flow_key ordered = *key;
	(void)sl_flow_key_order(&ordered);
	const uint32_t *bucket = bucket_of(ft, &ordered);
	__builtin_prefetch(bucket, 1);
	return (uint32_t)(bucket - ft->bucket);
}

/* The first of the bucket; most have one at most. Entry 0 is the head of the ring, which is always near. */
void sl_flow_table_fetch(const struct sl_flow_table *ft, uint32_t bucket)
{
	const char *flow = (const char *)&ft->flow[ft->bucket[bucket]];
	__builtin_prefetch(flow, 1);
	__builtin_prefetch(flow + SL_CACHE_LINE, 1);
}

void sl_flow_table_fetch_age(const struct sl_flow_table *ft, uint32_t bucket)
{
	const struct sl_flow *flow = &ft->flow[ft->bucket[bucket]];
	__builtin_prefetch(&ft->flow[flow->newer], 1);
	__builtin_prefetch(&ft->flow[flow->older], 1);
}

uint32_t sl_flow_table_expire(struct sl_flow_table *ft, struct sl_mono before, uint32_t max)
{
	uint32_t gone = 0;
	if (max > ft->count)
		max = ft->count; /* so that none is asked for twice */
	for (uint32_t looked = 0; looked < max; looked++) {
		struct sl_flow *oldest = &ft->flow[ft->flow[0].newer];
		if (sl_mono_reached(oldest->seen, before))
			break;
		if (spare(ft, oldest))
			continue;
		put_out(ft, oldest, false);
		gone++;
	}
	return gone;
}

uint32_t sl_flow_table_count(const struct sl_flow_table *ft)
{
	return ft->count;
}
