/* SPDX-License-Identifier: GPL-2.0-or-later */
/* file.h - a whole regular file as bytes. */
#ifndef SL_DAEMON_FILE_H
#define SL_DAEMON_FILE_H

#include "base/bytes.h"
#include "base/err.h"

/* Reads what fd is open on from its first byte, wherever it stands: the descriptor may be shared with another process
 * that reads as well. A file that shrinks meanwhile just ends earlier; a mapping would kill us.
 * out  written only on SL_OK; given back with sl_file_free()
 * Returns SL_OK, SL_ENOMEM, SL_ESYS with errno (a folder, a device, a read that failed). */
int sl_file_read(int fd, struct sl_bytes *out);
void sl_file_free(struct sl_bytes *text); /* leaves an absent view behind */

/* Opens a regular file for reading, one that is none (a pipe would block) not: -1, with errno. */
int sl_file_open(const char *path);
/* A sealed copy in memory, which nobody can change, as an administrator may the file. -1, with errno. */
int sl_file_copy(const char *path);

#endif
