/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list_file.h - the text of a list file in pieces, unpacked where it is gzip, xz or zstd (unpack.h): a file of any size
 * takes two buffers of 64 KiB, and the supervisor's copy of a packed one stays packed. */
#ifndef SL_DAEMON_LIST_FILE_H
#define SL_DAEMON_LIST_FILE_H

#include "base/bytes.h"
#include "base/err.h"

struct sl_list_file; /* opaque; one thread */

/* fd is borrowed until close; the file is read from its first byte, wherever the descriptor stands, since another process
 * may share it. max: bytes that a packed file may hold.
 * Returns SL_OK, SL_ENOMEM, SL_ESYS with errno (a folder, a device, a read that failed). */
int sl_list_file_open(int fd, uint64_t max, struct sl_list_file **out);
void sl_list_file_close(struct sl_list_file **f);
/* The next piece, valid until the next call; absent (p NULL) at the end. Returns SL_OK, SL_ESYS, and what sl_unpack_step()
 * does for bytes that are broken (SL_EMALF), too many (SL_ELIMIT), or cannot be held (SL_ENOMEM). */
int sl_list_file_next(struct sl_list_file *f, struct sl_bytes *piece);
/* Bytes of the file that were read so far. */
uint64_t sl_list_file_at(const struct sl_list_file *f);
/* "gzip", "xz", "zstd" or "plain". */
const char *sl_list_file_format(const struct sl_list_file *f);

#endif
