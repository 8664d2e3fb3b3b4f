/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine.h - the process that judges. It opens nothing: files, sockets and shared memory arrive from the supervisor as
 * descriptors (daemon/ipc.h). Its main thread loads policies and talks; its workers judge. */
#ifndef SL_DAEMON_ENGINE_H
#define SL_DAEMON_ENGINE_H

#include "daemon/priv.h"

/* Runs until told to stop or until the supervisor is gone; then answers what waits and returns the exit status. */
int sl_engine_run(int ipc, const struct sl_priv_user *user);

#endif
