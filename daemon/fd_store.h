/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fd_store.h - systemd's file-descriptor store as the second place where the queues outlive their processes: where supervisor and
 * engine die together, the next supervisor gets them as at socket activation (sd_listen_fds(3)), with what waits in them.
 * FDPOLL=0: an overrun makes a queue socket look broken to poll(), and systemd would close it, with all that waits. */
#ifndef SL_DAEMON_FD_STORE_H
#define SL_DAEMON_FD_STORE_H

#include <stdbool.h>

#include "daemon/take.h"

/* All but the log and the engine's socket, which a start makes anew. Without systemd nothing happens. */
void sl_fd_store_put(const struct sl_take *take);
/* What the store has under these names is forgotten: with the last descriptor a queue ends, and the bypass rule is in force. */
void sl_fd_store_drop(const struct sl_take *take);
/* What was stored, at a start; once. False: nothing, or not all that an engine needs; then what came is closed. */
bool sl_fd_store_take(struct sl_take *take);
/* A start has failed before it took anything: what was stored is forgotten, since a queue that nobody reads holds traffic. */
void sl_fd_store_release(void);

#endif
