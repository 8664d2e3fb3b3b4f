/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mark.h - the three bits of packet and conntrack marks that are ours; all other bits belong to others.
 * mask is three contiguous bits (option mark_mask). The lower two hold a verdict, the upper one says that the kernel saw
 * the connection begin.
 *
 *              conntrack mark                       packet mark
 *   verdict 0  undecided                            not answered by us
 *   verdict 1  allowed: never queued again          allowed: the later chain saves it to the connection
 *   verdict 2  blocked: refused in both directions  blocked: the later chain saves and refuses
 *   verdict 3  allowed, and QUIC: only packets      passed, its flow is still undecided; of a packet that is queued:
 *              with a long header are queued        it goes from server to client
 *   started    SYN seen by our rule, or new UDP     copied from the connection before queueing, but of a SYN: the kernel
 *                                                   knew of no connection there; of an answer, with verdict 1: allowed,
 *                                                   and QUIC */
#ifndef SL_DAEMON_MARK_H
#define SL_DAEMON_MARK_H

#include <stdbool.h>
#include <stdint.h>

enum sl_mark_verdict {
	SL_MARK_NONE,
	SL_MARK_ALLOWED,
	SL_MARK_BLOCKED,
	SL_MARK_PASSED,
	SL_MARK_QUIC = SL_MARK_PASSED, /* of a connection */
	SL_MARK_ALLOWED_QUIC = 5,      /* of an answer */
};

static inline unsigned sl_mark_shift(uint32_t mask)
{
	return (unsigned)__builtin_ctz(mask);
}

static inline bool sl_mark_mask_valid(uint32_t mask)
{
	return mask != 0 && (mask >> sl_mark_shift(mask)) == 7;
}

static inline uint32_t sl_mark_verdict_mask(uint32_t mask)
{
	return 3U << sl_mark_shift(mask);
}

static inline uint32_t sl_mark_of(uint32_t mask, enum sl_mark_verdict verdict)
{
	return (uint32_t)verdict << sl_mark_shift(mask);
}

static inline uint32_t sl_mark_started(uint32_t mask)
{
	return 4U << sl_mark_shift(mask);
}

/* A verdict's mark replaces all 32 bits of the packet's: keep those of others. */
static inline uint32_t sl_mark_answer(uint32_t mask, uint32_t packet_mark, enum sl_mark_verdict verdict)
{
	return (packet_mark & ~mask) | sl_mark_of(mask, verdict);
}

#endif
