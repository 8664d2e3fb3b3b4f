/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/policy_slot.h"

#include <urcu/urcu-qsbr.h>

/* The barriers of liburcu 0.13 are assembly that ThreadSanitizer cannot see; it is told of the one order that matters:
 * what a reader did before it left happens before the freeing. */
#if defined(__SANITIZE_THREAD__)
#define SL_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SL_TSAN 1
#endif
#endif
#ifdef SL_TSAN
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
#define tsan_acquire(p) __tsan_acquire(p)
#define tsan_release(p) __tsan_release(p)
#else
#define tsan_acquire(p) ((void)(p))
#define tsan_release(p) ((void)(p))
#endif

void sl_policy_slot_register(void)
{
	urcu_qsbr_register_thread();
	urcu_qsbr_thread_offline();
}

void sl_policy_slot_unregister(void)
{
	urcu_qsbr_unregister_thread();
}

const struct sl_policy *sl_policy_slot_enter(struct sl_policy_slot *slot)
{
	urcu_qsbr_thread_online();
	return __atomic_load_n(&slot->current, __ATOMIC_ACQUIRE);
}

/* It grows before a policy is exchanged. Who sees that policy is online after the grace period of the one before, and so sees what that
 * one's number was at least. */
uint64_t sl_policy_slot_serial(const struct sl_policy_slot *slot)
{
	return __atomic_load_n(&slot->serial, __ATOMIC_RELAXED);
}

void sl_policy_slot_leave(struct sl_policy_slot *slot)
{
	tsan_release(slot);
	urcu_qsbr_thread_offline();
}

void sl_policy_slot_publish(struct sl_policy_slot *slot, struct sl_policy *next)
{
	(void)__atomic_add_fetch(&slot->serial, 1, __ATOMIC_RELEASE);
	struct sl_policy *prev = __atomic_exchange_n(&slot->current, next, __ATOMIC_ACQ_REL);

	urcu_qsbr_synchronize_rcu();
	tsan_acquire(slot);
	sl_policy_free(&prev);
	if (next != NULL)
		sl_policy_touch(next);
}

const struct sl_policy *sl_policy_slot_peek(const struct sl_policy_slot *slot)
{
	return __atomic_load_n(&slot->current, __ATOMIC_ACQUIRE);
}
