/* SPDX-License-Identifier: GPL-2.0-or-later */
/* guard.h - is what was compiled plausible beside the policy in force? A list that lost half of its entries, or has five times
 * as many, was more likely damaged than edited. Pure. */
#ifndef SL_DAEMON_GUARD_H
#define SL_DAEMON_GUARD_H

#include <jansson.h>

#include "base/diag.h"
#include "daemon/conf.h"

enum {
	SL_GUARD_ALWAYS = 1000, /* so many entries more or less are never too many */
	SL_GUARD_NAMES = 20,    /* so many names that were asked for and are newly blocked neither */
};

/* before  of the policy in force, after of the next one: what sl_compile_job_report() says; before may be NULL or json null.
 * force   only lines that match everything count
 * Returns SL_OK; SL_EMALF: diag was told, and *list is the number in conf of the list because of which. */
int sl_guard_check(const struct sl_conf *conf, const json_t *before, const json_t *after, bool force,
                   const struct sl_diag *diag, size_t *list);

#endif
