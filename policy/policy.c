/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/policy.h"

#include <stdlib.h>

#include "base/out.h"
#include "base/util.h"
#include "policy/exact_set.h"

enum { LISTS_MAX = 64, KINDS = SL_LIST_NEVER + 1 }; /* policy-resolution line 3 */

struct list {
	char *name, *file;
	enum sl_list_kind kind;
};

struct lists {
	struct list list[LISTS_MAX];
	uint16_t n;
};

struct sl_policy {
	struct sl_set set;
	struct lists lists;
};

struct sl_policy_builder {
	struct sl_set_builder set;
	struct lists lists;
};

/* The reported entry of one kind of list: the longest key, then the first list, then the first line
 * (policy-resolution line 6g). */
struct best {
	bool found, below;
	uint16_t list, host_off, path_len, port;
	uint32_t line;
	size_t len; /* of the key as text */
};

/* One question on its way through the keys of a host. */
struct walk {
	const struct sl_policy *p;
	struct sl_bytes path; /* canonical; p NULL where none is known */
	uint16_t port;        /* of the question */
	struct best best[KINDS];
};

/* A key that was found, as far as the set does not say it. */
struct match {
	struct sl_bytes host;
	uint16_t host_off; /* 0 is depth 0 (policy-resolution line 6) */
	uint16_t path_len, port;
};

int sl_policy_builder_new(struct sl_policy_builder **out)
{
	struct sl_policy_builder *b = (struct sl_policy_builder *)calloc(1, sizeof(*b));
	if (b == NULL)
		return SL_ENOMEM;
	*out = b;
	return SL_OK;
}

static void free_list(struct list *list)
{
	free(list->name);
	free(list->file);
}

static void free_lists(struct lists *lists)
{
	for (uint16_t i = 0; i < lists->n; i++)
		free_list(&lists->list[i]);
	lists->n = 0;
}

void sl_policy_builder_free(struct sl_policy_builder **b)
{
	struct sl_policy_builder *gone = sl_take(b);
	if (gone == NULL)
		return;
	free_lists(&gone->lists);
	sl_set_builder_clear(&gone->set);
	free(gone);
}

void sl_policy_free(struct sl_policy **p)
{
	struct sl_policy *gone = sl_take(p);
	if (gone == NULL)
		return;
	free_lists(&gone->lists);
	sl_set_clear(&gone->set);
	free(gone);
}

static int add_entry(void *ctx, const struct sl_list_entry *e)
{
	struct sl_policy_builder *b = (struct sl_policy_builder *)ctx;
	return sl_set_add(&b->set, e, (uint8_t)b->lists.n);
}

static int open_list(const struct lists *lists, const struct sl_policy_list *want, struct list *out)
{
	if (want->name == NULL || (unsigned)want->kind >= KINDS)
		return SL_EINVAL;
	if (lists->n == LISTS_MAX)
		return SL_ELIMIT;
	for (uint16_t i = 0; i < lists->n; i++)
		if (strcmp(lists->list[i].name, want->name) == 0)
			return SL_EEXIST;
	*out = (struct list){ strdup(want->name), strdup(want->cfg.file == NULL ? "" : want->cfg.file),
		              want->kind };
	return out->name == NULL || out->file == NULL ? SL_ENOMEM : SL_OK;
}

int sl_policy_builder_add(struct sl_policy_builder *b, const struct sl_policy_list *list,
                          struct sl_bytes text, const struct sl_diag *diag, struct sl_list_stats *stats)
{
	struct sl_list_stats ours = { 0 };
	struct list made = { 0 };
	size_t n = b->set.n, used = b->set.used;
	int err = open_list(&b->lists, list, &made);
	if (err == SL_OK)
		err = sl_list_read(&list->cfg, text, add_entry, b, diag, &ours);
	if (err == SL_OK) {
		b->lists.list[b->lists.n++] = made;
	} else {
		free_list(&made);
		sl_set_rewind(&b->set, n, used);
	}
	if (stats != NULL)
		*stats = ours;
	return err;
}

int sl_policy_builder_finish(struct sl_policy_builder *b, struct sl_policy **out)
{
	struct sl_policy *p = (struct sl_policy *)calloc(1, sizeof(*p));
	/* The seed is an address, which differs between processes: the author of a list cannot plan collisions. No answer
	 * depends on it. */
	int err = p == NULL ? SL_ENOMEM : sl_set_freeze(&b->set, (uint64_t)(uintptr_t)p, &p->set);
	if (err == SL_OK) {
		p->lists = b->lists;
		b->lists.n = 0;
		*out = sl_take(&p);
	}
	free(p);
	return err;
}

/* Does an entry count for this key? (policy-resolution line 6; 6d: never-block names are trees) */
static bool counts(enum sl_list_kind kind, enum sl_scope scope, bool depth)
{
	if (kind == SL_LIST_NEVER || scope == SL_SCOPE_TREE || scope == SL_SCOPE_PATH)
		return true;
	return scope == SL_SCOPE_BELOW ? depth : !depth;
}

static size_t port_len(uint16_t port)
{
	return port == 0 ? 0 : port < 10 ? 2 : port < 100 ? 3 : port < 1000 ? 4 : port < 10000 ? 5 : 6;
}

static bool is_better(const struct best *a, const struct best *b)
{
	if (!b->found || a->len != b->len)
		return !b->found || a->len > b->len;
	return a->list != b->list ? a->list < b->list : a->line < b->line;
}

static void visit_key(struct walk *w, const struct sl_set_key *key, const struct match *m)
{
	const struct sl_set_entry *entries = w->p->set.entries;
	for (uint32_t at = key->entries; at != 0; at = entries[at - 1].next) {
		const struct sl_set_entry *e = &entries[at - 1];
		enum sl_list_kind kind = w->p->lists.list[e->list].kind;
		struct best this = { true,        e->scope == SL_SCOPE_BELOW && kind != SL_LIST_NEVER,
			             e->list,     m->host_off,
			             m->path_len, m->port,
			             e->line,     m->host.len + port_len(m->port) + m->path_len };
		if (counts(kind, (enum sl_scope)e->scope, m->host_off > 0) &&
		    is_better(&this, &w->best[kind]))
			w->best[kind] = this;
	}
}

/* Does a prefix of n bytes end at a boundary of the path, which an entry may end at? In the query that is "&" alone. */
static bool is_boundary(struct sl_bytes path, size_t n, size_t query)
{
	if (n == path.len)
		return true;
	return n <= query ? path.p[n] == '/' || path.p[n] == '?' : path.p[n] == '&';
}

/* The keys of all paths behind a head that may have some: policy-resolution line 5. */
static void visit_paths(struct walk *w, const struct sl_set_key *head, struct match m)
{
	uint8_t key[SL_SET_KEY_MAX];
	size_t from = 0, query = sl_bytes_find(w->path, '?');
	size_t max = sl_min(head->path_max, w->path.len);
	memcpy(key, m.host.p, m.host.len);
	from = m.host.len;
	if (m.port != 0) {
		uint8_t port[SL_SET_PORT];
		size_t n = sl_set_put_port(port, m.port);
		memcpy(&key[from], port, n);
		from += n;
	}
	memcpy(&key[from], w->path.p, max);
	for (size_t n = head->path_min; n <= max; n++) {
		if (!is_boundary(w->path, n, query))
			continue;
		const struct sl_set_key *found = sl_set_get(&w->p->set, sl_bytes_of(key, from + n));
		m.path_len = (uint16_t)n;
		if (found != NULL)
			visit_key(w, found, &m);
	}
}

static void visit_head(struct walk *w, const struct sl_set_key *head, const struct match *m)
{
	visit_key(w, head, m);
	if (head->path_max > 0 && w->path.p != NULL)
		visit_paths(w, head, *m);
}

static void visit_port(struct walk *w, struct match m)
{
	uint8_t key[SL_HOST_MAX + SL_SET_PORT], port[SL_SET_PORT];
	size_t n = sl_set_put_port(port, w->port);
	memcpy(key, m.host.p, m.host.len);
	memcpy(&key[m.host.len], port, n);
	const struct sl_set_key *head = sl_set_get(&w->p->set, sl_bytes_of(key, m.host.len + n));
	m.port = w->port;
	if (head != NULL)
		visit_head(w, head, &m);
}

/* Every suffix, one label included; an address has none but itself (policy-resolution line 5). */
static void visit_host(struct walk *w, const struct sl_host *host)
{
	struct sl_bytes suffix = sl_bytes_of(host->name, host->len);
	unsigned labels = sl_set_labels(host);
	for (; suffix.p != NULL; suffix = sl_host_parent(suffix), labels--) {
		if (sl_set_has_labels(&w->p->set, labels)) {
			const struct sl_set_key *head = sl_set_get(&w->p->set, suffix);
			struct match m = { suffix, (uint16_t)(host->len - suffix.len), 0, 0 };
			if (head != NULL)
				visit_head(w, head, &m);
			if (head != NULL && head->ports && w->port != 0)
				visit_port(w, m);
		}
		if (host->address)
			return;
	}
}

/* The first kind that speaks decides: policy-resolution line 6, d to h. */
static void conclude(const struct walk *w, struct sl_decision *out)
{
	static const struct {
		enum sl_list_kind kind;
		char letter;
		bool block;
	} order[] = { { SL_LIST_NEVER, 'd', false },
		      { SL_LIST_ALLOW, 'f', false },
		      { SL_LIST_BLOCK, 'g', true } };
	for (size_t i = 0; i < SL_COUNT(order); i++) {
		const struct best *best = &w->best[order[i].kind];
		if (!best->found)
			continue;
		out->block = order[i].block;
		out->letter = order[i].letter;
		out->list = best->list;
		out->line = best->line;
		out->key_host_off = best->host_off;
		out->key_path_len = best->path_len;
		out->key_port = best->port;
		out->key_below = best->below;
		return;
	}
}

void sl_policy_decide(const struct sl_policy *p, const struct sl_query *q, struct sl_decision *out)
{
	struct walk w = { .p = p, .port = q->port };
	char path[SL_PATH_MAX + 1];
	uint16_t len = 0;

	out->block = out->key_below = false;
	out->letter = 'h';
	out->list = UINT16_MAX;
	out->line = 0;
	out->key_host_off = out->key_path_len = out->key_port = 0;
	out->bad_host = sl_host_canon(q->host, &out->host) != SL_OK;
	if (out->bad_host)
		return;
	if (q->path.p != NULL && p->set.paths) {
		sl_path_canon(q->path, path, &len);
		w.path = sl_bytes_of(path, len);
	}
	visit_host(&w, &out->host);
	conclude(&w, out);
}

static void put_host(struct sl_out *o, const struct sl_decision *d)
{
	bool more = d->key_port != 0 || d->key_path_len > 0;
	bool brackets = more && d->host.address && strchr(d->host.name, ':') != NULL;
	if (d->key_below)
		sl_out_str(o, "*.");
	if (brackets)
		sl_out_u8(o, '[');
	sl_out_str(o, &d->host.name[sl_min(d->key_host_off, d->host.len)]);
	if (brackets)
		sl_out_u8(o, ']');
}

void sl_decision_key(const struct sl_decision *d, const struct sl_query *q, char *out, size_t cap)
{
	char path[SL_PATH_MAX + 1];
	uint16_t len = 0;
	struct sl_out o = sl_out_of(out, cap == 0 ? 0 : cap - 1);
	if (cap == 0)
		return;
	if (d->list != UINT16_MAX) {
		put_host(&o, d);
		if (d->key_port != 0)
			sl_out_fmt(&o, ":%u", d->key_port);
		if (d->key_path_len > 0 && q->path.p != NULL) {
			sl_path_canon(q->path, path, &len);
			sl_out_bytes(&o, path, sl_min(d->key_path_len, len));
		}
	}
	out[o.len] = '\0';
}

uint16_t sl_policy_lists(const struct sl_policy *p)
{
	return p->lists.n;
}

const char *sl_policy_list_name(const struct sl_policy *p, uint16_t list)
{
	return list < p->lists.n ? p->lists.list[list].name : NULL;
}

const char *sl_policy_list_file(const struct sl_policy *p, uint16_t list)
{
	return list < p->lists.n ? p->lists.list[list].file : NULL;
}

enum sl_list_kind sl_policy_list_kind(const struct sl_policy *p, uint16_t list)
{
	return list < p->lists.n ? p->lists.list[list].kind : SL_LIST_BLOCK;
}

uint64_t sl_policy_entries(const struct sl_policy *p)
{
	return p->set.n_entries;
}
