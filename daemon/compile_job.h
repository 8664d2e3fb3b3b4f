/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile_job.h - lists in, a snapshot out, from descriptor to descriptor: what `sluice compile`, the compiler process and
 * the commands that judge by files have in common. */
#ifndef SL_DAEMON_COMPILE_JOB_H
#define SL_DAEMON_COMPILE_JOB_H

#include <jansson.h>

#include "daemon/compile_lists.h"

struct sl_compile_job {
	struct sl_list_source source;
	uint64_t memory;     /* bytes; 0: no limit */
	int spill;           /* an empty file for what does not fit into memory; -1: none */
	uint64_t generation; /* that the snapshot bears */
	bool fold;           /* policy-resolution line 10 */
};

struct sl_compile_job_stats {
	struct sl_list_source_stats lists;
	struct sl_compile_stats compile;
	struct sl_snapshot_info snapshot;
};

/* Reads the lists, writes the snapshot into out, a file that is empty and open for both, and verifies what was written,
 * every byte. Where out is a memory file that can be sealed it is sealed before that: what was verified cannot change.
 * The same lists in the same order give the same bytes, whatever the memory.
 * Returns SL_OK, or a failure, of which source.diag was told in full. */
int sl_compile_job_run(const struct sl_compile_job *job, int out, struct sl_compile_job_stats *stats);

/* Copies a snapshot that was kept in a file into out, seals it as above, and verifies every byte. */
int sl_compile_job_restore(int in, int out, const struct sl_diag *diag);

/* The same with one that a compiler of this program made and verified: that it is whole, and the one with this checksum, is enough.
 * out is sealed then, and empty where it fails. Returns SL_OK, or a failure, which was told. */
int sl_compile_job_take(int in, uint64_t checksum, int out, const struct sl_diag *diag);

/* As JSON, the caller's: of the snapshot bytes by part, keys, entries and what became of them; of each list how its lines
 * were read, and why some were refused. NULL when memory is short. */
json_t *sl_compile_job_report(const struct sl_compile_job *job, const struct sl_compile_job_stats *stats);

#endif
