/* SPDX-License-Identifier: GPL-2.0-or-later */
/* box.h - what a process shuts itself into before it reads a byte of anybody's: seccomp for what it may ask of the kernel,
 * Landlock for the files that it may still open. Both for ever, and for its children. docs/threat-model.md */
#ifndef SL_DAEMON_BOX_H
#define SL_DAEMON_BOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* What a box holds beside its list. */
enum sl_box_also {
	SL_BOX_THREADS = 1,    /* it may start threads, and never processes */
	SL_BOX_LOADS_CODE = 2, /* it maps executable memory, as who loads libraries does; others never do */
};

/* Calls by seccomp's numbers (SCMP_SYS). To them come mmap() and mprotect(), tgkill() of this very process, and what
 * fcntl() does without naming another one. What is not among them fails with EPERM; what no process of ours ever does, and a
 * taken-over one would (another program, another process's memory, another architecture's calls), kills. also: enum
 * sl_box_also. more: NULL, or adds rules of its own to the filter (scmp_filter_ctx) and says what seccomp_rule_add() did.
 * Returns SL_OK; SL_ESYS where the kernel has no such box. A build with sanitizers adds what their runtime calls. */
int sl_box_calls(const int *call, size_t n, unsigned also, int (*more)(void *filter));

struct sl_box_folder {
	const char *path; /* a file or a folder; one that is absent is left out */
	bool write;       /* and make, rename, remove */
};

/* Beyond files, where the kernel's Landlock knows of it: */
enum sl_box_reach {
	SL_BOX_ALONE,    /* no TCP (Linux 6.7) */
	SL_BOX_CONNECTS, /* TCP to others, and no port of its own */
};                       /* and, always, no signal and no abstract Unix socket of a process outside (6.12) */

/* Files below these, and nothing else of any file system. SL_OK; SL_ESYS where the kernel has no Landlock (before 5.13, or
 * not booted with it). What the kernel's version knows is asked of it, and all of that is denied. */
int sl_box_files(const struct sl_box_folder *folder, size_t n, enum sl_box_reach reach);

#endif
