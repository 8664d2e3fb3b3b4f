/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench_verdict_image.c - the snapshot: made by a child process from the text of a list, mapped as the daemon maps one. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench_verdict.h"
#include "policy/compile.h"

enum { PIECE = 1 << 16, MAPS = 5, FURTHER_MAX = 1000000 };

/* What the child tells. */
struct told {
	struct sl_compile_stats stats;
	struct sl_list_stats list;
	int err;
};

static int write_file(void *ctx, uint64_t offset, struct sl_bytes b)
{
	while (b.len > 0) {
		ssize_t n = pwrite(*(int *)ctx, b.p, b.len, (off_t)offset);
		if (n <= 0)
			return SL_ESYS;
		b = sl_bytes_skip(b, (size_t)n);
		offset += (uint64_t)n;
	}
	return SL_OK;
}

/* The text of the list, in pieces, into the reader; with no reader only made. */
static int feed(const struct sl_names *n, uint64_t entries, uint64_t step, struct sl_list_reader *reader)
{
	char text[PIECE + SL_NAME_MAX];
	size_t used = 0;
	int err = SL_OK;
	for (uint64_t i = 0; i < entries && err == SL_OK; i += step) {
		used += sl_names_entry(n, i, text + used);
		text[used++] = '\n';
		if (used < PIECE && i + step < entries)
			continue;
		if (reader != NULL)
			err = sl_list_reader_feed(reader, sl_bytes_of(text, used));
		used = 0;
	}
	return err;
}

static int add_list(struct sl_compile *c, const char *name, uint16_t category, const struct sl_names *n,
                    uint64_t entries, uint64_t step, struct sl_list_stats *stats)
{
	const struct sl_list_cfg cfg = { .file = name, .format = SL_FORMAT_URLS };
	const struct sl_compile_list list = { .name = name, .file = name, .category = category };
	struct sl_list_reader *reader = NULL;
	int err = sl_compile_begin(c, &list);
	if (err == SL_OK)
		err = sl_list_reader_new(&cfg, sl_compile_add, c, NULL, &reader);
	if (err == SL_OK)
		err = feed(n, entries, step, reader);
	if (err == SL_OK)
		err = sl_list_reader_end(reader, stats);
	sl_list_reader_free(&reader);
	sl_compile_end(c);
	return err;
}

static int compile(const struct sl_names *n, uint64_t entries, uint64_t further_step, int fd,
                   struct told *told)
{
	const struct sl_compile_cfg cfg = { .fold = true };
	const struct sl_image_sink sink = { &fd, write_file };
	struct sl_compile *c = NULL;
	struct sl_list_stats more;
	uint16_t category = 0;
	int err = sl_compile_new(&cfg, &c);
	if (err == SL_OK)
		err = sl_compile_category(c, "bench", SL_LIST_BLOCK, &category);
	if (err == SL_OK)
		err = add_list(c, "first", category, n, entries, 1, &told->list);
	if (err == SL_OK && further_step > 0)
		err = add_list(c, "further", category, n, entries, further_step, &more);
	if (err == SL_OK)
		err = sl_compile_finish(c, &sink, &told->stats);
	sl_compile_free(&c);
	return err;
}

/* In a child; returns its peak of memory. */
static uint64_t compile_apart(const struct sl_names *n, uint64_t entries, uint64_t further_step,
                              const char *path, struct told *told)
{
	struct rusage usage;
	int status = 0, fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct told *shared = (struct told *)mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	                                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fd < 0 || shared == MAP_FAILED)
		sl_verdict_die(path);
	pid_t child = fork();
	if (child == 0) {
		shared->err = compile(n, entries, further_step, fd, shared);
		_exit(shared->err == SL_OK ? 0 : 1);
	}
	if (child < 0 || wait4(child, &status, 0, &usage) != child || status != 0)
		sl_verdict_die("the compiler failed");
	*told = *shared;
	(void)munmap(shared, sizeof(*shared));
	(void)close(fd);
	return (uint64_t)usage.ru_maxrss * 1024;
}

static uint64_t file_size(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t len = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	if (len <= 0)
		sl_verdict_die(path);
	(void)close(fd);
	return (uint64_t)len;
}

/* What one mention more costs: a second list that holds every fourth name of the first. */
static void measure_further(struct sl_image *image, const struct sl_names *n, uint64_t entries)
{
	struct told told;
	char path[sizeof(image->path) + 8];
	if (entries > FURTHER_MAX)
		return;
	(void)snprintf(path, sizeof(path), "%s.more", image->path);
	(void)compile_apart(n, entries, 4, path, &told);
	uint64_t fourth = (entries + 3) / 4;
	image->further = ((double)file_size(path) - (double)image->bytes) / (double)fourth;
	(void)unlink(path);
}

void sl_image_make(struct sl_image *image, const struct sl_names *n, uint64_t entries, const char *dir)
{
	struct told told;
	*image = (struct sl_image){ 0 };
	(void)snprintf(image->path, sizeof(image->path), "%s/sl_verdict.%d.%llu", dir, (int)getpid(),
	               (unsigned long long)entries);
	double start = sl_verdict_seconds();
	(void)feed(n, entries, 1, NULL);
	image->names_s = sl_verdict_seconds() - start;
	start = sl_verdict_seconds();
	image->child_peak = compile_apart(n, entries, 0, image->path, &told);
	image->compile_s = sl_verdict_seconds() - start;
	image->bytes = file_size(image->path);
	image->duplicates = told.stats.duplicates;
	image->refused = told.list.refused;
	measure_further(image, n, entries);
}

void sl_image_remove(struct sl_image *image)
{
	(void)unlink(image->path);
}

static void map(const struct sl_image *image, struct sl_loaded *out)
{
	const char *why = "";
	int fd = open(image->path, O_RDONLY | O_CLOEXEC);
	*out = (struct sl_loaded){ .len = image->bytes };
	out->map = fd < 0 ? MAP_FAILED : mmap(NULL, out->len, PROT_READ, MAP_SHARED, fd, 0);
	if (out->map == MAP_FAILED)
		sl_verdict_die(image->path);
	(void)close(fd);
	if (sl_snapshot_open(sl_bytes_of(out->map, out->len), &why, &out->s) != SL_OK)
		sl_verdict_die(why);
}

static void prefault(struct sl_loaded *l)
{
	(void)madvise(l->map, l->len, MADV_POPULATE_READ); /* an older kernel faults page by page */
}

static void copy_prefilter(struct sl_loaded *l)
{
	struct sl_bytes bits = sl_snapshot_prefilter(l->s);
	l->copy = sl_verdict_memory(bits.len);
	memcpy(l->copy, bits.p, bits.len);
	if (sl_snapshot_move_prefilter(l->s, sl_bytes_of(l->copy, bits.len)) != SL_OK)
		sl_verdict_die("the prefilter's copy");
}

static void copy_whole(struct sl_loaded *l)
{
	l->copy = sl_verdict_memory(l->len);
	memcpy(l->copy, l->map, l->len);
	sl_snapshot_free(&l->s);
	if (sl_snapshot_open(sl_bytes_of(l->copy, l->len), NULL, &l->s) != SL_OK)
		sl_verdict_die("the image's copy");
}

void sl_image_load(const struct sl_image *image, bool whole, struct sl_loaded *out)
{
	map(image, out);
	prefault(out);
	if (whole)
		copy_whole(out);
	else
		copy_prefilter(out);
}

void sl_image_unload(struct sl_loaded *l)
{
	sl_snapshot_free(&l->s);
	(void)munmap(l->map, l->len);
	free(l->copy);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Medians. The file is in the page cache, as one is that was just made. */
void sl_image_time_map(struct sl_image *image, const struct sl_query *first)
{
	double taken[3][MAPS];
	struct sl_decision d;
	struct sl_loaded l;
	for (unsigned i = 0; i < MAPS; i++) {
		double start = sl_verdict_seconds();
		map(image, &l);
		sl_decide(l.s, first, &d);
		double mapped = sl_verdict_seconds();
		prefault(&l);
		double faulted = sl_verdict_seconds();
		copy_prefilter(&l);
		taken[0][i] = mapped - start;
		taken[1][i] = faulted - mapped;
		taken[2][i] = sl_verdict_seconds() - faulted;
		sl_image_unload(&l);
	}
	for (unsigned i = 0; i < 3; i++)
		qsort(taken[i], MAPS, sizeof(taken[i][0]), by_value);
	image->map_s = taken[0][MAPS / 2];
	image->prefault_s = taken[1][MAPS / 2];
	image->copy_s = taken[2][MAPS / 2];
}

uint64_t sl_judge_one(void *snapshot, const struct sl_asks *a, size_t from, size_t n)
{
	const struct sl_snapshot *s = (const struct sl_snapshot *)snapshot;
	struct sl_decision d;
	uint64_t blocked = 0;
	for (size_t i = from; i < from + n; i++) {
		sl_decide(s, &a->query[i], &d);
		blocked += d.block;
	}
	return blocked;
}

uint64_t sl_judge_many(void *snapshot, const struct sl_asks *a, size_t from, size_t n)
{
	const struct sl_snapshot *s = (const struct sl_snapshot *)snapshot;
	struct sl_decision d[SL_DECIDE_MANY];
	uint64_t blocked = 0;
	for (size_t i = from; i < from + n; i += SL_DECIDE_MANY) {
		size_t some = from + n - i < SL_DECIDE_MANY ? from + n - i : SL_DECIDE_MANY;
		sl_decide_many(s, &a->query[i], some, d);
		for (size_t k = 0; k < some; k++)
			blocked += d[k].block;
	}
	return blocked;
}

uint64_t sl_judge_raw(void *snapshot, const struct sl_asks *a, size_t from, size_t n)
{
	const struct sl_snapshot *s = (const struct sl_snapshot *)snapshot;
	struct sl_decision d;
	uint64_t blocked = 0;
	for (size_t i = from; i < from + n; i++) {
		sl_decide(s, &a->raw[i], &d);
		blocked += d.block;
	}
	return blocked;
}
