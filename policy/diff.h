/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diff.h - which keys two snapshots do not share. Pure. */
#ifndef SL_POLICY_DIFF_H
#define SL_POLICY_DIFF_H

#include "policy/snapshot.h"

/* Both of profile native. change() is called for each key that one of them lacks, in the order of snapshots: added tells that
 * b alone has it; the key lives during the call. Another answer than SL_OK ends it with that answer.
 * What lists say of a key that both have is not compared, and a key that a parent made needless (folded) is none.
 * Returns SL_OK, SL_EUNSUP for other profiles, SL_EMALF where a snapshot is damaged. Cost: both are read once. */
int sl_snapshot_diff(const struct sl_snapshot *a, const struct sl_snapshot *b,
                     int (*change)(void *ctx, bool added, struct sl_bytes key), void *ctx);

#endif
