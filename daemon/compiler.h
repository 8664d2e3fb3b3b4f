/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compiler.h - the process that reads lists: short-lived, without privileges, and in a box of its own. Lists come from
 * strangers, so whatever reading them may do to it, it holds nothing but the descriptors of these files and of the snapshot
 * that it writes. */
#ifndef SL_DAEMON_COMPILER_H
#define SL_DAEMON_COMPILER_H

#include "base/err.h"
#include "daemon/priv.h"

/* "made_of" of what it says is a digest of this program and of the library that maps names, of the text of its message and of every byte of the configuration and the
 * lists, the same before and after they were read: the same digest means the same policy. "checksum" is that of the snapshot. Where one
 * that was kept comes with the lists (SL_IPC_KEPT_TOO), is made of the same and whole, it is taken and nothing compiled.
 * Times and names of files are not looked at, since a copy may bear those of another. */
/* Compiles what the supervisor sends (SL_IPC_COMPILE), says how it went, and returns the exit status. */
int sl_compiler_run(int ipc, const struct sl_priv_user *user);
/* From now on this process can use what it holds and ask for memory: it opens, connects, starts and signals nothing
 * (seccomp and Landlock, for ever). SL_OK; SL_ESYS: some of it is missing in this kernel. */
int sl_compiler_box(void);

#endif
