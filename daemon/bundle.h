/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bundle.h - one state of the configuration and of all its list files, copied into memory, so that an engine started
 * later loads the same state even when the files have been replaced by bad ones meanwhile. Supervisor only; nothing in it
 * is parsed here but the configuration. */
#ifndef SL_DAEMON_BUNDLE_H
#define SL_DAEMON_BUNDLE_H

#include "base/diag.h"
#include "daemon/conf.h"

struct sl_bundle; /* opaque */

/* Reads the configuration at path and the files that it names. On failure diag was told file, line and reason. */
int sl_bundle_read(const char *path, const struct sl_diag *diag, struct sl_bundle **out);
void sl_bundle_free(struct sl_bundle **b);
const struct sl_conf *sl_bundle_conf(const struct sl_bundle *b);
/* A configuration of the caller's own, from the same bytes. */
int sl_bundle_parse(const struct sl_bundle *b, const struct sl_diag *diag, struct sl_conf **out);
/* Sends it to an engine (SL_IPC_LOAD). */
int sl_bundle_send(const struct sl_bundle *b, int ipc, uint64_t generation);

#endif
