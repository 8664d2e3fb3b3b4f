/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_source_of.h - the providers of a live filter that there are, by the option `provider`. */
#ifndef SL_DAEMON_NE_SOURCE_OF_H
#define SL_DAEMON_NE_SOURCE_OF_H

#include "base/diag.h"
#include "daemon/conf.h"
#include "daemon/ne_source.h"

/* What a provider of this kind must be shown: of enum sl_ne_needs. The rules are made before the provider is. */
unsigned sl_ne_source_needs(enum sl_provider_kind kind);

/* fd  what the supervisor has opened for it: a copy of provider_file, or the socket that listens at provider_socket; taken over.
 * SL_OK; SL_EMALF, SL_ESYS where diag was told; SL_ENOMEM. *out is given back by its close(). */
int sl_ne_source_open(const struct sl_conf *conf, int fd, const struct sl_diag *diag,
                      struct sl_ne_source **out);

/* ---- the kinds: name is that of the file, which outlives the source; text is borrowed for the call ---- */

/* NE's settings (docs/ne-scenario.md), applied at the start; a flow that they let the provider see is allowed. */
int sl_ne_source_rules(const char *name, struct sl_bytes text, const struct sl_diag *diag,
                       struct sl_ne_source **out);
/* The provider of a scenario, and what the scenario says that the system does. diag outlives it. */
int sl_ne_source_scripted(const char *name, struct sl_bytes text, const struct sl_diag *diag,
                          struct sl_ne_source **out);

#endif
