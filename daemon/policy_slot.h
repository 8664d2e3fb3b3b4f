/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy_slot.h - the policy in force, swapped under load without a lock (liburcu, QSBR).
 * Readers are registered threads. A reader is online between sl_policy_slot_enter() and _leave(): one policy for the whole
 * batch, nothing borrowed outlives it; outside, and so while it waits for packets, it holds up no reload. */
#ifndef SL_DAEMON_POLICY_SLOT_H
#define SL_DAEMON_POLICY_SLOT_H

#include "policy/policy.h"

struct sl_policy_slot {
	struct sl_policy *current; /* touched by the functions below only */
	uint64_t serial;           /* grows with each policy: an address may come again */
};

void sl_policy_slot_register(void);   /* each reader thread, at its start; it begins outside */
void sl_policy_slot_unregister(void); /* and at its end */
/* Cost: two barriers a batch, no system call unless a reload is waiting. */
const struct sl_policy *sl_policy_slot_enter(struct sl_policy_slot *slot);
void sl_policy_slot_leave(struct sl_policy_slot *slot);
/* Of a reader between the two: this number or the policy is another than in a batch that was judged by another policy. */
uint64_t sl_policy_slot_serial(const struct sl_policy_slot *slot);

/* Takes next over, waits until no reader can see the one before, frees that, and touches next. One thread at a time, no reader. */
void sl_policy_slot_publish(struct sl_policy_slot *slot, struct sl_policy *next);
/* For the publishing thread's own questions. */
const struct sl_policy *sl_policy_slot_peek(const struct sl_policy_slot *slot);

#endif
