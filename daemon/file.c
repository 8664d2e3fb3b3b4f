/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/file.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

int sl_file_map(int fd, struct sl_bytes *out)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return SL_ESYS;
	if (!S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
		return SL_ESYS;
	}
	if (st.st_size == 0) {
		*out = SL_BYTES_LIT("");
		return SL_OK;
	}
	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return SL_ESYS;
	*out = sl_bytes_of(p, (size_t)st.st_size);
	return SL_OK;
}

void sl_file_unmap(struct sl_bytes *map)
{
	if (map->len > 0)
		(void)munmap((void *)(uintptr_t)map->p, map->len);
	*map = (struct sl_bytes){ NULL, 0 };
}
