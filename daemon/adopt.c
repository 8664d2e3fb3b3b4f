/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/adopt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/ipc.h"

enum { BACKLOG = 4 };

/* CONTROL.engine */
static int address(const char *control, struct sockaddr_un *addr)
{
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	int n = snprintf(addr->sun_path, sizeof(addr->sun_path), "%s.engine", control);

	return n > 0 && (size_t)n < sizeof(addr->sun_path) ? SL_OK : SL_ELIMIT;
}

int sl_adopt_open(const char *control, const struct sl_diag *diag, int *fd)
{
	struct sockaddr_un addr;

	if (address(control, &addr) != SL_OK) {
		sl_diag(diag, control, 0, "the path is too long for the engine's socket beside it");
		return SL_ELIMIT;
	}
	int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	mode_t usual = umask(0177);
	(void)unlink(addr.sun_path);
	int failed = s < 0 ? -1 : bind(s, (const struct sockaddr *)&addr, sizeof(addr));
	int saved = errno;
	(void)umask(usual);
	if (failed != 0) {
		sl_diag(diag, addr.sun_path, 0, "the engine's socket cannot be made: %s", strerror(saved));
		if (s >= 0)
			(void)close(s);
		return SL_ESYS;
	}
	*fd = s;
	return SL_OK;
}

void sl_adopt_unlink(const char *control)
{
	struct sockaddr_un addr;

	if (address(control, &addr) == SL_OK)
		(void)unlink(addr.sun_path);
}

int sl_adopt_connect(const char *control, int *conn, pid_t *pid)
{
	struct sockaddr_un addr;
	struct ucred who = { 0, 0, 0 };
	socklen_t len = sizeof(who);

	if (address(control, &addr) != SL_OK)
		return SL_ENOENT;
	int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s < 0)
		return SL_ESYS;
	if (connect(s, (const struct sockaddr *)&addr, sizeof(addr)) != 0 ||
	    getsockopt(s, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0 || who.pid <= 0) {
		(void)close(s);
		return SL_ENOENT;
	}
	sl_ipc_set_buffer(s);
	*conn = s;
	*pid = who.pid;
	return SL_OK;
}

int sl_adopt_listen(int fd)
{
	return listen(fd, BACKLOG) == 0 ? SL_OK : SL_ESYS;
}

int sl_adopt_accept(int fd, int *conn)
{
	for (;;) {
		struct ucred who = { 0, 0, 0 };
		socklen_t len = sizeof(who);
		int s = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (s < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (s < 0)
			return SL_ESYS;
		if (getsockopt(s, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 && who.uid == 0) {
			sl_ipc_set_buffer(s);
			*conn = s;
			return SL_OK;
		}
		(void)close(s);
	}
}
