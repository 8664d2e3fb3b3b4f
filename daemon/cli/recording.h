/* SPDX-License-Identifier: GPL-2.0-or-later */
/* recording.h - recordings of content filters, as subcommands are given them. */
#ifndef SL_DAEMON_CLI_RECORDING_H
#define SL_DAEMON_CLI_RECORDING_H

#include "daemon/ne_recording.h"

/* "-" is standard input. Says on standard error, as the command of that name, what goes wrong: SL_ESYS, and as sl_ne_recording_read(). */
int sl_cli_recording(const char *command, const char *path, struct sl_ne_recording **out);

#endif
