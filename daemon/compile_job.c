/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/compile_job.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/snapshot_file.h"

/* A file that bytes go to, and how to call it when they do not. */
struct file {
	int fd;
	const char *what;
	const struct sl_diag *diag;
};

static int failed(const struct file *f, const char *verb)
{
	sl_diag(f->diag, NULL, 0, "%s cannot be %s: %s", f->what, verb, strerror(errno));
	return SL_ESYS;
}

static int write_at(void *ctx, uint64_t offset, struct sl_bytes b)
{
	const struct file *f = (const struct file *)ctx;
	while (b.len > 0) {
		ssize_t n = pwrite(f->fd, b.p, b.len, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return failed(f, "written");
		b = sl_bytes_skip(b, (size_t)n);
		offset += (uint64_t)n;
	}
	return SL_OK;
}

static int read_at(void *ctx, uint64_t offset, void *out, size_t len)
{
	const struct file *f = (const struct file *)ctx;
	uint8_t *p = (uint8_t *)out;
	while (len > 0) {
		ssize_t n = pread(f->fd, p, len, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO; /* somebody cut our own file */
		if (n <= 0)
			return failed(f, "read");
		p += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return SL_OK;
}

static int report_merge(void *ctx, uint64_t done, uint64_t total)
{
	const struct sl_list_source *s = (const struct sl_list_source *)ctx;
	s->progress(s->progress_ctx, "merging", done, total);
	return SL_OK;
}

static int seal(int fd)
{
	enum { SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL };
	int have = fcntl(fd, F_GET_SEALS);
	if (have < 0 || (have & F_SEAL_SEAL) != 0)
		return SL_OK; /* a plain file */
	return fcntl(fd, F_ADD_SEALS, SEALS) == 0 ? SL_OK : SL_ESYS;
}

static int verify(const struct sl_diag *diag, int out, struct sl_snapshot_info *info)
{
	struct sl_policy *policy = NULL;
	const char *why = NULL;
	int err = sl_snapshot_file_map(out, SL_SNAPSHOT_SETTLE, &why, &policy);
	if (err == SL_OK)
		err = sl_snapshot_verify(sl_policy_snapshot(policy), &why);
	if (err == SL_OK)
		sl_snapshot_info(sl_policy_snapshot(policy), info);
	else
		sl_diag(diag, NULL, 0, "the snapshot is not as it was written: %s",
		        why == NULL ? sl_strerror(err) : why);
	sl_policy_free(&policy);
	return err;
}

static int finish(const struct sl_compile_job *job, struct sl_compile *c, int out,
                  struct sl_compile_job_stats *stats)
{
	struct file file = { out, "the snapshot", job->source.diag };
	const struct sl_image_sink sink = { &file, write_at };
	int err = sl_compile_finish(c, &sink, &stats->compile);
	if (err == SL_ELIMIT && job->memory > 0)
		sl_diag(job->source.diag, NULL, 0,
		        "%" PRIu64 " bytes of memory are too few: the tables of these lists need about %d "
		        "bytes for each of up to %" PRIu64 " keys",
		        job->memory, SL_COMPILE_TABLES, stats->compile.entries);
	else if (err != SL_OK && err != SL_ESYS) /* which was told */
		sl_diag(job->source.diag, NULL, 0, "the lists cannot be compiled: %s", sl_strerror(err));
	if (err == SL_OK && seal(out) != SL_OK)
		err = failed(&file, "sealed");
	return err;
}

int sl_compile_job_run(const struct sl_compile_job *job, int out, struct sl_compile_job_stats *stats)
{
	struct file file = { job->spill, "the file for sorting", job->source.diag };
	const struct sl_spill spill = { &file, write_at, read_at };
	const struct sl_compile_cfg cfg = {
		.memory = job->memory,
		.generation = job->generation,
		.fold = job->fold,
		.profile = job->source.profile,
		.www = job->source.www,
		.regex = job->source.regex,
		.spill = job->spill >= 0 ? &spill : NULL,
		.diag = job->source.diag,
		.progress = job->source.progress == NULL ? NULL : report_merge,
		.progress_ctx = (void *)(uintptr_t)&job->source,
	};
	struct sl_compile *c = NULL;
	int err = sl_compile_new(&cfg, &c);
	if (err != SL_OK)
		sl_diag(job->source.diag, NULL, 0, "the lists cannot be compiled: %s", sl_strerror(err));
	if (err == SL_OK)
		err = sl_compile_lists(c, &job->source, &stats->lists);
	if (err == SL_OK)
		err = finish(job, c, out, stats);
	sl_compile_free(&c);
	return err == SL_OK ? verify(job->source.diag, out, &stats->snapshot) : err;
}

static int copy(int in, int out, const struct sl_diag *diag)
{
	enum { PIECE = 1 << 16 };
	struct file from = { in, "the snapshot", diag }, to = { out, "the snapshot", diag };
	struct stat st = { 0 };
	uint8_t *piece = (uint8_t *)malloc(PIECE);
	int err = piece == NULL ? SL_ENOMEM : fstat(in, &st) != 0 ? failed(&from, "read") : SL_OK;
	for (uint64_t at = 0, left = (uint64_t)st.st_size; err == SL_OK && left > 0;) {
		size_t n = sl_min(left, PIECE);
		err = read_at(&from, at, piece, n);
		if (err == SL_OK)
			err = write_at(&to, at, sl_bytes_of(piece, n));
		at += n;
		left -= n;
	}
	free(piece);
	return err;
}

static int seal_or_tell(int out, const struct sl_diag *diag)
{
	struct file to = { out, "the snapshot", diag };
	return seal(out) == SL_OK ? SL_OK : failed(&to, "sealed");
}

int sl_compile_job_restore(int in, int out, const struct sl_diag *diag)
{
	struct sl_snapshot_info info;
	int err = copy(in, out, diag);
	if (err == SL_OK)
		err = seal_or_tell(out, diag);
	return err == SL_OK ? verify(diag, out, &info) : err;
}

static int look(int out, uint64_t checksum, const struct sl_diag *diag)
{
	struct sl_policy *policy = NULL;
	struct sl_snapshot_info info = { 0 };
	const char *why = NULL;
	int err = sl_snapshot_file_map(out, SL_SNAPSHOT_SETTLE, &why, &policy);
	if (err == SL_OK) {
		err = sl_snapshot_whole(sl_policy_snapshot(policy), &why);
		sl_snapshot_info(sl_policy_snapshot(policy), &info);
	}
	if (err == SL_OK && info.checksum != checksum) {
		err = SL_EMALF;
		why = "it is another one";
	}
	if (err != SL_OK)
		sl_diag(diag, NULL, 0, "the snapshot is not as it was written: %s",
		        why == NULL ? sl_strerror(err) : why);
	sl_policy_free(&policy);
	return err;
}

/* Nobody but this process can write between look and seal; a sealed file could not be emptied for another. */
int sl_compile_job_take(int in, uint64_t checksum, int out, const struct sl_diag *diag)
{
	int err = copy(in, out, diag);
	if (err == SL_OK)
		err = look(out, checksum, diag);
	if (err == SL_OK)
		return seal_or_tell(out, diag);
	(void)!ftruncate(out, 0);
	return err;
}
