/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench_verdict_image.c - the snapshot: made by a child process from the text of a list, mapped as the daemon maps one. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench_verdict.h"
#include "daemon/snapshot_file.h"
#include "policy/compile.h"

enum { PIECE = 1 << 16, MAPS = 5, FURTHER_MAX = 1000000, COPY_MAX = 1 << 30 };

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
static uint64_t compile_apart(const struct sl_names *n, uint64_t entries, uint64_t further_step, int fd,
                              struct told *told)
{
	struct rusage usage;
	int status = 0;
	struct told *shared = (struct told *)mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	                                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		sl_verdict_die("memory");
	pid_t child = fork();
	if (child == 0) {
		shared->err = compile(n, entries, further_step, fd, shared);
		_exit(shared->err == SL_OK ? 0 : 1);
	}
	if (child < 0 || wait4(child, &status, 0, &usage) != child || status != 0)
		sl_verdict_die("the compiler failed");
	*told = *shared;
	(void)munmap(shared, sizeof(*shared));
	return (uint64_t)usage.ru_maxrss * 1024;
}

static int memory_file(bool sealable)
{
	int fd = memfd_create("sl_verdict", MFD_CLOEXEC | (sealable ? MFD_ALLOW_SEALING : 0));
	if (fd < 0)
		sl_verdict_die("a memory file");
	return fd;
}

static uint64_t file_size(int fd)
{
	off_t len = lseek(fd, 0, SEEK_END);
	if (len <= 0)
		sl_verdict_die("the snapshot");
	return (uint64_t)len;
}

/* What one mention more costs: a second list that holds every fourth name of the first. */
static void measure_further(struct sl_image *image, const struct sl_names *n, uint64_t entries)
{
	struct told told;
	if (entries > FURTHER_MAX)
		return;
	int fd = memory_file(true);
	(void)compile_apart(n, entries, 4, fd, &told);
	uint64_t fourth = (entries + 3) / 4;
	image->further = ((double)file_size(fd) - (double)image->bytes) / (double)fourth;
	(void)close(fd);
}

static struct sl_policy *map(int fd, enum sl_snapshot_use use)
{
	const char *why = "";
	struct sl_policy *p = NULL;
	if (sl_snapshot_file_map(fd, use, &why, &p) != SL_OK)
		sl_verdict_die(why);
	return p;
}

/* The descriptor is not written through once it is mapped: the copy comes first. */
static void copy_small(struct sl_image *image)
{
	image->small = memory_file(false);
	off_t from = 0;
	for (uint64_t left = image->bytes; left > 0;) {
		ssize_t n = sendfile(image->small, image->fd, &from, left < COPY_MAX ? left : COPY_MAX);
		if (n <= 0)
			sl_verdict_die("a copy of the snapshot");
		left -= (uint64_t)n;
	}
}

/* In the daemon the compiler does both. */
static void settle(struct sl_image *image)
{
	const char *why = "";
	double start = sl_verdict_seconds();
	struct sl_policy *p = map(image->fd, SL_SNAPSHOT_SETTLE);
	image->settle_s = sl_verdict_seconds() - start;
	if (sl_snapshot_verify(sl_policy_snapshot(p), &why) != SL_OK)
		sl_verdict_die(why);
	image->verify_s = sl_verdict_seconds() - start - image->settle_s;
	sl_policy_free(&p);
}

void sl_image_make(struct sl_image *image, const struct sl_names *n, uint64_t entries)
{
	struct told told;
	*image = (struct sl_image){ .fd = memory_file(true) };
	double start = sl_verdict_seconds();
	(void)feed(n, entries, 1, NULL);
	image->names_s = sl_verdict_seconds() - start;
	start = sl_verdict_seconds();
	image->child_peak = compile_apart(n, entries, 0, image->fd, &told);
	image->compile_s = sl_verdict_seconds() - start;
	image->bytes = file_size(image->fd);
	image->duplicates = told.stats.duplicates;
	image->refused = told.list.refused;
	measure_further(image, n, entries);
	copy_small(image);
	settle(image);
}

void sl_image_remove(struct sl_image *image)
{
	(void)close(image->fd);
	(void)close(image->small);
}

struct sl_policy *sl_image_load(const struct sl_image *image, bool small)
{
	return map(small ? image->small : image->fd, SL_SNAPSHOT_JUDGE);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double time_map(int fd, enum sl_snapshot_use use, const struct sl_query *first)
{
	double taken[MAPS];
	for (unsigned i = 0; i < MAPS; i++) {
		struct sl_decision d;
		double start = sl_verdict_seconds();
		struct sl_policy *p = map(fd, use);
		if (use == SL_SNAPSHOT_JUDGE)
			sl_policy_touch(p);
		sl_policy_decide(p, first, &d);
		taken[i] = sl_verdict_seconds() - start;
		sl_policy_free(&p);
	}
	qsort(taken, MAPS, sizeof(taken[0]), by_value);
	return taken[MAPS / 2];
}

/* Medians. */
void sl_image_time_map(struct sl_image *image, const struct sl_query *first)
{
	image->map_s = time_map(image->fd, SL_SNAPSHOT_LOOK, first);
	image->judge_s = time_map(image->fd, SL_SNAPSHOT_JUDGE, first);
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
