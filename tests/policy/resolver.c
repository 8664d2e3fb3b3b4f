/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/policy/resolver.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static bool is_bit(const uint8_t *byte, unsigned n)
{
	return (byte[n / 8] >> (7 - n % 8) & 1) != 0;
}

/* Line 9: the destination lies in the prefix. */
static bool address_matches(const struct ref_address *prefix, const struct ref_address *a)
{
	if (a == NULL || a->v6 != prefix->v6)
		return false;
	for (unsigned i = 0; i < prefix->len; i++)
		if (is_bit(prefix->byte, i) != is_bit(a->byte, i))
			return false;
	return true;
}

static bool is_literal(const char *host)
{
	size_t n = strlen(host);
	return strchr(host, ':') != NULL || (n > 0 && host[n - 1] >= '0' && host[n - 1] <= '9');
}

/* Line 5: every suffix of whole labels; an address has none. Line 1: exact, strict subdomains, or both. */
static bool host_matches(enum sl_scope scope, const char *name, const char *host)
{
	size_t have = strlen(host), want = strlen(name);
	bool same = strcmp(host, name) == 0;
	bool under = !is_literal(host) && have > want && host[have - want - 1] == '.' &&
	             strcmp(host + have - want, name) == 0;
	return scope == SL_SCOPE_EXACT ? same : scope == SL_SCOPE_BELOW ? under : same || under;
}

/* Line 5 and NE-URL-35: every prefix on a segment boundary; the query only on the full path. */
static bool path_matches(const char *want, const char *path)
{
	size_t n = strlen(want);
	if (n == 0)
		return true;
	if (path == NULL || strncmp(path, want, n) != 0)
		return false;
	if (strchr(want, '?') != NULL)
		return path[n] == '\0';
	return path[n] == '\0' || path[n] == '/' || path[n] == '?';
}

/* Line 6d: never-block names are trees. */
static enum sl_scope scope_of(const struct ref_policy *p, const struct ref_entry *e)
{
	bool never = p->kind[p->category[e->list]] == SL_LIST_NEVER;
	bool host = e->scope == SL_SCOPE_EXACT || e->scope == SL_SCOPE_BELOW;
	return never && host ? SL_SCOPE_TREE : e->scope;
}

bool ref_matches(const struct ref_policy *p, const struct ref_entry *e, const struct ref_query *q)
{
	if (e->scope == SL_SCOPE_ADDRESS)
		return address_matches(&e->prefix, q->address);
	return q->host != NULL && host_matches(scope_of(p, e), e->host, q->host) &&
	       path_matches(e->path, q->path) && (e->port == 0 || e->port == q->port);
}

/* Line 3: an exception counts for its own category, or for all of those that block. */
static bool counts_for(const struct ref_policy *p, const struct ref_entry *e, unsigned category)
{
	if (p->category[e->list] == category)
		return true;
	return e->effect == SL_EFFECT_EXCEPT && p->exceptions_all[e->list] &&
	       p->kind[category] == SL_LIST_BLOCK;
}

/* Does any entry that matches say this of the category? important: only such entries. */
static bool is_said(const struct ref_policy *p, const struct ref_query *q, unsigned category,
                    enum sl_effect effect, bool important)
{
	for (unsigned i = 0; i < p->entries; i++) {
		const struct ref_entry *e = &p->entry[i];
		if (e->effect == effect && (e->important || !important) && counts_for(p, e, category) &&
		    ref_matches(p, e, q))
			return true;
	}
	return false;
}

static bool is_listed(const struct ref_policy *p, const struct ref_query *q, unsigned category)
{
	return is_said(p, q, category, SL_EFFECT_BLOCK, false) &&
	       !is_said(p, q, category, SL_EFFECT_EXCEPT, false);
}

static bool has_role(const struct ref_policy *p, uint64_t roles, unsigned category, enum sl_list_kind kind)
{
	return p->kind[category] == kind && (roles >> category & 1) != 0;
}

void ref_key(const struct ref_policy *p, const struct ref_entry *e, char out[REF_KEY])
{
	char text[INET6_ADDRSTRLEN] = "", port[8] = "";
	if (e->scope == SL_SCOPE_ADDRESS) {
		(void)inet_ntop(e->prefix.v6 ? AF_INET6 : AF_INET, e->prefix.byte, text, sizeof(text));
		if (e->prefix.len == (e->prefix.v6 ? 128 : 32))
			(void)snprintf(out, REF_KEY, "%s", text);
		else
			(void)snprintf(out, REF_KEY, "%s/%u", text, e->prefix.len);
		return;
	}
	if (e->port != 0)
		(void)snprintf(port, sizeof(port), ":%u", e->port);
	bool brackets = strchr(e->host, ':') != NULL && (e->port != 0 || e->path[0] != '\0');
	(void)snprintf(out, REF_KEY, "%s%s%s%s%s%s", scope_of(p, e) == SL_SCOPE_BELOW ? "*." : "",
	               brackets ? "[" : "", e->host, brackets ? "]" : "", port, e->path);
}

/* Line 6g: the longest key. Names are longer than addresses; a longer prefix is a longer key. */
static unsigned length_of(const struct ref_entry *e)
{
	char port[8] = "";
	if (e->scope == SL_SCOPE_ADDRESS)
		return e->prefix.len;
	if (e->port != 0)
		(void)snprintf(port, sizeof(port), ":%u", e->port);
	return 1000 + (unsigned)(strlen(e->host) + strlen(port) + strlen(e->path));
}

/* Is a named rather than b? Then the first category, list, line. */
static bool is_named_before(const struct ref_policy *p, const struct ref_entry *a, const struct ref_entry *b)
{
	if (b == NULL || length_of(a) != length_of(b))
		return b == NULL || length_of(a) > length_of(b);
	if (p->category[a->list] != p->category[b->list])
		return p->category[a->list] < p->category[b->list];
	return a->list != b->list ? a->list < b->list : a->line < b->line;
}

static const struct ref_entry *name_one(const struct ref_policy *p, const struct ref_query *q,
                                        uint64_t categories, enum sl_effect effect, bool important)
{
	const struct ref_entry *best = NULL;
	for (unsigned i = 0; i < p->entries; i++) {
		const struct ref_entry *e = &p->entry[i];
		bool for_one = false;
		for (unsigned c = 0; c < p->categories; c++)
			for_one = for_one || ((categories >> c & 1) != 0 && counts_for(p, e, c));
		if (for_one && e->effect == effect && (e->important || !important) && ref_matches(p, e, q) &&
		    is_named_before(p, e, best))
			best = e;
	}
	return best;
}

/* Line 6, d to h: the first that speaks decides. */
struct ref_answer ref_decide(const struct ref_policy *p, const struct ref_query *q)
{
	uint64_t never = 0, freed = 0, forced = 0, allowed = 0, blocked = 0, shadow = 0;
	for (unsigned c = 0; c < p->categories; c++) {
		uint64_t bit = UINT64_C(1) << c;
		bool listed = is_listed(p, q, c), on = has_role(p, q->roles.block, c, SL_LIST_BLOCK);
		never |= p->kind[c] == SL_LIST_NEVER && listed ? bit : 0;
		freed |= on && is_said(p, q, c, SL_EFFECT_EXCEPT, true) ? bit : 0;
		forced |= on && is_said(p, q, c, SL_EFFECT_BLOCK, true) ? bit : 0;
		allowed |= has_role(p, q->roles.allow, c, SL_LIST_ALLOW) && listed ? bit : 0;
		blocked |= on && listed ? bit : 0;
		shadow |= has_role(p, q->roles.shadow, c, SL_LIST_BLOCK) && listed ? bit : 0;
	}
	if (never != 0)
		return (struct ref_answer){ 'd', false, 0, name_one(p, q, never, SL_EFFECT_BLOCK, false) };
	if (freed != 0)
		return (struct ref_answer){ 'e', false, 0, name_one(p, q, freed, SL_EFFECT_EXCEPT, true) };
	if (forced != 0)
		return (struct ref_answer){ 'e', true, 0, name_one(p, q, forced, SL_EFFECT_BLOCK, true) };
	if (allowed != 0)
		return (struct ref_answer){ 'f', false, 0, name_one(p, q, allowed, SL_EFFECT_BLOCK, false) };
	if (blocked != 0)
		return (struct ref_answer){ 'g', true, shadow,
			                    name_one(p, q, blocked, SL_EFFECT_BLOCK, false) };
	return (struct ref_answer){ 'h', q->roles.default_block, shadow, NULL };
}

/* Line 4, in its words. */
unsigned ref_group(const struct ref_client *client, unsigned clients, const struct ref_asker *who)
{
	const struct ref_client *best = NULL;
	for (unsigned i = 0; i < clients; i++) {
		const struct ref_client *c = &client[i];
		bool is = c->kind == REF_MAC      ? who->mac != NULL && strcmp(c->mac, who->mac) == 0
		          : c->kind == REF_PREFIX ? address_matches(&c->prefix, &who->address)
		                                  : c->interface == who->interface;
		if (is &&
		    (best == NULL || c->kind < best->kind ||
		     (c->kind == REF_PREFIX && best->kind == REF_PREFIX && c->prefix.len > best->prefix.len)))
			best = c;
	}
	return best == NULL ? 0 : best->group;
}

/* Line 6c: is a before b? The longest key; the own group; the newest. */
static bool is_said_before(const struct ref_word *a, const struct ref_word *b)
{
	unsigned length[2] = { 0, 0 };
	const struct ref_word *w[2] = { a, b };
	if (b == NULL)
		return true;
	for (int i = 0; i < 2; i++)
		length[i] = w[i]->host[0] == '\0'
		                    ? w[i]->prefix.len
		                    : 1000 + (unsigned)(strlen(w[i]->host) + strlen(w[i]->path));
	if (length[0] != length[1])
		return length[0] > length[1];
	if ((a->group < 0) != (b->group < 0))
		return a->group >= 0;
	return a->age > b->age;
}

const struct ref_word *ref_said(const struct ref_word *word, unsigned words, const struct ref_query *q,
                                int group, long now)
{
	const struct ref_word *best = NULL;
	for (unsigned i = 0; i < words; i++) {
		const struct ref_word *w = &word[i];
		bool name = q->host != NULL && w->host[0] != '\0' &&
		            host_matches(w->below ? SL_SCOPE_BELOW : SL_SCOPE_TREE, w->host, q->host) &&
		            path_matches(w->path, q->path);
		bool address = w->host[0] == '\0' && address_matches(&w->prefix, q->address);
		if ((name || address) && (w->group < 0 || w->group == group) &&
		    (w->until == 0 || now < w->until) && is_said_before(w, best))
			best = w;
	}
	return best;
}
