/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keeper.h - the process that writes to the state folder: short-lived, so that a disk that hangs or is full holds up
 * nobody else. It is root, whom the folder belongs to, without any capability, sees no other file (Landlock), and can do nothing
 * but read and write files (seccomp). */
#ifndef SL_DAEMON_KEEPER_H
#define SL_DAEMON_KEEPER_H

#include "daemon/priv.h"

/* Writes what the supervisor sends (SL_IPC_KEEP): each file is there whole or not at all, on the disk, in the order of the
 * message; then what is to go goes. Says how it went, and returns the exit status. user is not used: the folder is root's. */
int sl_keeper_run(int ipc, const struct sl_priv_user *user);
/* From now on this process sees the folder that it is in, and no other. SL_OK, SL_ESYS: some of it is missing in this kernel. */
int sl_keeper_box(void);

#endif
