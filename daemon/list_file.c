/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/list_file.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/unpack.h"

struct sl_list_file {
	struct sl_unpack *unpack;
	int fd;
	off_t at;
	bool last;            /* the file ends with what is in rest */
	struct sl_bytes rest; /* of buf, not yet taken */
	uint8_t buf[SL_UNPACK_PIECE];
};

/* Fills the buffer anew. A short read is the end of a regular file only where it is empty. */
static int refill(struct sl_list_file *f)
{
	size_t have = 0;
	while (have < sizeof(f->buf)) {
		ssize_t got = pread(f->fd, &f->buf[have], sizeof(f->buf) - have, f->at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return SL_ESYS;
		f->last = got == 0;
		if (got == 0)
			break;
		have += (size_t)got;
		f->at += got;
	}
	f->rest = sl_bytes_of(f->buf, have);
	return SL_OK;
}

static int check_regular(int fd)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return SL_ESYS;
	if (S_ISREG(st.st_mode))
		return SL_OK;
	errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	return SL_ESYS;
}

int sl_list_file_open(int fd, uint64_t max, struct sl_list_file **out)
{
	int err = check_regular(fd);
	struct sl_list_file *f = err == SL_OK ? (struct sl_list_file *)calloc(1, sizeof(*f)) : NULL;
	if (f == NULL)
		return err == SL_OK ? SL_ENOMEM : err;
	f->fd = fd;
	err = refill(f);
	if (err == SL_OK)
		err = sl_unpack_new(sl_bytes_first(f->rest, SL_UNPACK_HEAD), max, &f->unpack);
	if (err != SL_OK) {
		free(f);
		return err;
	}
	*out = f;
	return SL_OK;
}

void sl_list_file_close(struct sl_list_file **f)
{
	struct sl_list_file *gone = sl_take(f);
	if (gone == NULL)
		return;
	sl_unpack_free(&gone->unpack);
	free(gone);
}

int sl_list_file_next(struct sl_list_file *f, struct sl_bytes *piece)
{
	int err = sl_unpack_step(f->unpack, &f->rest, f->last, piece);
	while (err == SL_EMORE) {
		err = refill(f);
		if (err == SL_OK)
			err = sl_unpack_step(f->unpack, &f->rest, f->last, piece);
	}
	return err;
}

uint64_t sl_list_file_at(const struct sl_list_file *f)
{
	return (uint64_t)f->at;
}

const char *sl_list_file_format(const struct sl_list_file *f)
{
	return sl_unpack_format(f->unpack);
}
