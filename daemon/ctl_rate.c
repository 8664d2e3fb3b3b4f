/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ctl_rate.h"

#include <stddef.h>

static struct sl_ctl_debt *place(struct sl_ctl_rate *rate, uid_t uid)
{
	struct sl_ctl_debt *least = &rate->debt[0];

	for (size_t i = 0; i < SL_CTL_RATE_UIDS; i++) {
		struct sl_ctl_debt *d = &rate->debt[i];
		if (d->paid_us != 0 && d->uid == uid)
			return d;
		if (d->paid_us < least->paid_us)
			least = d;
	}
	*least = (struct sl_ctl_debt){ uid, 0 };
	return least;
}

/* Each request costs the time between two; a debt of up to a burst is let stand. */
unsigned sl_ctl_rate_take(struct sl_ctl_rate *rate, uid_t uid, unsigned per_second, unsigned burst,
                          struct sl_mono now)
{
	int64_t cost = 1000000 / per_second, allowed = cost * (burst - 1);
	struct sl_ctl_debt *d = place(rate, uid);
	int64_t paid = d->paid_us > now.us ? d->paid_us : now.us;

	if (paid - now.us > allowed)
		return (unsigned)((paid - now.us - allowed + 999) / 1000);
	d->paid_us = paid + cost;
	return 0;
}
