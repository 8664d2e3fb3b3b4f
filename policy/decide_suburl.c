/* SPDX-License-Identifier: GPL-2.0-or-later */
/* decide_suburl.c - is a URL blocked, as NEURLFilter would have it? Every sub-URL is a key, and one that a list blocks is
 * enough (NE-URL-10, NE-URL-36). Heads and tails are hashed once each: subkeys/... */
#include "base/util.h"
#include "policy/decide_impl.h"

static uint64_t ask_prefilter(const struct sl_snapshot *s, const struct sl_suburl_probes *p)
{
	uint64_t all = p->n >= 64 ? UINT64_MAX : (UINT64_C(1) << p->n) - 1;
	return sl_prefilter_maybe_many(s->prefilter, p->hash, p->n) & all;
}

static void resolve(struct sl_lane *l, const struct sl_suburl_probes *p, uint32_t i)
{
	char path[SL_PATH_MAX];
	uint8_t sorted[SL_SORT_MAX];
	struct sl_key key = sl_suburl_key(l->suburls->urls, p->head[i], p->tail[i], path);
	struct sl_match m = {
		.key = sl_snapshot_find(l->s, p->hash[i], sl_bytes_of(sorted, sl_sort_write(&key, sorted))),
		.rank = (uint16_t)(SL_RANK_NAME + key.host.len + (key.port != 0) + key.path.len),
		.head = p->head[i],
		.tail = p->tail[i],
	};
	if (m.key != UINT64_MAX)
		sl_lane_visit(l, &m);
}

void sl_lane_walk_suburls(struct sl_lane *l)
{
	struct sl_suburl_probes probes;
	struct sl_suburl_at at = { 0 };
	while (sl_suburl_probes_next(l->suburls, &at, &probes) > 0)
		for (uint64_t perhaps = ask_prefilter(l->s, &probes); perhaps != 0; perhaps &= perhaps - 1)
			resolve(l, &probes, (uint32_t)__builtin_ctzll(perhaps));
}

void sl_decide_suburls(const struct sl_snapshot *s, const struct sl_query *q, struct sl_decision *out)
{
	struct sl_lane l;
	struct sl_suburls urls;
	struct sl_suburl_tails tails;
	enum sl_profile profile = (enum sl_profile)s->h.profile;
	sl_lane_clear(&l, s, out);
	out->host.len = 0;
	out->profile = profile;
	out->bad_host =
	        sl_suburls_of(sl_query_url(q), sl_suburl_profile_of(profile), q->parsing, &urls) != SL_OK;
	if (!out->bad_host) {
		out->host = urls.host;
		sl_suburl_tails_of(&urls, s->h.seed, &tails);
		l.suburls = &tails;
		sl_lane_walk_suburls(&l);
	}
	sl_lane_judge(&l, q, out);
}
