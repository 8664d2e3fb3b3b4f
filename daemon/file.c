/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/file.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static ssize_t read_at_most(int fd, uint8_t *p, size_t n)
{
	size_t have = 0;

	while (have < n) {
		ssize_t got = pread(fd, p + have, n - have, (off_t)have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		have += (size_t)got;
	}
	return (ssize_t)have;
}

int sl_file_read(int fd, struct sl_bytes *out)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return SL_ESYS;
	if (!S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
		return SL_ESYS;
	}
	uint8_t *p = (uint8_t *)malloc(st.st_size > 0 ? (size_t)st.st_size : 1);
	if (p == NULL)
		return SL_ENOMEM;
	ssize_t n = read_at_most(fd, p, (size_t)st.st_size);
	if (n < 0) {
		free(p);
		return SL_ESYS;
	}
	*out = sl_bytes_of(p, (size_t)n);
	return SL_OK;
}

void sl_file_free(struct sl_bytes *text)
{
	free((void *)(uintptr_t)text->p);
	*text = (struct sl_bytes){ NULL, 0 };
}
