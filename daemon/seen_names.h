/* SPDX-License-Identifier: GPL-2.0-or-later */
/* seen_names.h - which names were asked for of late? A table in a memory file: the engine's log writer notes each, and a compiler
 * asks two policies about those of the last hour (dry_run.h). No client stands in it, and it never reaches a disk.
 * Sets of four entries behind a number each (base/seqlock.h): in a full set the oldest goes, so who floods names pushes out others'. */
#ifndef SL_DAEMON_SEEN_NAMES_H
#define SL_DAEMON_SEEN_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

enum { SL_SEEN_NAME_MAX = 239 }; /* bytes; a longer name is not kept */

struct sl_seen_names; /* opaque: a mapping */

/* An empty table of 16,384 names, 4 MiB, of which only what is used takes memory; a memory file whose size is sealed. -1: errno says why. */
int sl_seen_names_file(void);
/* fd is borrowed. SL_EMALF: it is no such file; SL_ESYS. */
int sl_seen_names_map(int fd, bool writable, struct sl_seen_names **out);
void sl_seen_names_unmap(struct sl_seen_names **names);
/* host  as it was sent; noted in lower case, without a dot at its end.  now_us  wall clock.  One process at a time writes; any read. */
void sl_seen_names_note(struct sl_seen_names *names, struct sl_bytes host, int64_t now_us);
/* Entry by entry: *at begins with 0. The name is copied into out; its length, 0 where there is no more. What another process wrote may
 * be any bytes. */
size_t sl_seen_names_next(const struct sl_seen_names *names, size_t *at, int64_t since_us,
                          char out[SL_SEEN_NAME_MAX]);

#endif
