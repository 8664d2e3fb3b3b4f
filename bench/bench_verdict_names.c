/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench_verdict_names.c - names of any number, made from real ones. The first entries are the corpus' own, shuffled; each
 * further one takes a real name, keeps its top-level domain and its sub-labels, and puts two labels of other real names
 * together in the place of its own ("ads" + "tracker", joined by nothing, a hyphen or digits). So lengths, letters, numbers
 * of labels and top-level domains are those of real lists. Entries with a path put real segments behind such a name.
 * Without a corpus the pools are made up of letters. */
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/bench_verdict.h"
#include "daemon/list_file.h"
#include "policy/list.h"

enum { HOST_LONG = 60, LABEL_LONG = 18, SEGMENT_LONG = 20, POOL_MADE = 20000 };

struct pool {
	struct sl_bytes *p;
	size_t n, cap;
};

static void put(struct pool *pool, const void *text, size_t len)
{
	if (pool->n == pool->cap) {
		pool->cap = pool->cap == 0 ? 4096 : pool->cap * 2;
		pool->p = (struct sl_bytes *)realloc(pool->p, pool->cap * sizeof(*pool->p));
	}
	char *copy = pool->p == NULL ? NULL : (char *)malloc(len + 1);
	if (copy == NULL)
		sl_verdict_die("names");
	memcpy(copy, text, len);
	copy[len] = '\0';
	pool->p[pool->n++] = sl_bytes_of(copy, len);
}

static void empty(struct sl_bytes *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free((void *)(uintptr_t)text[i].p);
	free(text);
}

struct reading {
	struct pool host, url, segment;
};

static bool is_plain(struct sl_bytes s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '-' ||
		      s.p[i] == '_' || (s.p[i] == '.' && i > 0)))
			return false;
	return s.len > 0 && s.len <= SEGMENT_LONG;
}

static void put_segments(struct pool *pool, struct sl_bytes path)
{
	path = sl_bytes_first(path, sl_bytes_find(path, '?'));
	while (path.len > 0) {
		path = sl_bytes_skip(path, 1);
		size_t end = sl_bytes_find(path, '/');
		if (is_plain(sl_bytes_first(path, end)))
			put(pool, path.p, end);
		path = sl_bytes_skip(path, end);
	}
}

static int take(void *ctx, const struct sl_list_entry *e)
{
	struct reading *r = (struct reading *)ctx;
	char text[SL_NAME_MAX];
	if (e->host == NULL || e->host->address || e->effect != SL_EFFECT_BLOCK || e->port != 0 ||
	    e->host->len > HOST_LONG || strchr(e->host->name, '.') == NULL)
		return SL_OK;
	if (e->scope != SL_SCOPE_PATH) {
		put(&r->host, e->host->name, e->host->len);
		return SL_OK;
	}
	put_segments(&r->segment, e->path);
	if (e->path.len < SL_NAME_MAX - HOST_LONG - 1) {
		memcpy(text, e->host->name, e->host->len);
		memcpy(text + e->host->len, e->path.p, e->path.len);
		put(&r->url, text, e->host->len + e->path.len);
	}
	return SL_OK;
}

static void read_list(const char *path, struct reading *into)
{
	const struct sl_list_cfg cfg = { .file = path, .format = SL_FORMAT_AUTO, .max_refused_percent = 100 };
	struct sl_list_reader *reader = NULL;
	struct sl_list_file *file = NULL;
	struct sl_list_stats stats;
	struct sl_bytes piece = { NULL, 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || sl_list_file_open(fd, UINT64_C(1) << 30, &file) != SL_OK ||
	    sl_list_reader_new(&cfg, take, into, NULL, &reader) != SL_OK)
		sl_verdict_die(path);
	while (sl_list_file_next(file, &piece) == SL_OK && piece.p != NULL)
		(void)sl_list_reader_feed(reader, piece);
	(void)sl_list_reader_end(reader, &stats);
	sl_list_reader_free(&reader);
	sl_list_file_close(&file);
	(void)close(fd);
}

/* All that match, but for those whose name begins with except. */
static void read_lists(const char *corpus, const char *pattern, const char *except, struct reading *into)
{
	char text[4096];
	glob_t found;
	(void)snprintf(text, sizeof(text), "%s/lists/%s", corpus, pattern);
	if (glob(text, 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *base = strrchr(found.gl_pathv[i], '/') + 1;
		if (strstr(base, ".txt") != NULL &&
		    (except == NULL || strncmp(base, except, strlen(except)) != 0))
			read_list(found.gl_pathv[i], into);
	}
	globfree(&found);
}

static int by_text(const void *a, const void *b)
{
	const struct sl_bytes *x = (const struct sl_bytes *)a, *y = (const struct sl_bytes *)b;
	return strcmp((const char *)x->p, (const char *)y->p);
}

/* Each once, in an order that the seed says. */
static void shuffle(struct pool *pool, uint64_t seed)
{
	size_t n = 0;
	if (pool->n > 0)
		qsort(pool->p, pool->n, sizeof(*pool->p), by_text);
	for (size_t i = 0; i < pool->n; i++)
		if (n == 0 || !sl_bytes_equal(pool->p[n - 1], pool->p[i]))
			pool->p[n++] = pool->p[i];
		else
			free((void *)(uintptr_t)pool->p[i].p);
	pool->n = n;
	for (size_t i = n; i > 1; i--) {
		size_t k = sl_bench_key(seed + i) % i;
		struct sl_bytes t = pool->p[i - 1];
		pool->p[i - 1] = pool->p[k];
		pool->p[k] = t;
	}
}

static void make_up(struct pool *pool, uint64_t seed, bool host)
{
	static const char *const tld[] = { "com", "net", "org", "info", "co.uk", "de" };
	for (uint64_t i = 0; i < POOL_MADE; i++) {
		uint64_t key = sl_bench_key(seed * 3 + i), bits = key;
		char text[32];
		size_t n = 0;
		for (unsigned k = 4 + key % 9; k > 0; k--, bits = bits >> 5 | bits << 59)
			text[n++] = (char)('a' + bits % 26);
		if (host)
			n += (size_t)snprintf(text + n, sizeof(text) - n, ".%s", tld[key % 6]);
		put(pool, text, n);
	}
}

/* Labels that stand before the end of a name, where they are not long. */
static void find_labels(const struct pool *hosts, struct pool *labels)
{
	for (size_t i = 0; i < hosts->n; i++)
		for (struct sl_bytes at = hosts->p[i];;) {
			size_t dot = sl_bytes_find(at, '.');
			if (dot == at.len)
				break;
			if (dot > 2 && dot <= LABEL_LONG && at.p[0] != 'x' && at.p[0] != '-' &&
			    at.p[dot - 1] != '-' && memchr(at.p, '_', dot) == NULL)
				put(labels, at.p, dot);
			at = sl_bytes_skip(at, dot + 1);
		}
}

void sl_names_open(struct sl_names *n, const char *corpus, uint64_t seed, unsigned urls_percent)
{
	struct reading block = { 0 }, clean = { 0 };
	struct pool labels = { 0 };
	read_lists(corpus, "*", "clean-", &block);
	read_lists(corpus, "clean-*", NULL, &clean);
	*n = (struct sl_names){ .seed = seed, .urls_percent = urls_percent };
	n->corpus = block.host.n > 0 && clean.host.n > 0 && clean.url.n > 0 && block.segment.n > 0;
	if (!n->corpus) {
		make_up(&block.host, seed, true);
		make_up(&clean.host, seed + POOL_MADE, true);
		make_up(&block.segment, seed, false);
		make_up(&clean.segment, seed, false);
	}
	for (size_t i = 0; i < clean.segment.n; i++)
		put(&block.segment, clean.segment.p[i].p, clean.segment.p[i].len);
	find_labels(&block.host, &labels);
	struct pool *all[] = { &block.host, &clean.host, &clean.url, &block.segment, &labels };
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		shuffle(all[i], seed);
	empty(block.url.p, block.url.n);
	empty(clean.segment.p, clean.segment.n);
	n->block = block.host.p;
	n->blocks = block.host.n;
	n->clean = clean.host.p;
	n->cleans = clean.host.n;
	n->url = clean.url.p;
	n->urls = clean.url.n;
	n->segment = block.segment.p;
	n->segments = block.segment.n;
	n->label = labels.p;
	n->labels = labels.n;
}

void sl_names_close(struct sl_names *n)
{
	empty(n->block, n->blocks);
	empty(n->clean, n->cleans);
	empty(n->url, n->urls);
	empty(n->segment, n->segments);
	empty(n->label, n->labels);
	*n = (struct sl_names){ 0 };
}

static char *add(char *to, struct sl_bytes b)
{
	memcpy(to, b.p, b.len);
	return to + b.len;
}

/* Where the part that is kept begins: the last label, or two where the second is as short as those of "co.uk". */
static size_t find_tail(struct sl_bytes name)
{
	size_t last = name.len, before = name.len;
	for (size_t i = name.len; i > 0; i--)
		if (name.p[i - 1] == '.') {
			if (last == name.len) {
				last = i - 1;
			} else {
				before = i - 1;
				break;
			}
		}
	return before != name.len && last - before <= 4 ? before : last;
}

/* A name like base, but for its own label. */
static char *derive(const struct sl_names *n, struct sl_bytes base, uint64_t bits, char *to)
{
	size_t tail = find_tail(base), label = tail;
	while (label > 0 && base.p[label - 1] != '.')
		label--;
	to = add(to, sl_bytes_first(base, label));
	to = add(to, n->label[bits % n->labels]);
	bits = sl_bench_key(bits);
	if (bits % 4 == 0)
		*to++ = '-';
	to = add(to, n->label[(bits >> 8) % n->labels]);
	if (bits % 4 == 1)
		to += sprintf(to, "%u", (unsigned)(bits >> 40) % 1000);
	return add(to, sl_bytes_skip(base, tail));
}

static char *add_path(const struct sl_names *n, uint64_t bits, unsigned segments, bool query, char *to)
{
	for (unsigned i = 0; i < segments; i++) {
		*to++ = '/';
		to = add(to, n->segment[sl_bench_key(bits + i) % n->segments]);
	}
	if (query)
		to += sprintf(to, "?id=%u", (unsigned)(bits >> 8) % 100000);
	return to;
}

static char *entry_host(const struct sl_names *n, uint64_t i, char *to)
{
	uint64_t bits = sl_bench_key(n->seed * UINT64_C(0x2545f4914f6cdd1d) + i);
	if (i == 0) /* a whole top-level domain, as some lists have: so that every label is asked for */
		return add(to, SL_BYTES_LIT("zip"));
	return i < n->blocks ? add(to, n->block[i]) : derive(n, n->block[bits % n->blocks], bits >> 16, to);
}

size_t sl_names_entry(const struct sl_names *n, uint64_t i, char out[SL_NAME_MAX])
{
	char *to = entry_host(n, i, out);
	if (i > 0 && i % 100 < n->urls_percent)
		to = add_path(n, sl_bench_key(i) + n->seed, 1 + (unsigned)(i / 100 % 8), i / 800 % 8 == 0,
		              to);
	*to = '\0';
	return (size_t)(to - out);
}

static unsigned labels_of(const char *text)
{
	unsigned n = 1;
	for (; *text != '\0' && *text != '/'; text++)
		n += *text == '.';
	return n;
}

/* Clean names differ from question to question: a real one, or one derived from it with labels of its own kind. */
static void ask_host(const struct sl_names *n, uint64_t i, const struct sl_names_want *want, uint64_t entries,
                     char *out)
{
	uint64_t bits = sl_bench_key(~n->seed + i);
	char *to = out;
	if (!want->hit && i < n->cleans) {
		to = add(to, n->clean[i]);
	} else if (!want->hit) {
		to = derive(n, n->clean[bits % n->cleans], bits >> 16, to);
	} else {
		uint64_t k = bits % entries;
		while (want->segments == 0 &&
		       k % 100 < n->urls_percent) /* only a host can be blocked by a host */
			k = (k + 1) % entries;
		to = out + sl_names_entry(n, k, out);
	}
	*to = '\0';
}

size_t sl_names_ask(const struct sl_names *n, uint64_t i, const struct sl_names_want *want, uint64_t entries,
                    char out[SL_NAME_MAX])
{
	static const char *const sub[] = { "www", "cdn", "m", "img", "api", "static", "login", "news" };
	char host[SL_NAME_MAX], *to = out;
	uint64_t bits = sl_bench_key(n->seed + i * 7);
	ask_host(n, i, want, entries, host);
	for (unsigned have = labels_of(host); have < want->labels; have++, bits >>= 3) {
		to = add(to, sl_bytes_str(sub[bits & 7]));
		*to++ = '.';
	}
	to = add(to, sl_bytes_str(host));
	*to = '\0';
	unsigned segments = 0;
	for (const char *p = strchr(out, '/'); p != NULL; p = strchr(p + 1, '/'))
		segments++;
	if (want->segments > segments && strchr(out, '?') == NULL)
		to = add_path(n, sl_bench_key(~i), want->segments - segments, want->query, to);
	*to = '\0';
	return (size_t)(to - out);
}
