/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_group_value.h - the scalars of `groups`, from text and back. */
#ifndef SL_DAEMON_CONF_GROUP_VALUE_H
#define SL_DAEMON_CONF_GROUP_VALUE_H

#include "daemon/conf_group.h"
#include "daemon/conf_inside.h"

enum { SL_CONF_CLIENT_TEXT = SL_INSIDE_TEXT_MAX, SL_CONF_DAYS_TEXT = 40, SL_CONF_TIME_TEXT = 8 };

/* All: SL_OK, or SL_EMALF. why may stay empty. */
int sl_conf_client_read(const char *text, struct sl_conf_client *out, char why[SL_CONF_WHY_MAX]);
/* Adds days: "mon", "mon-fri", "sat-mon". */
int sl_conf_days_read(const char *text, uint8_t *days);
/* "00:00" to "24:00", in minutes. */
int sl_conf_time_read(const char *text, uint16_t *minutes);

/* All return out. */
const char *sl_conf_client_text(const struct sl_conf_client *c, char out[SL_CONF_CLIENT_TEXT]);
const char *sl_conf_days_text(uint8_t days, char out[SL_CONF_DAYS_TEXT]); /* "[mon, tue]" */
const char *sl_conf_time_text(uint16_t minutes, char out[SL_CONF_TIME_TEXT]);

bool sl_conf_client_equal(const struct sl_conf_client *a, const struct sl_conf_client *b);
/* May a list of this kind have the role? */
bool sl_role_fits(enum sl_role role, enum sl_list_kind kind);

#endif
