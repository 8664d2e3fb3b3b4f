/* SPDX-License-Identifier: GPL-2.0-or-later */
/* file.h - a whole file as bytes. */
#ifndef SL_DAEMON_FILE_H
#define SL_DAEMON_FILE_H

#include "base/bytes.h"
#include "base/err.h"

/* Maps what fd is open on, from its first byte to its last; fd may be closed afterwards. An empty file gives an empty view.
 * SL_ESYS with errno: a folder, a device, a file that cannot be mapped. */
int sl_file_map(int fd, struct sl_bytes *out);
void sl_file_unmap(struct sl_bytes *map); /* leaves an absent view behind */

#endif
