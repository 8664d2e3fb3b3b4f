/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor.h - the process that holds what must not be lost: queue sockets, rules, the last good configuration. It starts
 * the engine, watches it and the rules, and serves the control socket. It never parses a packet or a list. */
#ifndef SL_DAEMON_SUPERVISOR_H
#define SL_DAEMON_SUPERVISOR_H

/* Runs until SIGTERM or SIGINT; returns the exit status. state: what the program that this process was before has left
 * (handover.h); -1: this is a start. */
int sl_supervisor_run(const char *conf_path, int state);

#endif
