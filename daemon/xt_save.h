/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xt_save.h - reads what iptables-save says: what of it is ours? Pure.
 * Ours are the chains whose names begin with SL_XT_PREFIX, and the rules in other chains that lead to them. */
#ifndef SL_DAEMON_XT_SAVE_H
#define SL_DAEMON_XT_SAVE_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/out.h"
#include "daemon/rules.h"
#include "daemon/rules_text.h"

/* The lines of one table, between "*NAME" and its COMMIT, in what iptables-save says of all; absent when it is not there,
 * or cut off. The functions below take such lines. */
struct sl_bytes sl_xt_save_table(struct sl_bytes save, enum sl_xt_table table);
/* Is there anything of ours? */
bool sl_xt_save_any(struct sl_bytes save);
/* Lines for iptables-restore that empty every chain of ours and delete every rule that leads to one. */
void sl_xt_save_undo(struct sl_bytes save, struct sl_out *o);
/* Lines that delete the chains of ours; all of them, or only those that `except` does not declare (":NAME "). */
void sl_xt_save_delete_chains(struct sl_bytes save, struct sl_bytes except, struct sl_out *o);
/* Our chains line by line, without counters; equal listings, equal rules.
 * SL_ENOENT when one of our jumps is missing, doubled or not the first rule of its chain. */
int sl_xt_save_listing(struct sl_bytes save, enum sl_xt_table table, struct sl_out *o);
/* Adds the counting rules of a listing with counters (iptables-save -c). */
void sl_xt_save_count(struct sl_bytes save, struct sl_rules_counts *counts);

#endif
