/* SPDX-License-Identifier: GPL-2.0-or-later */
/* adopt.h - how an engine that has lost its supervisor, and goes on judging, is found by the next one.
 *
 * The supervisor makes a socket beside the control socket and gives it to the engine, which listens on it (so that the kernel says
 * who it is: SO_PEERCRED is of whoever called listen() last) and accepts nobody while its supervisor lives. The next supervisor
 * connects, and is given everything that sl_take names. */
#ifndef SL_DAEMON_ADOPT_H
#define SL_DAEMON_ADOPT_H

#include <sys/types.h>

#include "base/diag.h"
#include "base/err.h"

/* Supervisor: makes the socket, for root alone, in the place of one that nobody listens on. Does not listen. */
int sl_adopt_open(const char *control, const struct sl_diag *diag, int *fd);
void sl_adopt_unlink(const char *control);
/* Supervisor: is there an engine without one? Its pid, and a connection, non-blocking. SL_ENOENT: there is none. */
int sl_adopt_connect(const char *control, int *conn, pid_t *pid);

/* Engine: from now on it is this process that is found. */
int sl_adopt_listen(int fd);
/* Engine: waits for a supervisor; only root is one. SL_ESYS: there will be none. */
int sl_adopt_accept(int fd, int *conn);

#endif
