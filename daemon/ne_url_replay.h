/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_url_replay.h - a scenario of a URL filter (docs/ne-scenario.md): played line by line, with virtual time, into a trace. */
#ifndef SL_DAEMON_NE_URL_REPLAY_H
#define SL_DAEMON_NE_URL_REPLAY_H

#include <stdio.h>

#include "base/bytes.h"
#include "base/diag.h"

/* Is this a scenario of a URL filter? Its head says so. */
bool sl_ne_url_is_scenario(struct sl_bytes text);

/* Prints the trace as far as it goes. name: of the file, for messages, of which there is one where it fails. SL_OK; SL_EMALF: a
 * line is wrong; SL_ENOMEM; SL_ESYS: the trace cannot be written. */
int sl_ne_url_replay(const char *name, struct sl_bytes text, const struct sl_diag *diag, FILE *to);

#endif
