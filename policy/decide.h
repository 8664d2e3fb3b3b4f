/* SPDX-License-Identifier: GPL-2.0-or-later */
/* decide.h - one question, one answer: policy-resolution lines 5 to 9, letters d to h. Letters a to c (rules, the
 * operator's word) are asked before, by the caller.
 * A name that no list holds costs its hashes and one cache line of the prefilter for each; bytes are compared only for
 * what the prefilter lets through. Pure; any thread; no lock, no system call, and no allocation for ASCII
 * hosts but where a query brings a parsing with a regular expression: no packet is judged so. */
#ifndef SL_POLICY_DECIDE_H
#define SL_POLICY_DECIDE_H

#include "policy/category.h"
#include "policy/snapshot.h"

enum {
	SL_DECIDE_MANY = 64
}; /* queries of one call that share their waits for memory; more is allowed, and no faster */

struct sl_query {
	struct sl_bytes
	        host;  /* as sent; canonicalised here. p NULL where there is no name, only an address */
	uint16_t port; /* 0: not known */
	/* As sent; canonicalised here. p NULL where only the host is known (TLS): path entries then never match. */
	struct sl_bytes path;
	const struct sl_prefix
	        *address; /* the destination, of full length; NULL: not known, or not to be asked. Then a
	                                  * host that is an IP literal stands for it */
	const struct sl_roles *roles; /* of the client's group; NULL: all block and allow categories are on */
	const struct sl_host
	        *canon; /* not NULL: the host in canonical form, and path is so too; host is not read */
	/* For snapshots of NE's profiles, which look at nothing above but the roles: the URL as sent, with or without scheme.
	 * p NULL: host stands for it. */
	struct sl_bytes url;
	const struct sl_suburl_parsing
	        *parsing; /* of those of ne27: how it is taken apart; NULL: as by default */
};

struct sl_decision {
	bool block;
	char letter;       /* of policy-resolution line 6: d, e, f, g, h */
	bool bad_host;     /* the host is no host name: letter h, nothing was looked up */
	uint16_t list;     /* number, in the order of adding; UINT16_MAX where none spoke */
	uint16_t category; /* likewise */
	uint32_t line;     /* in that list's file */
	uint64_t shadow;   /* line 7: categories in the shadow that would have blocked, a mask */
	/* The matching key: host + key_host_off, then path_len bytes of path; or a prefix of the address. */
	uint16_t key_host_off;
	uint16_t key_path_len; /* of the canonical path */
	uint16_t key_port;     /* the port that the key names; 0 where it names none */
	bool key_below;        /* the entry stands for strict subdomains */
	bool key_address;      /* the key is an address prefix, of key_prefix_len bits */
	uint8_t key_prefix_len;
	/* Of a snapshot of another profile than native (NE-URL-30..36): the key is the sub-URL of this head and tail (suburl.h)
	 * and nothing of the above. */
	enum sl_profile profile;
	uint8_t key_head, key_tail;
	struct sl_host host; /* canonical; empty where the query brought it so (canon), or has none */
};

void sl_decide(const struct sl_snapshot *s, const struct sl_query *q, struct sl_decision *out);
/* The same for n queries at once: all packets of a batch, whose cache misses then overlap. */
void sl_decide_many(const struct sl_snapshot *s, const struct sl_query *q, size_t n, struct sl_decision *out);

/* Writes the matching key of a decision ("example.com", "*.example.com", "example.com/ads", "192.0.2.0/24"), as far as it
 * fits, with NUL. q is its query. */
void sl_decision_key(const struct sl_decision *d, const struct sl_query *q, char *out, size_t cap);

/* ---- explain (line 13): every key that was tried ---- */

struct sl_tried {
	struct sl_bytes key; /* as keys.h writes it, or a sub-URL; valid during the call */
	uint64_t hash;
	bool perhaps;        /* what the prefilter said */
	uint64_t number;     /* of the key in the snapshot; UINT64_MAX: it is not there */
	bool below, address; /* asked for an ancestor of the host; for the destination address */
};

/* In the order of asking. SL_OK, or the first other answer of tell(). A bad host tells nothing. */
int sl_explain(const struct sl_snapshot *s, const struct sl_query *q,
               int (*tell)(void *ctx, const struct sl_tried *t), void *ctx);

#endif
