/* SPDX-License-Identifier: GPL-2.0-or-later */
/* export_files.h - files of one folder that appear together: each is written under a temporary name, and all are renamed at
 * the end. What is not renamed is removed. One thread. */
#ifndef SL_DAEMON_EXPORT_FILES_H
#define SL_DAEMON_EXPORT_FILES_H

#include <stdio.h>
#include <sys/types.h>

#include "base/err.h"

enum { SL_EXPORT_FILES_MAX = 16 };

struct sl_export_files;

/* Makes dir where it is not there; borrowed. SL_OK, SL_ENOMEM, SL_ESYS. */
int sl_export_files_new(const char *dir, struct sl_export_files **out);
/* Opens a file of that name, which is borrowed, to write and read; NULL with errno. It is closed by commit() or free(). */
FILE *sl_export_files_open(struct sl_export_files *f, const char *name, mode_t mode);
/* Flushes and syncs all, renames all, syncs the folder. SL_OK, SL_ESYS. */
int sl_export_files_commit(struct sl_export_files *f);
void sl_export_files_free(struct sl_export_files **f);

#endif
