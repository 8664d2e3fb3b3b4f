/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy_load.h - the policy of a configuration and its list files, compiled in memory; for the commands that judge without
 * a daemon. */
#ifndef SL_DAEMON_POLICY_LOAD_H
#define SL_DAEMON_POLICY_LOAD_H

#include "daemon/compile_job.h"

/* As sl_compile_job_run(), into a memory file that goes with the policy. out, stats written only on SL_OK; stats may be
 * NULL. */
int sl_policy_load(const struct sl_list_source *from, struct sl_policy **out,
                   struct sl_compile_job_stats *stats);

#endif
