/* SPDX-License-Identifier: GPL-2.0-or-later */
/* digest.h - SHA-256 of files, as hexadecimal digits. Any thread. */
#ifndef SL_DAEMON_DIGEST_H
#define SL_DAEMON_DIGEST_H

#include "base/bytes.h"
#include "base/err.h"

enum { SL_DIGEST_TEXT = 64 + 1 };

/* Of the whole file; where its descriptor stands does not matter and is left. SL_OK, SL_ENOMEM; SL_ESYS: it cannot be read, or is no
 * file with places to read from. */
int sl_digest_file(int fd, char out[SL_DIGEST_TEXT]);
/* Of texts and of files, in this order, so that no byte can move from one to another. Returns as above. */
int sl_digest_all(const struct sl_bytes *text, size_t texts, const int *fd, size_t files,
                  char out[SL_DIGEST_TEXT]);

#endif
