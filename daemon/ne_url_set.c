/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ne_url_set.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/util.h"
#include "bloom/apple_hash.h"
#include "bloom/prefilter.h"
#include "daemon/file.h"
#include "policy/compile.h"
#include "policy/suburl_key.h"

enum { ALIGNMENT = 64 };

struct growing {
	uint8_t *p;
	size_t len, cap;
};

struct sl_ne_url_set {
	enum sl_profile profile;
	const struct sl_suburl_parsing *parsing;
	uint8_t *image; /* of the snapshot */
	struct sl_snapshot *snapshot;
	uint8_t *bits; /* of the prefilter; NULL: none yet */
	union sl_prefilter_mem mem;
	const struct sl_prefilter *prefilter;
	uint32_t seed;
	bool reachable, ready;
	bool listed; /* the key that is being asked about */
	int (*key)(void *to, struct sl_bytes key);
	void *to;
	struct growing hits, found;
};

/* ---- bytes that grow ---- */

static int reserve(struct growing *g, size_t len)
{
	size_t cap = sl_max(len, 2 * g->cap);
	if (len <= g->cap)
		return SL_OK;
	uint8_t *more = (uint8_t *)realloc(g->p, cap);
	if (more == NULL)
		return SL_ENOMEM;
	g->p = more;
	g->cap = cap;
	return SL_OK;
}

static void add_line(struct growing *g, struct sl_bytes line)
{
	if (reserve(g, g->len + line.len + 1) != SL_OK)
		return;
	memcpy(g->p + g->len, line.p, line.len);
	g->p[g->len + line.len] = '\n';
	g->len += line.len + 1;
}

static int write_image(void *ctx, uint64_t offset, struct sl_bytes b)
{
	struct growing *g = (struct growing *)ctx;
	size_t end = (size_t)offset + b.len;
	if (reserve(g, end) != SL_OK)
		return SL_ENOMEM;
	if (b.len > 0)
		memcpy(g->p + offset, b.p, b.len);
	g->len = sl_max(g->len, end);
	return SL_OK;
}

/* ---- the data set ---- */

static int compile(struct sl_compile *c, const char *name, struct sl_bytes lines, const struct sl_diag *diag,
                   struct growing *image)
{
	const struct sl_list_cfg cfg = { .file = name, .format = SL_FORMAT_URLS };
	const struct sl_compile_list list = { .name = "entries", .file = name };
	const struct sl_image_sink sink = { image, write_image };
	struct sl_list_stats stats;
	uint16_t category = 0;
	int err = sl_compile_category(c, "entries", SL_LIST_BLOCK, &category);
	if (err == SL_OK)
		err = sl_compile_begin(c, &list);
	if (err == SL_OK && lines.len > 0)
		err = sl_list_read(&cfg, lines, sl_compile_add, c, diag, &stats);
	if (err != SL_OK)
		return err;
	sl_compile_end(c);
	return sl_compile_finish(c, &sink, NULL);
}

static int open_image(struct sl_ne_url_set *set, const struct growing *image)
{
	size_t size = (image->len + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	uint8_t *copy = (uint8_t *)aligned_alloc(ALIGNMENT, size);
	struct sl_snapshot *snapshot = NULL;
	if (copy == NULL)
		return SL_ENOMEM;
	memcpy(copy, image->p, image->len);
	int err = sl_snapshot_open(sl_bytes_of(copy, image->len), NULL, &snapshot);
	if (err != SL_OK) {
		free(copy);
		return err;
	}
	sl_snapshot_free(&set->snapshot);
	free(set->image);
	set->image = copy;
	set->snapshot = snapshot;
	return SL_OK;
}

int sl_ne_url_set_entries(struct sl_ne_url_set *set, const char *name, struct sl_bytes lines,
                          const struct sl_diag *diag)
{
	const struct sl_compile_cfg cfg = { .profile = set->profile,
		                            .www = SL_WWW_KEEP,
		                            .regex = set->parsing == NULL ? NULL : set->parsing->regex };
	struct sl_compile *c = NULL;
	struct growing image = { NULL, 0, 0 };
	int err = sl_compile_new(&cfg, &c);
	if (err == SL_OK)
		err = compile(c, name, lines, diag, &image);
	sl_compile_free(&c);
	if (err == SL_OK)
		err = open_image(set, &image);
	free(image.p);
	return err;
}

int sl_ne_url_set_new(enum sl_profile profile, const struct sl_suburl_parsing *parsing,
                      struct sl_ne_url_set **out)
{
	struct sl_ne_url_set *set = (struct sl_ne_url_set *)calloc(1, sizeof(*set));
	if (set == NULL)
		return SL_ENOMEM;
	*set = (struct sl_ne_url_set){
		.profile = profile, .parsing = parsing, .reachable = true, .ready = true
	};
	int err = sl_ne_url_set_entries(set, "entries", (struct sl_bytes){ NULL, 0 }, NULL);
	if (err == SL_OK)
		*out = set;
	else
		sl_ne_url_set_free(&set);
	return err;
}

void sl_ne_url_set_free(struct sl_ne_url_set **set)
{
	struct sl_ne_url_set *s = sl_take(set);
	if (s == NULL)
		return;
	sl_snapshot_free(&s->snapshot);
	free(s->image);
	free(s->bits);
	free(s->hits.p);
	free(s->found.p);
	free(s);
}

void sl_ne_url_set_reachable(struct sl_ne_url_set *set, bool reachable)
{
	set->reachable = reachable;
}

void sl_ne_url_set_ready(struct sl_ne_url_set *set, bool ready)
{
	set->ready = ready;
}

/* ---- what the filter asks ---- */

static int tell_key(void *ctx, const struct sl_tried *t)
{
	struct sl_ne_url_set *set = (struct sl_ne_url_set *)ctx;
	set->listed = t->number != UINT64_MAX;
	return set->key(set->to, t->key);
}

static int keys(void *ctx, struct sl_bytes url, int (*key)(void *to, struct sl_bytes key), void *to)
{
	struct sl_ne_url_set *set = (struct sl_ne_url_set *)ctx;
	const struct sl_query q = { .url = url, .parsing = set->parsing };
	struct sl_suburls urls;
	int err = sl_suburls_of(url, sl_suburl_profile_of(set->profile), set->parsing, &urls);
	set->key = key;
	set->to = to;
	set->hits.len = set->found.len = 0;
	return err != SL_OK ? err : sl_explain(set->snapshot, &q, tell_key, set);
}

static bool maybe(void *ctx, struct sl_bytes key)
{
	struct sl_ne_url_set *set = (struct sl_ne_url_set *)ctx;
	bool perhaps =
	        set->prefilter != NULL && sl_prefilter_maybe(set->prefilter, sl_apple_key(key, set->seed));
	if (perhaps)
		add_line(&set->hits, key);
	return perhaps;
}

static int exact(void *ctx, struct sl_bytes key, bool *listed)
{
	struct sl_ne_url_set *set = (struct sl_ne_url_set *)ctx;
	if (!set->reachable)
		return SL_ETIME;
	*listed = set->listed;
	if (set->listed)
		add_line(&set->found, key);
	return SL_OK;
}

static int parameters(void *ctx)
{
	const struct sl_ne_url_set *set = (const struct sl_ne_url_set *)ctx;
	return !set->ready ? SL_EPERM : !set->reachable ? SL_ETIME : SL_OK;
}

static int read_bits(const struct sl_ne_url_prefilter *p, struct sl_bytes *out)
{
	if (p->path == NULL) {
		*out = p->data;
		return SL_OK;
	}
	int fd = open(p->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int err = fd < 0 ? SL_ESYS : sl_file_read(fd, out);
	if (fd >= 0)
		(void)close(fd);
	return err;
}

static int use_bits(struct sl_ne_url_set *set, const struct sl_ne_url_prefilter *p, struct sl_bytes bits)
{
	const struct sl_prefilter_shape shape = { .format = SL_PREFILTER_APPLE,
		                                  .hashes = p->hash_count,
		                                  .bits = p->bit_count,
		                                  .seed = p->murmur_seed };
	union sl_prefilter_mem mem;
	const struct sl_prefilter *probe = NULL;
	int err = sl_prefilter_open(&mem, &shape, bits, &probe);
	uint8_t *copy = err == SL_OK ? (uint8_t *)malloc(bits.len) : NULL;
	if (err != SL_OK || copy == NULL)
		return err != SL_OK ? err : SL_ENOMEM;
	memcpy(copy, bits.p, bits.len);
	free(set->bits);
	set->bits = copy;
	set->seed = p->murmur_seed;
	return sl_prefilter_open(&set->mem, &shape, sl_bytes_of(copy, bits.len), &set->prefilter);
}

static int install(void *ctx, const struct sl_ne_url_prefilter *prefilter)
{
	struct sl_bytes bits = { NULL, 0 };
	int err = read_bits(prefilter, &bits);
	if (err == SL_OK)
		err = use_bits((struct sl_ne_url_set *)ctx, prefilter, bits);
	if (prefilter->path != NULL)
		sl_file_free(&bits);
	return err;
}

void sl_ne_url_set_lookup(struct sl_ne_url_set *set, struct sl_ne_url_lookup *out)
{
	*out = (struct sl_ne_url_lookup){ .ctx = set,
		                          .keys = keys,
		                          .install = install,
		                          .maybe = maybe,
		                          .exact = exact,
		                          .parameters = parameters };
}

struct sl_bytes sl_ne_url_set_hits(const struct sl_ne_url_set *set)
{
	return sl_bytes_of(set->hits.p, set->hits.len);
}

struct sl_bytes sl_ne_url_set_listed(const struct sl_ne_url_set *set)
{
	return sl_bytes_of(set->found.p, set->found.len);
}
