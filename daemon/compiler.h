/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compiler.h - the process that reads lists: short-lived, without privileges, and in a box of its own. Lists come from
 * strangers, so whatever reading them may do to it, it holds nothing but the descriptors of these files and of the snapshot
 * that it writes. */
#ifndef SL_DAEMON_COMPILER_H
#define SL_DAEMON_COMPILER_H

#include "base/err.h"
#include "daemon/priv.h"

/* Compiles what the supervisor sends (SL_IPC_COMPILE), says how it went, and returns the exit status. */
int sl_compiler_run(int ipc, const struct sl_priv_user *user);
/* From now on this process can use what it holds and ask for memory: it opens, connects, starts and signals nothing
 * (seccomp and Landlock, for ever). SL_OK; SL_ESYS: some of it is missing in this kernel. */
int sl_compiler_box(void);

#endif
