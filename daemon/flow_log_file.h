/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flow_log_file.h - the file behind the flow log, opened by the supervisor for the engine. */
#ifndef SL_DAEMON_FLOW_LOG_FILE_H
#define SL_DAEMON_FLOW_LOG_FILE_H

#include "daemon/priv.h"

/* Opens path for appending, mode 0640, making its folder if that is absent. -1, and a warning in the log, when it cannot be
 * opened; -1 without a word for NULL or "". Filtering goes on without a flow log. */
int sl_flow_log_file_open(const char *path, const struct sl_priv_user *owner);

#endif
