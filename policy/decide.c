/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/decide.h"

#include "base/util.h"
#include "policy/decide_impl.h"
#include "policy/keys_address.h"
#include "policy/url.h"

/* Does a slot speak for a key that was found so? (policy-resolution line 6) */
static bool counts(unsigned slot, const struct sl_match *m)
{
	switch (SL_SLOT_SCOPE(slot)) {
	case SL_SCOPE_ADDRESS:
		return m->address;
	case SL_SCOPE_EXACT:
		return !m->address && m->host_off == 0;
	case SL_SCOPE_BELOW:
		return !m->address && m->host_off > 0;
	default:
		return !m->address;
	}
}

static void note_masks(struct sl_lane *l, const struct sl_match *m)
{
	unsigned n = 0;
	const struct sl_combo_mask *mask = sl_snapshot_masks(l->s, sl_snapshot_combo(l->s, m->key), &n);
	for (unsigned i = 0; i < n; i++)
		if (counts(mask[i].slot, m))
			l->said[mask[i].slot & 3] |= mask[i].categories;
	if (l->n_match < SL_LANE_MATCHES)
		l->match[l->n_match] = *m;
	l->n_match++;
}

static uint64_t bits_of(const struct sl_snapshot *s, const struct sl_mention *m)
{
	bool all = SL_SLOT_EFFECT(m->slot) == SL_EFFECT_EXCEPT &&
	           (s->list[m->list].flags & SL_SNAPSHOT_LIST_ALL) != 0;
	return UINT64_C(1) << (m->category & 63) | (all ? s->kind[SL_LIST_BLOCK] : 0);
}

static bool is_better(const struct sl_best *a, const struct sl_best *b)
{
	if (!b->found || a->rank != b->rank)
		return !b->found || a->rank > b->rank;
	if (a->category != b->category)
		return a->category < b->category;
	return a->list != b->list ? a->list < b->list : a->line < b->line;
}

/* Which entry to name: the longest key, then the first category, list and line (line 6g). */
static void note_best(struct sl_lane *l, const struct sl_match *m)
{
	unsigned n = 0;
	const struct sl_mention *say = sl_snapshot_mentions(l->s, sl_snapshot_combo(l->s, m->key), &n);
	for (unsigned i = 0; i < n; i++) {
		if (say[i].list >= l->s->h.lists || !counts(say[i].slot, m) ||
		    (l->want_slots >> (say[i].slot & 3) & 1) == 0 || (bits_of(l->s, &say[i]) & l->want) == 0)
			continue;
		struct sl_best this = {
			true,        m->rank, say[i].list, say[i].category, sl_snapshot_line(l->s, m->key, i),
			say[i].slot, *m
		};
		if (is_better(&this, &l->best))
			l->best = this;
	}
}

void sl_lane_visit(struct sl_lane *l, const struct sl_match *m)
{
	if (l->want != 0)
		note_best(l, m);
	else
		note_masks(l, m);
}

static uint16_t port_len(uint16_t port)
{
	return port == 0 ? 0 : port < 10 ? 2 : port < 100 ? 3 : port < 1000 ? 4 : port < 10000 ? 5 : 6;
}

/* A probe that the prefilter let through. */
static void resolve(struct sl_lane *l, const struct sl_key_probes *probes, uint32_t i)
{
	uint8_t sorted[SL_SORT_MAX];
	struct sl_key key = sl_keys_key(&l->keys, probes, i);
	struct sl_match m = {
		.key = sl_snapshot_find(l->s, probes->hash[i],
		                        sl_bytes_of(sorted, sl_sort_write(&key, sorted))),
		.host_off = (uint16_t)(l->host->len - key.host.len),
		.path_len = (uint16_t)key.path.len,
		.port = key.port,
		.rank = (uint16_t)(SL_RANK_NAME + key.host.len + port_len(key.port) + key.path.len),
	};
	if (m.key != UINT64_MAX)
		sl_lane_visit(l, &m);
}

void sl_lane_resolve(struct sl_lane *l, const struct sl_key_probes *probes, uint64_t perhaps)
{
	if ((perhaps & (perhaps - 1)) != 0)
		for (uint64_t left = perhaps; left != 0; left &= left - 1)
			sl_snapshot_prefetch(l->s, probes->hash[__builtin_ctzll(left)]);
	for (; perhaps != 0; perhaps &= perhaps - 1)
		resolve(l, probes, (uint32_t)__builtin_ctzll(perhaps));
}

static uint64_t first_mask(uint32_t n)
{
	return n >= 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
}

/* A host that no path or port goes with has no other probes than its suffixes, whose hashes lie ready. */
bool sl_lane_plain(const struct sl_lane *l)
{
	return l->keys.path_hosts == 0 && l->keys.port == 0 && l->keys.n_hosts <= SL_KEY_PROBES;
}

static bool is_plain_miss(const struct sl_lane *l)
{
	const struct sl_keys *k = &l->keys;
	return sl_lane_plain(l) && (sl_prefilter_maybe_many(l->s->prefilter, k->host_hash, k->n_hosts) &
	                            first_mask(k->n_hosts)) == 0;
}

/* The probes from at on. */
static void walk_names(struct sl_lane *l, struct sl_keys_at *at)
{
	struct sl_key_probes probes;
	while (sl_keys_next(&l->keys, at, &probes) > 0)
		sl_lane_resolve(l, &probes,
		                sl_prefilter_maybe_many(l->s->prefilter, probes.hash, probes.n) &
		                        first_mask(probes.n));
}

static void resolve_prefix(struct sl_lane *l, const struct sl_key_prefixes *p, uint32_t i)
{
	char text[SL_KEY_PREFIX_MAX + 1];
	uint8_t sorted[SL_SORT_MAX];
	struct sl_key key = sl_key_of_prefix(l->address.v6, l->address.addr, p->len[i], text);
	struct sl_match m = {
		.key = sl_snapshot_find(l->s, p->hash[i], sl_bytes_of(sorted, sl_sort_write(&key, sorted))),
		.address = true,
		.prefix_len = p->len[i],
		.rank = p->len[i],
	};
	if (m.key != UINT64_MAX)
		sl_lane_visit(l, &m);
}

static void walk_address(struct sl_lane *l)
{
	struct sl_key_prefixes p;
	if (!l->has_address)
		return;
	sl_keys_of_address(l->address.v6, l->address.addr, &l->s->h.shape, l->s->h.seed, &p);
	for (uint32_t i = 0; i < p.n; i++)
		if (sl_prefilter_maybe(l->s->prefilter, p.hash[i]))
			resolve_prefix(l, &p, i);
}

static bool shape_has_addresses(const struct sl_key_shape *shape)
{
	return (shape->v4 | shape->v6[0] | shape->v6[1] | shape->v6[2]) != 0;
}

/* An IPv4-mapped address is the IPv4 one, as in lists (sl_prefix_read). */
static void unmap(struct sl_prefix *p)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	if (!p->v6 || memcmp(p->addr, mapped, sizeof(mapped)) != 0)
		return;
	memmove(p->addr, p->addr + sizeof(mapped), 4);
	memset(p->addr + 4, 0, sizeof(mapped));
	p->v6 = false;
	p->len = SL_PREFIX_V4;
}

bool sl_query_address(const struct sl_query *q, const struct sl_host *host, struct sl_prefix *out)
{
	if (q->address == NULL && (host == NULL || !host->address))
		return false;
	if (q->address != NULL) {
		*out = *q->address;
	} else {
		struct sl_bytes text = sl_bytes_of(host->name, host->len);
		*out = (struct sl_prefix){ .v6 = sl_key_is_v6(text) };
		out->len = out->v6 ? SL_PREFIX_V6 : SL_PREFIX_V4;
		(void)sl_key_address_read(text, out->addr);
	}
	unmap(out);
	return true;
}

static void read_address(struct sl_lane *l, const struct sl_query *q)
{
	l->has_address = shape_has_addresses(&l->s->h.shape) && sl_query_address(q, l->host, &l->address);
}

static void read_path(struct sl_lane *l, const struct sl_query *q)
{
	uint16_t len = 0;
	l->canon_path = (struct sl_bytes){ NULL, 0 };
	if (q->path.p == NULL || l->s->h.shape.path_hosts == 0)
		return;
	if (q->canon != NULL) {
		l->canon_path = q->path;
		return;
	}
	sl_path_canon(q->path, l->path, &len);
	l->canon_path = sl_bytes_of(l->path, len);
}

static void clear_host(struct sl_host *host)
{
	host->len = 0;
	host->address = false;
	host->name[0] = '\0';
}

static void set_host(struct sl_lane *l, const struct sl_query *q, struct sl_decision *out)
{
	l->host = NULL;
	out->bad_host = false;
	if (q->canon != NULL) {
		l->host = q->canon;
		clear_host(&out->host);
	} else if (q->host.p == NULL && q->address != NULL) {
		clear_host(&out->host);
	} else {
		out->bad_host = sl_host_canon(q->host, &out->host) != SL_OK;
		l->host = out->bad_host ? NULL : &out->host;
	}
}

static void clear(struct sl_decision *out)
{
	out->block = out->key_below = out->key_address = false;
	out->letter = 'h';
	out->list = out->category = UINT16_MAX;
	out->line = 0;
	out->shadow = 0;
	out->key_host_off = out->key_path_len = out->key_port = 0;
	out->key_prefix_len = 0;
	out->profile = SL_PROFILE_NATIVE;
	out->key_head = out->key_tail = 0;
}

void sl_lane_clear(struct sl_lane *l, const struct sl_snapshot *s, struct sl_decision *out)
{
	clear(out);
	l->s = s;
	memset(l->said, 0, sizeof(l->said));
	l->n_match = 0;
	l->want = 0;
	l->suburls = NULL;
}

void sl_lane_begin(struct sl_lane *l, const struct sl_snapshot *s, const struct sl_query *q,
                   struct sl_decision *out)
{
	sl_lane_clear(l, s, out);
	l->at = (struct sl_keys_at){ 0 };
	set_host(l, q, out);
	read_path(l, q);
	read_address(l, q);
	if (l->host != NULL)
		sl_keys_of(l->host, q->port, l->canon_path, &s->h.shape, s->h.seed, &l->keys);
}

/* Who is to be named, and for what: among the matches that were kept, or, if they were too many, all over again. */
static void find_best(struct sl_lane *l, uint64_t want, unsigned slots)
{
	struct sl_keys_at at = { 0 };
	l->want = want;
	l->want_slots = slots;
	l->best.found = false;
	if (l->n_match <= SL_LANE_MATCHES) {
		for (unsigned i = 0; i < l->n_match; i++)
			note_best(l, &l->match[i]);
		return;
	}
	if (l->suburls != NULL) {
		sl_lane_walk_suburls(l);
		return;
	}
	if (l->host != NULL)
		walk_names(l, &at);
	walk_address(l);
}

enum { BLOCK = 0, BLOCK_IMPORTANT = 1, EXCEPT = 2, EXCEPT_IMPORTANT = 3 }; /* a slot without its scope */
#define ANY_BLOCK (1u << BLOCK | 1u << BLOCK_IMPORTANT)

static void name_best(struct sl_lane *l, struct sl_decision *out)
{
	const struct sl_best *best = &l->best;
	if (!best->found)
		return;
	out->list = best->list;
	out->category = best->category;
	out->line = best->line;
	out->key_host_off = best->match.host_off;
	out->key_path_len = best->match.path_len;
	out->key_port = best->match.port;
	out->key_below = SL_SLOT_SCOPE(best->slot) == SL_SCOPE_BELOW;
	out->key_address = best->match.address;
	out->key_prefix_len = best->match.prefix_len;
	out->key_head = best->match.head;
	out->key_tail = best->match.tail;
}

static void speak(struct sl_lane *l, char letter, bool block, uint64_t want, unsigned slots,
                  struct sl_decision *out)
{
	out->letter = letter;
	out->block = block;
	if (want == 0)
		return;
	find_best(l, want, slots);
	name_best(l, out);
}

/* The first letter that speaks decides: policy-resolution line 6, d to h. */
static void judge(struct sl_lane *l, const struct sl_roles *roles, struct sl_decision *out)
{
	const uint64_t *said = l->said, *kind = l->s->kind;
	uint64_t on = roles == NULL ? kind[SL_LIST_BLOCK] : roles->block & kind[SL_LIST_BLOCK];
	uint64_t allow = roles == NULL ? kind[SL_LIST_ALLOW] : roles->allow & kind[SL_LIST_ALLOW];
	uint64_t shadow = roles == NULL ? 0 : roles->shadow & kind[SL_LIST_BLOCK];
	uint64_t listed = (said[BLOCK] | said[BLOCK_IMPORTANT]) & ~(said[EXCEPT] | said[EXCEPT_IMPORTANT]);

	if ((listed & kind[SL_LIST_NEVER]) != 0)
		speak(l, 'd', false, listed & kind[SL_LIST_NEVER], ANY_BLOCK, out);
	else if ((said[EXCEPT_IMPORTANT] & on) != 0)
		speak(l, 'e', false, said[EXCEPT_IMPORTANT] & on, 1u << EXCEPT_IMPORTANT, out);
	else if ((said[BLOCK_IMPORTANT] & on) != 0)
		speak(l, 'e', true, said[BLOCK_IMPORTANT] & on, 1u << BLOCK_IMPORTANT, out);
	else if ((listed & allow) != 0)
		speak(l, 'f', false, listed & allow, ANY_BLOCK, out);
	else {
		out->shadow = listed & shadow;
		if ((listed & on) != 0)
			speak(l, 'g', true, listed & on, ANY_BLOCK, out);
		else
			speak(l, 'h', roles != NULL && roles->default_block, 0, 0, out);
	}
}

void sl_lane_walk(struct sl_lane *l)
{
	walk_names(l, &l->at);
}

void sl_lane_judge(struct sl_lane *l, const struct sl_query *q, struct sl_decision *out)
{
	if (l->n_match > 0)
		judge(l, q->roles, out);
	else
		out->block = q->roles != NULL && q->roles->default_block;
}

void sl_lane_end(struct sl_lane *l, const struct sl_query *q, struct sl_decision *out)
{
	walk_address(l);
	sl_lane_judge(l, q, out);
}

void sl_decide(const struct sl_snapshot *s, const struct sl_query *q, struct sl_decision *out)
{
	struct sl_lane l;
	if (SL_UNLIKELY(s->h.profile != SL_PROFILE_NATIVE)) {
		sl_decide_suburls(s, q, out);
		return;
	}
	sl_lane_begin(&l, s, q, out);
	if (l.host != NULL && !is_plain_miss(&l))
		sl_lane_walk(&l);
	sl_lane_end(&l, q, out);
}
