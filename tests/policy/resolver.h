/* SPDX-License-Identifier: GPL-2.0-or-later */
/* resolver.h - policy-resolution as slow and plain as can be: written from that text, entry by entry, with strings and
 * loops. It shares nothing with policy/ but the names of scopes and kinds, so that both are unlikely to be wrong alike. */
#ifndef SL_TESTS_POLICY_RESOLVER_H
#define SL_TESTS_POLICY_RESOLVER_H

#include "policy/category.h"
#include "policy/list.h"

enum { REF_TEXT = 96, REF_KEY = 4 * REF_TEXT, REF_ENTRIES = 64, REF_LISTS = 12 };

struct ref_address {
	bool v6;
	uint8_t len; /* of a prefix, in bits */
	uint8_t byte[16];
};

struct ref_entry {
	char host[REF_TEXT], path[REF_TEXT]; /* canonical; path "" or without final slash */
	uint16_t port;                       /* 0: any */
	struct ref_address prefix;           /* SL_SCOPE_ADDRESS */
	enum sl_scope scope;
	enum sl_effect effect;
	bool important;
	unsigned list;
	uint32_t line;
};

struct ref_policy {
	struct ref_entry entry[REF_ENTRIES];
	unsigned entries, lists, categories;
	enum sl_list_kind kind[REF_LISTS]; /* of a category */
	unsigned category[REF_LISTS];      /* of a list */
	bool exceptions_all[REF_LISTS];    /* of a list */
};

struct ref_query {
	const char *host, *path; /* canonical; host NULL: no name; path NULL: not known */
	uint16_t port;
	const struct ref_address *address; /* NULL: none. A host that is an address must be given here too */
	struct sl_roles roles;
};

struct ref_answer {
	char letter;
	bool block;
	uint64_t shadow;
	const struct ref_entry *entry; /* that is named; NULL: none */
};

/* Does this entry speak for the request? (lines 1, 5, 6, 9) */
bool ref_matches(const struct ref_policy *p, const struct ref_entry *e, const struct ref_query *q);
struct ref_answer ref_decide(const struct ref_policy *p, const struct ref_query *q);
/* ---- line 4: who is in which group; letter c: what the operator said ---- */

enum ref_client_kind { REF_MAC, REF_PREFIX, REF_VLAN, REF_INTERFACE };

struct ref_client {
	enum ref_client_kind kind; /* of what follows that one counts */
	char mac[18];
	struct ref_address prefix;
	unsigned interface; /* the VLAN's, or itself */
	unsigned group;
};

struct ref_asker {
	const char *mac; /* NULL: none */
	struct ref_address address;
	unsigned interface; /* 0: none */
};

struct ref_word {
	char host[REF_TEXT], path[REF_TEXT]; /* as of an entry; host "": prefix */
	struct ref_address prefix;
	bool below, allow;
	int group; /* -1: all */
	unsigned age;
	long until; /* 0: for good */
};

/* Of clients that name the same, the first counts. */
unsigned ref_group(const struct ref_client *client, unsigned clients, const struct ref_asker *who);
/* NULL: none speaks. */
const struct ref_word *ref_said(const struct ref_word *word, unsigned words, const struct ref_query *q,
                                int group, long now);
/* The key as text. */
void ref_key(const struct ref_policy *p, const struct ref_entry *e, char out[REF_KEY]);

#endif
