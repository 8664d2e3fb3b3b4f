/* SPDX-License-Identifier: GPL-2.0-or-later */
/* explain.c - the same walk as decide.c, told instead of judged. */
#include "policy/decide_impl.h"

struct told {
	struct sl_lane lane;
	struct sl_decision decision;
	int (*tell)(void *ctx, const struct sl_tried *t);
	void *ctx;
};

static int tell_key(struct told *t, const struct sl_key *key, uint64_t hash, bool below, bool address)
{
	char text[SL_KEY_MAX];
	uint8_t sorted[SL_SORT_MAX];
	const struct sl_snapshot *s = t->lane.s;
	struct sl_tried tried = {
		.key = sl_bytes_of(text, sl_key_write(key, text)),
		.hash = hash,
		.perhaps = sl_prefilter_maybe(s->prefilter, hash),
		.number = sl_snapshot_find(s, hash, sl_bytes_of(sorted, sl_sort_write(key, sorted))),
		.below = below,
		.address = address,
	};
	return t->tell(t->ctx, &tried);
}

static int tell_names(struct told *t)
{
	struct sl_keys_at at = { 0 };
	struct sl_key_probes probes;
	int err = SL_OK;
	while (err == SL_OK && sl_keys_next(&t->lane.keys, &at, &probes) > 0)
		for (uint32_t i = 0; i < probes.n && err == SL_OK; i++) {
			struct sl_key key = sl_keys_key(&t->lane.keys, &probes, i);
			err = tell_key(t, &key, probes.hash[i], key.host.len < t->lane.host->len, false);
		}
	return err;
}

static int tell_address(struct told *t)
{
	char text[SL_KEY_PREFIX_MAX + 1];
	struct sl_key_prefixes p;
	const struct sl_lane *l = &t->lane;
	int err = SL_OK;
	sl_keys_of_address(l->address.v6, l->address.addr, &l->s->h.shape, l->s->h.seed, &p);
	for (uint32_t i = 0; i < p.n && err == SL_OK; i++) {
		struct sl_key key = sl_key_of_prefix(l->address.v6, l->address.addr, p.len[i], text);
		err = tell_key(t, &key, p.hash[i], false, true);
	}
	return err;
}

static int tell_suburl(struct told *t, const struct sl_suburl_probes *p, uint32_t i)
{
	char text[SL_SNAPSHOT_KEY], path[SL_PATH_MAX];
	uint8_t sorted[SL_SORT_MAX];
	const struct sl_snapshot *s = t->lane.s;
	struct sl_key key = sl_suburl_key(t->lane.suburls->urls, p->head[i], p->tail[i], path);
	struct sl_tried tried = {
		.key = sl_bytes_of(text, sl_suburl_key_write(&key, text)),
		.hash = p->hash[i],
		.perhaps = sl_prefilter_maybe(s->prefilter, p->hash[i]),
		.number = sl_snapshot_find(s, p->hash[i], sl_bytes_of(sorted, sl_sort_write(&key, sorted))),
	};
	return t->tell(t->ctx, &tried);
}

static int tell_suburls(struct told *t, const struct sl_snapshot *s, const struct sl_query *q)
{
	struct sl_suburls urls;
	struct sl_suburl_tails tails;
	struct sl_suburl_probes probes;
	struct sl_suburl_at at = { 0 };
	int err = SL_OK;
	if (sl_suburls_of(sl_query_url(q), sl_suburl_profile_of((enum sl_profile)s->h.profile), q->parsing,
	                  &urls) != SL_OK)
		return SL_OK;
	sl_suburl_tails_of(&urls, s->h.seed, &tails);
	t->lane.suburls = &tails;
	while (err == SL_OK && sl_suburl_probes_next(&tails, &at, &probes) > 0)
		for (uint32_t i = 0; i < probes.n && err == SL_OK; i++)
			err = tell_suburl(t, &probes, i);
	t->lane.suburls = NULL;
	return err;
}

int sl_explain(const struct sl_snapshot *s, const struct sl_query *q,
               int (*tell)(void *ctx, const struct sl_tried *t), void *ctx)
{
	struct told t = { .tell = tell, .ctx = ctx };
	if (s->h.profile != SL_PROFILE_NATIVE) {
		t.lane.s = s;
		return tell_suburls(&t, s, q);
	}
	sl_lane_begin(&t.lane, s, q, &t.decision);
	int err = t.lane.host != NULL ? tell_names(&t) : SL_OK;
	return err == SL_OK && t.lane.has_address ? tell_address(&t) : err;
}
