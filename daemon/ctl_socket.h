/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl_socket.h - the file of a socket that others connect to, the control socket or a provider's: made, taken over from a dead daemon,
 * removed. */
#ifndef SL_DAEMON_CTL_SOCKET_H
#define SL_DAEMON_CTL_SOCKET_H

#include <sys/types.h>
#include <sys/un.h>

#include "base/diag.h"
#include "base/err.h"

struct sl_ctl_socket {
	int fd; /* listens, does not block; -1: none */
	struct sockaddr_un addr;
	dev_t dev; /* of the file, to know it again */
	ino_t ino;
};

struct sl_ctl_socket_kind {
	const char *name; /* in messages: "control socket" */
	mode_t mode;      /* who may connect */
	gid_t group;      /* of the file; (gid_t)-1: as it comes */
};

/* As sl_ctl_open(). On failure out->fd is -1. */
int sl_ctl_socket_open(const char *path, const struct sl_ctl_socket_kind *kind, const struct sl_diag *diag,
                       struct sl_ctl_socket *out);
/* One that listens already on path; taken over on SL_OK. SL_EINVAL: the path is of no use. */
int sl_ctl_socket_continue(const char *path, int fd, struct sl_ctl_socket *out);
void sl_ctl_socket_close(struct sl_ctl_socket *s);
/* The address of a path; SL_EINVAL where it is empty or too long for one. */
int sl_ctl_socket_addr(const char *path, struct sockaddr_un *out);

#endif
