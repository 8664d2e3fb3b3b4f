/* SPDX-License-Identifier: GPL-2.0-or-later */
/* metrics_listen.h - where the reporter listens (option metrics_listen): an address with a port, or a Unix socket. */
#ifndef SL_DAEMON_METRICS_LISTEN_H
#define SL_DAEMON_METRICS_LISTEN_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/diag.h"
#include "base/err.h"
#include "daemon/ctl_socket.h"

struct sl_metrics_listen {
	bool local; /* a Unix socket, by its path; else addr */
	struct sockaddr_storage addr;
	socklen_t len;
};

/* "127.0.0.1:9464", "[::1]:9464" or a path from the root on. remote: other addresses than loopback are all right.
 * why  on SL_EINVAL: what is wrong, and what would be right; static text */
int sl_metrics_listen_read(const char *text, bool remote, struct sl_metrics_listen *out, const char **why);

/* A socket that listens there and does not block; what is wrong is told. A Unix socket is made and removed as the control socket is, and
 * everybody may connect. Of the others only out->fd has a meaning. */
int sl_metrics_listen_open(const char *text, bool remote, const struct sl_diag *diag,
                           struct sl_ctl_socket *out);

#endif
