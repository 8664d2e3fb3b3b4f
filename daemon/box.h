/* SPDX-License-Identifier: GPL-2.0-or-later */
/* box.h - what a process shuts itself into before it reads a byte of anybody's: seccomp for what it may ask of the kernel,
 * Landlock for the files that it may still open. Both for ever, and for its children. */
#ifndef SL_DAEMON_BOX_H
#define SL_DAEMON_BOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Calls by seccomp's numbers (SCMP_SYS); what is not among them fails with EPERM. more: NULL, or adds rules of its own to the
 * filter (scmp_filter_ctx) and says what seccomp_rule_add() did. Returns SL_OK; SL_ESYS where the kernel has
 * no such box. Under sanitizers it does nothing: their reports would be of the box. */
int sl_box_calls(const int *call, size_t n, int (*more)(void *filter));

struct sl_box_folder {
	const char *path; /* a file or a folder; one that is absent is left out */
	bool write;       /* and make, rename, remove */
};
/* Files below these, and nothing else of any file system. SL_OK; SL_ESYS where the kernel has no Landlock (before 5.13, or
 * not booted with it). */
int sl_box_files(const struct sl_box_folder *folder, size_t n);

#endif
