/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/export_sort.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

/* What stands in front of a text, in memory and in a run. */
struct head {
	uint32_t len, line;
	uint16_t list;
	uint8_t flags, pad;
};

/* The first bytes decide most comparisons without a look at the text. */
struct index {
	uint64_t first; /* eight bytes of the text, big endian */
	size_t at;      /* of its head, in the arena */
};

struct run {
	FILE *file;
	struct head head;
	uint8_t text[SL_EXPORT_TEXT_MAX];
};

struct sl_export_sort {
	const char *dir;
	size_t memory;
	uint8_t *arena;
	struct index *index;
	size_t used, cap, n, index_cap;
	size_t next; /* of the index, where nothing was spilled */
	struct run *run[SL_EXPORT_RUNS_MAX];
	size_t runs, heap; /* heap: runs that are not at their end, by their text */
	struct run *top[SL_EXPORT_RUNS_MAX];
	bool taken; /* the record of top[0] was handed out */
};

/* An index entry, and as much again while it is sorted. */
enum { INDEX_COST = 2 * sizeof(struct index) };

FILE *sl_export_unnamed(const char *dir)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char path[4096];

	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
		(void)snprintf(path, sizeof(path), "%s/.sluice-XXXXXX", dir);
		fd = mkostemp(path, O_CLOEXEC);
		if (fd >= 0)
			(void)unlink(path);
	}
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w+");
	if (file == NULL && fd >= 0)
		(void)close(fd);
	if (file != NULL)
		(void)setvbuf(file, NULL, _IOFBF, 1 << 16);
	return file;
}

int sl_export_sort_new(const char *dir, size_t memory, struct sl_export_sort **out)
{
	struct sl_export_sort *s = (struct sl_export_sort *)calloc(1, sizeof(*s));

	if (s == NULL)
		return SL_ENOMEM;
	s->dir = dir;
	s->memory = sl_max(memory, SL_EXPORT_MEMORY_MIN);
	*out = s;
	return SL_OK;
}

int sl_export_compare(struct sl_bytes a, struct sl_bytes b)
{
	size_t n = a.p == NULL || b.p == NULL ? 0 : sl_min(a.len, b.len);
	int diff = n == 0 ? 0 : memcmp(a.p, b.p, n);
	return diff != 0 ? diff : (a.len > b.len) - (a.len < b.len);
}

static struct sl_bytes text_at(const uint8_t *arena, size_t at, struct head *head)
{
	memcpy(head, arena + at, sizeof(*head));
	return sl_bytes_of(arena + at + sizeof(*head), head->len);
}

static int by_text(const void *a, const void *b, void *arena)
{
	const struct index *x = (const struct index *)a, *y = (const struct index *)b;
	struct head hx, hy;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	int diff = sl_export_compare(text_at((const uint8_t *)arena, x->at, &hx),
	                             text_at((const uint8_t *)arena, y->at, &hy));
	return diff != 0 ? diff : (x->at > y->at) - (x->at < y->at);
}

static void sort_memory(struct sl_export_sort *s)
{
	if (s->n > 0)
		qsort_r(s->index, s->n, sizeof(*s->index), by_text, s->arena);
}

static int spill(struct sl_export_sort *s)
{
	struct run *run = s->runs < SL_EXPORT_RUNS_MAX ? (struct run *)malloc(sizeof(*run)) : NULL;
	struct head head;

	if (run == NULL)
		return s->runs < SL_EXPORT_RUNS_MAX ? SL_ENOMEM : SL_ELIMIT;
	run->file = sl_export_unnamed(s->dir);
	if (run->file == NULL) {
		free(run);
		return SL_ESYS;
	}
	s->run[s->runs++] = run;
	sort_memory(s);
	for (size_t i = 0; i < s->n; i++) {
		struct sl_bytes text = text_at(s->arena, s->index[i].at, &head);
		if (fwrite(s->arena + s->index[i].at, 1, sizeof(head) + text.len, run->file) !=
		    sizeof(head) + text.len)
			return SL_ESYS;
	}
	s->n = s->used = 0;
	return fflush(run->file) == 0 ? SL_OK : SL_ESYS;
}

/* Room for n more elements. */
static int grow(void **array, size_t *cap, size_t need, size_t size)
{
	if (need <= *cap)
		return SL_OK;
	size_t more = sl_max(need, *cap == 0 ? 4096 : *cap + *cap / 2);
	void *p = realloc(*array, more * size);
	if (p == NULL)
		return SL_ENOMEM;
	*array = p;
	*cap = more;
	return SL_OK;
}

static uint64_t first_bytes(struct sl_bytes text)
{
	uint64_t first = 0;

	for (size_t i = 0; i < 8; i++)
		first = first << 8 | (i < text.len ? text.p[i] : 0);
	return first;
}

int sl_export_sort_add(struct sl_export_sort *s, const struct sl_export_record *record)
{
	struct head head = { (uint32_t)record->text.len, record->line, record->list, record->flags, 0 };
	size_t need = sizeof(head) + record->text.len;
	int err = record->text.len > SL_EXPORT_TEXT_MAX ? SL_ELIMIT : SL_OK;

	if (err == SL_OK && s->n > 0 && s->used + need + (s->n + 1) * INDEX_COST > s->memory)
		err = spill(s);
	if (err == SL_OK)
		err = grow((void **)&s->arena, &s->cap, s->used + need, 1);
	if (err == SL_OK)
		err = grow((void **)&s->index, &s->index_cap, s->n + 1, sizeof(*s->index));
	if (err != SL_OK)
		return err;
	memcpy(s->arena + s->used, &head, sizeof(head));
	if (record->text.len > 0)
		memcpy(s->arena + s->used + sizeof(head), record->text.p, record->text.len);
	s->index[s->n++] = (struct index){ first_bytes(record->text), s->used };
	s->used += need;
	return SL_OK;
}

/* ------------------------------------------------------------------ merging */

static bool run_before(const struct run *a, const struct run *b)
{
	return sl_export_compare(sl_bytes_of(a->text, a->head.len), sl_bytes_of(b->text, b->head.len)) < 0;
}

static void sift_down(struct sl_export_sort *s, size_t at)
{
	for (size_t child = 2 * at + 1; child < s->heap; child = 2 * at + 1) {
		if (child + 1 < s->heap && run_before(s->top[child + 1], s->top[child]))
			child++;
		if (!run_before(s->top[child], s->top[at]))
			return;
		struct run *swap = s->top[at];
		s->top[at] = s->top[child];
		s->top[child] = swap;
		at = child;
	}
}

/* The run's next record; SL_ENOENT at its end. */
static int run_read(struct run *run)
{
	if (fread(&run->head, sizeof(run->head), 1, run->file) != 1)
		return ferror(run->file) ? SL_ESYS : SL_ENOENT;
	if (run->head.len > SL_EXPORT_TEXT_MAX ||
	    fread(run->text, 1, run->head.len, run->file) != run->head.len)
		return SL_ESYS;
	return SL_OK;
}

int sl_export_sort_finish(struct sl_export_sort *s)
{
	int err = s->runs == 0 || s->n == 0 ? SL_OK : spill(s);

	if (s->runs == 0)
		sort_memory(s);
	for (size_t i = 0; i < s->runs && err == SL_OK; i++) {
		rewind(s->run[i]->file);
		err = run_read(s->run[i]);
		if (err == SL_OK)
			s->top[s->heap++] = s->run[i];
		else if (err == SL_ENOENT)
			err = SL_OK;
	}
	for (size_t i = s->heap / 2; i-- > 0;)
		sift_down(s, i);
	if (s->runs > 0) {
		free(sl_take(&s->arena));
		free(sl_take(&s->index));
	}
	return err;
}

static int next_in_memory(struct sl_export_sort *s, struct sl_export_record *out)
{
	struct head head;

	if (s->next == s->n)
		return SL_ENOENT;
	struct sl_bytes text = text_at(s->arena, s->index[s->next++].at, &head);
	*out = (struct sl_export_record){ text, head.line, head.list, head.flags };
	return SL_OK;
}

int sl_export_sort_next(struct sl_export_sort *s, struct sl_export_record *out)
{
	if (s->runs == 0)
		return next_in_memory(s, out);
	if (s->taken) {
		int err = run_read(s->top[0]);
		if (err == SL_ENOENT)
			s->top[0] = s->top[--s->heap];
		else if (err != SL_OK)
			return err;
		sift_down(s, 0);
	}
	s->taken = s->heap > 0;
	if (!s->taken)
		return SL_ENOENT;
	const struct run *run = s->top[0];
	*out = (struct sl_export_record){ sl_bytes_of(run->text, run->head.len), run->head.line,
		                          run->head.list, run->head.flags };
	return SL_OK;
}

size_t sl_export_sort_runs(const struct sl_export_sort *s)
{
	return s->runs;
}

void sl_export_sort_free(struct sl_export_sort **s)
{
	struct sl_export_sort *gone = sl_take(s);

	if (gone == NULL)
		return;
	for (size_t i = 0; i < gone->runs; i++) {
		(void)fclose(gone->run[i]->file);
		free(gone->run[i]);
	}
	free(gone->arena);
	free(gone->index);
	free(gone);
}
