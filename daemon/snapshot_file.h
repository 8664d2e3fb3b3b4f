/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapshot_file.h - a snapshot that a descriptor leads to, mapped read-only and asked in place: all processes that map
 * it share its memory. */
#ifndef SL_DAEMON_SNAPSHOT_FILE_H
#define SL_DAEMON_SNAPSHOT_FILE_H

#include "base/err.h"
#include "policy/policy.h"

enum sl_snapshot_use {
	SL_SNAPSHOT_LOOK, /* pages come as they are asked for */
	SL_SNAPSHOT_JUDGE, /* all pages are fetched now, huge where the kernel gives them (Linux 6.1), so that no packet waits for
	                    * one; otherwise at least a copy of the prefilter is huge */
	SL_SNAPSHOT_SETTLE, /* a memory file is moved into huge pages, for all that map it later */
};

/* fd   borrowed, and not needed afterwards; a regular file that nobody shortens while it is mapped: a sealed memory
 *      file, or one that is only ever replaced
 * why  where it fails, what is wrong with it: a sentence for the operator, static or of strerror()
 * out  gives the mapping back when it is freed
 * Header and section table are verified, bodies are not (snapshot.h). Returns SL_OK, SL_ESYS with errno, and what
 * sl_snapshot_open() does. */
int sl_snapshot_file_map(int fd, enum sl_snapshot_use use, const char **why, struct sl_policy **out);

#endif
