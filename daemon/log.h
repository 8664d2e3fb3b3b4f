/* SPDX-License-Identifier: GPL-2.0-or-later */
/* log.h - what the daemon says of itself: one line a message on stderr, with the priority that journald reads
 * (sd-daemon(3)) where stderr goes to the journal. Any thread. */
#ifndef SL_DAEMON_LOG_H
#define SL_DAEMON_LOG_H

#include <stdbool.h>

#include "base/diag.h"

enum sl_log_level { SL_LOG_ERR = 3, SL_LOG_WARN = 4, SL_LOG_NOTICE = 5, SL_LOG_INFO = 6, SL_LOG_DEBUG = 7 };

/* What is less important is not written; at first: SL_LOG_INFO, or the one that $SLUICE_LOG_LEVEL names. For processes that are
 * started from now on, too: the variable is set. Any thread. */
void sl_log_set_level(enum sl_log_level level);
enum sl_log_level sl_log_level(void);
/* "error", "warning", "notice", "info", "debug"; *out is written where name is one of them. */
bool sl_log_level_read(const char *name, enum sl_log_level *out);
const char *sl_log_level_name(enum sl_log_level level);

SL_PRINTF(2, 3) void sl_log(enum sl_log_level level, const char *fmt, ...);
/* A diag that logs as errors, "FILE:LINE: text". */
extern const struct sl_diag sl_log_diag;

#endif
