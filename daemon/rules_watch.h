/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rules_watch.h - did somebody touch a rule set that we depend on? It tells that, not what: verify finds out.
 * nf_tables notifies; of the legacy tables the kernel only says how large they are, when asked. One thread. */
#ifndef SL_DAEMON_RULES_WATCH_H
#define SL_DAEMON_RULES_WATCH_H

#include <stdbool.h>

#include "base/err.h"

struct sl_rules_watch;

/* nf_tables notifications about tables named so, in any family; tables ends in NULL and is borrowed.
 * SL_EPERM, SL_ESYS, SL_ENOMEM. */
int sl_rules_watch_nft(const char *const *tables, struct sl_rules_watch **out);
/* The legacy tables of IPv4, and of IPv6 where v6; to be asked for changes at least every 250 ms. They must exist, for
 * asking creates them. Every 40th question is answered with yes, for a change that leaves the size alone. */
int sl_rules_watch_legacy(const char *const *tables, bool v6, struct sl_rules_watch **out);
void sl_rules_watch_free(struct sl_rules_watch **w);

int sl_rules_watcher_fd(const struct sl_rules_watch *w); /* -1 for legacy tables */
/* Since the last call. Also true where notifications were lost. */
bool sl_rules_watcher_changed(struct sl_rules_watch *w);

#endif
