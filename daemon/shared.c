/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/shared.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"

const char *sl_ne_stat_name(enum sl_ne_stat stat)
{
	static const char *const names[] = {
#define X(name, text) #name,
		SL_NE_STATS(X)
#undef X
	};
	return names[stat];
}

/* What stands where: the names of the counters in their order, and the sizes of the rest. */
static uint64_t layout(void)
{
	uint64_t h = sl_hash(NULL, 0,
	                     sizeof(struct sl_worker_shared) << 32 | sizeof(struct sl_filter_stats) << 8 |
	                             sizeof(struct sl_memory_use));

	h = sl_hash((const uint8_t *)sl_histogram_bound, sizeof(sl_histogram_bound), h);
	for (int i = 0; i < SL_STAT_COUNT; i++)
		h = sl_hash(sl_stat_name((enum sl_stat)i), strlen(sl_stat_name((enum sl_stat)i)), h);
	for (int i = 0; i < SL_CAUSE_COUNT; i++)
		h = sl_hash(sl_cause_name((enum sl_cause)i), strlen(sl_cause_name((enum sl_cause)i)), h);
	for (int i = 0; i < SL_NE_STAT_COUNT; i++)
		h = sl_hash(sl_ne_stat_name((enum sl_ne_stat)i), strlen(sl_ne_stat_name((enum sl_ne_stat)i)),
		            h);
	return h;
}

void sl_shared_count_log(struct sl_worker_shared *worker, struct sl_flow_log *log)
{
	struct sl_flow_log_stats more;

	sl_flow_log_count_new(log, &more);
	sl_counter_add(&worker->log_written, more.written);
	sl_counter_add(&worker->log_dropped, more.dropped);
	sl_counter_add(&worker->log_errors, more.write_errors);
}

static int map(int fd, struct sl_shared **out)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return SL_ESYS;
	if (st.st_size != (off_t)sizeof(struct sl_shared))
		return SL_EMALF;
	void *p = mmap(NULL, sizeof(struct sl_shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return SL_ESYS;
	*out = p;
	return SL_OK;
}

int sl_shared_new(uint32_t workers, int *fd, struct sl_shared **out)
{
	int m = memfd_create("sluice-shared", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (m < 0)
		return SL_ESYS;
	int err = ftruncate(m, sizeof(struct sl_shared)) == 0 ? map(m, out) : SL_ESYS;
	if (err != SL_OK) {
		(void)close(m);
		return err;
	}
	(void)fcntl(m, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	(*out)->layout = layout();
	(*out)->workers = workers;
	*fd = m;
	return SL_OK;
}

int sl_shared_map(int fd, struct sl_shared **out)
{
	int err = map(fd, out);

	if (err == SL_OK && (*out)->layout != layout()) {
		sl_shared_unmap(out);
		err = SL_EMALF;
	}
	return err;
}

void sl_shared_unmap(struct sl_shared **s)
{
	if (*s != NULL)
		(void)munmap(*s, sizeof(struct sl_shared));
	*s = NULL;
}
