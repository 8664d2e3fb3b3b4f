/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
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

/* A regular file, open for reading. A pipe would block the supervisor, so it is looked at first. */
int sl_file_open(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	(void)close(fd);
	errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	return -1;
}

/* A copy that nobody can change: the administrator may edit the file in place while engines come and go. */
int sl_file_copy(const char *path)
{
	int in = sl_file_open(path);
	int out = in < 0 ? -1 : memfd_create("sluice-file", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ssize_t n = 1;

	while (out >= 0 && n > 0)
		n = sendfile(out, in, NULL, 1 << 20);
	int saved = errno;
	if (in >= 0)
		(void)close(in);
	if (out >= 0 && n < 0) {
		(void)close(out);
		out = -1;
	}
	if (out >= 0)
		(void)fcntl(out, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	errno = saved;
	return out;
}
