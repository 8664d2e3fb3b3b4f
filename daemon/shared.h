/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shared.h - the memory that supervisor and engine share: counters that outlive an engine.
 * Made by the supervisor as a sealed memfd, mapped by every engine. One writer a line: worker i writes worker[i] and nobody
 * else does, and the supervisor, which reads them all, writes the pause. */
#ifndef SL_DAEMON_SHARED_H
#define SL_DAEMON_SHARED_H

#include <stdint.h>

#include "base/err.h"
#include "base/util.h"
#include "daemon/flow_log.h"
#include "daemon/memory_use.h"
#include "daemon/ne_stats.h"
#include "daemon/pause.h"
#include "daemon/verdict_counts.h"
#include "filter/stats.h"

enum {
	SL_WORKERS_MAX = 64,
	SL_LONGEST_SLEEP_US = 1000000, /* a worker looks up once a second, even if nothing comes */
};

/* A worker's sign of life, on a line of its own: it changes with every batch, and says how many packets the worker holds
 * undecided. Cost: one store a batch. */
struct sl_life {
	uint64_t word; /* signs given << 32 | packets held */
} SL_ALIGNED;

static inline void sl_life_sign(struct sl_life *life, size_t held)
{
	uint64_t signs = (__atomic_load_n(&life->word, __ATOMIC_RELAXED) >> 32) + 1;

	__atomic_store_n(&life->word, signs << 32 | (uint32_t)held, __ATOMIC_RELAXED);
}

static inline uint64_t sl_life_get(const struct sl_life *life)
{
	return __atomic_load_n(&life->word, __ATOMIC_RELAXED);
}

static inline uint64_t sl_life_held(uint64_t word)
{
	return (uint32_t)word;
}

struct sl_worker_shared {
	struct sl_life life;
	struct sl_filter_stats filter;
	uint64_t batches;
	uint64_t answers;       /* verdicts sent */
	uint64_t enobufs;       /* the queue socket overflowed */
	uint64_t errors;        /* verdicts refused by the kernel, messages without sense */
	uint64_t syn_overruns;  /* the socket of SYNs' copies overflowed */
	uint64_t syns_lost;     /* copies of SYNs that could not be read or kept */
	uint64_t send_retries;  /* verdicts for which the kernel had no memory at first */
	uint64_t resets;        /* servers of blocked connections told */
	uint64_t resets_failed; /* could not be told */
	uint64_t log_written;
	uint64_t log_dropped;
	uint64_t log_errors;                /* failed writes */
	uint64_t content[SL_NE_STAT_COUNT]; /* of a content filter */
	struct sl_verdict_counts verdicts;
	struct sl_pause_counts paused;
} SL_ALIGNED;

/* "packets" and so on. Static text. */
const char *sl_ne_stat_name(enum sl_ne_stat stat);

struct sl_shared {
	uint64_t layout; /* of the version that made it: another's would be read wrongly */
	uint32_t workers;
	struct sl_memory_use
	        engine_heap;   /* written by the engine's main thread, when it is asked (SL_IPC_MEMORY) */
	struct sl_pause pause; /* written by the supervisor alone */
	struct sl_worker_shared worker[SL_WORKERS_MAX];
} SL_ALIGNED;

/* The log's counters are the engine's, those of worker 0 outlive it: adds what is new. For the worker, and for who has ended it. */
void sl_shared_count_log(struct sl_worker_shared *worker, struct sl_flow_log *log);
/* A new zeroed one: its descriptor and its mapping. */
int sl_shared_new(uint32_t workers, int *fd, struct sl_shared **out);
/* Maps one that somebody else made; SL_EMALF when its size or its layout is another. */
int sl_shared_map(int fd, struct sl_shared **out);
void sl_shared_unmap(struct sl_shared **s);

#endif
