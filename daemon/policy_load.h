/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy_load.h - reads the lists that a configuration names and builds the policy; for the engine, whose files come as
 * descriptors, and for the commands that open them by path. */
#ifndef SL_DAEMON_POLICY_LOAD_H
#define SL_DAEMON_POLICY_LOAD_H

#include "base/diag.h"
#include "base/err.h"
#include "daemon/conf.h"
#include "policy/list.h"
#include "policy/policy.h"

enum { SL_POLICY_LOAD_LISTS = 64 }; /* policy.h: at most as many */
#define SL_POLICY_SHIPPED \
	"never-block (shipped)" /* the name of the shipped never-block set, which no list may take */

struct sl_policy_load_stats {
	struct sl_list_stats list[SL_POLICY_LOAD_LISTS]; /* by the policy's list number */
};

/* The shipped never-block set comes first where the configuration wants it, then the lists in its order, which may be
 * packed (list_file.h) and are read in pieces: no text of a list is ever held whole. All of them
 * load, or none: a file that cannot be read or is refused fails the whole load, and diag was told file, line and reason.
 * open_file  gives a readable descriptor of a regular file, which is closed here, or -1 with errno; it is read from its
 *            first byte, wherever it stands
 * out, stats written only on SL_OK; stats may be NULL
 * Returns    SL_OK, SL_ESYS, SL_EMALF, SL_ELIMIT, SL_ENOMEM. */
int sl_policy_load(const struct sl_conf *conf, int (*open_file)(void *ctx, const char *path), void *ctx,
                   const struct sl_diag *diag, struct sl_policy **out, struct sl_policy_load_stats *stats);

#endif
