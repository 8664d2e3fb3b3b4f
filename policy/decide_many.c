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
	struct sl_key_probes probes[LANES];
};

/* The first probes of all lanes, as many as fit into calls of SL_PREFILTER_MANY. */
static void ask_first(struct group *g, size_t n)
{
	uint64_t hash[LANES * SL_KEY_PROBES], perhaps[LANES] = { 0 };
	uint8_t lane[LANES * SL_KEY_PROBES];
	size_t count = 0;
	for (size_t i = 0; i < n; i++) {
		memcpy(&hash[count], g->probes[i].hash, g->probes[i].n * sizeof(*hash));
		memset(&lane[count], (int)i, g->probes[i].n);
		count += g->probes[i].n;
	}
	const struct sl_prefilter *pf = g->lane[0].s->prefilter;
	size_t first[LANES + 1] = { 0 };
	for (size_t i = 0; i < n; i++)
		first[i + 1] = first[i] + g->probes[i].n;
	for (size_t at = 0; at < count; at += SL_PREFILTER_MANY) {
		size_t some = sl_min(count - at, SL_PREFILTER_MANY);
		uint64_t hit = sl_prefilter_maybe_many(pf, &hash[at], some);
		for (hit &= some == 64 ? UINT64_MAX : (UINT64_C(1) << some) - 1; hit != 0; hit &= hit - 1) {
			size_t k = at + (size_t)__builtin_ctzll(hit);
			perhaps[lane[k]] |= UINT64_C(1) << (k - first[lane[k]]);
			sl_snapshot_prefetch(g->lane[0].s, hash[k]);
		}
	}
	for (size_t i = 0; i < n; i++)
		if (perhaps[i] != 0)
			sl_lane_resolve(&g->lane[i], &g->probes[i], perhaps[i]);
}

static void decide_group(const struct sl_snapshot *s, const struct sl_query *q, size_t n,
                         struct sl_decision *out)
{
	struct group g;
	for (size_t i = 0; i < n; i++) {
		struct sl_lane *l = &g.lane[i];
		sl_lane_begin(l, s, &q[i], &out[i]);
		g.probes[i].n = 0;
		if (l->host != NULL)
			(void)sl_keys_next(&l->keys, &l->at, &g.probes[i]);
	}
	ask_first(&g, n);
	for (size_t i = 0; i < n; i++)
		sl_lane_end(&g.lane[i], &q[i], &out[i]);
}

void sl_decide_many(const struct sl_snapshot *s, const struct sl_query *q, size_t n, struct sl_decision *out)
{
	for (size_t at = 0; at < n; at += LANES)
		decide_group(s, &q[at], sl_min(n - at, LANES), &out[at]);
}
