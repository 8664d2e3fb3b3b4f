/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/export_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"

enum { NAME = 64 };

struct sl_export_files {
	int dir;
	size_t n;
	struct {
		FILE *file;
		const char *name;
		char temporary[NAME];
	} one[SL_EXPORT_FILES_MAX];
};

int sl_export_files_new(const char *dir, struct sl_export_files **out)
{
	struct sl_export_files *f = (struct sl_export_files *)calloc(1, sizeof(*f));

	if (f == NULL)
		return SL_ENOMEM;
	f->dir =
	        mkdir(dir, 0755) == 0 || errno == EEXIST ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (f->dir < 0) {
		free(f);
		return SL_ESYS;
	}
	*out = f;
	return SL_OK;
}

FILE *sl_export_files_open(struct sl_export_files *f, const char *name, mode_t mode)
{
	if (f->n == SL_EXPORT_FILES_MAX) {
		errno = EMFILE;
		return NULL;
	}
	char *temporary = f->one[f->n].temporary;
	(void)snprintf(temporary, NAME, ".%s.%ld.new", name, (long)getpid());
	int fd = openat(f->dir, temporary, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w+");
	if (file == NULL) {
		int saved = errno;
		if (fd >= 0) {
			(void)close(fd);
			(void)unlinkat(f->dir, temporary, 0);
		}
		errno = saved;
		return NULL;
	}
	(void)setvbuf(file, NULL, _IOFBF, 1 << 16);
	f->one[f->n].name = name;
	f->one[f->n++].file = file;
	return file;
}

static int finish(FILE *file)
{
	bool good = ferror(file) == 0 && fflush(file) == 0 && fsync(fileno(file)) == 0;
	return good ? SL_OK : SL_ESYS;
}

int sl_export_files_commit(struct sl_export_files *f)
{
	int err = SL_OK;

	for (size_t i = 0; i < f->n && err == SL_OK; i++)
		err = finish(f->one[i].file);
	for (size_t i = 0; i < f->n && err == SL_OK; i++) {
		if (renameat(f->dir, f->one[i].temporary, f->dir, f->one[i].name) != 0)
			err = SL_ESYS;
		else
			f->one[i].temporary[0] = '\0';
	}
	if (err == SL_OK && fsync(f->dir) != 0)
		err = SL_ESYS;
	return err;
}

void sl_export_files_free(struct sl_export_files **f)
{
	struct sl_export_files *gone = sl_take(f);

	if (gone == NULL)
		return;
	for (size_t i = 0; i < gone->n; i++) {
		(void)fclose(gone->one[i].file);
		if (gone->one[i].temporary[0] != '\0')
			(void)unlinkat(gone->dir, gone->one[i].temporary, 0);
	}
	(void)close(gone->dir);
	free(gone);
}
