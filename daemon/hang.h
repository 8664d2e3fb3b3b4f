/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hang.h - which worker is alive and does not move? Arithmetic only: the supervisor looks (at the workers' signs of life in
 * shared memory, at their sockets, at the kernel's queues) and brings the time along.
 *
 * A worker hangs when packets wait for it and it has given no sign of life for `limit`. The time by which the supervisor itself
 * came late to look does not count: on a machine that stalls everybody stalls. A worker for which nothing waits sleeps. */
#ifndef SL_DAEMON_HANG_H
#define SL_DAEMON_HANG_H

#include "base/mono.h"
#include "daemon/shared.h"

/* What one worker looks like at one moment. */
struct sl_hang_sight {
	uint64_t life;    /* as sl_life_get() gave it */
	bool unread;      /* its socket has a message */
	uint64_t waiting; /* packets in its queues: not read, or read and not answered */
};

enum sl_hang_need {
	SL_HANG_SLEEP, /* nothing waits */
	SL_HANG_HELD, /* what waits is what it holds: it looks up at the deadline, or when its longest sleep is over */
	SL_HANG_WORK,
};

struct sl_hang_worker {
	uint64_t life;
	struct sl_mono since;   /* nothing has changed since then ... */
	struct sl_span late;    /* ... when the supervisor had been late by so much, all in all */
	enum sl_hang_need need; /* at the last look */
};

struct sl_hang {
	struct sl_span limit;
	struct sl_mono due;  /* the next look */
	struct sl_span late; /* how much too late all looks so far have come */
	unsigned workers;
	struct sl_hang_worker worker[SL_WORKERS_MAX];
};

/* A new engine begins: nothing is known of it. */
void sl_hang_begin(struct sl_hang *h, unsigned workers, struct sl_span limit, struct sl_mono now);
/* One look at all workers, at h->due or later; sets the next h->due: soon where something waits, a few times a second where not.
 * Returns the number of a worker that hangs, and in *quiet for how long; or -1. */
int sl_hang_look(struct sl_hang *h, const struct sl_hang_sight *sight, struct sl_mono now,
                 struct sl_span *quiet);

#endif
