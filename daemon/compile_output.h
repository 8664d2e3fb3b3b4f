/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile_output.h - files that are there whole or not at all, and files that nobody else ever sees. */
#ifndef SL_DAEMON_COMPILE_OUTPUT_H
#define SL_DAEMON_COMPILE_OUTPUT_H

#include <stdbool.h>

#include "base/err.h"

struct sl_output {
	int fd;       /* open for both; empty at first */
	char *path;   /* where it will be */
	char *temp;   /* beside it, where it waits for its name */
	bool unnamed; /* temp does not exist yet: nothing is left behind, whatever ends us */
};

/* Begins a file that will replace path. Its folder must exist, and path be a regular file if it is there at all.
 * Returns SL_OK, SL_ENOMEM, SL_ESYS with errno (EINVAL: path is something else than a file). */
int sl_output_open(const char *path, struct sl_output *out);
/* Puts it under its name, on the disk. SL_OK; SL_ESYS with errno: path is as it was. */
int sl_output_commit(struct sl_output *o);
/* Forgets it, where it was not committed. */
void sl_output_close(struct sl_output *o);

/* An empty file without a name in $TMPDIR, else /tmp; the caller's. -1 with errno. */
int sl_output_scratch(void);

#endif
