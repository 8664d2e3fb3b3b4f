/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/compile_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash == NULL ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* A device or a folder under this name would be replaced by a file. */
static bool is_replaceable(const char *path)
{
	struct stat st;
	if (stat(path, &st) != 0)
		return errno == ENOENT;
	errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	return S_ISREG(st.st_mode);
}

/* Not every file system has files without a name. */
static int open_temp(struct sl_output *o)
{
	char *folder = folder_of(o->path);
	o->fd = folder == NULL ? -1 : open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
	o->unnamed = o->fd >= 0;
	free(folder);
	if (o->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
		o->fd = open(o->temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	return o->fd < 0 ? SL_ESYS : SL_OK;
}

int sl_output_open(const char *path, struct sl_output *out)
{
	*out = (struct sl_output){ .fd = -1, .path = strdup(path) };
	if (out->path == NULL || asprintf(&out->temp, "%s.%ld.tmp", path, (long)getpid()) < 0) {
		free(out->path);
		return SL_ENOMEM;
	}
	int err = is_replaceable(path) ? open_temp(out) : SL_ESYS;
	if (err != SL_OK) {
		int saved = errno;
		sl_output_close(out);
		errno = saved;
	}
	return err;
}

static int give_name(struct sl_output *o)
{
	char self[32];
	if (!o->unnamed)
		return SL_OK;
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", o->fd);
	if (linkat(AT_FDCWD, self, AT_FDCWD, o->temp, AT_SYMLINK_FOLLOW) != 0)
		return SL_ESYS;
	o->unnamed = false;
	return SL_OK;
}

static void sync_folder(const char *path)
{
	char *folder = folder_of(path);
	int fd = folder == NULL ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		(void)fsync(fd);
		(void)close(fd);
	}
	free(folder);
}

int sl_output_commit(struct sl_output *o)
{
	if (fsync(o->fd) != 0 || give_name(o) != SL_OK || rename(o->temp, o->path) != 0)
		return SL_ESYS;
	o->unnamed = true; /* nothing is left under temp */
	sync_folder(o->path);
	return SL_OK;
}

void sl_output_close(struct sl_output *o)
{
	if (o->fd >= 0 && !o->unnamed)
		(void)unlink(o->temp);
	if (o->fd >= 0)
		(void)close(o->fd);
	free(o->path);
	free(o->temp);
	*o = (struct sl_output){ .fd = -1 };
}

int sl_output_scratch(void)
{
	const char *folder = getenv("TMPDIR");
	char *name = NULL;
	folder = folder == NULL || *folder == '\0' ? "/tmp" : folder;
	int fd = open(folder, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd;
	if (asprintf(&name, "%s/sluice-XXXXXX", folder) < 0)
		return -1;
	fd = mkostemp(name, O_CLOEXEC);
	if (fd >= 0)
		(void)unlink(name);
	free(name);
	return fd;
}
