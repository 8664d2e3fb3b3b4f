/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine.h - the process that judges. It opens nothing: files, sockets and shared memory arrive from the supervisor as
 * descriptors (daemon/ipc.h). Its main thread loads policies and talks; its workers judge. */
#ifndef SL_DAEMON_ENGINE_H
#define SL_DAEMON_ENGINE_H

#include "daemon/conf.h"
#include "daemon/priv.h"

/* Runs until told to stop or until the supervisor is gone; then answers what waits and returns the exit status. */
int sl_engine_run(int ipc, const struct sl_priv_user *user);
/* The same without any capability: a broker sends what it answers. */
int sl_engine_run_brokered(int ipc, const struct sl_priv_user *user);
/* By which of the two a child is started (child.h). */
const char *sl_engine_role(const struct sl_conf *conf);
/* From now on this process uses what it holds: it opens, connects, starts and signals nothing, and maps nothing executable
 * (seccomp and Landlock, for ever). SL_OK; SL_ESYS: some of it is missing in this kernel. */
int sl_engine_box(void);

#endif
