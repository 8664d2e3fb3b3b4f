/* SPDX-License-Identifier: GPL-2.0-or-later */
/* decide_impl.h - one question on its way. Private to policy/decide*.c. */
#ifndef SL_POLICY_DECIDE_IMPL_H
#define SL_POLICY_DECIDE_IMPL_H

#include "policy/address.h"
#include "policy/decide.h"
#include "policy/snapshot_impl.h"
#include "policy/suburl_key.h"

enum { SL_LANE_MATCHES = 16 };
/* Longer keys are named before shorter ones, and names before addresses, whose length is that of their prefix. */
enum { SL_RANK_NAME = 256 };

struct sl_match {
	uint64_t key; /* number */
	uint16_t host_off, path_len, port, rank;
	bool address;
	uint8_t prefix_len;
	uint8_t head, tail; /* of a sub-URL */
};

struct sl_best {
	bool found;
	uint16_t rank, list, category;
	uint32_t line;
	uint8_t slot;
	struct sl_match match;
};

struct sl_lane {
	const struct sl_snapshot *s;
	const struct sl_host *host; /* canonical; NULL: none */
	struct sl_bytes canon_path;
	struct sl_prefix address;
	bool has_address;
	struct sl_keys_at at;
	uint64_t said[4]; /* categories, by effect and importance (a slot without its scope) */
	unsigned n_match; /* may be more than were kept */
	/* When looking for the entry to name: categories and slots (a bit each, without scope) that decided; else 0. */
	uint64_t want;
	unsigned want_slots;
	struct sl_best best;
	struct sl_match match[SL_LANE_MATCHES];
	const struct sl_suburl_tails *suburls; /* NE's profiles only; the members below are not used then */
	struct sl_keys keys;
	char path[SL_PATH_MAX + 1];
};

/* What the lists say of a key that was found: their masks, or, where l->want is set, whom to name. */
void sl_lane_visit(struct sl_lane *l, const struct sl_match *m);
/* decide_suburl.c: visits all sub-URLs that are keys. */
void sl_lane_walk_suburls(struct sl_lane *l);
/* Clears the answer, and what was found so far. */
void sl_lane_clear(struct sl_lane *l, const struct sl_snapshot *s, struct sl_decision *out);
/* Judges by what was found. */
void sl_lane_judge(struct sl_lane *l, const struct sl_query *q, struct sl_decision *out);
/* A question to a snapshot of NE's profiles. */
void sl_decide_suburls(const struct sl_snapshot *s, const struct sl_query *q, struct sl_decision *out);
/* The URL that such a question is about. */
static inline struct sl_bytes sl_query_url(const struct sl_query *q)
{
	return q->url.p != NULL   ? q->url
	       : q->canon != NULL ? sl_bytes_of(q->canon->name, q->canon->len)
	                          : q->host;
}

/* The destination that a query is about, if any. host: canonical, or NULL. */
bool sl_query_address(const struct sl_query *q, const struct sl_host *host, struct sl_prefix *out);

/* Canonical forms and hashes; clears the answer. */
void sl_lane_begin(struct sl_lane *l, const struct sl_snapshot *s, const struct sl_query *q,
                   struct sl_decision *out);
/* Looks for those probes that the prefilter let through, a bit each. */
void sl_lane_resolve(struct sl_lane *l, const struct sl_key_probes *probes, uint64_t perhaps);
/* Are its probes the hashes of keys.host_hash, in their order? */
bool sl_lane_plain(const struct sl_lane *l);
/* Makes the probes from l->at on. Only where there is a host. */
void sl_lane_walk(struct sl_lane *l);
/* Looks for the address, and judges. */
void sl_lane_end(struct sl_lane *l, const struct sl_query *q, struct sl_decision *out);

#endif
