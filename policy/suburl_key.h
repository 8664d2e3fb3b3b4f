/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suburl_key.h - sub-URLs and entries of a data set (suburl.h) as keys of a snapshot whose profile is one of NE's. Private to
 * policy/. Such a key has the parts of a native one, and its path is all that stands behind host and port, as it is: it may
 * start with "?" or "#", be "/" alone, or end in a slash. Two keys are one exactly where their texts are. */
#ifndef SL_POLICY_SUBURL_KEY_H
#define SL_POLICY_SUBURL_KEY_H

#include "policy/keys.h"
#include "policy/list.h"
#include "policy/snapshot.h"
#include "policy/suburl.h"

/* Writes the text, without NUL; returns its length. */
size_t sl_suburl_key_write(const struct sl_key *key, char out[SL_SNAPSHOT_KEY]);

/* What a regular expression makes of a URL has no host: it is stored as a tail behind this, which no host is. */
#define SL_SUBURL_MADE SL_BYTES_LIT("%*")

/* Room for the texts that keys are views of. */
struct sl_suburl_key_text {
	struct sl_suburl_entry entry;
	char host[2][SL_HOST_MAX + 1], path[SL_PATH_MAX];
};

/* The keys that a list's entry is stored under: as often as sl_suburl_entry_forms() says, 1 or 2. False where it cannot be
 * kept: exceptions, which this data set has not (NE-URL-10); what stands for subdomains only, or for many addresses; what is
 * longer than a key, or has blanks or control characters in it. */
bool sl_suburl_keys_of(const struct sl_list_entry *e, enum sl_suburl_www www, struct sl_suburl_key_text *text,
                       struct sl_key key[2], unsigned *n);
/* What the expression makes of the URL that such a key stands for, in its place. False where it makes nothing of it. */
bool sl_suburl_key_made(const struct sl_suburl_regex *regex, struct sl_key *key, char path[SL_PATH_MAX]);

/* The tails of a URL, written out and hashed once each. */
struct sl_suburl_tails {
	const struct sl_suburls *urls;
	uint64_t hash[SL_SUBURL_TAILS];
	bool fits[SL_SUBURL_TAILS];  /* short enough for a key */
	bool empty[SL_SUBURL_TAILS]; /* the host alone */
	uint64_t seed;
};
void sl_suburl_tails_of(const struct sl_suburls *urls, uint64_t seed, struct sl_suburl_tails *out);
/* The key of a sub-URL; its path lies in path. */
struct sl_key sl_suburl_key(const struct sl_suburls *urls, unsigned head, unsigned tail,
                            char path[SL_PATH_MAX]);

/* A batch of sub-URLs to ask for, as sl_keys_next() has them. Each head and each tail was hashed once. */
struct sl_suburl_probes {
	uint32_t n;
	uint64_t hash[SL_KEY_PROBES];
	uint8_t head[SL_KEY_PROBES], tail[SL_KEY_PROBES];
};
struct sl_suburl_at { /* all zero: at the start */
	uint16_t head, tail;
};
/* Returns out->n; 0 after the last one. */
uint32_t sl_suburl_probes_next(const struct sl_suburl_tails *tails, struct sl_suburl_at *at,
                               struct sl_suburl_probes *out);

/* The sub-URLs that snapshots of this profile are asked for. */
static inline enum sl_suburl_profile sl_suburl_profile_of(enum sl_profile profile)
{
	return profile == SL_PROFILE_NE26   ? SL_SUBURL_NE26
	       : profile == SL_PROFILE_NE27 ? SL_SUBURL_NE27
	                                    : SL_SUBURL_BOTH;
}

#endif
