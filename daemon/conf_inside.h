/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_inside.h - an entry of `inside` as text: an interface, an address or a prefix. */
#ifndef SL_DAEMON_CONF_INSIDE_H
#define SL_DAEMON_CONF_INSIDE_H

#include "daemon/conf_value.h"
#include "daemon/inside.h"

enum { SL_INSIDES_MAX = 256, SL_INSIDE_TEXT_MAX = 64 };

/* Returns SL_OK, or SL_EMALF with what would mend it in why. *out is zeroed first, so that entries compare as bytes. */
int sl_conf_inside_read(const char *text, struct sl_inside *out, char why[SL_CONF_WHY_MAX]);
/* "lan0", "192.168.1.0/24", "fd00::/8". Returns out. */
const char *sl_conf_inside_text(const struct sl_inside *inside, char out[SL_INSIDE_TEXT_MAX]);

#endif
