/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_value.h - one scalar of the configuration: from text to a member of struct sl_conf, back to text, and in words. */
#ifndef SL_DAEMON_CONF_VALUE_H
#define SL_DAEMON_CONF_VALUE_H

#include <stdio.h>

#include "base/out.h"
#include "daemon/conf_opt.h"

enum { SL_CONF_WHY_MAX = 160, SL_CONF_PATH_MAX = 4095 };

/* Reads text into the member at `to`; strings are allocated, and what the member held is freed. folder is where relative
 * paths begin. Returns SL_OK; SL_EMALF, with what would mend it in why (may be empty); SL_ENOMEM. */
int sl_conf_value_read(const struct sl_conf_opt *opt, const char *text, const char *folder, void *to,
                       char why[SL_CONF_WHY_MAX]);
/* As YAML, without a line end; reads back to the same. */
void sl_conf_value_print(const struct sl_conf_opt *opt, const void *from, FILE *to);
/* A number in the units of the option's type: 65536 of a size is "64KiB". */
void sl_conf_amount(enum sl_conf_type type, int64_t amount, struct sl_out *o);
/* "a size from 512B to 64KiB", for an error and for the manual. */
void sl_conf_expected(const struct sl_conf_opt *opt, struct sl_out *o);

/* The same for values that are no option of their own. */
int sl_conf_flag_read(const char *text, bool *to);
/* Absolute, without empty and "." segments. NULL when there is no memory. */
char *sl_conf_path_of(const char *folder, const char *text);
/* A YAML string in double quotes, of UTF-8 without control characters. */
void sl_conf_string_print(const char *text, FILE *to);

#endif
