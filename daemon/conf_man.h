/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_man.h - the parts of sluice.yaml(5) that are written from the tables. */
#ifndef SL_DAEMON_CONF_MAN_H
#define SL_DAEMON_CONF_MAN_H

#include <stdio.h>

/* Copies the page from template to `to`; a line @OPTIONS@, @LIST_KEYS@ or @CAUSES@ becomes the mdoc(7) items of conf.def,
 * conf_list.def or filter/cause.def. Returns SL_OK, SL_ESYS. */
int sl_conf_manual_fill(FILE *template, FILE *to);

#endif
