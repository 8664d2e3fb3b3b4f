/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf_fd.h - the configuration out of a descriptor: a copy that somebody else has read. */
#ifndef SL_DAEMON_CONF_FD_H
#define SL_DAEMON_CONF_FD_H

#include "daemon/conf.h"

/* As sl_conf_read(); fd stays the caller's. SL_ESYS, not told: it cannot be read. */
int sl_conf_read_fd(int fd, const char *name, const struct sl_diag *diag, struct sl_conf **out);

#endif
