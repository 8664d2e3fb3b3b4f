/* SPDX-License-Identifier: GPL-2.0-or-later */
/* unpack.h - packed bytes in pieces, plain bytes out: gzip (RFC 1952), xz, zstd (RFC 8878), or bytes as they are, told
 * apart by their first bytes and not by a name. Several members behind each other are one text, as their tools have it.
 * Memory is bounded: a buffer of the output, and what the format needs (gzip 32 KiB; xz and zstd at most 128 MiB, which
 * covers what their tools write without being asked for more). One thread. */
#ifndef SL_DAEMON_UNPACK_H
#define SL_DAEMON_UNPACK_H

#include "base/bytes.h"
#include "base/err.h"

enum { SL_UNPACK_HEAD = 6, SL_UNPACK_PIECE = 1 << 16 }; /* bytes that tell the format; most of one answer */

struct sl_unpack; /* opaque */

/* head  the first SL_UNPACK_HEAD bytes, or all there are
 * max   bytes that may come out of something packed; beyond it SL_ELIMIT, so that a small file cannot fill the machine
 * Returns SL_OK, SL_ENOMEM. */
int sl_unpack_new(struct sl_bytes head, uint64_t max, struct sl_unpack **out);
void sl_unpack_free(struct sl_unpack **u);
/* "gzip", "xz", "zstd" or "plain". */
const char *sl_unpack_format(const struct sl_unpack *u);

/* Takes what it wants off the head of *in. last: nothing comes behind *in.
 * out  what came out, valid until the next call; absent (p NULL) at the end of the text
 * Returns SL_OK; SL_EMORE when it wants more than *in, never if last; SL_EMALF when the bytes are broken or end too early;
 * SL_ELIMIT beyond max or where the format would need more memory; SL_ENOMEM. A failure sticks. */
int sl_unpack_step(struct sl_unpack *u, struct sl_bytes *in, bool last, struct sl_bytes *out);

#endif
