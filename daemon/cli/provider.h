/* SPDX-License-Identifier: GPL-2.0-or-later */
/* provider.h - a scenario whose provider is a process that connects. */
#ifndef SL_DAEMON_CLI_PROVIDER_H
#define SL_DAEMON_CLI_PROVIDER_H

#include "daemon/ne_scenario.h"

/* Waits for one at the path `provider`, whose socket is there for the call, and prints the trace. As sl_ne_replay_provider(). */
int sl_cli_play_provider(const char *path, const struct sl_ne_scenario *scenario, const char *provider);

#endif
