/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ctl_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"

int sl_ctl_socket_addr(const char *path, struct sockaddr_un *out)
{
	size_t len = strlen(path);

	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (len == 0 || len >= sizeof(out->sun_path))
		return SL_EINVAL;
	memcpy(out->sun_path, path, len + 1);
	return SL_OK;
}

/* Opens the folder, made if it is absent, and locks it: of two daemons that find the same stale file, one goes first. */
static int lock_folder(const struct sockaddr_un *addr, const char *what, const struct sl_diag *diag)
{
	char folder[sizeof(addr->sun_path)];
	char *slash;
	int fd;

	memcpy(folder, addr->sun_path, sizeof(folder));
	slash = strrchr(folder, '/');
	if (slash == NULL)
		memcpy(folder, ".", 2);
	else
		slash[slash == folder] = '\0';
	if (mkdir(folder, 0755) != 0 && errno != EEXIST) {
		sl_diag(diag, folder, 0, "the folder of the %s cannot be made: %s", what, strerror(errno));
		return -1;
	}
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX) != 0) {
		sl_diag(diag, folder, 0, "the folder of the %s cannot be locked: %s", what, strerror(errno));
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	return fd;
}

static bool somebody_listens(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* EAGAIN: its queue of connections is full. */
	bool yes = fd >= 0 &&
	           (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 || errno == EAGAIN);
	if (fd >= 0)
		(void)close(fd);
	return yes;
}

/* Takes away what a dead daemon left. */
static int clear_path(const struct sockaddr_un *addr, const char *what, const struct sl_diag *diag)
{
	struct stat st;

	if (lstat(addr->sun_path, &st) != 0)
		return SL_OK; /* what is wrong with it, if anything, bind() will say */
	if (!S_ISSOCK(st.st_mode)) {
		sl_diag(diag, addr->sun_path, 0,
		        "the %s cannot be made: the file is no socket; remove it or choose another path",
		        what);
		return SL_EEXIST;
	}
	if (somebody_listens(addr)) {
		sl_diag(diag, addr->sun_path, 0, "another sluiced listens on the %s; stop it first", what);
		return SL_EBUSY;
	}
	if (unlink(addr->sun_path) != 0 && errno != ENOENT) {
		sl_diag(diag, addr->sun_path, 0, "the stale %s cannot be removed: %s", what, strerror(errno));
		return errno == EACCES || errno == EPERM ? SL_EPERM : SL_ESYS;
	}
	return SL_OK;
}

/* The mode is set between bind and listen, while nobody can connect. */
static int bind_and_listen(struct sl_ctl_socket *s, const struct sl_ctl_socket_kind *kind,
                           const struct sl_diag *diag)
{
	struct stat st;
	const char *path = s->addr.sun_path;

	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd >= 0 && bind(s->fd, (const struct sockaddr *)&s->addr, sizeof(s->addr)) == 0 &&
	    (kind->group == (gid_t)-1 || chown(path, (uid_t)-1, kind->group) == 0) &&
	    chmod(path, kind->mode) == 0 && lstat(path, &st) == 0 && listen(s->fd, 64) == 0) {
		s->dev = st.st_dev;
		s->ino = st.st_ino;
		return SL_OK;
	}
	int err = errno == EACCES || errno == EPERM ? SL_EPERM : SL_ESYS;
	sl_diag(diag, path, 0, "the %s cannot be made: %s", kind->name, strerror(errno));
	if (s->fd >= 0)
		(void)close(s->fd);
	s->fd = -1;
	return err;
}

int sl_ctl_socket_open(const char *path, const struct sl_ctl_socket_kind *kind, const struct sl_diag *diag,
                       struct sl_ctl_socket *out)
{
	*out = (struct sl_ctl_socket){ .fd = -1 };
	if (sl_ctl_socket_addr(path, &out->addr) != SL_OK) {
		sl_diag(diag, path, 0, "the %s's path has to have 1 to %zu bytes", kind->name,
		        sizeof(out->addr.sun_path) - 1);
		return SL_EINVAL;
	}
	int folder = lock_folder(&out->addr, kind->name, diag);
	if (folder < 0)
		return SL_ESYS;
	int err = clear_path(&out->addr, kind->name, diag);
	if (err == SL_OK)
		err = bind_and_listen(out, kind, diag);
	(void)close(folder);
	return err;
}

int sl_ctl_socket_continue(const char *path, int fd, struct sl_ctl_socket *out)
{
	struct stat st;

	*out = (struct sl_ctl_socket){ .fd = -1 };
	if (sl_ctl_socket_addr(path, &out->addr) != SL_OK)
		return SL_EINVAL;
	if (lstat(path, &st) == 0) { /* else somebody removed it, and there is nothing to be known again */
		out->dev = st.st_dev;
		out->ino = st.st_ino;
	}
	out->fd = fd;
	return SL_OK;
}

void sl_ctl_socket_close(struct sl_ctl_socket *s)
{
	struct stat st;

	if (s->fd < 0)
		return;
	if (lstat(s->addr.sun_path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
		(void)unlink(s->addr.sun_path);
	(void)close(s->fd);
	s->fd = -1;
}
