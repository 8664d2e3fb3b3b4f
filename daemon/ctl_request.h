/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl_request.h - one request line of the control protocol (ctl.h). */
#ifndef SL_DAEMON_CTL_REQUEST_H
#define SL_DAEMON_CTL_REQUEST_H

#include <jansson.h>

#include "base/bytes.h"
#include "base/err.h"

/* Of a line, its LF not counted. */
enum { SL_CTL_LINE_MAX = 65536 };

/* line  without its LF; any bytes
 * args  the whole request, the caller's; written only on SL_OK
 * cmd   its member "cmd", borrowed from args
 * why   on failure: what is wrong, static text for the client
 * Returns SL_OK; SL_EMALF for what is no request; SL_EUNSUP for another version of the protocol. */
int sl_ctl_request_read(struct sl_bytes line, json_t **args, const char **cmd, const char **why);

#endif
