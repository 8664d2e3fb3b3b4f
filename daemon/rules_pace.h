/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rules_pace.h - how long to wait before rules that somebody has touched are looked at and put back.
 * Hardly at all, as a rule. But a program that undoes ours whenever it sees them would keep both busy for ever: every
 * restoration is owed for a second, and who owes many waits. Pure: no clock; one thread. */
#ifndef SL_DAEMON_RULES_PACE_H
#define SL_DAEMON_RULES_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"

enum {
	SL_RULES_SETTLE_MS = 10, /* others change several things at once */
	SL_RULES_CALM_MS =
	        1000, /* the pause when somebody keeps undoing it; one restoration is forgotten in this time */
	SL_RULES_FAST =
	        20, /* owed before that pause: a dozen flushed tables in a few seconds are healed at once */
};

struct sl_rules_pace {
	struct sl_mono since; /* when the last one was forgotten */
	uint64_t owed;        /* restorations */
	bool told;            /* that somebody insists; until nothing is owed */
};

static inline void sl_rules_pace_forget(struct sl_rules_pace *p, struct sl_mono now)
{
	uint64_t seconds = (uint64_t)sl_mono_since(now, p->since).us / (SL_RULES_CALM_MS * UINT64_C(1000));

	if (seconds >= p->owed) {
		*p = (struct sl_rules_pace){ .since = now };
		return;
	}
	p->owed -= seconds;
	p->since = sl_mono_add(p->since, sl_span_ms((int64_t)seconds * SL_RULES_CALM_MS));
}

/* Milliseconds from now until the rules should be looked at. */
static inline unsigned sl_rules_pace_wait(struct sl_rules_pace *p, struct sl_mono now)
{
	sl_rules_pace_forget(p, now);
	return p->owed > SL_RULES_FAST ? SL_RULES_CALM_MS : SL_RULES_SETTLE_MS;
}

/* They were put back. True when that is to be said: somebody insists, from now on there will be pauses. */
static inline bool sl_rules_pace_restored(struct sl_rules_pace *p, struct sl_mono now)
{
	sl_rules_pace_forget(p, now);
	p->owed++;
	bool tell = p->owed > SL_RULES_FAST && !p->told;
	p->told = p->told || tell;
	return tell;
}

#endif
