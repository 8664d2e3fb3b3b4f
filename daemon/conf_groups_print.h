/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_groups_print.h - `groups`, for conf_print.c. */
#ifndef SL_DAEMON_CONF_GROUPS_PRINT_H
#define SL_DAEMON_CONF_GROUPS_PRINT_H

#include "daemon/conf.h"

void sl_conf_groups_print(const struct sl_conf *c, FILE *to);

#endif
