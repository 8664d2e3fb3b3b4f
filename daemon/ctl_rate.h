/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl_rate.h - how many requests a user may put to the control socket: a bucket for each uid, which outlives connections. Pure:
 * the clock is the caller's. Memory is fixed; with more users than places the one that owes least is forgotten. */
#ifndef SL_DAEMON_CTL_RATE_H
#define SL_DAEMON_CTL_RATE_H

#include <sys/types.h>

#include "base/mono.h"

enum { SL_CTL_RATE_UIDS = 64 };

struct sl_ctl_rate {
	struct sl_ctl_debt {
		uid_t uid;
		int64_t paid_us; /* when everything that was taken will be paid; 0: the place is free */
	} debt[SL_CTL_RATE_UIDS];
};

/* Takes one request of so many a second, of which burst may come at once (both at least 1). Returns 0, or the milliseconds, at
 * least 1, after which there will be one: then nothing was taken. */
unsigned sl_ctl_rate_take(struct sl_ctl_rate *rate, uid_t uid, unsigned per_second, unsigned burst,
                          struct sl_mono now);

#endif
