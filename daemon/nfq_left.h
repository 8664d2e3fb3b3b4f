/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nfq_left.h - the queues as the supervisor sees them: what waits in them, and what becomes of it when an engine has died.
 * Over the engine's own socket, which the supervisor holds too. Queues are those of [first, first + count) whose distance from
 * first is `share` modulo `shares`, as in sl_nfq_open(). */
#ifndef SL_DAEMON_NFQ_LEFT_H
#define SL_DAEMON_NFQ_LEFT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { SL_NFQ_QUEUES_MAX = 64 };

enum sl_nfq_final { SL_NFQ_REPEAT, SL_NFQ_ACCEPT, SL_NFQ_DROP };

/* Throws away unread messages, then answers everything that waits with one batch verdict a queue. SL_NFQ_REPEAT queues it
 * anew, in order. Adds to *answered an upper bound of how many there were. */
int sl_nfq_answer_all(int fd, uint16_t first, uint16_t count, unsigned share, unsigned shares,
                      enum sl_nfq_final how, uint64_t *answered);

/* Of one queue: the packets that an engine had in hand, read and not answered, when it died. They were queued anew, and have
 * numbers up to `until` now. */
struct sl_nfq_suspects {
	bool any;
	uint32_t until;
};

struct sl_nfq_recovered {
	uint64_t repeated; /* packets that the next engine gets */
	uint64_t answered; /* packets that two engines had in hand when they died */
};

struct sl_nfq_recover {
	int fd;
	int channel; /* where a broker has handed them to the engine (broker.h): what is unread there is so, too; -1: none */
	uint16_t first, count; /* at most SL_NFQ_QUEUES_MAX */
	unsigned share, shares;
	bool blamed;           /* what this worker had in hand may be why the engine died */
	enum sl_nfq_final how; /* what two engines had in hand is answered so */
	struct sl_nfq_suspects
	        *suspects; /* [count], index: queue - first; read, and written for the next death */
};

/* The engine is dead: queues anew, in order, all that waits, but for what it had in hand, if any of that was among the suspects:
 * that is answered. A packet is told by its number, from which is seen how many before it are answered; where an engine answers
 * out of order (hold: all) a suspect may be overlooked, never the other way round. Adds to *sum. */
int sl_nfq_recover(const struct sl_nfq_recover *r, struct sl_nfq_recovered *sum);

/* waiting[i]: packets in the queues of share i, not read yet, or read and not answered. */
int sl_nfq_waiting(uint16_t first, uint16_t count, unsigned shares, uint64_t *waiting);

struct sl_nfq_kernel {
	uint64_t waiting;       /* packets in the queues now */
	uint64_t queue_dropped; /* queue full */
	uint64_t user_dropped;  /* socket buffer full */
	uint64_t queued;        /* packets queued since the queues were bound */
};

/* The same of each: out[i] is of queue first + i; count entries, at most SL_NFQ_QUEUES_MAX. One that is not there has zeros. */
int sl_nfq_kernel_each(uint16_t first, uint16_t count, struct sl_nfq_kernel *out);
/* Sums /proc/thread-self/net/netfilter/nfnetlink_queue over our queues. */
int sl_nfq_kernel_counts(uint16_t first, uint16_t count, struct sl_nfq_kernel *out);

#endif
