/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile_image.c - keys in their order become the sections of a snapshot. Strings leave as they come; what is a column
 * waits in memory; index and prefilter are made of the hashes at the end, when the runs are gone. */
#include "base/util.h"
#include "policy/compile_impl.h"

enum { LOAD_NUM = 100, LOAD_DEN = 88 }; /* of the index: ways per hundred keys */
enum { OFFSET = 5 };                    /* bytes of a block's offset */

/* A table that grows to a size known before: an address space that is touched as it fills. */
struct column {
	uint8_t *mem;
	size_t cap, used; /* bytes */
};

struct sl_image {
	struct sl_compile *c;
	const struct sl_image_sink *sink;
	struct sl_snapshot_header h;
	uint64_t end; /* of what was written */
	struct sl_heap_writer heap;
	uint8_t *piece; /* strings on their way */
	size_t piece_len;
	uint64_t piece_sum;
	struct column hash, blocks, combo_of, lines, line_base;
	struct sl_combos combos;
};

static int column_new(struct sl_compile *c, struct column *col, size_t cap)
{
	*col = (struct column){ (uint8_t *)sl_budget_get(&c->budget, cap), cap, 0 };
	return col->mem == NULL ? SL_ENOMEM : SL_OK;
}

static void column_free(struct sl_compile *c, struct column *col)
{
	sl_budget_put(&c->budget, col->mem, col->cap);
	*col = (struct column){ NULL, 0, 0 };
}

static void column_put(struct column *col, const void *p, size_t n)
{
	memcpy(col->mem + col->used, p, n);
	col->used += n;
}

int sl_image_new(struct sl_compile *c, const struct sl_image_sink *sink, struct sl_image **out)
{
	size_t n = c->records, blocks = n / SL_HEAP_BLOCK + 1;
	if (n >= UINT32_MAX)
		return SL_ELIMIT;
	struct sl_image *i = (struct sl_image *)sl_budget_get(&c->budget, sizeof(*i));
	if (i == NULL)
		return SL_ENOMEM;
	i->c = c;
	i->sink = sink;
	i->end = (sizeof(i->h) + SL_SNAPSHOT_ALIGN - 1) / SL_SNAPSHOT_ALIGN * SL_SNAPSHOT_ALIGN;
	i->h.section[SL_SECTION_STRINGS].offset = i->end;
	i->h.labels_min = i->h.segments_min = UINT8_MAX;
	*out = i;
	int err = column_new(c, &i->hash, n * sizeof(uint64_t));
	err = err != SL_OK ? err : column_new(c, &i->combo_of, n * sizeof(uint32_t));
	err = err != SL_OK ? err : column_new(c, &i->lines, n * sizeof(uint32_t));
	err = err != SL_OK ? err : column_new(c, &i->blocks, blocks * OFFSET);
	err = err != SL_OK ? err : column_new(c, &i->line_base, blocks * sizeof(uint32_t));
	i->piece = (uint8_t *)sl_budget_get(&c->budget, SL_SNAPSHOT_PIECE);
	return err == SL_OK && i->piece == NULL ? SL_ENOMEM : err;
}

void sl_image_free(struct sl_image **image)
{
	struct sl_image *i = sl_take(image);
	if (i == NULL)
		return;
	struct sl_compile *c = i->c;
	column_free(c, &i->hash);
	column_free(c, &i->combo_of);
	column_free(c, &i->lines);
	column_free(c, &i->blocks);
	column_free(c, &i->line_base);
	sl_combos_free(c, &i->combos);
	sl_budget_put(&c->budget, i->piece, SL_SNAPSHOT_PIECE);
	sl_budget_put(&c->budget, i, sizeof(*i));
}

static int flush_piece(struct sl_image *i)
{
	struct sl_bytes piece = sl_bytes_of(i->piece, i->piece_len);
	int err = piece.len == 0 ? SL_OK : i->sink->write(i->sink->ctx, i->end, piece);
	i->piece_sum = sl_snapshot_checksum(piece, i->piece_sum);
	i->end += i->piece_len;
	i->piece_len = 0;
	return err;
}

/* Pieces are full but for the last, so that their checksums are those of the whole section. */
static int put_string(struct sl_image *i, struct sl_bytes coded)
{
	while (coded.len > 0) {
		size_t n = sl_min(coded.len, SL_SNAPSHOT_PIECE - i->piece_len);
		memcpy(i->piece + i->piece_len, coded.p, n);
		i->piece_len += n;
		coded = sl_bytes_skip(coded, n);
		int err = i->piece_len == SL_SNAPSHOT_PIECE ? flush_piece(i) : SL_OK;
		if (err != SL_OK)
			return err;
	}
	return SL_OK;
}

static int put_key(struct sl_image *i, struct sl_bytes sorted)
{
	uint8_t coded[SL_HEAP_MAX];
	bool first = i->h.keys % SL_HEAP_BLOCK == 0;
	if (first) {
		uint64_t at = i->end + i->piece_len - i->h.section[SL_SECTION_STRINGS].offset;
		uint32_t line = (uint32_t)i->h.lines;
		column_put(&i->blocks, &at, OFFSET);
		column_put(&i->line_base, &line, sizeof(line));
	}
	return put_string(i, sl_bytes_of(coded, sl_heap_put(&i->heap, sorted, first, coded)));
}

static uint8_t prefix_len(const struct sl_key *key, bool v6)
{
	unsigned len = 0;
	for (size_t n = 1; n < key->path.len; n++)
		len = len * 10 + (key->path.p[n] - '0');
	return key->path.len == 0 ? (v6 ? 128 : 32) : (uint8_t)len;
}

static void note_range(struct sl_snapshot_header *h, const struct sl_key *key)
{
	uint8_t labels = (uint8_t)(key->address ? 0 : sl_key_labels(key->host));
	uint8_t segments = (uint8_t)sl_key_segments(key->path);
	h->labels_min = labels < h->labels_min ? labels : h->labels_min;
	h->labels_max = labels > h->labels_max ? labels : h->labels_max;
	h->segments_min = segments < h->segments_min ? segments : h->segments_min;
	h->segments_max = segments > h->segments_max ? segments : h->segments_max;
}

/* A prefix and the path of an address may share their bytes: the scopes say which it is, or both. */
static int note_shape(struct sl_image *i, const struct sl_group *g, const struct sl_key *key)
{
	bool address = false, other = false;
	int err = SL_OK;
	for (size_t k = 0; k < g->n; k++) {
		bool is = SL_SLOT_SCOPE(g->say[k].slot) == SL_SCOPE_ADDRESS;
		address = address || is;
		other = other || !is;
	}
	if (address) {
		bool v6 = sl_bytes_find(key->host, ':') < key->host.len;
		sl_key_shape_add_prefix(&i->h.shape, v6, prefix_len(key, v6));
		i->h.addresses++;
	}
	if (other) {
		if (i->c->cfg.profile == SL_PROFILE_NATIVE)
			err = sl_key_shape_add(&i->h.shape, key);
		note_range(&i->h, key);
		i->h.paths += key->path.len > 0;
	}
	return err;
}

int sl_image_add(struct sl_image *i, const struct sl_group *g)
{
	struct sl_bytes sorted = sl_bytes_of(g->key, g->len);
	uint8_t text[SL_SORT_MAX];
	struct sl_key key;
	uint32_t combo = 0;
	int err = sl_sort_read(sorted, text, &key);
	err = err != SL_OK ? err : put_key(i, sorted);
	err = err != SL_OK ? err : note_shape(i, g, &key);
	err = err != SL_OK ? err : sl_combos_number(i->c, &i->combos, g, &combo);
	if (err != SL_OK)
		return err;
	uint64_t hash = sl_key_hash(&key, i->c->cfg.seed);
	column_put(&i->hash, &hash, sizeof(hash));
	column_put(&i->combo_of, &combo, sizeof(combo));
	for (size_t k = 0; k < g->n; k++)
		column_put(&i->lines, &g->say[k].line, sizeof(uint32_t));
	i->h.lines += g->n;
	i->h.keys++;
	return SL_OK;
}

static int pad(struct sl_image *i)
{
	static const uint8_t zero[SL_SNAPSHOT_ALIGN];
	size_t n = (size_t)(-i->end % SL_SNAPSHOT_ALIGN);
	int err = n == 0 ? SL_OK : i->sink->write(i->sink->ctx, i->end, sl_bytes_of(zero, n));
	i->end += n;
	return err;
}

static int put_section(struct sl_image *i, enum sl_section section, const void *p, size_t len)
{
	struct sl_bytes all = sl_bytes_of(p, len);
	int err = pad(i);
	i->h.section[section] = (struct sl_snapshot_section){ i->end, len, sl_snapshot_checksum(all, 0) };
	if (err == SL_OK && len > 0)
		err = i->sink->write(i->sink->ctx, i->end, all);
	i->end += len;
	return err;
}

static int put_column(struct sl_image *i, enum sl_section section, struct column *col)
{
	int err = put_section(i, section, col->mem, col->used);
	column_free(i->c, col);
	return err;
}

/* In place: as narrow as the number of combinations allows. */
static int put_combo_of(struct sl_image *i)
{
	uint32_t width = i->combos.n <= 1u << 8 ? 1 : i->combos.n <= 1u << 16 ? 2 : 4;
	for (uint64_t k = 0; k < i->h.keys; k++)
		memmove(i->combo_of.mem + k * width, i->combo_of.mem + k * sizeof(uint32_t), width);
	i->h.combo_width = width;
	i->combo_of.used = i->h.keys * width;
	return put_column(i, SL_SECTION_COMBO_OF, &i->combo_of);
}

static int put_combos(struct sl_image *i)
{
	struct sl_combos *t = &i->combos;
	i->h.combos = (uint32_t)t->n;
	i->h.masks = (uint32_t)t->masks;
	i->h.mentions = (uint32_t)t->mentions;
	int err = put_section(i, SL_SECTION_COMBOS, t->combo, t->n * sizeof(*t->combo));
	if (err == SL_OK)
		err = put_section(i, SL_SECTION_MASKS, t->mask, t->masks * sizeof(*t->mask));
	if (err == SL_OK)
		err = put_section(i, SL_SECTION_MENTIONS, t->mention, t->mentions * sizeof(*t->mention));
	return err;
}

static size_t put_name(uint8_t *names, size_t at, const char *name)
{
	size_t n = strlen(name) + 1;
	if (names != NULL)
		memcpy(names + at, name, n);
	return n;
}

/* Writes lists, categories and names, or, without memory, says how long the names are. */
static size_t describe(const struct sl_image *i, struct sl_snapshot_list *list,
                       struct sl_snapshot_category *category, uint8_t *names)
{
	const struct sl_compile *c = i->c;
	size_t at = put_name(names, 0, "");
	for (size_t k = 0; k < c->lists; k++) {
		const struct sl_compile_listed *l = &c->list[k];
		if (l->dropped)
			continue;
		size_t name = at;
		at += put_name(names, at, l->name);
		if (list != NULL)
			list[l->number] =
			        (struct sl_snapshot_list){ (uint32_t)name, (uint32_t)at, l->entries,
				                           l->category,
				                           l->exceptions_all ? SL_SNAPSHOT_LIST_ALL : 0 };
		at += put_name(names, at, l->file);
	}
	for (uint16_t k = 0; k < c->categories; k++) {
		if (category != NULL)
			category[k] = (struct sl_snapshot_category){ (uint32_t)at, c->kind[k] };
		at += put_name(names, at, c->category[k]);
	}
	return at;
}

static int put_lists(struct sl_image *i)
{
	struct sl_compile *c = i->c;
	size_t n = 0;
	for (size_t k = 0; k < c->lists; k++) {
		n += !c->list[k].dropped;
		i->h.entries += c->list[k].dropped ? 0 : c->list[k].entries;
	}
	struct column lists, categories, names;
	int err = column_new(c, &lists, n * sizeof(struct sl_snapshot_list));
	int more = column_new(c, &categories, c->categories * sizeof(struct sl_snapshot_category));
	int last = column_new(c, &names, describe(i, NULL, NULL, NULL));
	err = err != SL_OK ? err : more != SL_OK ? more : last;
	if (err == SL_OK)
		names.used = describe(i, (void *)lists.mem, (void *)categories.mem, names.mem);
	lists.used = lists.cap;
	categories.used = categories.cap;
	i->h.lists = (uint32_t)n;
	i->h.categories = c->categories;
	err = err != SL_OK ? err : put_section(i, SL_SECTION_LISTS, lists.mem, lists.used);
	err = err != SL_OK ? err : put_section(i, SL_SECTION_CATEGORIES, categories.mem, categories.used);
	err = err != SL_OK ? err : put_section(i, SL_SECTION_NAMES, names.mem, names.used);
	column_free(c, &lists);
	column_free(c, &categories);
	column_free(c, &names);
	return err;
}

static int put_prefilter(struct sl_image *i)
{
	union sl_prefilter_mem mem;
	struct sl_prefilter *pf = NULL;
	struct column bits = { NULL, 0, 0 };
	int err = sl_prefilter_shape_native(i->h.keys, SL_PREFILTER_BITS_PER_KEY, &i->h.prefilter);
	size_t len = err == SL_OK ? sl_prefilter_bytes(&i->h.prefilter) : 0;
	if (err == SL_OK)
		err = column_new(i->c, &bits, len + SL_PREFILTER_BLOCK);
	if (err == SL_OK) {
		uint8_t *at = bits.mem + (-(uintptr_t)bits.mem % SL_PREFILTER_BLOCK);
		err = sl_prefilter_build(&mem, &i->h.prefilter, at, len, &pf);
		if (err == SL_OK) {
			sl_prefilter_add(pf, (const uint64_t *)(const void *)i->hash.mem, i->h.keys);
			err = put_section(i, SL_SECTION_PREFILTER, at, len);
		}
	}
	column_free(i->c, &bits);
	return err;
}

static int put_index(struct sl_image *i)
{
	struct column index;
	uint64_t ways = i->h.keys * LOAD_NUM / LOAD_DEN;
	uint64_t buckets = ways / SL_BUCKET_WAYS + 1;
	int err = column_new(i->c, &index, buckets * sizeof(struct sl_bucket));
	if (err != SL_OK)
		return err;
	index.used = index.cap;
	sl_index_fill((struct sl_bucket *)(void *)index.mem, buckets,
	              (const uint64_t *)(const void *)i->hash.mem, i->h.keys, &i->h.probes);
	return put_column(i, SL_SECTION_INDEX, &index);
}

static int put_header(struct sl_image *i)
{
	const struct sl_compile_cfg *cfg = &i->c->cfg;
	struct sl_snapshot_header *h = &i->h;
	memcpy(h->magic, SL_SNAPSHOT_MAGIC, sizeof(h->magic));
	h->version = SL_SNAPSHOT_VERSION;
	h->size = sizeof(*h);
	h->file_len = i->end;
	h->generation = cfg->generation;
	h->seed = cfg->seed;
	h->profile = cfg->profile;
	h->flags = cfg->fold ? SL_SNAPSHOT_FOLDED : 0;
	if (h->labels_min > h->labels_max)
		h->labels_min = h->labels_max;
	if (h->segments_min > h->segments_max)
		h->segments_min = h->segments_max;
	h->checksum = sl_snapshot_checksum(sl_bytes_of(h, sizeof(*h)), 0);
	return i->sink->write(i->sink->ctx, 0, sl_bytes_of(h, sizeof(*h)));
}

static int end_strings(struct sl_image *i)
{
	struct sl_snapshot_section *s = &i->h.section[SL_SECTION_STRINGS];
	int err = flush_piece(i);
	s->len = i->end - s->offset;
	s->checksum = i->piece_sum;
	return err;
}

static void note_stats(struct sl_image *i)
{
	struct sl_compile_stats *s = &i->c->stats;
	s->keys = i->h.keys;
	s->paths = i->h.paths;
	s->addresses = i->h.addresses;
	s->combinations = i->h.combos;
	s->bytes = i->end;
}

int sl_image_end(struct sl_image *i)
{
	for (size_t r = 0; r < i->c->runs; r++)
		sl_run_free(&i->c->budget, &i->c->run[r]);
	int err = end_strings(i);
	err = err != SL_OK ? err : put_column(i, SL_SECTION_BLOCKS, &i->blocks);
	err = err != SL_OK ? err : put_combo_of(i);
	err = err != SL_OK ? err : put_combos(i);
	err = err != SL_OK ? err : put_column(i, SL_SECTION_LINES, &i->lines);
	err = err != SL_OK ? err : put_column(i, SL_SECTION_LINE_BASE, &i->line_base);
	err = err != SL_OK ? err : put_lists(i);
	err = err != SL_OK ? err : put_prefilter(i);
	err = err != SL_OK ? err : put_index(i);
	err = err != SL_OK ? err : pad(i);
	note_stats(i);
	return err != SL_OK ? err : put_header(i);
}
