/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ne_replay.h - a scenario through the content filter of ne_filter.h, with the scenario's clock and provider: out comes the trace, the
 * same byte for byte each time. */
#ifndef SL_DAEMON_NE_REPLAY_H
#define SL_DAEMON_NE_REPLAY_H

#include <stdio.h>

#include "daemon/ne_scenario.h"
#include "daemon/ne_source.h"

/* name  of the scenario's file, for messages.
 * Before each event every timer that is due fires, at its own time. A callback without an answer, an answer that nobody asked for, an
 * event for a flow that is closed, or out of place, is told to diag: the trace goes on, and SL_EINVAL is the end.
 * Returns SL_OK; SL_EINVAL; SL_ENOMEM; SL_ESYS where `to` cannot be written. */
int sl_ne_replay_scenario(const char *name, const struct sl_ne_scenario *scenario, const struct sl_diag *diag,
                          FILE *to);

/* The same of a scenario with several filters, which is called by it: each event of the trace has the filter's name, and a flow has
 * the number of the scenario with each of them. */
int sl_ne_replay_chain(const char *name, const struct sl_ne_scenario *scenario, const struct sl_diag *diag,
                       FILE *to);

/* The same with a provider of provider_external.h, which answers instead of the scenario. Time stands still while it is asked. What the scenario
 * says of its provider (answers, resumeFlow ...) is not played, and an event for a flow that is closed is none. It is waited for at the
 * beginning; where it goes away, or says nothing for ten seconds of the clock, diag is told. */
int sl_ne_replay_provider(const char *name, const struct sl_ne_scenario *scenario, const struct sl_diag *diag,
                          struct sl_ne_source *external, FILE *to);

#endif
