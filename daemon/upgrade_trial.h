/* SPDX-License-Identifier: GPL-2.0-or-later */
/* upgrade_trial.h - a new program proves itself before the old one makes room: it reads what it would take over, starts its own
 * engine, and has that map the policy. */
#ifndef SL_DAEMON_UPGRADE_TRIAL_H
#define SL_DAEMON_UPGRADE_TRIAL_H

/* state: of sl_handover_write(); report: an ipc end, to the supervisor that tries. Says there how it went, and returns the exit
 * status: EXIT_SUCCESS leaves an engine behind, which is the supervisor's then. */
int sl_upgrade_trial(int state, int report);

#endif
