/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy.h - the compiled policy: built once, then immutable and asked by any number of threads without a lock.
 * How lists combine is written in policy-resolution; this is its lines 5, 6d, 6f, 6g and 6h. What asks it never sees
 * how it is stored, so that a snapshot file can take the place of the set in memory. */
#ifndef SL_POLICY_POLICY_H
#define SL_POLICY_POLICY_H

#include "base/bytes.h"
#include "base/diag.h"
#include "base/err.h"
#include "policy/list.h"

enum sl_list_kind {
	SL_LIST_BLOCK,
	SL_LIST_ALLOW, /* policy-resolution line 6f: wins over block lists, whatever the lengths */
	SL_LIST_NEVER, /* never-block set, line 6d: its names count as trees */
};

struct sl_policy;         /* immutable */
struct sl_policy_builder; /* one thread */

struct sl_policy_list {
	const char *name; /* copied; unique */
	enum sl_list_kind kind;
	struct sl_list_cfg cfg;
};

int sl_policy_builder_new(struct sl_policy_builder **out);
void sl_policy_builder_free(struct sl_policy_builder **b);
/* Adds one list from memory; text is not needed afterwards. At most 64 lists (SL_ELIMIT), each with a name of its own
 * (SL_EEXIST). On failure nothing of this list counts and the builder can go on. stats may be NULL. */
int sl_policy_builder_add(struct sl_policy_builder *b, const struct sl_policy_list *list,
                          struct sl_bytes text, const struct sl_diag *diag, struct sl_list_stats *stats);
/* Moves all that was added into a policy; leaves the builder empty. */
int sl_policy_builder_finish(struct sl_policy_builder *b, struct sl_policy **out);
void sl_policy_free(struct sl_policy **p);

/* The shipped never-block set (captive-portal checks, OS update and time hosts), a domain list as text. */
struct sl_bytes sl_policy_never_block(void);

struct sl_query {
	struct sl_bytes host; /* as sent; canonicalised here */
	uint16_t port;
	struct sl_bytes
	        path; /* as sent; p NULL where only the host is known (TLS): path entries then never match */
};

struct sl_decision {
	bool block;
	char letter;           /* of policy-resolution line 6: d, f, g, h */
	bool bad_host;         /* the host is no host name: letter h, nothing was looked up */
	uint16_t list;         /* number, in the order of adding; UINT16_MAX where none spoke */
	uint32_t line;         /* in that list's file */
	uint16_t key_host_off; /* the matching key: host + key_host_off, then path_len bytes of path */
	uint16_t key_path_len; /* of the canonical path */
	uint16_t key_port;     /* the port that the key names; 0 where it names none */
	bool key_below;        /* the entry stands for strict subdomains */
	struct sl_host host;   /* canonical */
};

/* Pure; any thread; takes no lock and, for ASCII hosts, no allocation. */
void sl_policy_decide(const struct sl_policy *p, const struct sl_query *q, struct sl_decision *out);
/* Writes the matching key of a decision ("example.com", "*.example.com", "example.com/ads"). path is that of the query. */
void sl_decision_key(const struct sl_decision *d, const struct sl_query *q, char *out, size_t cap);

uint16_t sl_policy_lists(const struct sl_policy *p);
const char *sl_policy_list_name(const struct sl_policy *p, uint16_t list); /* NULL beyond the last */
const char *sl_policy_list_file(const struct sl_policy *p, uint16_t list);
enum sl_list_kind sl_policy_list_kind(const struct sl_policy *p, uint16_t list);
uint64_t sl_policy_entries(const struct sl_policy *p); /* without those that a list holds twice */

#endif
