/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"

enum { READ_STEP = 1 << 20 };

struct sl_capture {
	struct sl_capture_file file;
	const struct sl_diag *diag;
	struct sl_bytes map; /* NULL where the file was read */
	uint8_t *text;       /* the same the other way round */
	size_t size;
	uint32_t number;
	char path[]; /* for messages */
};

static int read_all(struct sl_capture *c, int fd, struct sl_bytes *out)
{
	size_t len = 0, cap = 0;
	ssize_t n = 1;
	while (n > 0) {
		if (cap - len < READ_STEP) {
			cap = cap == 0 ? (size_t)2 * READ_STEP : cap * 2;
			uint8_t *more = realloc(c->text, cap);
			if (more == NULL)
				return SL_ENOMEM;
			c->text = more;
		}
		n = read(fd, c->text + len, READ_STEP);
		len += n > 0 ? (size_t)n : 0;
	}
	*out = sl_bytes_of(c->text, len);
	return n < 0 ? SL_ESYS : SL_OK;
}

static int take_file(struct sl_capture *c, int fd, struct sl_bytes *out)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return SL_ESYS;
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return read_all(c, fd, out);
	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return SL_ESYS;
	c->map = *out = sl_bytes_of(p, (size_t)st.st_size);
	return SL_OK;
}

static int open_file(struct sl_capture *c)
{
	struct sl_bytes bytes = { NULL, 0 };
	bool given = strcmp(c->path, "-") == 0;
	int fd = given ? STDIN_FILENO : open(c->path, O_RDONLY | O_CLOEXEC);
	int err = fd < 0 ? SL_ESYS : take_file(c, fd, &bytes);
	if (err == SL_ESYS)
		sl_diag(c->diag, c->path, 0, "cannot be read: %s", strerror(errno));
	if (fd >= 0 && !given)
		(void)close(fd);
	c->size = bytes.len;
	if (err == SL_OK && sl_capture_file_open(bytes, &c->file) != SL_OK) {
		sl_diag(c->diag, c->path, 0, "is no capture: expected pcap or pcapng");
		err = SL_EPROTO;
	}
	return err;
}

int sl_capture_open(const char *path, const struct sl_diag *diag, struct sl_capture **out)
{
	struct sl_capture *c = calloc(1, sizeof(*c) + strlen(path) + 1);
	if (c == NULL)
		return SL_ENOMEM;
	memcpy(c->path, path, strlen(path) + 1);
	c->diag = diag;
	int err = open_file(c);
	if (err == SL_OK)
		*out = sl_take(&c);
	sl_capture_close(&c);
	return err;
}

void sl_capture_close(struct sl_capture **c)
{
	struct sl_capture *old = sl_take(c);
	if (old == NULL)
		return;
	if (old->map.p != NULL)
		(void)munmap((void *)(uintptr_t)old->map.p, old->map.len);
	free(old->text);
	free(old);
}

size_t sl_capture_size(const struct sl_capture *c)
{
	return c->size;
}

int sl_capture_next(struct sl_capture *c, struct sl_capture_frame *out, uint32_t *number)
{
	int err = sl_capture_file_next(&c->file, out);
	if (err == SL_OK)
		*number = ++c->number;
	else if (err == SL_EMALF)
		sl_diag(c->diag, c->path, 0, "breaks off after frame %u", c->number);
	return err;
}
