/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flow_file.h - the flow log, read back a record at a time. */
#ifndef SL_DAEMON_CLI_FLOW_FILE_H
#define SL_DAEMON_CLI_FLOW_FILE_H

#include "daemon/cli/cli.h"

/* Each record of the log that --log, else the configuration names, the oldest first; "-" is stdin. each() returns false to end. A
 * line that is no record is counted and left out. SL_OK, or another, told to stderr. */
int sl_cli_flow_file(const struct sl_cli *cli, const char *command,
                     bool (*each)(void *ctx, const json_t *record), void *ctx, uint64_t *unreadable);

/* The name that a record is about; NULL: none. */
const char *sl_cli_flow_name(const json_t *record);

#endif
