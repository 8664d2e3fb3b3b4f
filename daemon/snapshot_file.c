/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/snapshot_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif

enum {
	HUGE_PAGE = 2 << 20,
	WORTHWHILE = 4 * HUGE_PAGE, /* of less, too little would be huge */
};

struct mapping {
	void *image, *copy; /* copy: of the prefilter, with room to align it; NULL: none */
	size_t image_len, copy_len;
	void *room; /* where image lies, at the start of a huge page */
	size_t room_len;
};

static void unmap(void *ctx)
{
	struct mapping *m = (struct mapping *)ctx;
	if (m->room != NULL)
		(void)munmap(m->room, m->room_len);
	if (m->copy != NULL)
		(void)munmap(m->copy, m->copy_len);
	free(m);
}

static int map_aligned(int fd, size_t len, struct mapping *m)
{
	void *room =
	        mmap(NULL, len + HUGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (room == MAP_FAILED)
		return SL_ESYS;
	m->room = room;
	m->room_len = len + HUGE_PAGE;
	void *at = (uint8_t *)room + (size_t)(-(uintptr_t)room % HUGE_PAGE);
	if (mmap(at, len, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED)
		return SL_ESYS;
	m->image = at;
	m->image_len = len;
	return SL_OK;
}

/* Private, though nobody writes: a shared mapping of a descriptor that was opened for writing is refused once the memory
 * file is sealed (before Linux 6.7), and unwritten private pages are shared all the same. */
static int map_image(int fd, struct mapping *m)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return SL_ESYS;
	if (!S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
		return SL_ESYS;
	}
	if (st.st_size == 0)
		return SL_OK; /* no bytes to map; opening says what it is */
	return map_aligned(fd, (size_t)st.st_size, m);
}

/* Whole huge pages of a memory file, for all who map it; a file on a disk is left alone. */
static bool make_huge(int fd, const struct mapping *m)
{
	if (m->image_len < WORTHWHILE || fcntl(fd, F_GET_SEALS) < 0)
		return false;
	return madvise(m->image, m->image_len / HUGE_PAGE * HUGE_PAGE, MADV_COLLAPSE) == 0;
}

/* Into the page tables of this process; those of a hypervisor, if there are any, are filled by sl_policy_touch(), and by the loop
 * where the kernel does not know the advice (before Linux 5.14). */
static void fetch_pages(const struct mapping *m, bool huge)
{
	long page = huge ? HUGE_PAGE : sysconf(_SC_PAGESIZE);
	if (m->image == NULL || madvise(m->image, m->image_len, MADV_POPULATE_READ) == 0 || page <= 0)
		return;
	for (size_t at = 0; at < m->image_len; at += (size_t)page)
		(void)*((volatile const uint8_t *)m->image + at);
}

/* Without it the prefilter is asked where it lies: slower, never wrong. So no failure is one. */
static void copy_prefilter(struct mapping *m, struct sl_snapshot *s)
{
	struct sl_bytes from = sl_snapshot_prefilter(s);
	size_t len = from.len + HUGE_PAGE;
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return;
	m->copy = p;
	m->copy_len = len;
	(void)madvise(p, len, MADV_HUGEPAGE);
	uint8_t *at = (uint8_t *)p + (size_t)(-(uintptr_t)p % HUGE_PAGE);
	memcpy(at, from.p, from.len);
	(void)mprotect(p, len, PROT_READ);
	(void)sl_snapshot_move_prefilter(s, sl_bytes_of(at, from.len));
}

static int open_policy(int fd, struct mapping *m, enum sl_snapshot_use use, const char **why,
                       struct sl_policy **out)
{
	static const uint64_t none[8] __attribute__((aligned(64)));
	const void *image = m->image == NULL ? (const void *)none : m->image;
	struct sl_snapshot *s = NULL;
	int err = sl_snapshot_open(sl_bytes_of(image, m->image_len), why, &s);
	bool huge = err == SL_OK && use != SL_SNAPSHOT_LOOK && make_huge(fd, m);
	if (err == SL_OK && use == SL_SNAPSHOT_JUDGE) {
		fetch_pages(m, huge);
		if (!huge)
			copy_prefilter(m, s);
	}
	if (err == SL_OK)
		err = sl_policy_of(&s, out);
	if (err == SL_ENOMEM)
		*why = sl_strerror(err);
	sl_snapshot_free(&s);
	return err;
}

int sl_snapshot_file_map(int fd, enum sl_snapshot_use use, const char **why, struct sl_policy **out)
{
	struct mapping *m = (struct mapping *)calloc(1, sizeof(*m));
	if (m == NULL) {
		*why = sl_strerror(SL_ENOMEM);
		return SL_ENOMEM;
	}
	int err = map_image(fd, m);
	if (err == SL_ESYS)
		*why = strerror(errno);
	if (err == SL_OK)
		err = open_policy(fd, m, use, why, out);
	if (err == SL_OK)
		sl_policy_keep(*out, unmap, m);
	else
		unmap(m);
	return err;
}
