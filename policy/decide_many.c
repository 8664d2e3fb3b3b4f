/* SPDX-License-Identifier: GPL-2.0-or-later */
/* decide_many.c - several questions side by side. A host has three or four keys, each a cold line of the prefilter: put
 * together they are fetched at once. What the prefilter lets through is rare and goes one by one. */
#include "base/util.h"
#include "policy/decide_impl.h"

enum {
	LANES = 8
}; /* 8 hosts of 8 labels fill one call of the prefilter, and their state the first-level cache */

struct group {
	struct sl_lane lane[LANES];
	struct sl_key_probes probes[LANES]; /* the first ones; of plain lanes only where they are needed */
	uint64_t hash[LANES * SL_KEY_PROBES];
	size_t first[LANES + 1]; /* of each lane in hash */
};

/* Puts the hashes of all lanes together. */
static void gather(struct group *g, size_t n)
{
	g->first[0] = 0;
	for (size_t i = 0; i < n; i++) {
		struct sl_lane *l = &g->lane[i];
		uint64_t *to = &g->hash[g->first[i]];
		size_t count = 0;
		if (l->host != NULL && sl_lane_plain(l)) {
			count = l->keys.n_hosts;
			memcpy(to, l->keys.host_hash, count * sizeof(*to));
		} else if (l->host != NULL) {
			count = sl_keys_next(&l->keys, &l->at, &g->probes[i]);
			memcpy(to, g->probes[i].hash, count * sizeof(*to));
		}
		g->first[i + 1] = g->first[i] + count;
	}
}

/* Which of them the prefilter lets through: a bit each, by lane. */
static void ask_prefilter(const struct group *g, size_t n, uint64_t perhaps[LANES])
{
	const struct sl_snapshot *s = g->lane[0].s;
	size_t lane = 0, count = g->first[n];
	for (size_t at = 0; at < count; at += SL_PREFILTER_MANY) {
		size_t some = sl_min(count - at, SL_PREFILTER_MANY);
		uint64_t hit = sl_prefilter_maybe_many(s->prefilter, &g->hash[at], some);
		for (hit &= some == 64 ? UINT64_MAX : (UINT64_C(1) << some) - 1; hit != 0; hit &= hit - 1) {
			size_t k = at + (size_t)__builtin_ctzll(hit);
			while (k >= g->first[lane + 1])
				lane++;
			perhaps[lane] |= UINT64_C(1) << (k - g->first[lane]);
			sl_snapshot_prefetch(s, g->hash[k]);
		}
	}
}

static void finish(struct group *g, size_t i, uint64_t perhaps, const struct sl_query *q,
                   struct sl_decision *out)
{
	struct sl_lane *l = &g->lane[i];
	bool plain = l->host != NULL && sl_lane_plain(l);
	if (plain && perhaps != 0)
		(void)sl_keys_next(&l->keys, &l->at, &g->probes[i]);
	if (perhaps != 0)
		sl_lane_resolve(l, &g->probes[i], perhaps);
	if (l->host != NULL && !plain)
		sl_lane_walk(l);
	sl_lane_end(l, q, out);
}

static void decide_group(const struct sl_snapshot *s, const struct sl_query *q, size_t n,
                         struct sl_decision *out)
{
	struct group g;
	uint64_t perhaps[LANES] = { 0 };
	for (size_t i = 0; i < n; i++)
		sl_lane_begin(&g.lane[i], s, &q[i], &out[i]);
	gather(&g, n);
	ask_prefilter(&g, n, perhaps);
	for (size_t i = 0; i < n; i++)
		finish(&g, i, perhaps[i], &q[i], &out[i]);
}

void sl_decide_many(const struct sl_snapshot *s, const struct sl_query *q, size_t n, struct sl_decision *out)
{
	if (s->h.profile != SL_PROFILE_NATIVE) {
		for (size_t i = 0; i < n; i++)
			sl_decide_suburls(s, &q[i], &out[i]);
		return;
	}
	for (size_t at = 0; at < n; at += LANES)
		decide_group(s, &q[at], sl_min(n - at, LANES), &out[at]);
}
