/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memory_use.h - how much memory a process has: what its allocator says (jemalloc's stats.*), and what the kernel says. */
#ifndef SL_DAEMON_MEMORY_USE_H
#define SL_DAEMON_MEMORY_USE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/util.h"

#define SL_MEMORY_USE(X)                                      \
	X(allocated, "by the program")                        \
	X(active, "pages that hold something allocated")      \
	X(resident, "pages that the allocator has in memory") \
	X(retained, "addresses kept for later, with no memory behind")

/* Bytes. All 0 where the allocator is not jemalloc: in a build with sanitizers. */
struct sl_memory_use {
#define X(name, doc) uint64_t name;
	SL_MEMORY_USE(X)
#undef X
} SL_ALIGNED;

/* Of this process. Each number is stored as a whole: out may be shared. Takes the allocator's locks, briefly: not for a worker. */
void sl_memory_use_read(struct sl_memory_use *out);

struct sl_resident {
	uint64_t anon, file, shmem; /* bytes: of its own, of files, shared */
};

/* Of any process (/proc/PID/status). SL_ENOENT: there is none. */
int sl_resident_read(pid_t pid, struct sl_resident *out);

#endif
