/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile_files.h - list files that were named one by one, as the configuration would name them. */
#ifndef SL_DAEMON_COMPILE_FILES_H
#define SL_DAEMON_COMPILE_FILES_H

#include "daemon/conf.h"

/* A configuration of these lists alone: each with the defaults of its keys (conf_list.def), named after its file, without
 * the shipped never-block set. Errors name the argument as a line of "(arguments)". Returns as sl_conf_read(). */
int sl_conf_of_files(char *const *file, int n, const struct sl_diag *diag, struct sl_conf **out);

#endif
