/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/export_except.h"

#include <stdlib.h>

#include "base/out.h"
#include "base/util.h"
#include "daemon/export_sort.h"

/* The host from the right, a dot behind each label ("com.example.www."), so that all below a host start with its key. An
 * address has nothing below it, and "=" in front. */
struct host_key {
	size_t len;
	char text[SL_HOST_MAX + 3];
};

struct exception {
	struct sl_bytes key, path; /* key of the host; both in memory */
	uint8_t *memory;           /* owned */
	uint16_t port;
	enum sl_scope scope;
	bool important;
};

struct wide {
	struct sl_prefix prefix;
	bool important;
};

struct sl_export_except {
	struct exception *list;
	struct wide *wide;
	size_t n, wides;
};

static void make_key(const struct sl_export_entry *e, struct host_key *key)
{
	struct sl_out o = sl_out_of(key->text, sizeof(key->text));
	size_t end = e->host.len;

	if (e->address) {
		sl_out_u8(&o, '=');
		sl_out_bytes(&o, e->host.p, e->host.len);
		sl_out_u8(&o, '.');
		key->len = o.len;
		return;
	}
	for (size_t at = end; at-- > 0;) {
		if (at > 0 && e->host.p[at - 1] != '.')
			continue;
		sl_out_bytes(&o, e->host.p + at, end - at);
		sl_out_u8(&o, '.');
		end = at > 0 ? at - 1 : 0;
	}
	key->len = o.len;
}

/* ------------------------------------------------------------------ adding */

int sl_export_except_new(struct sl_export_except **out)
{
	struct sl_export_except *x = (struct sl_export_except *)calloc(1, sizeof(*x));

	if (x == NULL)
		return SL_ENOMEM;
	*out = x;
	return SL_OK;
}

/* Grows by doubling: cap is always the power of two that n has reached. */
static bool grow(void **array, size_t n, size_t size)
{
	if ((n & (n - 1)) != 0)
		return true;
	void *p = realloc(*array, (n == 0 ? 1 : 2 * n) * size);
	if (p == NULL)
		return false;
	*array = p;
	return true;
}

int sl_export_except_add(struct sl_export_except *x, const struct sl_export_entry *e)
{
	struct host_key key;

	make_key(e, &key);
	uint8_t *copy = (uint8_t *)malloc(key.len + e->path.len);
	if (copy == NULL || !grow((void **)&x->list, x->n, sizeof(*x->list))) {
		free(copy);
		return SL_ENOMEM;
	}
	memcpy(copy, key.text, key.len);
	if (e->path.len > 0)
		memcpy(copy + key.len, e->path.p, e->path.len);
	struct exception *one = &x->list[x->n++];
	*one = (struct exception){ .port = e->port, .scope = e->scope, .important = e->important };
	one->memory = copy;
	one->key = sl_bytes_of(copy, key.len);
	one->path = sl_bytes_of(copy + key.len, e->path.len);
	return SL_OK;
}

int sl_export_except_add_prefix(struct sl_export_except *x, const struct sl_prefix *prefix, bool important)
{
	if (!grow((void **)&x->wide, x->wides, sizeof(*x->wide)))
		return SL_ENOMEM;
	x->wide[x->wides++] = (struct wide){ *prefix, important };
	return SL_OK;
}

static int by_key(const void *a, const void *b)
{
	const struct exception *x = (const struct exception *)a, *y = (const struct exception *)b;
	int diff = sl_export_compare(x->key, y->key);
	return diff != 0 ? diff : sl_export_compare(x->path, y->path);
}

void sl_export_except_finish(struct sl_export_except *x)
{
	if (x->n > 0)
		qsort(x->list, x->n, sizeof(*x->list), by_key);
}

void sl_export_except_free(struct sl_export_except **x)
{
	struct sl_export_except *gone = sl_take(x);

	if (gone == NULL)
		return;
	for (size_t i = 0; i < gone->n; i++)
		free(gone->list[i].memory);
	free(gone->list);
	free(gone->wide);
	free(gone);
}

/* ------------------------------------------------------------------ asking */

struct question {
	const struct sl_export_except *x;
	const struct sl_export_entry *e;
	struct sl_bytes key;
	enum sl_export_fate fate;
};

/* The first exception at or behind (key, path). */
static size_t seek(const struct sl_export_except *x, struct sl_bytes key, struct sl_bytes path)
{
	const struct exception want = { .key = key, .path = path };
	size_t low = 0, high = x->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (by_key(&x->list[middle], &want) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool starts_with(struct sl_bytes text, struct sl_bytes head)
{
	return text.len >= head.len && sl_bytes_equal(sl_bytes_first(text, head.len), head);
}

/* Does the path head cover path? At a segment boundary; a query only with all of the path (NE-URL-35). */
static bool path_covers(struct sl_bytes head, struct sl_bytes path)
{
	if (!starts_with(path, head))
		return false;
	if (path.len == head.len || head.len == 0)
		return true;
	bool query = sl_bytes_find(head, '?') < head.len;
	return !query && (path.p[head.len] == '/' || path.p[head.len] == '?');
}

static void raise_fate(struct question *q, enum sl_export_fate fate)
{
	if (q->fate != SL_EXPORT_COVERED)
		q->fate = fate == SL_EXPORT_FREE ? q->fate : fate;
}

/* An exception at the host itself (same) or above it, whose path covers the entry's, or lies below it (deeper). */
static void weigh_above(struct question *q, const struct exception *one, bool same, bool deeper)
{
	const struct sl_export_entry *e = q->e;
	bool port_covers = one->port == 0 || one->port == e->port;
	bool covers = !deeper && port_covers;

	if ((e->important && !one->important) || (!port_covers && e->port != 0))
		return;
	if (one->scope == SL_SCOPE_EXACT) {
		if (!same)
			return;
		covers = covers && e->scope == SL_SCOPE_EXACT;
	} else if (one->scope == SL_SCOPE_BELOW && same) {
		covers = covers && e->scope == SL_SCOPE_BELOW;
	}
	raise_fate(q, covers ? SL_EXPORT_COVERED : SL_EXPORT_CONFLICT);
}

/* All exceptions of one host, which is the entry's or above it. */
static void ask_host(struct question *q, struct sl_bytes key)
{
	const struct sl_export_except *x = q->x;
	struct sl_bytes path = q->e->path;
	bool same = key.len == q->key.len;

	size_t query = sl_bytes_find(path, '?');
	for (size_t len = 0; len <= path.len; len++) { /* the exact paths that could cover */
		struct sl_bytes head = sl_bytes_first(path, len);
		bool boundary = len <= query && len < path.len && (path.p[len] == '/' || path.p[len] == '?');
		if (len > 0 && len < path.len && !boundary)
			continue;
		for (size_t i = seek(x, key, head);
		     i < x->n && sl_bytes_equal(x->list[i].key, key) && sl_bytes_equal(x->list[i].path, head);
		     i++)
			weigh_above(q, &x->list[i], same, false);
	}
	for (size_t i = seek(x, key, path); i < x->n && q->fate == SL_EXPORT_FREE; i++) {
		const struct exception *one = &x->list[i];
		if (!sl_bytes_equal(one->key, key) || !starts_with(one->path, path))
			break;
		if (one->path.len > path.len && path_covers(path, one->path))
			weigh_above(q, one, same, true);
	}
}

/* Exceptions below the host: the entry covers them in Apple's reading, whatever its own scope was. What is important by
 * itself blocks them too, but not where it only became that wide by being written. */
static void ask_below(struct question *q)
{
	const struct sl_export_entry *e = q->e;

	for (size_t i = seek(q->x, q->key, (struct sl_bytes){ NULL, 0 });
	     i < q->x->n && q->fate == SL_EXPORT_FREE; i++) {
		const struct exception *one = &q->x->list[i];
		if (!starts_with(one->key, q->key))
			break;
		bool path = path_covers(e->path, one->path) || path_covers(one->path, e->path);
		bool port = one->port == 0 || e->port == 0 || one->port == e->port;
		bool speaks = one->important || !e->important || e->scope == SL_SCOPE_EXACT;
		if (one->key.len > q->key.len && path && port && speaks)
			raise_fate(q, SL_EXPORT_CONFLICT);
	}
}

static bool in_prefix(const struct sl_prefix *wide, const struct sl_prefix *one)
{
	unsigned bytes = wide->len / 8, bits = wide->len % 8;

	return wide->v6 == one->v6 && wide->len <= one->len && memcmp(wide->addr, one->addr, bytes) == 0 &&
	       (bits == 0 || (wide->addr[bytes] ^ one->addr[bytes]) >> (8 - bits) == 0);
}

static void ask_prefixes(struct question *q)
{
	struct sl_prefix own;

	if (!q->e->address || q->x->wides == 0 || sl_prefix_read(q->e->host, &own) != SL_OK)
		return;
	for (size_t i = 0; i < q->x->wides; i++)
		if ((q->x->wide[i].important || !q->e->important) && in_prefix(&q->x->wide[i].prefix, &own))
			raise_fate(q, SL_EXPORT_COVERED);
}

enum sl_export_fate sl_export_except_judge(const struct sl_export_except *x, const struct sl_export_entry *e)
{
	struct host_key key;
	struct question q = { .x = x, .e = e };

	if (x->n + x->wides == 0)
		return SL_EXPORT_FREE;
	make_key(e, &key);
	q.key = sl_bytes_of(key.text, key.len);
	for (size_t len = key.len; len > 0 && q.fate != SL_EXPORT_COVERED; len--)
		if (len == key.len || (!e->address && key.text[len - 1] == '.'))
			ask_host(&q, sl_bytes_of(key.text, len));
	if (q.fate == SL_EXPORT_FREE)
		ask_below(&q);
	ask_prefixes(&q);
	return q.fate;
}

/* ------------------------------------------------------------------ text */

size_t sl_export_entry_write(const struct sl_export_entry *e, char *out, size_t cap)
{
	struct sl_out o = sl_out_of(out, cap);
	bool v6 = e->address && sl_bytes_find(e->host, ':') < e->host.len;

	sl_out_str(&o, v6 ? "[" : "");
	sl_out_bytes(&o, e->host.p, e->host.len);
	sl_out_str(&o, v6 ? "]" : "");
	if (e->port != 0)
		sl_out_fmt(&o, ":%u", e->port);
	sl_out_bytes(&o, e->path.p, e->path.len);
	return o.overflow ? 0 : o.len;
}

void sl_export_entry_split(struct sl_bytes text, struct sl_export_entry *out)
{
	size_t query = sl_min(sl_bytes_find(text, '?'), sl_bytes_find(text, '#'));
	struct sl_bytes host = sl_bytes_first(text, sl_min(sl_bytes_find(text, '/'), query));
	bool v6 = host.len > 0 && host.p[0] == '[';
	size_t end = v6 ? sl_bytes_find(host, ']') : sl_bytes_find(host, ':');
	struct sl_bytes port = sl_bytes_skip(host, end + (v6 ? 2 : 1));

	*out = (struct sl_export_entry){ .path = sl_bytes_skip(text, host.len) };
	for (size_t i = 0; i < port.len; i++)
		out->port = (uint16_t)(out->port * 10 + (port.p[i] - '0'));
	out->host = sl_bytes_skip(sl_bytes_first(host, end), v6 ? 1 : 0);
	size_t last = out->host.len;
	while (last > 0 && out->host.p[last - 1] != '.')
		last--;
	out->address = v6 || sl_address_number(sl_bytes_skip(out->host, last));
	out->scope = out->path.len > 0 ? SL_SCOPE_PATH : SL_SCOPE_TREE;
}

struct sl_bytes sl_export_entry_path(struct sl_bytes tail, char path[SL_PATH_MAX + 1])
{
	uint16_t len = 0;
	if (tail.len == 0)
		return tail;
	sl_path_canon(tail, path, &len);
	struct sl_bytes out = sl_bytes_of(path, len);
	bool slash = len > 0 && path[len - 1] == '/' && sl_bytes_find(out, '?') == len;
	return sl_bytes_first(out, slash ? len - 1u : len);
}
